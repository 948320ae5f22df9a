"""The model by hand, its bounds, and whether its chances are chances."""

import math
from itertools import product

import numpy as np
import pytest
from scipy.stats import hypergeom
from scipy.stats import t as student

from grmkit.scoring.guided import keep_rows
from grmkit.scoring.stopping import (
    Prior,
    chance_of_change,
    check_stop,
    looks,
    pooled_prior,
    weigh,
)

WIDE = Prior(5.0, 5.0)


def chance(rows, num_left, prior=WIDE, **guide):
    return chance_of_change(rows, num_left, width=9, prior=prior, **guide)


def best(rows):
    totals = np.sum(rows, axis=0).round(6)
    return int(totals.argmax()) if (totals == totals.max()).sum() == 1 else -1


def test_the_chance_by_hand():
    """Gaps 2 and 3: spread (4 x 5 + 0.5) / 5 = 4.1, doubt 1 / (2 / 4.1 + 1 / 5)."""
    doubt = 1 / (2 / 4.1 + 1 / 5)
    mean = doubt * 5 / 4.1
    expected = student.cdf(-(5 + 6 * mean) / math.sqrt(6 * 4.1 + 36 * doubt), df=5)
    assert chance([(7, 5), (8, 5)], 6) == pytest.approx(expected)


def test_a_lead_larger_than_what_is_left_is_certain_and_an_equal_one_is_not():
    assert chance([(10, 1), (10, 1)], 1) == 0.0
    assert chance([(10, 1), (10, 1)], 2) > 0.0, "18 points to lose: it could end in a tie"
    assert chance([(10, 1, 1), (10, 1, 8)], 1) == 0.0
    assert chance([(10, 1, 1), (10, 1, 10)], 1) > 0.0


def test_a_tie_and_nothing_read_are_undecided():
    assert chance([(6, 5), (5, 6)], 4) == 1.0
    assert chance([], 4) == 1.0


def test_nothing_left_changes_nothing_and_one_response_has_no_decision():
    assert chance([(6, 5), (5, 6)], 0) == 0.0
    assert chance([(7,), (8,)], 4) is None


def test_rivals_add_up():
    two = chance([(7, 5), (8, 5)], 6)
    assert chance([(7, 5, 5), (8, 5, 5)], 6) == pytest.approx(2 * two)
    assert chance([(7, 6.9, 6.9, 6.9), (7, 6.9, 6.9, 6.9)], 30) == 1.0


def test_the_more_is_left_and_the_more_they_disagree_the_less_is_decided():
    agreeing, torn = [(7, 5), (8, 6), (7, 5)], [(10, 4), (4, 6), (9, 7)]
    assert chance(agreeing, 5) < chance(torn, 5)
    assert chance(agreeing, 5) < chance(agreeing, 29)


def test_all_kept_is_no_guide_at_all():
    rows, trust = [(7, 5), (8, 5), (4, 6)], [0.3, -2.0, 1.0]
    assert chance(rows, 5, meta_scores=trust, meta_samples=1.0) == pytest.approx(chance(rows, 5))
    certain = [50.0] * 3
    assert chance(rows, 5, meta_scores=certain, meta_samples="soft") == pytest.approx(chance(rows, 5))


def test_of_those_kept_in_the_end_a_hypergeometric_number_is_here():
    """Two of four are kept in the end; of the two drawn the first is trusted most: gaps 3, then -1."""
    rows, trust = [(5, 6), (8, 5)], [0.0, 1.0]
    spread, doubt = 5.0, 1 / (1 / 5 + 1 / 5)  # one of two is kept now: its gap is 3
    mean = doubt * 3 / spread

    def lost(total, num):
        return student.cdf(-(total + num * mean) / math.sqrt(num * spread + num**2 * doubt), df=4)

    shares = hypergeom(4, 2, 2).pmf([0, 1, 2])
    expected = shares[0] * lost(0, 2) + shares[1] * lost(3, 1)  # 3 - 1 is still ahead
    assert chance(rows, 2, meta_scores=trust, meta_samples=0.5) == pytest.approx(expected)


def test_a_number_kept_is_as_open_as_what_may_still_come():
    rows, trust = [(10, 1)] * 4, [1.0, 2.0, 3.0, 4.0]
    assert chance(rows, 4, meta_scores=trust, meta_samples=1) > 0.0, "one better trusted decides alone"
    assert chance(rows, 4, meta_scores=trust, meta_samples=8) > chance(rows, 3, meta_scores=trust, meta_samples=8)
    assert chance(rows, 3, meta_scores=trust, meta_samples=8) == 0.0


def test_judgments_nobody_trusts_decide_nothing():
    rows = [(9, 1)] * 3
    assert chance(rows, 3, meta_scores=[-15.0] * 3, meta_samples="soft") > 0.3
    assert chance(rows, 2, meta_scores=[15.0] * 3, meta_samples="soft") == 0.0


def test_weights_stay_within_the_scale():
    assert weigh([(8, 2)], [0.0]) == [(4.0, 1.0)]
    assert weigh([(8, 2)], [-1e5]) == [(0.0, 0.0)]
    assert weigh([(8, 2)], [1e5]) == [(8.0, 2.0)]


def test_the_prior_is_a_quarter_of_the_scale_until_it_is_told_better():
    assert pooled_prior([], width=9) == Prior(2.25**2, 2.25**2)
    assert pooled_prior([[(7, 4)], [], [(3,), (4,)]], width=9) == pooled_prior([], width=9), "none of these can tell"


def test_the_prior_by_hand():
    """Gaps 1 and 3: variance 2, mean 2; over one example and eight of the quarter."""
    found = pooled_prior([[(6, 5), (7, 4)]], width=9)
    assert found.within == pytest.approx((8 * 5.0625 + 2) / 9)
    assert found.between == pytest.approx((8 * 5.0625 + 4 - 2 / 2) / 9)


def test_the_prior_of_a_list_is_over_all_pairs():
    rows = [(6, 5, 1), (7, 4, 3)]
    gaps = [[row[a] - row[b] for row in rows] for a, b in ((0, 1), (0, 2), (1, 2))]
    within = np.mean([np.var(pair, ddof=1) for pair in gaps])
    between = np.mean([np.mean(pair) ** 2 for pair in gaps]) - within / 2
    found = pooled_prior([rows], width=9)
    assert (found.within, found.between) == pytest.approx(((40.5 + within) / 9, (40.5 + between) / 9))


def test_the_prior_does_not_depend_on_the_order_of_examples():
    rng = np.random.default_rng(0)
    first = [rng.integers(1, 11, (2, 2)).tolist() for _ in range(64)]
    assert pooled_prior(first, width=9) == pooled_prior(first[::-1], width=9)


def test_judges_that_never_differ_leave_some_doubt():
    assert pooled_prior([[(5, 5)] * 4] * 100_000, width=9).within == pytest.approx((0.02 * 9) ** 2)


@pytest.mark.parametrize(
    ("args", "block_size", "expected"),
    [
        ((2, 32), 1, (2, 4, 6, 8, 12, 18, 26, 32)),
        ((2, 32), 4, (8, 16, 24, 32)),
        ((3, 8), 1, (3, 6, 8)),
        ((8, 32), 4, (32,)),
        ((1, 5), 1, (1, 2, 3, 4, 5)),
        ((2, 1), 1, (1,)),
    ],
)
def test_looks_are_at_whole_squares_of_whole_blocks(args, block_size, expected):
    assert looks(*args, block_size=block_size) == expected


@pytest.mark.parametrize(
    ("args", "num_orders", "expected"),
    [((3, 48), 6, (24, 48)), ((3, 16), 6, (16,)), ((5, 90), 10, (40, 80, 90)), ((3, 16), 1, (4, 8, 12, 16))],
)
def test_odd_numbers_of_responses_have_twice_as_many_orders_in_blocks(args, num_orders, expected):
    assert looks(*args, block_size=4, num_orders=num_orders) == expected
    assert looks(3, 8, num_orders=6) == (3, 6, 8)


@pytest.mark.parametrize("stop", [0, 1, -0.5, 1.5, float("nan")])
def test_a_stop_is_a_chance(stop):
    with pytest.raises(ValueError, match="expected a chance between 0 and 1"):
        check_stop(stop)


# Whether its chances are chances -----------------------------------------------------------------------------------


def simulate(rng, num_items, samples, *, spread):
    """Pairs judged on 1 to 10 by whole numbers, of unlike difficulty and by unlike judges."""
    means = rng.normal(0, spread / math.sqrt(2), (num_items, 1, 2))
    noise = rng.choice([0.7, 1.2, 2.0], (num_items, 1, 1)) * rng.normal(size=(num_items, samples, 2))
    return np.clip(np.round(5.5 + means + noise), 1, 10), means[:, 0, 0] > means[:, 0, 1]


def stopped_at(rows, prior, *, stop=0.95, **guide):
    for time in looks(2, len(rows)):
        now = {"meta_scores": guide["meta_scores"][:time], "meta_samples": guide["meta_samples"]} if guide else {}
        if chance(rows[:time], len(rows) - time, prior, **now) < 1 - stop:
            return time
    return len(rows)


@pytest.mark.parametrize("spread", [1.0, 2.0])
def test_stopping_at_95_changes_at_most_5_percent_of_decisions(spread):
    items, _ = simulate(np.random.default_rng(7), 400, 32, spread=spread)
    prior = pooled_prior(items[:64, :2].tolist(), width=9)
    times = [stopped_at(rows.tolist(), prior) for rows in items]
    changed = [best(rows[:time]) != best(rows) for rows, time in zip(items, times, strict=True)]
    assert np.mean(changed) <= 0.05
    assert np.mean(times) / 32 < 0.6


@pytest.mark.parametrize("meta_samples", [0.5, 8, "soft"])
def test_so_it_does_where_a_meta_rm_chooses(meta_samples):
    rng = np.random.default_rng(8)
    items, is_first = simulate(rng, 300, 32, spread=1.5)
    gaps = (items[:, :, 0] - items[:, :, 1]) * np.where(is_first, 1, -1)[:, None]
    trust = 0.4 * gaps + rng.normal(size=gaps.shape)
    prior = pooled_prior(items[:64, :2].tolist(), width=9)
    changed, times = [], []
    for rows, scores in zip(items.tolist(), trust.tolist(), strict=True):
        time = stopped_at(rows, prior, meta_scores=scores, meta_samples=meta_samples)
        now = best(keep_rows(rows[:time], scores[:time], meta_samples))
        changed.append(now != best(keep_rows(rows, scores, meta_samples)))
        times.append(time)
    assert np.mean(changed) <= 0.05
    assert np.mean(times) / 32 < 0.7


def test_a_chance_of_a_tenth_comes_true_about_as_often():
    """All chances told at four of sixteen samples, against what became of them, within two standard errors."""
    items, _ = simulate(np.random.default_rng(9), 1500, 16, spread=1.5)
    prior = pooled_prior(items[:64, :2].tolist(), width=9)
    told = np.array([chance(rows[:4].tolist(), 12, prior) for rows in items])
    came = np.array([best(rows[:4]) != best(rows) for rows in items])
    for low, high in ((0.02, 0.1), (0.1, 0.3), (0.3, 0.6)):
        chosen = (told >= low) & (told < high)
        assert chosen.sum() > 50
        mean = told[chosen].mean()
        error = math.sqrt(mean * (1 - mean) / chosen.sum())
        assert 2 * error < mean, "so few cases could not tell a chance from none"
        assert abs(came[chosen].mean() - mean) < 2 * error


def test_no_future_breaks_what_was_called_certain():
    """All that two more judgments on a scale of 1 to 3 can say."""
    for now in product(product((1, 2, 3), repeat=2), repeat=3):
        if chance_of_change(now, 2, width=2, prior=WIDE) == 0.0:
            for rest in product(product((1, 2, 3), repeat=2), repeat=2):
                assert best(now) == best(now + rest)
