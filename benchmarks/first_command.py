"""The README's first command as a newcomer meets it: a fresh environment, the installation, fourteen verdicts.

    python benchmarks/first_command.py

Runs the command as it stands in README.md, in a new virtual environment with an empty ledger, and times the whole and
its two halves. What pip has cached on the machine is used, as it would be anywhere.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from workload import show, write_result

ROOT = Path(__file__).parents[1]
COMMAND = re.compile(r"<!-- ci: command 1 -->\n```bash\n(.*?)\n```", re.DOTALL)
LIMIT_S = 90


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--date", help="of the run; default: today")
    args = parser.parse_args()
    found = COMMAND.search((ROOT / "README.md").read_text(encoding="utf-8"))
    assert found is not None, "README.md has no first command"
    install, score = found[1].split(" && ")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        environment = {**os.environ, "PATH": f"{folder}/bin:{os.environ['PATH']}", "XDG_DATA_HOME": folder}
        environment.pop("PYTHONPATH", None)
        install_s, _ = timed(install, environment)
        score_s, out = timed(score, environment)
        again_s, again = timed(score, environment)
        listed = subprocess.run(
            [f"{folder}/bin/pip", "list", "--format", "json"], check=True, capture_output=True, text=True
        ).stdout
        packages = {package["name"]: package["version"] for package in json.loads(listed)}
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    verdicts = [json.loads(line) for line in out.splitlines()]
    assert out == again, "the second run gave other bytes"
    assert "torch" not in packages
    result = {
        "install_s": install_s,
        "score_s": score_s,
        "score_again_s": again_s,
        "total_s": install_s + score_s,
        "limit_s": LIMIT_S,
        "verdicts": len(verdicts),
        "scored": sum(verdict["scores"] is not None for verdict in verdicts),
        "packages": len(packages),
        "environment_mb": size / 1e6,
        "versions": {name: packages[name] for name in ("ctranslate2", "tokenizers")},
    }
    write_result("first_command", result, args.date)
    rows = [(name, value) for name, value in result.items() if isinstance(value, int | float)]
    show("README, command 1", ("what", "number"), rows)


def timed(command: str, environment: dict[str, str]) -> tuple[float, str]:
    started = time.perf_counter()
    done = subprocess.run(
        ["bash", "-c", command], check=True, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    return time.perf_counter() - started, done.stdout


if __name__ == "__main__":
    main()
