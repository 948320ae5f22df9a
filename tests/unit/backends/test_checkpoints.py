"""The architectures of published judges load and answer as they are: no code of theirs runs, nothing is random.

The weights are random and small. What this shows is that a checkpoint of such an architecture can be read, chatted
with and stopped; not how well it judges.
"""

import asyncio
import json
import shutil
from pathlib import Path

import pytest
import torch

from grmkit.backends import Sampling
from grmkit.backends.ctranslate2 import CTranslate2Backend
from grmkit.backends.transformers import TransformersBackend
from grmkit.errors import BackendDown, CheckpointError
from grmkit.ledger import Ledger
from grmkit.models.checkpoint import convert_judge, load_causal
from grmkit.scoring import GenerativeJudge
from grmkit.templates import load_template
from grmkit.types import Example
from tiny_checkpoints import CHATS, MODELS, make_checkpoint
from tiny_model import ask, make_scalar

PAIR = Example("Why is the sky blue?", ("Light.", "The sea."), id="x")
TEMPLATES = dict.fromkeys(("rm-r1", "rm-r1-distilled", "j1-8b"), "llm-judge-rm-r1") | {"j1-micro": "j1"}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    home = tmp_path_factory.mktemp("published")
    return {name: make_checkpoint(home / name, name) for name in MODELS}


@pytest.fixture(params=MODELS)
def name(request):
    return request.param


@pytest.fixture
def gemma(folders, tmp_path):
    """A copy to be broken at will."""
    return Path(shutil.copytree(folders["deepseek-grm-27b"], tmp_path / "gemma"))


@pytest.fixture
def deepseek(folders, tmp_path):
    return Path(shutil.copytree(folders["deepseek-grm-16b"], tmp_path / "deepseek"))


def sample(folder, **how):
    return asyncio.run(TransformersBackend(folder, device="cpu").sample(ask(**how)))


def verdict_of(folder, template):
    backend = TransformersBackend(folder, device="cpu")
    judge = GenerativeJudge(backend, template, Ledger(None), Sampling(temperature=1.0, max_tokens=8))
    return judge.score(PAIR.query, PAIR.responses, samples=4)


# They load and answer -------------------------------------------------------------------------------------------


def test_it_says_what_its_logits_say_past_its_window_too(name, folders):
    """Greedy, with the prompt read once, against the whole text read again for every token."""
    network, tokenizer = load_causal(folders[name])
    assert type(network).__name__ == f"{MODELS[name][0]}ForCausalLM"
    turns = [{"role": "user", "content": "the sky " * 60}]
    ids = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_dict=False)
    told, start = list(ids), len(ids)
    assert start > 64 + 30  # twice the window, nearly
    with torch.inference_mode():
        while len(told) < start + 30 and (len(told) == start or told[-1] != network.config.eos_token_id):
            told.append(int(network(torch.tensor([told]), use_cache=False).logits[0, -1].argmax()))
    answer = sample(folders[name], says="the sky " * 60, temperature=0.0, max_tokens=30)
    assert answer.prompt_tokens == start
    assert answer.generations[0].text == tokenizer.decode(told[start:], skip_special_tokens=True)


def test_a_text_begins_once(name, folders):
    _, begins = CHATS[MODELS[name][2]][0][:2]
    chat = TransformersBackend(folders[name], device="cpu")._open().chat
    ids = chat.encode(ask().messages)
    expected = 2 if MODELS[name][2] == "chatml" else 0  # turns before the one to come
    assert ids.count(chat.tokenizer.token_to_id(begins)) == expected + 1


def test_random_weights_never_become_a_score(name, folders, tmp_path):
    (tmp_path / "short.txt").write_text("{{ query }} {{ responses[0] }} {{ responses[1] }}")
    template = load_template(TEMPLATES.get(name, "deepseek-grm"), prompt_file=tmp_path / "short.txt")
    verdict = verdict_of(folders[name], template)
    assert (verdict.scores, verdict.best, verdict.abstained.reason) == (None, None, "unreadable")
    assert verdict.unparsed == len(verdict.judgments) == 4


# System turns ---------------------------------------------------------------------------------------------------


def test_a_chat_without_system_turns_refuses_a_prompt_with_one_and_says_so(name, folders, tmp_path):
    prompt = tmp_path / "card.txt"
    prompt.write_text("Judge.\n{# user #}\n{{ query }}{{ responses[0] }}{{ responses[1] }}")
    abstained = verdict_of(folders[name], load_template("llm-judge-rm-r1", prompt_file=prompt)).abstained
    if MODELS[name][2] == "gemma":
        assert abstained.reason == "backend"
        assert "chat template refuses the prompt: System role not supported" in abstained.detail
    else:
        assert abstained.reason == "unreadable"


# Files as they are published -----------------------------------------------------------------------------------------


def test_code_that_comes_with_a_checkpoint_is_not_run(deepseek):
    """DeepSeek-V2's repositories name files of code in their config; transformers knows the architecture by itself."""
    before = sample(deepseek)
    config = json.loads((deepseek / "config.json").read_text())
    config["auto_map"] = {"AutoConfig": "code.Config", "AutoModelForCausalLM": "code.Model"}
    (deepseek / "config.json").write_text(json.dumps(config))
    (deepseek / "code.py").write_text("raise SystemExit('the code of a checkpoint was run')")
    assert sample(deepseek) == before
    assert type(load_causal(deepseek)[0]).__name__ == "DeepseekV2ForCausalLM"


def test_an_older_config_tells_its_positions_in_older_words(deepseek):
    """As DeepSeek-V2-Lite was saved: `rope_scaling` and `torch_dtype`, and a context of 163,840 tokens."""
    config = json.loads((deepseek / "config.json").read_text())
    del config["rope_parameters"], config["dtype"]
    yarn = {"type": "yarn", "factor": 40, "original_max_position_embeddings": 4096, "beta_fast": 32, "beta_slow": 1}
    config |= {"rope_theta": 10000, "rope_scaling": yarn | {"mscale": 0.707, "mscale_all_dim": 0.707}}
    config |= {"torch_dtype": "float32", "max_position_embeddings": 163_840}
    (deepseek / "config.json").write_text(json.dumps(config))
    assert load_causal(deepseek)[0].config.rope_parameters["rope_type"] == "yarn"
    assert sample(deepseek).completion_tokens > 0


def test_shards_are_one_model(gemma, tmp_path):
    expected = sample(gemma)
    sharded = make_checkpoint(tmp_path / "shards", "deepseek-grm-27b", shards="60KB")
    assert (sharded / "model.safetensors.index.json").is_file()
    assert sample(sharded) == expected
    next(sharded.glob("model-00002-of-*.safetensors")).unlink()
    with pytest.raises(BackendDown, match=r"transformers cannot load the model: .*model-00002-of"):
        sample(sharded)


def test_bfloat16_stays_bfloat16_on_a_cpu(tmp_path):
    backend = TransformersBackend(make_checkpoint(tmp_path / "b", "rm-r1", dtype=torch.bfloat16), device="cpu")
    assert asyncio.run(backend.identity())["dtype"] == "bfloat16"
    assert len(asyncio.run(backend.sample(ask())).generations) == 4
    exact = TransformersBackend(tmp_path / "b", device="cpu", dtype="float32")
    assert asyncio.run(exact.identity())["dtype"] == "float32"


def test_without_a_tokenizer_or_a_chat_template(gemma):
    settings = json.loads((gemma / "tokenizer_config.json").read_text())
    (gemma / "tokenizer_config.json").write_text(json.dumps(settings | {"chat_template": None}))
    with pytest.raises(BackendDown, match=r"the model has no chat template; expected chat_template\.jinja"):
        sample(gemma)
    (gemma / "tokenizer.json").unlink()
    with pytest.raises(BackendDown, match=r"tokenizer\.json: there is no such file"):
        sample(gemma)


def test_a_meta_rm_is_no_judge(tmp_path):
    """Its body is tied to an output layer, so it would load, and write."""
    folder = make_checkpoint(tmp_path / "meta", "deepseek-grm-27b", head="ForSequenceClassification")
    with pytest.raises(BackendDown, match="is a Gemma2ForSequenceClassification, which gives a number and writes no"):
        sample(folder)


def test_a_converted_meta_rm_is_no_judge_either(tiny_model, tmp_path):
    """It would write nothing, again and again."""
    folder = make_scalar(tiny_model, tmp_path / "scalar")
    with pytest.raises(BackendDown, match="is a converted scalar model, which gives a number and writes no text"):
        asyncio.run(CTranslate2Backend(folder).identity())


# Converted ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["rm-r1", "j1-8b", "j1-micro"])
def test_what_ctranslate2_computes_is_converted(name, folders):
    convert_judge(folders[name])
    request = ask(temperature=0.0, max_tokens=30)
    (theirs,) = asyncio.run(CTranslate2Backend(folders[name]).sample(request)).generations
    assert theirs == sample(folders[name], temperature=0.0, max_tokens=30).generations[0]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("deepseek-grm-16b", "ctranslate2 cannot convert the model: No conversion is registered .*DeepseekV2Config"),
        ("deepseek-grm-27b", "does not compute a Gemma2ForCausalLM as it is; use it with transformers"),
    ],
)
def test_what_it_does_not_is_not_and_the_error_says_why(name, why, folders):
    """Of Gemma 2 it leaves out the window of every other layer and the cap on attention."""
    with pytest.raises(CheckpointError, match=why):
        convert_judge(folders[name])
    assert not (folders[name] / "ctranslate2").exists()
