"""Which of two outputs a judge calls the better one in words: `Output (a) is better`, or nothing but `Output (a)`.

Words can be turned around, so this reads no more than is said: a verdict that is denied, asked, doubted or reported of
somebody else names no winner, and an output that is only talked about does not either.
"""

import re
from typing import NamedTuple

_MANNER = (
    "(?:also|arguably|certainly|clearly|considerably|definitely|even|evidently|far|generally|indeed|marginally|much"
    "|notably|noticeably|obviously|overall|significantly|simply|slightly|somewhat|still|substantially|therefore|thus"
    "|ultimately|by far|a bit|a little)"
)
_DENIAL = "(?:n['’]t| not| no| never| hardly| scarcely| barely| neither)"
_BETTER = re.compile(
    rf"output \((?P<subject>[ab])\)\W{{0,8}}(?:is|was)(?: {_MANNER},?){{0,3}}(?P<not>{_DENIAL})?(?: {_MANNER}){{0,2}}"
    rf" (?:the )?(?:{_MANNER} )?better\b(?! (?:\w{{2,20}}ed|written|made|done)\b)"
    r"|better (?:output|one)\b[^.\n]{0,80}? is(?P<not_one> not)? output \((?P<object>[ab])\)"
)
_RIVAL = re.compile(
    r"output \(([ab])\)\W{0,8}(?:(?:is|was|remains) (?:\w{1,20} ){0,2}?(?:"
    r"the (?:\w{1,20} ){0,2}?(?:right|correct|best|better|winning|preferred|stronger|superior) "
    r"(?:one|choice|output|answer|option|response)|the (?:best|winner)|preferable|superior|preferred)|wins)\b"
    r"|\bi (?:would |will )?(?:choose|pick|prefer|select|go with) output \(([ab])\)"
)
_LABEL_LINE = re.compile(r"[^\w?:]*output \(([ab])\)[^\w?:]*")
_PART = re.compile(r"[.!?;,:\n]")
_SENTENCE = re.compile(r"[.!?](?=\s)|\n")
_CONTRAST = re.compile(r"\b(?:but|however|yet)\b")
_CONDITION = re.compile(r"\W*(?:if|unless|whether)\b")
_OPEN = re.compile(
    r"n['’]t\b|\b(?:not|no|cannot|neither|nor|either|or|whether|if|unless|hard|hardly|difficult|never|disagree\w*|den(?:y|ies)"
    r"|doubt\w*|false|untrue|wrong|wrongly|incorrect|incorrectly|mistaken\w*|reject\w*|refute\w*|unclear|unsure)\b"
)
_REPORT = re.compile(
    r"\b(?:argue|assert|believe|claim|conclude|contend|evaluate|hold|insist|maintain|read|say|state|think|write)s"
    r"\b\W*(?:that\b)?[^.!?;,:\n]*$"
)
_QUESTION = re.compile(r"[^.!?\n]{0,300}\?(?![\"'”’])")  # the mark is the sentence's own, not one of a quotation
_BEFORE = 300  # characters looked at before a statement


class _Said(NamedTuple):
    winner: str
    is_open: bool  # denied, asked or doubted: no winner is named
    start: int
    end: int


def read_output_label(answer: str) -> str:
    """`a` or `b`, or the reason why neither.

    The judge's last statement that one output is better counts. Where it said the same of the other one before, the
    last statement has to be the answer's conclusion; where it prefers the other one in other words, none counts.
    """
    text = answer.lower().strip()
    said = _statements(text)
    label = _LABEL_LINE.fullmatch(text.partition("\n")[0])
    if not said:
        lines = {match[1] for line in text.split("\n") if (match := _LABEL_LINE.fullmatch(line))}
        return label[1] if label and len(lines) == 1 else "no_verdict"
    last = said[-1]
    if last.is_open:
        return "no_verdict"
    rivals = [one.end for one in said if one.winner != last.winner and not one.is_open]
    is_contradicted = (label is not None and label[1] != last.winner) or _has_rival_after(text, last)
    if is_contradicted or (rivals and not _is_conclusion(text, last, max(rivals))):
        return "ambiguous"
    return last.winner


def _statements(text: str) -> list[_Said]:
    """What the judge itself says of "better", in the order of the text."""
    found = []
    for match in _BETTER.finditer(text):
        before = text[max(0, match.start() - _BEFORE) : match.start()]
        if not _REPORT.search(_SENTENCE.split(before)[-1]):
            is_open = match["not"] or match["not_one"] or _is_open(before) or _is_question(text, match.end())
            found.append(_Said(match["subject"] or match["object"], bool(is_open), match.start(), match.end()))
    return found


def _is_open(before: str) -> bool:
    sentence = _SENTENCE.split(before)[-1]
    clause = _PART.split(before)[-1]
    if clause.split()[:1] == ["that"]:  # it goes on after an insertion: look at what it depends on
        clause = sentence
    return _OPEN.search(clause) is not None or _CONDITION.match(sentence) is not None


def _is_question(text: str, end: int) -> bool:
    return _QUESTION.match(text, end) is not None


def _is_conclusion(text: str, last: _Said, rival_end: int) -> bool:
    """Whether the statement stands in the answer's last sentence, or in its last line with the rival above it."""
    after = text[last.end :]
    is_last_line = not _has_word(after.partition("\n")[2])
    is_last_sentence = not any(_has_word(part) for part in _SENTENCE.split(after)[1:])
    return is_last_sentence or (is_last_line and "\n" in text[rival_end : last.start])


def _has_rival_after(text: str, last: _Said) -> bool:
    """Whether the other output is preferred after all: in other words, or after a "but" in the same sentence."""
    after = text[last.end :]
    if any((match[1] or match[2]) != last.winner for match in _RIVAL.finditer(after)):
        return True
    sentence = _SENTENCE.split(after)[0]
    contrast = _CONTRAST.search(sentence)
    other = f"output ({'b' if last.winner == 'a' else 'a'})"
    return contrast is not None and other in sentence[contrast.end() :]


def _has_word(text: str) -> bool:
    return any(char.isalnum() for char in text)
