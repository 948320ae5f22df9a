"""From a judge's name to a judge."""

from pathlib import Path
from typing import TYPE_CHECKING

from grmkit.backends import Backend, Sampling
from grmkit.ledger import Ledger, default_path
from grmkit.scoring.generative import GenerativeJudge
from grmkit.templates import Template, load_template

if TYPE_CHECKING:
    from grmkit.backends.http import HttpSettings

DEFAULT_TEMPLATE = "deepseek-grm"


def load(
    judge: str,
    *,
    model: str | None = None,
    template: str | Template = DEFAULT_TEMPLATE,
    prompt_file: str | Path | None = None,
    ledger: str | Path | None = "default",
    sampling: Sampling | None = None,
    http: "HttpSettings | None" = None,
) -> GenerativeJudge:
    """A judge, ready to score.

    Args:
        judge: `http://host:8000/v1#model` (several servers of one model: separate the URLs with commas), or
            `recorded:answers.jsonl` to play back answers kept earlier.
        model: The model's name on the server, instead of after the `#`; not needed if it serves only one.
        template: A template's name or a template of your own.
        prompt_file: A prompt to use instead of the template's.
        ledger: Where judgments are kept: a path, "default" for the user's own ledger, None to keep nothing.
        sampling: Temperature, room for the answer, seed.
        http: Key, concurrency, timeout and retries.

    Raises:
        ValueError: If the judge or the template is not known.
        TemplateError: If the prompt file cannot be used.
        LedgerError: If the ledger cannot be opened.

    Example:
        >>> judge = load("http://host:8000/v1#deepseek-grm-27b", ledger=None)
        >>> judge.template.name
        'deepseek-grm'
        >>> judge.close()
    """
    backend = load_backend(judge, model=model, http=http)
    if isinstance(template, str):
        template = load_template(template, prompt_file=prompt_file)
    path = default_path() if ledger == "default" else ledger
    return GenerativeJudge(backend, template, Ledger(path), sampling or Sampling())


def load_backend(judge: str, *, model: str | None = None, http: "HttpSettings | None" = None) -> Backend:
    """The backend a judge's name stands for.

    Raises:
        ValueError: If the name is neither a URL nor `recorded:PATH`.
    """
    if judge.startswith("recorded:"):
        from grmkit.backends.recorded import RecordedBackend

        return RecordedBackend(judge.removeprefix("recorded:"))
    urls, _, named = judge.partition("#")
    base_urls = tuple(url.strip() for url in urls.split(",") if url.strip())
    if not base_urls or not all(url.startswith(("http://", "https://")) for url in base_urls):
        shown = "not shown, as it may hold a password" if "@" in judge else repr(judge)
        raise ValueError(f"judge is {shown}; expected a URL like http://host:8000/v1, or recorded:FILE")
    from grmkit.backends.http import HttpBackend, HttpSettings

    return HttpBackend(base_urls, model or named or None, settings=http or HttpSettings())
