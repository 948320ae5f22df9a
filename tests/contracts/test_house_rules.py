"""The house rules a machine can check. CONTRIBUTING.md says why each is there."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MAX_FUNCTION_LINES = 60
MAX_FILE_LINES = 400
MAX_ARGUMENTS = 7
CODE_SUFFIXES = (".py", ".js", ".css", ".html")
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "core", "misc"}
VAGUE_CLASS_ENDS = ("Manager", "Handler", "Factory")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def refuse(found: list[str], why: str) -> None:
    assert not found, "\n".join([why, *found])


def functions(tree: ast.Module) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def classes(tree: ast.Module) -> Iterator[ast.ClassDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))


def calls(tree: ast.Module, name: str) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call) and names(node.func) == [name])


def names(node: ast.expr | None) -> list[str]:
    """The dotted name of an expression, part by part; empty if it is none. Type arguments do not count."""
    if isinstance(node, ast.Subscript):
        return names(node.value)
    if isinstance(node, ast.Attribute):
        return [*names(node.value), node.attr]
    return [node.id] if isinstance(node, ast.Name) else []


def commands(tree: ast.Module) -> set[str]:
    """The functions whose arguments typer reads from the command line."""
    decorated = {node.name for node in functions(tree) if any(is_registering(item) for item in node.decorator_list)}
    registered = {
        argument.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and is_registering(node.func)
        for argument in node.args
        if isinstance(argument, ast.Name)
    }
    return decorated | registered


def is_registering(node: ast.expr) -> bool:
    """Whether it is `app.command(...)`, as a decorator or called with a function."""
    return isinstance(node, ast.Call) and names(node.func)[-1:] in (["command"], ["callback"])


def num_arguments(function: Function) -> int:
    arguments = function.args
    positional = [argument.arg for argument in arguments.posonlyargs + arguments.args]
    own = [name for name in positional if name not in ("self", "cls")]
    return len(own) + len(arguments.kwonlyargs)


def test_functions_are_short(sources: list[Any]) -> None:
    found = [
        f"{source.name}:{function.lineno} {function.name} has {lines} lines"
        for source in sources
        for function in functions(source.tree)
        if (lines := (function.end_lineno or 0) - function.lineno + 1) > MAX_FUNCTION_LINES
    ]
    refuse(found, f"past {MAX_FUNCTION_LINES} lines: split where the comment would go")


def test_files_are_short(root: Path, files: list[Path]) -> None:
    found = [
        f"{path.relative_to(root)} has {lines} lines"
        for path in files
        if path.suffix in CODE_SUFFIXES
        and (lines := len(path.read_text(encoding="utf-8").splitlines())) > MAX_FILE_LINES
    ]
    refuse(found, f"past {MAX_FILE_LINES} lines: one noun, one file")


def test_functions_take_few_arguments(sources: list[Any]) -> None:
    typed_in = {name for source in sources if source.room == "cli" for name in commands(source.tree)}
    found = [
        f"{source.name}:{function.lineno} {function.name} takes {num_arguments(function)} arguments"
        for source in sources
        for function in functions(source.tree)
        if num_arguments(function) > MAX_ARGUMENTS and not (source.room == "cli" and function.name in typed_in)
    ]
    refuse(found, f"more than {MAX_ARGUMENTS} arguments: what travels together is a value")


def test_nothing_has_a_name_that_could_hold_anything(root: Path, files: list[Path]) -> None:
    package = root / "src"
    parts = {part for path in files if package in path.parents for part in path.relative_to(root).parts}
    found = sorted(part for part in parts if VAGUE_NAMES & set(part.split(".")[0].split("_")))
    refuse(found, "name the file after the noun in it")


def test_classes_are_nouns(sources: list[Any]) -> None:
    found = [
        f"{source.name}:{node.lineno} {node.name}"
        for source in sources
        for node in classes(source.tree)
        if node.name.lstrip("_").startswith("Base") or node.name.endswith(VAGUE_CLASS_ENDS)
    ]
    refuse(found, "say what it is, not what pattern it follows")


def test_classes_are_abstract_or_final(sources: list[Any]) -> None:
    ours = {node.name: node for source in sources for node in classes(source.tree) if source.name != "errors.py"}
    protocols = {name for name, node in ours.items() if ["Protocol"] in [names(base)[-1:] for base in node.bases]}
    found = [
        f"{source.name}:{node.lineno} {node.name} extends {name}"
        for source in sources
        for node in classes(source.tree)
        for base in node.bases
        for name in names(base)[-1:]
        if name in ours.keys() - protocols
    ]
    refuse(found, "extend a Protocol or nothing; to vary behaviour, pass a function")


def test_nobody_asks_hasattr(sources: list[Any]) -> None:
    found = [f"{source.name}:{call.lineno}" for source in sources for call in calls(source.tree, "hasattr")]
    refuse(found, "a Protocol says what is there")


def test_no_broad_except(sources: list[Any]) -> None:
    found = [
        f"{source.name}:{node.lineno}"
        for source in sources
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ExceptHandler) and catches_everything(node.type) and not raises_again(node)
    ]
    refuse(found, "name the errors you can do something about")


def catches_everything(caught: ast.expr | None) -> bool:
    options = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(option is None or names(option)[-1:] in (["Exception"], ["BaseException"]) for option in options)


def raises_again(handler: ast.ExceptHandler) -> bool:
    """Whether it only cleans up: nothing is swallowed."""
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def test_only_the_command_line_prints(sources: list[Any]) -> None:
    found = [
        f"{source.name}:{call.lineno}"
        for source in sources
        if source.room != "cli"
        for call in calls(source.tree, "print")
    ]
    refuse(found, "library code logs")


def test_no_room_is_empty(root: Path, sources: list[Any]) -> None:
    package = root / "src" / "grmkit"
    rooms = {path.name for path in package.iterdir() if path.is_dir() and path.name != "__pycache__"}
    filled = {source.room for source in sources if source.name.count("/") and not is_bare(source)}
    refuse(sorted(rooms - filled), "a room is made when it has something to hold")


def is_bare(source: Any) -> bool:
    return source.name.endswith("__init__.py") and not any(isinstance(node, Function) for node in source.tree.body)


def test_every_room_says_what_it_is(sources: list[Any]) -> None:
    found = [
        source.name
        for source in sources
        if source.name.endswith("/__init__.py") and source.name.count("/") == 1
        if not all(word in (ast.get_docstring(source.tree) or "") for word in ("In:", "Out:", "Never:"))
    ]
    refuse(found, "a room's docstring says what comes in, what goes out and what it never does")


def test_every_prompt_has_its_parser_beside_it(root: Path) -> None:
    prompts = sorted((root / "src" / "grmkit" / "templates").rglob("*.txt"))
    found = [
        path.name
        for path in prompts
        if not any(
            path.stem == parser.stem or path.stem.startswith(parser.stem + "_") for parser in path.parent.glob("*.py")
        )
    ]
    refuse(found, "render and parse are inverses: pairwise.txt or pairwise_*.txt lies beside pairwise.py")
