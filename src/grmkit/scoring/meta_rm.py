"""A meta RM: one number per judgment, the logit of "this judgment is right" (arXiv 2504.02495, section 4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grmkit.backends.scalar import ScalarBackend
from grmkit.errors import BackendDown
from grmkit.nano import META_RM
from grmkit.templates import MetaRMTemplate, Template, nano
from grmkit.templates import meta_rm as appendix_g
from grmkit.types import Example

PROMPT_FILE = "meta_prompt.txt"
"""Kept beside the weights: the user's turn that the meta RM was trained to read."""

PROMPTS = {"nano": nano.PROMPT, "": appendix_g.PROMPT}
"""What the meta RM of a judge reads, by how the name of the judge's template starts; others read Appendix G's."""

Judged = tuple[Example, Sequence[int], str]
"""What was judged, in which order it was shown, and what the judge wrote."""


@dataclass(frozen=True, slots=True)
class MetaRM:
    """Scores judgments.

    Args:
        backend: Who reads.
        template: What is read.
    """

    backend: ScalarBackend
    template: MetaRMTemplate

    async def ascore(self, judged: Sequence[Judged]) -> list[float]:
        """The logit of each judgment, in their order.

        Raises:
            TemplateError: If an example cannot be rendered.
            BackendError: If one is too long, or the model fails.
        """
        return await self.backend.logits([self.template.render(*one).messages for one in judged])


def check_reads(meta_rm: MetaRM, template: Template) -> None:
    """Check that the meta RM was not trained on the judgments of another template; a prompt of your own passes.

    Raises:
        ValueError: If it reads what the meta RMs of other templates read.
    """
    texts = {name: path.read_text(encoding="utf-8") for name, path in PROMPTS.items()}
    own = next(name for name in texts if template.name.startswith(name))
    found = next((name for name, text in texts.items() if text == meta_rm.template.prompt_text), own)
    if found != own:
        kind = f"{found} judges" if found else "judges of the DeepSeek-GRM format"
        raise ValueError(
            f"meta_rm was trained for {kind}, as its {PROMPT_FILE} says, and this judge's template is "
            f"{template.name!r}; expected a meta RM of this template: train one with the recipe meta_rm"
        )


def load_meta_rm(folder: str | Path, *, kind: str = "auto", threads: int = 1) -> MetaRM:
    """The meta RM in this folder.

    Args:
        folder: Where it was saved by the recipe `meta_rm`; or a published one, with what it reads beside it; `nano` is
            the one that ships, for the judge of this name.
        kind: `ctranslate2`, `transformers`, or `auto`: the first if the model was converted for it.
        threads: How many threads compute, with ctranslate2.

    Raises:
        BackendDown: If the folder does not say what the meta RM reads.
        ValueError: If it holds no such model.
    """
    folder = META_RM if str(folder) == "nano" else Path(folder)
    prompt = folder / PROMPT_FILE
    if not prompt.is_file():
        raise BackendDown(
            f"{folder}: holds no {PROMPT_FILE}; expected a meta RM as `grm train` saves it; beside a published one "
            "write the user's turn it reads, as docs/how-to/use-published-checkpoints.md tells"
        )
    template = MetaRMTemplate(prompt_file=prompt)
    if kind == "transformers" or (kind == "auto" and not (folder / "ctranslate2" / "model.bin").is_file()):
        from grmkit.backends.scalar_transformers import TransformersScalar

        return MetaRM(TransformersScalar(folder), template)
    from grmkit.backends.scalar_ctranslate2 import CTranslate2Scalar

    return MetaRM(CTranslate2Scalar(folder, threads=threads), template)
