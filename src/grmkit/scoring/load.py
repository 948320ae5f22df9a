"""From a judge's name to a judge."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

from grmkit.backends import Backend, Sampling
from grmkit.ledger import Ledger, default_path
from grmkit.nano import JUDGE
from grmkit.nano.scope import why_out_of_domain
from grmkit.scoring.generative import GenerativeJudge
from grmkit.scoring.guided import MetaSamples, check_guide
from grmkit.scoring.meta_rm import check_reads, load_meta_rm
from grmkit.scoring.soft_vote import Soft, check_soft
from grmkit.templates import Template, load_template

if TYPE_CHECKING:
    from grmkit.backends.http import HttpSettings

NANO = "nano"
DEFAULT_TEMPLATE = "deepseek-grm"
NANO_TEMPERATURE = 0.4  # chosen on the validation split for Voting@8: docs/results/nano-judge.md


class Guide(TypedDict, total=False):
    """Which judgments vote: by what meta RM, and how many; and what their soft scores are for.

    `meta_rm` is the folder of a meta RM, which then chooses the judgments that vote; `meta_samples`, how many: a
    number, a share of the readable ones in (0, 1], or `soft`, which weighs each by the probability that it is right;
    left out, half of them, rounded up. `soft` is what the expected values of the scores are for: to break `ties`, or
    to be the `scores` that are voted on.
    """

    meta_rm: str | Path | None
    meta_samples: MetaSamples | None
    soft: Soft | None


def load(
    judge: str = NANO,
    *,
    model: str | None = None,
    template: str | Template | None = None,
    prompt_file: str | Path | None = None,
    ledger: str | Path | None = "default",
    sampling: Sampling | None = None,
    http: "HttpSettings | None" = None,
    **guide: Unpack[Guide],
) -> GenerativeJudge:
    """A judge, ready to score.

    Args:
        judge: `nano`, the small judge that ships, which abstains outside of its own world; `http://host:8000/v1#model`
            (several servers of one model: separate the URLs with commas);
            the folder of a model, to run it in this process: `ctranslate2:FOLDER` and `transformers:FOLDER` say
            with what, left out it is ctranslate2 if the model was converted for it; `transformers:owner/name`
            for a model on the hub; or `recorded:answers.jsonl` to play back answers kept earlier.
        model: The model's name on the server, instead of after the `#`; not needed if it serves only one.
        template: A template's name or a template of your own; None is the judge's own: `nano` for nano, or
            `deepseek-grm`.
        prompt_file: A prompt to use instead of the template's.
        ledger: Where judgments are kept: a path, "default" for the user's own ledger, None to keep nothing.
        sampling: Temperature, room for the answer, seed; None is the judge's own.
        http: Key, concurrency, timeout and retries.
        guide: Which judgments vote, and with what: the fields of `Guide`.

    Raises:
        ValueError: If the judge or the template is not known, or nano is given a template it was not trained on; if
            `meta_samples` is none of these or there is no meta RM, or the meta RM is one for another template; if
            `soft` is none of these or the template gives no scores.
        BackendDown: If there is no meta RM in its folder.
        TemplateError: If the prompt file cannot be used.
        LedgerError: If the ledger cannot be opened.

    Example:
        >>> judge = load("http://host:8000/v1#deepseek-grm-27b", ledger=None)
        >>> judge.template.name
        'deepseek-grm'
        >>> judge.close()
    """
    chosen, meta_samples, soft = _read_guide(**guide)
    backend = load_backend(judge, model=model, http=http)
    if template is None:
        template = NANO if judge == NANO else DEFAULT_TEMPLATE
    elif judge == NANO and isinstance(template, str) and not template.startswith(NANO):
        raise ValueError(f"template is {template!r}; the judge nano knows no other than {NANO!r} and 'nano-hinted'")
    if isinstance(template, str):
        template = load_template(template, prompt_file=prompt_file)
    meta_rm = None if chosen is None else load_meta_rm(chosen)
    if meta_rm is not None:
        check_reads(meta_rm, template)
    check_soft(soft, template)
    path = default_path() if ledger == "default" else ledger
    sampling = sampling or Sampling(default_temperature(judge))
    refuse = why_out_of_domain if judge == NANO else None
    return GenerativeJudge(
        backend, template, Ledger(path), sampling, refuse=refuse, meta_rm=meta_rm, meta_samples=meta_samples, soft=soft
    )


def _read_guide(
    meta_rm: str | Path | None = None, meta_samples: MetaSamples | None = None, soft: Soft | None = None
) -> tuple[str | Path | None, MetaSamples | None, Soft | None]:
    """Checked before anything is opened."""
    return meta_rm, check_guide(meta_rm, meta_samples), check_soft(soft)


def default_temperature(judge: str) -> float:
    """The temperature a judge is sampled at if nobody says otherwise."""
    return NANO_TEMPERATURE if judge == NANO else Sampling().temperature


def load_backend(judge: str, *, model: str | None = None, http: "HttpSettings | None" = None) -> Backend:
    """The backend a judge's name stands for.

    Raises:
        ValueError: If the name is neither `nano` nor a URL nor a model's folder, nor starts with `ctranslate2:`,
            `transformers:` or `recorded:`.
    """
    if model is not None and not judge.startswith(("http://", "https://")):
        raise ValueError(f"model is {model!r}; it names one of several on a server, and judge {judge!r} is no URL")
    if judge == NANO:
        return _ctranslate2(str(JUDGE))
    kind, _, rest = judge.partition(":")
    if kind in LOCAL:
        return LOCAL[kind](rest)
    if os.path.isdir(judge):
        return _folder(judge)
    urls, _, named = judge.partition("#")
    base_urls = tuple(url.strip() for url in urls.split(",") if url.strip())
    if not base_urls or not all(url.startswith(("http://", "https://")) for url in base_urls):
        shown = "not shown, as it may hold a password" if "@" in judge else repr(judge)
        raise ValueError(
            f"judge is {shown}; expected nano, a URL like http://host:8000/v1, the folder of a model (or "
            "ctranslate2:FOLDER, transformers:FOLDER_OR_HUB_ID), or recorded:FILE"
        )
    from grmkit.backends.http import HttpBackend, HttpSettings

    return HttpBackend(base_urls, model or named or None, settings=http or HttpSettings())


def _recorded(path: str) -> Backend:
    from grmkit.backends.recorded import RecordedBackend

    return RecordedBackend(path)


def _ctranslate2(path: str) -> Backend:
    from grmkit.backends.ctranslate2 import CTranslate2Backend

    return CTranslate2Backend(path)


def _transformers(path_or_id: str) -> Backend:
    from grmkit.backends.transformers import TransformersBackend

    return TransformersBackend(path_or_id)


def _folder(path: str) -> Backend:
    """With ctranslate2 if the model in the folder was converted for it, else with transformers."""
    from grmkit.backends.ctranslate2 import find_model

    if find_model(Path(path)):
        return _ctranslate2(path)
    if not (Path(path) / "config.json").is_file():
        raise ValueError(f"judge is {path!r}; the folder holds neither a config.json nor a converted model.bin")
    return _transformers(path)


LOCAL: dict[str, Callable[[str], Backend]] = {
    "recorded": _recorded,
    "ctranslate2": _ctranslate2,
    "transformers": _transformers,
}
"""What a judge's name may start with, besides a URL's scheme, and what the rest of it then is."""
