"""`grm score --principles query`: what is asked, told and foreseen."""

import json

import pytest

from fake_server import chat
from live_server import judge

PRINCIPLE = {"text": "is it so", "name": "Truth", "weight": 100.0}


@pytest.fixture
def shared(tmp_path):
    """Six pairs of two queries."""
    path = tmp_path / "shared.jsonl"
    rows = [{"id": f"p{i}", "query": f"query {i % 2}", "responses": [f"first {i}", f"second {i}"]} for i in range(6)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def is_about_principles(payload):
    return "You do not see the answers" in payload["messages"][-1]["content"]


def test_they_are_written_once_per_query_and_told_apart_from_judgments(grm, server, shared):
    args = ("score", shared, "--judge", server.url, "--samples", 2, "--principles", "query", "--prices", "1,2")
    ran = grm(*args)
    assert (ran.code, sum(map(is_about_principles, server.chats))) == (0, 2)
    assert [(row["id"], row["given"]) for row in ran.rows] == [(f"p{i}", [PRINCIPLE]) for i in range(6)]
    assert "12 judgments: 12 asked for in 12 requests, 0 from the ledger, 0 unreadable" in ran.err
    assert "principles: 2 queries, 2 written; 2 asked for in 2 requests\n" in ran.err
    assert "completion tokens paid for them" in ran.err
    assert "cost of these principles: " in ran.err
    again = grm(*args)
    assert (again.out, sum(map(is_about_principles, server.chats))) == (ran.out, 2)
    assert "principles: 2 queries, 2 written; 0 asked for in 0 requests\n" in again.err
    assert "paid for them" not in again.err


def test_without_it_nothing_is_told(grm, server, shared):
    plain = grm("score", shared, "--judge", server.url, "--samples", 2)
    same = grm("score", shared, "--judge", server.url, "--samples", 2, "--principles", "judgment")
    assert plain.out == same.out
    assert "principles:" not in plain.err
    assert "given" not in plain.out.replace('"principles"', "")


def test_what_could_not_be_read_is_counted(grm, server, shared):
    server.answer = lambda payload: (
        chat(*["nothing"] * payload["n"]) if is_about_principles(payload) else judge(payload)
    )
    ran = grm("score", shared, "--judge", server.url, "--samples", 2, "--principles", "query")
    assert [row["given"] for row in ran.rows] == [[]] * 6
    told = (
        "principles: 2 queries, 0 written, 2 unreadable: there each judgment wrote its own; 8 asked for in 8 requests"
    )
    assert told in ran.err


def test_a_dry_run_foresees_them(grm, server, shared):
    args = ("score", shared, "--judge", server.url, "--samples", 2, "--principles", "query")
    ahead = grm(*args, "--dry-run")
    assert (ahead.code, server.chats) == (0, [])
    assert "judgments    12: 0 in the ledger, 12 to ask for" in ahead.out
    assert "principles   of 2 queries: 2 to ask for in 2 more requests" in ahead.out
    assert "up to 4 tries each" in ahead.out
    assert "answers      at most 28,672 tokens" in ahead.out  # 14 answers of 2,048
    grm(*args)
    after = grm(*args, "--dry-run")
    assert "judgments    12: 12 in the ledger, 0 to ask for" in after.out
    assert "principles   of 2 queries: 0 to ask for in 0 more requests" in after.out
    assert "up to 4 tries" not in after.out
    assert "principles" not in grm("score", shared, "--judge", server.url, "--dry-run", "--template", "nano").out


def test_a_dry_run_after_unreadable_tries_foresees_the_next(grm, server, shared):
    args = ("score", shared, "--judge", server.url, "--samples", 2, "--principles", "query", "--limit", 1)
    server.answer = lambda payload: chat("nothing") if is_about_principles(payload) else judge(payload)
    grm(*args)
    assert "principles   of 1 queries: 0 to ask for" in grm(*args, "--dry-run").out
    grm("ledger", "prune", "--template", "principles")
    assert "principles   of 1 queries: 1 to ask for" in grm(*args, "--dry-run").out


def test_a_dry_run_without_a_server_and_with_examples_that_bring_theirs(grm, tmp_path):
    path = tmp_path / "own.jsonl"
    rows = [{"query": "q", "responses": ["a", "b"], "principles": ["mine"]}, {"query": "q", "responses": ["a", "c"]}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    args = ("--judge", "http://127.0.0.1:9/v1", "--model", "m", "--principles", "query", "--dry-run", "--samples", 2)
    ran = grm("score", path, *args)
    assert ran.code == 3
    assert "judgments    4: 0 in the ledger, 4 to ask for" in ran.out
    assert "principles   of 1 queries: 1 to ask for in 1 more requests" in ran.out


def test_the_ledger_tells_them_from_judgments_and_replays_verdicts_only(grm, server, shared, tmp_path):
    args = ("score", shared, "--samples", 2, "--principles", "query")
    ran = grm(*args, "--judge", server.url)
    stats = grm("ledger", "stats").out
    assert "principles  T=0.5 seed=0  2 answers with principles of 2 queries, 0 cut" in stats
    assert "deepseek-grm  T=0.5 seed=0  12 judgments of 6 examples" in stats
    replayed = grm("ledger", "replay").rows
    for row in replayed:
        del row["model"]
    assert sorted(replayed, key=lambda row: row["id"]) == ran.rows
    answers = tmp_path / "answers.jsonl"
    grm("ledger", "export", "-o", answers)
    played = grm(*args, "--judge", f"recorded:{answers}", "--no-ledger")
    assert [(row["scores"], row["given"]) for row in played.rows] == [(row["scores"], row["given"]) for row in ran.rows]


def test_a_single_response_of_a_recorded_judge_is_not_taken_for_principles(grm, tmp_path):
    queries, answers = tmp_path / "q.jsonl", tmp_path / "a.jsonl"
    queries.write_text('{"id": "t", "query": "q", "responses": ["a"]}\n')
    text = "Specific Criteria:\n1. Fit (Weight: 100%): x\nAnalysis:\ny\nScores: \\boxed{5}"
    answers.write_text(json.dumps({"id": "t", "order": [0], "text": text}) + "\n")
    ran = grm("score", queries, "--judge", f"recorded:{answers}", "--samples", 1, "--principles", "query")
    assert ran.rows[0]["abstained"]["reason"] == "not_recorded"


def test_an_unknown_source_and_a_prompt_that_shows_none_are_refused_before_anything_is_sent(
    grm, server, shared, tmp_path
):
    assert grm("score", shared, "--judge", server.url, "--principles", "both").code == 2
    prompt = tmp_path / "mine.txt"
    prompt.write_text("{{ query }}{% for response in responses %}{{ response }}{% endfor %}")
    for more in (("--prompt-file", prompt), ("--template", "principles")):
        ran = grm("score", shared, "--judge", server.url, "--principles", "query", *more)
        assert ran.code == 2
        assert "does not show principles that it is given" in ran.err
    assert server.seen == []
