"""What a client adds to a judge's own time: how busy it keeps 64 slots, and what CPU a judgment costs it.

Two clients judge the same pairs, 8 samples each, against the same latencies, one after the other in one run. grmkit
asks for the samples of one order in one request; py-openjudge asks for each by itself, so grmkit runs a second time
with one sample per request, and the ratios that count are those of equal requests. (A request takes as long here
whatever its `n`: that fewer requests take less time is built in, not found.) grmkit keeps every judgment in a ledger
file meanwhile; the peer has no such thing. The end of a run is never busy, for any client: `ideal` is what a client
would reach that always has the next request waiting.

    python benchmarks/overhead.py --peer-python PEER/bin/python    # a Python with py-openjudge in it
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workload import HERE, Server, run_child, run_grmkit, show, slot_server, write_pairs, write_result

Runs = dict[str, dict[str, Any]]
Client = Callable[[Server], dict[str, Any]]


def measure(client: Client, num_slots: int, seed: int) -> dict[str, Any]:
    """One client against a fresh server: what the client says of itself and what the server saw."""
    with slot_server(slots=num_slots, seed=seed) as server:
        took = client(server)
        seen = server.stats()
    assert took["unreadable"] == 0, f"the client could not read {took['unreadable']} judgments"
    return took | {
        "requests": seen["requests"],
        "wall_s": seen["wall_s"],
        "ideal_wall_s": seen["ideal_wall_s"],
        "utilisation": seen["utilisation"],
        "utilisation_while_loaded": seen["utilisation_while_loaded"],
        "ideal_utilisation": seen["ideal_utilisation"],
        "share_of_ideal": seen["ideal_wall_s"] / seen["wall_s"],
        "cpu_ms_per_judgment": 1000 * took["cpu_s"] / took["judgments"],
        "cpu_ms_per_judgment_with_startup": 1000 * (took["cpu_s"] + took["startup_cpu_s"]) / took["judgments"],
    }


def clients_of(args: argparse.Namespace, folder: Path) -> dict[str, Client]:
    """What to call with a server, by the client's name."""
    data = write_pairs(folder / "pairs.jsonl", args.pairs, seed=args.seed)
    flags = {"samples": args.samples, "concurrency": args.slots}

    def grmkit(server: Server, **more: int) -> dict[str, Any]:
        return run_grmkit(data, server.judge, folder=folder, **flags, **more)

    def openjudge(server: Server) -> dict[str, Any]:
        given = [part for name, value in flags.items() for part in (f"--{name}", str(value))]
        script = str(HERE / "client_openjudge.py")
        return run_child([args.peer_python, script, str(data), server.judge, str(folder / "peer.jsonl"), *given])

    clients: dict[str, Client] = {"grmkit": grmkit, "grmkit, n=1": lambda server: grmkit(server, max_samples=1)}
    return clients | ({"py-openjudge": openjudge} if args.peer_python else {})


def run_all(args: argparse.Namespace, folder: Path) -> Runs:
    """The round in which each client took the least CPU, which is the least disturbed; every other round backwards."""
    clients = clients_of(args, folder)
    tried: dict[str, list[dict[str, Any]]] = {name: [] for name in clients}
    for number in range(args.rounds):
        for name in list(clients)[:: -1 if number % 2 else 1]:
            tried[name].append(measure(clients[name], args.slots, args.seed))
    return {
        name: min(found, key=lambda run: run["cpu_s"])
        | {"cpu_ms_per_judgment_by_round": [run["cpu_ms_per_judgment"] for run in found]}
        for name, found in tried.items()
    }


def ratios(runs: Runs) -> dict[str, float]:
    """Ours over the peer's; below 1 is better for us, utilisation excepted."""
    if "py-openjudge" not in runs:
        return {}
    peer, even, ours = runs["py-openjudge"], runs["grmkit, n=1"], runs["grmkit"]
    return {
        "cpu_per_judgment_equal_requests": even["cpu_s"] / peer["cpu_s"],
        "wall_equal_requests": even["wall_s"] / peer["wall_s"],
        "utilisation_equal_requests": even["utilisation"] / peer["utilisation"],
        "peak_rss_equal_requests": even["peak_rss_mb"] / peer["peak_rss_mb"],
        "cpu_per_judgment": ours["cpu_s"] / peer["cpu_s"],
        "wall": ours["wall_s"] / peer["wall_s"],
        "requests": ours["requests"] / peer["requests"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Slots kept busy and CPU per judgment, beside py-openjudge.")
    parser.add_argument("--pairs", type=int, default=2000)
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--slots", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--peer-python", help="a Python that has py-openjudge; left out: grmkit alone")
    parser.add_argument("--date", help="of the run; default: today")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runs = run_all(args, Path(folder))
    columns = ("client", "requests", "wall s", "ideal s", "busy %", "ideal %", "loaded %", "CPU ms/judgment", "RSS MB")
    rows = [
        (
            *(name, run["requests"], run["wall_s"], run["ideal_wall_s"]),
            *(100 * run[key] for key in ("utilisation", "ideal_utilisation", "utilisation_while_loaded")),
            *(run["cpu_ms_per_judgment"], run["peak_rss_mb"]),
        )
        for name, run in runs.items()
    ]
    show(f"{args.pairs:,} pairs x {args.samples} samples, {args.slots} slots", columns, rows)
    found = ratios(runs)
    show("grmkit / py-openjudge", ("ratio", ""), list(found.items()))
    settings = {"pairs": args.pairs, "samples": args.samples, "slots": args.slots}
    settings |= {"rounds": args.rounds, "seed": args.seed}
    versions = runs.get("py-openjudge", {}).pop("versions", {})
    write_result("overhead", {"settings": settings, "runs": runs, "ratios": found, "versions": versions}, args.date)


if __name__ == "__main__":
    main()
