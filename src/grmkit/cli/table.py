"""One verdict for a person: who won and why, one line per judgment, the critique of a judgment that agrees."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from grmkit.types import Judgment, Principle, Verdict

MAX_PRINCIPLES = 6
MAX_CRITIQUE = 600


def show(verdict: Verdict, console: Console) -> None:
    """Print the verdict: headline, votes, principles and critique."""
    console.print(Text(f"{_safe(verdict.id)}  ", style="bold") + headline(verdict))
    if verdict.judgments:
        console.print(votes(verdict) if verdict.lists is None else places(verdict))
    spoken = spokesman(verdict)
    if spoken is not None:
        for principle in (spoken.principles or verdict.given or ())[:MAX_PRINCIPLES]:
            console.print(Text("  • " + principle_line(principle), style="cyan"))
        for line in critique_lines(spoken):
            console.print(Text("  " + line))
    console.print()


def headline(verdict: Verdict) -> Text:
    if verdict.abstained is not None:
        return Text(f"no verdict ({verdict.abstained.reason}): {_safe(verdict.abstained.detail)}", style="yellow")
    assert verdict.mean_scores is not None
    shown = verdict.mean_scores if verdict.lists is None else (max(verdict.mean_scores), min(verdict.mean_scores))
    means = (", " if verdict.lists is None else " to ").join(f"{mean:.2f}" for mean in shown)
    if len(verdict.mean_scores) == 1:
        some = "" if verdict.voted is None else f"{verdict.voted} of "
        return Text(f"mean score {means} of {some}{verdict.samples} judgments")
    if verdict.best is None:
        return Text(f"a tie at the top; mean scores {means}", style="yellow")
    sure = "" if verdict.confidence is None else f", confidence {min(verdict.confidence, 0.99):.0%}"
    return Text(f"response {verdict.best + 1} is best{sure}; mean scores {means}", style="green")


def votes(verdict: Verdict) -> Table:
    """One row per judgment, then the sum."""
    num = len(verdict.judgments[0].order)
    trust = () if verdict.voted is None else ("trust",)
    columns = ("judgment", *(f"response {i + 1}" for i in range(num)), *trust, "shown as")
    table = Table(*columns, box=None, padding=(0, 2, 0, 2))
    for number, judgment in enumerate(verdict.judgments, 1):
        shown = " ".join(str(index + 1) for index in judgment.order)
        cells = [f"{score:g}" for score in judgment.scores] if judgment.scores else ["–"] * num
        note = f"  unreadable: {judgment.unparsed_reason}" if judgment.unparsed_reason else ""
        cells += ["–" if judgment.meta_score is None else f"{judgment.meta_score:.2f}" for _ in trust]
        table.add_row(str(number), *cells, shown + note)
    if verdict.scores is not None:
        voted = [f"{verdict.voted} voted" for _ in trust]
        table.add_row("sum", *(f"{score:g}" for score in verdict.scores), *voted, "", style="bold")
    return table


def places(verdict: Verdict) -> Table:
    """Of an example judged in lists: one row per response, the best first, with interval and number of lists."""
    assert verdict.lists is not None
    table = Table("rank", "response", "mean score", "95 % interval", "lists", box=None, padding=(0, 2, 0, 2))
    means, ranking, intervals = verdict.mean_scores or (), verdict.ranking or (), verdict.lists.intervals
    for index in sorted(range(len(means)), key=lambda index: ranking[index]):
        ends = "–" if intervals is None else "{:.2f} to {:.2f}".format(*intervals[index])
        shown = verdict.lists.shown[index]
        table.add_row(str(ranking[index]), str(index + 1), f"{means[index]:.2f}", ends, str(shown))
    least, mean = verdict.lists.together_min, verdict.lists.together_mean
    table.caption = (
        f"{verdict.samples} lists, {verdict.unparsed} unreadable; a pair shared {mean:.2f}, at least {least}"
    )
    return table


def spokesman(verdict: Verdict) -> Judgment | None:
    """The judgment to quote: the first readable one whose own best response is the verdict's."""
    readable = [judgment for judgment in verdict.judgments if judgment.scores is not None]
    for judgment in readable:
        assert judgment.scores is not None
        if judgment.shown[judgment.scores.index(max(judgment.scores))] == verdict.best:
            return judgment
    return readable[0] if readable else None


def principle_line(principle: Principle) -> str:
    weight = "" if principle.weight is None else f" ({principle.weight:g}%)"
    return _short(f"{principle.name}{weight}: {principle.text}" if principle.name else principle.text + weight)


def critique_lines(judgment: Judgment) -> list[str]:
    if judgment.critiques is not None and any(judgment.critiques):
        named = zip(judgment.shown, judgment.critiques, strict=True)
        return [f"response {i + 1}: {_short(text)}" for i, text in named if text]
    return [_short(judgment.critique)] if judgment.critique else []


def _safe(text: str) -> str:
    """Without the control characters by which a text could steer the terminal."""
    return "".join(char if char.isprintable() else " " for char in text)


def _short(text: str) -> str:
    flat = " ".join(_safe(text).split())
    return flat if len(flat) <= MAX_CRITIQUE else flat[: MAX_CRITIQUE - 1] + "…"
