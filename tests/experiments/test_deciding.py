"""What decides the claims, on numbers that are worked by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest
from claim_6_inputs import singles_part, within_lists
from claim_7_domains import domains_of, spreads
from claims.adaptive import WAYS, Stopped, choose, thresholds_table
from claims.cells import MAX_RESPONSES, Measured
from claims.measure import principles_of
from claims.told import Test as PairedTest
from claims.told import corrected, gap, share, weights_of
from claims.views import pair_of

from grmkit import Example
from grmkit.nano.world import DOMAINS
from grmkit.scoring.tally import tally
from grmkit.types import Judgment, Principle

LEAST_P = 2 / 2001  # of 2000 resamples, none at or below zero: 2 x (0 + 1) / (2000 + 1)


def measured(scores):
    """One row per item, one per sample, one number per response; None could not be read."""
    table = np.full((len(scores), len(scores[0]), MAX_RESPONSES), np.nan)
    for item, rows in enumerate(scores):
        for sample, row in enumerate(rows):
            if row is not None:
                table[item, sample, : len(row)] = row
    tokens = np.zeros(len(scores), int)
    return Measured(table, None, tokens, tokens)


# Stopping: the threshold -------------------------------------------------------------------------------------------


class FakeLooks:
    """Of 1000 items that are all right in the end: by threshold, how many are wrong and how many judgments each took.

    A threshold that is not named stops nothing.
    """

    def __init__(self, told, *, others=(0, 32)):
        self.told, self.others = told, others
        self.right = np.ones((1000, 2))

    def stopped(self, stop):
        num_wrong, num_drawn = self.told.get(stop, self.others)
        right = np.ones(1000)
        right[:num_wrong] = 0
        return right, np.full(1000, num_drawn)


def test_of_thresholds_that_lose_little_enough_the_one_that_draws_fewest_is_chosen():
    """2 of 1000 lost are within the quarter of a point, 3 are not, though they draw less."""
    assert choose(FakeLooks({0.5: (3, 4), 0.8: (2, 8), 0.9: (1, 12)}), 32) == (0.8, pytest.approx(0.002))


def test_a_later_threshold_is_chosen_if_it_draws_less():
    assert choose(FakeLooks({0.8: (0, 12), 0.9: (1, 8)}), 32) == (0.9, pytest.approx(0.001))


def test_of_thresholds_that_draw_as_many_the_boldest_is_chosen():
    assert choose(FakeLooks({0.8: (1, 8), 0.9: (0, 8)}), 32) == (0.8, pytest.approx(0.001))


def test_if_all_lose_too_much_the_most_careful_is_taken_with_its_loss():
    looks = FakeLooks({0.5: (3, 4), 0.995: (4, 30)}, others=(5, 16))
    assert choose(looks, 32) == (0.995, pytest.approx(0.004))


def test_what_is_gained_by_stopping_makes_up_for_what_is_lost():
    """Four of ten more are right when stopped at 0.6 than in the end: a loss of -0.4."""
    looks = FakeLooks({0.6: (0, 4)})
    looks.right[:400, -1] = 0
    assert choose(looks, 32) == (0.6, pytest.approx(-0.4))


def test_every_threshold_is_told_and_the_chosen_one_is_marked():
    """Of 1000 items 2 are lost at 0.8, none at 0.9; where nothing differs the bound is the difference itself."""
    ends = np.ones(1000)
    losses = {stop: gap("", one, ends, margin=0.005) for stop, one in ((0.8, np.arange(1000) > 1), (0.9, ends))}
    every = {0.8: (0.25, losses[0.8]), 0.9: (0.5, losses[0.9])}
    found = Stopped(WAYS[0], 0.9, 0.0, np.full(1000, 0.5), ends, losses[0.9], 1000, every)
    first, second = thresholds_table(found).rows
    assert first[:3] == ["0.8", "25.0 %", "-0.2"]
    assert -0.6 < float(first[3]) < -0.2  # a resample has 2 of them on average, 6 or more in 1.7 % of all (Poisson)
    assert second == ["0.9 (chosen)", "50.0 %", "+0.0", "+0.00"]
    assert thresholds_table(None).rows == []


# Domains: the spread -----------------------------------------------------------------------------------------------


def test_every_item_has_its_own_domain():
    """The first four items of the test split are grounding, safety, arithmetic and safety."""
    names = list(DOMAINS)
    assert names == ["arithmetic", "instructions", "safety", "grounding", "notes"]
    assert domains_of(4).tolist() == [[0, 0, 0, 1, 0], [0, 0, 1, 0, 0], [1, 0, 0, 0, 0], [0, 0, 1, 0, 0]]


def test_the_spread_of_one_domain_alone_is_that_of_one_in_five():
    """Accuracies 1, 0, 0, 0, 0: mean 0.2, variance (0.64 + 4 x 0.04) / 5 = 0.16, so 0.4; all alike: 0."""
    is_safety = domains_of(200)[:, 2]
    assert spreads(is_safety)[0] == pytest.approx(0.4)
    assert spreads(1 - is_safety)[0] == pytest.approx(0.4)
    assert spreads(np.ones(200))[0] == pytest.approx(0.0)


def test_the_spread_is_of_domains_whatever_their_number_of_items():
    """Accuracies 0.9, 0.7, 0.5, 0.3, 0.1: mean 0.5, variance (2 x 0.16 + 2 x 0.04) / 5 = 0.08."""
    right = domains_of(200) @ [0.9, 0.7, 0.5, 0.3, 0.1]
    found = spreads(right)
    assert found[0] == pytest.approx(math.sqrt(0.08))
    assert found[1:] == pytest.approx(np.full(2000, math.sqrt(0.08))), "items of a domain do not differ here"


def test_a_spread_is_told_of_items_and_of_every_resample_of_them():
    """The second resample, in a loop: items as often as they were drawn."""
    right = (np.arange(200) % 3 == 0).astype(float)
    own, drawn = domains_of(200).argmax(axis=1), np.repeat(np.arange(200), weights_of(200)[1])
    means = [np.mean([right[item] for item in drawn if own[item] == place]) for place in range(5)]
    found = spreads(right)
    assert len(found) == 1 + 2000
    assert found[2] == pytest.approx(np.std(means))


def test_a_domain_without_items_leaves_no_spread():
    assert np.isnan(spreads(np.ones(4))[0])


# Principles: whose -------------------------------------------------------------------------------------------------


def verdict_of(*rows):
    """The judgment of each row of scores, by a principle named after its place; None could not be read."""
    judgments = [
        Judgment(
            (Principle(str(place)),),
            None,
            row,
            tuple(range(len(row or (0, 0)))),
            "",
            place,
            None,
            "no_scores" if row is None else None,
        )
        for place, row in enumerate(rows)
    ]
    return tally("x", judgments, score_range=(1, 10))


@pytest.mark.parametrize(
    ("rows", "filtered"),
    [
        (((3, 7), (5, 5), None, (8, 2), (9, 1)), "3"),  # wrong, tied, unreadable, right, right
        (((8, 2), (9, 1)), "0"),
        (((3, 7), None, (5, 5)), "0"),  # none is right
        ((None, (7, 3)), "1"),
    ],
)
def test_principles_are_those_of_the_first_judgment_or_filtered_of_the_first_right_one(rows, filtered):
    pair = Example("q", ("a", "b"), label=(7.0, 3.0))
    found = [principles_of(pair, verdict_of(*rows), is_filtered=flag) for flag in (False, True)]
    assert found == [(Principle("0"),), (Principle(filtered),)]


def test_a_single_response_is_judged_rightly_within_a_point():
    """Gold 6.4: 5 is 1.4 off, 6 is 0.4 off; of gold 6.0, 7 is a whole point off."""
    rows = ((5,), (7.5,), (6,), (6.4,))
    assert principles_of(Example("q", ("a",), label=(6.4,)), verdict_of(*rows), is_filtered=True)[0].text == "2"
    rows = ((7,), (5,), (6,))
    assert principles_of(Example("q", ("a",), label=(6.0,)), verdict_of(*rows), is_filtered=True)[0].text == "2"


def test_without_a_judgment_there_are_no_principles():
    pair = Example("q", ("a", "b"), label=(7.0, 3.0))
    assert principles_of(pair, replace(verdict_of(None), judgments=()), is_filtered=True) == ()


# Inputs: lists and single responses --------------------------------------------------------------------------------


def lists_where(other):
    """A list of three whose best is in the middle and is compared with the response at this place."""
    found = (Example("q", ("a", "b", "c"), label=(2.0, 9.0, 4.0), id=str(place)) for place in range(100))
    return next(example for example in found if other in pair_of(example))


@pytest.mark.parametrize("other", [0, 2])
def test_within_a_list_the_best_is_held_against_one_other(other):
    """Of four judgments, best against other: 5 and 6, 9 and 3, 7 and 5, 5 and 7; the third response is above all."""
    example, third = lists_where(other), 2 - other
    rows = []
    for best, its_other in ((5, 6), (9, 3), (7, 5), (5, 7)):
        row = [0.0, float(best), 0.0]
        row[other], row[third] = float(its_other), 10.0
        rows.append(tuple(row))
    found = measured([rows])
    assert within_lists(found, [example], 4).tolist() == [1.0], "26 against 21"
    assert within_lists(found, [example], 2).tolist() == [0.5], "14 against 9, then 12 against 12, which is not ahead"
    assert within_lists(found, [example], 1).tolist() == [0.5], "behind, ahead, ahead, behind"
    assert within_lists(found, [example], 3).tolist() == [1.0], "one window of three: 21 against 14"


def test_what_is_no_list_is_left_out_and_what_cannot_be_read_is_not_ahead():
    pair, single = Example("q", ("a", "b"), label=(7.0, 3.0)), Example("q", ("a",), label=(7.0,))
    found = measured([[(9, 1)] * 2, [(9,)] * 2, [None, None], [None, (1, 9, 1)]])
    told = within_lists(found, [pair, single, lists_where(0), lists_where(0)], 2)
    np.testing.assert_array_equal(told, [np.nan, np.nan, 0.0, 1.0])


def singles(scores, gold):
    examples = [Example("q", ("a",), label=(one,), id=str(place)) for place, one in enumerate(gold)]
    return singles_part(measured([[None if one is None else (one,) for one in row] for row in scores]), examples)


def test_single_responses_are_told_apart_by_their_mean_scores():
    """Two good ones (gold above 5.5) against two bad ones.

    The first samples are 6, 4 and 5, 4: 6 beats both, 4 loses to 5 and ties with 4, so 2.5 of 4. The means of both are
    7, 6 and 4, 5: all 4 of 4.
    """
    part = singles([(6, 8), (4, 8), (5, 3), (4, 6)], (9.0, 5.6, 5.5, 1.0))
    assert [(test.name, test.value, test.items) for test in part.tests] == [
        ("AUC@2 minus chance", pytest.approx(1 - 0.5), 4),
        ("AUC@2 minus AUC@1", pytest.approx(1 - 2.5 / 4), 4),
    ]
    assert [(row[0], row[1].value, row[1].items) for row in part.table.rows] == [
        ("1", pytest.approx(2.5 / 4), 4),
        ("2", pytest.approx(1.0), 4),
    ]


def test_pairs_and_what_the_first_sample_does_not_read_are_no_part_of_the_comparison():
    """Without the third item, whose first sample is unreadable: 6 against 5, then 7 against 4; with a pair between."""
    examples = [
        Example("q", ("a",), label=(9.0,)),
        Example("q", ("a", "b"), label=(9.0, 1.0)),
        Example("q", ("a",), label=(8.0,)),
        Example("q", ("a",), label=(1.0,)),
    ]
    part = singles_part(measured([[(6,), (8,)], [(1, 9)] * 2, [None, (2,)], [(5,), (3,)]]), examples)
    assert [(test.value, test.items) for test in part.tests] == [(0.5, 2), (0.0, 2)]
    assert [row[1].items for row in part.table.rows] == [2, 3], "the table tells all that could be read"
    assert part.table.rows[1][1].value == pytest.approx(1 / 2), "means 7 and 2 against 4"


def test_without_single_responses_nothing_is_told_of_them():
    part = singles_part(measured([[(9, 1)] * 2]), [Example("q", ("a", "b"), label=(7.0, 3.0))])
    assert (part.tests, part.table) == ((), None)


# What is told: shares, gaps and Holm -------------------------------------------------------------------------------


def test_a_share_is_of_what_is_known():
    """Of four drawn anew none is 1 in 0.4 % of resamples, at most one in 5 %, and all four are in 32 %."""
    found = share(np.array([1.0, np.nan, 0.0, 1.0, 1.0]))
    assert (found.value, found.items) == (3 / 4, 4)
    assert (found.low, found.high) == (0.25, 1.0)
    always = share(np.ones(50))
    assert (always.value, always.low, always.high, always.items) == (1.0, 1.0, 1.0, 50)
    nothing = share(np.array([np.nan]))
    assert (math.isnan(nothing.value), nothing.items) == (True, 0)


def test_a_gap_is_told_of_items_that_both_have():
    """1 - 0, 1 - 1 and 0 - 1: the second and the fourth are unknown to one, and only one has a sixth."""
    ours, theirs = np.array([1, np.nan, 1, 0, 0, 1]), np.array([0, 0, 1, np.nan, 1])
    found = gap("x", ours, theirs)
    assert (found.value, found.items, found.bound, found.p_holm) == (0.0, 3, None, None)
    assert gap("x", ours[:3], theirs[:3]).value == pytest.approx(1 / 2)


def test_a_gap_on_every_item_is_as_sure_as_the_resamples_allow():
    found = gap("x", np.ones(40), np.zeros(40))
    assert (found.value, found.low, found.high) == (1.0, 1.0, 1.0)
    assert found.p == pytest.approx(LEAST_P)
    assert gap("x", np.zeros(40), np.ones(40)).p == pytest.approx(LEAST_P), "two-sided"
    assert gap("x", np.ones(40), np.ones(40)).p == 1.0


def test_a_gap_of_nothing_has_no_items():
    found = gap("x", np.array([np.nan, 1.0]), np.array([0.0, np.nan]))
    assert (math.isnan(found.value), found.p, found.items) == (True, 1.0, 0)


def test_with_a_margin_the_bound_decides():
    """Less than half a point may be lost; where items do not differ, the bound is the gap."""
    base = np.full(100, 0.5)
    nearly, too_much = gap("x", base - 0.004, base, margin=0.005), gap("x", base - 0.006, base, margin=0.005)
    assert (nearly.bound, too_much.bound) == (pytest.approx(-0.004), pytest.approx(-0.006))
    assert (nearly.is_shown, too_much.is_shown) == (True, False)


def one_test(name, p, *, value=0.1, items=100, **more):
    return PairedTest(name, value, 0.0, 0.2, p, items, **more)


def test_holm_corrects_what_asks_for_a_difference():
    """Of three: 3 x 0.01, then 2 x 0.02, then 0.04 itself; what has a margin or no items is left out."""
    tests = [
        one_test("last", 0.04),
        one_test("margin", 0.001, bound=0.0, margin=0.005),
        one_test("first", 0.01),
        one_test("nothing", 1.0, items=0),
        one_test("second", 0.02),
    ]
    found = corrected(tests)
    assert [test.name for test in found] == ["last", "margin", "first", "nothing", "second"]
    assert [test.p_holm for test in found] == [
        pytest.approx(0.04),
        None,
        pytest.approx(0.03),
        None,
        pytest.approx(0.04),
    ]
    assert [test.is_shown for test in found] == [True, True, True, False, True]


def test_holm_never_lets_a_later_test_be_surer_than_an_earlier_one():
    """3 x 0.02 is 0.06, which 2 x 0.025 and 0.03 are raised to; on its own, each would be shown."""
    found = corrected([one_test("a", 0.02), one_test("b", 0.025), one_test("c", 0.03)])
    assert [test.p_holm for test in found] == pytest.approx([0.06] * 3)
    assert not any(test.is_shown for test in found)
    assert all(corrected([test])[0].is_shown for test in found)


def test_a_difference_the_other_way_is_not_shown():
    assert not corrected([one_test("a", 0.001, value=-0.1)])[0].is_shown
