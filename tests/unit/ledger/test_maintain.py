import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from grmkit.backends import Request, Sampling
from grmkit.backends.recorded import OPTIONAL, REQUIRED, RecordedBackend
from grmkit.errors import LedgerError
from grmkit.ledger import JudgeKey, Ledger, Stored
from grmkit.ledger.maintain import PAGE, JudgeStats, entries, merge, prune, stats
from grmkit.types import content_key

Run = Callable[..., list[str]]

ONE = JudgeKey({"kind": "http", "model": "one"}, "deepseek", "f1", {"temperature": 1.0, "seed": 0})
TWO = JudgeKey({"kind": "http", "model": "two"}, "llmbar", "f2", {"temperature": 0.0, "seed": 0})
FAKE = JudgeKey({"kind": "fake", "name": "guess"}, "llmbar", "f2", {"temperature": 0.0, "seed": 0})
CREATED = 1_700_000_000.25


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    with Ledger(None) as ledger:
        yield ledger


@pytest.fixture
def other() -> Iterator[Ledger]:
    with Ledger(None) as ledger:
        yield ledger


def keep(
    ledger: Ledger,
    *texts: str | Stored,
    key: JudgeKey = ONE,
    query: str = "Q",
    order: tuple[int, ...] = (0, 1),
    created: float = CREATED,
    first: int = 0,
) -> None:
    example = ledger.example_id({"query": query, "responses": ["a", "b"]}, f"id-{query}")
    stored = [text if isinstance(text, Stored) else Stored(text, "stop") for text in texts]
    streams = range(first, first + len(texts))
    ledger.commit(ledger.judge_id(key), example, order, streams, stored, [created] * len(texts))


def texts(ledger: Ledger) -> list[str | None]:
    return [entry.stored.text for entry in entries(ledger)]


def all_texts(ledger: Ledger) -> set[str]:
    return {text for (text,) in ledger.select("SELECT text FROM texts")}


def content(query: str = "Q") -> str:
    return f'{{"query":"{query}","responses":["a","b"]}}'


# Reading ---------------------------------------------------------------------------------------------------------


def test_an_empty_ledger_has_nothing(ledger: Ledger) -> None:
    ledger.judge_id(ONE)
    assert list(entries(ledger)) == []
    assert stats(ledger) == []


def test_an_entry_tells_all_that_determines_a_judgment(ledger: Ledger) -> None:
    stored = Stored("text", "stop", "thought", '{"a":-0.5}', '[{"field":"query"}]', 11, 7)
    keep(ledger, stored, order=(1, 0), first=3)
    (entry,) = entries(ledger)
    assert entry.judge == ONE
    assert entry.example_name == "id-Q"
    assert entry.content == {"query": "Q", "responses": ["a", "b"]}
    assert (entry.order, entry.stream, entry.stored, entry.created) == ((1, 0), 3, stored, CREATED)
    assert entry.to_json() == {
        "id": "id-Q",
        "order": [1, 0],
        "stream": 3,
        "text": "text",
        "finish_reason": "stop",
        "reasoning": "thought",
        "prompt_tokens": 11,
        "completion_tokens": 7,
        "neutralised": [{"field": "query"}],
        "logprobs": {"a": -0.5},
        "model": ONE.model,
        "template": "deepseek",
        "fingerprint": "f1",
        "sampling": ONE.sampling,
        "content": {"query": "Q", "responses": ["a", "b"]},
        "created": CREATED,
    }


def test_what_belongs_together_comes_together(ledger: Ledger) -> None:
    keep(ledger, "1", key=TWO)
    keep(ledger, "4", query="R", first=10)
    keep(ledger, "3", query="R", first=9)
    keep(ledger, "2", order=(1, 0), query="P")
    keep(ledger, "5", query="R", order=(1, 0))
    found = [(e.judge.template, e.content["query"], e.order, e.stream, e.stored.text) for e in entries(ledger)]
    assert found == [
        ("llmbar", "Q", (0, 1), 0, "1"),
        ("deepseek", "R", (0, 1), 9, "3"),
        ("deepseek", "R", (0, 1), 10, "4"),
        ("deepseek", "R", (1, 0), 0, "5"),
        ("deepseek", "P", (1, 0), 0, "2"),
    ]


def test_there_may_be_more_than_a_page(ledger: Ledger) -> None:
    for query in range(3):
        keep(ledger, *(f"{query} {number}" for number in range(PAGE - 1)), query=str(query))
    assert texts(ledger) == [f"{query} {number}" for query in range(3) for number in range(PAGE - 1)]


def test_who_reads_slowly_keeps_nobody_waiting(path: Path) -> None:
    with Ledger(path) as reader, Ledger(path) as writer:
        keep(reader, *map(str, range(PAGE + 1)))
        reading = entries(reader)
        next(reading)
        keep(writer, "meanwhile", query="R")
        keep(reader, "by the reader", query="S")
        assert writer.select("PRAGMA wal_checkpoint(TRUNCATE)") == [(0, 0, 0)]  # not busy: no snapshot is held
        assert [entry.stored.text for entry in reading][-3:] == [str(PAGE), "meanwhile", "by the reader"]


def test_reading_needs_no_sorting(ledger: Ledger) -> None:
    statements: list[str] = []
    with ledger.transaction() as connection:
        connection.set_trace_callback(statements.append)
    list(entries(ledger))
    plan = [row[3] for row in ledger.select("EXPLAIN QUERY PLAN " + statements[-1])]
    assert "SEARCH j USING PRIMARY KEY ((judge,example,ordering,stream)>(?,?,?,?))" in plan
    assert not [step for step in plan if "TEMP B-TREE" in step or step.startswith("SCAN")]


def test_stats_count_by_judge(ledger: Ledger) -> None:
    keep(ledger, Stored("a", "stop", None, None, None, 10, 5), Stored("b", "length", None, None, None, 0, 6))
    keep(ledger, Stored("a", "stop", None, None, None, 10, 7), query="R")
    keep(ledger, "unknown", "tokens", key=TWO)
    assert stats(ledger) == [
        JudgeStats(ONE, 2, 3, 1, 20, 18),
        JudgeStats(TWO, 1, 2, 0, None, None),
    ]


# Export ----------------------------------------------------------------------------------------------------------


async def test_exported_rows_can_be_played(ledger: Ledger, tmp_path: Path) -> None:
    keep(ledger, Stored("first", "stop", None, None, None, 9, 4), Stored("cut", "length", "thought", "[]", "[]", 0, 3))
    keep(ledger, "turned", order=(1, 0), first=5)
    rows = [entry.to_json() for entry in entries(ledger)]
    played = [{key: row[key] for key in (*REQUIRED, *OPTIONAL)} for row in rows]
    (tmp_path / "rows.jsonl").write_bytes(b"\n".join(orjson.dumps(row) for row in played))
    backend = RecordedBackend(tmp_path / "rows.jsonl")
    answer = await backend.sample(Request((), 8, 0, 1, Sampling(), "id-Q", "", (0, 1)))
    assert [(g.text, g.finish_reason, g.reasoning) for g in answer.generations] == [
        ("first", "stop", None),
        ("cut", "length", "thought"),
    ]
    assert (answer.prompt_tokens, answer.completion_tokens) == (9, 7)
    turned = await backend.sample(Request((), 1, 5, 1, Sampling(), "id-Q", "", (1, 0)))
    assert turned.generations[0].text == "turned"


async def test_an_export_of_two_files_with_the_same_ids_can_be_played(ledger: Ledger, tmp_path: Path) -> None:
    contents = [{"query": query, "responses": ["a", "b"]} for query in ("P", "R")]
    for content in contents:
        example = ledger.example_id(content, "answers:1")
        ledger.commit(ledger.judge_id(ONE), example, (0, 1), (0,), (Stored(f"of {content['query']}"),))
    (tmp_path / "rows.jsonl").write_bytes(b"\n".join(orjson.dumps(entry.to_json()) for entry in entries(ledger)))
    backend = RecordedBackend(tmp_path / "rows.jsonl")
    for content in contents:
        request = Request((), 1, 0, 1, Sampling(), "answers:1", content_key(content), (0, 1))
        assert (await backend.sample(request)).generations[0].text == f"of {content['query']}"


def test_exported_rows_are_utf8_whatever_was_judged(ledger: Ledger) -> None:
    key = replace(ONE, model={"model": "m\udc00"})
    content = {"query": "half \ud83e", "responses": ["whole 🦔", "\\ud83e"]}
    example = ledger.example_id(content, "id\ud83e")
    stored = Stored("t\ud83e", logprobs='[["\ud83e",-1]]')
    ledger.commit(ledger.judge_id(key), example, (0, 1), (0,), (stored,))
    (entry,) = entries(ledger)
    assert entry.content == content  # as it was: its name in the ledger depends on it
    row = orjson.loads(orjson.dumps(entry.to_json()))
    assert row["content"] == {"query": "half \\ud83e", "responses": ["whole 🦔", "\\ud83e"]}
    assert (row["id"], row["text"], row["model"]) == ("id\\ud83e", "t\\ud83e", {"model": "m\\udc00"})
    assert row["logprobs"] == [["\\ud83e", -1]]


# Prune -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def full(ledger: Ledger) -> Ledger:
    keep(ledger, "one old", created=100.0)
    keep(ledger, "one new", created=200.0, first=1)
    keep(ledger, "two old", key=TWO, created=100.0, query="R")
    keep(ledger, "two new", key=TWO, created=200.0)
    keep(ledger, "fake", key=FAKE, created=200.0)
    return ledger


@pytest.mark.parametrize(
    ("chosen", "left"),
    [
        ({"model": "one"}, {"two old", "two new", "fake"}),
        ({"model": "guess"}, {"one old", "one new", "two old", "two new"}),
        ({"model": "http"}, {"one old", "one new", "two old", "two new", "fake"}),
        ({"template": "llmbar"}, {"one old", "one new"}),
        ({"older_than": 150.0}, {"one new", "two new", "fake"}),
        ({"older_than": 100.0}, {"one old", "one new", "two old", "two new", "fake"}),
        ({"model": "two", "older_than": 150.0}, {"one old", "one new", "two new", "fake"}),
        ({"model": "two", "template": "deepseek"}, {"one old", "one new", "two old", "two new", "fake"}),
        ({"older_than": 1e12}, set()),
    ],
)
def test_all_that_is_chosen_must_match(chosen: dict[str, object], left: set[str], full: Ledger) -> None:
    assert prune(full, **chosen) == 5 - len(left)
    assert set(texts(full)) == left


def test_nothing_chosen_is_refused(full: Ledger) -> None:
    with pytest.raises(ValueError, match="nothing chosen to prune; expected model, template or older_than"):
        prune(full)
    assert len(texts(full)) == 5


def test_texts_nobody_uses_go_too(ledger: Ledger) -> None:
    shared = Stored("shared", reasoning="thought", logprobs='"l"', neutralised='"n"')
    keep(ledger, shared, replace(shared, text="only one"), key=ONE)
    keep(ledger, shared, key=TWO)
    keep(ledger, "of one alone", key=ONE, query="R")
    prune(ledger, model="one")
    assert all_texts(ledger) == {"shared", "thought", '"l"', '"n"', content()}
    assert ledger.find_example({"query": "R", "responses": ["a", "b"]}) is None
    prune(ledger, model="two")
    assert all_texts(ledger) == set()


def test_the_file_gets_smaller_and_forgets(path: Path) -> None:
    with Ledger(path) as ledger:
        keep(ledger, *(f"secret {number} " * 2000 for number in range(50)))
        keep(ledger, "stays", key=TWO)
    before = path.stat().st_size
    with Ledger(path) as ledger:
        assert prune(ledger, model="one") == 50
    assert path.stat().st_size < before / 10
    assert b"secret" not in path.read_bytes()
    with Ledger(path) as ledger:
        assert texts(ledger) == ["stays"]


def test_an_example_somebody_may_be_asking_about_stays(path: Path) -> None:
    with Ledger(path) as scoring:
        keep(scoring, "old", created=100.0)
        example = scoring.example_id({"query": "R", "responses": ["a", "b"]}, "id-R")
        with Ledger(path) as pruning:
            assert prune(pruning, older_than=150.0) == 1
        scoring.commit(scoring.judge_id(ONE), example, (0, 1), (0,), (Stored("new"),))
        assert [(entry.stored.text, entry.content["query"]) for entry in entries(scoring)] == [("new", "R")]
        scoring.claim(scoring.judge_id(ONE), scoring.example_id({"query": "S"}, "id-S"), (0,), (0,))
        prune(scoring, older_than=150.0)
        assert scoring.find_example({"query": "S"}) is not None
        assert scoring.find_example({"query": "Q", "responses": ["a", "b"]}) is None  # now that they are alone


def test_what_is_pruned_is_asked_for_again(ledger: Ledger) -> None:
    keep(ledger, "0", "1")
    prune(ledger, model="one")
    place = ledger.judge_id(ONE), ledger.example_id({"query": "Q", "responses": ["a", "b"]}, "id-Q"), (0, 1)
    assert ledger.claim(*place, (0, 1)).ours == (0, 1)


def test_without_room_to_shrink_it_says_what_was_done(path: Path, run: Run) -> None:
    with Ledger(path) as ledger:
        keep(ledger, *(f"{number} " * 2000 for number in range(50)), key=TWO)
        keep(ledger, "small")
    said = run(
        """
from grmkit.ledger.maintain import prune
ledger = Ledger(path)
limit_files(os.path.getsize(path + "-wal") + 100_000)
tell(lambda: prune(ledger, model="one"))
ledger.close()
"""
    )
    assert said[0].startswith("PATH: the disk is full or failing (")
    assert said[0].endswith("; 1 judgments are forgotten all the same, but the file is as large as before")
    with Ledger(path) as ledger:
        assert len(texts(ledger)) == 50
        assert ledger.select("PRAGMA integrity_check") == [("ok",)]


# Merge -----------------------------------------------------------------------------------------------------------


def test_merging_brings_what_is_missing_with_its_time(ledger: Ledger, other: Ledger) -> None:
    keep(ledger, "mine", created=1.0)
    keep(other, "theirs, same stream", "theirs", created=2.0)
    keep(other, "other judge", key=TWO, query="R", order=(1, 0), first=7, created=3.0)
    assert merge(ledger, other) == 2
    found = [(e.judge, e.example_name, e.order, e.stream, e.stored.text, e.created) for e in entries(ledger)]
    assert found == [
        (ONE, "id-Q", (0, 1), 0, "mine", 1.0),
        (ONE, "id-Q", (0, 1), 1, "theirs", 2.0),
        (TWO, "id-R", (1, 0), 7, "other judge", 3.0),
    ]
    assert texts(other) == ["theirs, same stream", "theirs", "other judge"]
    assert "theirs, same stream" not in all_texts(ledger)


def test_merging_again_adds_nothing(ledger: Ledger, other: Ledger) -> None:
    keep(other, "a", "b")
    assert [merge(ledger, other), merge(ledger, other)] == [2, 0]
    assert list(entries(ledger)) == list(entries(other))


def test_merging_both_ways_makes_them_equal(ledger: Ledger, other: Ledger) -> None:
    keep(ledger, "a", "b")
    keep(ledger, Stored("c", "length", "thought", "[]", "{}", 1, 2), key=TWO)
    keep(other, "x", query="R")
    keep(other, "b2", "c2", first=2)
    assert merge(ledger, other) == 3
    assert merge(other, ledger) == 3
    by_place = [
        {(e.judge.hash, e.example_name, e.order, e.stream): (e.stored, e.created) for e in entries(each)}
        for each in (ledger, other)
    ]
    assert by_place[0] == by_place[1]
    assert len(by_place[0]) == 6


def test_merging_from_a_file_another_process_uses(path: Path, tmp_path: Path) -> None:
    with Ledger(path) as scoring, Ledger(tmp_path / "mine.sqlite") as mine:
        keep(scoring, "kept")
        scoring.claim(scoring.judge_id(ONE), 1, (0, 1), (1,))
        with Ledger(path) as source:
            assert merge(mine, source) == 1
        assert scoring.select("SELECT stream FROM claims") == [(1,)]
        assert mine.select("SELECT count(*) FROM claims") == [(0,)]


def test_the_source_may_be_open_only_to_be_read(path: Path, ledger: Ledger, other: Ledger) -> None:
    keep(other, "new", first=9)
    with Ledger(path) as source:
        keep(source, "a", "b")
        source.claim(source.judge_id(ONE), 1, (0, 1), (2,))
        with Ledger(path, is_read_only=True) as beside_it:
            assert merge(ledger, beside_it) == 2
    before = path.read_bytes()
    with Ledger(path, is_read_only=True) as at_rest:
        assert merge(ledger, at_rest) == 0
        assert list(entries(ledger)) == list(entries(at_rest))
        with pytest.raises(LedgerError, match="this ledger was opened only to be read; nothing was changed"):
            merge(at_rest, other)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_names_survive_merging_whatever_the_text(ledger: Ledger, other: Ledger) -> None:
    content = {"query": "half \ud83e"}
    judge = other.judge_id(replace(ONE, model={"model": "\ud83e"}))
    other.commit(judge, other.example_id(content, "e"), (0,), (0,), (Stored("t\ud83e"),))
    assert [merge(ledger, other), merge(ledger, other)] == [1, 0]
    assert ledger.find_example(content) is not None
    assert list(entries(ledger)) == list(entries(other))


def test_merging_into_itself_is_refused(path: Path) -> None:
    link = path.parent / "link"
    os.symlink(path, link)
    with Ledger(path) as ledger, Ledger(link) as same, Ledger(link, is_read_only=True) as reading:
        keep(ledger, "a")
        for other in (ledger, same, reading):
            with pytest.raises(ValueError, match="this is the ledger to merge into; expected another one"):
                merge(ledger, other)
    with Ledger(None) as memory, pytest.raises(ValueError, match=r"^ledger: this is the ledger to merge into"):
        merge(memory, memory)


def test_a_damaged_source_is_told(path: Path, ledger: Ledger) -> None:
    with Ledger(path) as damaged:
        keep(damaged, "text")
        with damaged.transaction() as connection:
            connection.execute("UPDATE texts SET text = 'texT' WHERE text = 'text'")
        with pytest.raises(LedgerError, match=r"ledger.sqlite: the file is damaged .*a text is not what was kept"):
            merge(ledger, damaged)
    assert texts(ledger) == []
