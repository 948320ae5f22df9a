"""How much memory `grm score` takes for a small and for a large file, and how long the package takes to load.

The real command runs in a process of its own, with the ledger and the verdicts in files, against a slot server that
answers at once. Memory that stays the same from 10,000 to 100,000 examples is memory that does not grow. Load times
are the best of five, beside an interpreter that imports nothing.

    python benchmarks/memory.py
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from workload import Server, run_child, show, slot_server, write_pairs, write_result

GRM = "from grmkit.cli import main; main()"
SCORE = """
import json, resource, sys, time
from grmkit.cli import main
started, code = time.perf_counter(), 0
try:
    main()
except SystemExit as end:
    code = end.code or 0
print(json.dumps({
    "exit_code": code,
    "wall_s": time.perf_counter() - started,
    "cpu_s": time.process_time(),
    "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
}))
"""


def score(server: Server, folder: Path, num_examples: int, samples: int) -> dict[str, Any]:
    data = write_pairs(folder / "pairs.jsonl", num_examples)
    ledger, output = folder / f"ledger-{num_examples}.sqlite", folder / f"verdicts-{num_examples}.jsonl"
    flags = ["--judge", server.judge, "--samples", str(samples), "--ledger", str(ledger), "-o", str(output)]
    took = run_child([sys.executable, "-c", SCORE, "score", str(data), *flags])
    with output.open("rb") as file:
        num_verdicts = sum(1 for _ in file)
    assert (took["exit_code"], num_verdicts) == (0, num_examples), f"{num_verdicts} verdicts, {took}"
    sizes = {"ledger_mb": ledger.stat().st_size / 2**20, "verdicts_mb": output.stat().st_size / 2**20}
    for path in (data, ledger, output):
        path.unlink()
    return {"examples": num_examples, "judgments": num_examples * samples} | took | sizes


def load_times(folder: Path) -> dict[str, float]:
    """Seconds, best of five, with bytecode cached as in an installed package."""
    commands = {"python": ["-c", "pass"], "import grmkit": ["-c", "import grmkit"], "grm --help": ["-c", GRM, "--help"]}
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")
    for arguments in commands.values():
        _time(arguments, environment)
    return {name: min(_time(arguments, environment) for _ in range(5)) for name, arguments in commands.items()}


def _time(arguments: list[str], environment: dict[str, str]) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description="Peak memory of `grm score`, and load times.")
    parser.add_argument("--examples", type=int, default=100_000)
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--date", help="of the run; default: today")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        times = load_times(folder)
        with slot_server(slots=64, median_s=0.001, p99_s=0.004) as server:
            runs = [score(server, folder, num, args.samples) for num in (args.examples // 10, args.examples)]
    columns = ("examples", "peak RSS MB", "wall s", "CPU s", "ledger MB", "verdicts MB")
    keys = ("examples", "peak_rss_mb", "wall_s", "cpu_s", "ledger_mb", "verdicts_mb")
    show(f"grm score, {args.samples} samples", columns, [[run[key] for key in keys] for run in runs])
    show("load, best of 5", ("", "s", "x python"), [(name, s, s / times["python"]) for name, s in times.items()])
    growth = runs[1]["peak_rss_mb"] / runs[0]["peak_rss_mb"]
    result = {"samples": args.samples, "runs": runs, "peak_rss_ratio": growth, "load_s": times}
    write_result("memory", result, args.date)


if __name__ == "__main__":
    main()
