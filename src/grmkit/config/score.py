"""What `grm score` can be told."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

PositiveInt = Annotated[int, Field(gt=0)]
MetaSamples = Annotated[
    Annotated[int, Field(gt=0, strict=True)] | Annotated[float, Field(gt=0, le=1)] | Literal["soft"],
    Field(union_mode="left_to_right"),
]
Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class ScoreConfig(BaseModel):
    """Settings of `grm score`, each checked before anything is read or sent."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    data: str
    """The examples: a .jsonl, .jsonl.gz or .parquet file, hf://owner/name, or - for standard input."""
    output: Path | None = None
    """Where verdicts go, as JSON lines; none prints a table on a terminal and JSON lines into a pipe."""
    judge: str = "nano"
    """The judge that ships, a server's URL (several: commas between them), a model's folder, or recorded:FILE."""
    model: str | None = None
    """The model's name on the server."""
    model_revision: str | None = None
    """What tells two states of a model of the same name apart."""
    template: str | None = None
    """How questions and answers are written; none is the judge's own: nano's, or deepseek-grm."""
    prompt_file: Path | None = None
    """A prompt to use instead of the template's."""
    samples: Annotated[int, Field(gt=0, le=65536)] = 8
    """Judgments per example."""
    meta_rm: Path | None = None
    """The folder of a meta RM, which chooses the judgments that vote; none lets all vote."""
    meta_samples: MetaSamples | None = None
    """How many it keeps: a number, a share of the readable ones, or soft: all by their weights; none is half."""
    soft: Literal["ties", "scores"] | None = None
    """What the expected values of the scores are for: to break ties, or to be the scores; none asks for none."""
    stop: Annotated[float, Field(gt=0, lt=1)] | None = None
    """The chance that all samples would decide the same, above which an example gets no more of them."""
    budget: PositiveInt | None = None
    """Judgments over all examples, spent where decisions are open; none is all samples of each."""
    temperature: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    """Of the sampling; 0 is greedy; none is the judge's own: nano's, or 0.5."""
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Nucleus mass of the sampling."""
    max_tokens: PositiveInt = 2048
    """Room for one answer, in tokens."""
    logprobs: bool = False
    """Whether the log-probability of every token written is asked for and kept."""
    seed: int = 0
    """Decides orders, streams and broken ties."""
    vote: Literal["sum", "mean", "majority"] = "sum"
    """What decides the best response."""
    ties: Literal["report", "random"] = "report"
    """Whether a tie is reported, or broken at random by the seed."""
    columns: tuple[str, ...] = ()
    """FIELD=COLUMN[,COLUMN] mappings for files with other column names."""
    limit: PositiveInt | None = None
    """How many examples to take from the front."""
    skip_bad: bool = False
    """Whether bad rows are counted and left out instead of refused."""
    concurrency: PositiveInt = 64
    """Requests under way at once."""
    timeout_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 600.0
    """Seconds one try of a request may take."""
    retries: PositiveInt = 6
    """Tries of one request in all, before its example abstains."""
    api_key_env: str = "OPENAI_API_KEY"
    """The environment variable that holds the server's key."""
    ledger: Path | None = None
    """Where judgments are kept; none is the user's own ledger."""
    no_ledger: bool = False
    """Whether judgments are kept in memory only."""
    prices: tuple[Price, Price] | None = None
    """Money per million prompt tokens and per million completion tokens."""
    force: bool = False
    """Whether nano judges text outside of its own world too."""
    dry_run: bool = False
    """Whether to say what would be sent and cost, and send nothing."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.no_ledger and self.ledger is not None:
            raise ValueError("--ledger and --no-ledger exclude each other; give one of them")
        if self.meta_samples is not None and self.meta_rm is None:
            raise ValueError("--meta-samples chooses among judgments by a meta RM; give its folder with --meta-rm")
        return self
