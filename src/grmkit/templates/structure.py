"""Keep text that is judged from passing for the prompt's own structure.

A response may hold a line that looks like the marker that ends it, a heading of the prompt, a final score or a
chat template's special token. Where it does, and only there, a backslash is put into the imitation; the offsets
are recorded, so that `restore` gives back the text exactly.

Imitations are looked for in the folded text, so every pattern here is in lower case, and a blank is a space; what the
group `caps` holds must have no lower-case letter in the text itself. All of them take time in proportion to the text:
what repeats is possessive (`*+`) or bounded, and never runs past the line it started in.
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
      | (?:start|begin|end)_of_[a-z0-9]{1,20}>            # Gemma, SmolVLM
      | [a-z0-9]{1,20}_soft_token>
      | (?:unused|extra_id_|special_|reserved_|reserved_special_token_|tokens_unused_)[0-9]{1,6}>
      | <?/?sys>                                          # Llama 2
    )
  | \[/?(?:inst|unk|pad|cls|sep|mask|gmask|think|args|img|prefix|middle|suffix|system_prompt)\]    # Mistral, BERT, GLM
  | \[/?(?:available_tools|tool_calls|tool_results|tool_content|call_id|unused_token_[0-9]{1,6})\]
  | \[(?:model_settings|control_[0-9]{1,6})\]
  | \[\|[^|\[\]\n]{1,64}\|\]                              # EXAONE
  | \]~!?[a-z]{1,4}[\[\]] | \[e~\[ | \]![a-z]{1,4}~\[     # MiniMax
  | ◁/?think▷                                             # Kimi
  | (?<!\w)</?(?=[a-z0-9]{1,63}_)[a-z0-9_]{2,64}>         # any other: <image_patch>, but not vector<my_type>
  | (?<![\w)\]])(?P<caps>\[/?[a-z]{2,32}_[a-z]{2,32}(?:_[a-z0-9]{1,32}){0,4}\])(?!\()    # [IMG_BREAK], not a[MAX_N]
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
    re.compile(
        rf"{LEAD}(?:(?:final|overall) ++){{0,2}}scores?+(?:(?:[ *_`]*+\([^()\n]{{0,60}}\))?+[ *_`]*+:|[ *_`#]*+$)",
        re.MULTILINE,
    ),
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
        new = {cut - bisect_left(places, cut) for cut in cuts_of(safe, patterns)}.difference(offsets)
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


def cuts_of(text: str, patterns: Iterable[re.Pattern[str]]) -> set[int]:
    """Where a backslash has to go so that the text looks like none of the patterns."""
    folded, where = fold(text)
    found = [match for pattern in patterns for match in pattern.finditer(folded) if _is_imitation(match, text, where)]
    cuts = (match.start("cut") if "cut" in match.re.groupindex else match.start() + 1 for match in found)
    return {cut if where is None else where[cut] for cut in cuts}


def _is_imitation(match: re.Match[str], text: str, where: Sequence[int] | None) -> bool:
    if "caps" not in match.re.groupindex or match["caps"] is None:
        return True
    start, end = match.span("caps")
    shown = text[start:end] if where is None else text[where[start] : where[end]]
    return not any(char.islower() for char in shown)
