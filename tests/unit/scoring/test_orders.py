from collections import Counter
from itertools import combinations

import pytest

from grmkit.scoring.orders import balanced_rows, order_schedule


def test_two_responses_take_turns_and_share_two_orders():
    schedule = order_schedule(2, 6, seed=0, key="x")
    first, second = schedule[0][0], schedule[1][0]
    assert {first, second} == {(0, 1), (1, 0)}
    assert schedule == [(first, 0), (second, 0), (first, 1), (second, 1), (first, 2), (second, 2)]


def test_one_response_has_one_order():
    assert order_schedule(1, 3, seed=0, key="x") == [((0,), 0), ((0,), 1), ((0,), 2)]


def test_three_responses_see_every_order_before_one_repeats():
    orders = [order for order, _ in order_schedule(3, 6, seed=5, key="x")]
    assert len(set(orders)) == 6


def test_the_square_of_four_is_the_hand_worked_one():
    assert balanced_rows(4) == [(0, 3, 1, 2), (2, 1, 3, 0), (1, 0, 2, 3), (3, 2, 0, 1)]


@pytest.mark.parametrize("num_responses", [1, 2, 3, 4, 5, 6, 7, 8, 13])
def test_every_prefix_is_balanced_by_position_within_one(num_responses):
    for samples in range(1, 70):
        schedule = order_schedule(num_responses, samples, seed=3, key="k")
        counts = Counter((place, index) for order, _ in schedule for place, index in enumerate(order))
        cells = [counts[place, index] for place in range(num_responses) for index in range(num_responses)]
        assert max(cells) - min(cells) <= 1


@pytest.mark.parametrize("num_responses", [2, 3, 4, 5, 8])
def test_all_rows_show_each_pair_as_often_one_way_round_as_the_other(num_responses):
    rows = balanced_rows(num_responses)
    for one, other in combinations(range(num_responses), 2):
        assert sum(row.index(one) < row.index(other) for row in rows) * 2 == len(rows)


@pytest.mark.parametrize("num_responses", [1, 2, 3, 4, 7])
def test_schedules_are_nested(num_responses):
    longest = order_schedule(num_responses, 32, seed=9, key="k")
    for samples in range(1, 32):
        assert order_schedule(num_responses, samples, seed=9, key="k") == longest[:samples]


def test_a_place_in_the_schedule_is_named_once():
    schedule = order_schedule(3, 40, seed=0, key="k")
    assert len(set(schedule)) == 40


def test_the_first_order_varies_with_key_and_seed():
    by_key = {order_schedule(2, 1, seed=0, key=str(key))[0][0] for key in range(40)}
    by_seed = {order_schedule(2, 1, seed=seed, key="k")[0][0] for seed in range(40)}
    assert by_key == by_seed == {(0, 1), (1, 0)}


@pytest.mark.parametrize(("num_responses", "samples"), [(0, 1), (1, 0), (2, -1)])
def test_nonsense_is_refused(num_responses, samples):
    with pytest.raises(ValueError, match="expected at least 1 of each"):
        order_schedule(num_responses, samples, seed=0, key="k")


@pytest.mark.parametrize("num_responses", [1, 2, 3, 8])
def test_fewer_orders_are_the_first_ones_again_and_again(num_responses):
    first = order_schedule(num_responses, 2, seed=0, key="k")
    one = order_schedule(num_responses, 3, seed=0, key="k", num_orders=1)
    assert one == [(first[0][0], 0), (first[0][0], 1), (first[0][0], 2)]
    assert order_schedule(num_responses, 9, seed=0, key="k", num_orders=99) == order_schedule(
        num_responses, 9, seed=0, key="k"
    )


def test_two_orders_of_three_responses_take_turns():
    schedule = order_schedule(3, 5, seed=0, key="k", num_orders=2)
    one, other = schedule[0][0], schedule[1][0]
    assert one != other
    assert schedule == [(one, 0), (other, 0), (one, 1), (other, 1), (one, 2)]


def test_no_order_is_refused():
    with pytest.raises(ValueError, match="num_orders is 0; expected at least 1, or None"):
        order_schedule(2, 1, seed=0, key="k", num_orders=0)
