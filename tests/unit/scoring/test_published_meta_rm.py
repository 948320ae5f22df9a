"""The architecture of the published meta RM, a Gemma 2 with one label, read as transformers itself reads it.

Its weights are random and small; how well the real one judges judgments is not tested.
"""

import asyncio
import json
import shutil
from pathlib import Path

import pytest
import torch
import transformers

from grmkit.backends.scalar_transformers import TransformersScalar, read_logits
from grmkit.errors import BackendDown, BackendError, CheckpointError
from grmkit.models.checkpoint import load_classifier
from grmkit.models.scalar_head import convert_scalar
from grmkit.scoring.meta_rm import PROMPT_FILE, load_meta_rm
from grmkit.templates.meta_rm import PROMPT
from grmkit.types import Example
from tiny_checkpoints import make_checkpoint

ITEM = Example("Why is the sky blue?", ("Light.", "The sea."), id="x")
JUDGED = [(ITEM, (0, 1), "Scores: [7, 4]"), (ITEM, (1, 0), "the sea " * 40), (ITEM, (0, 1), "")]
SCALAR = "ForSequenceClassification"


def make(folder, **how):
    """A meta RM as it is published, and what it reads beside it."""
    make_checkpoint(folder, "deepseek-grm-27b", head=SCALAR, **how)
    (folder / PROMPT_FILE).write_text(PROMPT.read_text())
    return folder


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    return make(tmp_path_factory.mktemp("published") / "meta")


@pytest.fixture
def broken(published, tmp_path):
    """A copy to be broken at will."""
    return Path(shutil.copytree(published, tmp_path / "copy"))


def scores(folder, judged=JUDGED):
    return asyncio.run(load_meta_rm(folder).ascore(judged))


def rows_of(folder):
    """The tokens of each judgment, by transformers' own tokenizer and template."""
    tokenizer = transformers.PreTrainedTokenizerFast.from_pretrained(folder)
    template = load_meta_rm(folder).template
    rows = []
    for one in JUDGED:
        turns = [{"role": turn.role, "content": turn.content} for turn in template.render(*one).messages]
        rows.append(tokenizer.apply_chat_template(turns, add_generation_prompt=False, return_dict=False))
    return rows


# Logits ---------------------------------------------------------------------------------------------------------


def test_it_is_what_transformers_says_past_its_window_too(published):
    network = transformers.Gemma2ForSequenceClassification.from_pretrained(published)
    rows = rows_of(published)
    assert min(map(len, rows)) > 64, "the window of every other layer"
    with torch.inference_mode():
        alone = [network(torch.tensor([row])).logits[0, 0].item() for row in rows]
    assert scores(published) == pytest.approx(alone, abs=1e-4)
    assert max(alone) - min(alone) > 1e-3


def test_a_batch_padded_on_the_right_is_read_at_the_last_token_of_each(published):
    network, tokenizer = load_classifier(published)
    rows = rows_of(published)
    longest, pad = max(map(len, rows)), tokenizer.pad_token_id
    assert tokenizer.convert_ids_to_tokens(pad) == "<pad>"
    ids = torch.tensor([row + [pad] * (longest - len(row)) for row in rows])
    with torch.inference_mode():
        theirs = network(ids, attention_mask=(ids != pad).long()).logits[:, 0].tolist()
    assert read_logits(network, rows) == pytest.approx(theirs, abs=1e-4)
    assert scores(published) == pytest.approx(theirs, abs=1e-4)


def test_a_token_that_pads_and_ends_is_read_all_the_same(published, tmp_path):
    """transformers passes over the last token if it is the one that pads; the judgment's end would not be read."""
    template = "{% for m in messages %}{{ m.role }}: {{ m.content }}<eos>{% endfor %}"
    folder = make(tmp_path / "padded", pad_token="<eos>", chat_template=template)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"pad_token_id": 0}))
    rows = rows_of(folder)
    assert {row[-1] for row in rows} == {0}
    with torch.inference_mode():
        body = transformers.Gemma2ForSequenceClassification.from_pretrained(folder)
        hidden = [body.model(torch.tensor([row])).last_hidden_state[0] for row in rows]
        last = [body.score(states[-1]).item() for states in hidden]
        before = [body.score(states[-2]).item() for states in hidden]
    assert scores(folder) == pytest.approx(last, abs=1e-4)
    assert scores(folder) != pytest.approx(before, abs=1e-3)


# Files ----------------------------------------------------------------------------------------------------------


def test_shards_in_bfloat16_are_read_as_they_were_saved(tmp_path):
    folder = make(tmp_path / "shards", dtype=torch.bfloat16, shards="40KB")
    assert len(list(folder.glob("*.safetensors"))) > 2
    network = transformers.Gemma2ForSequenceClassification.from_pretrained(folder, dtype=torch.bfloat16)
    with torch.inference_mode():
        theirs = [network(torch.tensor([row])).logits[0, 0].item() for row in rows_of(folder)]
    assert scores(folder) == pytest.approx(theirs, abs=1e-4)
    assert asyncio.run(load_meta_rm(folder).backend.identity())["dtype"] == "bfloat16"
    next(folder.glob("model-00002-of-*")).unlink()
    with pytest.raises(BackendDown, match=r"transformers cannot load the model: .*model-00002-of"):
        scores(folder)


def test_what_it_reads_has_to_be_written_down(broken):
    (broken / PROMPT_FILE).unlink()
    with pytest.raises(BackendDown, match=r"beside a published one write the user's turn it reads, as docs/how-to/use"):
        load_meta_rm(broken)


def test_a_language_model_is_no_meta_rm(tmp_path):
    folder = make_checkpoint(tmp_path / "judge", "deepseek-grm-27b")
    (folder / PROMPT_FILE).write_text(PROMPT.read_text())
    with pytest.raises(BackendDown, match="is a Gemma2ForCausalLM; expected a model with a scalar head"):
        scores(folder)


def test_without_a_tokenizer(broken):
    (broken / "tokenizer.json").unlink()
    with pytest.raises(BackendDown, match=r"tokenizer\.json: there is no such file"):
        scores(broken)


def test_without_its_head(broken):
    """A folder whose config was edited to look like a scalar model would have a random head."""
    shutil.copy(make_checkpoint(broken.parent / "judge", "deepseek-grm-27b") / "model.safetensors", broken)
    with pytest.raises(BackendDown, match=r"lack 1 of the model's tensors, which would be random: score\.weight"):
        scores(broken)


def test_two_labels_are_no_scalar(broken):
    config = json.loads((broken / "config.json").read_text())
    config["id2label"], config["label2id"] = {"0": "bad", "1": "good"}, {"bad": 0, "good": 1}
    (broken / "config.json").write_text(json.dumps(config))
    with pytest.raises(BackendDown, match="is a Gemma2ForSequenceClassification of 2 labels; expected one, the scalar"):
        scores(broken)


def test_a_chat_that_knows_no_system_turn(broken):
    (broken / PROMPT_FILE).write_text("Score.\n{# user #}\n" + PROMPT.read_text())
    with pytest.raises(BackendError, match="its chat template refuses the prompt: System role not supported"):
        scores(broken)


def test_it_is_not_converted_and_the_error_says_why(broken):
    with pytest.raises(CheckpointError, match="does not compute a Gemma2ForSequenceClassification as it is; use it"):
        convert_scalar(broken)
    assert not (broken / "ctranslate2").exists()
    assert isinstance(load_meta_rm(broken).backend, TransformersScalar)
