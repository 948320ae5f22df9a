"""Settings that are used together: cached principles, lists, soft scores, fewer orders, blocks."""

import pytest

from grmkit.backends import Generation, Sampling
from grmkit.backends.fake import FakeBackend, grm_answer
from grmkit.ledger import Ledger
from grmkit.scoring.generative import GenerativeJudge
from grmkit.scoring.replay import replay
from grmkit.templates import load_template
from grmkit.types import Example

TEXT = "Specific Criteria:\n1. Clarity (Weight: 30%): is it plain?\n2. Truth (Weight: 70%): is it true?"
PAIR = Example("Why?", ("Light.", "The sea."), id="pair")
TEN = Example("Why?", tuple(f"response {index}" for index in range(10)), id="ten")


def principles_or_judgment(request, stream):
    """The nano judge is asked for principles by a prompt without responses."""
    return TEXT if len(request.order) == 1 else grm_answer(request, stream)


def make_judge(answer=principles_or_judgment, *, ledger=None, template="nano", block_size=1, **how):
    backend = FakeBackend(answer, block_size=block_size, max_samples=max(8, block_size))
    return GenerativeJudge(backend, load_template(template), ledger or Ledger(None), **how)


def test_principles_are_given_to_lists_of_what_is_too_long_for_one():
    ledger = Ledger(None)
    how = {"ledger": ledger, "list_size": 4, "principles": "query"}
    (verdict,) = make_judge(**how).score_all([TEN], samples=2)
    assert verdict.abstained is None
    assert [principle.name for principle in verdict.given] == ["Clarity", "Truth"]
    assert verdict.lists.is_connected
    (again,) = (found for _, found in replay(ledger, list_size=4))
    assert again == verdict


def test_what_is_refused_is_told_no_principles_whoever_shares_its_query():
    ledger = Ledger(None)
    judge = make_judge(ledger=ledger, principles="query")
    first = judge.score_all([TEN, PAIR], samples=2)
    assert [None if one.abstained is None else one.abstained.reason for one in first] == ["refused", None]
    again = make_judge(ledger=ledger, principles="query").score_all([TEN, PAIR], samples=2)
    assert again == first
    assert first[0].given is None


def test_principles_are_asked_for_once_with_soft_scores_and_without():
    ledger = Ledger(None)
    for soft in (None, "ties"):
        judge = make_judge(ledger=ledger, principles="query", soft=soft)
        judge.score_all([PAIR], samples=2)
        asked = [request for request in judge.backend.requests if len(request.order) == 1]
        assert len(asked) == (soft is None)


@pytest.mark.parametrize(("second", "best"), [(-2.303, 0), (-12.0, None)])
def test_a_tie_is_broken_by_a_hundredth_of_a_point_or_more(second, best):
    """With 10 % on the 9 the first is worth 8.1, with 0.0006 % 8.000006."""

    def hesitating(request, stream):
        tokens = (("Scores:", 0.0), (" 8", -0.105), (",", 0.0), (" 8", -0.105))
        nearly = [((" 9", second if index == 0 else -14.0),) for index in request.order]
        return Generation("Scores: 8, 8", "stop", None, tokens, (None, nearly[0], (), nearly[1]))

    verdict = make_judge(hesitating, template="deepseek-grm", soft="ties").score_all([PAIR], samples=2)[0]
    assert verdict.scores == (16.0, 16.0)
    assert (verdict.best, verdict.is_tie) == (best, best is None)
    assert verdict.soft_scores[0] > verdict.soft_scores[1]


def test_a_replay_of_fewer_orders_wants_to_know_how_many():
    ledger = Ledger(None)
    example = Example("Why?", ("one", "two", "three"), id="three")
    judge = make_judge(grm_answer, ledger=ledger, template="deepseek-grm", num_orders=1)
    (verdict,) = judge.score_all([example], samples=8)
    assert [found for _, found in replay(ledger, num_orders=1)] == [verdict]
    assert [found.samples for _, found in replay(ledger)] == [1], "the second order has none"


@pytest.mark.parametrize(("num", "unit"), [(2, 8), (3, 24), (5, 40)])
def test_what_a_stop_saves_in_blocks_was_not_drawn(num, unit):
    example = Example("Why?", tuple(f"r{index}" for index in range(num)), id="x")

    def clear(request, stream):
        return "Scores: \\boxed{" + ", ".join(str(9 - 2 * min(index, 3)) for index in request.order) + "}"

    judge = make_judge(clear, template="deepseek-grm", block_size=4, sampling=Sampling(0.5))
    (verdict,) = judge.score_all([example], samples=96, stop=0.95)
    assert (verdict.samples, judge.tallies.spent, judge.tallies.asked) == (unit, unit, unit)
