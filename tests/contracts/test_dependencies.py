"""What the code imports is what pyproject.toml asks for: nothing works by the accident of another tool's dependency."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def project(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def packages(requirements: Iterable[str]) -> set[str]:
    return {re.split(r"[^\w-]", requirement)[0].replace("-", "_") for requirement in requirements}


def imports(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (name.name.split(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


def foreign(sources: list[Any], *, is_eager: bool) -> set[str]:
    """Third-party modules: those imported with their file, or all of them."""
    nodes = [node for source in sources for node in (source.tree.body if is_eager else ast.walk(source.tree))]
    return set(imports(nodes)) - set(sys.stdlib_module_names) - {"grmkit"}


def test_what_is_imported_is_declared(sources: list[Any], project: dict[str, Any]) -> None:
    extras = [line for name, lines in project["optional-dependencies"].items() if name != "dev" for line in lines]
    assert foreign(sources, is_eager=False) <= packages([*project["dependencies"], *extras])


def test_extras_are_imported_where_they_are_used(sources: list[Any], project: dict[str, Any]) -> None:
    assert foreign(sources, is_eager=True) <= packages(project["dependencies"])


def test_what_is_declared_is_imported(sources: list[Any], project: dict[str, Any]) -> None:
    assert packages(project["dependencies"]) <= foreign(sources, is_eager=False)
