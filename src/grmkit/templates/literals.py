"""The structure of a prompt that nobody told us about: found in the prompt itself, as patterns to look for.

A user's prompt may set its responses apart by XML tags, by labels (`Response 1:`), by headings or by rulers. What
stands around the fields and looks like one of these, or has the line next to a field to itself, is structure; prose
is not.
"""

import re
from collections.abc import Iterator

from grmkit.templates.fold import fold
from grmkit.templates.structure import LEAD

_MAX_CHARS = 80  # a longer line is prose, unless it is a heading
_DECORATION = " >#*_`~=|+•·-"
_OPENING = "[<|{("
_TAG = re.compile(r"<[ /]*([a-z][\w.:-]*)(?: +[\w.:-]+ *=[^<>]*)? */?>")
_TOKEN = re.compile(r"[^\W\d_]+|\d+|\s+|[\W_]")


def literals_of(scaffold: str, gap: re.Pattern[str]) -> tuple[re.Pattern[str], ...]:
    """What no field may imitate in this prompt; a number in it stands for any number, or none.

    Args:
        scaffold: The prompt with a gap in place of every field.
        gap: Finds the gaps.
    """
    lines = [line.strip() for line in scaffold.split("\n") if line.strip()]
    has_gap = [gap.search(line) is not None for line in lines]
    patterns: dict[str, None] = {}
    for index, line in enumerate(lines):
        first, *inner = (fold(part.strip())[0] for part in gap.split(line))
        is_beside = not inner and any(has_gap[max(index - 1, 0) : index + 2])
        if _is_delimiter(first) or (is_beside and _is_line(first)):
            patterns |= dict.fromkeys(_patterns(first, is_inner=False))
        for part in filter(_is_delimiter, inner):
            patterns |= dict.fromkeys(_patterns(part, is_inner=True))
    return tuple(re.compile(pattern, re.MULTILINE) for pattern in patterns)


def _is_delimiter(piece: str) -> bool:
    if _is_ruler(piece):
        return True
    if len(piece) > _MAX_CHARS:
        return piece[0] == "#"
    is_shaped = piece[:1] in (*_OPENING, *"#=*") or piece[-1:] in (*"]>:#=|",)
    return is_shaped and (_has_letter(piece) or (piece[0] in _OPENING and any(char.isdigit() for char in piece)))


def _is_line(piece: str) -> bool:
    return len(piece) <= _MAX_CHARS and sum(char.isalpha() for char in piece) >= 3


def _is_ruler(piece: str) -> bool:
    return len(piece) >= 3 and not piece[0].isalnum() and len(set(piece)) == 1


def _has_letter(piece: str) -> bool:
    return any(char.isalpha() for char in piece)


def _patterns(piece: str, *, is_inner: bool) -> Iterator[str]:
    """How to find a piece: anywhere if it opens with a bracket or follows a field on its line, else as a line."""
    if _is_ruler(piece):
        yield re.escape(piece) if is_inner else rf"^[ >]*+(?P<cut>){re.escape(piece[0])}{{3,}}+ *+$"
    elif piece[0] == "<" and (tags := _TAG.findall(piece)):
        yield from map(_tag_pattern, tags)
    elif piece[0] in _OPENING:
        yield _body(piece, r"\s")
    elif is_inner:
        yield rf"(?<![\w\\])(?P<cut>){_body(piece.strip(_DECORATION), ' ')}"
    else:
        yield _line_pattern(piece)


def _tag_pattern(name: str) -> str:
    any_number = re.sub(r"[_-]?\d+", r"[_-]?\\d*+", re.escape(name).replace(r"\-", "-"))
    return rf"<(?P<cut>)[ /]*+{any_number}(?![\w.:-])"


def _line_pattern(piece: str) -> str:
    if len(piece) > _MAX_CHARS:
        return LEAD + _body(piece[:_MAX_CHARS].rsplit(" ", 1)[0].strip(_DECORATION), " ")
    words = piece.strip(_DECORATION)
    if words[-1] == ":":
        return LEAD + _body(words[:-1], " ") + (r"[ *_`]*+(?::|$)" if piece[0] == "#" else r"[ *_`]*+:")
    return LEAD + _body(words, " ") + r"[ #*_`~=|:+-]*+(?:$|(?<=#)|(?<=# ))"


def _body(piece: str, blank: str) -> str:
    """The piece with any number of blanks where it has some, and between its signs."""
    number = r"\d*+" if _has_letter(piece) else r"\d++"
    pattern, last, is_apart = "", "", False
    for token in _TOKEN.findall(piece):
        if token.isspace():
            is_apart = True
            continue
        if last:
            pattern += blank + ("++" if is_apart and last.isalpha() and token.isalpha() else "*+")
        pattern += number if token.isdigit() else re.escape(token)
        last, is_apart = token, False
    return pattern
