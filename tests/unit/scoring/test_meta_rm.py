"""A meta RM from its folder, and what it reads."""

import asyncio

import pytest

from grmkit.backends.scalar_ctranslate2 import CTranslate2Scalar
from grmkit.backends.scalar_transformers import TransformersScalar
from grmkit.errors import BackendDown, BackendError, CheckpointError
from grmkit.models.checkpoint import load_causal, to_classifier
from grmkit.nano import JUDGE
from grmkit.scoring import load
from grmkit.scoring.meta_rm import PROMPT_FILE, MetaRM, check_reads, load_meta_rm
from grmkit.templates import MetaRMTemplate, load_template
from grmkit.templates.nano import PROMPT
from grmkit.types import Example
from tiny_model import make_model, make_scalar

ITEM = Example("Why is the sky blue?", ("Light.", "The sea."), id="x")


class Lengths:
    """A backend whose logit is how much there is to read."""

    def __init__(self):
        self.read = []

    async def identity(self):
        return {"kind": "lengths"}

    async def logits(self, conversations):
        self.read.extend(conversations)
        return [float(sum(len(message.content) for message in talk)) for talk in conversations]

    async def aclose(self):
        pass


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    home = tmp_path_factory.mktemp("meta")
    folder = make_scalar(make_model(home / "tiny"), home / "scalar")
    (folder / PROMPT_FILE).write_text(PROMPT.read_text())
    return folder


def test_judgments_are_read_in_their_order_with_the_responses_as_they_were_shown():
    backend = Lengths()
    scores = asyncio.run(MetaRM(backend, MetaRMTemplate()).ascore([(ITEM, (0, 1), "One."), (ITEM, (1, 0), "Other.")]))
    assert [talk[1].content for talk in backend.read] == ["One.", "Other."]
    first, second = (talk[0].content for talk in backend.read)
    assert first.index("Light.") < first.index("The sea.")
    assert second.index("The sea.") < second.index("Light.")
    assert scores[1] - scores[0] == len("Other.") - len("One.")


def test_an_order_that_is_none_cannot_be_read():
    with pytest.raises(ValueError, match=r"order is \[0, 0\]"):
        asyncio.run(MetaRM(Lengths(), MetaRMTemplate()).ascore([(ITEM, (0, 0), "x")]))


def test_the_form_that_was_converted_comes_first(saved, tmp_path):
    assert isinstance(load_meta_rm(saved).backend, CTranslate2Scalar)
    assert isinstance(load_meta_rm(saved, kind="transformers").backend, TransformersScalar)
    (saved / "ctranslate2").rename(tmp_path / "away")
    try:
        assert isinstance(load_meta_rm(saved).backend, TransformersScalar)
    finally:
        (tmp_path / "away").rename(saved / "ctranslate2")


def test_both_forms_give_the_same_logits(saved):
    judged = [(ITEM, (0, 1), "Scores: [7, 4]"), (ITEM, (1, 0), "the sea " * 20)]
    one, other = (asyncio.run(load_meta_rm(saved, kind=k).ascore(judged)) for k in ("ctranslate2", "transformers"))
    assert one == pytest.approx(other, abs=1e-4)
    assert abs(one[0] - one[1]) > 1e-3


def test_it_reads_the_prompt_it_was_trained_on(saved):
    assert load_meta_rm(saved).template.prompt_text == PROMPT.read_text()


def test_a_judgment_that_is_too_long_is_an_error_that_says_so(saved):
    with pytest.raises(BackendError, match="token"):
        asyncio.run(load_meta_rm(saved).ascore([(ITEM, (0, 1), "x " * 9000)]))


def test_a_folder_that_does_not_say_what_it_reads(tmp_path):
    with pytest.raises(BackendDown, match=r"holds no meta_prompt\.txt; expected a meta RM as `grm train` saves it"):
        load_meta_rm(tmp_path)


def test_a_language_model_is_no_meta_rm(tmp_path):
    """Its head would be random."""
    folder = make_model(tmp_path / "tiny")
    (folder / PROMPT_FILE).write_text(PROMPT.read_text())
    with pytest.raises((BackendDown, CheckpointError), match="Qwen3ForCausalLM; expected a model with a scalar head"):
        asyncio.run(load_meta_rm(folder, kind="transformers").ascore([(ITEM, (0, 1), "x")]))


def test_a_meta_rm_is_no_judge(saved):
    with pytest.raises(CheckpointError, match="which gives a number and writes no text"):
        load_causal(saved)
    with pytest.raises(CheckpointError, match="which gives a number and writes no text"):
        to_classifier(saved, seed=0)
    assert load_causal(JUDGE)


def test_one_for_another_template_is_refused_and_a_prompt_of_your_own_is_not(tmp_path):
    nano, grm = MetaRM(Lengths(), MetaRMTemplate(prompt_file=PROMPT)), MetaRM(Lengths(), MetaRMTemplate())
    check_reads(nano, load_template("nano"))
    check_reads(grm, load_template("deepseek-grm"))
    check_reads(grm, load_template("llm-judge"))
    with pytest.raises(ValueError, match=r"trained for nano judges, as its meta_prompt\.txt says, and this judge's"):
        check_reads(nano, load_template("deepseek-grm"))
    with pytest.raises(ValueError, match=r"trained for judges of the DeepSeek-GRM format.*template is 'nano'"):
        check_reads(grm, load_template("nano"))
    own = tmp_path / "own.txt"
    own.write_text("{{ query }}{% for response in responses %}- {{ response }}\n{% endfor %}")
    for name in ("nano", "deepseek-grm"):
        check_reads(MetaRM(Lengths(), MetaRMTemplate(prompt_file=own)), load_template(name))


def test_the_one_that_ships_reads_the_judgments_of_the_judge_that_ships():
    shipped = load_meta_rm("nano")
    check_reads(shipped, load_template("nano"))
    item = Example("Name 4 animals. Begin with owl.", ("I name owl, goat, horse, otter.", "I name goat, owl, horse."))
    judge = load(ledger=None, meta_rm="nano", meta_samples=1)
    verdict = judge.score(item.query, item.responses, samples=4)
    judge.close()
    judged = [(item, one.order, one.text) for one in verdict.judgments]
    assert [one.meta_score for one in verdict.judgments] == asyncio.run(shipped.ascore(judged))
    assert (verdict.voted, verdict.best) == (1, 0)


def test_its_two_forms_say_the_same():
    item = Example("Name 4 animals. Begin with owl.", ("I name owl, goat, horse, otter.", "I name goat, owl, horse."))
    judged = [(item, (0, 1), "Scores: \\boxed{9, 2}"), (item, (1, 0), "Scores: \\boxed{3, 8}")]
    one = asyncio.run(load_meta_rm("nano", kind="ctranslate2").ascore(judged))
    other = asyncio.run(load_meta_rm("nano", kind="transformers").ascore(judged))
    assert one == pytest.approx(other, abs=1e-3)
