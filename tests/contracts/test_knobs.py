"""Every knob of every command, with its type and default: a new one is seen in review, and says what it does."""

import ast
from collections.abc import Callable, Iterator
from typing import Any


def configs(sources: list[Any]) -> Iterator[ast.ClassDef]:
    for source in sources:
        if source.room == "config":
            yield from (node for node in source.tree.body if isinstance(node, ast.ClassDef))


def knobs(config: ast.ClassDef) -> Iterator[tuple[str, bool]]:
    """Each field as it is written, and whether a docstring follows it."""
    for field, after in zip(config.body, [*config.body[1:], ast.Pass()], strict=True):
        if isinstance(field, ast.AnnAssign):
            is_told = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
            yield f"{config.name}.{ast.unparse(field)}", is_told


def test_knobs_are_the_committed_ones(sources: list[Any], pinned: Callable[[str, str], None]) -> None:
    pinned("knobs.txt", "".join(f"{knob}\n" for config in configs(sources) for knob, _ in knobs(config)))


def test_every_knob_says_what_it_does(sources: list[Any]) -> None:
    silent = [knob for config in configs(sources) for knob, is_told in knobs(config) if not is_told]
    assert not silent, "a field is followed by one line that says what it is, with its unit"
