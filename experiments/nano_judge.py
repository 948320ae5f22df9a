"""How good the judge that ships is: one sample, votes and greedy on the 6,000 test items and the generalisation split.

    python experiments/nano_judge.py --out docs/results --ledger nano.sqlite

The temperature is chosen on validation for Voting@8; everything else is measured once. Judgments go into the ledger,
so the command can be stopped and run again. Writes `nano-judge.json`; `docs/results/nano-judge.md` explains it.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from grmkit import Example, Verdict
from grmkit.backends import Sampling
from grmkit.nano.world import TEST_SIZE, items
from grmkit.scoring import load
from grmkit.scoring.load import NANO

TEMPERATURES = (0.4, 0.6, 0.8, 1.0)
SAMPLES = 8
MIDDLE = 5.5  # a single response is judged rightly on the side of the scale its gold score is on
NUM_RESAMPLES = 10_000
WORKERS = 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("docs/results"))
    parser.add_argument("--judge", default=NANO)
    parser.add_argument("--ledger", type=Path, default=Path("nano.sqlite"))
    parser.add_argument("--num-validation", type=int, default=800)
    parser.add_argument("--num-test", type=int, default=TEST_SIZE)
    parser.add_argument("--num-generalisation", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--worker", nargs=6, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        work(args, *args.worker)
        return
    report = measure(args)
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "nano-judge.json").write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))


def measure(args: argparse.Namespace) -> dict[str, Any]:
    sizes = {"test": args.num_test, "generalisation": args.num_generalisation}
    chosen, by_temperature = choose_temperature(args)
    report: dict[str, Any] = {
        "validation": {"items": args.num_validation, "voting@8": by_temperature},
        "temperature": chosen,
        "seed": args.seed,
    }
    for split, num in sizes.items():
        examples = examples_of(split, num)
        sampled = judge_all(args, split, num, temperature=chosen, samples=SAMPLES)
        greedy = judge_all(args, split, num, temperature=0.0, samples=1)
        both = judge_all(args, split, num, temperature=0.0, samples=2)
        report[split] = describe(examples, sampled, greedy, both, args.seed)
    return report


def choose_temperature(args: argparse.Namespace) -> tuple[float, dict[str, float]]:
    """The temperature with the best Voting@8 on validation, and what each reached."""
    num = args.num_validation
    examples = examples_of("validation", num)
    reached = {}
    for temperature in TEMPERATURES:
        verdicts = judge_all(args, "validation", num, temperature=temperature, samples=SAMPLES)
        reached[str(temperature)] = round(float(voted(examples, verdicts, SAMPLES).mean()), 4)
    return float(max(reached, key=lambda key: reached[key])), reached


def examples_of(split: str, num: int) -> list[Example]:
    """The items as a judge sees them: the reference is kept back."""
    return [replace(item.example, reference=None) for item in items(split, num)]


def judge_all(args: argparse.Namespace, split: str, num: int, *, temperature: float, samples: int) -> list[Verdict]:
    """All verdicts of a split; the judgments are drawn by two processes into one ledger, then read from it."""
    started = time.monotonic()
    command = [sys.executable, __file__, "--judge", args.judge, "--ledger", str(args.ledger), "--seed", str(args.seed)]
    workers = [
        subprocess.Popen(
            [*command, "--worker", split, str(num), str(temperature), str(samples), str(part), str(WORKERS)],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        for part in range(WORKERS)
    ]
    codes = [worker.wait() for worker in workers]
    if any(codes):
        raise SystemExit(f"a worker failed on {split}; what it kept is in {args.ledger}: run the command again")
    judge = load_judge(args, temperature)
    verdicts = judge.score_all(examples_of(split, num), samples=samples)
    took = time.monotonic() - started
    print(f"{split} T={temperature} x{samples}: {num} items, {took:.0f} s", file=sys.stderr, flush=True)
    judge.close()
    return verdicts


def work(args: argparse.Namespace, split: str, num: str, temperature: str, samples: str, part: str, parts: str) -> None:
    """Judge every `parts`-th example of a split."""
    judge = load_judge(args, float(temperature))
    judge.score_all(islice(examples_of(split, int(num)), int(part), None, int(parts)), samples=int(samples))
    judge.close()


def load_judge(args: argparse.Namespace, temperature: float) -> Any:
    sampling = Sampling(temperature, max_tokens=512, seed=args.seed)
    judge = load(args.judge, template=NANO, ledger=args.ledger, sampling=sampling)
    judge.refuse = None  # held-out words are unknown words
    return judge


def is_right(example: Example, totals: tuple[float, ...] | None, num: int) -> bool:
    """Whether the strictly highest total is the gold best; of a single response, whether it is on the right side."""
    gold = example.label
    assert isinstance(gold, tuple)
    if totals is None:
        return False
    if len(gold) == 1:
        return (totals[0] / num > MIDDLE) == (gold[0] > MIDDLE) and totals[0] / num != MIDDLE
    best = max(totals)
    return totals.count(best) == 1 and totals.index(best) == example.best


def voted(examples: list[Example], verdicts: list[Verdict], k: int, *, start: int = 0) -> np.ndarray:
    """Per item, whether the vote of judgments `start .. start + k - 1` is right; unreadable ones do not vote."""
    right = []
    for example, verdict in zip(examples, verdicts, strict=True):
        rows = [j.scores for j in verdict.judgments[start : start + k] if j.scores is not None]
        totals = tuple(map(sum, zip(*rows, strict=True))) if rows else None
        right.append(is_right(example, totals, len(rows)))
    return np.array(right, float)


def describe(
    examples: list[Example], sampled: list[Verdict], greedy: list[Verdict], both: list[Verdict], seed: int
) -> dict[str, Any]:
    """Everything that is told of one split."""
    singles = np.array([voted(examples, sampled, 1, start=start) for start in range(SAMPLES)])
    votes = {k: voted(examples, sampled, k) for k in (1, 2, 4, 8)}
    by_greedy = voted(examples, greedy, 1)
    rng = np.random.default_rng(seed)
    is_list = np.array([len(example.responses) > 1 for example in examples])
    judgments = [judgment for verdict in sampled for judgment in verdict.judgments]
    return {
        "items": len(examples),
        "one_sample": interval(votes[1], rng),
        "one_sample_mean_of_8": round(float(singles.mean()), 4),
        **{f"voting@{k}": interval(right, rng) for k, right in votes.items() if k > 1},
        "greedy": interval(by_greedy, rng),
        "longest_wins": round(float(longest_wins(examples)), 4),
        "voting@8_minus_one_sample": paired(votes[8], votes[1], rng),
        "voting@8_minus_one_sample_mean_of_8": paired(votes[8], singles.mean(axis=0), rng),
        "voting@8_minus_greedy": paired(votes[8], by_greedy, rng),
        "two_or_more_responses": {
            "items": int(is_list.sum()),
            "one_sample": round(float(votes[1][is_list].mean()), 4),
            "voting@8": round(float(votes[8][is_list].mean()), 4),
            "greedy": round(float(by_greedy[is_list].mean()), 4),
        },
        "by_domain": by_group([str(example.meta["domain"]) for example in examples], votes[1], votes[8], by_greedy),
        "by_responses": by_group([str(len(example.responses)) for example in examples], votes[1], votes[8], by_greedy),
        "by_shift": by_group([str(example.meta["shift"]) for example in examples], votes[1], votes[8], by_greedy),
        "position_consistency": {"greedy": consistency(both), "one_sample": consistency(sampled)},
        "ties": {
            "one_sample": tie_rate(judgments),
            "greedy": tie_rate([judgment for verdict in greedy for judgment in verdict.judgments]),
            "voting@8": round(
                float(np.mean([v.is_tie for v, is_many in zip(sampled, is_list, strict=True) if is_many])), 4
            ),
        },
        "unparsed": {
            "judgments": len(judgments),
            "sampled": Counter(str(j.unparsed_reason) for j in judgments if not j.is_parsed),
            "greedy": sum(not j.is_parsed for verdict in greedy for j in verdict.judgments),
        },
        "greedy_in_two_orders": interval(by_both := voted(examples, both, 2), rng),
        "voting@8_minus_greedy_in_two_orders": paired(votes[8], by_both, rng),
    }


def interval(right: np.ndarray, rng: np.random.Generator) -> dict[str, float | list[float]]:
    """Accuracy with its 95 % bootstrap interval over items."""
    means = rng.binomial(len(right), right.mean(), NUM_RESAMPLES) / len(right)  # the bootstrap of 0 and 1
    return {
        "accuracy": round(float(right.mean()), 4),
        "ci95": [round(float(q), 4) for q in np.quantile(means, [0.025, 0.975])],
    }


def paired(ours: np.ndarray, theirs: np.ndarray, rng: np.random.Generator) -> dict[str, Any]:
    """The difference on the same items: 95 % interval, and the one-sided bootstrap p that it is not above 0."""
    gaps = ours - theirs
    means = np.array([rng.choice(gaps, len(gaps)).mean() for _ in range(NUM_RESAMPLES)])
    p = (1 + int((means <= 0).sum())) / (1 + NUM_RESAMPLES)
    low, high = np.quantile(means, [0.025, 0.975])
    return {"difference": round(float(gaps.mean()), 4), "ci95": [round(float(low), 4), round(float(high), 4)], "p": p}


def by_group(names: list[str], one: np.ndarray, eight: np.ndarray, greedy: np.ndarray) -> dict[str, dict[str, float]]:
    groups = {}
    for name in sorted(set(names)):
        mask = np.array([other == name for other in names])
        accuracies = {"one_sample": one, "voting@8": eight, "greedy": greedy}
        groups[name] = {"items": int(mask.sum())} | {
            key: round(float(right[mask].mean()), 4) for key, right in accuracies.items()
        }
    return groups


def consistency(verdicts: list[Verdict]) -> dict[str, float]:
    """Of the pairs, how often the first judgments of the two orders name the same winner, and how often both tie."""
    signs = []
    for verdict in verdicts:
        first = {judgment.order: judgment.scores for judgment in reversed(verdict.judgments)}
        if len(first) == 2 and all(len(order) == 2 for order in first):
            signs.append([None if scores is None else np.sign(scores[0] - scores[1]) for scores in first.values()])
    same_winner = [one == other and one not in (None, 0) for one, other in signs]
    both_tie = [one == other == 0 for one, other in signs]
    return {"same_winner": round(float(np.mean(same_winner)), 4), "both_tie": round(float(np.mean(both_tie)), 4)}


def tie_rate(judgments: list[Any]) -> float:
    """Of the readable judgments of two or more responses, how many have no single best."""
    rows = [j.scores for j in judgments if j.scores is not None and len(j.scores) > 1]
    return round(float(np.mean([row.count(max(row)) > 1 for row in rows])), 4)


def longest_wins(examples: list[Example]) -> float:
    """The accuracy of taking the response with the most characters, over items with two or more."""
    lists = [example for example in examples if len(example.responses) > 1]
    return float(np.mean([is_right(example, tuple(map(len, example.responses)), 1) for example in lists]))


if __name__ == "__main__":
    main()
