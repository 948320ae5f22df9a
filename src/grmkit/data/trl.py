"""Lowers the row forms TRL trains on to our own form.

| row | responses | label |
|---|---|---|
| `{prompt, chosen, rejected}` | chosen, rejected | 0 |
| `{chosen, rejected}`, the prompt in both | chosen, rejected | 0 |
| `{prompt, responses, scores}` | as given | the scores |
| `{prompt, completion, label}` | the completion | 1.0 if true, 0.0 if false |

Texts and lists of messages are both read. Columns TRL does not need are ignored.
"""

import reprlib
from collections.abc import Mapping, Sequence
from typing import Any

from grmkit.data.columns import TRL_FIELDS
from grmkit.data.messages import read_messages, render_response
from grmkit.types import Message

CARRIED_FIELDS = ("reference", "principles", "id", "meta")
PROMPT_ADVICE = "expected the same prompt at the start of both, or a prompt field"

# Where an assistant's turn begins in texts that hold a whole dialogue.
TURN_MARKS = (
    "\nAssistant:",
    "\n### Assistant:",
    "\n### Response:",
    "<|im_start|>assistant\n",
    "<|assistant|>",
    "<|start_header_id|>assistant<|end_header_id|>\n\n",
    "<start_of_turn>model\n",
    "[/INST]",
)


def is_trl(row: Mapping[str, Any]) -> bool:
    return "query" not in row and any(field in row for field in TRL_FIELDS)


def lower_trl(row: Mapping[str, Any]) -> dict[str, Any]:
    """The same row in our own form; our `reference`, `principles`, `id` and `meta` are carried over.

    Raises:
        ValueError: If the row is none of TRL's forms, or its prompt and responses cannot be told apart.
    """
    if "chosen" in row or "rejected" in row:
        lowered = _preference(row)
    elif "responses" in row:
        lowered = _rated(row)
    elif "completion" in row:
        lowered = _unpaired(row)
    else:
        raise ValueError("nothing to judge; expected chosen and rejected, responses, or completion beside prompt")
    return lowered | {field: row.get(field) for field in CARRIED_FIELDS}


def split_texts(chosen: str, rejected: str) -> tuple[str, str, str]:
    """The prompt two texts begin with, and what is left of each; nothing is dropped.

    The shared beginning is cut after its last visible turn mark (such as HH's `Assistant:` on a line). Without a
    mark it is cut before its last white space, so that no word is torn apart.

    Raises:
        ValueError: If nothing usable is shared.

    Example:
        >>> split_texts("The sky is blue.", "The sky is green.")
        ('The sky is', ' blue.', ' green.')
    """
    shared = chosen[: _num_shared(chosen, rejected)]
    marked = max((shared.rfind(mark) + len(mark) for mark in TURN_MARKS if mark in shared), default=0)
    cut = marked or _last_gap(shared)
    if not shared[:cut].strip():
        raise ValueError(f"chosen and rejected share no opening words; {PROMPT_ADVICE}")
    return shared[:cut], chosen[cut:], rejected[cut:]


def _preference(row: Mapping[str, Any]) -> dict[str, Any]:
    for name, other in (("chosen", "rejected"), ("rejected", "chosen")):
        if row.get(name) is None:
            raise ValueError(f"{name} is missing; expected text or messages, as in {other}")
    chosen, rejected, prompt = row["chosen"], row["rejected"], row.get("prompt")
    if isinstance(chosen, str) != isinstance(rejected, str):
        raise ValueError("one of chosen and rejected is text, the other is not; expected both alike")
    if chosen == rejected:
        raise ValueError("chosen and rejected are the same; expected a better and a worse response")
    if not isinstance(chosen, str):
        prompt, chosen, rejected = _split_dialogues(chosen, rejected, prompt=prompt)
    elif prompt is None:
        prompt, chosen, rejected = split_texts(chosen, rejected)
    responses = [_response_text(chosen, "chosen"), _response_text(rejected, "rejected")]
    return {"query": prompt, "responses": responses, "label": 0}


def _split_dialogues(chosen: Any, rejected: Any, *, prompt: Any) -> tuple[Any, Any, Any]:
    """Prompt, chosen and rejected without the turns both share, wherever the row has put those turns.

    With a prompt of messages, the responses may repeat it. With a prompt of text, whole dialogues win over it, since
    they may hold a system turn as well.
    """
    good, bad = read_messages(chosen, "chosen"), read_messages(rejected, "rejected")
    if prompt is not None and not isinstance(prompt, str):
        opening = read_messages(prompt, "prompt")
        cut = len(opening) if good[: len(opening)] == opening == bad[: len(opening)] else 0
        return prompt, chosen[cut:], rejected[cut:]
    cut = _num_shared(good, bad)
    if prompt is not None and (not cut or good[0].role == "assistant"):
        return prompt, chosen, rejected
    if not cut:
        raise ValueError(f"chosen and rejected share no opening turn; {PROMPT_ADVICE}")
    return chosen[:cut], chosen[cut:], rejected[cut:]


def _num_shared(first: Sequence[Any], second: Sequence[Any]) -> int:
    """How many letters, or turns, two sequences have in common at the start."""
    pairs = enumerate(zip(first, second, strict=False))
    return next((index for index, (one, other) in pairs if one != other), min(len(first), len(second)))


def _last_gap(text: str) -> int:
    """Where the last white space of a text begins; 0 if there is none after a word."""
    head = f"{text}|".rsplit(maxsplit=1)  # the bar ends the last word, or is one where the text ends with a gap
    return len(head[0]) if len(head) > 1 else 0


def _rated(row: Mapping[str, Any]) -> dict[str, Any]:
    values, scores = row["responses"], row.get("scores")
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise ValueError(f"responses is {reprlib.repr(values)}; expected a list")
    if scores is not None and (isinstance(scores, str) or not isinstance(scores, Sequence)):
        raise ValueError(f"scores is {reprlib.repr(scores)}; expected a list of numbers")
    if scores is not None and len(scores) != len(values):
        raise ValueError(f"scores holds {len(scores)} numbers; expected {len(values)}, one per response")
    responses = [_response_text(value, f"responses[{index}]") for index, value in enumerate(values)]
    return {"query": _prompt(row), "responses": responses, "label": row.get("label") if scores is None else scores}


def _unpaired(row: Mapping[str, Any]) -> dict[str, Any]:
    label = row.get("label")
    if label is not None and not isinstance(label, bool):
        raise ValueError(f"label is {reprlib.repr(label)}; expected true or false beside completion")
    response = _response_text(row["completion"], "completion")
    return {"query": _prompt(row), "responses": [response], "label": None if label is None else [float(label)]}


def _prompt(row: Mapping[str, Any]) -> Any:
    if row.get("prompt") is None:
        raise ValueError("prompt is missing; expected text or messages")
    return row["prompt"]


def _response_text(value: Any, name: str) -> str:
    text = value if isinstance(value, str) else _assistant_text(read_messages(value, name), name)
    if not text or text.isspace():
        raise ValueError(f"{name} is empty; every response needs text")
    return text


def _assistant_text(turns: Sequence[Message], name: str) -> str:
    if turns and turns[0].role != "assistant":
        raise ValueError(f"{name} begins with a {turns[0].role} turn after the prompt; expected an assistant turn")
    return render_response(turns)
