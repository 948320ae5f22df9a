"""`grm score`: its flags, and nothing else."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from grmkit.scoring.guided import MetaSamples

Opt = typer.Option

SoftFlag = Annotated[
    Literal["ties", "scores"] | None,
    Opt(help="With token probabilities, the expected scores: break ties by them, or vote on them."),
]
TemplateFlag = Annotated[
    str | None,
    Opt(
        help="deepseek-grm[-hinted|-binary], llm-judge[-mt-bench|-arena-hard|-llmbar|-rm-r1], j1, nano[-hinted]; "
        "default: nano for the judge nano, or deepseek-grm."
    ),
]
MetaSamplesFlag = Annotated[
    str | None, Opt(help="How many it keeps: 4, a share like 0.5, or soft (all, by weight); default: half.")
]
PrinciplesFlag = Annotated[
    Literal["judgment", "query"],
    Opt(help="Principles are written by each judgment, or once per query, from the query alone."),
]
StopFlag = Annotated[
    float | None, Opt(help="0.95: draw in rounds, stop once all samples would decide the same by that chance.")
]

EXPECTED = {
    "samples": "1 to 65536 judgments per example, such as 8",
    "stop": "a chance between 0 and 1, such as 0.95",
    "budget": "at least one judgment for each example, such as 4000 for 1000 of them",
    "list_size": "at least 2 responses, such as 8, or there is nothing to compare",
    "temperature": "a finite number from 0 (greedy) up, such as 0.5",
    "top_p": "a number above 0, up to 1, such as 0.95",
    "max_tokens": "at least 1 token, such as 2048",
    "limit": "at least 1 example, such as 100",
    "concurrency": "at least 1 request, such as 64",
    "timeout_s": "a finite number of seconds above 0, such as 600",
    "retries": "at least 1 try, such as 6",
    "prices": "two finite numbers from 0 up, such as 0.27,1.10 (per million tokens)",
}
"""What each number may be, by the config's name of it."""


def score(
    data: Annotated[str, typer.Argument(help="Examples: .jsonl, .jsonl.gz, .parquet, hf://owner/name, or - (stdin).")],
    judge: Annotated[
        str, Opt(help="nano, URL like http://host:8000/v1 (several: with commas), model folder or recorded:FILE.")
    ] = "nano",
    output: Annotated[Path | None, Opt("--output", "-o", help="Write verdicts here, as JSON lines.")] = None,
    model: Annotated[str | None, Opt(help="The model's name on the server, if it serves several.")] = None,
    model_revision: Annotated[str | None, Opt(help="Tells two states of a model of one name apart.")] = None,
    template: TemplateFlag = None,
    prompt_file: Annotated[Path | None, Opt(help="A prompt (Jinja) to use instead of the template's.")] = None,
    samples: Annotated[int, Opt(help="Judgments per example.")] = 8,
    meta_rm: Annotated[Path | None, Opt(help="nano, or the folder of a meta RM: those it trusts most vote.")] = None,
    meta_samples: MetaSamplesFlag = None,
    principles: PrinciplesFlag = "judgment",
    soft: SoftFlag = None,
    stop: StopFlag = None,
    budget: Annotated[int | None, Opt(help="Judgments over all examples, spent where decisions are open.")] = None,
    list_size: Annotated[int | None, Opt(help="Judge more responses in overlapping lists of so many.")] = None,
    temperature: Annotated[
        float | None, Opt(help="0 is greedy: one judgment per order; default: nano's own, or 0.5.")
    ] = None,
    top_p: Annotated[float, Opt(help="Nucleus mass.")] = 1.0,
    max_tokens: Annotated[int, Opt(help="Room for one answer; one that fills it is unreadable.")] = 2048,
    logprobs: Annotated[bool, Opt("--logprobs", help="Ask for token log-probabilities and keep them.")] = False,
    seed: Annotated[int, Opt(help="Decides orders, random streams and broken ties.")] = 0,
    vote: Annotated[Literal["sum", "mean", "majority"], Opt(help="What decides the best.")] = "sum",
    ties: Annotated[Literal["report", "random"], Opt(help="Report a tie, or break it by the seed.")] = "report",
    columns: Annotated[list[str] | None, Opt("--map", help="FIELD=COLUMN[,COLUMN] for other column names.")] = None,
    limit: Annotated[int | None, Opt(help="Only the first so many examples.")] = None,
    skip_bad: Annotated[bool, Opt("--skip-bad", help="Count bad rows and leave them out.")] = False,
    concurrency: Annotated[int, Opt(help="Requests under way at once, at most.")] = 64,
    timeout: Annotated[float, Opt(help="Seconds one try of a request may take.")] = 600.0,
    retries: Annotated[int, Opt(help="Tries of one request in all, before its example abstains.")] = 6,
    api_key_env: Annotated[str, Opt(help="The environment variable with the server's key.")] = "OPENAI_API_KEY",
    ledger: Annotated[Path | None, Opt(help="The ledger file; default: in your data folder.")] = None,
    no_ledger: Annotated[bool, Opt("--no-ledger", help="Keep nothing after this run.")] = False,
    force: Annotated[bool, Opt("--force", help="Let nano judge text outside of its own world too.")] = False,
    prices: Annotated[str | None, Opt(help="PROMPT,COMPLETION money per million tokens, like 0.27,1.10.")] = None,
    dry_run: Annotated[bool, Opt("--dry-run", help="Say what would be sent and cost; send nothing.")] = False,
) -> None:
    """Judge every example and print or write one verdict each.

    Every judgment is kept in the ledger: the same command again asks for nothing twice, and more samples pay only
    for those that are new. Exit codes: 0 done; 1 done, some examples failed at the judge (run again to complete);
    2 wrong command or data; 3 the judge cannot be asked; 4 the ledger cannot be used; 130 stopped by Ctrl-C.
    """
    given = dict(locals())
    from grmkit.cli.run import run_score

    code = run_score(make_config(given))
    if code:
        raise typer.Exit(code)


def make_config(given: dict[str, Any]) -> Any:
    """The checked config of these flags; errors name the flag.

    Raises:
        ValueError: If a value is not allowed.
    """
    from pydantic import ValidationError

    from grmkit.config import ScoreConfig

    given["timeout_s"] = given.pop("timeout")
    given["columns"] = tuple(given["columns"] or ())
    given["prices"] = parse_prices(given["prices"])
    given["meta_samples"] = parse_meta_samples(given["meta_samples"])
    try:
        return ScoreConfig(**given)
    except ValidationError as error:
        first = error.errors()[0]
        words = first["msg"].removeprefix("Value error, ")
        if not first["loc"]:
            raise ValueError(words) from None
        name = str(first["loc"][0])
        flag = {"columns": "map", "timeout_s": "timeout"}.get(name, name).replace("_", "-")
        wanted = f"; expected {EXPECTED[name]}" if name in EXPECTED else f": {words}"
        raise ValueError(f"--{flag} is {first['input']!r}{wanted}") from None


def parse_meta_samples(text: str | None) -> "MetaSamples | None":
    """`4` as a number, `0.5` as a share, `soft` as it is.

    Raises:
        ValueError: If it is none of these.
    """
    from grmkit.scoring.guided import SOFT, check_meta_samples

    if text is None:
        return None
    try:
        is_whole = text.strip().lstrip("+-").isdecimal()
        return check_meta_samples(SOFT if text == SOFT else int(text) if is_whole else float(text))
    except ValueError:
        raise ValueError(
            f"--meta-samples is {text!r}; expected how many judgments are kept (4), which share of them (0.5; at most "
            "1.0) or soft"
        ) from None


def parse_prices(text: str | None) -> tuple[float, ...] | None:
    """`0.27,1.10` as numbers.

    Raises:
        ValueError: If it is anything but two numbers.
    """
    if text is None:
        return None
    try:
        prices = tuple(float(part) for part in text.split(","))
    except ValueError:
        prices = ()
    if len(prices) != 2:
        raise ValueError(f"--prices is {text!r}; expected two numbers like 0.27,1.10 (per million tokens)")
    return prices
