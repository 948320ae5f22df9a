import json

import pytest


@pytest.fixture
def filled(grm, server, pairs, tmp_path):
    path = tmp_path / "ledger.sqlite"
    assert grm("score", pairs, "--judge", server.url, "--samples", 4, "--ledger", path).code == 0
    return path


def test_stats_say_who_judged_what(grm, filled):
    out = grm("ledger", "stats", "--ledger", filled).out
    assert "judge  deepseek-grm  T=0.5 seed=0  20 judgments of 5 examples, 0 cut" in out


def test_an_export_can_be_played_back_to_the_same_verdicts(grm, server, pairs, filled, tmp_path):
    live = grm("score", pairs, "--judge", server.url, "--samples", 4, "--ledger", filled)
    exported = tmp_path / "answers.jsonl"
    assert grm("ledger", "export", "--ledger", filled, "-o", exported).code == 0
    again = grm("score", pairs, "--judge", f"recorded:{exported}", "--samples", 4, "--no-ledger")
    keep = ("id", "scores", "ranking", "best", "judgments")
    assert [[row[key] for key in keep] for row in again.rows] == [[row[key] for key in keep] for row in live.rows]


def test_prune_forgets_what_is_chosen_and_nothing_by_accident(grm, filled):
    assert grm("ledger", "prune", "--ledger", filled).code == 2
    assert grm("ledger", "prune", "--ledger", filled, "--days", 1).out == "0 judgments forgotten\n"
    assert grm("ledger", "prune", "--ledger", filled, "--model", "judge").out == "20 judgments forgotten\n"
    assert grm("ledger", "export", "--ledger", filled).out == ""


def test_merge_adds_what_is_missing_once(grm, filled, tmp_path):
    other = tmp_path / "other.sqlite"
    assert grm("ledger", "merge", filled, "--ledger", other).out == "20 judgments added\n"
    assert grm("ledger", "merge", filled, "--ledger", other).out == "0 judgments added\n"
    assert grm("ledger", "merge", tmp_path / "none.sqlite", "--ledger", other).code == 4


def test_replay_votes_again_and_sends_nothing(grm, server, pairs, filled):
    live, asked = grm("score", pairs, "--judge", server.url, "--samples", 4, "--ledger", filled), len(server.seen)
    rows = grm("ledger", "replay", "--ledger", filled).rows
    assert len(server.seen) == asked
    assert rows[0].pop("model")["model"] == "judge"
    assert rows[0] == json.loads(live.out.splitlines()[0])
    assert all(row["samples"] == 2 for row in grm("ledger", "replay", "--ledger", filled, "--samples", 2).rows)


def test_a_rule_nobody_knows_is_refused(grm, filled):
    assert grm("ledger", "replay", "--ledger", filled, "--vote", "best").code == 2


def test_without_a_ledger_the_command_says_so(grm, tmp_path):
    ran = grm("ledger", "stats", "--ledger", tmp_path / "none.sqlite")
    assert ran.code == 4
    assert "there is no ledger here yet" in ran.err


def test_an_export_is_of_one_model_and_template_if_you_like(grm, filled):
    assert len(grm("ledger", "export", "--ledger", filled, "--model", "judge").rows) == 20
    assert grm("ledger", "export", "--ledger", filled, "--model", "other").rows == []
    assert grm("ledger", "export", "--ledger", filled, "--template", "llm-judge").rows == []


def test_an_export_does_not_overwrite_the_ledger(grm, filled):
    before = filled.read_bytes()
    ran = grm("ledger", "export", "--ledger", filled, "-o", filled)
    assert ran.code == 2
    assert filled.read_bytes() == before


def test_an_export_to_nowhere_is_an_error_in_words(grm, filled):
    ran = grm("ledger", "export", "--ledger", filled, "-o", "/proc/nowhere/x.jsonl")
    assert ran.code == 2
    assert "cannot be written" in ran.err


def test_looking_into_something_else_leaves_it_as_it_was(grm, tmp_path, filled):
    empty = tmp_path / "empty.sqlite"
    empty.write_bytes(b"")
    for args in (("stats", "--ledger", empty), ("export", "--ledger", empty), ("merge", empty, "--ledger", filled)):
        assert grm("ledger", *args).code == 4
    assert empty.read_bytes() == b""
