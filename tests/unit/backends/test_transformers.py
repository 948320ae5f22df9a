"""A causal model in this process draws what its logits say, reads a prompt once and leaves torch as it was."""

import asyncio
import json
import subprocess
import sys

import ctranslate2
import numpy as np
import pytest
import torch
import transformers

from grmkit.backends import Sampling
from grmkit.backends import transformers as ours
from grmkit.backends.chat import Job
from grmkit.backends.ctranslate2 import CTranslate2Backend, with_alternatives
from grmkit.backends.transformers import TransformersBackend, forked, write
from grmkit.errors import BackendDown, BackendError, PromptTooLong
from grmkit.ledger import Ledger
from grmkit.scoring import GenerativeJudge
from grmkit.templates import load_template
from grmkit.types import Example
from tiny_model import CONTEXT, ask

NUM_BLOCKS = 300

OTHER_PROCESS = """
import asyncio, json, sys
sys.path.insert(0, "tests")
from tiny_model import ask
from grmkit.backends.transformers import TransformersBackend
answer = asyncio.run(TransformersBackend(sys.argv[1], device="cpu").sample(ask()))
print(json.dumps([generation.text for generation in answer.generations]))
"""


@pytest.fixture(scope="module")
def backend(tiny_model):
    return TransformersBackend(tiny_model, device="cpu")


def texts(answer):
    return [generation.text for generation in answer.generations]


# Determinism ----------------------------------------------------------------------------------------------------


async def test_the_same_seed_gives_the_same_answers(backend, tiny_model):
    first = await backend.sample(ask())
    await backend.sample(ask(seed=8, says="something else"))
    assert await backend.sample(ask()) == await TransformersBackend(tiny_model, device="cpu").sample(ask()) == first
    assert len(set(texts(first))) == 4
    assert not set(texts(first)) & set(texts(await backend.sample(ask(4, 4))))


async def test_a_stream_says_the_same_however_it_came_to_be_asked(backend):
    whole = await backend.sample(ask(4, 4))
    assert texts(await backend.sample(ask(2, 6))) == texts(await backend.sample(ask(4, 6))) == texts(whole)[2:]


def test_another_process_says_the_same(backend, tiny_model, pytestconfig):
    command = [sys.executable, "-c", OTHER_PROCESS, str(tiny_model)]
    done = subprocess.run(command, cwd=pytestconfig.rootpath, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # no progress bars, no warnings
    assert json.loads(done.stdout) == texts(asyncio.run(backend.sample(ask())))


def test_more_samples_later_are_the_same_as_all_at_once(backend):
    def judge():
        return GenerativeJudge(
            backend, load_template("llm-judge"), Ledger(None), Sampling(temperature=1.0, max_tokens=8)
        )

    example = Example("Why is the sky blue?", ("Light.", "The sea."))
    grown = judge()
    grown.score_all([example], samples=4)
    (more,) = grown.score_all([example], samples=8)
    (at_once,) = judge().score_all([example], samples=8)
    assert more.to_json() == at_once.to_json()
    assert grown.tallies.requests == 2


async def test_greedy_is_what_ctranslate2_says(backend, tiny_model):
    request = ask(temperature=0.0, logprobs=True, max_tokens=60)
    (mine,) = (await backend.sample(request)).generations
    (theirs,) = (await CTranslate2Backend(tiny_model).sample(request)).generations
    assert (mine.text, mine.finish_reason) == (theirs.text, theirs.finish_reason)
    pairs = zip(mine.logprobs or (), theirs.logprobs or (), strict=True)
    assert all(one[0] == other[0] and abs(one[1] - other[1]) < 1e-4 for one, other in pairs)


def test_alternatives_are_those_of_ctranslate2(backend, tiny_model):
    request = ask(temperature=1.0, alternatives=20, max_tokens=200)
    model, other = backend._open(), CTranslate2Backend(tiny_model)
    generator = other._generator(ctranslate2)
    job = model.chat.plan(request, num_known=300)
    num = 0
    for draft in write(model, job, request.sampling):
        told = with_alternatives(generator, other._open(), job.prompt, draft.ids, 20)
        assert np.allclose(draft.logprobs, told.logprobs, atol=1e-3)
        for mine, theirs in zip(draft.alternatives, told.alternatives, strict=True):
            if theirs is not None:
                assert dict(mine) == pytest.approx(dict(theirs), abs=1e-3)
                num += 1
    assert num > 10


async def test_asking_for_alternatives_changes_no_text(backend):
    plain, told = await backend.sample(ask()), await backend.sample(ask(alternatives=3))
    assert texts(plain) == texts(told)
    assert all(len(given.alternatives or ()) == len(given.logprobs or ()) for given in told.generations)


# The distribution -----------------------------------------------------------------------------------------------


def plain(model, job, sampling):
    """What `generate` gives when it is asked in the plainest way."""
    prompt = torch.tensor([job.prompt] * 4)
    how = {"temperature": sampling.temperature, "top_p": sampling.top_p, "top_k": 0, "max_new_tokens": job.max_new}
    config = transformers.GenerationConfig(do_sample=True, eos_token_id=[0], pad_token_id=0, **how)
    with torch.random.fork_rng([]):
        torch.manual_seed(job.seed)
        written = model.network.generate(prompt, attention_mask=torch.ones_like(prompt), generation_config=config)
    return written[:, len(job.prompt) :]


@pytest.mark.parametrize("top_p", [1.0, 0.7])
def test_a_prompt_read_once_changes_nothing(top_p, backend):
    model, sampling = backend._open(), Sampling(temperature=0.8, top_p=top_p)
    for says in ("the sky", "the sky", "the sea"):
        job = model.chat.plan(ask(says=says, temperature=0.8, top_p=top_p), num_known=300)
        drafts = write(model, job, sampling)
        expected = plain(model, job, sampling).tolist()
        assert [draft.ids for draft in drafts] == [
            tuple(row[: row.index(0) + 1] if 0 in row else row) for row in expected
        ]


async def test_a_prompt_is_read_once_for_all_its_blocks(tiny_model, monkeypatch):
    backend = TransformersBackend(tiny_model, device="cpu")
    model, lengths = backend._open(), []
    model.network.model.embed_tokens.register_forward_hook(lambda _, args, __: lengths.append(args[0].shape))
    for stream in (0, 4, 8):
        await backend.sample(ask(4, stream, max_tokens=2))
    used = len(model.chat.plan(ask(), num_known=300).prompt)
    assert lengths == [(1, used - 1), *[(4, 1)] * 6]


def test_tokens_come_as_often_as_the_softmax_says(backend):
    model = backend._open()
    job = model.chat.plan(ask(max_tokens=1), num_known=300)
    blocks = (Job(job.prompt, 4, 1, seed, 0, 4) for seed in range(NUM_BLOCKS))
    rows = np.array([[draft.ids[0] for draft in write(model, block, Sampling(temperature=0.5))] for block in blocks])
    with torch.inference_mode():
        logits = model.network(torch.tensor([job.prompt])).logits[0, -1]
    expected = torch.softmax(logits.double() / 0.5, 0).numpy()
    often = expected * rows.size > 5
    assert often.sum() > 30
    counts = np.bincount(rows.ravel(), minlength=len(expected))
    surprise = (counts - expected * rows.size)[often] ** 2 / (expected * rows.size)[often]
    assert 0.6 < surprise.mean() < 1.4  # chi-squared per degree of freedom


def test_logprobs_are_those_of_the_model_whatever_the_temperature(backend):
    model = backend._open()
    sampling = Sampling(temperature=3.0, top_p=0.8, logprobs=True)
    job = model.chat.plan(ask(max_tokens=300), num_known=300)
    drafts = write(model, job, sampling)
    assert {draft.ids[-1] == 0 for draft in drafts} == {True, False}
    for draft in drafts:
        assert draft.logprobs is not None
        ids = torch.tensor([[*job.prompt, *draft.ids]])
        with torch.inference_mode():
            table = torch.log_softmax(model.network(ids).logits[0, len(job.prompt) - 1 : -1], -1)
        expected = table.gather(1, torch.tensor(draft.ids)[:, None])[:, 0]
        assert np.allclose(draft.logprobs, expected.numpy(), atol=1e-4)
    assert [draft.ids for draft in write(model, job, Sampling(temperature=3.0, top_p=0.8))] == [
        draft.ids for draft in drafts
    ]


async def test_the_model_s_own_settings_count_for_nothing_but_the_end(backend, model_copy):
    told = {"eos_token_id": 0, "do_sample": True, "top_k": 1, "repetition_penalty": 9.0, "temperature": 9.0}
    (model_copy / "generation_config.json").write_text(json.dumps(told | {"min_new_tokens": 20, "top_p": 0.1}))
    theirs = TransformersBackend(model_copy, device="cpu")
    for how in ({"temperature": 1.0}, {"temperature": 0.0}):
        assert texts(await theirs.sample(ask(**how))) == texts(await backend.sample(ask(**how)))
    assert (await theirs.identity())["weights"] == (await backend.identity())["weights"]


# Ends -----------------------------------------------------------------------------------------------------------


async def test_an_answer_ends_with_a_stop_or_is_cut(backend):
    answer = await backend.sample(ask(max_tokens=300, temperature=3.0, logprobs=True))
    assert {given.finish_reason for given in answer.generations} == {"stop", "length"}
    assert answer.completion_tokens == sum(len(given.logprobs or ()) for given in answer.generations)
    assert 300 < answer.completion_tokens < 1200
    assert all("<|end|>" not in (given.text or "") for given in answer.generations)


async def test_the_context_cuts_an_answer_and_refuses_a_prompt(backend):
    used = len(backend._open().chat.plan(ask(says=""), num_known=300).prompt)
    answer = await backend.sample(ask(says="x" * (CONTEXT - used - 2)))
    assert [given.finish_reason for given in answer.generations] == ["length"] * 4
    assert (answer.prompt_tokens, answer.completion_tokens) == (CONTEXT - 2, 8)
    with pytest.raises(PromptTooLong):
        await backend.sample(ask(says="x" * CONTEXT))


async def test_a_prompt_of_one_token(model_copy):
    (model_copy / "chat_template.jinja").write_text("<|assistant|>")
    answer = await TransformersBackend(model_copy, device="cpu").sample(ask())
    assert (answer.prompt_tokens, len(set(texts(answer)))) == (1, 4)


# Neighbours -----------------------------------------------------------------------------------------------------


async def test_torch_s_random_numbers_go_on_as_if_nothing_had_been(backend):
    torch.manual_seed(5)
    expected = torch.rand(8)
    torch.manual_seed(5)
    await backend.sample(ask())
    assert torch.equal(torch.rand(8), expected)
    with forked(torch.device("cpu"), 5):
        assert torch.equal(torch.rand(8), expected)


async def test_the_event_loop_goes_on(backend):
    task, ticks = asyncio.create_task(backend.sample(ask(max_tokens=100))), 0
    while not task.done():
        await asyncio.sleep(0.001)
        ticks += 1
    assert ticks > 5


async def test_what_it_says_of_itself(backend, tiny_model, model_copy):
    identity = await backend.identity()
    assert {name: identity[name] for name in ("kind", "engine", "dtype")} == {
        "kind": "transformers",
        "engine": transformers.__version__,
        "dtype": "float32",
    }
    assert await TransformersBackend(model_copy, device="cpu").identity() == identity
    transformers.AutoModelForCausalLM.from_pretrained(model_copy, dtype=torch.float16).save_pretrained(model_copy)
    saved_in_half = TransformersBackend(model_copy, device="cpu")
    assert (await saved_in_half.identity())["dtype"] == "float32", "a CPU computes in float16 slowly"
    asked_for_half = TransformersBackend(model_copy, device="cpu", dtype="float16")
    assert (await asked_for_half.identity())["dtype"] == "float16"
    half = TransformersBackend(model_copy, device="cpu", dtype="bfloat16")
    assert (await half.identity())["dtype"] == "bfloat16"
    assert (await half.sample(ask())).completion_tokens == 96
    assert str(tiny_model) not in json.dumps(dict(identity))
    assert repr(backend) == f"TransformersBackend({str(tiny_model)!r})"
    assert (backend.max_samples, backend.block_size, backend.concurrency) == (4, 4, 1)
    await backend.aclose()


@pytest.mark.gpu
async def test_a_gpu_s_random_numbers_go_on_too(tiny_model):
    backend = TransformersBackend(tiny_model, device="cuda")
    state = torch.cuda.get_rng_state()
    first = await backend.sample(ask())
    assert torch.equal(torch.cuda.get_rng_state(), state)
    assert await backend.sample(ask()) == first
    assert len(set(texts(first))) == 4


# Trouble --------------------------------------------------------------------------------------------------------


async def test_weights_that_would_be_random_are_an_error(model_copy):
    config = json.loads((model_copy / "config.json").read_text())
    (model_copy / "config.json").write_text(json.dumps(config | {"tie_word_embeddings": False}))
    with pytest.raises(BackendDown, match=r"lack 1 of the model's tensors, which would be random: lm_head\.weight"):
        await TransformersBackend(model_copy, device="cpu").identity()


@pytest.mark.parametrize(
    ("name", "damage", "words"),
    [
        ("model.safetensors", b"\x01", "transformers cannot load the model"),
        ("model.safetensors", None, "holds no weights"),
        ("config.json", b"{", "config.json: cannot be read"),
        ("config.json", b'{"max_position_embeddings": 9}', "transformers cannot load the model"),
    ],
)
async def test_a_damaged_model_is_told_before_anything_is_sampled(name, damage, words, model_copy):
    (model_copy / name).unlink()
    if damage is not None:
        (model_copy / name).write_bytes(damage)
    with pytest.raises(BackendDown, match=words):
        await TransformersBackend(model_copy, device="cpu").identity()


@pytest.mark.parametrize(
    ("model", "how", "words"),
    [
        ("no such folder", {}, "expected a folder, or an id on the hub like owner/name"),
        ("owner/name", {"dtype": "int3"}, "dtype is 'int3'; expected one of auto"),
        ("owner/name", {"device": "toaster"}, "device is 'toaster'; expected cpu, cuda or cuda:N"),
    ],
)
def test_what_cannot_be_meant_is_refused(model, how, words):
    with pytest.raises(ValueError, match=words):
        TransformersBackend(model, **how)


async def test_a_device_that_is_not_there(tiny_model):
    with pytest.raises(BackendDown, match="cannot be moved to cuda:77"):
        await TransformersBackend(tiny_model, device="cuda:77").identity()


async def test_a_model_of_the_hub_is_looked_up_there(tiny_model, monkeypatch):
    import huggingface_hub

    def fetch(name, **_):
        if name != "some/judge":
            raise OSError("401: no such repository")
        return str(tiny_model)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fetch)
    assert (await TransformersBackend("some/judge", device="cpu").identity())["kind"] == "transformers"
    with pytest.raises(BackendDown, match="other/judge: the hub gave no model: 401"):
        await TransformersBackend("other/judge").identity()


async def test_an_engine_in_trouble_costs_one_request(backend, monkeypatch):
    await backend.identity()

    def fail(*_):
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(ours, "write", fail)
    with pytest.raises(BackendError, match="transformers failed: out of memory") as caught:
        await backend.sample(ask())
    assert not isinstance(caught.value, BackendDown)


@pytest.mark.parametrize("name", ["torch", "transformers", "tokenizers"])
async def test_a_missing_package_says_what_to_install(name, tiny_model, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(BackendDown, match=rf"needs the package {name}.*pip install 'grmkit\[local\]'"):
        await TransformersBackend(tiny_model).identity()
