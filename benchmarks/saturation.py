"""How many judgments a second one grmkit process can handle at most, when the judge is faster than it.

The server answers so quickly that the client's CPU is the limit; the ledger is a real file. `slots it can feed` says
how many slots with the latency of `overhead.py` (0.6 s on average) would be kept busy at that rate. A row counts only
if the client took a whole core (`client CPU %` near 100) while the server did not; the last column tells.

    python benchmarks/saturation.py
"""

import argparse
import math
import tempfile
from pathlib import Path
from typing import Any

from slot_server import P99_SCORE
from workload import run_grmkit, show, slot_server, write_pairs, write_result

MEDIAN_S, P99_S = 0.02, 0.08
TYPICAL_S = 0.5 * math.exp((math.log(4) / P99_SCORE) ** 2 / 2)  # the mean of a log-normal with median 0.5 and p99 2
CASES = ((1, 64), (1, 256), (8, 64), (8, 256))


def measure(data: Path, folder: Path, *, per_request: int, slots: int, samples: int) -> dict[str, Any]:
    with slot_server(slots=slots, median_s=MEDIAN_S, p99_s=P99_S) as server:
        took = run_grmkit(
            data, server.judge, folder=folder, samples=samples, concurrency=slots, max_samples=per_request
        )
        seen = server.stats()
    rate = took["judgments"] / seen["wall_s"]
    requests_s = seen["requests"] / seen["wall_s"]
    return {
        "per_request": per_request,
        "slots": slots,
        "requests": seen["requests"],
        "judgments_per_s": rate,
        "requests_per_s": requests_s,
        "offered_requests_per_s": seen["requests"] / seen["ideal_wall_s"],
        "slots_it_can_feed": requests_s * TYPICAL_S,
        "client_cpu_share": took["cpu_s"] / took["client_wall_s"],
        "server_cpu_share": seen["server_cpu_s"] / seen["wall_s"],
        "cpu_ms_per_judgment": 1000 * took["cpu_s"] / took["judgments"],
        "cpu_ms_per_request": 1000 * took["cpu_s"] / seen["requests"],
        "mean_in_flight": seen["mean_in_flight"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="The most judgments a second one grmkit process handles.")
    parser.add_argument("--pairs", type=int, default=1000)
    parser.add_argument("--samples", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=3, help="the fastest is reported, the least disturbed")
    parser.add_argument("--date", help="of the run; default: today")
    args = parser.parse_args()
    found = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = write_pairs(folder / "pairs.jsonl", args.pairs)
        for per_request, slots in CASES:
            runs = [
                measure(data, folder, per_request=per_request, slots=slots, samples=args.samples)
                for _ in range(args.repeats)
            ]
            found.append(max(runs, key=lambda run: run["judgments_per_s"]))
    keys = (
        *("per_request", "slots", "judgments_per_s", "requests_per_s", "offered_requests_per_s", "slots_it_can_feed"),
        *("cpu_ms_per_judgment", "client_cpu_share", "server_cpu_share"),
    )
    titles = ("n", "slots", "judgments/s", "requests/s", "offered/s", "can feed", "CPU ms", "client CPU", "server CPU")
    show(f"{args.pairs:,} pairs x {args.samples} samples", titles, [[run[key] for key in keys] for run in found])
    settings = {"pairs": args.pairs, "samples": args.samples, "median_s": MEDIAN_S, "p99_s": P99_S}
    write_result("saturation", {"settings": settings | {"repeats": args.repeats}, "runs": found}, args.date)


if __name__ == "__main__":
    main()
