"""Recorded judges over real data, played back through grmkit's templates: does it read what their authors read?

    GRMKIT_DATA=... python experiments/recorded_judges.py

LLMBar's recorded comparison completions (GPT-4, ChatGPT, LLaMA2; every strategy that compares two outputs) go through
the template llm-judge-llmbar, JudgeBench's o1-mini through llm-judge-arena-hard: as a judge, both orders, with the
ledger and the vote in between. What is read is held against the winner recorded with each completion. The result
holds ids and numbers only.
"""

import argparse
import asyncio
import gzip
import json
import os
import re
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from grmkit import Example, GenerativeJudge, Judgment, Ledger, Sampling, load_template
from grmkit.backends.recorded import RecordedBackend

RESULT = Path(__file__).parents[1] / "docs" / "results" / "recorded-judges.json"
BOTH_ORDERS = 2

# What the explanations are checked by: written for these answers, without a look at the templates' own patterns.
BETTER = re.compile(r"(?<!argues that )(?<!claims that )(?<!believes that )Output \(([ab])\) is (?:the )?better")
FIRST_LINE = re.compile(r"\AOutput \(([ab])\)\n")
NO_WINNER = re.compile(r"\b(?:neither|either|cannot|decline)\b", re.IGNORECASE)
LABELS = ("Output (a)", "Output (b)")
VERDICTS = ("Output (a) is better", "Output (b) is better")


@dataclass
class Recording:
    """One judge's completions: the examples, the answers to play back, and the winner recorded for each order."""

    name: str
    template: str
    phrases: tuple[str, str] = LABELS  # what the recorded winner was taken from
    examples: list[Example] = field(default_factory=list)
    answers: list[dict[str, Any]] = field(default_factory=list)
    winners: dict[tuple[str, tuple[int, ...]], int | str | None] = field(default_factory=dict)

    def add(self, example_id: str, order: tuple[int, ...], answer: dict[str, Any], winner: int | str | None) -> None:
        self.answers.append({"id": example_id, "order": list(order), **answer})
        self.winners[example_id, order] = winner


@dataclass
class Comparison:
    """How often grmkit reads what was recorded. `winner` is an input index, "tie" or null for none."""

    judge: str
    template: str
    num_judgments: int
    reproduced: int
    unreadable: dict[str, int]
    nulls: list[dict[str, Any]]
    disagreements: list[dict[str, Any]]


def rows(folder: Path, name: str) -> list[dict[str, Any]]:
    with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def llmbar(folder: Path) -> Iterator[Recording]:
    """One recording per evaluator, strategy and round; a second round exists only where the first one flipped."""
    items = {(item["subset"], item["idx"]): item for item in rows(folder, "llmbar_items")}
    found: dict[str, Recording] = {}
    for row in rows(folder, "llmbar_judgments"):
        if row["strategy"].startswith("Rating"):  # scores each output alone: no comparison to read
            continue
        item = items[row["subset"], row["idx"]]
        for number, result in enumerate(part for part in row["results"] if isinstance(part, dict)):
            name = f"LLMBar {row['evaluator']} {row['strategy']} round {number + 1}"
            recording = found.setdefault(name, Recording(name, "llm-judge-llmbar", phrases_of(row["strategy"], number)))
            example_id = f"{row['subset']}/{row['idx']}"
            recording.examples.append(Example(item["input"], (item["output_1"], item["output_2"]), id=example_id))
            for swap, order in (("swap = False", (0, 1)), ("swap = True", (1, 0))):
                text, why = result[swap]["completion"]
                winner = result[swap]["winner"]
                answer = {"text": text, "finish_reason": why or None}
                recording.add(example_id, order, answer, None if winner is None else int(winner) - 1)
    yield from found.values()


def phrases_of(strategy: str, number: int) -> tuple[str, str]:
    """Answers that reason first end with a verdict in words: the CoT strategies, and the first round of Swap."""
    return VERDICTS if "CoT" in strategy or (strategy, number) == ("Swap", 0) else LABELS


def judgebench(folder: Path) -> Iterator[Recording]:
    """o1-mini's two games per pair; the second is recorded as it was shown, so it is turned back here."""
    items = {item["pair_id"]: item for item in rows(folder, "judgebench_gpt")}
    recording = Recording("JudgeBench o1-mini-2024-09-12", "llm-judge-arena-hard")
    for row in rows(folder, "judgebench_gpt_judgments"):
        if row["judge_name"] != "arena_hard":
            continue
        item = items[row["pair_id"]]
        responses = (item["response_A"], item["response_B"])
        recording.examples.append(Example(item["question"], responses, id=row["pair_id"]))
        for game, order in zip(row["judgments"], ((0, 1), (1, 0)), strict=True):
            shown = {"A>B": 0, "B>A": 1, "A=B": "tie"}[game["decision"]]
            winner = shown if isinstance(shown, str) else order[shown]
            answer = {"text": game["judgment"]["response"], "finish_reason": "stop"}
            recording.add(row["pair_id"], order, answer, winner)
    yield recording


async def play(recording: Recording, folder: Path) -> Comparison:
    """Judge the examples with the recorded answers and compare every judgment."""
    path = folder / "answers.jsonl"
    path.write_text("".join(json.dumps(answer) + "\n" for answer in recording.answers), encoding="utf-8")
    template = load_template(recording.template)
    judge = GenerativeJudge(RecordedBackend(path), template, Ledger(None), Sampling(), rule="majority")
    unreadable: Counter[str] = Counter()
    nulls, disagreements = [], []
    async for verdict in judge.ascore_each(recording.examples, samples=BOTH_ORDERS):
        for judgment in verdict.judgments:
            recorded, read = recording.winners[verdict.id, judgment.order], winner_of(judgment)
            place = {"id": verdict.id, "order": list(judgment.order)}
            if judgment.unparsed_reason is not None:
                unreadable[judgment.unparsed_reason] += 1
            if read != recorded:
                why = explain(judgment, recorded, recording.phrases)
                disagreements.append({**place, "recorded": recorded, "read": read, "why": why})
            elif read is None:
                nulls.append({**place, "reason": judgment.unparsed_reason})
    await judge.aclose()
    num = BOTH_ORDERS * len(recording.examples)
    return Comparison(
        judge=recording.name,
        template=recording.template,
        num_judgments=num,
        reproduced=num - len(disagreements),
        unreadable=dict(sorted(unreadable.items())),
        nulls=sorted(nulls, key=lambda row: (row["id"], row["order"])),
        disagreements=sorted(disagreements, key=lambda row: (row["id"], row["order"])),
    )


def explain(judgment: Judgment, recorded: int | str | None, phrases: tuple[str, str]) -> str:
    """Why the recorded winner is another. Every reason is checked in the text; what none fits is unexplained."""
    text, read = judgment.text or "", winner_of(judgment)
    said = [judgment.order[letter == "b"] for letter in BETTER.findall(text) or FIRST_LINE.findall(text)]
    is_rule = recorded == by_rule(text, phrases, judgment.order)
    if judgment.unparsed_reason == "cut_by_length":
        return "cut by length: recorded from half an answer, unreadable here"
    if read is None and not said:
        return "names no winner: the answer never says that one is better"
    if read is None and NO_WINNER.search(last_verdict(text)):
        return "names no winner: the answer's last verdict is that neither is better"
    if is_rule and recorded == judgment.order[0] and said and said[-1] == read == judgment.order[1]:
        return f"the recording takes (a) wherever the answer has {phrases[0]!r}; its last verdict is (b)"
    return "unexplained"


def by_rule(text: str, phrases: tuple[str, str], order: tuple[int, ...]) -> int | None:
    """The winner by the rule that the recorded winners follow: the first phrase anywhere, or else the second."""
    return next((order[place] for place, phrase in enumerate(phrases) if phrase in text), None)


def last_verdict(text: str) -> str:
    """The last sentence of the answer that has the word "better"."""
    return next((said for said in reversed(re.split(r"[.!?]\s|\n", text)) if "better" in said), "")


def winner_of(judgment: Judgment) -> int | str | None:
    if judgment.scores is None:
        return None
    first, second = judgment.scores
    return "tie" if first == second else 0 if first > second else 1


def run(folder: Path) -> list[Comparison]:
    comparisons = []
    for recording in (*llmbar(folder), *judgebench(folder)):
        with tempfile.TemporaryDirectory() as scratch:
            comparisons.append(asyncio.run(play(recording, Path(scratch))))
    return comparisons


def show(comparisons: list[Comparison]) -> None:
    by_judge: dict[str, Counter[str]] = defaultdict(Counter)
    for found in comparisons:
        name = " ".join(found.judge.split()[:2])
        by_judge[name].update(judgments=found.num_judgments, reproduced=found.reproduced)
        by_judge[name].update(nulls=len(found.nulls), disagreements=len(found.disagreements))
        by_judge[name].update(row["why"] for row in found.disagreements)
        line = f"{found.judge:45} {found.reproduced:4} of {found.num_judgments:4}"
        print(line + (f"  {len(found.disagreements)} disagree" if found.disagreements else ""))
    for name, counts in by_judge.items():
        share = counts["reproduced"] / counts["judgments"]
        print(f"{name:45} {counts['reproduced']} of {counts['judgments']} ({share:.2%}), {dict(counts)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=RESULT)
    args = parser.parse_args()
    comparisons = run(Path(os.environ["GRMKIT_DATA"]))
    show(comparisons)
    args.output.parent.mkdir(parents=True, exist_ok=True)
    args.output.write_text(json.dumps([asdict(found) for found in comparisons], indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
