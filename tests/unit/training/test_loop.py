"""What recipes share of a training: a real Trainer, of one weight."""

import json
import logging
import math
import resource
import signal
from types import SimpleNamespace

import pytest
import torch
import transformers
from safetensors.torch import save_file

from grmkit.config.train import OptimConfig, RunConfig
from grmkit.errors import CheckpointError, TrainingError
from grmkit.models.folders import whole_folder
from grmkit.nano import JUDGE
from grmkit.training.loop import (
    check_context,
    check_end,
    check_finite,
    check_prefix,
    check_sharded,
    check_steps,
    converted,
    fit,
    metrics_writer,
    plot,
    read_metrics,
    rewind,
    saving,
    trainer_settings,
)

OPTIM = OptimConfig(learning_rate=0.1, batch=4, micro_batch=2, steps=6, schedule="constant_with_warmup")
RUN = RunConfig(log_every=1, save_every=2, device="cpu", seed=5)
ROWS = [{"x": torch.tensor([float(n)]), "labels": torch.tensor([2.0 * n])} for n in range(1, 13)]


class Line(torch.nn.Module):
    """y = w x, with noise as dropout makes it; its loss is no number from this step on."""

    def __init__(self, nan_from: int = 1 << 30) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.nan_from, self.calls = nan_from, 0

    def forward(self, x: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        self.calls += 1
        noise = 0.01 * torch.rand(1)
        loss = ((self.weight * x - labels) ** 2).mean() + noise.mean()
        return {"loss": loss * (math.nan if self.calls >= self.nan_from else 1.0)}


class Stopped(Exception):
    """As good as a kill, from inside."""


class StopAt(transformers.TrainerCallback):
    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_end(self, args, state, control, **_):
        if state.global_step == self.step:
            raise Stopped


def trainer(folder, line=None, run=RUN, optim=OPTIM, stop_at=None):
    settings = transformers.TrainingArguments(**trainer_settings(optim, run, folder), label_names=["labels"])
    callbacks = [] if stop_at is None else [StopAt(stop_at)]
    return transformers.Trainer(line or Line(), settings, train_dataset=ROWS, callbacks=callbacks)


def other(folder):
    """An empty folder of the same recipe."""
    from grmkit.config.train import RftConfig
    from grmkit.training.run_folder import RunFolder

    return RunFolder(folder.path.with_name("other"), RftConfig(model="a model"))


def checkpoints(folder):
    return sorted(path.name for path in folder.checkpoints.iterdir())


# Settings -------------------------------------------------------------------------------------------------------


def test_settings_are_those_of_the_recipe(folder):
    told = trainer_settings(OPTIM, RUN, folder)
    assert (told["per_device_train_batch_size"], told["gradient_accumulation_steps"]) == (2, 2)
    assert (told["max_steps"], told["learning_rate"], told["seed"]) == (6, 0.1, 5)
    assert (told["bf16"], told["use_cpu"], told["report_to"]) == (False, True, "none")
    args = transformers.TrainingArguments(**told)
    assert args.activation_checkpointing is False
    assert "fsdp" not in told
    assert trainer_settings(OptimConfig(batch=3), RUN, folder)["gradient_accumulation_steps"] == 1


def test_other_settings(folder):
    run = RunConfig(precision="bfloat16", report_to=("trackio",), fsdp=True)
    told = trainer_settings(OPTIM, run, folder)
    assert (told["bf16"], told["report_to"], told["fsdp"]) == (True, ["trackio"], True)


@pytest.mark.parametrize("has_bfloat16", [True, False])
def test_bfloat16_in_software_is_told(folder, caplog, monkeypatch, has_bfloat16):
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: has_bfloat16)
    with caplog.at_level(logging.WARNING):
        trainer_settings(OPTIM, RunConfig(precision="bfloat16", device="cpu"), folder)
    assert ("computes bfloat16 in software" in caplog.text) is not has_bfloat16


def test_float32_is_nothing_to_tell(folder, caplog):
    trainer_settings(OPTIM, RUN, folder)
    assert not caplog.records


# Metrics --------------------------------------------------------------------------------------------------------


def test_every_step_has_a_row(folder, caplog, capsys):
    with caplog.at_level(logging.INFO, "grmkit"):
        rows = fit(trainer(folder), folder)
    assert [row["step"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert rows == read_metrics(folder)
    assert rows[0].keys() >= {"loss", "grad_norm", "learning_rate", "epoch"}
    assert rows[-1]["loss"] < rows[0]["loss"] / 2
    assert "train_loss" not in rows[-1], "the summary, which a kill makes wrong"
    assert sum(message.startswith("step ") for message in caplog.messages) == 6
    assert capsys.readouterr().out == ""
    assert (folder.path / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_a_save_has_a_row_too(folder):
    rows = fit(trainer(folder, run=RUN.model_copy(update={"log_every": 5})), folder)
    assert [row["step"] for row in rows] == [2, 4, 5, 6]


def test_a_loss_that_is_no_number_stops_it_before_anything_is_saved(folder):
    """The fifth step, of two parts each; rows come every tenth."""
    run = RUN.model_copy(update={"log_every": 10, "save_every": 2})
    with pytest.raises(TrainingError) as caught:
        fit(trainer(folder, Line(nan_from=9), run), folder)
    assert str(caught.value).startswith(f"{folder.path}: at step 6 loss is nan; lower optim.learning_rate")
    assert str(caught.value).endswith(f"the last good checkpoint is {folder.checkpoints / 'checkpoint-4'}")
    assert checkpoints(folder) == ["checkpoint-2", "checkpoint-4"]


def test_a_loss_that_is_no_number_at_once(folder):
    with pytest.raises(TrainingError, match=r"at step 1 loss is nan; .*the last good checkpoint is the start"):
        fit(trainer(folder, Line(nan_from=1)), folder)
    assert '"loss": null' in (folder.path / "metrics.jsonl").read_text()
    assert not list(folder.checkpoints.glob("checkpoint-*"))


@pytest.mark.parametrize(("name", "value"), [("loss", math.inf), ("grad_norm", math.nan)])
def test_what_is_no_finite_number(folder, name, value):
    check_finite({"step": 3, "loss": 1.0, "grad_norm": 2.0, "reward": math.nan}, folder)
    with pytest.raises(TrainingError, match=f"at step 3 {name} is {value}"):
        check_finite({"step": 3, "loss": 1.0, "grad_norm": 2.0} | {name: value}, folder)


def test_a_training_that_ended_early_is_no_success(folder):
    check_steps(6, 6, folder)
    with pytest.raises(TrainingError, match="ended after 0 of 6 steps; the data do not fill a batch: use more of them"):
        check_steps(0, 6, folder)


def test_a_last_line_that_was_cut_is_left_out(folder):
    (folder.path / "metrics.jsonl").write_text('{"step": 1, "loss": 2.0}\n{"step": 2, "lo')
    assert read_metrics(folder) == [{"step": 1, "loss": 2.0}]


def test_without_metrics_there_are_none(folder):
    assert read_metrics(folder) == []


def test_only_the_first_process_writes_rows(folder):
    state = transformers.TrainerState(global_step=3, is_world_process_zero=False)
    metrics_writer(folder).on_log(None, state, None, logs={"loss": 1.0})
    assert read_metrics(folder) == []
    with pytest.raises(TrainingError, match="loss is nan"):
        metrics_writer(folder).on_log(None, state, None, logs={"loss": math.nan})


# Going on -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stop_at", [1, 3, 4, 5])
@pytest.mark.parametrize("log_every", [1, 3])
def test_one_that_was_stopped_gives_what_an_uninterrupted_one_gives(folder, stop_at, log_every):
    run = RUN.model_copy(update={"log_every": log_every})
    whole = fit(trainer(other(folder), run=run), other(folder))
    with pytest.raises(Stopped):
        fit(trainer(folder, run=run, stop_at=stop_at), folder)
    torch.manual_seed(99)  # another process has other random numbers
    going_on = trainer(folder, run=run)
    assert fit(going_on, folder) == whole
    assert [row["step"] for row in whole] == ([1, 2, 3, 4, 5, 6] if log_every == 1 else [2, 3, 4, 6])


def test_rows_past_the_checkpoint_are_forgotten(folder):
    rows = [{"step": step, "loss": 1.0} for step in (1, 2, 3)]
    (folder.path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"step": 4, "lo')
    for step, state in ((2, "{}"), (4, '{"half')):
        checkpoint = folder.checkpoints / f"checkpoint-{step}"
        checkpoint.mkdir(parents=True)
        save_file({"weight": torch.zeros(1)}, checkpoint / "model.safetensors")
        (checkpoint / "trainer_state.json").write_text(state)
    assert rewind(folder) == folder.checkpoints / "checkpoint-2"
    assert read_metrics(folder) == rows[:2]
    assert not (folder.checkpoints / "checkpoint-4").exists()


def test_without_a_checkpoint_all_rows_are_forgotten(folder):
    (folder.path / "metrics.jsonl").write_text('{"step": 1, "loss": 1.0}\n')
    assert rewind(folder) is None
    assert read_metrics(folder) == []


def test_done_but_for_its_report(folder):
    """Killed after the last step: nothing is trained again."""
    whole = fit(trainer(folder), folder)
    line = Line()
    assert fit(trainer(folder, line), folder) == whole
    assert line.calls == 0


def test_what_was_killed_after_its_last_step_takes_no_other(folder):
    """The last checkpoint is there, the report is not."""
    whole = fit(trainer(folder), folder)
    again = trainer(folder)
    assert fit(again, folder) == whole
    assert [row["step"] for row in whole] == list(range(1, 7))
    reached = trainer(other(folder))
    fit(reached, other(folder))
    assert torch.equal(again.model.weight, reached.model.weight)
    assert again.model.weight.item() != 0


# Trouble --------------------------------------------------------------------------------------------------------


@pytest.fixture
def full_disk():
    """From now on no file takes more bytes than this."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield lambda num: resource.setrlimit(resource.RLIMIT_FSIZE, (num, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("num_bytes", [2, 500, 1500])
def test_a_full_disk_says_what_is_kept_and_how_to_go_on(folder, full_disk, num_bytes):
    """500 bytes: rows of metrics fit, then no longer; 1500: the weight fits, the optimizer's state does not."""
    with pytest.raises(Stopped):
        fit(trainer(folder, stop_at=3), folder)
    rows = read_metrics(folder)[:2]
    full_disk(num_bytes)
    with pytest.raises(TrainingError, match="cannot be written: ") as caught:
        fit(trainer(folder), folder)
    full_disk(resource.RLIM_INFINITY)
    assert "what was there is as it was" in str(caught.value) or str(caught.value).endswith(
        f"make room and run the same command again, it goes on from {folder.checkpoints / 'checkpoint-2'}"
    )
    assert read_metrics(folder)[:2] == rows
    whole = fit(trainer(other(folder)), other(folder))
    assert fit(trainer(folder), folder) == whole


def test_a_full_disk_while_plotting(folder, full_disk):
    whole = fit(trainer(folder), folder)
    full_disk(2000)
    with pytest.raises(TrainingError, match="cannot be written"):
        fit(trainer(folder), folder)
    full_disk(resource.RLIM_INFINITY)
    assert fit(trainer(folder), folder) == whole


def test_other_errors_are_no_full_disk(folder):
    with pytest.raises(RuntimeError, match="shapes"), saving(folder):
        raise RuntimeError("shapes do not fit")
    with pytest.raises(TrainingError, match="it goes on from the start"), saving(folder):
        raise RuntimeError("[enforce fail at inline_container.cc:664] PytorchStreamWriter failed writing file data/0")


def test_a_model_that_cannot_be_saved_says_how_to_go_on(folder, full_disk):
    full_disk(5)
    with pytest.raises(TrainingError) as caught, saving(folder), whole_folder(folder.model) as new:
        (new / "config.json").write_text("much too much")
    full_disk(resource.RLIM_INFINITY)
    assert str(caught.value).startswith(f"{folder.model}: cannot be saved: ")
    assert str(caught.value).endswith("make room for it and save again, by the same command; it goes on from the start")
    assert not folder.model.exists()
    with pytest.raises(CheckpointError, match="no finite number"), saving(folder):
        raise CheckpointError("a weight is no finite number")


def test_a_policy_that_diverged_is_told_as_such(folder):
    with pytest.raises(TrainingError, match="probabilities are no numbers any more; lower"), saving(folder):
        raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")


def test_a_metric_that_is_missing_is_no_fault(folder):
    writer = metrics_writer(folder)
    state = transformers.TrainerState()
    state.global_step = 1
    writer.on_log(None, state, None, logs={"loss": 1.0, "kl": None})
    assert read_metrics(folder) == [{"step": 1, "loss": 1.0, "kl": None}]


def test_a_form_that_there_is_not_is_told(folder):
    def refuse(path):
        raise CheckpointError(f"{path}: ctranslate2 cannot convert the model")

    assert converted(refuse, folder) == f"{folder.model}: ctranslate2 cannot convert the model"
    assert converted(lambda path: path, folder) is None


def test_answers_must_be_able_to_end():
    tokenizer = transformers.AutoTokenizer.from_pretrained(JUDGE)
    network = SimpleNamespace(generation_config=SimpleNamespace(eos_token_id=None))
    check_end(network, tokenizer, "a model")
    tokenizer.eos_token = "<|pad|>"
    with pytest.raises(
        TrainingError, match=r"a model: its chat template ends an answer with '<\|end\|>', which stops no"
    ):
        check_end(network, tokenizer, "a model")
    network.generation_config.eos_token_id = [0, tokenizer.convert_tokens_to_ids("<|end|>")]
    check_end(network, tokenizer, "a model")


def test_an_answered_question_begins_as_the_question():
    """A template that drops what a generation starts with, as those of models that think do."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(JUDGE)
    check_prefix(tokenizer, "a model")
    tokenizer.chat_template += "{% if add_generation_prompt %} thinking{% endif %}"
    with pytest.raises(TrainingError, match=r"a model: its chat template writes a question as '.*thinking', but with"):
        check_prefix(tokenizer, "a model")


def test_rows_are_no_longer_than_what_the_model_was_made_to_read():
    config = transformers.Qwen3Config(max_position_embeddings=64)
    network = SimpleNamespace(config=config)
    check_context(network, OptimConfig(max_length=64), "a model")
    with pytest.raises(TrainingError, match=r"a model: reads 64 tokens, and optim.max_length is 65; set it to at most"):
        check_context(network, OptimConfig(max_length=65), "a model")
    config.rope_parameters = {"rope_type": "yarn", "factor": 4.0, "rope_theta": 1e4}
    check_context(network, OptimConfig(max_length=256), "a model")
    check_context(SimpleNamespace(config=transformers.MambaConfig()), OptimConfig(max_length=65), "a model")


def test_weights_that_would_be_replicated_unasked(folder):
    one = trainer(folder)
    check_sharded(one)
    one.args.fsdp = True
    with pytest.raises(TrainingError, match=r"run\.fsdp is true, but accelerate shards no weights on a CPU"):
        check_sharded(one)


# The picture ----------------------------------------------------------------------------------------------------


def test_a_picture_of_every_metric(tmp_path):
    rows = [{"step": step, "loss": 1.0 / step, "kl": None, "note": "text", "epoch": 0.1} for step in range(1, 4)]
    plot(rows, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
    plot(rows[:1], tmp_path / "one.png")
    plot([], tmp_path / "none.png")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plot.png"], "one point is no curve"
