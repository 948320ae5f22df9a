from collections import Counter

import pyarrow.parquet as pq
import pytest

from grmkit.errors import DataError
from grmkit.templates import load_template
from grmkit.training.verl_data import verl_rows, write_verl
from grmkit.training.verl_reward import read_ground_truth
from grmkit.types import Example

EXAMPLES = [
    Example("Which?", ("alpha", "beta"), label=1, id="pair", meta={"category": "tone"}),
    Example("Which of three?", ("one", "two", "three"), label=(3.0, 9.0, 1.0), id="three"),
    Example("How good?", ("solo",), label=(6.0,), id="single"),
]


def rows(**how):
    return list(verl_rows(EXAMPLES, "deepseek-grm", **how))


def test_a_row_is_what_verl_reads():
    (row,) = verl_rows(EXAMPLES[:1], "deepseek-grm")
    assert row.keys() == {"data_source", "prompt", "ability", "reward_model", "extra_info"}
    order = row["extra_info"]["order"]
    (message,) = load_template("deepseek-grm").render(EXAMPLES[0], order).messages
    assert row["prompt"] == [{"role": "user", "content": message.content}]
    assert row["reward_model"]["style"] == "rule"
    assert row["extra_info"] == {"id": "pair", "copy": 0, "order": order, "domain": "tone"}


def test_the_label_follows_its_response():
    for row in rows(copies=6, seed=3):
        order, (name, num, label) = row["extra_info"]["order"], read_ground_truth(row["reward_model"]["ground_truth"])
        (example,) = (example for example in EXAMPLES if example.id == row["extra_info"]["id"])
        assert (name, num) == ("deepseek-grm", len(example.responses))
        if isinstance(example.label, int):
            assert order[label] == example.label
        else:
            assert [label[order.index(index)] for index in range(num)] == list(example.label)
        shown = row["prompt"][0]["content"]
        places = [shown.index(f"\n{example.responses[index]}\n") for index in order]
        assert places == sorted(places)


def test_orders_of_copies_are_balanced():
    found = Counter((row["extra_info"]["id"], tuple(row["extra_info"]["order"])) for row in rows(copies=6))
    assert [found["pair", order] for order in ((0, 1), (1, 0))] == [3, 3]
    assert [count for (name, _), count in found.items() if name == "three"] == [1] * 6


def test_the_first_order_is_not_always_the_same_one():
    many = [Example(f"query {number}", ("alpha", "beta"), label=0, id=str(number)) for number in range(200)]
    labels = Counter(read_ground_truth(row["reward_model"]["ground_truth"])[2] for row in verl_rows(many, "nano"))
    assert 70 < labels[0] < 130


def test_the_seed_decides_everything():
    assert rows(copies=2, seed=1) == rows(copies=2, seed=1)
    assert rows(copies=2, seed=1) != rows(copies=2, seed=2)
    ids = [row["extra_info"]["id"] for row in rows(copies=2, seed=1)]
    assert {*ids[:3]} == {*ids[3:]} == {"pair", "three", "single"}, "a copy of all before the next"


def test_the_file_holds_the_rows(tmp_path):
    path = tmp_path / "new" / "train.parquet"
    assert write_verl(iter(rows(copies=2)), path) == 6
    assert pq.read_table(path).to_pylist() == rows(copies=2)
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        write_verl(rows(), tmp_path / "file" / "train.parquet")


def test_nothing_is_left_of_half_a_file(tmp_path):
    def broken():
        yield from rows()
        raise DataError("row 4 is broken")

    with pytest.raises(DataError, match="row 4"):
        write_verl(broken(), tmp_path / "train.parquet")
    assert list(tmp_path.iterdir()) == []


def test_misuse():
    with pytest.raises(ValueError, match="copies is 0"):
        rows(copies=0)
    with pytest.raises(ValueError, match="there is no template 'mine'"):
        list(verl_rows(EXAMPLES, "mine"))
