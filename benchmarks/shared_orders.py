"""Judgments in few shared orders, as grmkit draws them, beside one independent shuffle each, through vLLM.

The same judge and items, as many judgments of each. Counted: the prompt tokens that the server computed and did not
take from its cache, by its own metrics, and wall time with everything in it: prompts, requests, a new ledger, parsing.
The cache is emptied before every turn, which the server allows with `VLLM_SERVER_DEV_MODE=1`.

    python benchmarks/shared_orders.py --vllm-url http://127.0.0.1:8123/v1
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx2
from workload import show, write_result

from grmkit.backends import Sampling
from grmkit.corpora.draw import Judge, draw
from grmkit.corpora.nano_items import nano_examples
from grmkit.training.examples import without_references
from grmkit.types import Example

REQUESTS = 64  # under way at once
SAMPLING = Sampling(0.4, max_tokens=384)
GROUPS = {"two responses": (2, 2), "four or more": (4, 99)}


def examples_of(least: int, most: int, num: int) -> list[Example]:
    found = (one for one in nano_examples(40 * num, seed=5) if least <= len(one.responses) <= most)
    return without_references([next(found) for _ in range(num)])


def turn(url: str, examples: list[Example], draws: Sequence[tuple[Sampling, int]]) -> dict[str, float]:
    """Draw all judgments into a new ledger, from a server that remembers no prompt."""
    root = url.removesuffix("/v1")
    httpx2.post(f"{root}/reset_prefix_cache").raise_for_status()
    before = computed(root)
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(len(draws)) as pool:
        started = time.perf_counter()
        jobs = []
        for place, (sampling, samples) in enumerate(draws):
            ledger = Path(folder) / f"{place}.sqlite"
            judge = Judge(url, "nano", ledger, sampling, concurrency=max(1, REQUESTS // len(draws)))
            jobs.append(pool.submit(_count, judge, examples, samples))
        num = sum(job.result() * samples for job, (_, samples) in zip(jobs, draws, strict=True))
        seconds = time.perf_counter() - started
    return {"judgments": num, "seconds": seconds, "prompt_tokens_computed": computed(root) - before}


def _count(judge: Judge, examples: Sequence[Example], samples: int) -> int:
    return sum(1 for _ in draw(judge, examples, samples))


def computed(root: str) -> float:
    """How many prompt tokens the server has computed so far."""
    lines = httpx2.get(f"{root}/metrics").raise_for_status().text.splitlines()
    found = [
        line for line in lines if line.startswith("vllm:prompt_tokens_by_source_total") and "local_compute" in line
    ]
    if not found:
        raise SystemExit(f"{root}/metrics: tells no vllm:prompt_tokens_by_source_total; expected vLLM 0.32 or newer")
    return sum(float(line.rpartition(" ")[2]) for line in found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vllm-url", required=True)
    parser.add_argument("--items", type=int, default=40, help="of each number of responses")
    parser.add_argument("--samples", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--date", help="of the run; default: today")
    args = parser.parse_args()
    ways = {
        "shared": [(SAMPLING, args.samples)],
        "shuffled": [(replace(SAMPLING, seed=1000 + one), 1) for one in range(args.samples)],
    }
    told, rows = {}, []
    for words, (least, most) in GROUPS.items():
        examples = examples_of(least, most, args.items)
        turn(args.vllm_url, examples[:2], ways["shared"])  # to warm up
        best: dict[str, dict[str, float]] = {}
        for _ in range(args.rounds):
            for name, draws in ways.items():
                found = turn(args.vllm_url, examples, draws)
                if name not in best or found["seconds"] < best[name]["seconds"]:
                    best[name] = found
        ratios = {key: best["shared"][key] / best["shuffled"][key] for key in ("prompt_tokens_computed", "seconds")}
        told[words] = {**best, "ratio": ratios}
        rows += [[f"{words}, {name}", one["prompt_tokens_computed"], one["seconds"]] for name, one in best.items()]
        rows.append([f"{words}, ratio", ratios["prompt_tokens_computed"], ratios["seconds"]])
    show("Shared orders beside shuffles", ["", "prompt tokens computed", "seconds"], rows)
    write_result("shared_orders", {"items": args.items, "samples": args.samples, **told}, args.date)


if __name__ == "__main__":
    main()
