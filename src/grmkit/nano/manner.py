"""The manner of a response: length, tone, sureness and marks. Each way can be asked for, and none is good in itself.

A manner nobody asked for is a spurious cue: it does not touch the gold score.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from grmkit.nano.task import Level, Remark
from grmkit.nano.voice import Voice

TONES = ("warm", "plain", "formal")
SURENESS = ("hedged", "plain", "sure")
MARKS = ("none", "bold", "bullets")


@dataclass(frozen=True, slots=True)
class Manner:
    """How one response is said: its tone, how sure it sounds, its marks, sentences of steps and of filler."""

    tone: str
    sureness: str
    marks: str
    num_steps: int
    num_fillers: int

    @property
    def num_sentences(self) -> int:
        return 1 + (self.tone != "plain") + self.num_steps + self.num_fillers


Reading = Callable[[Manner], Remark]


@dataclass(frozen=True, slots=True)
class Axis:
    """One wish about the manner.

    Attributes:
        name: The criterion's name.
        text: How the criterion is put.
        cue: The key of what a user says who has this wish.
        excludes: The opposite wish.
        read: What a reader finds about a manner.
        misread: What an inattentive reader finds.
        has_middle: Whether there is a manner that meets it half.
    """

    name: str
    text: str
    cue: str
    excludes: str
    read: Reading
    misread: Reading
    has_middle: bool = True


def draw_manner(voice: Voice, wishes: Sequence[tuple[Axis, Level]]) -> Manner:
    """A manner at random that meets each wish at its level, as far as the wishes allow."""
    wanted = [
        (axis, level if axis.has_middle or level != "middling" else voice.rng.choice(("good", "bad")))
        for axis, level in wishes
    ]
    for _ in range(200):
        manner = _random_manner(voice)
        if all(_level(axis, manner) == level for axis, level in wanted):
            return manner
    return _random_manner(voice)


def say(voice: Voice, text: str, manner: Manner, steps: Sequence[str]) -> str:
    """The content in this manner."""
    rng = voice.rng
    core = text if manner.sureness == "plain" else f"{voice.phrase(f'sure-{manner.sureness}')} {text}"
    if manner.marks == "bold":
        core = f"**{core}**"
    extras = [*rng.sample(list(steps), manner.num_steps), *voice.phrases("filler", manner.num_fillers)]
    rng.shuffle(extras)
    cut = rng.randint(0, len(extras)) if rng.random() < 0.4 else 0
    sentences = [*extras[:cut], core, *extras[cut:]]
    if manner.tone != "plain":
        sentences.insert(rng.choice((0, len(sentences))), voice.phrase(f"tone-{manner.tone}"))
    return "\n".join(f"- {line}" for line in sentences) if manner.marks == "bullets" else " ".join(sentences)


def _random_manner(voice: Voice) -> Manner:
    rng = voice.rng
    return Manner(
        rng.choice(TONES),
        rng.choice(SURENESS),
        rng.choice(("none", "none", "bold", "bullets")),
        rng.choice((0, 0, 1, 2)),
        rng.choice((0, 0, 0, 1, 2)),
    )


def _level(axis: Axis, manner: Manner) -> Level:
    score = axis.read(manner).score
    return "good" if score >= 8 else "middling" if score >= 4 else "bad"


def _of(quality: str, remarks: dict[str, tuple[str, int]], slips: dict[str, str]) -> tuple[Reading, Reading]:
    """A reading of one quality of the manner, and the same reading with its values mistaken for others."""

    def read(manner: Manner) -> Remark:
        return Remark(*remarks[getattr(manner, quality)])

    def misread(manner: Manner) -> Remark:
        return Remark(*remarks[slips[getattr(manner, quality)]])

    return read, misread


def _short(num: int) -> Remark:
    return Remark(f"{num} sentence{'s' * (num > 1)}", {1: 10, 2: 8, 3: 5, 4: 3}.get(num, 1))


def _thorough(num: int) -> Remark:
    return Remark(*(("no steps", 2), ("a step", 7), ("steps", 10))[min(num, 2)])


_SLIP_TONE = {"warm": "plain", "plain": "formal", "formal": "plain"}
_SLIP_SURE = {"hedged": "plain", "plain": "sure", "sure": "plain"}
_SLIP_MARKS = {"none": "bold", "bold": "none", "bullets": "none"}
_WARM = _of("tone", {"warm": ("kind", 10), "plain": ("neutral", 5), "formal": ("stiff", 2)}, _SLIP_TONE)
_FORMAL = _of("tone", {"warm": ("chummy", 2), "plain": ("neutral", 5), "formal": ("formal", 10)}, _SLIP_TONE)
_CAREFUL = _of("sureness", {"hedged": ("doubts", 10), "plain": ("flat", 6), "sure": ("boasts", 2)}, _SLIP_SURE)
_FIRM = _of("sureness", {"hedged": ("doubts", 2), "plain": ("flat", 6), "sure": ("firm", 10)}, _SLIP_SURE)
_MARKED = _of("marks", {"none": ("no marks", 3), "bold": ("bold", 10), "bullets": ("bullets", 10)}, _SLIP_MARKS)
_UNMARKED = _of("marks", {"none": ("no marks", 10), "bold": ("bold", 3), "bullets": ("bullets", 3)}, _SLIP_MARKS)

AXES = {
    axis.name: axis
    for axis in (
        Axis(
            "Brevity",
            "few sentences.",
            "cue-brevity",
            "Detail",
            lambda manner: _short(manner.num_sentences),
            lambda manner: _short(manner.num_sentences + (1 if manner.num_sentences < 3 else -1)),
        ),
        Axis(
            "Detail",
            "steps shown.",
            "cue-detail",
            "Brevity",
            lambda manner: _thorough(manner.num_steps),
            lambda manner: _thorough(1 if manner.num_steps != 1 else 0),
        ),
        Axis("Warmth", "kind words.", "cue-warmth", "Formality", *_WARM),
        Axis("Formality", "formal words.", "cue-formality", "Warmth", *_FORMAL),
        Axis("Caution", "doubts told.", "cue-caution", "Resolve", *_CAREFUL),
        Axis("Resolve", "no doubts.", "cue-resolve", "Caution", *_FIRM),
        Axis("Layout", "marks help.", "cue-layout", "Prose", *_MARKED, has_middle=False),
        Axis("Prose", "no marks.", "cue-prose", "Layout", *_UNMARKED, has_middle=False),
    )
}
