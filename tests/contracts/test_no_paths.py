"""The repository speaks of itself alone: nothing in it depends on the machine it was written on."""

import re
from pathlib import Path

# Put together from parts, so that this file does not hold what it looks for.
MACHINE_PATHS = [f"/{top}/" for top in ("work", "root", "home", "Users", "tmp/w")]
REGISTRY_HOSTS = [".".join(parts) for parts in (("pypi", "org/simple"), ("files", "pythonhosted", "org"))]
INDEX_FLAGS = [f"--{flag}" for flag in ("index" + "-url", "extra-index" + "-url", "find" + "-links")]
FORBIDDEN = re.compile(
    "|".join(rf"(?<![\w.~*-]){re.escape(text)}" for text in MACHINE_PATHS + REGISTRY_HOSTS + INDEX_FLAGS)
)
OUTSIDE = re.compile(r"(?<!\w)\.\./" + "shared")
MAY_LOOK_OUTSIDE = {".ci/run"}


def lines_matching(pattern: re.Pattern[str], path: Path) -> list[str]:
    text = path.read_bytes().decode("utf-8", errors="ignore")
    return [f"{path}:{number}" for number, line in enumerate(text.splitlines(), start=1) if pattern.search(line)]


def test_no_machine_paths_and_no_registries(files: list[Path]) -> None:
    found = [line for path in files for line in lines_matching(FORBIDDEN, path)]
    assert not found, "\n".join(found)


def test_nothing_reaches_outside_the_repository(root: Path, files: list[Path]) -> None:
    inside = [path for path in files if path.relative_to(root).as_posix() not in MAY_LOOK_OUTSIDE]
    found = [line for path in inside for line in lines_matching(OUTSIDE, path)]
    assert not found, "\n".join(found)
