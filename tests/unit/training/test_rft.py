import json
from pathlib import Path
from typing import Any

import pytest

from grmkit.config.train import RftConfig
from grmkit.corpora.rejection import Trajectory
from grmkit.errors import DataError
from grmkit.training.rft import check_general, make_rows, mixed, num_tokens, rft
from grmkit.types import Example
from tiny_recipe import TINY_JUDGE

PAIR = Example("Name a colour.", ("Blue.", "Seven."), label=0)
KEPT = [Trajectory(PAIR, (1, 0), f"Scores: \\boxed{{2, {score}}}", "right") for score in (7, 8, 9)]


def config(*, batch: int = 32, **data: Any) -> RftConfig:
    optim = {"batch": batch, "max_length": 11}
    return RftConfig.model_validate({"model": "m", "template": "nano", "data": data, "optim": optim})


def row(completion: str, number: int) -> dict[str, Any]:
    prompt = [{"role": "user", "content": str(number)}]
    return {"prompt": prompt, "completion": [{"role": "assistant", "content": completion}]}


class FakeTokenizer:
    """A token is a word."""

    def apply_chat_template(self, turns: list[dict[str, str]], **_: Any) -> list[str]:
        return [word for turn in turns for word in turn["content"].split()]


def test_rows_ask_in_the_order_that_was_judged_and_without_a_hint() -> None:
    rows, _ = make_rows(config(), KEPT)
    assert sorted(row["completion"][0]["content"] for row in rows) == [one.judgment for one in KEPT]
    prompt = rows[0]["prompt"][0]["content"]
    assert prompt.index("Seven.") < prompt.index("Blue.")
    assert "best response" not in prompt


def test_the_general_share_is_of_all_rows() -> None:
    judgments, general = make_rows(config(general="nano", general_share=0.4), KEPT)
    assert (len(judgments), len(general)) == (3, 2)
    assert not any("Scores" in row["completion"][0]["content"] for row in general)


@pytest.mark.parametrize(
    ("num_judgments", "num_general", "batch", "general_in_batches"),
    [
        (12, 4, 4, [1, 1, 1, 1]),
        (9, 3, 4, [1, 1, 1]),
        (10, 2, 4, [0, 1, 1]),
        (5, 5, 4, [1, 2, 2]),
        (6, 0, 4, [0, 0]),
        (1, 3, 2, [1, 2]),
    ],
)
def test_general_rows_are_dealt_evenly(num_judgments, num_general, batch, general_in_batches) -> None:
    judgments = [row("a judgment " * (1 + number % 5), number) for number in range(num_judgments)]
    general = [row("an answer", 100 + number) for number in range(num_general)]
    found = mixed(config(batch=batch), FakeTokenizer(), judgments, general)
    numbers = [int(one["prompt"][0]["content"]) for one in found]
    assert sorted(numbers) == [*range(num_judgments), *range(100, 100 + num_general)]
    batches = [numbers[start : start + batch] for start in range(0, len(numbers), batch)]
    assert [sum(number >= 100 for number in one) for one in batches] == general_in_batches
    assert found == mixed(config(batch=batch), FakeTokenizer(), judgments, general), "the same seed, the same order"


def test_what_is_too_long_is_left_out_of_both() -> None:
    """Ten words and one of the prompt are the most."""
    short, long = "word " * 10, "word " * 11
    found = mixed(config(batch=2), FakeTokenizer(), [row(short, 0), row(long, 1)], [row(long, 100), row(short, 101)])
    assert sorted(one["prompt"][0]["content"] for one in found) == ["0", "101"]


def test_general_rows_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "general.jsonl"
    path.write_text(json.dumps({"query": "Hi?", "response": "Hello."}) + "\n{}\n")
    _, general = make_rows(config(general=str(path), general_share=0.25), KEPT)
    assert general == [
        {
            "prompt": [{"role": "user", "content": "Hi?"}],
            "completion": [{"role": "assistant", "content": "Hello."}],
        }
    ]
    with pytest.raises(
        DataError, match=r"general.jsonl:2: cannot be used: .*expected an object with query and response"
    ):
        make_rows(config(general=str(path), general_share=0.5), KEPT)


@pytest.mark.parametrize("value", [None, "", " ", 3, [{"role": "user", "content": "Hi?"}]])
@pytest.mark.parametrize("name", ["query", "response"])
def test_general_rows_are_texts_and_all_looked_at_first(tmp_path: Path, name: str, value: Any) -> None:
    path = tmp_path / "general.jsonl"
    good = {"query": "Hi?", "response": "Hello."}
    path.write_text("".join(json.dumps(row) + "\n" for row in (good, good, good | {name: value})))
    with pytest.raises(DataError, match=r"general.jsonl:3: cannot be used: .*is no text"):
        check_general(config(general=str(path), general_share=0.1).data)


def test_general_rows_of_the_small_world_have_no_end() -> None:
    check_general(config(general="nano", general_share=0.1).data)


def test_too_few_general_rows(tmp_path: Path) -> None:
    path = tmp_path / "general.jsonl"
    path.write_text(json.dumps({"query": "Hi?", "response": "Hello."}) + "\n")
    with pytest.raises(DataError, match=r"holds 1 rows; general_share 0.5 needs 3"):
        make_rows(config(general=str(path), general_share=0.5), KEPT)


def test_a_share_of_nothing() -> None:
    with pytest.raises(DataError, match=r"data.general is not set, but data.general_share is"):
        make_rows(config(general_share=0.5), KEPT)


def test_tokens_are_those_of_the_whole_conversation() -> None:
    from transformers import AutoTokenizer

    from grmkit.nano import JUDGE

    tokenizer = AutoTokenizer.from_pretrained(JUDGE)
    ((row,), _) = make_rows(config(), KEPT[:1])
    text = f"<|user|>{row['prompt'][0]['content']}<|end|><|assistant|>{row['completion'][0]['content']}<|end|>"
    assert num_tokens(tokenizer, row) == len(tokenizer(text)["input_ids"])


def test_a_general_file_that_is_not_there_is_told_before_anything_is_sampled(tmp_path: Path) -> None:
    from grmkit.nano import JUDGE

    data = {"num": 4, "general": str(tmp_path / "none.jsonl"), "general_share": 0.5}
    told = {"model": str(JUDGE), "template": "nano", "data": data, "optim": {"max_length": 1024}}
    asked = RftConfig.model_validate(told)
    with pytest.raises(DataError, match=r"none\.jsonl: cannot be read"):
        rft(asked, tmp_path / "run")
    assert not (tmp_path / "run" / "ledger.sqlite").exists()


def test_the_loss_is_on_the_judgment_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As TRL would feed them to the model: every token of the answers, and its end, is learnt, and none else."""
    from transformers import AutoTokenizer

    from grmkit.models.checkpoint import load_causal
    from grmkit.training import rft as module
    from grmkit.training.run_folder import RunFolder

    batches: list[Any] = []
    monkeypatch.setattr(module, "fit", lambda trainer, _: batches.extend(trainer.get_train_dataloader()) or [])
    optim = {"batch": 3, "steps": 1, "max_length": 1024}
    told = {"model": str(TINY_JUDGE), "template": "nano", "optim": optim, "run": {"device": "cpu"}}
    asked = RftConfig.model_validate(told)
    rows, _ = make_rows(asked, KEPT)
    module.tune(asked, RunFolder(tmp_path / "run", asked), *load_causal(str(TINY_JUDGE)), rows)
    tokenizer = AutoTokenizer.from_pretrained(TINY_JUDGE)
    (batch,) = batches
    learnt = [tokenizer.decode(labels[labels != -100]) for labels in batch["labels"]]
    assert learnt == [f"{row['completion'][0]['content']}<|end|>" for row in rows]
