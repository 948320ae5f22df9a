"""What the pages point at is there: links, files named for a paper, CI's two commands, and the generated reference."""

import re
import subprocess
import sys
from pathlib import Path

LINK = re.compile(r"\]\((?!\w+:|#)(?P<target>[^)#\s]+)[^)]*\)")
CODE_FILE = re.compile(r"`(?P<path>[\w/]+\.py)`")


def test_links_lead_somewhere(root: Path, pages: list[Path]) -> None:
    pages = [*pages, root / "CONTRIBUTING.md", root / "CHANGELOG.md"]
    targets = [(page, found["target"]) for page in pages for found in LINK.finditer(page.read_text(encoding="utf-8"))]
    broken = [
        f"{page.relative_to(root)} -> {target}" for page, target in targets if not (page.parent / target).exists()
    ]
    assert not broken


def test_papers_name_files_that_exist(root: Path) -> None:
    rows = [
        line for line in (root / "docs" / "papers.md").read_text(encoding="utf-8").splitlines() if "planned" not in line
    ]
    paths = [found["path"] for row in rows for found in CODE_FILE.finditer(row)]
    assert not [path for path in paths if not (root / "src" / "grmkit" / path).exists()]


def test_the_readme_has_the_two_commands_that_ci_runs(root: Path) -> None:
    readme = (root / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"<!-- ci: command (\d) -->\n```bash\n", readme) == ["1", "2"]


def test_the_reference_is_generated(root: Path) -> None:
    command = [sys.executable, "docs/generate_reference.py", "--check"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
