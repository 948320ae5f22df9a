"""What `import grmkit` promises: these names and no others follow semantic versioning."""

import ast
import types
from collections.abc import Callable
from pathlib import Path

import grmkit

MAX_PUBLIC_NAMES = 20


def test_public_names_are_the_committed_ones(pinned: Callable[[str, str], None]) -> None:
    pinned("public_names.txt", "".join(f"{name}\n" for name in sorted(grmkit.__all__)))


def test_every_public_name_is_there() -> None:
    missing = [name for name in grmkit.__all__ if getattr(grmkit, name, None) is None]
    assert not missing


def test_a_type_checker_sees_the_same_names() -> None:
    """What the package imports from its own rooms, if only for type checkers, is what it promises."""
    tree = ast.parse(Path(grmkit.__file__ or "").read_text(encoding="utf-8"))
    rooms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    seen = {name.name for node in rooms if str(node.module).startswith("grmkit.") for name in node.names}
    assert seen == set(grmkit.__all__)


def test_nothing_else_looks_public() -> None:
    stray = [name for name, value in vars(grmkit).items() if is_ours(value) and not name.startswith("_")]
    assert set(stray) <= set(grmkit.__all__)


def is_ours(value: object) -> bool:
    return not isinstance(value, types.ModuleType) and str(getattr(value, "__module__", "")).startswith("grmkit")


def test_the_public_list_fits_in_a_head() -> None:
    assert len(set(grmkit.__all__)) == len(grmkit.__all__) <= MAX_PUBLIC_NAMES


def test_annotations_reach_the_users_type_checker() -> None:
    assert Path(grmkit.__file__ or "").with_name("py.typed").exists()
