"""The judge that ships in three engines: the same greedy scores in vLLM, transformers and ctranslate2.

    python experiments/nano_engines.py --url http://127.0.0.1:8123/v1

The server serves `src/grmkit/nano/judge` (docs/how-to/run-against-vllm.md has the command). 200 test items are judged
greedily by each engine; then `grm score` asks the server for eight samples of each, and the server's own counters
tell what its prefix cache spared. Needs torch, transformers and ctranslate2.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from grmkit import Example, Verdict
from grmkit.backends import Sampling
from grmkit.nano import JUDGE
from grmkit.nano.world import items
from grmkit.scoring import load
from grmkit.scoring.load import NANO_TEMPERATURE

RESULT = Path(__file__).parents[1] / "docs" / "results" / "nano-engines.json"
SAMPLES = 8
MAX_TOKENS = 384
COUNTERS = ("prefix_cache_queries_total", "prefix_cache_hits_total", "request_success_total", "generation_tokens_total")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:8123/v1")
    parser.add_argument("--items", type=int, default=200)
    parser.add_argument("--output", type=Path, default=RESULT)
    args = parser.parse_args()
    examples = [replace(item.example, reference=None) for item in items("test", args.items)]
    engines = {"ctranslate2": f"ctranslate2:{JUDGE}", "transformers": f"transformers:{JUDGE}", "vllm": args.url}
    greedy = {name: judge_greedily(name, judge, examples) for name, judge in engines.items()}
    found = {
        "date": datetime.now(UTC).date().isoformat(),
        "vllm": ask(args.url, "/version")["version"],
        "items": len(examples),
        "greedy": {
            "readable": {name: sum(v.scores is not None for v in verdicts) for name, verdicts in greedy.items()},
            "ids_whose_scores_differ": differences(greedy, "ctranslate2"),
        },
        "sampled": sample_through_cli(args.url, examples),
    }
    text = json.dumps(found, indent=1)
    print(text)
    assert all(len(ids) < 0.01 * len(examples) for ids in found["greedy"]["ids_whose_scores_differ"].values())
    args.output.write_text(text + "\n", encoding="utf-8")


def judge_greedily(name: str, judge: str, examples: list[Example]) -> list[Verdict]:
    started = time.monotonic()
    loaded = load(judge, template="nano", ledger=None, sampling=Sampling(0.0, max_tokens=MAX_TOKENS))
    verdicts = loaded.score_all(examples, samples=1)
    loaded.close()
    print(f"{name}: {time.monotonic() - started:.0f} s", file=sys.stderr)
    return verdicts


def differences(greedy: dict[str, list[Verdict]], base: str) -> dict[str, list[str]]:
    """Per other engine, the items it scores otherwise; an unreadable judgment equals only an unreadable one."""
    return {
        f"{name} and {base}": [
            ours.id for ours, theirs in zip(greedy[base], verdicts, strict=True) if ours.scores != theirs.scores
        ]
        for name, verdicts in greedy.items()
        if name != base
    }


def sample_through_cli(url: str, examples: list[Example]) -> dict[str, Any]:
    """`grm score` in a process of its own, eight samples each, and what the server counted meanwhile."""
    with tempfile.TemporaryDirectory() as folder:
        data, out = Path(folder) / "items.jsonl", Path(folder) / "verdicts.jsonl"
        rows = ({"id": e.id, "query": e.query, "responses": e.responses} for e in examples)
        data.write_text("".join(json.dumps(row) + "\n" for row in rows))
        flags = [
            "--template",
            "nano",
            "--temperature",
            NANO_TEMPERATURE,
            "--samples",
            SAMPLES,
            "--max-tokens",
            MAX_TOKENS,
        ]
        command = ["score", data, "--judge", url, *flags, "--ledger", Path(folder) / "ledger.sqlite", "-o", out]
        code = "from grmkit.cli import main; main()"
        before, started = counters(url), time.monotonic()
        done = subprocess.run(
            [sys.executable, "-c", code, *map(str, command)], check=True, capture_output=True, text=True
        )
        seconds, after = time.monotonic() - started, counters(url)
        verdicts = [json.loads(line) for line in out.read_text().splitlines()]
    judgments = [judgment for verdict in verdicts for judgment in verdict["judgments"]]
    counted = {name: after[name] - before[name] for name in COUNTERS}
    return {
        "samples": SAMPLES,
        "scored": sum(verdict["scores"] is not None for verdict in verdicts),
        "judgments": len(judgments),
        "unparsed": Counter(str(judgment["unparsed_reason"]) for judgment in judgments if judgment["unparsed_reason"]),
        "seconds": round(seconds, 1),
        "server": counted,
        "prompt_tokens_from_prefix_cache": round(
            counted["prefix_cache_hits_total"] / counted["prefix_cache_queries_total"], 4
        ),
        "said": done.stderr.splitlines(),
    }


def counters(url: str) -> dict[str, float]:
    with urllib.request.urlopen(url.removesuffix("/v1") + "/metrics") as answer:
        text = answer.read().decode()
    return {
        name: sum(float(value) for value in re.findall(rf"^vllm:{name}{{[^}}]*}} (\S+)$", text, re.MULTILINE))
        for name in COUNTERS
    }


def ask(url: str, path: str) -> dict[str, Any]:
    with urllib.request.urlopen(url.removesuffix("/v1") + path) as answer:
        return json.loads(answer.read())


if __name__ == "__main__":
    main()
