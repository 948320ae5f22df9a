import numpy as np
import pytest
from scipy.stats import betabinom
from scipy.stats import t as student

from grmkit.scoring.confidence import confidence


def test_the_hand_worked_pair():
    # gaps 3 and 1: mean 4/3 at weight 3, 4 degrees; squares 2*2.25^2 + 2 + 2/3*4 = 14.792; the chance that 4 + the sum
    # of two new gaps (mean 8/3, scale sqrt(14.792/4 * (2 + 4/3)) = 3.511) stays above 0 is T4(6.667/3.511 = 1.899)
    assert confidence([(7, 4), (6, 5)], 0, score_range=(1, 10)) == pytest.approx(student.cdf(1.8988, 4), abs=1e-4)


def test_it_agrees_with_drawing_from_the_stated_model():
    rows = [(8, 6), (7, 7), (9, 5), (6, 7)]
    gaps = np.array([one - other for one, other in rows], float)
    k, generator = len(gaps), np.random.default_rng(0)
    weight, degrees, mean = 1 + k, 2 + k, gaps.sum() / (1 + k)
    squares = 2 * (0.25 * 9) ** 2 + ((gaps - gaps.mean()) ** 2).sum() + k / weight * gaps.mean() ** 2
    variance = squares / generator.chisquare(degrees, 400_000)
    centre = generator.normal(mean, np.sqrt(variance / weight))
    again = generator.normal(k * centre, np.sqrt(k * variance))
    assert confidence(rows, 0, score_range=(1, 10)) == pytest.approx((gaps.sum() + again > 0).mean(), abs=0.003)


def test_more_agreement_is_more_confidence():
    grown = [confidence([(7, 5)] * k, 0, score_range=(1, 10)) for k in (2, 4, 8, 32)]
    assert grown == sorted(grown)
    assert grown[-1] > 0.99


def test_several_rivals_can_only_lower_it():
    two = confidence([(7, 5), (7, 6)], 0, score_range=(1, 10))
    three = confidence([(7, 5, 5), (7, 6, 6)], 0, score_range=(1, 10))
    assert three == pytest.approx(two**2, abs=1e-6)


def test_votes_are_counted_not_measured():
    # two for, none against, uniform prior: both of two new ones against has chance 1*2/(4*5)
    assert confidence([(1, 0), (1, 0)], 0, score_range=(0, 1)) == pytest.approx(0.9)
    # three for, one against: with as many again it leads unless at least three of four are against
    wins = betabinom(4, 1 + 3, 1 + 1)
    rows = [(1, 0), (1, 0), (0, 1), (1, 0)]
    assert confidence(rows, 0, score_range=(0, 1)) == pytest.approx(1 - wins.cdf(1), abs=1e-6)
    assert confidence([(1, 0), (1, 0), (0.5, 0.5)], 0, score_range=(0, 1)) > 0.5


def test_judgments_that_tie_say_nothing_in_a_vote_of_heads():
    assert confidence([(1, 0), (0, 0), (1, 0)], 0, score_range=(0, 1)) == pytest.approx(0.9)


@pytest.mark.parametrize(("rows", "best"), [([(7, 4)], 0), ([(7,), (6,)], 0), ([(7, 7), (6, 6)], None), ([], None)])
def test_it_is_undefined_for_one_judgment_one_response_or_a_tie(rows, best):
    assert confidence(rows, best, score_range=(1, 10)) is None
