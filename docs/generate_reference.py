"""Writes the reference pages from snapshots that the contract tests keep true; with --check, only compares them."""

import re
import sys
from pathlib import Path

DOCS = Path(__file__).parent
HELP = DOCS.parent / "tests" / "contracts" / "cli_help.txt"

INTRODUCTION = """# Command line

Every command and every flag, as `--help` prints them. This page is generated; change the command, then run
`make snapshots`.
"""


def command_page(help_text: str) -> str:
    """Turn `$ grm score --help` and what it printed, command after command, into one headed page."""
    parts = re.split(r"^\$ (grm.*) --help\n", help_text, flags=re.MULTILINE)[1:]
    sections = [
        f"\n## `{command}`\n\n```text\n{shown.strip(chr(10))}\n```\n"
        for command, shown in zip(parts[::2], parts[1::2], strict=True)
    ]
    return INTRODUCTION + "".join(sections)


def main() -> int:
    page, text = DOCS / "reference" / "cli.md", command_page(HELP.read_text(encoding="utf-8"))
    if "--check" not in sys.argv:
        page.write_text(text, encoding="utf-8")
    elif not page.exists() or page.read_text(encoding="utf-8") != text:
        print(f"{page.relative_to(DOCS.parent)} is not what its source says; run `make snapshots`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
