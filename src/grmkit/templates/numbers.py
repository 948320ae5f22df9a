r"""Read the numbers a judge put after its Scores heading: `\boxed{8, 9}` and the shapes models write instead.

Strict on purpose: exactly one number per response, each in range, and no second opinion. Anything else is a
reason, never a guess. The shapes are those seen in published outputs (docs/papers.md, SPCT).
"""

import re
from collections.abc import Callable
from typing import NamedTuple

Numbers = tuple[float, ...] | str
"""One number per response, or the reason why not."""

_BOX = re.compile(r"\\(?:boxed|fbox)\s*+\{|\\[{}]|[{}]")
_BOX_START = re.compile(r"\\(?:boxed|fbox)")
_COMMAND = re.compile(r"\\(?:text|mathrm|mathbf|textbf|textrm|mathit|boxed|fbox)\s*+(?=\{)")
_NOISE = re.compile(r"\\[,;:! ]|\\q?quad|\\[{}()\[\]]|[$*`{}()\[\]]|(?<=,)~")
_SEPARATORS = str.maketrans("，、；：", ",,;:")
_BULLET = re.compile(r"^[ \t]*+[-•*+][ \t]++", re.MULTILINE)
_BLANK_LINE = re.compile(r"\n[ \t]*+(?:\n|$)")
_PARAGRAPH = re.compile(r"\n(?=[ \t]*+(?:\n|$|```|~~~|#|-{3}|\*{3}))")  # what starts another one: a blank line, a fence
_NOT_PROSE = re.compile(
    r"</?[a-z][^<>\n]{0,40}>|<\|[^<>\n]{0,40}\|>|\bresponse \#?[0-9]{1,4}\b|\b(?:points?|and|out of)\b", re.I
)
_LABEL = re.compile(r"response #?([0-9]{1,4})", re.IGNORECASE)
_BEFORE_BOX = re.compile(  # what may stand before a verdict's box on its line: signs, whose it is, or a heading
    r"""[^\w=]*+
        (?:(?:and|response[ ]\#?[0-9]{1,4}|(?:(?:the|final|overall)[ ]){0,3}scores?+(?:[ ]are|[ ]is)?+)[^\w=]*+)?""",
    re.VERBOSE | re.IGNORECASE,
)
_ITEM = re.compile(  # blanks have been made single
    r"""(?:(?:response|answer|assistant|output|score)?[ ]?\#?(?P<label>[0-9]{1,4})?[ ]?[:=][ ]?)?
        (?P<number>[+-]?[0-9]{1,9}(?:\.[0-9]{1,9})?)
        (?:[ ]?/[ ]?(?P<scale>[0-9]{1,9}))?
        (?:[ ]?points?)?\.?""",
    re.VERBOSE | re.IGNORECASE,
)
_INDEX = re.compile(r"(?:(?:response|answer|assistant|output) )?#?([0-9]{1,4})\.?", re.IGNORECASE)


class _Box(NamedTuple):
    content: str
    lead: str  # the text since the box before, or since the heading
    is_own: bool  # it stands where a verdict stands, and not in a sentence
    end: int  # where the text goes on after it


def read_numbers(text: str, num_responses: int, score_range: tuple[float, float]) -> Numbers:
    """The scores in what follows the heading, in the order shown, or the reason why there are none."""

    def read(content: str) -> Numbers:
        return _from_list(content, num_responses, score_range)

    boxes = _boxes(text)
    own = [box for box in boxes if box.is_own]
    if num_responses > 1 and len(own) == num_responses and all(len(_items(box.content)) == 1 for box in own):
        if not _is_in_order(own):
            return "ambiguous"
        together = ",".join(_plain(box.content) for box in own)
        boxes = [_Box(together, "", is_own=True, end=own[-1].end), *(box for box in boxes if not box.is_own)]
    return _one_verdict(text, boxes, read)


def read_index(text: str, num_responses: int) -> Numbers:
    """The number of the best response in what follows the heading, or the reason why there is none."""
    return _one_verdict(text, _boxes(text), lambda content: _from_index(content, num_responses))


def _one_verdict(text: str, boxes: list[_Box], read: Callable[[str], Numbers]) -> Numbers:
    """What the verdict's box says, or else the words after the heading; unless something else is said as well.

    Where prose goes on in the same paragraph, the verdict may be one that the judge only quotes.
    """
    own = {read(box.content) for box in boxes if box.is_own}
    written = _from_paragraph(text, read)
    if len(own) > 1:
        return "ambiguous"
    numbers = own.pop() if own else written
    others = {written, *(read(box.content) for box in boxes)}
    is_disputed = any(other != numbers for other in others if not isinstance(other, str))
    end = max((box.end for box in boxes if box.is_own), default=_paragraph_end(text))
    is_doubtful = is_disputed or _goes_on_in_prose(text[end:])
    return "ambiguous" if is_doubtful and not isinstance(numbers, str) else numbers


def _goes_on_in_prose(after: str) -> bool:
    rest = _NOT_PROSE.sub("", _PARAGRAPH.split(after, maxsplit=1)[0])
    return any(char.isalpha() for char in rest)


def _from_paragraph(text: str, read: Callable[[str], Numbers]) -> Numbers:
    paragraph = text[: _paragraph_end(text)].strip()
    if not paragraph.strip("*_# \t"):
        return "no_scores"
    return "not_a_number" if _BOX_START.search(paragraph) else read(_BULLET.sub("", paragraph))


def _boxes(text: str) -> list[_Box]:
    r"""All boxes that close, outermost first; the inside of one that does not is no verdict."""
    spans: list[tuple[int, int, int]] = []
    opened: list[re.Match[str]] = []
    for sign in _BOX.finditer(text):
        if sign[0] == "}" and opened:
            start = opened.pop()
            if start[0] != "{":
                while spans and spans[-1][0] > start.start():
                    spans.pop()
                spans.append((start.start(), start.end(), sign.start()))
        elif sign[0][-1] == "{" and sign[0] != r"\{":
            opened.append(sign)
    return _described(text, spans)


def _described(text: str, spans: list[tuple[int, int, int]]) -> list[_Box]:
    boxes: list[_Box] = []
    last, is_own = 0, True
    for start, inside, end in spans:
        line_start = text.rfind("\n", last, start) + 1
        before = text[line_start or last : start]
        is_own = _BEFORE_BOX.fullmatch(before) is not None and (is_own or line_start > 0)
        boxes.append(_Box(text[inside:end], text[last:start], is_own, end + 1))
        last = end + 1
    return boxes


def _is_in_order(boxes: list[_Box]) -> bool:
    """Whether boxes with one score each come in the order of the responses they are said to be for."""
    named = [_LABEL.findall(box.lead)[-1:] for box in boxes]
    return all(label in ([], [str(position)]) for position, label in enumerate(named, start=1))


def _from_list(text: str, num_responses: int, score_range: tuple[float, float]) -> Numbers:
    items = _items(text)
    found = [match for item in items if (match := _ITEM.fullmatch(item))]
    low, high = score_range
    if len(found) < len(items) or any(match["scale"] and float(match["scale"]) != high for match in found):
        return "not_a_number"
    if len(found) != num_responses:
        return "wrong_count"
    numbers = _in_label_order(found)
    if numbers is None:
        return "ambiguous"
    return numbers if all(low <= number <= high for number in numbers) else "out_of_range"


def _from_index(text: str, num_responses: int) -> Numbers:
    items = _items(text)
    found = [match for item in items if (match := _INDEX.fullmatch(item))]
    if len(found) < len(items):
        return "not_a_number"
    if len(found) != 1:
        return "wrong_count"
    index = int(found[0][1])
    return (float(index),) if 1 <= index <= num_responses else "out_of_range"


def _in_label_order(matches: list[re.Match[str]]) -> tuple[float, ...] | None:
    """`Response 2: 9, Response 1: 8` names its responses: go by the names, if they are all there exactly once."""
    labels = [match["label"] for match in matches]
    numbers = [float(match["number"]) for match in matches]
    if all(label is None for label in labels):
        return tuple(numbers)
    by_label = {int(label): number for label, number in zip(labels, numbers, strict=True) if label is not None}
    if sorted(by_label) != list(range(1, len(matches) + 1)):
        return None
    return tuple(by_label[label] for label in sorted(by_label))


def _items(text: str) -> list[str]:
    """The list's items: one per line, or set apart by semicolons, or else by commas; never by two of these.

    A line that ends with a comma goes on in the next. With both signs, `8,5; 9` are decimals, not three numbers.
    """
    lines = [line.strip() for line in _plain(text).rstrip(",;").split("\n") if line.strip()]
    if not all(line[-1] in ",;" for line in lines[:-1]):
        return [" ".join(line.strip(",;").split()) for line in lines]
    joined = " ".join(lines)
    return [" ".join(item.split()) for item in joined.split(";" if ";" in joined else ",")]


def _plain(text: str) -> str:
    """Without the markup; what was apart stays apart."""
    return _NOISE.sub(" ", _COMMAND.sub(" ", text)).translate(_SEPARATORS).strip()


def _paragraph_end(text: str) -> int:
    """Where the heading's own line ends, or if it holds nothing else, the paragraph under it."""
    line_end = text.find("\n")
    if line_end < 0 or text[:line_end].strip(" \t*_#"):
        return len(text) if line_end < 0 else line_end
    start = len(text) - len(text[line_end:].lstrip())
    end = _BLANK_LINE.search(text, start)
    return len(text) if end is None else end.start()
