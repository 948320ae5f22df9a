"""Every claim's script runs from draws and trainings to its page, on a handful of items; numbers mean nothing here."""

import json
import re

import pytest
import run_all

from tiny_recipe import TRL_LAGS

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
    "fork.steps": 2,
    "fork.batch": 1,
}
SIZE = ["--num-test", "6", "--num-validation", "4", "--samples", "4", "--few", "2", "--seeds", "0", "--workers", "1"]
CHEAP_FIRST = (1, 5, 6, 8, 3, 7, 4, 2)


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
@pytest.mark.parametrize("number", CHEAP_FIRST)
def test_a_claim_is_measured_and_told(run, folder, number):
    before = {path: path.stat().st_mtime_ns for path in folder.glob("results/cells/*.json")}
    said = run("--claims", str(number))
    found = told(folder, number)
    assert "left in all: about 0 min" in said
    assert found["tables"], found["why"]
    assert all(cell["items"] == cell["wanted"] or cell["cell"].startswith(("tiny", "large")) for cell in found["cells"])
    assert all(path.stat().st_mtime_ns == time for path, time in before.items()), "a cell was measured twice"
    (svg,) = (folder / "results" / "claims").glob(f"claim-{number}-*.svg")
    assert "</svg>" in svg.read_text()


def test_nothing_is_run_again_and_the_pages_are_the_same(run, folder):
    run("--claims", "1", "6")
    before = {path: path.read_bytes() for path in folder.rglob("results/**/*") if path.is_file()}
    assert "measured: nothing" in run("--claims", "1", "6")
    assert {path: path.read_bytes() for path in folder.rglob("results/**/*") if path.is_file()} == before


def test_what_has_no_judge_is_named(run):
    said = run("--claims", "5")
    assert "not run: tiny.plain.greedy.1, as there is no such judge" in said
