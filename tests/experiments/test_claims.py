"""Every claim's script runs from draws and trainings to its page, on a handful of items; numbers mean nothing here."""

import gc
import json
import re
from pathlib import Path

import pytest
import run_all
from claims.page import page_of, with_curve

from grmkit.scoring.meta_rm import PROMPT_FILE
from grmkit.templates import nano
from tiny_model import make_scalar
from tiny_recipe import TRL_LAGS, make_model

SETTINGS = {
    "rft.data.num": 8,
    "rft.data.general_share": 0.2,
    "rft.sampling.samples": 2,
    "rft.sampling.workers": 1,
    "rft.optim.steps": 2,
    "rft.optim.batch": 2,
    "grpo.data.num": 8,
    "grpo.easy.samples": 1,
    "grpo.easy.workers": 1,
    "grpo.rollout.max_tokens": 120,
    "grpo.optim.steps": 1,
    "grpo.optim.batch": 4,
    "grpo.optim.micro_batch": 4,
    "grpo.optim.warmup_steps": 0,
    "meta_rm.data.num": 24,
    "meta_rm.sampling.samples": 4,
    "meta_rm.sampling.workers": 1,
    "meta_rm.held_out": 0.5,
    "meta_rm.optim.steps": 2,
    "meta_rm.optim.batch": 4,
    "meta_rm.optim.warmup_steps": 0,
    "fork.steps": 2,
    "fork.batch": 1,
}
SIZE = ["--num-test", "6", "--num-validation", "4", "--samples", "4", "--few", "2", "--seeds", "0", "--workers", "1"]
CHEAP_FIRST = (1, 5, 6, 8, 3, 7, 4, 2)


@pytest.fixture(scope="module", autouse=True)
def _few_to_collect():
    """The converter collects garbage after every layer, half a second each with all that a trainer brings."""
    import trl.trainer.grpo_trainer  # noqa: F401

    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("claims")


@pytest.fixture
def run(folder, capsys):
    """Runs the command in a folder that all tests here share, and returns what it says."""

    def command(*words: str, minutes: float = 60) -> str:
        where = [
            "--out",
            str(folder / "results"),
            "--runs",
            str(folder / "runs"),
            "--readme",
            str(folder / "README.md"),
        ]
        settings = [f"{name}={value}" for name, value in SETTINGS.items()]
        meta_rm = ["--meta-rm", str(folder / "none")] if "--meta-rm" not in words else []
        run_all.main([*SIZE, *where, *meta_rm, "--budget-minutes", str(minutes), *words, "--set", *settings])
        return capsys.readouterr().out

    return command


def told(folder, number):
    (path,) = (folder / "results" / "claims").glob(f"claim-{number}-*.json")
    return json.loads(path.read_text())


def test_without_cells_nothing_is_run_and_every_page_says_so(run, folder):
    said = run(minutes=0)
    page = (folder / "results" / "claims.md").read_text()
    assert "measured: nothing" in said
    assert "left: shipped.plain.sampled-0.4.4, about 1 min" in said
    assert len(re.findall(r"\*\*not run\*\*", page)) == len(run_all.CLAIMS) == 8
    assert all(told(folder, claim.number)["held"] == "not run" for claim in run_all.CLAIMS)
    assert not (folder / "results" / "cells").exists()


@TRL_LAGS
@pytest.mark.filterwarnings("ignore:You are using 'rollout_func':UserWarning")  # TRL calls it experimental
@pytest.mark.timeout(400)  # six trainings, on a busy machine
@pytest.mark.parametrize("number", CHEAP_FIRST)
def test_a_claim_is_measured_and_told(run, folder, number):
    before = {path: path.stat().st_mtime_ns for path in folder.glob("results/cells/*.json")}
    said = run("--claims", str(number))
    found = told(folder, number)
    assert "left in all: about 0 min" in said
    assert found["tables"], found["why"]
    assert all(cell["items"] == cell["wanted"] for cell in found["cells"])
    assert all(path.stat().st_mtime_ns == time for path, time in before.items()), "a cell was measured twice"
    (svg,) = (folder / "results" / "claims").glob(f"claim-{number}-*.svg")
    assert "</svg>" in svg.read_text()


def test_nothing_is_run_again_and_the_pages_are_the_same(run, folder):
    run("--claims", "1", "6")
    before = {path: path.read_bytes() for path in folder.rglob("results/**/*") if path.is_file()}
    assert "measured: nothing" in run("--claims", "1", "6")
    assert {path: path.read_bytes() for path in folder.rglob("results/**/*") if path.is_file()} == before


def test_a_meta_rm_that_comes_later_scores_what_was_judged(run, folder, tmp_path):
    run("--claims", "1", "8")
    meta_rm = make_scalar(make_model(tmp_path / "tiny"), tmp_path / "meta_rm")
    (meta_rm / PROMPT_FILE).write_text(nano.PROMPT.read_text())
    path = folder / "results" / "cells" / "shipped.plain.sampled-0.4.4.json"
    before = json.loads(path.read_text())
    said = run("--claims", "1", "8", "--meta-rm", str(meta_rm))
    after = json.loads(path.read_text())
    assert "measured: shipped.plain.sampled-0.4.4 0-6, shipped.plain.sampled-0.4.4.validation 0-4\n" in said
    assert after["packed"]["scores"] == before["packed"]["scores"]
    assert (before["packed"]["meta"], len(after["settings"]["meta_rm_sha256"])) == (None, 16)
    assert "guided@4 minus plain@4" in [test["name"] for test in told(folder, 1)["tests"]]
    assert told(folder, 8)["tables"][1]["rows"][2][1] is not None, "a threshold for the guided vote"
    with pytest.raises(SystemExit, match=r"has meta scores, but .* is no folder; give the meta RM with --meta-rm"):
        run("--claims", "1", "--num-test", "8")
    assert json.loads(path.read_text()) == after, "no item without a meta score was joined to those that have one"
    path.write_text(json.dumps({**after, "settings": {**after["settings"], "meta_rm_sha256": "another"}}))
    run("--claims", "1", "--num-test", "3", "--meta-rm", str(meta_rm))
    assert json.loads(path.read_text())["packed"] == after["packed"], "all that was judged is kept, and scored again"


def test_the_page_that_is_committed_is_made_of_the_numbers_that_are():
    results = Path(__file__).parents[2] / "docs" / "results"
    every = [json.loads(path.read_text()) for path in sorted((results / "claims").glob("claim-*.json"))]
    readme = (results.parents[1] / "README.md").read_text()
    assert (results / "claims.md").read_text() == page_of(every), "run python experiments/run_all.py"
    assert with_curve(readme, every[0], "docs/results") == readme, "run python experiments/run_all.py"


def test_what_has_no_judge_is_named(run, monkeypatch):
    there = run_all.known_folders({})
    monkeypatch.setattr(run_all, "known_folders", lambda _: {name: there[name] for name in ("shipped", "tiny")})
    said = run("--claims", "5")
    assert "not run: large.plain.greedy.1, as there is no such judge" in said
