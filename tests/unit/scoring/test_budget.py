import pytest

from grmkit.scoring.budget import check_budget, first_round, next_round


def test_a_budget_below_one_judgment_per_example_is_refused():
    with pytest.raises(ValueError, match="budget is 9 judgments for 10 examples; expected at least one each, so 10"):
        check_budget(9, 10)
    with pytest.raises(ValueError, match="expected at least one each, so 1 or more"):
        check_budget(0, 0)
    assert check_budget(10, 10) == 10
    for budget in (float("nan"), 12.5, "12"):
        with pytest.raises(ValueError, match=f"budget is {budget!r}; expected a whole number of judgments"):
            check_budget(budget, 1)


def test_all_get_their_first_look_or_all_get_one():
    assert first_round(20, [2, 2, 8]) == [2, 2, 8]
    assert first_round(12, [2, 2, 8]) == [2, 2, 8]
    assert first_round(11, [2, 2, 8]) == [1, 1, 1]


def test_the_most_open_quarter_is_served_and_ties_by_their_place():
    chances = [0.1, 1.0, 0.4, 1.0, 0.2, 0.0, 0.3, 0.5]
    assert next_round(chances, [2] * 8, [2] * 8, 100) == {1: 2, 3: 2}
    assert next_round([1.0] * 4, [2] * 4, [6, 2, 4, 2], 100) == {1: 2}


def test_what_is_certain_or_complete_gets_no_more():
    assert next_round([0.0, 0.5], [2, 0], [2, 2], 10) == {}
    assert next_round([], [], [], 10) == {}


def test_one_without_a_decision_comes_last_but_comes():
    assert next_round([None, 0.01], [2, 2], [2, 2], 10) == {1: 2}
    assert next_round([None, 0.0], [2, 2], [2, 2], 10) == {0: 2}
    assert next_round([1.0] + [None] * 8, [2] * 9, [2] * 9, 3) == {0: 2}, "however many of them there are"
    assert next_round([0.0] + [None] * 8, [2] * 9, [2] * 9, 10) == {1: 2, 2: 2}


def test_the_last_one_gets_what_is_left():
    assert next_round([0.5] * 8, [2] * 8, [2] * 8, 3) == {0: 2, 1: 1}
    assert next_round([0.5] * 8, [2] * 8, [2] * 8, 0) == {}
