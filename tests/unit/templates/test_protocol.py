from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grmkit.errors import TemplateError
from grmkit.templates import Reading, load_template, template_names
from grmkit.templates.protocol import UNPARSED_REASONS

NAMES = (
    "deepseek-grm",
    "deepseek-grm-hinted",
    "deepseek-grm-binary",
    "llm-judge",
    "llm-judge-mt-bench",
    "llm-judge-arena-hard",
    "llm-judge-llmbar",
    "llm-judge-rm-r1",
    "j1",
    "nano",
    "nano-hinted",
)
OWN_PROMPTS = ("deepseek-grm-mixed", "deepseek-grm-mixed-hinted", "nano-principles", "principles")


def test_what_we_ship() -> None:
    assert sorted(template_names()) == sorted((*NAMES, *OWN_PROMPTS))


@pytest.mark.parametrize("name", OWN_PROMPTS)
def test_some_have_their_own_prompts(name: str, prompt_file: Callable[[str], Path]) -> None:
    assert load_template(name).name == name
    with pytest.raises(TemplateError, match=f"{name} has its own prompts; it takes no prompt file"):
        load_template(name, prompt_file=prompt_file("{{ query }}"))


@pytest.mark.parametrize("name", NAMES)
def test_templates_are_loaded_by_name(name: str, prompt_file: Callable[[str], Path]) -> None:
    template = load_template(name)
    assert template.name == name
    assert template.fingerprint == load_template(name).fingerprint
    path = prompt_file("{{ query }}{{ responses[0] }}{{ responses[1] }}{{ hint }}")
    assert load_template(name, prompt_file=path).fingerprint != template.fingerprint


def test_fingerprints_differ() -> None:
    assert len({load_template(name).fingerprint for name in template_names()}) == len(template_names())


def test_there_is_no_such_template() -> None:
    with pytest.raises(
        ValueError, match=r"there is no template 'grm'; expected one of deepseek-grm, .*llm-judge-llmbar"
    ):
        load_template("grm")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ((None,), "scores None with unparsed_reason None; expected one"),
        (((8.0,), "empty"), r"scores \(8.0,\) with unparsed_reason 'empty'; expected one"),
        ((None, "broken"), "unparsed_reason 'broken'; expected one of "),
    ],
)
def test_a_reading_is_scores_or_a_reason(fields: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Reading(*fields)


@pytest.mark.parametrize("reason", UNPARSED_REASONS)
def test_reasons(reason: str) -> None:
    assert Reading(None, reason).scores is None
