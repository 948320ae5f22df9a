"""Sums, differences and products, bare and in short word problems."""

from grmkit.nano.task import Belief, Content, Level, Remark, Task
from grmkit.nano.voice import Voice

SIGNS = {"plus": "+", "minus": "-", "times": "x"}


def draw(voice: Voice) -> Task:
    rng = voice.rng
    kind = rng.choice(tuple(SIGNS))
    a, b, result = _numbers(voice, kind)
    slots = {"p": voice.word("people"), "t": voice.word("things"), "c": voice.word("containers")}
    sum_text = f"{a} {SIGNS[kind]} {b}"

    def content(level: Level) -> Content:
        number = result if level == "good" else _near(voice, result, level)
        return Content(voice.phrase("number-says", n=number), number)

    return Task(
        request=voice.phrase(kind, a=a, b=b, r=voice.word("relations"), **slots),
        criterion="Accuracy",
        truth=_belief(sum_text, result),
        slip=_belief(sum_text, _near(voice, result, "bad")),
        content=content,
        steps=tuple(voice.phrases("number-steps", 4, a=a, b=b)),
    )


def _numbers(voice: Voice, kind: str) -> tuple[int, int, int]:
    """Two numbers and the result; those of the held-out range are larger."""
    rng, is_new = voice.rng, voice.is_shifted("numbers")
    if kind == "times":
        a, b = rng.randint(2, 9), rng.randint(13, 16) if is_new else rng.randint(2, 12)
        return a, b, a * b
    if kind == "plus":
        a, b = (rng.randint(50, 69), rng.randint(2, 49)) if is_new else (rng.randint(2, 49), rng.randint(2, 49))
        return a, b, a + b
    a = rng.randint(60, 79) if is_new else rng.randint(5, 59)
    b = rng.randint(2, a - 2)
    return a, b, a - b


def _near(voice: Voice, result: int, level: Level) -> int:
    """A wrong number: off by one, or by more."""
    offsets = (1, -1) if level == "middling" else (10, -10, 2, -2, 3, -3, 5, -5, 20, 11, -9)
    return voice.rng.choice([result + offset for offset in offsets if result + offset > 0])


def _belief(sum_text: str, result: int) -> Belief:
    def read(number: int) -> Remark:
        if number == result:
            return Remark(f"says {number}, right", 10)
        if abs(number - result) == 1:
            return Remark(f"says {number}, close", 5)
        return Remark(f"says {number}, wrong", 2)

    return Belief(f"{sum_text} = {result}.", read)
