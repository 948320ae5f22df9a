"""Answers whose parts stand between tags: `<rubric>`, `<eval>` and `<answer>`, or `<analysis>` and `<scores>`.

The verdict is the element that the answer ends with. One that the judge quotes further up is somebody else's.
"""

import re
from collections.abc import Callable

from grmkit.templates.sections import Sections

Verdict = tuple[float, ...] | str
"""One score per response in the order shown, or the reason why not."""

_SIGN = re.compile(r"</?[\w|]{1,40}>")  # tags that close or are left over after the verdict say nothing


def imitations(*names: str) -> re.Pattern[str]:
    """What no text may hold, in folded text: the tags of these names, opening or closing."""
    return re.compile(rf"<\s*+/?\s*+(?:{'|'.join(names)})\s*+>")


def split_tags(answer: str, *, criteria: str, analysis: str) -> Sections:
    """The parts of an answer that stand in the elements of these names."""
    return Sections(_inside(answer, criteria), _inside(answer, analysis), None)


def last_verdict(
    answer: str, name: str, read: Callable[[str], Verdict], *, window: int | None = None
) -> Verdict | None:
    """What the last element of this name says, or why that is no verdict; None if the answer does not end with it.

    Args:
        answer: What the judge wrote.
        name: The element's; it holds no other one.
        read: Makes a verdict of what stands inside, or says why there is none.
        window: How many characters at the end count; all if left out. Another element in there must say the same, or
            else it is `ambiguous`.
    """
    shown = answer.rstrip()
    found = list(re.finditer(rf"<{name}>([^<>]*+)</{name}>", shown if window is None else shown[-window:]))
    if not found or any(char.isalnum() for char in _SIGN.sub("", found[-1].string[found[-1].end() :])):
        return None
    said = [read(match[1]) for match in found]
    verdicts = {one for one in said if not isinstance(one, str)}
    return "ambiguous" if len(verdicts) > 1 else said[-1]


def _inside(answer: str, name: str) -> str | None:
    """What stands in the first element of this name; None if there is none, or it never closes."""
    _, _, rest = answer.partition(f"<{name}>")
    text, closed, _ = rest.partition(f"</{name}>")
    return text.strip() or None if closed else None
