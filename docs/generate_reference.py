"""Writes the reference pages, from a snapshot that the contract tests keep true and from the recipes' own classes; with
--check, only compares them."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from grmkit.config.train import RECIPES

DOCS = Path(__file__).parent
HELP = DOCS.parent / "tests" / "contracts" / "cli_help.txt"
MUST = ("recipe", "model")  # what no recipe runs without, whatever its class has in their place
BOUNDS = {"exclusiveMinimum": "above", "minimum": "at least", "exclusiveMaximum": "below", "maximum": "at most"}
TYPES = {"integer": "whole number", "number": "number", "string": "text", "boolean": "`true` or `false`"}

COMMANDS = """# Command line

Every command and every flag, as `--help` prints them. This page is generated; change the command, then run
`make snapshots`.
"""

KEYS = """# Recipe keys

Every key of the recipes that [`grm train`](../how-to/train.md) reads, recipe by recipe. `learning_rate` of the group
`optim` is `optim.learning_rate` to `--set`. What `spct` decides itself is refused in its stages; the message says what
to do. `grm train recipe.toml --dry-run` prints what yours come to. This page is generated; change the key or its
docstring, then run `make snapshots`.
"""


def command_page(help_text: str) -> str:
    """Turn `$ grm score --help` and what it printed, command after command, into one headed page."""
    parts = re.split(r"^\$ (grm.*) --help\n", help_text, flags=re.MULTILINE)[1:]
    sections = [
        f"\n## `{command}`\n\n```text\n{shown.strip(chr(10))}\n```\n"
        for command, shown in zip(parts[::2], parts[1::2], strict=True)
    ]
    return COMMANDS + "".join(sections)


def key_page() -> str:
    """A section for each recipe, with a table of its own keys and one for each of its groups."""
    return KEYS + "".join(section(name, recipe) for name, recipe in RECIPES.items())


def section(name: str, recipe: type[BaseModel]) -> str:
    groups = {key: group for key, group in groups_of(recipe).items() if type(group) not in RECIPES.values()}
    parts = [f"\n## `{name}`\n\n{recipe.__doc__}\n\n{table(own_rows(recipe))}"]
    for key, group in groups.items():
        told = recipe.model_fields[key].description
        parts.append(f"\n### `[{key}]` of `{name}`\n\n{told}\n\n{table(group_rows(group))}")
    return "".join(parts)


def groups_of(recipe: type[BaseModel]) -> dict[str, BaseModel]:
    """The groups of a recipe's keys, each with the defaults that it has in this recipe."""
    defaults = {key: field.default for key, field in recipe.model_fields.items()}
    return {key: default for key, default in defaults.items() if isinstance(default, BaseModel)}


def own_rows(recipe: type[BaseModel]) -> Iterator[tuple[str, ...]]:
    """Keys at the top; of a stage that is a recipe itself, where its keys are."""
    groups, types = groups_of(recipe), types_of(recipe)
    for key, field in recipe.model_fields.items():
        if key not in groups:
            yield f"`{key}`", types[key], "must be set" if key in MUST else toml(field.default), field.description or ""
        elif type(groups[key]) in RECIPES.values():
            yield f"`[{key}]`", f"the keys of [`{key}`](#{key}); none must be set", "theirs", field.description or ""


def group_rows(group: BaseModel) -> Iterator[tuple[str, ...]]:
    types = types_of(type(group))
    for key, field in type(group).model_fields.items():
        yield f"`{key}`", types[key], toml(getattr(group, key)), field.description or ""


def table(rows: Iterator[tuple[str, ...]]) -> str:
    lines = [("key", "value", "default", "what it is"), ("---",) * 4, *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def types_of(config: type[BaseModel]) -> dict[str, str]:
    return {key: in_words(schema) for key, schema in config.model_json_schema()["properties"].items()}


def in_words(schema: dict[str, Any]) -> str:
    """What may be given for a key: `whole number, above 0`."""
    if "anyOf" in schema:  # a value, or none
        return " or ".join(in_words(one) for one in schema["anyOf"] if one.get("type") != "null")
    if "$ref" in schema:
        return "group"
    if "const" in schema or "enum" in schema:
        return " or ".join(toml(value) for value in schema.get("enum", [schema.get("const")]))
    if schema["type"] == "array":
        return f"list of {in_words(schema['items'])}"
    bounds = [f"{word} {schema[name]:g}" for name, word in BOUNDS.items() if name in schema]
    return ", ".join([TYPES[schema["type"]], " and ".join(bounds)] if bounds else [TYPES[schema["type"]]])


def toml(value: Any) -> str:
    """A value as a recipe has it: `5e-6`."""
    if value is None or value == "":
        return "not set"
    if isinstance(value, float):
        return f"`{str(value).replace('e-0', 'e-')}`"
    return f"`{json.dumps(value)}`"


def main() -> int:
    pages = {"cli.md": command_page(HELP.read_text(encoding="utf-8")), "recipe-keys.md": key_page()}
    stale = 0
    for name, text in pages.items():
        page = DOCS / "reference" / name
        if "--check" not in sys.argv:
            page.write_text(text, encoding="utf-8")
        elif not page.exists() or page.read_text(encoding="utf-8") != text:
            print(f"{page.relative_to(DOCS.parent)} is not what its source says; run `make snapshots`", file=sys.stderr)
            stale = 1
    return stale


if __name__ == "__main__":
    sys.exit(main())
