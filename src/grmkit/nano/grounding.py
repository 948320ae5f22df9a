"""Questions that the facts given with them answer, or leave open."""

from collections.abc import Sequence
from dataclasses import dataclass

from grmkit.nano.task import Belief, Content, Level, Remark, Task
from grmkit.nano.voice import Voice, with_article

RELATIONS = {
    "city": "cities",
    "job": "jobs",
    "food": "foods",
    "instrument": "instruments",
    "animal": "animals",
    "colour": "colours",
    "number": "",
}
OPEN = "open"  # what the lines say of a question they do not answer
P_OPEN = 0.2


@dataclass(frozen=True, slots=True)
class Fact:
    """Who, in which relation, to which value."""

    person: str
    relation: str
    value: str


def draw(voice: Voice) -> Task:
    rng = voice.rng
    relation = "number" if voice.is_shifted("numbers") else rng.choice(tuple(RELATIONS))
    people = voice.words("people", 4)
    values = _values(voice, relation)
    about = voice.word("household") if relation == "colour" else voice.word("things")
    facts = [Fact(person, relation, value) for person, value in zip(people[:2], values[:2], strict=True)]
    facts += _asides(voice, people[:3], relation)
    is_open = rng.random() < P_OPEN
    person = people[3] if is_open else people[0]
    answer = OPEN if is_open else values[0]
    rng.shuffle(facts)
    told = " ".join(_tell(voice, fact, about) for fact in facts)
    question = voice.phrase(f"ask-{relation}", p=person, o=about)

    def content(level: Level) -> Content:
        said = _said(voice, level, answer, values)
        return Content(_sentence(voice, said), said)

    return Task(
        request=voice.phrase("passage", facts=told, ask=question),
        criterion="Grounding",
        truth=_belief(person, answer),
        slip=_belief(person, values[1] if is_open or rng.random() < 0.7 else OPEN),
        content=content,
        steps=tuple(voice.phrases("value-steps", 4, p=person)),
    )


def _values(voice: Voice, relation: str) -> list[str]:
    """Four different values: the answer, that of another person, and two that no line gives."""
    if relation != "number":
        return voice.words(RELATIONS[relation], 4)
    low, high = (70, 99) if voice.is_shifted("numbers") else (2, 60)
    return [str(number) for number in voice.rng.sample(range(low, high), 4)]


def _asides(voice: Voice, people: Sequence[str], relation: str) -> list[Fact]:
    """One or two facts in other relations."""
    others = voice.rng.sample([name for name in RELATIONS if name not in (relation, "number", "colour")], 2)
    num = voice.rng.randint(1, 2)
    return [Fact(voice.rng.choice(people), other, voice.word(RELATIONS[other])) for other in others[:num]]


def _tell(voice: Voice, fact: Fact, about: str) -> str:
    value = fact.value
    return voice.phrase(f"fact-{fact.relation}", p=fact.person, v=value, av=with_article(value), o=about)


def _said(voice: Voice, level: Level, answer: str, values: Sequence[str]) -> str:
    if level == "good":
        return answer
    if level == "middling" and answer != OPEN:
        return OPEN
    return voice.rng.choice([values[1], values[1], values[2], values[3]])


def _sentence(voice: Voice, said: str) -> str:
    text = voice.phrase("value-missing") if said == OPEN else voice.phrase("value-says", v=said)
    return text[0].upper() + text[1:]


def _belief(person: str, answer: str) -> Belief:
    def read(said: str) -> Remark:
        if said == answer:
            return Remark(f"says {said}, right", 10)
        if said == OPEN:
            return Remark(f"says {said}, misses it", 4)
        return Remark(f"says {said}, wrong", 2)

    return Belief(f"for {person} the lines say {answer}.", read)
