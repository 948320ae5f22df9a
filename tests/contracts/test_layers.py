"""Imports only go down; the contracts are in pyproject.toml."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path


def test_the_import_contracts_hold(root: Path) -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    environment = os.environ | {"PYTHONPATH": str(root / "src")}
    done = subprocess.run([str(linter), "--no-cache"], cwd=root, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_template_is_held_to_stand_alone(root: Path) -> None:
    """A template with a prompt of its own is listed in the contract that forbids templates to import each other."""
    contracts = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    (listed,) = (contract["modules"] for contract in contracts if contract["name"] == "Templates stand alone")
    templates = root / "src" / "grmkit" / "templates"
    with_prompt = {path.stem for path in templates.glob("*.py") if list(templates.glob(f"{path.stem}*.txt"))}
    assert {f"grmkit.templates.{name}" for name in with_prompt} == set(listed)
