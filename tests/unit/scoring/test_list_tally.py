"""Verdicts of examples judged in lists, from hand-made judgments and from judges whose truth is known."""

import random
from statistics import fmean

import pytest

from fake_scalar import fake_meta_rm
from grmkit.backends import Sampling
from grmkit.backends.fake import FakeBackend
from grmkit.ledger import Ledger
from grmkit.scoring.generative import GenerativeJudge
from grmkit.scoring.list_tally import overlap, tally_lists
from grmkit.scoring.replay import replay
from grmkit.scoring.tally import Prices
from grmkit.templates import load_template
from grmkit.types import Example, Judgment, Lists, Tokens, Verdict

NUM = 32


def judgment(order, scores, reason=None):
    return Judgment((), None, scores, order, "t", 0, unparsed_reason=reason)


def make_judge(backend=None, ledger=None, *, list_size=8, template="deepseek-grm", **kwargs):
    backend = backend or FakeBackend()
    return GenerativeJudge(backend, load_template(template), ledger or Ledger(None), list_size=list_size, **kwargs)


def example(num=20, name="x"):
    return Example(f"query {name}", tuple(f"response {index}" for index in range(num)), id=name)


def test_two_lists_that_share_one_response():
    """By hand, as in `metrics/test_additive.py`: places 7.5, 5.5 and 3.5, and on average 4 / 3 lists a response."""
    judgments = [judgment((1, 0), (8, 6)), judgment((1, 2), (5, 3))]
    found = tally_lists(
        "x", judgments, num_responses=3, list_size=2, tokens=Tokens(10**6, 10**6), prices=Prices(1.0, 2.0)
    )
    assert found.mean_scores == (7.5, 5.5, 3.5)
    assert found.scores == pytest.approx((10.0, 22 / 3, 14 / 3))
    assert sum(found.scores) == pytest.approx(8 + 6 + 5 + 3), "every point given is in it"
    assert (found.ranking, found.best, found.confidence, found.cost) == ((1, 2, 3), 0, None, 3.0)
    assert (found.samples, found.unparsed) == (2, 0)
    assert found.lists == Lists(2, (1, 2, 1), 0, 0.6667, True, None)
    assert Verdict.from_json(found.to_json()) == found


def test_what_cannot_be_read_is_left_out_and_counted():
    judgments = [judgment((0, 1), (8, 6)), judgment((0, 1), None, "empty"), judgment((0, 1), (9, 5))]
    found = tally_lists("x", judgments, num_responses=2, list_size=2)
    assert (found.mean_scores, found.samples, found.unparsed) == ((8.5, 5.5), 3, 1)
    assert found.lists.shown == (2, 2)


def test_what_is_left_has_to_connect_or_there_is_no_scale():
    judgments = [judgment((0, 1), (8, 6)), judgment((1, 2), None, "empty"), judgment((2, 3), (9, 9))]
    found = tally_lists("x", judgments, num_responses=4, list_size=2)
    assert (found.scores, found.abstained.reason) == (None, "disconnected")
    assert "the 2 of 3 lists that could be read fall into 2 parts that share no response" in found.abstained.detail
    assert found.lists == Lists(2, (1, 1, 1, 1), 0, 0.3333, False, None)
    assert Verdict.from_json(found.to_json()) == found


def test_without_a_readable_list_the_reason_is_that():
    found = tally_lists("x", [judgment((0, 1), None, "empty")] * 2, num_responses=3, list_size=2)
    assert (found.abstained.reason, found.lists.shown) == ("unreadable", (0, 0, 0))
    with pytest.raises(ValueError, match="no judgments to tally"):
        tally_lists("x", [], num_responses=3, list_size=2)


def test_a_tie_at_the_top_names_no_best():
    found = tally_lists("x", [judgment((0, 1), (5, 5)), judgment((1, 2), (5, 1))], num_responses=3, list_size=2)
    assert (found.ranking, found.best, found.is_tie) == ((1, 1, 3), None, True)


def test_overlap_by_hand():
    """Pairs 01 twice, 02 and 12 once each."""
    assert overlap([(0, 1), (2, 0, 1)], 3, 3) == Lists(3, (2, 2, 1), 1, 1.3333, True, None)


def effects_of(name):
    generator = random.Random(f"effects {name}")
    return [generator.gauss(0, 1.8) for _ in range(NUM)]


def relative(request, stream):
    """A judge that grades half on a curve, has moods, and reads each further response less carefully."""
    effects, generator = effects_of(request.example_id), random.Random(f"{request.seed}:{stream}")
    level = 5.5 + generator.gauss(0, 1) - 0.5 * fmean(effects[index] for index in request.order)
    heard = (level + effects[one] + generator.gauss(0, 0.7 + 0.1 * place) for place, one in enumerate(request.order))
    return "Scores: \\boxed{" + ", ".join(str(round(min(10, max(1, score)))) for score in heard) + "}"


def agreement(verdicts, scores):
    from scipy.stats import spearmanr

    return fmean(spearmanr(effects_of(one.id), scores(one)).statistic for one in verdicts)


def plain_means(verdict):
    given = [[] for _ in range(NUM)]
    for one in verdict.judgments:
        for index, score in zip(one.shown, one.scores, strict=True):
            given[index].append(score)
    return [fmean(scores) for scores in given]


@pytest.mark.parametrize("samples", [2, 6])
def test_lists_recover_a_known_order_better_than_one_long_list_and_than_plain_means(samples):
    given = [example(NUM, str(number)) for number in range(12)]
    lists = make_judge(FakeBackend(relative)).score_all(given, samples=samples)
    long = make_judge(FakeBackend(relative), list_size=None).score_all(given, samples=samples)
    fitted = agreement(lists, lambda one: one.mean_scores)
    assert fitted > {2: 0.85, 6: 0.93}[samples]
    assert fitted > agreement(long, lambda one: one.mean_scores) + 0.05
    assert fitted > agreement(lists, plain_means) + 0.005
    held = []
    for one in lists:
        effects, shown = effects_of(one.id), one.lists.shown
        weigh = [sum(a * b for a, b in zip(row, shown, strict=True)) / sum(shown) for row in (effects, one.mean_scores)]
        ends = zip(effects, one.lists.intervals, strict=True)
        held += [low <= weigh[1] + effect - weigh[0] <= high for effect, (low, high) in ends]
    assert fmean(held) == pytest.approx(0.95, abs=0.04)


def test_what_fits_in_one_list_is_judged_as_ever():
    ever, backend = FakeBackend(), FakeBackend()
    plain = make_judge(ever, list_size=None).score_all([example(8), example(3, "y")], samples=4)
    listed = make_judge(backend, list_size=8).score_all([example(8), example(3, "y")], samples=4)
    assert [one.to_json() for one in listed] == [one.to_json() for one in plain]
    assert backend.requests == ever.requests
    assert "lists" not in plain[0].to_json()


def test_more_samples_pay_for_the_new_lists_only():
    ledger = Ledger(None)
    for samples, num in ((1, 3), (3, 9), (2, 6)):
        judge = make_judge(ledger=ledger)
        verdict = judge.score_all([example()], samples=samples)[0]
        assert len(verdict.judgments) == verdict.samples == num
        assert judge.tallies.asked == {1: 3, 3: 6, 2: 0}[samples]
        assert all(sorted(one.shown) == sorted(one.order) for one in verdict.judgments)


def test_greedily_every_list_is_judged_once():
    verdict = make_judge(list_size=2, sampling=Sampling(temperature=0.0)).score_all([example(3)], samples=20)[0]
    orders = [one.order for one in verdict.judgments]
    assert len(set(orders)) == len(orders) == 6, "three pairs, each way round"


def test_pairs_of_a_pairwise_judge_are_a_tournament():
    def shorter(request, _):
        return "[[A]]" if request.order[0] < request.order[1] else "[[B]]"

    judge = make_judge(FakeBackend(shorter), list_size=2, template="llm-judge-mt-bench")
    verdict = judge.score_all([example(6)], samples=8)[0]
    assert verdict.ranking == (1, 2, 3, 4, 5, 6)


def test_a_replay_is_the_verdict_again_and_knows_what_it_was_not_told():
    ledger = Ledger(None)
    live = make_judge(ledger=ledger).score_all([example(), example(4, "small")], samples=3)
    assert [one for _, one in replay(ledger, list_size=8)] == live
    fewer = make_judge(ledger=ledger).score_all([example()], samples=2)
    assert [one for _, one in replay(ledger, list_size=8, samples=2)][:1] == fewer
    plain = [one for _, one in replay(ledger)]
    assert plain[1] == live[1]
    assert plain[0].abstained.reason == "not_recorded"
    assert "some are of lists: replay with the list size they were drawn with" in plain[0].abstained.detail
    other = next(one for _, one in replay(ledger, list_size=7))
    assert other.abstained.reason == "not_recorded"
    with pytest.raises(ValueError, match="list_size is 8 and meta_samples is given"):
        list(replay(ledger, list_size=8, meta_samples=1))
    with pytest.raises(ValueError, match="list_size is 1; expected at least 2"):
        list(replay(ledger, list_size=1))


def test_what_does_not_go_with_lists_is_refused_before_anything_is_asked():
    backend = FakeBackend()
    with pytest.raises(ValueError, match="list_size is 1; expected at least 2"):
        make_judge(backend, list_size=1)
    with pytest.raises(ValueError, match="the template cannot show so many: nano judges up to 8"):
        make_judge(backend, list_size=9, template="nano")
    with pytest.raises(ValueError, match="list_size is 8 and meta_rm is given"):
        make_judge(backend, meta_rm=fake_meta_rm(len))
    with pytest.raises(ValueError, match="rule is 'majority'"):
        make_judge(backend, rule="majority")
    judge = make_judge(backend)
    with pytest.raises(ValueError, match="list_size is 8 and stop is given"):
        judge.score("q", ["a", "b"], stop=0.95)
    with pytest.raises(ValueError, match="list_size is 8 and budget is given"):
        judge.score_all([example()], budget=50)
    assert backend.requests == []
