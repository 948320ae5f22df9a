"""One process that scores a file of pairs with py-openjudge, start to end, and says what that took: one line of JSON.

Runs under a Python of its own that has py-openjudge. It is used as its pairwise cookbook shows: an `LLMGrader` whose
score says which response is better, each pair in both orders, `GradingRunner` with `max_concurrency`; its
`VotingEvaluationStrategy` draws the samples. It asks for one sample per request, and keeps nothing but the results.
"""

import argparse
import asyncio
import json
import logging
import resource
import sys
import time
from importlib.metadata import version
from typing import Any

from loguru import logger
from openjudge.evaluation_strategy import VotingEvaluationStrategy
from openjudge.graders.llm_grader import GraderMode, LLMGrader
from openjudge.graders.schema import GraderScore
from openjudge.models.openai_chat_model import OpenAIChatModel
from openjudge.models.schema.oai.message import ChatMessage
from openjudge.models.schema.prompt_template import PromptTemplate
from openjudge.runner.grading_runner import GraderConfig, GradingRunner

SYSTEM = (
    "You are an expert evaluator. Compare two AI responses and determine which one is better.\n"
    "Consider factors like accuracy, completeness, clarity, and relevance to the task.\n"
    "Output as JSON with 'score' (1.0 if Response A is better, 0.0 if Response B is better) "
    "and 'reason' (explanation) fields."
)
USER = (
    "Task: {instruction}\n\nResponse A:\n{response_a}\n\nResponse B:\n{response_b}\n\n"
    'Which response better completes the task? Output: {{"score": 1.0 or 0.0, "reason": "..."}}'
)


def read_pairs(path: str) -> list[dict[str, str]]:
    """Two rows per pair: as it is, and swapped."""
    rows = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            a, b = row["responses"]
            rows.append({"instruction": row["query"], "response_a": a, "response_b": b})
            rows.append({"instruction": row["query"], "response_a": b, "response_b": a})
    return rows


def make_runner(args: argparse.Namespace) -> GradingRunner:
    url, _, model = args.judge.partition("#")
    grader = LLMGrader(
        name="pairwise",
        mode=GraderMode.POINTWISE,
        model=OpenAIChatModel(model=model, base_url=url, api_key="none", temperature=0.5),
        template=PromptTemplate(
            messages=[ChatMessage(role="system", content=SYSTEM), ChatMessage(role="user", content=USER)]
        ),
        strategy=VotingEvaluationStrategy(num_votes=args.samples // 2),
    )
    configs = {"pairwise": GraderConfig(grader=grader)}
    return GradingRunner(grader_configs=configs, max_concurrency=args.concurrency, show_progress=False)


async def score(args: argparse.Namespace) -> list[Any]:
    return (await make_runner(args).arun(read_pairs(args.data)))["pairwise"]


def write_results(results: list[Any], path: str) -> dict[str, int]:
    """One line per pair; an error of the grader, which has no score, ends the run."""
    votes = [vote for result in results for vote in result.metadata["original_results"]]
    with open(path, "w", encoding="utf-8") as output:
        for first, second in zip(results[::2], results[1::2], strict=True):
            scores = [first.score + 1 - second.score, 1 - first.score + second.score]
            both = [result.model_dump(mode="json") for result in (first, second)]
            output.write(json.dumps({"scores": scores, "results": both}) + "\n")
    num_unreadable = sum(not isinstance(vote, GraderScore) for vote in votes)
    return {"verdicts": len(results) // 2, "judgments": len(votes), "unreadable": num_unreadable}


def main() -> None:
    startup_cpu_s, started_s = time.process_time(), time.perf_counter()
    parser = argparse.ArgumentParser(description="Score pairs with py-openjudge; print what it took as JSON.")
    for name in ("data", "judge", "output"):
        parser.add_argument(name)
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--concurrency", type=int, default=64)
    logger.remove()
    logging.disable(logging.INFO)
    args = parser.parse_args()
    counts = write_results(asyncio.run(score(args)), args.output)
    took = {
        "client_wall_s": time.perf_counter() - started_s,
        "cpu_s": time.process_time() - startup_cpu_s,
        "startup_cpu_s": startup_cpu_s,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "versions": {"py-openjudge": version("py-openjudge"), "openai": version("openai")},
    }
    sys.stdout.write(json.dumps(counts | took) + "\n")


if __name__ == "__main__":
    main()
