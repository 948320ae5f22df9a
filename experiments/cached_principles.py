"""Principles written once per query against principles that every judgment writes itself: accuracy and tokens of both.

    python experiments/cached_principles.py --out docs/results --ledger principles.sqlite --num 6000 --samples 8

Test items of the small world, references kept back, the judge that ships. Everything drawn is in the ledger, so the
command can be stopped and run again. Writes `cached-principles.json`; `docs/results/cached-principles.md` explains it.
"""

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from nano_judge import examples_of, interval, paired, voted

from grmkit import Example, Verdict
from grmkit.backends import Sampling
from grmkit.backends.chat import Chat
from grmkit.nano import JUDGE
from grmkit.scoring import GenerativeJudge, load
from grmkit.scoring.load import NANO, NANO_TEMPERATURE
from grmkit.scoring.principles import SOURCES, Source, query_of
from grmkit.scoring.sampling import make_plan
from grmkit.templates import load_template
from grmkit.templates.principles import principles_template
from grmkit.types import Message

CHUNK = 100
GROUPS = (1, 2, 4, 8)  # examples of one query that share its principles


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("docs/results"))
    parser.add_argument("--ledger", type=Path, default=Path("principles.sqlite"))
    parser.add_argument("--num", type=int, default=300)
    parser.add_argument("--samples", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    report = measure(args)
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "cached-principles.json").write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))


def measure(args: argparse.Namespace) -> dict[str, Any]:
    examples = examples_of("test", args.num)
    rng = np.random.default_rng(args.seed)
    report: dict[str, Any] = {
        "items": len(examples),
        "queries": len({query_of(example).key for example in examples}),
        "samples": args.samples,
        "temperature": NANO_TEMPERATURE,
        "seed": args.seed,
    }
    right: dict[Source, dict[str, np.ndarray]] = {}
    for source in SOURCES:
        sampled, written = judge_all(args, examples, source, NANO_TEMPERATURE, args.samples)
        greedy, _ = judge_all(args, examples, source, 0.0, 1)
        right[source] = accuracies(examples, sampled, greedy, args.samples)
        report[source] = {
            "accuracy": {name: told(values, rng) for name, values in right[source].items()},
            "unreadable": dict(
                Counter(str(j.unparsed_reason) for v in sampled for j in v.judgments if not j.is_parsed)
            ),
            **habits(sampled),
            "tokens_per_item": tokens(examples, sampled, args.samples),
            **({} if written is None else {"principles": written}),
        }
    own, given = right["judgment"], right["query"]
    last = f"voting@{args.samples}"
    report["query_minus_judgment"] = {name: paired(given[name], own[name], rng) for name in own}
    report["voting_minus_one_sample"] = {
        source: paired(found[last], found["one_sample_mean"], rng) for source, found in right.items()
    }
    report["voting_minus_greedy"] = {
        source: paired(found[last], found["greedy"], rng) for source, found in right.items()
    }
    report["by_domain"] = by_domain(examples, right, ("one_sample_mean", last, "greedy"))
    for domain, found in report["by_domain"].items():
        is_in = np.array([example.meta["domain"] == domain for example in examples])
        found["query_minus_judgment"] = paired(given[last][is_in], own[last][is_in], rng)
    report["tokens_by_group"] = by_group_size(report)
    return report


def judge_all(
    args: argparse.Namespace, examples: list[Example], source: Source, temperature: float, samples: int
) -> tuple[list[Verdict], dict[str, Any] | None]:
    """All verdicts, and what was written for their queries if it was."""
    sampling = Sampling(temperature, max_tokens=512, seed=args.seed)
    judge = load(NANO, ledger=args.ledger, sampling=sampling, principles=source)
    started, verdicts = time.monotonic(), []
    for start in range(0, len(examples), CHUNK):
        verdicts += judge.score_all(examples[start : start + CHUNK], samples=samples)
        done = f"{source} T={temperature:g} x{samples}: {len(verdicts)} of {len(examples)}"
        print(f"{done}, {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    written = None if source == "judgment" else writing(judge)
    judge.close()
    return verdicts, written


def writing(judge: GenerativeJudge) -> dict[str, Any]:
    """What the principles of all queries came to."""
    done = judge.principle_tallies
    return {
        "queries": done.queries,
        "unreadable": done.unreadable,
        "prompt_tokens": done.tokens.prompt,
        "completion_tokens": done.tokens.completion,
    }


def accuracies(
    examples: list[Example], sampled: list[Verdict], greedy: list[Verdict], samples: int
) -> dict[str, np.ndarray]:
    """Per item whether it is right: first sample, mean over single samples, votes of 2, 4, ... and greedy."""
    singles = np.array([voted(examples, sampled, 1, start=start) for start in range(samples)])
    sizes = [k for k in (2, 4, 8, 16, 32) if k < samples] + [samples]
    return {
        "one_sample": singles[0],
        "one_sample_mean": singles.mean(axis=0),
        **{f"voting@{k}": voted(examples, sampled, k) for k in sizes},
        "greedy": voted(examples, greedy, 1),
    }


def told(right: np.ndarray, rng: np.random.Generator) -> Any:
    """With an interval where an item is right or wrong."""
    return interval(right, rng) if set(np.unique(right)) <= {0.0, 1.0} else round(float(right.mean()), 4)


def habits(verdicts: list[Verdict]) -> dict[str, Any]:
    """How often judgments keep to what was given, and how many sets of principles the judgments of one item use."""
    judgments = [(verdict, judgment) for verdict in verdicts for judgment in verdict.judgments if judgment.is_parsed]
    kept = [judgment.principles == verdict.given for verdict, judgment in judgments if verdict.given]
    sets = [len({judgment.principles for judgment in verdict.judgments}) for verdict in verdicts]
    return {
        "judgments_that_repeat_what_was_given": round(float(np.mean(kept)), 4) if kept else None,
        "sets_of_principles_per_item": round(float(np.mean(sets)), 3),
    }


def tokens(examples: list[Example], verdicts: list[Verdict], samples: int) -> dict[str, float]:
    """Tokens per item: prompts read for every sample, for every order, and with a cache of all prefixes; answers."""
    chat = Chat.read(JUDGE)
    alone, per_order, cached, asking = [], [], [], []
    for example, verdict in zip(examples, verdicts, strict=True):
        shown = example if not verdict.given else Example(**fields(example), principles=verdict.given)
        plan = make_plan(shown, load_template(NANO), Sampling(NANO_TEMPERATURE), samples)
        prompts = {order: chat.encode(prompt.messages) for order, prompt in plan.prompts.items()}
        alone.append(sum(len(prompts[order]) for order, _ in plan.schedule))
        per_order.append(sum(map(len, prompts.values())))
        cached.append(len({prompt[:end] for prompt in prompts.values() for end in range(1, len(prompt) + 1)}))
        asking.append(len(chat.encode(ask(example))) if verdict.given is not None else 0)
    written = [verdict.tokens.completion for verdict in verdicts if verdict.tokens is not None]
    names = ("prompt", "prompt_once_per_order", "prompt_with_prefix_cache", "prompt_for_principles", "completion")
    means = (float(np.mean(values)) for values in (alone, per_order, cached, asking, written))
    return {name: round(mean, 1) for name, mean in zip(names, means, strict=True)}


def fields(example: Example) -> dict[str, Any]:
    return {"query": example.query, "responses": example.responses, "id": example.id}


def ask(example: Example) -> tuple[Message, ...]:
    """The prompt that asks for the principles of this query."""
    return load_template(principles_template(NANO)).render(query_of(example), (0,)).messages


def by_domain(
    examples: list[Example], right: dict[Source, dict[str, np.ndarray]], names: tuple[str, ...]
) -> dict[str, dict[str, Any]]:
    """Accuracies by domain, of both."""
    found: dict[str, dict[str, Any]] = {}
    for domain in sorted({str(example.meta["domain"]) for example in examples}):
        mask = np.array([example.meta["domain"] == domain for example in examples])
        both = {
            source: {name: round(float(of[name][mask].mean()), 4) for name in names} for source, of in right.items()
        }
        found[domain] = {"items": int(mask.sum()), **both}
    return found


def by_group_size(report: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Tokens per item if so many examples share a query: with every prompt read anew, and with a cache of prefixes."""
    own, given = report["judgment"]["tokens_per_item"], report["query"]["tokens_per_item"]
    written = report["query"]["principles"]
    once = (written["prompt_tokens"] + written["completion_tokens"]) / written["queries"]
    found = {}
    for size in GROUPS:
        found[str(size)] = {
            name: round((given[prompt] + given["completion"] + once / size) / (own[prompt] + own["completion"]), 3)
            for name, prompt in (("all_read_anew", "prompt"), ("prefix_cache", "prompt_with_prefix_cache"))
        }
    return found


if __name__ == "__main__":
    main()
