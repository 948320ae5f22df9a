"""Take a judge's answer apart: principles, analysis, and what follows its final Scores heading.

Headings drift between samples of one prompt (`Analysis:`, `**Analysis:**`, `### Analysis:`, `### Output:` before
the box), so they are recognised by their words alone, at the start of a line. One in a code block or a block quote
is somebody else's: a judge that quotes a response has not given its scores.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from grmkit.types import Principle

_FLAGS = re.MULTILINE | re.IGNORECASE
_LEAD = r"^[ \t#*_]*+"
_COLON = r"[ \t*_]*+[:：]?+[ \t*_]*+"
_COLON_OR_END = r"[ \t*_]*+(?:[:：][ \t*_]*+|$)"
_CRITERIA = re.compile(rf"{_LEAD}specific[ \t]++criteria(?![^\W_]){_COLON}", _FLAGS)
_ANALYSIS = re.compile(rf"{_LEAD}analysis{_COLON_OR_END}", _FLAGS)
_NOTE = r"(?:[ \t*_]*+\([^()\n]{0,60}\)(?=[ \t*_]*+[:：]))?+"  # Scores (1-10):
_SCORES = re.compile(
    rf"^[ \t#*_]*+(?P<bullet>[-•+][ \t]++[#*_]*+)?+(?P<words>(?:(?:final|overall)[ \t]++){{0,2}}scores?+)"
    rf"{_NOTE}{_COLON_OR_END}",
    _FLAGS,
)
_OUTPUT = re.compile(rf"{_LEAD}output{_COLON}\n(?=[\s$]*+\\(?:boxed|fbox))", _FLAGS)
_BEST = re.compile(rf"{_LEAD}best[ \t]++response{_COLON_OR_END}", _FLAGS)
_FENCE = re.compile(r"^[ \t]*+(?P<mark>`{3,}+|~{3,}+)(?P<info>[^\n]*+)", re.MULTILINE)

_NUMBER = r"[0-9]{1,3}[.)]"
_NAME = r"(?P<name>[^\s*:][^*\n:]{0,119}?)[*_]{0,3}+[ \t]{0,8}+"
_WEIGHT = (
    r"\([ \t]*+(?:weight(?:ing)?[ \t]*+[:=]?+[ \t]*+)?"
    r"(?P<weight>[0-9]{1,3}(?:\.[0-9]{1,4})?)[ \t]*+%(?:[ \t]++weight)?[ \t]*+\)"
)
_WEIGHTED = re.compile(rf"^[ \t]*+(?:{_NUMBER}|[-*•+](?=[ \t]))?+[ \t*_]*+{_NAME}{_WEIGHT}{_COLON}", _FLAGS)
_NUMBERED = re.compile(rf"^[ \t]*+{_NUMBER}[ \t]*+(?:[*_]*+{_NAME}:[ \t*_]*+)?", _FLAGS)
_BULLETED = re.compile(rf"^[ \t]*+[-*•+][ \t]++(?:[*_]*+{_NAME}:[ \t*_]*+)?", _FLAGS)
_RESPONSE = re.compile(
    rf"^[ \t]*+(?:(?:[-*•+]|{_NUMBER})[ \t]++)?+[#*_ \t]*+response[ \t]++#?+(?P<index>[0-9]{{1,4}}){_COLON_OR_END}",
    _FLAGS,
)


@dataclass(frozen=True, slots=True)
class Sections:
    """The parts of one answer; `scores` is all text after the final Scores heading, None without one."""

    criteria: str | None
    analysis: str | None
    scores: str | None


FindFinal = Callable[[str], re.Match[str] | None]
"""Finds the heading after which a judge's verdict stands."""


def find_scores(shown: str) -> re.Match[str] | None:
    """The last `Scores`, `Final Score` or `Output` heading; else the only `Overall Score`; else the only `Score`.

    One response's sub-scores come under `Score` and `Overall Score` too, so where there are several of these, none
    of them is final, and none that is an item of a list.
    """
    headings = list(_SCORES.finditer(shown))
    final = [match for match in headings if _is_final(match["words"].lower())]
    if final := [*final, *_OUTPUT.finditer(shown)]:
        return max(final, key=re.Match.start)
    single = [match for match in headings if match["bullet"] is None]
    overall = [match for match in single if "overall" in match["words"].lower()]
    return _only(overall or single)


def find_best(shown: str) -> re.Match[str] | None:
    """The last `Best Response` heading."""
    return max(_BEST.finditer(shown), key=re.Match.start, default=None)


def split_sections(answer: str, find_final: FindFinal = find_scores) -> Sections:
    """Cut an answer at its own headings."""
    answer = _unwrap(answer)
    shown = _without_fences(answer)
    head = find_final(shown)
    end = len(answer) if head is None else head.start()
    criteria, analysis = _CRITERIA.search(shown, 0, end), _ANALYSIS.search(shown, 0, end)
    return Sections(
        None if criteria is None else _between(answer[:end], criteria, analysis),
        None if analysis is None else answer[analysis.end() : end].strip() or None,
        None if head is None else answer[head.end() :],
    )


def read_principles(criteria: str | None) -> tuple[Principle, ...]:
    """The judge's criteria with their weights in percent, as far as they can be told apart."""
    if not criteria:
        return ()
    for pattern in (_WEIGHTED, _NUMBERED, _BULLETED):
        starts = list(pattern.finditer(criteria))
        if starts:
            return tuple(_principles_at(criteria, starts))
    return (Principle(criteria),)


def read_critiques(analysis: str | None, num_responses: int) -> tuple[str | None, ...] | None:
    """What the analysis says of each response, in the order shown; None where it does not tell them apart."""
    starts = [] if analysis is None else list(_RESPONSE.finditer(analysis))
    if analysis is None or not starts:
        return None
    parts: list[list[str]] = [[] for _ in range(num_responses)]
    for start, text in zip(starts, _texts(analysis, starts), strict=True):
        index = int(start["index"])
        if not 1 <= index <= num_responses:
            return None
        parts[index - 1].append(text)
    return tuple("\n".join(part) if part else None for part in parts)


def _is_final(words: str) -> bool:
    return words.endswith("s") or "final" in words


def _only(matches: list[re.Match[str]]) -> re.Match[str] | None:
    return matches[0] if len(matches) == 1 else None


def _fenced(text: str) -> list[tuple[int, int]]:
    """Where the code blocks are, fences included; one that never closes goes on to the end."""
    spans: list[tuple[int, int]] = []
    opened: re.Match[str] | None = None
    for fence in _FENCE.finditer(text):
        if opened is None:
            opened = fence if "`" not in fence["info"] else None
        elif fence["mark"].startswith(opened["mark"]) and not fence["info"].strip():
            spans.append((opened.start(), fence.end()))
            opened = None
    return spans if opened is None else [*spans, (opened.start(), len(text))]


def _unwrap(answer: str) -> str:
    """A judge may put its whole answer into one code block; then that block is the answer."""
    text = answer.strip()
    if not text.startswith(("```", "~~~")) or _fenced(text) != [(0, len(text))]:
        return answer
    body, _, last = text.partition("\n")[2].rpartition("\n")
    return body if last and not last.strip("`~ \t") else answer


def _without_fences(text: str) -> str:
    """The text with its code blocks blanked out, every other character in its place."""
    kept, start = [], 0
    for opening, end in _fenced(text):
        kept += [text[start:opening], "\0" * (end - opening)]
        start = end
    return "".join([*kept, text[start:]])


def _between(text: str, start: re.Match[str], end: re.Match[str] | None) -> str | None:
    stop = end.start() if end is not None and end.start() >= start.end() else len(text)
    return text[start.end() : stop].strip() or None


def _principles_at(criteria: str, starts: list[re.Match[str]]) -> list[Principle]:
    found = []
    for start, text in zip(starts, _texts(criteria, starts), strict=True):
        fields = start.groupdict()
        weight = fields.get("weight")
        name = (fields["name"] or "").strip(" \t*_.") or None
        found.append(Principle(text, name, None if weight is None else float(weight)))
    return found


def _texts(text: str, starts: list[re.Match[str]]) -> list[str]:
    ends = [start.start() for start in starts[1:]] + [len(text)]
    return [_tidy(text[start.end() : end]) for start, end in zip(starts, ends, strict=True)]


def _tidy(text: str) -> str:
    lines = (line.strip().removeprefix("- ").strip() for line in text.strip().split("\n"))
    return "\n".join(line for line in lines if line)
