"""Which columns of a file hold which of our fields."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

OWN_FIELDS = ("query", "responses", "reference", "principles", "label", "id", "meta")
TRL_FIELDS = ("prompt", "chosen", "rejected", "completion", "scores")
FIELDS = OWN_FIELDS + TRL_FIELDS

LIST_FIELDS = ("responses", "principles", "label", "scores")
OPTIONAL_FIELDS = ("reference", "principles", "label", "id", "meta")

# Fields that answer the same question in two ways, so that only one of them can be used.
CLASHES = {
    "query": ("prompt",),
    "prompt": ("query",),
    "responses": ("chosen", "rejected", "completion"),
    "chosen": ("responses", "completion", "label", "scores"),
    "rejected": ("responses", "completion", "label", "scores"),
    "completion": ("responses", "chosen", "rejected", "scores"),
    "label": ("chosen", "rejected", "scores"),
    "scores": ("chosen", "rejected", "completion", "label"),
}


def parse_columns(flags: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Turn flags such as `responses=output_1,output_2` into a column mapping.

    An optional field may be mapped to nothing (`label=`): the file's own column of that name is then left alone.

    Raises:
        ValueError: If a flag is malformed, names an unknown field, or contradicts another one.

    Example:
        >>> parse_columns(["query=instruction", "responses=output_1,output_2"])
        {'query': ('instruction',), 'responses': ('output_1', 'output_2')}
    """
    columns: dict[str, tuple[str, ...]] = {}
    for flag in flags:
        field, equals, names = (part.strip() for part in flag.partition("="))
        if not field or not equals:
            raise ValueError(f"column mapping is {flag!r}; expected field=column, as in query=instruction")
        if field in columns:
            raise ValueError(f"{field} is mapped twice; expected one mapping per field, as in responses=a,b")
        columns[field] = tuple(name.strip() for name in names.split(",")) if names else ()
    return check_columns(columns)


def check_columns(columns: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """A copy of the mapping, once it is known to make sense.

    Raises:
        ValueError: If a field is unknown, takes another number of columns, or clashes with another mapped field.
    """
    checked = {field: (names,) if isinstance(names, str) else tuple(names) for field, names in columns.items()}
    for field, names in checked.items():
        if field not in FIELDS:
            raise ValueError(f"unknown field {field!r}{nearest(field, FIELDS)}; expected one of {', '.join(FIELDS)}")
        _check_names(field, names)
        clash = next((other for other in CLASHES.get(field, ()) if names and checked.get(other)), None)
        if clash:
            raise ValueError(f"{field} and {clash} are both mapped; expected only one of them")
    return checked


def pick_columns(row: Mapping[str, Any], columns: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The row under our field names; columns neither mapped nor named like a field are left out.

    A column of our own name is left out as well where a mapped field makes it doubtful: where `responses` is mapped,
    the file's `label` may count those columns from 1, or not count them at all.

    Raises:
        ValueError: If the row lacks a mapped column.
    """
    fields = {field: _value_of(row, names, field=field) for field, names in columns.items() if names}
    doubtful = {other for field in fields for other in CLASHES.get(field, ())}
    if "responses" in fields:
        doubtful |= {"label", "scores"}
    fields |= {name: row[name] for name in FIELDS if name in row and name not in columns and name not in doubtful}
    if "query" in fields and any(field in fields for field in TRL_FIELDS if field != "prompt"):
        fields["prompt"] = fields.pop("query")
    return fields


def nearest(name: str, known: Iterable[str]) -> str:
    """The words `; did you mean 'query'?` for a name that is nearly one of the known ones, or nothing."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _check_names(field: str, names: tuple[str, ...]) -> None:
    if not all(names):
        raise ValueError(f"{field} is mapped to {','.join(names)!r}; expected column names with commas between them")
    if not names and field not in OPTIONAL_FIELDS:
        raise ValueError(f"{field} is mapped to no column; expected {field}=column")
    if len(names) > 1 and field not in LIST_FIELDS:
        raise ValueError(f"{field} is mapped to {len(names)} columns; only {', '.join(LIST_FIELDS)} take several")


def _value_of(row: Mapping[str, Any], names: Sequence[str], *, field: str) -> Any:
    for name in names:
        if name not in row:
            raise ValueError(f"no column {name!r} for {field}{nearest(name, row)}; the row has {', '.join(row)}")
    if len(names) > 1:
        return [row[name] for name in names]
    value = row[names[0]]
    return [value] if field == "responses" and isinstance(value, str) else value
