"""`grm ledger`: what is in a ledger, out of it as JSON lines, thinner, joined, and voted on again."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from grmkit.ledger import Ledger

app = typer.Typer(help="Look after the judgments kept: stats, export, prune, merge, replay.", no_args_is_help=True)

LedgerFlag = Annotated[Path | None, typer.Option("--ledger", help="The ledger file; default: in your data folder.")]


@app.command()
def stats(ledger: LedgerFlag = None) -> None:
    """Say what is in the ledger: judgments, examples and tokens per judge."""
    from grmkit.ledger import maintain, meta_scores
    from grmkit.templates.principles import NAMES

    with _open(ledger, is_read_only=True) as opened:
        typer.echo(f"{opened.path}")
        if opened.num_lost:
            typer.echo(f"{opened.num_lost} judgments were in flight when a run was killed")
        for row in maintain.stats(opened):
            tokens = f"{row.prompt_tokens or 0:,} + {row.completion_tokens or 0:,} tokens"
            sampling = row.judge.sampling
            of_what = (
                "answers with principles of {} queries"
                if row.judge.template in NAMES.values()
                else "judgments of {} examples"
            )
            typer.echo(
                f"{row.judge.model_name}  {row.judge.template}  T={sampling['temperature']:g} seed={sampling['seed']}  "
                f"{'with alternatives  ' if sampling.get('alternatives') else ''}"
                f"{row.num_judgments} {of_what.format(row.num_examples)}, {row.num_cut} cut, {tokens}"
            )
        for found in meta_scores.stats(opened):
            typer.echo(f"meta RM {found.key.hash[:12]}  {found.key.model.get('kind')}  {found.num_scores} meta scores")


@app.command()
def export(
    ledger: LedgerFlag = None,
    model: Annotated[str | None, typer.Option(help="Only judgments of this model.")] = None,
    template: Annotated[str | None, typer.Option(help="Only judgments of this template.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write here instead of to the pipe.")] = None,
) -> None:
    """Write judgments as JSON lines; those of one model and template play back with `--judge recorded:FILE`."""
    import orjson

    from grmkit.ledger import maintain

    with _open(ledger, is_read_only=True) as opened:
        lines = (
            orjson.dumps(entry.to_json())
            for entry in maintain.entries(opened)
            if model in (None, entry.judge.model_name) and template in (None, entry.judge.template)
        )
        _write(lines, output, opened)


@app.command()
def prune(
    ledger: LedgerFlag = None,
    model: Annotated[str | None, typer.Option(help="Only judgments of this model.")] = None,
    template: Annotated[str | None, typer.Option(help="Only judgments of this template.")] = None,
    days: Annotated[float | None, typer.Option(help="Only judgments older than so many days.")] = None,
) -> None:
    """Forget judgments; what is chosen by several flags must match all of them."""
    from grmkit.ledger import maintain

    older_than = None if days is None else time.time() - days * 86400
    with _open(ledger) as opened:
        count = maintain.prune(opened, model=model, template=template, older_than=older_than)
    typer.echo(f"{count} judgments forgotten")


@app.command()
def merge(
    other: Annotated[Path, typer.Argument(help="The ledger to copy from; it stays as it is.")],
    ledger: LedgerFlag = None,
) -> None:
    """Copy what another ledger has and this one has not."""
    from grmkit.errors import LedgerError
    from grmkit.ledger import Ledger, maintain

    if not other.exists():
        raise LedgerError(f"{other}: there is no such file; nothing was merged")
    with _open(ledger, is_new_allowed=True) as opened, Ledger(other, is_read_only=True) as source:
        count = maintain.merge(opened, source)
    typer.echo(f"{count} judgments added")


@app.command()
def replay(
    ledger: LedgerFlag = None,
    samples: Annotated[int | None, typer.Option(help="Vote with the first so many; default: all there are.")] = None,
    vote: Annotated[Literal["sum", "mean", "majority"], typer.Option(help="What decides the best.")] = "sum",
    meta_samples: Annotated[
        str | None, typer.Option(help="Vote with those a meta RM trusted most: 4, a share like 0.5, or soft.")
    ] = None,
    meta_rm: Annotated[
        str | None, typer.Option(help="Which meta RM, as `grm ledger stats` names it, if there are several.")
    ] = None,
    list_size: Annotated[int | None, typer.Option(help="The list size that longer examples were judged with.")] = None,
    soft: Annotated[
        Literal["ties", "scores"] | None,
        typer.Option(help="Break ties by expected scores, or vote on them; of judgments drawn with --soft."),
    ] = None,
    model: Annotated[str | None, typer.Option(help="Only judgments of this model.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write here instead of to the pipe.")] = None,
) -> None:
    """Read the kept answers again and vote again, under another rule or with fewer samples; nothing is sent."""
    import orjson

    from grmkit.cli.score import parse_meta_samples
    from grmkit.scoring.replay import replay as replay_verdicts

    with _open(ledger, is_read_only=True) as opened:
        verdicts = replay_verdicts(
            opened,
            samples=samples,
            rule=vote,
            model=model,
            meta_samples=parse_meta_samples(meta_samples),
            meta_rm=meta_rm,
            list_size=list_size,
            soft=soft,
        )
        _write((orjson.dumps({"model": by, **verdict.to_json()}) for by, verdict in verdicts), output, opened)


def _open(path: Path | None, *, is_new_allowed: bool = False, is_read_only: bool = False) -> "Ledger":
    from grmkit.errors import LedgerError
    from grmkit.ledger import Ledger, default_path

    path = path or default_path()
    if not is_new_allowed and not path.exists():
        raise LedgerError(f"{path}: there is no ledger here yet; `grm score` makes one")
    return Ledger(path, is_read_only=is_read_only)


def _write(lines: Iterator[bytes], output: Path | None, ledger: "Ledger") -> None:
    from grmkit.cli.output import open_lines

    with open_lines(output, not_onto=(ledger.path,)) as file:
        for line in lines:
            file.write(line)
        file.finish()
