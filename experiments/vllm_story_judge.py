"""A real vLLM, real pairs, and a judge that cannot judge: every item must end in a typed abstention.

    GRMKIT_DATA=... python experiments/vllm_story_judge.py --url http://127.0.0.1:8123/v1

The server serves the checkpoint that make_story_judge.py makes (docs/how-to/run-against-vllm.md has the commands).
`grm score` runs twice over all LLMBar pairs, eight samples each; the second run must send nothing. The result holds
numbers only.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from grmkit import Ledger

RESULT = Path(__file__).parents[1] / "docs" / "results" / "vllm-story-judge.json"
SAMPLES = 8
COUNTERS = ("prefix_cache_queries_total", "prefix_cache_hits_total", "request_success_total", "generation_tokens_total")


def score(data: Path, url: str, folder: Path) -> str:
    """One `grm score` in a process of its own; what it said."""
    args = [data, "--map", "query=input", "--map", "responses=output_1,output_2", "--judge", url]
    flags = ["--samples", SAMPLES, "--max-tokens", 128, "--ledger", folder / "ledger.sqlite"]
    code = "from grmkit.cli import main; main()"
    command = [sys.executable, "-c", code, "score", *args, *flags, "-o", folder / "verdicts.jsonl"]
    return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True).stderr


def metrics(url: str) -> dict[str, float]:
    """The server's own counters."""
    with urllib.request.urlopen(url.removesuffix("/v1") + "/metrics") as answer:
        text = answer.read().decode()
    return {
        name: sum(float(value) for value in re.findall(rf"^vllm:{name}{{[^}}]*}} (\S+)$", text, re.MULTILINE))
        for name in COUNTERS
    }


def version(url: str) -> str:
    with urllib.request.urlopen(url.removesuffix("/v1") + "/version") as answer:
        return json.loads(answer.read())["version"]


def run(data: Path, url: str, folder: Path) -> dict[str, Any]:
    before, start = metrics(url), time.monotonic()
    said = score(data, url, folder)
    seconds, after = time.monotonic() - start, metrics(url)
    first = (folder / "verdicts.jsonl").read_bytes()
    said_again = score(data, url, folder)
    verdicts = [json.loads(line) for line in first.splitlines()]
    with Ledger(folder / "ledger.sqlite") as ledger:
        texts = {row[0] for row in ledger.select("SELECT t.text FROM judgments j JOIN texts t ON t.id = j.text")}
        num_kept = ledger.select("SELECT count(*) FROM judgments")[0][0]
    judgments = [judgment for verdict in verdicts for judgment in verdict["judgments"]]
    return {
        "vllm": version(url),
        "date": datetime.now(UTC).date().isoformat(),
        "items": len(verdicts),
        "samples": SAMPLES,
        "scored": sum(verdict["scores"] is not None for verdict in verdicts),
        "abstained": Counter(verdict["abstained"]["reason"] for verdict in verdicts if verdict["abstained"]),
        "judgments": len(judgments),
        "unparsed": Counter(str(judgment["unparsed_reason"]) for judgment in judgments),
        "judgments_in_ledger": num_kept,
        "texts_missing_from_ledger": sum(judgment["text"] not in texts for judgment in judgments),
        "second_run_is_identical": (folder / "verdicts.jsonl").read_bytes() == first,
        "requests_of_second_run": metrics(url)["request_success_total"] - after["request_success_total"],
        "seconds": round(seconds, 1),
        "server": {name: after[name] - before[name] for name in COUNTERS},
        "prompt_tokens_from_prefix_cache": round(
            (after["prefix_cache_hits_total"] - before["prefix_cache_hits_total"])
            / (after["prefix_cache_queries_total"] - before["prefix_cache_queries_total"]),
            4,
        ),
        "said": said.splitlines(),
        "said_again": said_again.splitlines(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:8123/v1")
    parser.add_argument("--output", type=Path, default=RESULT)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = run(Path(os.environ["GRMKIT_DATA"]) / "llmbar_items.jsonl.gz", args.url, Path(folder))
    text = json.dumps(found, indent=1)
    print(text)
    assert found["scored"] == 0, "a story became a score"
    assert found["requests_of_second_run"] == 0, "something was paid for twice"
    assert found["second_run_is_identical"]
    assert found["texts_missing_from_ledger"] == 0
    args.output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
