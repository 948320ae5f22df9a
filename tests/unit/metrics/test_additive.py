import random
from statistics import fmean

import pytest

from grmkit.metrics.additive import count_parts, fit_additive


def test_two_lists_of_two_that_share_one_response():
    """By hand: 0 is 2 above 1, 1 is 2 above 2; the mean of 8, 6, 5, 3 is 5.5, where 1 stands, as it was shown twice."""
    fit = fit_additive([((0, 1), (8, 6)), ((1, 2), (5, 3))], 3)
    assert fit.means == (7.5, 5.5, 3.5)
    assert fit.intervals is None, "four scores, two levels and two gaps: nothing is left over"


def test_a_stricter_list_moves_no_response():
    kind = [((0, 1), (8, 6)), ((1, 2), (7, 5))]
    strict = [((0, 1), (8, 6)), ((1, 2), (3, 1))]
    first, second = fit_additive(kind, 3).means, fit_additive(strict, 3).means
    assert [mean - first[0] for mean in first] == [mean - second[0] for mean in second] == [0, -2, -4]


def test_the_same_list_twice_is_the_mean_with_its_interval():
    """By hand: gaps 2 and 4, so 3; residuals of half a point each way, 1 in all, over one degree of freedom.

    Each mean stands half the gap from the level; the gap's variance is 2 / 2 = 1, so that of half of it is 1 / 4:
    12.7062 (Student t, one degree) times 0.5.
    """
    fit = fit_additive([((0, 1), (8, 6)), ((0, 1), (9, 5))], 2)
    assert fit.means == (8.5, 5.5)
    assert fit.intervals is not None
    assert fit.intervals[0] == pytest.approx((8.5 - 6.3531, 8.5 + 6.3531), abs=1e-4)
    assert fit.intervals[1] == pytest.approx((5.5 - 6.3531, 5.5 + 6.3531), abs=1e-4)


def test_lists_that_agree_exactly_say_nothing_of_the_noise():
    assert fit_additive([((0, 1), (8, 6)), ((0, 1), (5, 3))], 2).intervals is None


def test_the_order_within_a_list_is_nothing():
    assert fit_additive([((1, 0), (6, 8)), ((2, 1), (3, 5))], 3) == fit_additive(
        [((0, 1), (8, 6)), ((1, 2), (5, 3))], 3
    )


def test_of_complete_lists_it_is_the_mean_of_each_response():
    rows = [(7, 4, 1), (9, 3, 3), (8, 8, 2)]
    means = fit_additive([((0, 1, 2), row) for row in rows], 3).means
    assert means == pytest.approx([fmean(column) for column in zip(*rows, strict=True)])


def test_the_levels_average_zero_over_all_scores():
    lists = [((0, 1, 2), (9, 5, 4)), ((2, 3), (6, 1)), ((0, 3), (7, 7))]
    means = fit_additive(lists, 4).means
    assert fmean(means[one] for members, _ in lists for one in members) == pytest.approx(39 / 7)


def test_the_intervals_hold_the_truth_as_often_as_they_say():
    generator = random.Random(0)
    effects = [generator.gauss(0, 2) for _ in range(12)]
    held = []
    for _ in range(300):
        lists = []
        for start in range(0, 12, 2):  # a ring of six lists of four: 24 - 6 - 12 + 1 = 7 degrees of freedom
            members = [(start + step) % 12 for step in range(4)]
            level = generator.gauss(0, 3)
            lists.append((members, [level + effects[one] + generator.gauss(0, 1) for one in members]))
        fit = fit_additive(lists, 12)
        assert fit.intervals is not None
        level = fmean(fit.means)
        ends = zip(effects, fit.intervals, strict=True)
        held += [low <= level + effect - fmean(effects) <= high for effect, (low, high) in ends]
    assert fmean(held) == pytest.approx(0.95, abs=0.015)


@pytest.mark.parametrize(
    ("lists", "num_responses", "parts"),
    [
        ([], 2, 2),
        ([(0, 1)], 3, 2),
        ([(0, 1), (2, 3)], 4, 2),
        ([(2, 3), (0, 1), (1, 2)], 4, 1),
        ([(0, 3), (1, 2), (2, 3)], 4, 1),
    ],
)
def test_parts_that_share_no_list(lists, num_responses, parts):
    assert count_parts(lists, num_responses) == parts


def test_without_a_common_scale_there_is_no_fit():
    with pytest.raises(ValueError, match="the lists fall into 2 parts that share no response; expected one"):
        fit_additive([((0, 1), (8, 6)), ((2, 3), (9, 1))], 4)
