"""Where Examples come from: files, stdin and the hub, streamed with constant memory."""

import gzip
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from grmkit.data.columns import check_columns
from grmkit.data.hub import hub_rows
from grmkit.data.jsonl import numbered_lines, parse_line
from grmkit.data.parquet import parquet_rows, parse_batch
from grmkit.data.rows import example_of
from grmkit.errors import DataError
from grmkit.types import Example

KINDS = ".jsonl, .ndjson, .jsonl.gz, .ndjson.gz or .parquet, '-' for stdin, or hf://owner/name"
ID_ADVICE = "every example needs its own; map id to no column (id=) to number the rows instead"


@dataclass(frozen=True, slots=True)
class Source:
    """An open data set: its name in messages, its raw rows with their numbers, and how to parse one row."""

    name: str
    rows: Iterator[tuple[int, Any]]
    parse: Callable[[Any], Any]


def read_examples(
    source: str | Path,
    *,
    columns: Mapping[str, Sequence[str]] | None = None,
    limit: int | None = None,
    skipped: list[DataError] | None = None,
) -> Iterator[Example]:
    """Examples from a file, stdin or the hub, one at a time.

    An Example without an id is named by its position: "1" for the first row, "2" for the second. Two Examples of the
    same name are an error even where bad rows are skipped, since results could not be told apart.

    Args:
        source: A path ending in .jsonl, .ndjson, .jsonl.gz, .ndjson.gz or .parquet; "-" for JSONL from stdin; or
            "hf://owner/name[:split][#config]".
        columns: Which columns of the file hold which field, as in `{"query": ["instruction"]}`.
        limit: Stop after this many Examples.
        skipped: If given, refused rows are noted here and reading goes on.

    Raises:
        DataError: If the source cannot be read or is empty, or a row is refused and `skipped` is not given. It is
            raised while iterating.
        ValueError: If `columns` or `limit` make no sense. It is raised at once.
    """
    if limit is not None and limit < 1:
        raise ValueError(f"limit is {limit}; expected at least 1")
    return _examples(source, columns=check_columns(columns or {}), limit=limit, skipped=skipped)


def open_source(source: str | Path) -> Source:
    """Find out what kind of source this is; nothing is read yet.

    Raises:
        DataError: If there is no such file or its kind is unknown.
    """
    name = str(source)
    if name == "-":
        return Source("<stdin>", numbered_lines(lambda: nullcontext(sys.stdin.buffer), "<stdin>"), parse_line)
    if name.startswith("hf://"):
        return Source(name, hub_rows(name), _as_it_is)
    if not Path(name).exists():
        raise DataError(f"{name}: no such file; expected {KINDS}")
    if Path(name).is_dir():
        raise DataError(f"{name}: is a folder; expected {KINDS}")
    return _open_file(name)


def _open_file(name: str) -> Source:
    ending = name.lower()
    if ending.endswith(".parquet"):
        return Source(name, parquet_rows(name), parse_batch)
    if not ending.endswith((".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")):
        raise DataError(f"{name}: unknown kind of file {Path(name).suffix!r}; expected {KINDS}")
    opener = partial(gzip.GzipFile, name, "rb") if ending.endswith(".gz") else partial(Path(name).open, "rb")
    return Source(name, numbered_lines(opener, name), parse_line)


def _examples(
    source: str | Path,
    *,
    columns: Mapping[str, Sequence[str]],
    limit: int | None,
    skipped: list[DataError] | None,
) -> Iterator[Example]:
    opened = open_source(source)
    lines: dict[str, int] = {}
    position = 0
    for position, (line, raw) in enumerate(opened.rows, 1):
        try:
            example = _parse_row(opened, raw, columns=columns)
        except ValueError as error:
            refusal = DataError(f"{opened.name}:{line}: {error}")
            if skipped is None:
                raise refusal from error
            skipped.append(refusal)
            continue
        example = example if example.id else replace(example, id=str(position))
        first = lines.setdefault(example.id, line)
        if first != line:
            raise DataError(f"{opened.name}:{line}: id {example.id!r} is already used at line {first}; {ID_ADVICE}")
        yield example
        if len(lines) == limit:
            return
    if not position:
        raise DataError(f"{opened.name}: holds no examples; expected at least one row")


def _parse_row(opened: Source, raw: Any, *, columns: Mapping[str, Sequence[str]]) -> Example:
    try:
        return example_of(opened.parse(raw), columns)
    except RecursionError:
        raise ValueError("the row is nested too deeply to be read; expected a flat object") from None


def _as_it_is(row: Any) -> Any:
    return row
