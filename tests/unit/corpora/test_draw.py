"""Sampling for a recipe: every judgment into one ledger, none asked for twice, whoever asks."""

import json
from dataclasses import replace

import pytest

from fake_server import FakeServer, Reply, dead_url
from grmkit.backends import Sampling
from grmkit.corpora import draw as module
from grmkit.corpora.draw import Judge, draw
from grmkit.errors import BackendDown, BackendError, DataError
from grmkit.types import Example
from live_server import judge as answer
from live_server import live_server

PAIRS = [Example(f"query {i}", (f"first {i}", f"second {i}"), label=0, id=f"p{i}") for i in range(10)]


@pytest.fixture
def server():
    with live_server() as running:
        running.answer = answer
        yield running


@pytest.fixture
def judge(server, tmp_path):
    return Judge(server.url, "deepseek-grm", tmp_path / "ledger.sqlite", Sampling(seed=3), concurrency=4)


def asked(server: FakeServer):
    chats = server.chats
    return [(chat["messages"][-1]["content"], chat["seed"] + i) for chat in chats for i in range(chat["n"])]


def scores(drawn):
    return [(example.id, [judgment.scores for judgment in verdict.judgments]) for example, verdict in drawn]


def test_every_example_comes_with_its_verdict_in_order(judge, server):
    drawn = list(draw(judge, PAIRS, 3))
    assert [example for example, _ in drawn] == PAIRS
    assert all(verdict.id == example.id and len(verdict.judgments) == 3 for example, verdict in drawn)
    assert len(asked(server)) == len(set(asked(server))) == 30


def test_nothing_is_asked_for_twice(judge, server):
    first = scores(draw(judge, PAIRS[:4], 3))
    assert scores(draw(judge, PAIRS[:4], 3)) == first
    assert len(asked(server)) == 12
    more = scores(draw(judge, PAIRS, 3))
    assert more[:4] == first
    assert len(asked(server)) == len(set(asked(server))) == 30


def test_one_that_was_stopped_halfway_goes_on(judge, server):
    walk = draw(judge, PAIRS, 2)
    next(walk)
    walk.close()
    before = len(asked(server))
    assert before == 20, "what is drawn before the first verdict comes is kept"
    assert len(list(draw(judge, PAIRS, 2))) == 10
    assert len(asked(server)) == before


def test_two_processes_give_what_one_gives(judge, server, tmp_path):
    alone = scores(draw(judge, PAIRS, 2))
    pair = replace(judge, ledger=tmp_path / "pair.sqlite", workers=2)
    assert scores(draw(pair, PAIRS, 2)) == alone
    assert len(asked(server)) == 40, "each of them once for one, and once for two"


def test_more_processes_than_examples(judge, server):
    assert len(list(draw(replace(judge, workers=3), PAIRS[:2], 1))) == 2
    assert len(asked(server)) == 2


def test_chunks_make_no_difference(judge, tmp_path, monkeypatch):
    whole = scores(draw(judge, PAIRS, 2))
    monkeypatch.setattr(module, "CHUNK", 3)
    assert scores(draw(replace(judge, ledger=tmp_path / "other.sqlite"), PAIRS, 2)) == whole


def test_a_judge_that_is_told_the_label_reads_it(judge, server):
    told = judge.told()
    assert (told.template, told.ledger, told.sampling) == ("deepseek-grm-hinted", judge.ledger, judge.sampling)
    list(draw(told, PAIRS[:1], 1))
    list(draw(judge, PAIRS[:1], 1))
    hinted, plain = (prompt for prompt, _ in asked(server))
    assert "The best response is" in hinted
    assert "The best response is" not in plain


def test_requests_that_failed_are_told_and_completed_by_the_next_run(judge, server):
    server.answer = lambda chat: (
        Reply.error(400, "no") if "query 7" in chat["messages"][-1]["content"] else answer(chat)
    )
    words = r"1 of 10 examples failed at the judge, first p7: .*; what was sampled is kept, run the same command again"
    with pytest.raises(BackendError, match=words) as caught:
        list(draw(judge, PAIRS, 2))
    assert not isinstance(caught.value, BackendDown)
    server.answer = answer
    before = len(asked(server))
    assert len(list(draw(judge, PAIRS, 2))) == 10
    assert {prompt.count("query 7") for prompt, _ in asked(server)[before:]} == {1}


def test_a_judge_that_cannot_be_asked(tmp_path):
    with pytest.raises(BackendDown, match="cannot connect"):
        list(draw(Judge(dead_url(), "nano", tmp_path / "ledger.sqlite"), PAIRS, 1))
    with pytest.raises(DataError, match=r"absent\.jsonl: cannot be read"):
        list(draw(Judge("recorded:absent.jsonl", "nano", tmp_path / "ledger.sqlite"), PAIRS, 1))


def test_what_a_judge_was_not_made_for_is_judged_all_the_same(tmp_path):
    """nano abstains outside of its world; what it is trained on may well be new to it."""
    foreign = Example("Explain Kant's categorical imperative.", ("It is a maxim.", "It is a duty."), label=0, id="f")
    small = Judge("nano", "nano", tmp_path / "ledger.sqlite", Sampling(0.7, max_tokens=200))
    ((_, verdict),) = draw(small, [foreign], 2)
    assert len(verdict.judgments) == 2


def test_an_answer_that_is_not_recorded_is_none(tmp_path):
    rows = [
        {"id": "p0", "order": order, "text": f"Scores: \\boxed{{7, {n}}}"} for n, order in ((3, [0, 1]), (4, [1, 0]))
    ]
    (tmp_path / "answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    recorded = Judge(f"recorded:{tmp_path / 'answers.jsonl'}", "deepseek-grm", tmp_path / "ledger.sqlite")
    (_, one), (_, other) = draw(recorded, PAIRS[:2], 1)
    assert [judgment.is_parsed for judgment in one.judgments] == [True]
    assert (other.judgments, other.abstained.reason) == ((), "not_recorded")


def test_one_order_is_one_prompt_of_each_example(judge, server):
    drawn = list(draw(replace(judge, num_orders=1), PAIRS, 4))
    assert [len(verdict.judgments) for _, verdict in drawn] == [4] * 10
    assert all(len({judgment.order for judgment in verdict.judgments}) == 1 for _, verdict in drawn)
    assert {verdict.judgments[0].order for _, verdict in drawn} == {(0, 1), (1, 0)}
    assert len({prompt for prompt, _ in asked(server)}) == 10
    assert len(asked(server)) == 40
