"""What soft scores do to votes, by hand."""

import math

import pytest

from fake_scalar import fake_meta_rm
from grmkit.backends import Generation, Sampling
from grmkit.backends.fake import FakeBackend
from grmkit.ledger import Ledger
from grmkit.scoring.generative import GenerativeJudge
from grmkit.scoring.replay import replay
from grmkit.scoring.soft_vote import check_soft, soft_tally, voting
from grmkit.scoring.tally import tally
from grmkit.templates import load_template
from grmkit.types import Abstention, Example, Judgment, SoftScores, Verdict

NONE = SoftScores(None, reason="not_aligned")


def judgment(scores, soft=None, meta_score=None):
    told = SoftScores(soft, tuple(1.0 for _ in soft)) if isinstance(soft, tuple) else soft
    reason = "empty" if scores is None else None
    return Judgment((), None, scores, (0, 1), "text", 0, unparsed_reason=reason, meta_score=meta_score, soft=told)


def count(*judgments, soft="ties", **how):
    return soft_tally("x", judgments, soft=soft, score_range=(1, 10), **how)


def test_ties_are_broken_and_nothing_else_changes():
    rows = (judgment((7, 4), (6.9, 4.0)), judgment((4, 7), (4.2, 7.0)))
    plain, found = count(*rows, soft=None), count(*rows)
    assert (plain.best, plain.ranking, plain.soft_scores) == (None, (1, 1), None)
    assert (found.best, found.ranking, found.scores, found.confidence) == (0, (1, 2), (11, 11), None)
    assert found.soft_scores == pytest.approx((11.1, 11.0))
    assert not found.is_tie


def test_a_vote_that_decides_is_not_touched():
    found = count(judgment((7, 6), (6.1, 6.9)))
    assert (found.best, found.ranking, found.scores) == (0, (1, 2), (7, 6))


def test_only_the_tied_are_told_apart():
    found = count(judgment((7, 5, 5), (5.0, 5.1, 6.0)))
    assert (found.ranking, found.best) == ((1, 3, 2), 0)
    assert count(judgment((7, 7, 5), (7.0, 7.0, 9.0))).ranking == (1, 1, 3)


def test_a_judgment_without_soft_scores_stands_as_it_was_written():
    found = count(judgment((8, 6), (7.9, 6.0)), judgment((6, 8), NONE))
    assert (found.best, found.soft_scores) == (1, (13.9, 14.0))
    untold = count(judgment((8, 8), NONE), judgment(None))
    assert (untold.best, untold.soft_scores) == (None, None)


def test_by_majority_the_tied_in_votes_are_told_apart():
    found = count(judgment((9, 4), (9.0, 4.0)), judgment((6, 7), (6.0, 7.0)), rule="majority")
    assert (found.best, found.scores) == (0, (15, 11))


def test_with_a_meta_rm_those_that_vote_break_the_tie():
    rows = (judgment((7, 7), (7.1, 7.0), 3.0), judgment((8, 8), (8.0, 8.9), -1.0))
    assert count(*rows, meta_samples=1).best == 0
    assert count(*rows, meta_samples=2).best == 1
    assert count(*rows, meta_samples="soft").soft_scores == pytest.approx((2 * 7.1, 2 * 7.0), abs=1)
    assert count(judgment((7, 7), NONE, 3.0), rows[1], meta_samples=1).best is None


def test_scores_are_what_is_voted_on():
    found = count(judgment((7, 7), (6.5, 7.25)), judgment(None), judgment((8, 5), (7.5, 5.5)), soft="scores")
    assert (found.scores, found.mean_scores) == ((14.0, 12.75), (7.0, 6.375))
    assert (found.best, found.samples, found.unparsed, found.voted) == (0, 3, 1, None)
    assert found.judgments[0].scores == (7, 7)


def test_scores_leave_out_who_has_none():
    rows = (judgment((7, 4), NONE), judgment((4, 7), (4.5, 6.5)))
    found = count(*rows, soft="scores")
    assert (found.scores, found.voted, found.best, found.judgments) == ((4.5, 6.5), 1, 1, rows)
    guided = count(judgment((1, 9), NONE, 9.0), judgment((7, 4), (7.0, 4.0), 0.0), soft="scores", meta_samples=0.5)
    assert (guided.scores, guided.voted) == ((7, 4), 1)


def test_nobody_has_some():
    found = count(judgment((7, 4), NONE), judgment((7, 4)), judgment(None), soft="scores")
    detail = "none of 2 readable judgments has soft scores: 1 not asked for, 1 not_aligned"
    assert found.abstained == Abstention("no_soft_scores", detail)
    assert (found.samples, found.unparsed) == (3, 1)
    unread = count(judgment(None), soft="scores")
    assert unread.abstained is not None
    assert unread.abstained.reason == "unreadable"


def test_not_asked_for_nothing_changes():
    rows = [judgment((7, 7), (7.1, 7.0))]
    assert count(*rows, soft=None) == tally("x", rows, score_range=(1, 10))
    assert voting(rows, None) is rows
    assert voting(rows, "ties") is rows
    assert [one.scores for one in voting(rows, "scores")] == [(7.1, 7.0)]


def test_what_it_may_be():
    grm = load_template("deepseek-grm")
    assert [check_soft(soft, grm) for soft in (None, "ties", "scores")] == [None, "ties", "scores"]
    with pytest.raises(ValueError, match="soft is 'all'; expected 'ties', 'scores' or None"):
        check_soft("all")  # pyright: ignore[reportArgumentType]
    for name in ("llm-judge", "llm-judge-mt-bench"):
        with pytest.raises(ValueError, match=f"but {name} names the better response and gives no scores"):
            check_soft("ties", load_template(name))
        assert check_soft(None, load_template(name)) is None


# As a caller sees them, over the fake judge


def hesitating(request, stream):
    """It writes 7 and 7, and nearly wrote 8 for the first response of the example."""
    shown = [(" 7", math.log(0.75), ((" 8" if index == 0 else " 6", math.log(0.25)),)) for index in request.order]
    tokens = [("Scores:", 0.0, None), shown[0], (",", 0.0, ()), shown[1], ("<|end|>", 0.0, ())]
    others = tuple(token[2] for token in tokens) if request.sampling.alternatives else None
    return Generation("Scores: 7, 7", "stop", None, tuple(token[:2] for token in tokens), others)


def make_judge(answer=hesitating, ledger=None, **how):
    return GenerativeJudge(
        FakeBackend(answer, name="fake"), load_template("deepseek-grm"), ledger or Ledger(None), **how
    )


PAIR = Example("Why?", ("a", "b"), id="x")


def test_a_judge_breaks_ties_and_its_ledger_too():
    ledger = Ledger(None)
    found = make_judge(ledger=ledger, soft="ties").score_all([PAIR], samples=4)
    (verdict,) = found
    assert (verdict.best, verdict.scores, verdict.soft_scores) == (0, (28, 28), (29.0, 27.0))
    assert {one.soft for one in verdict.judgments} == {SoftScores((7.25, 6.75), (1.0, 1.0))}
    assert [again for _, again in replay(ledger, soft="ties")] == found
    assert Verdict.from_json(verdict.to_json()) == verdict
    ((_, plain),) = replay(ledger)
    assert (plain.best, plain.judgments[0].soft) == (None, None)
    ((_, scored),) = replay(ledger, soft="scores")
    (live,) = make_judge(ledger=ledger, soft="scores").score_all([PAIR], samples=4)
    assert scored == live
    assert (live.scores, live.best, live.voted) == ((29.0, 27.0), 0, None)
    with pytest.raises(ValueError, match="soft is 'most'"):
        next(replay(ledger, soft="most"))  # pyright: ignore[reportArgumentType]


def test_judgments_drawn_without_have_none_in_a_replay():
    ledger = Ledger(None)
    (plain,) = make_judge(ledger=ledger).score_all([PAIR], samples=2)
    assert all(one.soft is None for one in plain.judgments)
    ((_, ties),) = replay(ledger, soft="ties")
    assert (ties.best, ties.soft_scores) == (None, None)
    assert {one.soft for one in ties.judgments} == {SoftScores(None, reason="no_alternatives")}
    ((_, scores),) = replay(ledger, soft="scores")
    assert scores.abstained is not None
    assert scores.abstained.reason == "no_soft_scores"


def test_who_asks_for_none_is_asked_and_kept_as_ever():
    plain, soft = make_judge(), make_judge(soft="ties")
    plain.score_all([PAIR])
    soft.score_all([PAIR])
    assert plain.backend.requests[0].sampling.to_json() == Sampling().to_json()
    assert soft.backend.requests[0].sampling == Sampling(alternatives=20)
    with pytest.raises(ValueError, match="llm-judge names the better response"):
        GenerativeJudge(FakeBackend(), load_template("llm-judge"), Ledger(None), soft="ties")


@pytest.mark.parametrize("how", [{"stop": 0.95}, {"budget": 40}])
def test_soft_scores_decide_when_to_stop_and_ties_stay_open(how):
    examples = [Example(f"Why {i}?", ("a", "b"), id=str(i)) for i in range(5)]
    scored = make_judge(soft="scores")
    verdicts = scored.score_all(examples, samples=16, **how)
    assert {verdict.best for verdict in verdicts} == {0}
    assert sum(verdict.samples for verdict in verdicts) <= 40
    open_ = make_judge(soft="ties").score_all(examples, samples=16, **how)
    assert {verdict.best for verdict in open_} == {0}
    assert sum(verdict.samples for verdict in open_) == (80 if "stop" in how else 40)


def test_a_meta_rm_chooses_among_those_with_soft_scores():
    def mixed(request, stream):
        return hesitating(request, stream) if request.order == (0, 1) else "Scores: 1, 10"

    judge = make_judge(mixed, soft="scores", meta_rm=fake_meta_rm(lambda text: float("10" in text)), meta_samples=0.5)
    (verdict,) = judge.score_all([PAIR], samples=4)
    assert (verdict.voted, verdict.scores, verdict.best) == (1, (7.25, 6.75), 0)
