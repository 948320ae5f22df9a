"""What is to be judged: a query, its responses, and what is known about them."""

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

ROLES = ("system", "developer", "user", "assistant", "tool")


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function the assistant asked for; `arguments` is the JSON text as it was written."""

    name: str
    arguments: str

    def __post_init__(self) -> None:
        _check_text(self.name, "tool call's name")
        _check_text(self.arguments, "tool call's arguments")

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Read a call in our own form or in the OpenAI form (`{"function": {...}}`).

        Raises:
            ValueError: If there is no name, or the arguments are not JSON.
        """
        inner = value.get("function", value) if isinstance(value, Mapping) else None
        if not isinstance(inner, Mapping) or not isinstance(inner.get("name"), str):
            raise ValueError(f"tool call is {_shown(value)}; expected an object with 'name' and 'arguments'")
        return cls(inner["name"], _arguments_of(inner.get("arguments")))

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "arguments": self.arguments}


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation. Content is text; images are refused."""

    role: str
    content: str
    name: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise ValueError(f"role is {self.role!r}; expected one of {', '.join(ROLES)}")
        _check_text(self.content, "content")
        if self.name is not None:
            _check_text(self.name, "name")
        object.__setattr__(self, "tool_calls", _tuple_of(self.tool_calls, "tool_calls", ToolCall))

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Read a chat message; content may be text, null beside tool calls, or a list of text parts.

        Raises:
            ValueError: If a part is not text (an image, say) or the role is unknown.
        """
        if not isinstance(value, Mapping) or "role" not in value:
            raise ValueError(f"message is {_shown(value)}; expected an object with 'role' and 'content'")
        calls = tuple(ToolCall.from_json(call) for call in _list_of(value.get("tool_calls") or [], "tool_calls"))
        content = value.get("content")
        if content is None and calls:
            content = ""
        return cls(value["role"], _text_of(content), value.get("name"), calls)

    def to_json(self) -> dict[str, Any]:
        out: dict[str, Any] = {"role": self.role, "content": self.content}
        if self.name is not None:
            out["name"] = self.name
        if self.tool_calls:
            out["tool_calls"] = [call.to_json() for call in self.tool_calls]
        return out


@dataclass(frozen=True, slots=True)
class Principle:
    """One criterion a response is judged by; `weight` is in percent when the judge gave one."""

    text: str
    name: str | None = None
    weight: float | None = None

    def __post_init__(self) -> None:
        _check_text(self.text, "principle's text")
        if self.name is not None:
            _check_text(self.name, "principle's name")
        if self.weight is not None and not _is_number(self.weight):
            raise ValueError(f"principle's weight is {_shown(self.weight)}; expected a number, in percent")

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Read `{"text", "name", "weight"}`, or a plain string as the text.

        Raises:
            ValueError: If it is neither, or has unknown fields.
        """
        if isinstance(value, str):
            return cls(value)
        if not isinstance(value, Mapping) or not isinstance(value.get("text"), str):
            raise ValueError(f"principle is {_shown(value)}; expected a string or an object with 'text'")
        if unknown := [key for key in value if key not in ("text", "name", "weight")]:
            raise ValueError(f"principle has unknown field {unknown[0]!r}; expected text, name, weight")
        return cls(value["text"], value.get("name"), value.get("weight"))

    def to_json(self) -> dict[str, Any]:
        return {"text": self.text, "name": self.name, "weight": self.weight}


@dataclass(frozen=True, slots=True)
class Example:
    """A query with the responses to be judged.

    Args:
        query: What the user asked: text, or the conversation up to the response.
        responses: One or more candidate answers, as text.
        reference: A known good response, if there is one.
        principles: Criteria to judge by; none means the judge writes its own.
        label: The index of the best response, or one gold score per response.
        id: Names the example in files and reports; unique within a run.
        meta: Anything else to carry along, JSON values only; never shown to a judge.

    Raises:
        ValueError: If a field has the wrong shape; the message names the field.
    """

    query: str | tuple[Message, ...]
    responses: tuple[str, ...]
    reference: str | None = None
    principles: tuple[Principle, ...] = ()
    label: int | tuple[float, ...] | None = None
    id: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:  # lists are taken as well, and kept as tuples
        if not self.query:
            raise ValueError("query is empty; expected text or messages")
        if not isinstance(self.query, str):
            object.__setattr__(self, "query", _tuple_of(self.query, "query", Message))
        object.__setattr__(self, "responses", _tuple_of(self.responses, "responses", str))
        object.__setattr__(self, "principles", _tuple_of(self.principles, "principles", Principle))
        object.__setattr__(self, "label", _label_of(self.label))
        object.__setattr__(self, "meta", _meta_of(self.meta))
        if not self.responses:
            raise ValueError("responses is empty; expected at least one response")
        if self.reference is not None:
            _check_text(self.reference, "reference")
        _check_text(self.id, "id")
        _check_label(self.label, len(self.responses))

    @property
    def best(self) -> int | None:
        """Index of the labelled best response; None if unlabelled or if the gold scores tie at the top."""
        if self.label is None or isinstance(self.label, int):
            return self.label
        top = max(self.label)
        return self.label.index(top) if self.label.count(top) == 1 else None

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Read the object `to_json` writes; unknown fields are refused.

        Raises:
            ValueError: If a field is missing, unknown or of the wrong shape.
        """
        if not isinstance(value, Mapping):
            raise ValueError(f"row is {_shown(value)}; expected an object")
        known = ("query", "responses", "reference", "principles", "label", "id", "meta")
        unknown = [key for key in value if key not in known]
        if unknown:
            raise ValueError(f"unknown field {unknown[0]!r}; expected {', '.join(known)}")
        for key in ("query", "responses"):
            if value.get(key) is None:
                raise ValueError(f"{key} is missing; expected {'text or messages' if key == 'query' else 'a list'}")
        return cls(
            _query_of(value["query"]),
            tuple(_list_of(value["responses"], "responses")),
            value.get("reference"),
            tuple(Principle.from_json(item) for item in _list_of(value.get("principles") or [], "principles")),
            _label_of(value.get("label")),
            "" if value.get("id") is None else value["id"],
            _meta_of(value.get("meta")),
        )

    def to_json(self) -> dict[str, Any]:
        return {"id": self.id, **self.content(), "label": _plain_label(self.label), "meta": dict(self.meta)}

    def content(self) -> dict[str, Any]:
        """What a judge may see: all fields but label, id and meta. This decides which judgments are the same."""
        query = self.query if isinstance(self.query, str) else [message.to_json() for message in self.query]
        return {
            "query": query,
            "responses": list(self.responses),
            "reference": self.reference,
            "principles": [principle.to_json() for principle in self.principles],
        }

    @property
    def key(self) -> str:
        """The name of the example by what a judge may see of it: the same under every id, label and meta."""
        return content_key(self.content())


def content_key(content: Mapping[str, Any]) -> str:
    """The hash of an example's `content()`, of JSON values: equal contents have equal keys."""
    return hashlib.sha256(canonical(content).encode("utf-8", "backslashreplace")).hexdigest()


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _text_of(content: Any) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, Sequence):
        raise ValueError(f"content is {_shown(content)}; expected text")
    for part in content:
        kind = part.get("type") if isinstance(part, Mapping) else None
        if kind != "text" or not isinstance(part.get("text"), str):
            raise ValueError(f"content holds a part of type {kind!r}; only text can be judged, images are refused")
    return "".join(part["text"] for part in content)


def _query_of(value: Any) -> str | tuple[Message, ...]:
    if isinstance(value, str):
        return value
    return tuple(Message.from_json(item) for item in _list_of(value, "query"))


def _arguments_of(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"arguments is {_shown(value)}; expected JSON: {error}") from None


def _list_of(value: Any, name: str) -> Sequence[Any]:
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        raise ValueError(f"{name} is {_shown(value)}; expected a list")
    return value


def _tuple_of(value: Any, name: str, kind: type) -> tuple[Any, ...]:
    items = tuple(_list_of(value, name))
    for index, item in enumerate(items):
        if not isinstance(item, kind):
            raise ValueError(f"{name}[{index}] is {_shown(item)}; expected {_KINDS[kind]}")
    return items


def _check_text(value: Any, name: str) -> None:
    if not isinstance(value, str):
        raise ValueError(f"{name} is {_shown(value)}; expected text")


def _meta_of(value: Any) -> dict[str, Any]:
    if value is not None and not isinstance(value, Mapping):
        raise ValueError(f"meta is {_shown(value)}; expected an object")
    return dict(value or {})


def _label_of(value: Any) -> int | tuple[float, ...] | None:
    return tuple(value) if isinstance(value, list | tuple) else value


def _plain_label(label: int | tuple[float, ...] | None) -> int | list[float] | None:
    return list(label) if isinstance(label, tuple) else label


def _check_label(label: Any, num_responses: int) -> None:
    if label is None:
        return
    if isinstance(label, tuple):
        if len(label) != num_responses:
            raise ValueError(f"label holds {len(label)} gold scores; expected {num_responses}, one per response")
        if not all(_is_number(score) for score in label):
            raise ValueError(f"label is {_shown(label)}; expected finite gold scores")
    elif not isinstance(label, int) or isinstance(label, bool):
        raise ValueError(f"label is {_shown(label)}; expected the index of the best response or a list of gold scores")
    elif not 0 <= label < num_responses:
        raise ValueError(f"label is {label}; expected an index from 0 to {num_responses - 1}")


def _is_number(value: Any) -> bool:
    """A finite number that a float can hold; True and False are none."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return -sys.float_info.max <= value <= sys.float_info.max


_KINDS = {str: "text", Message: "a Message", ToolCall: "a ToolCall", Principle: "a Principle"}
