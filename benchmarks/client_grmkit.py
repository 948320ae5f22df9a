"""One process that scores a file of pairs with grmkit, start to end, and says what that took: one line of JSON.

Everything a run does is in here: reading the examples, rendering, HTTP, the ledger file, parsing, voting, writing
the verdicts. What imports cost is told apart, as `startup_cpu_s`.
"""

import argparse
import asyncio
import json
import resource
import sys
import time
from typing import BinaryIO

import orjson

from grmkit import HttpSettings, load, read_examples


async def score(args: argparse.Namespace, output: BinaryIO) -> dict[str, int]:
    settings = HttpSettings(concurrency=args.concurrency, max_samples=args.max_samples)
    judge = load(args.judge, ledger=args.ledger, http=settings)
    num_judgments = num_unreadable = num_verdicts = 0
    try:
        async for verdict in judge.ascore_each(read_examples(args.data), samples=args.samples):
            output.write(orjson.dumps(verdict.to_json(), option=orjson.OPT_APPEND_NEWLINE))
            num_verdicts += verdict.scores is not None
            num_judgments += verdict.samples
            num_unreadable += verdict.unparsed
    finally:
        await judge.aclose()
    return {
        "verdicts": num_verdicts,
        "judgments": num_judgments,
        "unreadable": num_unreadable,
        "requests": judge.tallies.requests,
    }


def main() -> None:
    startup_cpu_s, started_s = time.process_time(), time.perf_counter()
    parser = argparse.ArgumentParser(description="Score pairs with grmkit; print what it took as JSON.")
    for name in ("data", "judge", "ledger", "output"):
        parser.add_argument(name)
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--max-samples", type=int, default=64, help="the most samples in one request")
    args = parser.parse_args()
    with open(args.output, "wb") as output:
        counts = asyncio.run(score(args, output))
    took = {
        "client_wall_s": time.perf_counter() - started_s,
        "cpu_s": time.process_time() - startup_cpu_s,
        "startup_cpu_s": startup_cpu_s,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    sys.stdout.write(json.dumps(counts | took) + "\n")


if __name__ == "__main__":
    main()
