"""The command line is an interface: every flag and every word of its help changes in review or not at all."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import typer.main

from grmkit.cli.app import app

PLAIN = {
    "TYPER_USE_RICH": "0",
    "COLUMNS": "100",
    "LINES": "50",
    "NO_COLOR": "1",
    "TERM": "dumb",
    "LANG": "C.UTF-8",
    "PYTHONUTF8": "1",
}
GRM = [sys.executable, "-c", "import sys; sys.argv[0] = 'grm'; from grmkit.cli import main; main()"]


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """`grm` itself, then every verb, then what each verb can do."""
    yield path
    for name, inner in getattr(command, "commands", {}).items():
        if not inner.hidden:
            yield from commands(inner, (*path, name))


def help_of(path: tuple[str, ...]) -> str:
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
    done = subprocess.run([*GRM, *path, "--help"], env=inherited | PLAIN, capture_output=True, check=True, text=True)
    return "\n".join(line.rstrip() for line in done.stdout.strip("\n").splitlines())


def test_help_is_the_committed_one(pinned: Callable[[str, str], None]) -> None:
    pages = [
        f"$ {' '.join(('grm', *path, '--help'))}\n{help_of(path)}\n" for path in commands(typer.main.get_command(app))
    ]
    pinned("cli_help.txt", "\n".join(pages))
