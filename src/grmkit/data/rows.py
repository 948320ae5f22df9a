"""One row of a file becomes one Example, or is refused."""

import json
import reprlib
from collections.abc import Mapping, Sequence
from typing import Any

from grmkit.data.columns import OWN_FIELDS, nearest, pick_columns
from grmkit.data.messages import read_messages
from grmkit.data.trl import is_trl, lower_trl
from grmkit.types import Example


def example_of(row: Any, columns: Mapping[str, Sequence[str]]) -> Example:
    """The Example a row holds, in our own form, one of TRL's, or under the column mapping.

    A whole number as id becomes text.

    Raises:
        ValueError: If the row cannot be used; the message names the field, what was found and what was expected.
    """
    if not isinstance(row, Mapping):
        raise ValueError(f"the row is {reprlib.repr(row)}; expected an object with query and responses")
    fields = pick_columns(row, columns) if columns else dict(row)
    if is_trl(fields):
        fields = lower_trl(fields)
    _check_fields(fields)
    if isinstance(fields.get("id"), int) and not isinstance(fields["id"], bool):
        fields["id"] = str(fields["id"])
    example = Example.from_json(fields)
    _check_text(example)
    return example


def _check_fields(fields: Mapping[str, Any]) -> None:
    for name in fields:
        if name not in OWN_FIELDS:
            raise ValueError(
                f"unknown field {name!r}{nearest(name, OWN_FIELDS)}; "
                f"expected only {', '.join(OWN_FIELDS)}, or a column mapping"
            )
    if isinstance(fields.get("query"), list | tuple):
        read_messages(fields["query"], "query")
    try:
        json.dumps(fields.get("meta"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"meta is not plain JSON ({error}); expected text, numbers, lists and objects") from None


def _check_text(example: Example) -> None:
    if isinstance(example.query, str) and example.query.isspace():
        raise ValueError("query is empty; expected text or messages")
    for index, response in enumerate(example.responses):
        if not response or response.isspace():
            raise ValueError(f"responses[{index}] is empty; every response needs text")
