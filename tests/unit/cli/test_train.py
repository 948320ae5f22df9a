"""`grm train`: what it prints, what it refuses, and with which exit code."""

import json
import os
import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from grmkit.config.recipe import read_recipe
from grmkit.nano import JUDGE
from tiny_recipe import TRL_LAGS, make_model, stages, to_toml

pytestmark = TRL_LAGS

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory):
    return make_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def model(tiny_model, tmp_path):
    """A copy to be broken."""
    return Path(shutil.copytree(tiny_model, tmp_path / "model"))


@pytest.fixture
def recipe(tmp_path):
    def write(kind, model, **groups):
        values = {"recipe": kind, "model": str(model), "template": "nano", **stages()[kind]}
        values |= {name: values.get(name, {}) | group for name, group in groups.items()}
        path = tmp_path / "small.toml"
        path.write_text(to_toml(values))
        return path

    return write


def sampled(folder):
    return (folder / "ledger.sqlite").exists()


def test_a_dry_run_prints_the_resolved_recipe_and_does_nothing(grm, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = ROOT / "recipes" / "nano" / "spct.toml"
    ran = grm("train", path, "--dry-run", "--set", "grpo.beta=0.5", "--set", "rft.optim.learning_rate=1e-5")
    assert (ran.code, ran.err) == (0, "")
    shown = json.loads(ran.out)
    assert (shown["grpo"]["beta"], shown["rft"]["optim"]["learning_rate"]) == (0.5, 1e-5)
    assert shown == read_recipe(path, ["grpo.beta=0.5", "rft.optim.learning_rate=1e-5"]).model_dump(mode="json")
    assert list(tmp_path.iterdir()) == []


def test_a_training_prints_its_report_and_tells_its_steps_on_the_side(grm, recipe, tiny_model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = recipe("rft", tiny_model, data={"num": 6}, optim={"steps": 2})
    ran = grm("train", path)
    assert ran.code == 0, ran.err
    report = json.loads(ran.out)
    assert report == json.loads((tmp_path / "runs" / "small" / "report.json").read_text()), "named after the recipe"
    assert report["recipe"] == "rft"
    assert [line.split(",")[0] for line in ran.err.splitlines() if line.startswith("step ")] == ["step 1", "step 2"]
    again = grm("train", path)
    assert (json.loads(again.out), "step 1" in again.err) == (report, False)
    other = grm("train", path, "--set", "optim.steps=3")
    assert other.code == 1
    assert "holds a training by another recipe, which differs in optim.steps (there 2, now 3)" in other.err


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("optim.lr=1", "unknown key 'optim.lr'; the nearest there is: optim.learning_rate"),
        ("data.num=", "data.num is '': "),
        ("optim.steps", "--set optim.steps: expected KEY=VALUE"),
        ("data.num=none", "data.num is 'none': "),
    ],
)
def test_a_wrong_recipe_is_one_line_and_nothing_is_made(grm, recipe, tiny_model, tmp_path, setting, words):
    ran = grm("train", recipe("rft", tiny_model), "-o", tmp_path / "run", "--set", setting)
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert words in ran.err
    assert not (tmp_path / "run").exists()


def test_a_recipe_that_is_not_there(grm, tmp_path):
    ran = grm("train", tmp_path / "absent.toml")
    assert ran.code == 2
    assert "absent.toml: cannot be read as a recipe" in ran.err


# What is checked before anything is sampled ---------------------------------------------------------------------


def refused(grm, path, folder, words, *, code=1):
    ran = grm("train", path, "-o", folder)
    assert (ran.code, ran.out) == (code, ""), ran.err
    assert words in ran.err.splitlines()[-1]
    assert ran.err.splitlines()[-1].startswith("grm: ")
    assert not sampled(folder)


@pytest.mark.parametrize("kind", ["rft", "grpo", "meta_rm"])
def test_a_model_without_its_tokenizer(grm, recipe, model, tmp_path, kind):
    (model / "tokenizer.json").unlink()
    refused(grm, recipe(kind, model), tmp_path / "run", f"{model}: holds no tokenizer.json; expected the tokenizer")


@pytest.mark.parametrize("kind", ["rft", "grpo", "meta_rm"])
def test_a_model_that_would_be_random(grm, recipe, model, tmp_path, kind):
    tensors = load_file(model / "model.safetensors")
    del tensors["model.embed_tokens.weight"]
    save_file(tensors, model / "model.safetensors", metadata={"format": "pt"})
    refused(grm, recipe(kind, model), tmp_path / "run", "of the model's tensors, which would be random: ")


def test_a_meta_rm_that_starts_from_a_tied_embedding_under_another_name(grm, recipe, model, tmp_path):
    """As a classifier it would load silently with a random embedding; here its weights are found."""
    tensors = load_file(model / "model.safetensors")
    tensors["lm_head.weight"] = tensors.pop("model.embed_tokens.weight")
    save_file(tensors, model / "model.safetensors", metadata={"format": "pt"})
    ran = grm("train", recipe("meta_rm", model, optim={"steps": 1, "learning_rate": 1e-9}), "-o", tmp_path / "run")
    assert ran.code == 0, ran.err
    kept = load_file(tmp_path / "run" / "model" / "model.safetensors")["model.embed_tokens.weight"]
    assert (kept.float() - tensors["lm_head.weight"]).abs().max() < 1e-3


@pytest.mark.parametrize("kind", ["rft", "grpo", "meta_rm"])
def test_a_meta_rm_given_as_language_model(grm, recipe, model, tmp_path, kind):
    settings = json.loads((model / "config.json").read_text())
    settings |= {"architectures": ["Qwen3ForSequenceClassification"], "num_labels": 1}
    (model / "config.json").write_text(json.dumps(settings))
    words = "is a Qwen3ForSequenceClassification, which gives a number and writes no text"
    refused(grm, recipe(kind, model), tmp_path / "run", words)


def test_a_model_that_is_not_there(grm, recipe, tmp_path):
    refused(grm, recipe("rft", tmp_path / "absent"), tmp_path / "run", "absent: holds no config.json")


def test_data_in_which_all_are_tied(grm, recipe, tiny_model, tmp_path):
    rows = [{"id": f"t{n}", "query": "Why?", "responses": ["a", "b"], "label": [2.0, 2.0]} for n in range(3)]
    source = tmp_path / "ties.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    path = recipe("rft", tiny_model, data={"source": str(source)})
    refused(grm, path, tmp_path / "run", "ties.jsonl: no example can be learnt from; t0: label is [2.0, 2.0]: the best")


def test_data_whose_label_points_to_no_response(grm, recipe, tiny_model, tmp_path):
    source = tmp_path / "bad.jsonl"
    source.write_text('{"query": "Why?", "responses": ["a", "b"], "label": 2}\n')
    path = recipe("meta_rm", tiny_model, data={"source": str(source)})
    refused(grm, path, tmp_path / "run", "bad.jsonl:1: label is 2", code=2)


def test_a_judge_that_cannot_be_asked(grm, recipe, tiny_model, tmp_path):
    path = recipe("rft", tiny_model, sampling={"judge": "http://127.0.0.1:9/v1"})
    ran = grm("train", path, "-o", tmp_path / "run")
    assert ran.code == 3
    assert "cannot connect" in ran.err.splitlines()[-1]


@pytest.mark.parametrize("kind", ["rft", "grpo", "meta_rm"])
def test_rows_that_no_model_of_this_context_can_read(grm, recipe, tiny_model, tmp_path, kind):
    ran = grm("train", recipe(kind, tiny_model, optim={"max_length": 1025}), "-o", tmp_path / "run")
    assert ran.code == 1
    assert "reads 1,024 tokens, and optim.max_length is 1,025; set it to at most that" in ran.err.splitlines()[-1]
    assert not sampled(tmp_path / "run")


def test_a_meta_rm_for_the_reward_that_is_not_there(grm, recipe, tiny_model, tmp_path):
    reward = {"meta_rm": str(tmp_path / "none"), "meta_weight": 0.5}
    ran = grm("train", recipe("grpo", tiny_model, reward=reward), "-o", tmp_path / "run")
    assert ran.code == 3
    assert str(tmp_path / "none") in ran.err.splitlines()[-1]
    assert not sampled(tmp_path / "run")


# What shows only later ------------------------------------------------------------------------------------------


def test_a_learning_rate_that_breaks_the_weights(grm, recipe, tiny_model, tmp_path):
    path = recipe("rft", tiny_model, optim={"learning_rate": 1e30, "max_grad_norm": 1e30}, run={"save_every": 1})
    ran = grm("train", path, "-o", tmp_path / "run")
    assert ran.code == 1
    last = ran.err.splitlines()[-1]
    assert "lower optim.learning_rate" in last or "no finite number" in last
    assert not (tmp_path / "run" / "model").exists()


def test_rows_that_are_all_too_long(grm, recipe, tiny_model, tmp_path):
    ran = grm("train", recipe("rft", tiny_model, optim={"max_length": 20}), "-o", tmp_path / "run")
    assert ran.code == 1
    assert "rows are longer than optim.max_length; nothing is left to learn" in ran.err.splitlines()[-1]


def test_judgments_that_are_all_rejected(grm, recipe, tiny_model, tmp_path):
    """A random model writes nothing that can be read."""
    path = recipe("rft", tiny_model, data={"num": 3}, sampling={"judge": str(JUDGE), "max_tokens": 1})
    ran = grm("train", path, "-o", tmp_path / "run")
    assert ran.code == 1
    assert "every judgment was rejected" in ran.err.splitlines()[-1]
    assert os.listdir(tmp_path / "run")


def test_two_trainings_cannot_share_a_folder(grm, recipe, tiny_model, tmp_path):
    from filelock import FileLock

    (tmp_path / "run").mkdir()
    with FileLock(tmp_path / "run" / ".lock"):
        ran = grm("train", recipe("rft", tiny_model), "-o", tmp_path / "run")
    assert ran.code == 1
    assert "another training is at work here; wait for it, or give another --output" in ran.err
    assert not sampled(tmp_path / "run")


def test_missing_packages_are_named_before_anything_is_sampled(grm, recipe, tiny_model, tmp_path, monkeypatch):
    monkeypatch.setattr("grmkit.cli.train.PACKAGES", ("torch", "no_such_package"))
    ran = grm("train", recipe("rft", tiny_model), "-o", tmp_path / "run")
    assert ran.code == 2
    assert "training needs the packages no_such_package; run: pip install 'grmkit[train]'" in ran.err
    assert not sampled(tmp_path / "run")


@pytest.mark.parametrize("kind", ["rft", "spct"])
def test_trackers_that_are_not_installed_are_named_before_anything_is_sampled(kind, grm, tmp_path, tiny_model, recipe):
    where, path = ("grpo.run", ROOT / "recipes" / "nano" / "spct.toml") if kind == "spct" else ("run", None)
    path = path or recipe(kind, tiny_model)
    ran = grm("train", path, "-o", tmp_path / "run", "--set", f'{where}.report_to=["trackio"]')
    assert ran.code == 2
    assert "run.report_to names trackio, not installed; run: pip install trackio" in ran.err
    assert not (tmp_path / "run").exists() or not sampled(tmp_path / "run")


@pytest.mark.parametrize("kind", ["rft", "spct"])
def test_weights_that_nobody_shares_are_refused_before_anything_is_sampled(kind, grm, tmp_path, tiny_model, recipe):
    where, path = ("rft.run", ROOT / "recipes" / "nano" / "spct.toml") if kind == "spct" else ("run", None)
    ran = grm("train", path or recipe(kind, tiny_model), "-o", tmp_path / "run", "--set", f"{where}.fsdp=true")
    assert ran.code == 2
    assert "run.fsdp is true, but there is one process" in ran.err
    assert not (tmp_path / "run").exists() or not sampled(tmp_path / "run")


def test_examples_that_fill_no_step(grm, recipe, tmp_path):
    """TRL would take no step, and save the model as it was."""
    path = recipe("grpo", JUDGE, optim={"batch": 64}, easy={"judge": str(JUDGE), "samples": 1})
    ran = grm("train", path, "-o", tmp_path / "run")
    assert ran.code == 1
    assert "examples are left" in ran.err
    assert "one step takes 16; use more data, or a smaller optim.batch" in ran.err
    assert not (tmp_path / "run" / "model").exists()


def test_a_recipe_that_names_no_model(grm, recipe, tmp_path):
    ran = grm("train", recipe("rft", ""), "-o", tmp_path / "run")
    assert ran.code == 2
    assert "model is not set; name a folder with a model, in the recipe or by --set model=FOLDER" in ran.err
