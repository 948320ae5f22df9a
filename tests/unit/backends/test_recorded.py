"""Recorded answers: found by content or id, order and stream; a file that cannot be used is refused with its line."""

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from grmkit.backends import Answer, Generation, Request, Sampling
from grmkit.backends.recorded import RecordedBackend
from grmkit.errors import BackendError, DataError, NotRecorded
from grmkit.types import Example, Message


def write(folder: Path, *rows: Any, name: str = "answers.jsonl") -> Path:
    path = folder / name
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))
    return path


def row(text: str | None, order: tuple[int, ...] = (0, 1), **fields: Any) -> dict[str, Any]:
    return {"id": "x", "order": order, "text": text, **fields}


def about(query: str) -> dict[str, Any]:
    return Example(query, ("a", "b")).content()


def ask(
    num_samples: int = 1,
    *,
    first_stream: int = 0,
    order: tuple[int, ...] = (0, 1),
    of: str = "x",
    query: str = "?",
    alternatives: int = 0,
) -> Request:
    key = Example(query, ("a", "b")).key
    return Request(
        (Message("user", query),), num_samples, first_stream, 0, Sampling(alternatives=alternatives), of, key, order
    )


def texts(answer: Answer) -> list[str | None]:
    return [generation.text for generation in answer.generations]


@pytest.mark.asyncio
async def test_rows_of_one_prompt_are_its_streams_in_order(tmp_path: Path):
    judge = RecordedBackend(write(tmp_path, row("a"), row("r", (1, 0)), "", row("b"), row("c")))
    assert texts(await judge.sample(ask(3))) == ["a", "b", "c"]
    assert texts(await judge.sample(ask(1, first_stream=2))) == ["c"]
    assert texts(await judge.sample(ask(1, order=(1, 0)))) == ["r"]
    assert judge.max_samples >= 1000
    assert judge.concurrency == 64
    await judge.aclose()


@pytest.mark.asyncio
async def test_rows_may_name_their_stream(tmp_path: Path):
    judge = RecordedBackend(write(tmp_path, row("later", stream=4), row("first", stream=0)))
    assert texts(await judge.sample(ask(1, first_stream=4))) == ["later"]


@pytest.mark.asyncio
async def test_answers_end_at_a_gap(tmp_path: Path):
    judge = RecordedBackend(write(tmp_path, row("a", stream=0), row("b", stream=1), row("d", stream=3)))
    assert texts(await judge.sample(ask(4))) == ["a", "b"]


@pytest.mark.asyncio
async def test_everything_recorded_comes_back(tmp_path: Path):
    counts = {"prompt_tokens": 11, "completion_tokens": 5}
    path = write(
        tmp_path,
        row(None, finish_reason="length", reasoning="hm", **counts),
        row("t", finish_reason="stop", **counts),
        row("u"),
    )
    answer = await RecordedBackend(path).sample(ask(2))
    assert answer == Answer((Generation(None, "length", "hm"), Generation("t", "stop")), 11, 10)
    unknown = await RecordedBackend(path).sample(ask(3))
    assert (unknown.prompt_tokens, unknown.completion_tokens) == (11, None)


@pytest.mark.asyncio
async def test_rows_that_tell_what_was_judged_answer_for_that_under_any_id(tmp_path: Path):
    # As from one export of two files whose rows were numbered from 1 in both.
    rows = [
        row("of P", content=about("P")),
        row("of R", content=about("R")),
        row("of P again", content=about("P"), stream=1),
        row("of R turned", (1, 0), content=about("R")),
    ]
    judge = RecordedBackend(write(tmp_path, *rows))
    for of in ("x", "another"):
        assert texts(await judge.sample(ask(4, query="P", of=of))) == ["of P", "of P again"]
        assert texts(await judge.sample(ask(4, query="R", of=of))) == ["of R"]
    assert texts(await judge.sample(ask(1, query="R", order=(1, 0)))) == ["of R turned"]


@pytest.mark.asyncio
async def test_an_answer_is_never_given_to_another_query(tmp_path: Path):
    judge = RecordedBackend(write(tmp_path, row("of P", content=about("P"))))
    expected = (
        r"holds 0 answers for id 'x' .*: what is recorded under this id is about another query or other responses"
    )
    with pytest.raises(NotRecorded, match=expected):
        await judge.sample(ask(query="S"))
    with pytest.raises(NotRecorded, match=r"holds 0 answers for id 'y' in order \[0, 1\]; stream 0 was asked$"):
        await judge.sample(ask(query="S", of="y"))


@pytest.mark.asyncio
async def test_rows_that_do_not_tell_what_was_judged_answer_for_their_id(tmp_path: Path):
    rows = [row("of the id"), row("of P", content=about("P")), row("of the id too", content=None)]
    judge = RecordedBackend(write(tmp_path, *rows))
    assert texts(await judge.sample(ask(4, query="P"))) == ["of P"]
    assert texts(await judge.sample(ask(4, query="S"))) == ["of the id", "of the id too"]


@pytest.mark.asyncio
async def test_what_is_not_recorded_says_what_is(tmp_path: Path):
    judge = RecordedBackend(write(tmp_path, row("a", (1, 0)), row("b", (1, 0))))
    expected = r"holds 2 answers for id 'x' in order \[1, 0\]; stream 3 was asked: ask for fewer samples$"
    with pytest.raises(NotRecorded, match=expected):
        await judge.sample(ask(1, first_stream=3, order=(1, 0)))
    expected = r"holds 0 answers for id 'x' in order \[0, 1\]; stream 0 was asked; there are 2 in other orders: ask for"
    with pytest.raises(NotRecorded, match=expected):
        await judge.sample(ask(1))
    with pytest.raises(NotRecorded, match=r"holds 0 answers for id 'y' .*was asked$"):
        await judge.sample(ask(1, of="y"))
    assert issubclass(NotRecorded, BackendError)


@pytest.mark.asyncio
async def test_gzip_is_read_whatever_the_name(tmp_path: Path):
    path = tmp_path / "answers.gz.bak"
    path.write_bytes(gzip.compress(json.dumps(row("a")).encode()))
    judge = RecordedBackend(path)
    assert texts(await judge.sample(ask())) == ["a"]


@pytest.mark.asyncio
async def test_identity_is_the_file(tmp_path: Path):
    path = write(tmp_path, row("a"))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert await RecordedBackend(path).identity() == {"kind": "recorded", "sha256": digest}
    assert await RecordedBackend(str(path)).identity() == {"kind": "recorded", "sha256": digest}


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ("{", "row is not JSON"),
        ("[1]", r"row is \[1\]; expected an object"),
        ({"id": "x", "text": "t"}, "order is missing"),
        (row("t", id=7), "id is 7; expected text"),
        (row("t", order=[0, 0]), r"order is \[0, 0\]"),
        (row("t", order=[]), r"order is \[\]"),
        (row("t", order="01"), "order is '01'"),
        (row("t", order=[0, "1"]), "order is"),
        (row(3), "text is 3; expected text or null"),
        (row("t", finish_reason=1), "finish_reason is 1"),
        (row("t", stream=-1), "stream is -1"),
        (row("t", prompt_tokens=True), "prompt_tokens is True"),
        (row("t", finish_resaon="stop"), "unknown field 'finish_resaon'"),
        (row("t", stream=0), "stream 0 of id 'x' in order .* is there already"),
        (row("t", content="query"), "content is 'query'; expected an object with what was judged"),
        (row("t", reasoning=["long" * 50]), r"reasoning is \['long.*\.\.\.; expected text"),
    ],
)
def test_bad_rows_are_refused_with_their_line(tmp_path: Path, bad: Any, words: str):
    path = write(tmp_path, row("fine"), bad)
    with pytest.raises(DataError, match=rf"answers\.jsonl:2: .*{words}"):
        RecordedBackend(path)


def test_files_that_cannot_be_read(tmp_path: Path):
    with pytest.raises(DataError, match=r"nowhere\.jsonl: cannot be read"):
        RecordedBackend(tmp_path / "nowhere.jsonl")
    broken = tmp_path / "broken.gz"
    broken.write_bytes(gzip.compress(b"x" * 10_000)[:30])
    with pytest.raises(DataError, match=r"broken\.gz: cannot be read"):
        RecordedBackend(broken)


@pytest.mark.asyncio
@pytest.mark.parametrize("told", [None, 7, [["a"]], [["a", -1]], {"a": -0.5}, [["a", -1, [["b"]]]]])
async def test_alternatives_come_back_if_they_were_recorded_and_are_asked_for(tmp_path: Path, told: Any):
    logprobs = [["Scores: ", -0.5], ["8", -0.25, [["7", -1.5]]]]
    judge = RecordedBackend(write(tmp_path, row("a", logprobs=logprobs), row("b", logprobs=told)))
    answer = await judge.sample(ask(2, alternatives=20))
    assert answer.generations == (
        Generation("a", None, None, (("Scores: ", -0.5), ("8", -0.25)), (None, (("7", -1.5),))),
        Generation("b", None),
    )
    assert (await judge.sample(ask())).generations == (Generation("a", None),)
