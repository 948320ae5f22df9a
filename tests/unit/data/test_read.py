import gzip
import io
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grmkit.data import read_examples
from grmkit.errors import DataError
from grmkit.types import Example, Message, Principle

Write = Callable[..., Path]

ROW = {"query": "Q", "responses": ["A", "B"]}
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20).filter(
    lambda text: not text.isspace()
)
EXAMPLES = st.builds(
    Example,
    query=TEXT | st.tuples(st.builds(Message, st.sampled_from(["system", "user"]), TEXT)),
    responses=st.tuples(TEXT, TEXT),
    reference=st.none() | TEXT,
    principles=st.just(()) | st.tuples(st.builds(Principle, TEXT)),
    label=st.none() | st.integers(0, 1) | st.tuples(st.integers(-9, 9), st.floats(-1e9, 1e9)),
    id=TEXT,
    meta=st.dictionaries(TEXT, st.none() | st.integers(-9, 9) | TEXT, max_size=2),
)


# Sources -------------------------------------------------------------------------------------------------------


def test_jsonl(write: Write) -> None:
    path = write(ROW, "", ROW | {"id": "x"}, ROW | {"id": 7})
    assert [example.id for example in read_examples(path)] == ["1", "x", "7"]


@pytest.mark.parametrize("name", ["data.jsonl", "data.ndjson", "DATA.JSONL"])
def test_endings(write: Write, name: str) -> None:
    assert list(read_examples(str(write(ROW, name=name)))) == [Example("Q", ("A", "B"), id="1")]


def test_gzip(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl.gz"
    path.write_bytes(gzip.compress(orjson.dumps(ROW)))
    assert list(read_examples(path)) == [Example("Q", ("A", "B"), id="1")]


def test_parquet(tmp_path: Path) -> None:
    path = tmp_path / "data.parquet"
    conversation = [{"role": "user", "content": "Q", "name": None, "tool_calls": None}]
    rows = [{"query": conversation, "responses": ["A", "B"], "label": None, "meta": {"n": 1}, "id": "x"}]
    pq.write_table(pa.Table.from_pylist(rows), path)
    assert list(read_examples(path)) == [Example((Message("user", "Q"),), ("A", "B"), id="x", meta={"n": 1})]


def test_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(orjson.dumps(ROW) + b"\nnonsense\n")))
    examples = read_examples("-")
    assert next(examples).query == "Q"
    with pytest.raises(DataError, match=r"^<stdin>:2: not JSON at column 1 "):
        next(examples)
    assert not sys.stdin.closed


def test_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("datasets")
    vars(module)["load_dataset"] = lambda path, **options: [ROW, {"query": "Q"}]
    monkeypatch.setitem(sys.modules, "datasets", module)
    examples = read_examples("hf://owner/name:test")
    assert next(examples).id == "1"
    with pytest.raises(DataError, match=r"^hf://owner/name:test:2: responses is missing"):
        next(examples)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none.jsonl", r"none\.jsonl: no such file; expected \.jsonl, \.ndjson"),
        ("owner/name", r"owner/name: no such file; .* or hf://owner/name"),
        (".", "is a folder; expected"),
        ("data.csv", r"data\.csv: unknown kind of file '\.csv'; expected \.jsonl, "),
        ("data.json", r"data\.json: unknown kind of file '\.json'; expected \.jsonl, "),
    ],
)
def test_sources_that_cannot_be_opened(write: Write, tmp_path: Path, name: str, message: str) -> None:
    write("a,b", name="data.csv")
    write("{}", name="data.json")
    with pytest.raises(DataError, match=message):
        list(read_examples(tmp_path / name))


def test_a_file_that_is_not_gzip(write: Write) -> None:
    with pytest.raises(DataError, match=r"data\.jsonl\.gz: cannot be read: Not a gzipped file"):
        list(read_examples(write(ROW, name="data.jsonl.gz")))


@pytest.mark.parametrize("rows", [[], ["", "  "]])
def test_an_empty_file(write: Write, rows: list[str]) -> None:
    with pytest.raises(DataError, match=r"data\.jsonl: holds no examples; expected at least one row$"):
        list(read_examples(write(*rows)))


def test_an_empty_parquet_file(tmp_path: Path) -> None:
    path = tmp_path / "data.parquet"
    pq.write_table(pa.table({"query": pa.array([], pa.string())}), path)
    with pytest.raises(DataError, match=r"data\.parquet: holds no examples"):
        list(read_examples(path))


# Rows ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"query": "Q"}, "responses is missing; expected a list"),
        ({"query": "Q", "responses": ["A", " "]}, r"responses\[1\] is empty; every response needs text"),
        (b'{"query": "\xff"}', "byte 12 of the line is 0xff, which is not UTF-8; expected UTF-8 text"),
        ('{"query": "Q" "responses"', r"not JSON at column 15 \(.*\); expected one JSON object per line"),
        ('{"query": "Q", "responses": ["A"], "label": [NaN]}', "not JSON at column 46 .*NaN and Infinity are not JSON"),
        ('{"query": "Q", "responses": ["A"], "query": "R"}', "field 'query' is given twice"),
        ("[]", r"the row is \[\]; expected an object with query and responses"),
        (ROW | {"lable": 0}, "unknown field 'lable'; did you mean 'label'"),
        (ROW | {"label": 2}, "label is 2; expected an index from 0 to 1"),
        ({"chosen": "A", "rejected": "A"}, "chosen and rejected are the same"),
        (
            {"query": [{"role": "user", "content": [{"type": "image"}]}], "responses": ["A"]},
            r"query\[0\]: .*images are ref",
        ),
        (
            '{"query": "Q", "responses": ' + "[" * 1000 + "]" * 1000 + "}",
            r"the row is nested too deeply|responses\[0\] is",
        ),
    ],
)
def test_bad_rows_name_file_and_line(write: Write, row: object, message: str) -> None:
    path = write(ROW, row, ROW)
    with pytest.raises(DataError, match=rf"data\.jsonl:2: (?:{message})"):
        list(read_examples(path))


def test_bad_rows_can_be_skipped_and_counted(write: Write) -> None:
    skipped: list[DataError] = []
    examples = list(read_examples(write(ROW, {"query": "Q"}, "", b"\xff", ROW), skipped=skipped))
    assert [example.id for example in examples] == ["1", "4"]
    assert [str(error).split("data.jsonl:")[1][:2] for error in skipped] == ["2:", "4:"]
    assert all(error.__traceback__ is None and error.__context__ is None for error in skipped)


def test_skipping_every_row_is_the_callers_to_judge(write: Write) -> None:
    skipped: list[DataError] = []
    assert list(read_examples(write({"query": "Q"}), skipped=skipped)) == []
    assert len(skipped) == 1


@pytest.mark.parametrize("content", [gzip.compress(orjson.dumps(ROW) * 9, mtime=0)[:-4], b"PAR1"])
def test_a_broken_file_is_not_skipped(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / ("data.parquet" if content == b"PAR1" else "data.jsonl.gz")
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"ends early|cannot be read"):
        list(read_examples(path, skipped=[]))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [ROW | {"id": "x"}, "", ROW | {"id": "x"}],
            ":3: id 'x' is already used at line 1; every example needs its own",
        ),
        ([ROW | {"id": "2"}, ROW], ":2: id '2' is already used at line 1"),
        ([ROW, ROW | {"id": 1}], ":2: id '1' is already used at line 1"),
    ],
)
def test_ids_are_unique_even_when_skipping(write: Write, rows: list[object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        list(read_examples(write(*rows), skipped=[]))


def test_ids_can_be_left_aside(write: Write) -> None:
    path = write(ROW | {"id": "x"}, ROW | {"id": "x"})
    assert [example.id for example in read_examples(path, columns={"id": []})] == ["1", "2"]


# Mapping, limit, size ------------------------------------------------------------------------------------------


def test_columns(write: Write) -> None:
    path = write({"instruction": "Q", "a": "A", "b": "B", "label": 2})
    (example,) = read_examples(path, columns={"query": ["instruction"], "responses": ["a", "b"]})
    assert example == Example("Q", ("A", "B"), id="1")


def test_an_unknown_column_names_those_that_are_there(write: Write) -> None:
    path = write({"instruction": "Q", "output": "A"})
    with pytest.raises(
        DataError, match=r":1: no column 'outptu' for responses; did you mean 'output'.* instruction, output$"
    ):
        list(read_examples(path, columns={"query": ["instruction"], "responses": ["outptu"]}))


def test_misuse_is_told_at_once() -> None:
    with pytest.raises(ValueError, match="limit is 0; expected at least 1"):
        read_examples("none.jsonl", limit=0)
    with pytest.raises(ValueError, match="unknown field 'quary'"):
        read_examples("none.jsonl", columns={"quary": ["a"]})


def test_limit_stops_before_the_rest_is_read(write: Write) -> None:
    assert len(list(read_examples(write(ROW, {"query": "Q"}, ROW, "nonsense"), limit=2, skipped=[]))) == 2


def test_long_responses_and_many_of_them(write: Write) -> None:
    (example,) = read_examples(write({"query": "Q", "responses": ["x" * 1_000_000] + ["y"] * 199}))
    assert (len(example.responses[0]), len(example.responses)) == (1_000_000, 200)


@given(st.lists(EXAMPLES, min_size=1, max_size=4, unique_by=lambda example: example.id))
def test_what_is_written_is_read_back(tmp_path_factory: pytest.TempPathFactory, examples: list[Example]) -> None:
    path = tmp_path_factory.mktemp("round") / "data.jsonl"
    path.write_bytes(b"\n".join(orjson.dumps(example.to_json()) for example in examples))
    assert list(read_examples(path)) == examples


# Real files ----------------------------------------------------------------------------------------------------


def test_real_files_are_read(grmkit_data: Path) -> None:
    columns = {"query": ["input"], "responses": ["output_1", "output_2"]}
    assert len(list(read_examples(grmkit_data / "llmbar_items.jsonl.gz", columns=columns))) == 326
    assert (
        len(list(read_examples(grmkit_data / "hh_harmless_test.jsonl.gz", skipped=(skipped := [])))) + len(skipped)
        == 2312
    )
