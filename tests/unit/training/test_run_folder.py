"""The folder of a training: what it began with is kept, and what is in it is whole."""

import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from grmkit.config.train import GrpoConfig, RftConfig
from grmkit.errors import TrainingError
from grmkit.training import run_folder
from grmkit.training.run_folder import RunFolder, git_revision, versions

ROWS = [{"n": 1, "text": "één"}, {"n": 2, "text": "\ud800"}]


def checkpoint(folder, step, state='{"global_step": 1}'):
    path = folder.checkpoints / f"checkpoint-{step}"
    path.mkdir(parents=True)
    save_file({"weight": np.zeros(4)}, path / "model.safetensors")
    torch.save({"step": step}, path / "optimizer.pt")
    if state is not None:
        (path / "trainer_state.json").write_text(state)
    return path


def files(path):
    return {p.relative_to(path).as_posix(): p.read_bytes() for p in path.rglob("*") if p.is_file()}


# The recipe -----------------------------------------------------------------------------------------------------


def test_it_says_what_was_asked_for_and_with_what(folder, recipe):
    kept = folder.read("recipe.json")
    assert kept["recipe"] == recipe.model_dump(mode="json")
    assert kept["versions"] == versions()
    assert kept["git"] == git_revision()
    assert {"torch", "transformers", "trl", "ctranslate2"} <= kept["versions"].keys()
    assert RftConfig.model_validate(kept["recipe"]) == recipe


def test_the_same_recipe_goes_on(folder, recipe):
    before = files(folder.path)
    RunFolder(folder.path, recipe)
    assert files(folder.path) == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": "another"}, "differs in model (there 'a model', now 'another')"),
        ({"optim": RftConfig().optim.model_copy(update={"batch": 7})}, "differs in optim.batch (there 32, now 7)"),
    ],
)
def test_another_recipe_is_refused_by_the_key_that_differs(folder, recipe, change, words):
    folder.keep_data(ROWS)
    with pytest.raises(TrainingError) as caught:
        RunFolder(folder.path, recipe.model_copy(update=change))
    assert words in str(caught.value)
    assert "give another --output (a copy of ledger.sqlite in it spares what was sampled), or " in str(caught.value)
    assert str(caught.value).startswith(str(folder.path))


def test_a_recipe_of_another_kind_is_refused(folder):
    folder.keep_data(ROWS)
    with pytest.raises(TrainingError, match="differs in beta"):
        RunFolder(folder.path, GrpoConfig(model="a model"))


def test_a_first_try_that_did_nothing_stands_in_no_way(tmp_path, recipe):
    for path in (tmp_path / "run", tmp_path / "run" / "rft"):
        RunFolder(path, recipe.model_copy(update={"model": "a typo"}))
    (tmp_path / "run" / ".lock").touch()
    for path in (tmp_path / "run", tmp_path / "run" / "rft"):
        assert RunFolder(path, recipe).read("recipe.json")["recipe"]["model"] == "a model"


def test_a_stage_goes_on_where_the_whole_training_was_moved_to(tmp_path, recipe, monkeypatch):
    def stage(path, model="rft/model"):
        return RunFolder(path / "grpo", recipe.model_copy(update={"model": str(path / model)}))

    stage(tmp_path / "whole").keep_data(ROWS)
    (tmp_path / "whole").rename(tmp_path / "moved")
    stage(tmp_path / "moved").keep_data(ROWS)
    monkeypatch.chdir(tmp_path)
    stage(Path("moved")).keep_data(ROWS)
    with pytest.raises(TrainingError, match="differs in model"):
        stage(Path("moved"), "sft/model")


def test_a_recipe_that_cannot_be_read(folder, recipe):
    (folder.path / "recipe.json").write_text('{"recipe": ')
    with pytest.raises(TrainingError, match=r"recipe\.json: cannot be read: .*; delete it to start anew"):
        RunFolder(folder.path, recipe)


def test_a_folder_that_cannot_be_made(tmp_path, recipe):
    (tmp_path / "file").touch()
    with pytest.raises(TrainingError, match="file"):
        RunFolder(tmp_path / "file" / "run", recipe)
    with pytest.raises(TrainingError, match="file"):
        RunFolder(tmp_path / "file", recipe)


# The data -------------------------------------------------------------------------------------------------------


def test_the_data_is_kept_with_its_digest(folder):
    digest = folder.keep_data(ROWS)
    written = (folder.path / "data.jsonl").read_bytes()
    assert digest == hashlib.sha256(written).hexdigest()
    assert folder.read("data.json") == {"sha256": digest, "rows": 2}
    assert json.loads(written.splitlines()[0]) == ROWS[0]
    assert folder.keep_data(ROWS) == digest, "the same again"


def test_other_data_is_refused(folder):
    digest = folder.keep_data(ROWS)
    before = files(folder.path)
    with pytest.raises(
        TrainingError, match=f"not what this training started with .sha256 {digest[:12]}, now"
    ) as caught:
        folder.keep_data(ROWS[:1])
    assert str(caught.value).endswith("delete the folder to start anew")
    assert files(folder.path) == before


# Checkpoints ----------------------------------------------------------------------------------------------------


def test_the_last_checkpoint_is_that_of_the_highest_step(folder):
    assert folder.last_checkpoint() is None
    for step in (9, 100, 20):
        checkpoint(folder, step)
    assert folder.last_checkpoint() == folder.checkpoints / "checkpoint-100"


@pytest.mark.parametrize("state", [None, "", '{"global_st'])
def test_a_checkpoint_that_a_kill_left_is_deleted_and_the_one_before_is_used(folder, state):
    whole, half = checkpoint(folder, 5), checkpoint(folder, 10, state)
    assert folder.last_checkpoint() == whole
    assert (whole.exists(), half.exists()) == (True, False)


@pytest.mark.parametrize(
    ("name", "words"),
    [("model.safetensors", "deserializing header"), ("optimizer.pt", "optimizer.pt is cut short")],
)
def test_a_checkpoint_that_is_spoilt_is_told_and_the_one_before_is_used(folder, caplog, name, words):
    whole, spoilt = checkpoint(folder, 5), checkpoint(folder, 10)
    raw = (spoilt / name).read_bytes()
    (spoilt / name).write_bytes(raw[: len(raw) // 2])
    assert folder.last_checkpoint() == whole
    assert words in caplog.text
    assert not spoilt.exists()


def test_a_checkpoint_without_weights_is_none(folder, caplog):
    (checkpoint(folder, 5) / "model.safetensors").unlink()
    assert folder.last_checkpoint() is None
    assert "there are no weights" in caplog.text


def test_without_a_whole_checkpoint_there_is_none(folder):
    checkpoint(folder, 5, None)
    assert folder.last_checkpoint() is None
    assert list(folder.checkpoints.iterdir()) == []


# Done -----------------------------------------------------------------------------------------------------------


def test_a_report_makes_it_done(folder, recipe):
    checkpoint(folder, 5)
    assert folder.report is None
    assert folder.finish({"auc": 0.5}) == {"auc": 0.5}
    assert RunFolder(folder.path, recipe).report == {"auc": 0.5}
    assert not folder.checkpoints.exists()


def test_what_a_kill_left_behind_is_deleted(folder, recipe):
    """Killed while the model was saved, and once more before the checkpoints were."""
    (folder.path / ".model.0123abcd.new").mkdir()
    (folder.path / ".model.0123abcd.new" / "model.safetensors").touch()
    folder.model.mkdir()
    RunFolder(folder.path, recipe)
    assert not list(folder.path.glob(".*"))
    assert folder.model.exists()
    folder.write("report.json", {"auc": 0.5})
    checkpoint(folder, 5)
    assert RunFolder(folder.path, recipe).report == {"auc": 0.5}
    assert not folder.checkpoints.exists()


# Trouble --------------------------------------------------------------------------------------------------------

WRITER = """
import sys
from pathlib import Path
from grmkit.config.train import RftConfig
from grmkit.training.run_folder import RunFolder
folder = RunFolder(Path(sys.argv[1]), RftConfig(model="a model"))
print("ready", flush=True)
number = 0
while True:
    number += 1
    folder.write("report.json", {"number": number, "much": "x" * 300_000})
"""


def test_a_kill_while_writing_leaves_what_was_there_or_what_was_meant(tmp_path, recipe):
    for moment in (0.0, 0.013, 0.031):
        process = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE)
        process.stdout.readline()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(moment + 0.05)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        kept = RunFolder(tmp_path, recipe).report
        assert len(kept["much"]) == 300_000


@contextmanager
def full_disk():
    """In here nothing of more than 10 bytes fits; afterwards pytest itself may write again."""
    handler, before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("report.json", lambda folder: folder.finish({"auc": 0.75, "why": "better than before"})),
        ("data.jsonl", lambda folder: folder.keep_data(ROWS)),
        ("metrics.jsonl", lambda folder: folder.write_text("metrics.jsonl", '{"step": 1, "loss": 2.0}\n')),
    ],
)
def test_a_full_disk_names_the_file_and_leaves_what_was_there(folder, name, write):
    (folder.path / name).write_text("{}\n")
    before = {path: text for path, text in files(folder.path).items() if not path.endswith(".new")}
    expected = r"cannot be written: .*File too large; what was there is as it was"
    with pytest.raises(TrainingError, match=expected) as told, full_disk():
        write(folder)
    assert str(told.value).startswith(str(folder.path / name))
    assert {path: text for path, text in files(folder.path).items() if not path.endswith(".new")} == before


def test_a_full_disk_at_the_start(tmp_path, recipe):
    with pytest.raises(TrainingError, match=r"recipe\.json: cannot be written"), full_disk():
        RunFolder(tmp_path / "run", recipe)


def test_once_there_is_room_again_it_goes_on(tmp_path, recipe):
    """What a full disk left behind is in nobody's way."""
    (tmp_path / "recipe.json.new").write_text('{"rec')
    RunFolder(tmp_path, recipe)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["recipe.json"]


# Versions -------------------------------------------------------------------------------------------------------


def test_the_revision_is_that_of_the_code(tmp_path):
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@x", "-C", str(tmp_path)]
    code = tmp_path / "code.py"
    code.touch()
    assert git_revision(code) is None
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    assert git_revision(code) is None, "a repository around code that is no part of it, such as a user's own"
    subprocess.run([*git, "add", "code.py"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "y"], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    assert git_revision(code) == head
    code.write_text("1")
    assert git_revision(code) == f"{head}-dirty"


def test_without_git_there_is_no_revision(monkeypatch):
    monkeypatch.setenv("PATH", os.devnull)
    assert git_revision() is None


def test_packages_that_are_not_installed_have_no_version(monkeypatch):
    monkeypatch.setattr(run_folder, "PACKAGES", ("grmkit", "no-such-package"))
    assert list(versions()) == ["grmkit"]
