"""The judge that ships on text it was never made for: 500 real pairs, forced.

    GRMKIT_DATA=... python experiments/nano_real_pairs.py

Pairs are drawn evenly from four sets, as far as each goes, among those whose prompt leaves room for an answer in the
judge's context. Asked for: at least 95 % of the judgments readable. The accuracy is reported as it is, beside that of
the longer response; so is how many of all pairs the judge refuses when it is not forced, and why. The result holds
ids and numbers only.
"""

import argparse
import gzip
import json
import os
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from grmkit import Example, Verdict
from grmkit.nano import JUDGE
from grmkit.nano.scope import why_out_of_domain
from grmkit.nano.world import items
from grmkit.scoring import load
from grmkit.templates import load_template

RESULT = Path(__file__).parents[1] / "docs" / "results" / "nano-real-pairs.json"
NUM_PAIRS = 500
SAMPLES = 8
MIN_PAIRS = 30  # for an interval
ROOM = 256  # tokens left for the answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("GRMKIT_DATA"))
    parser.add_argument("--ledger", type=Path, default=None)
    parser.add_argument("--output", type=Path, default=RESULT)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if args.data is None:
        parser.error("set GRMKIT_DATA to the folder with the real data, or give --data")
    sets = {name: list(read(args.data)) for name, read in SETS.items()}
    fitting = {name: [example for example in examples if fits(example)] for name, examples in sets.items()}
    chosen = draw(fitting, args.seed)
    judge = load("nano", ledger=args.ledger)
    judge.refuse = None
    verdicts = judge.score_all(chosen, samples=SAMPLES)
    judge.close()
    judgments = [judgment for verdict in verdicts for judgment in verdict.judgments]
    unparsed = Counter(str(judgment.unparsed_reason) for judgment in judgments if not judgment.is_parsed)
    found = {
        "date": datetime.now(UTC).date().isoformat(),
        "pairs": len(chosen),
        "samples": SAMPLES,
        "judgments": len(judgments),
        "readable": round(1 - unparsed.total() / len(judgments), 4),
        "unparsed": unparsed,
        "pairs_scored": sum(verdict.scores is not None for verdict in verdicts),
        "accuracy": {name: accuracy(chosen, verdicts, name) for name in [*sets, "all"]},
        "refused_in_world": {split: refused_in_world(split) for split in ("validation", "test", "generalisation")},
        "not_forced": {name: refusals(examples) for name, examples in sets.items()},
        "ids": [example.id for example in chosen],
    }
    text = json.dumps(found, indent=1)
    print(text)
    args.output.write_text(text + "\n", encoding="utf-8")


def draw(fitting: dict[str, list[Example]], seed: int) -> list[Example]:
    """As many from each set, as far as it goes; the rest from those that have more."""
    rng = random.Random(seed)
    pools = [rng.sample(examples, len(examples)) for examples in fitting.values()]
    chosen: list[Example] = []
    while len(chosen) < NUM_PAIRS and any(pools):
        chosen += [pool.pop() for pool in pools if pool]
    return chosen[:NUM_PAIRS]


def fits(example: Example) -> bool:
    return num_tokens(example) + ROOM <= CONTEXT


def num_tokens(example: Example) -> int:
    (message,) = TEMPLATE.render(example, (0, 1)).messages
    return len(TOKENIZER.encode(message.content).ids) + 3  # the chat template's own


def accuracy(examples: list[Example], verdicts: list[Verdict], name: str) -> dict[str, Any]:
    """Of the pairs of this set, how many are judged rightly, a tie or an abstention counting as wrong."""
    rows = [
        (example, verdict)
        for example, verdict in zip(examples, verdicts, strict=True)
        if name == "all" or example.id.startswith(name + "/")
    ]
    right = np.array([verdict.best == example.label for example, verdict in rows], float)
    longest = [longer(example) for example, _ in rows]
    rng = np.random.default_rng(0)
    means = rng.binomial(len(right), right.mean(), 10_000) / len(right)
    return {
        "pairs": len(rows),
        "voting@8": round(float(right.mean()), 4),
        "ci95": [round(float(q), 4) for q in np.quantile(means, [0.025, 0.975])] if len(rows) >= MIN_PAIRS else None,
        "ties": sum(verdict.is_tie for _, verdict in rows),
        "longer_response_wins": round(float(np.mean(longest)), 4),
    }


def longer(example: Example) -> float:
    first, second = (len(response) for response in example.responses)
    return 0.5 if first == second else float((first < second) == example.label)


def refusals(examples: list[Example]) -> dict[str, int]:
    """Why these pairs would be refused, without `--force`."""
    reasons = Counter(
        "out_of_domain" if why_out_of_domain(example) else "judged" if fits(example) else "too_long"
        for example in examples
    )
    return dict(reasons)


def refused_in_world(split: str) -> dict[str, Any]:
    """Of 2,000 items of a split, how many would be refused, by what is new in them: what the limit costs."""
    refused = Counter(
        str(item.example.meta["shift"])
        for item in items(split, 2000)
        if why_out_of_domain(replace(item.example, reference=None))
    )
    return {"items": 2000, "refused": refused.total(), "by_shift": refused}


def rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from enumerate(map(json.loads, file))


def pair(name: str, index: int, query: Any, responses: list[Any], label: int) -> Iterator[Example]:
    """One Example, if both responses are text and differ."""
    first, second = responses
    if isinstance(first, str) and isinstance(second, str) and first.strip() and second.strip() and first != second:
        yield Example(query, (first, second), label=label, id=f"{name}/{index}")


def llmbar(data: Path) -> Iterator[Example]:
    for index, row in rows(data / "llmbar_items.jsonl.gz"):
        yield from pair("llmbar", index, row["input"], [row["output_1"], row["output_2"]], row["label"] - 1)


def pandalm(data: Path) -> Iterator[Example]:
    """Those whose three annotators have a majority for one response."""
    for index, row in rows(data / "pandalm_test.jsonl.gz"):
        votes = Counter(row[f"annotator{n}"] for n in (1, 2, 3))
        label, count = votes.most_common(1)[0]
        if label in (1, 2) and count > 1:
            query = f"{row['instruction']}\n{row['input']}".strip()
            yield from pair("pandalm", index, query, [row["response1"], row["response2"]], label - 1)


def judgebench(data: Path) -> Iterator[Example]:
    for index, row in rows(data / "judgebench_gpt.jsonl.gz"):
        label = 0 if row["label"].startswith("A") else 1
        yield from pair("judgebench", index, row["question"], [row["response_A"], row["response_B"]], label)


def rmb(data: Path) -> Iterator[Example]:
    for index, row in rows(data / "rmb_pairwise_help.jsonl.gz"):
        query = "\n".join(turn["content"] for turn in row["conversation_input"])
        answers = [row["chosen"]["answer"], row["reject"]["answer"]]
        yield from pair("rmb", index, query, answers[:: 1 if index % 2 else -1], 0 if index % 2 else 1)


SETS = {"llmbar": llmbar, "pandalm": pandalm, "judgebench": judgebench, "rmb": rmb}
TEMPLATE = load_template("nano")
TOKENIZER = Tokenizer.from_file(str(JUDGE / "tokenizer.json"))
CONTEXT = json.loads((JUDGE / "config.json").read_text())["max_position_embeddings"]

if __name__ == "__main__":
    main()
