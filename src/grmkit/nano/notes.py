"""Short notes to somebody about something: the content is easy, the manner counts."""

from grmkit.nano.task import Belief, Content, Level, Remark, Task
from grmkit.nano.voice import Voice


def draw(voice: Voice) -> Task:
    receivers, topics = voice.words("relations", 3), voice.words("topics", 3)
    receiver, topic = receivers[0], topics[0]

    def content(level: Level) -> Content:
        key = (receiver, topic)
        if level == "middling":
            key = voice.rng.choice(((receivers[1], topic), (receiver, topics[1])))
        elif level == "bad":
            key = (receivers[2], topics[2])
        return Content(voice.phrase("note-says", r=key[0], x=key[1]), key)

    slip = (receivers[1], topic) if voice.rng.random() < 0.5 else (receiver, topics[1])
    return Task(
        request=voice.phrase("note-ask", r=receiver, x=topic),
        criterion="Relevance",
        truth=_belief(receiver, topic),
        slip=_belief(*slip),
        content=content,
        steps=tuple(voice.phrases("note-steps", 4)),
    )


def _belief(receiver: str, topic: str) -> Belief:
    def read(key: tuple[str, str]) -> Remark:
        right = (key[0] == receiver) + (key[1] == topic)
        text = f"to {key[0]} {_mark(key[0] == receiver)} on {key[1]} {_mark(key[1] == topic)}"
        return Remark(text, (2, 5, 10)[right])

    return Belief(f"to {receiver} on {topic}.", read)


def _mark(is_right: bool) -> str:
    return "yes" if is_right else "no"
