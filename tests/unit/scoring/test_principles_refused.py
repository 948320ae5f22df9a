"""Principles written once per query are refused where no judge would see them, and shown by every template of ours."""

import pytest

from grmkit.backends.fake import FakeBackend
from grmkit.ledger import Ledger
from grmkit.scoring.generative import GenerativeJudge
from grmkit.scoring.load import load
from grmkit.scoring.principles import check_source, shows_principles
from grmkit.templates import load_template, template_names

TEXT = "Specific Criteria:\n1. Clarity (Weight: 30%): is it plain?\n2. Truth (Weight: 70%): is it true?"


def test_an_unknown_source_is_refused():
    for make in (
        lambda: GenerativeJudge(FakeBackend(), load_template("nano"), Ledger(None), principles="both"),
        lambda: load(ledger=None, principles="both"),
    ):
        with pytest.raises(ValueError, match="principles is 'both'; expected one of judgment, query"):
            make()


def test_a_prompt_that_would_not_show_them_is_refused_before_a_ledger_is_opened(tmp_path):
    prompt = tmp_path / "mine.txt"
    prompt.write_text("{{ query }}{% for response in responses %}{{ response }}{% endfor %}")
    mine = load_template("deepseek-grm", prompt_file=prompt)
    check_source("judgment", mine)
    with pytest.raises(ValueError, match="the prompt of template 'deepseek-grm' does not show principles"):
        check_source("query", mine)
    with pytest.raises(ValueError, match=r"write \{\{ principles \}\} into the prompt file"):
        load("nano", prompt_file=prompt, ledger=tmp_path / "l.sqlite", principles="query", template="nano")
    assert not (tmp_path / "l.sqlite").exists()


@pytest.mark.parametrize("name", template_names())
def test_all_templates_of_ours_show_them_but_those_that_ask_for_them(name):
    assert shows_principles(load_template(name)) == (name not in ("principles", "nano-principles"))


@pytest.mark.parametrize("name", ["deepseek-grm", "deepseek-grm-binary", "llm-judge", "nano", "deepseek-grm-mixed"])
def test_every_template_is_given_them(name):
    num = 1 if name.endswith("binary") else 2
    backend = FakeBackend(lambda request, stream: TEXT if request.example_id.startswith("principles") else "Scores: 1")
    judge = GenerativeJudge(backend, load_template(name), Ledger(None), principles="query")
    judge.score("Why?", ("a", "b")[:num], samples=1)
    assert "is it plain?" in backend.requests[-1].messages[0].content
    assert (backend.requests[0].messages[0].content == "Query: Why?") == (name == "nano")
