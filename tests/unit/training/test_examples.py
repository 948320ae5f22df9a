"""What a recipe learns from, and what is left out of it."""

import json
import logging

import pytest

from grmkit.backends import Sampling
from grmkit.config.train import DataConfig, JudgeConfig, OptimConfig
from grmkit.errors import DataError, RecipeError, TrainingError
from grmkit.templates import load_template
from grmkit.training.examples import in_batches, judge_of, training_examples, why_never_right
from grmkit.types import Example

NANO = load_template("nano")
GOOD = {"query": "Why?", "responses": ["a", "b"], "label": 0, "id": "good"}
TIED = {"query": "Why?", "responses": ["a", "b"], "label": [3.0, 3.0], "id": "tied"}
BARE = {"query": "Why?", "responses": ["a", "b"], "id": "bare"}
ALONE = {"query": "Why?", "responses": ["a"], "label": [4.0], "id": "alone"}


@pytest.fixture
def source(tmp_path):
    def write(*rows):
        path = tmp_path / "train.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return str(path)

    return write


def test_examples_of_a_file(source):
    found, counts = training_examples(DataConfig(source=source(GOOD, ALONE)), NANO)
    assert ([example.id for example in found], counts) == (["good", "alone"], {"items left out": 0})
    found, _ = training_examples(DataConfig(source=source(GOOD, ALONE), num=1), NANO)
    assert [example.id for example in found] == ["good"]


def test_references_can_be_kept_back():
    for references in (True, False):
        found, _ = training_examples(DataConfig(num=4, references=references), NANO)
        assert [example.reference is not None for example in found] == [references] * 4


@pytest.mark.parametrize(
    ("template", "label", "is_possible"),
    [
        ("nano", 4, True),
        ("nano", 0, False),
        ("nano", 4.5, True),
        ("deepseek-grm-binary", 0, True),
        ("nano", 11, False),
    ],
)
def test_a_label_that_no_judgment_can_give(template, label, is_possible):
    why = why_never_right(Example("Why?", ("a",), label=(label,)), load_template(template))
    assert (why is None) == is_possible
    assert is_possible or f"its label is {label:g}, a score that no judgment by the template {template} can give" in why
    assert why_never_right(Example("Why?", ("a", "b"), label=(0.0, 4.5)), load_template(template)) is None


def test_what_the_template_cannot_show_is_left_out(source, caplog):
    """The judge that ships reads up to eight responses."""
    many = {"query": "Why?", "responses": [f"answer {i}" for i in range(9)], "label": 0, "id": "many"}
    found, counts = training_examples(DataConfig(source=source(GOOD, many)), NANO)
    assert ([example.id for example in found], counts) == (["good"], {"items left out": 1})
    assert "many: " in caplog.text


def test_examples_of_the_small_world():
    found, _ = training_examples(DataConfig(num=5, seed=7), NANO)
    assert [example.id for example in found] == [f"train-7-{i}" for i in range(5)]
    with pytest.raises(RecipeError, match=r"data\.num is not set; nano has no end, so say how many items to take"):
        training_examples(DataConfig(), NANO)


def test_what_cannot_be_learnt_from_is_left_out_and_told(source, caplog):
    path = source(TIED, GOOD, BARE)
    with caplog.at_level(logging.WARNING):
        found, counts = training_examples(DataConfig(source=path), NANO)
    assert ([example.id for example in found], counts) == (["good"], {"items left out": 2})
    assert caplog.messages == [
        f"{path}: 2 of 3 examples left out, first tied: "
        "label is [3.0, 3.0]: the best is tied; expected one best response"
    ]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (
            [TIED, {**TIED, "id": "too"}],
            r"train\.jsonl: no example can be learnt from; tied: label is \[3.0, 3.0\]: the best is tied",
        ),
        ([BARE], r"no example can be learnt from; bare: it has no label"),
        ([{**ALONE, "label": 0}], r"no example can be learnt from; alone: a single response needs its gold score"),
    ],
)
def test_nothing_to_learn_from(source, rows, words):
    with pytest.raises(TrainingError, match=words):
        training_examples(DataConfig(source=source(*rows)), NANO)


def test_a_label_that_points_to_no_response(source):
    with pytest.raises(DataError, match=r"train\.jsonl:2: label is 2"):
        training_examples(DataConfig(source=source(GOOD, {**GOOD, "label": 2})), NANO)


def test_a_file_without_examples(source, tmp_path):
    with pytest.raises((DataError, TrainingError), match=r"train\.jsonl: "):
        training_examples(DataConfig(source=source()), NANO)
    with pytest.raises(DataError, match=r"absent\.jsonl"):
        training_examples(DataConfig(source=str(tmp_path / "absent.jsonl")), NANO)


def test_the_judge_is_the_one_named_or_the_model(tmp_path):
    config = JudgeConfig(judge="nano", temperature=0.7, top_p=0.9, max_tokens=5, seed=4, workers=2, concurrency=3)
    judge = judge_of(config, model="the model", template="nano", ledger=tmp_path / "l")
    assert (judge.name, judge.template, judge.ledger) == ("nano", "nano", tmp_path / "l")
    assert judge.sampling == Sampling(0.7, 0.9, 5, 4)
    assert (judge.workers, judge.concurrency, judge.model) == (2, 3, None)
    assert judge_of(JudgeConfig(), model="the model", template="nano", ledger=tmp_path).name == "the model"


def test_rows_that_are_not_too_long_in_batches_of_like_length():
    rows = [n * 37 % 101 for n in range(100)]
    found = in_batches(rows, lambda row: row, OptimConfig(batch=4, max_length=80), seed=0)
    assert sorted(found) == sorted(row for row in rows if row <= 80)
    assert found != in_batches(rows, lambda row: row, OptimConfig(batch=4, max_length=80), seed=1)
    assert all(max(found[start : start + 4]) - min(found[start : start + 4]) < 20 for start in range(0, 80, 4))
