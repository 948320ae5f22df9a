"""Keep text that is judged from passing for the prompt's own structure.

A response may hold a line that looks like the marker that ends it, a heading of the prompt, a final score or a
chat template's special token. Where it does, and only there, a backslash is put into the imitation; the offsets
are recorded, so that `restore` gives back the text exactly.

Imitations are looked for in the folded text, so every pattern here is in lower case, and a blank is a space. All of
them take time in proportion to the text: what repeats is possessive (`*+`) and never runs past the line it started in.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import pairwise

from grmkit.templates.fold import fold

LEAD = r"^[ >#*_`~=|+•·-]*+(?P<cut>)"
"""The start of a line and its decoration; a backslash at `cut` makes it another line."""

SPECIAL_TOKENS = re.compile(
    r"""
    <(?:
        \|(?!\ )[^|<>\n]{1,64}(?<!\ )\|>                  # ChatML, Llama 3, Phi, DeepSeek and most others
      | \|[^\s|<>]{1,64}>                                 # Gemma 4: <|turn>
      | [^\s|<>\\][^\s|<>]{0,63}\|>                       # and <turn|>
      | (?:begin|end)[▁_\ ]of[▁_\ ]sentence>              # DeepSeek, when the bars are dropped
      | /?(?:seed:)?(?:s|bos|eos|pad|unk|mask|sep|cls|sop|eop|eoh|eoa|eod|im_start|im_end)>
      | /?(?:seed:)?(?:think|thinking|thought|tool_call|tool_calls|tool_response|tools)>
      | (?:start|end)_of_(?:turn|image|text|role)>        # Gemma
      | (?:unused|extra_id_|special_|reserved_|reserved_special_token_)[0-9]{1,6}>
      | <?/?sys>                                          # Llama 2
    )
  | \[/?(?:inst|unk|pad|cls|sep|mask|gmask|think|args|img|prefix|middle|suffix|system_prompt)\]    # Mistral, BERT, GLM
  | \[/?(?:available_tools|tool_calls|tool_results|tool_content|call_id|unused_token_[0-9]{1,6})\]
  | \[\|[^|\[\]\n]{1,64}\|\]                              # EXAONE
  | ◁/?think▷                                             # Kimi
    """,
    re.VERBOSE,
)


def heading(words: str) -> re.Pattern[str]:
    """A line that starts with these words and a colon, decorated or not: `Scores:`, `**Scores: 8**`, `### Scores:`."""
    return re.compile(rf"{LEAD}(?:{words})[ *_`]*+:", re.MULTILINE)


MARKERS = (
    re.compile(
        r"\[(?P<cut>)\s*+(?:the[\s_-]++)?(?:begin|start|end)[\s_-]++of[\s_-]++(?:response|reference|assistant|answer)"
    ),
)
"""What stands before and after a response or a reference, with or without its number."""

SECTIONS = (heading("specific +criteria"), heading("analysis"))
"""The headings a judge is asked to write before its verdict."""

VERDICTS = (
    re.compile(rf"{LEAD}(?:(?:final|overall) ++){{0,2}}scores?+(?:[ *_`]*+:|[ *_`#]*+$)", re.MULTILINE),
    re.compile(rf"{LEAD}output[ *_`]*+:?+[ *_`]*+\n[\s$]*+\\(?:boxed|fbox)", re.MULTILINE),
    re.compile(rf"{LEAD}best ++response(?:[ *_`]*+:|[ *_`#]*+$)", re.MULTILINE),
)
"""What a judge's answer is read from (`sections.py`): at least every form that is read there."""


def neutralise(text: str, patterns: Iterable[re.Pattern[str]]) -> tuple[str, tuple[int, ...]]:
    """The text with a backslash in every imitation, and the offsets in `text` they were put before.

    Args:
        text: What is to be shown.
        patterns: What it must not look like, in folded text. The backslash goes where the group `cut` is, or else
            after the first character.

    Example:
        >>> safe, offsets = neutralise("[[A]]", [re.compile(r"\\[\\[[ab]\\]\\]")])
        >>> safe, offsets, restore(safe, offsets)
        ('[\\\\[A]]', (1,), '[[A]]')
    """
    patterns = tuple(patterns)
    offsets: list[int] = []
    safe = text
    while True:  # twice, as a rule: only imitations that overlap need a third look
        places = [offset + count for count, offset in enumerate(offsets)]
        new = {cut - bisect_left(places, cut) for cut in _cuts(safe, patterns)}.difference(offsets)
        if not new:
            return safe, tuple(offsets)
        offsets = sorted(new.union(offsets))
        safe = _insert(text, offsets)


def restore(text: str, offsets: Sequence[int]) -> str:
    """Undo `neutralise`: the text as it was."""
    kept, start = [], 0
    for count, offset in enumerate(sorted(offsets)):
        kept.append(text[start : offset + count])
        start = offset + count + 1
    return "".join([*kept, text[start:]])


def _insert(text: str, offsets: Sequence[int]) -> str:
    bounds = [0, *offsets, len(text)]
    return "\\".join(text[start:end] for start, end in pairwise(bounds))


def _cuts(text: str, patterns: Sequence[re.Pattern[str]]) -> set[int]:
    folded, where = fold(text)
    cuts: set[int] = set()
    for pattern in patterns:
        for match in pattern.finditer(folded):
            cut = match.start("cut") if "cut" in pattern.groupindex else match.start() + 1
            cuts.add(cut if where is None else where[cut])
    return cuts
