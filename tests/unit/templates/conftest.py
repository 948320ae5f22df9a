"""Every template we ship, and a plain example for each of them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from grmkit.templates import Prompt, load_template
from grmkit.templates.meta_rm import MetaRMTemplate
from grmkit.types import Example, Message, Principle

NAMES = (
    "deepseek-grm",
    "deepseek-grm-hinted",
    "deepseek-grm-binary",
    "deepseek-grm-mixed",
    "llm-judge",
    "llm-judge-mt-bench",
    "llm-judge-arena-hard",
    "llm-judge-llmbar",
    "llm-judge-rm-r1",
    "j1",
    "meta-rm",
)

Render = Callable[..., tuple[str, dict[str, tuple[int, ...]]]]


def text_of(prompt: Prompt) -> str:
    return prompt.messages[0].content


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="session")
def renderers() -> dict[str, Callable[[Example, Sequence[int]], Prompt]]:
    meta = MetaRMTemplate()
    ours: dict[str, Any] = {name: load_template(name).render for name in NAMES if name != "meta-rm"}
    return ours | {"meta-rm": lambda example, order: meta.render(example, order, "Scores: 7, 3")}


@pytest.fixture
def render(renderers: dict[str, Any]) -> Render:
    """Render a plain example with one field replaced: the prompt's text, and what was neutralised by field."""

    def rendered(
        name: str, field: str = "responses", value: Any = "INNOCENT"
    ) -> tuple[str, dict[str, tuple[int, ...]]]:
        num = 1 if name == "deepseek-grm-binary" else 2
        fields: dict[str, Any] = {
            "query": "Name a colour.",
            "responses": ("Blue.", "Red.")[:num],
            "reference": "Green.",
            "principles": (Principle("Colours only.", "Fit", 100),),
            "label": (1.0, 0.0)[:num],
        }
        if field == "responses":
            value = (value, "Red.")[:num]
        elif field == "principles":
            value = (Principle(value),)
        elif field == "turn":
            field, value = "query", (Message("system", "Be brief."), Message("user", value), Message("user", "Well?"))
        prompt = renderers[name](Example(**{**fields, field: value}), range(num))
        return text_of(prompt), {item.field: item.offsets for item in prompt.neutralised}

    return rendered


@pytest.fixture
def prompt_file(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "prompt.txt"
        path.write_text(text, encoding="utf-8")
        return path

    return write
