"""A converted model draws what its logits say, the same in any process, four streams at a time."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import ctranslate2
import numpy as np
import pytest

from grmkit.backends import Sampling
from grmkit.backends import ctranslate2 as ours
from grmkit.backends.chat import Job
from grmkit.backends.ctranslate2 import CTranslate2Backend, find_model, write
from grmkit.errors import BackendDown, BackendError, PromptTooLong
from grmkit.ledger import Ledger
from grmkit.scoring import GenerativeJudge
from grmkit.templates import load_template
from grmkit.types import Example
from tiny_model import ask

EXAMPLES = [Example(f"Why is the sky blue? ({number})", ("Light.", "The sea.")) for number in range(6)]
NUM_BLOCKS = 800


@pytest.fixture
def backend(tiny_model):
    return CTranslate2Backend(tiny_model)


def texts(answer):
    return [generation.text for generation in answer.generations]


def judge(folder, path=None):
    sampling = Sampling(temperature=1.0, max_tokens=8, seed=3)
    return GenerativeJudge(CTranslate2Backend(folder), load_template("llm-judge"), Ledger(path), sampling)


# Determinism ----------------------------------------------------------------------------------------------------


async def test_the_same_seed_gives_the_same_answers(tiny_model):
    one, other = CTranslate2Backend(tiny_model), CTranslate2Backend(tiny_model / "ctranslate2")
    first = await one.sample(ask())
    await one.sample(ask(seed=8))
    assert await one.sample(ask()) == await other.sample(ask()) == first
    assert len(set(texts(first))) == 4
    assert not set(texts(first)) & set(texts(await one.sample(ask(seed=8))))
    assert not set(texts(first)) & set(texts(await one.sample(ask(4, 4))))


async def test_a_stream_says_the_same_however_it_came_to_be_asked(backend):
    whole = await backend.sample(ask(4, 4))
    assert [texts(await backend.sample(ask(1, stream)))[0] for stream in (6, 4, 7, 5)] == [
        texts(whole)[stream] for stream in (2, 0, 3, 1)
    ]
    assert texts(await backend.sample(ask(4, 6))) == texts(whole)[2:]  # what is past the block is asked for again
    assert (await backend.sample(ask(2, 6))).completion_tokens == 48


def test_another_process_says_the_same(tiny_model):
    told = [verdict.to_json() for verdict in judge(tiny_model).score_all(EXAMPLES[:2], samples=4)]
    done = subprocess.run([sys.executable, "-c", SCORING, str(tiny_model), "", "2"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert [json.loads(line) for line in done.stdout.splitlines()] == json.loads(json.dumps(told))


SCORING = """
import asyncio, json, sys
from grmkit.backends import Sampling
from grmkit.backends.ctranslate2 import CTranslate2Backend
from grmkit.ledger import Ledger
from grmkit.scoring import GenerativeJudge
from grmkit.templates import load_template
from grmkit.types import Example

folder, ledger, num = sys.argv[1:]
examples = [Example(f"Why is the sky blue? ({number})", ("Light.", "The sea.")) for number in range(int(num))]
sampling = Sampling(temperature=1.0, max_tokens=8, seed=3)
judge = GenerativeJudge(CTranslate2Backend(folder), load_template("llm-judge"), Ledger(ledger or None), sampling)

async def main():
    async for verdict in judge.ascore_each(examples, samples=4):
        print(json.dumps(verdict.to_json()), flush=True)

asyncio.run(main())
judge.close()
"""


def test_after_a_kill_the_rest_is_the_same(tiny_model, tmp_path):
    expected = [verdict.to_json() for verdict in judge(tiny_model).score_all(EXAMPLES, samples=4)]
    ledger = tmp_path / "ledger.sqlite"
    command = [sys.executable, "-c", SCORING, str(tiny_model), str(ledger), "200"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        running.stdout.readline()
        running.send_signal(signal.SIGKILL)
    resumed = judge(tiny_model, ledger)
    assert [verdict.to_json() for verdict in resumed.score_all(EXAMPLES, samples=4)] == expected
    assert resumed.tallies.reused > 0


def test_more_samples_later_are_the_same_as_all_at_once(tiny_model):
    grown = judge(tiny_model)
    (few,) = grown.score_all(EXAMPLES[:1], samples=4)
    assert (grown.tallies.requests, grown.tallies.asked) == (2, 8)
    (more,) = grown.score_all(EXAMPLES[:1], samples=8)
    assert (grown.tallies.requests, grown.tallies.asked) == (2, 8)  # the rest of both blocks was there
    (at_once,) = judge(tiny_model).score_all(EXAMPLES[:1], samples=8)
    assert more.to_json() == at_once.to_json()
    assert more.judgments[:4] == few.judgments


def test_what_was_taken_out_of_a_block_comes_back_the_same(tiny_model):
    holed = judge(tiny_model)
    (before,) = holed.score_all(EXAMPLES[:1], samples=8)
    with holed.ledger.transaction() as connection:
        connection.execute("DELETE FROM judgments WHERE stream IN (1, 2)")
    (after,) = holed.score_all(EXAMPLES[:1], samples=8)
    assert [judgment.text for judgment in after.judgments] == [judgment.text for judgment in before.judgments]
    assert holed.tallies.asked == 12


# The distribution -----------------------------------------------------------------------------------------------


def draw_first_tokens(backend, **how):
    """The first token of each answer, one row per block, and what the logits were before it."""
    model = backend._open()
    job = model.chat.plan(ask(max_tokens=1, **how), num_known=300)
    sampling = Sampling(**how)
    rows = []
    for block in range(NUM_BLOCKS):
        ctranslate2.set_random_seed(block)
        generator = backend._generator(ctranslate2)
        drafts = write(generator, model, Job(job.prompt, job.num, 1, 0, 0, 4), sampling)
        rows.append([draft.ids[0] for draft in drafts])
    prompt = [model.vocabulary[token] for token in job.prompt]
    logits = np.array(backend._generator(ctranslate2).forward_batch([prompt]))[0, -1]
    return np.array(rows), logits.astype(float)


def probabilities(logits, temperature):
    weights = np.exp((logits - logits.max()) / temperature)
    return weights / weights.sum()


@pytest.mark.parametrize("temperature", [0.5, 1.0])
def test_tokens_come_as_often_as_the_softmax_says_in_every_stream(temperature, backend):
    rows, logits = draw_first_tokens(backend, temperature=temperature)
    expected = probabilities(logits, temperature)
    counts = np.bincount(rows.ravel(), minlength=len(expected))
    often = expected * rows.size > 5
    assert often.sum() > 50
    surprise = (counts - expected * rows.size)[often] ** 2 / (expected * rows.size)[often]
    assert 0.7 < surprise.mean() < 1.3  # chi-squared per degree of freedom
    # No stream of a block is a better or a worse draw than the others, as ctranslate2's own sorting would make it.
    logprobs = np.log(expected)
    mean = (expected * logprobs).sum()
    error = np.sqrt((expected * (logprobs - mean) ** 2).sum() / NUM_BLOCKS)
    assert np.abs((logprobs[rows].mean(axis=0) - mean) / error).max() < 4
    assert np.abs(np.corrcoef(logprobs[rows], rowvar=False)[np.triu_indices(4, 1)]).max() < 4 / np.sqrt(NUM_BLOCKS)


def test_top_p_keeps_the_nucleus_and_nothing_else(backend):
    rows, logits = draw_first_tokens(backend, temperature=1.0, top_p=0.3)
    order = np.argsort(-logits)
    size = int(np.searchsorted(np.cumsum(probabilities(logits, 1.0)[order]), 0.3)) + 1
    assert set(rows.ravel()) == set(order[:size])


async def test_greedy_is_one_answer_and_the_likeliest_tokens(backend):
    answer = await backend.sample(ask(4, temperature=0.0, logprobs=True))
    again = await backend.sample(ask(1, 5, temperature=0.0, seed=99))
    assert texts(answer) == texts(again)
    model = backend._open()
    job = model.chat.plan(ask(temperature=0.0), num_known=300)
    generator = backend._generator(ctranslate2)
    (draft,) = write(generator, model, job, Sampling(temperature=0.0))
    tokens = [model.vocabulary[token] for token in (*job.prompt, *draft.ids)]
    logits = np.array(generator.forward_batch([tokens]))[0, len(job.prompt) - 1 : -1]
    assert tuple(logits.argmax(axis=1)) == draft.ids
    told = [logprob for _, logprob in answer.generations[0].logprobs or ()]
    assert np.allclose(told, [np.log(probabilities(row, 1.0).max()) for row in logits], atol=1e-4)


async def test_asking_for_logprobs_changes_no_text(backend):
    plain, told = await backend.sample(ask(temperature=0.7)), await backend.sample(ask(temperature=0.7, logprobs=True))
    assert texts(plain) == texts(told)
    assert [len(given.logprobs or ()) for given in told.generations] == [24] * 4
    assert sum(len(given.logprobs or ()) for given in told.generations) == told.completion_tokens


async def test_alternatives_are_the_best_of_the_vocabulary(backend):
    request = ask(temperature=0.7, alternatives=20, max_tokens=200)
    plain, answer = await backend.sample(ask(temperature=0.7, max_tokens=200)), await backend.sample(request)
    assert texts(plain) == texts(answer)
    model = backend._open()
    job = model.chat.plan(request, num_known=300)
    generator = backend._generator(ctranslate2)
    num = 0
    for draft in write(generator, model, job, request.sampling):
        told = np.array(generator.forward_batch([[*job.prompt, *draft.ids]]))[0, len(job.prompt) - 1 : -1]
        assert np.allclose(
            draft.logprobs,
            [np.log(probabilities(row, 1.0)[t]) for row, t in zip(told, draft.ids, strict=True)],
            atol=1e-4,
        )
        for row, token, others in zip(told, draft.ids, draft.alternatives or (), strict=True):
            if others is not None:
                num += 1
                best = np.argsort(-row, kind="stable")[:20]
                assert [other for other, _ in others] == [other for other in best if other != token]
                assert np.allclose(
                    [value for _, value in others], np.log(probabilities(row, 1.0)[[o for o, _ in others]]), atol=1e-4
                )
    assert num > 10


# Ends -----------------------------------------------------------------------------------------------------------


async def test_an_answer_ends_with_a_stop_or_is_cut(backend):
    answer = await backend.sample(ask(max_tokens=300, temperature=3.0))
    assert {given.finish_reason for given in answer.generations} == {"stop", "length"}
    assert answer.completion_tokens is not None
    assert 300 < answer.completion_tokens < 1200
    assert all("<|end|>" not in (given.text or "") for given in answer.generations)


async def test_any_of_several_end_tokens_ends_an_answer(model_copy):
    common = await CTranslate2Backend(model_copy).sample(ask(temperature=0.0, max_tokens=9, logprobs=True))
    tokenizer_path = model_copy / "generation_config.json"
    backend = CTranslate2Backend(model_copy)
    model = backend._open()
    (draft,) = write(
        backend._generator(ctranslate2),
        model,
        model.chat.plan(ask(temperature=0.0, max_tokens=9), num_known=300),
        Sampling(0.0),
    )
    assert common.completion_tokens == 9
    tokenizer_path.write_text(json.dumps({"eos_token_id": [0, draft.ids[4]]}))
    answer = await CTranslate2Backend(model_copy).sample(ask(temperature=0.0, max_tokens=9))
    assert answer.generations[0].finish_reason == "stop"
    assert answer.completion_tokens == draft.ids.index(draft.ids[4]) + 1


async def test_the_context_cuts_an_answer_and_refuses_a_prompt(backend):
    model = backend._open()
    used = len(model.chat.plan(ask(says=""), num_known=300).prompt)
    answer = await backend.sample(ask(says="x" * (model.chat.context - used - 2)))
    assert [given.finish_reason for given in answer.generations] == ["length"] * 4
    assert (answer.prompt_tokens, answer.completion_tokens) == (model.chat.context - 2, 8)
    with pytest.raises(PromptTooLong):
        await backend.sample(ask(says="x" * model.chat.context))


async def test_a_prompt_of_one_token(model_copy):
    (model_copy / "chat_template.jinja").write_text("<|assistant|>")
    answer = await CTranslate2Backend(model_copy).sample(ask())
    assert (answer.prompt_tokens, len(set(texts(answer)))) == (1, 4)


# Neighbours -----------------------------------------------------------------------------------------------------


async def test_the_event_loop_goes_on(backend):
    task, ticks = asyncio.create_task(backend.sample(ask(max_tokens=600))), 0
    while not task.done():
        await asyncio.sleep(0.001)
        ticks += 1
    assert ticks > 5


def test_no_thread_of_the_engine_stays(backend):
    threads = Path("/proc/self/task")
    backend._answer(ask())
    before = sorted(threads.glob("*"))  # nothing where there is no such folder
    for seed in range(5):
        backend._answer(ask(seed=seed))
    assert sorted(threads.glob("*")) == before


async def test_two_backends_at_once_do_not_mix_their_seeds(tiny_model):
    backends = [CTranslate2Backend(tiny_model) for _ in range(3)]
    alone = [await backend.sample(ask(seed=seed)) for seed, backend in enumerate(backends)]
    together = await asyncio.gather(*(backend.sample(ask(seed=seed)) for seed, backend in enumerate(backends)))
    assert together == alone


async def test_what_it_says_of_itself(backend, tiny_model, model_copy):
    identity = await backend.identity()
    assert {name: identity[name] for name in ("kind", "engine", "compute_type")} == {
        "kind": "ctranslate2",
        "engine": ctranslate2.__version__,
        "compute_type": "float32",
    }
    flat = model_copy.parent / "flat"
    shutil.copytree(model_copy / "ctranslate2", flat)
    for name in ("tokenizer.json", "tokenizer_config.json", "generation_config.json"):
        shutil.copy(model_copy / name, flat)
    shutil.copy(model_copy / "config.json", flat / "hf_config.json")
    assert await CTranslate2Backend(flat).identity() == identity
    assert str(tiny_model) not in json.dumps(dict(identity))
    (model_copy / "chat_template.jinja").write_text("{{ messages[0].content }}")
    assert (await CTranslate2Backend(model_copy).identity())["weights"] != identity["weights"]
    assert (backend.max_samples, backend.block_size, backend.concurrency) == (4, 4, 1)
    await backend.aclose()


# Trouble --------------------------------------------------------------------------------------------------------


def test_a_folder_without_a_converted_model(tmp_path):
    with pytest.raises(ValueError, match=r"holds no model\.bin.*ct2-transformers-converter"):
        CTranslate2Backend(tmp_path)
    assert find_model(tmp_path / "nowhere") is None


def test_no_threads(tiny_model):
    with pytest.raises(ValueError, match="threads is 0; expected at least 1"):
        CTranslate2Backend(tiny_model, threads=0)


@pytest.mark.parametrize(
    ("name", "damage", "words"),
    [
        ("model.bin", b"\x06\x00", "ctranslate2 cannot load the model"),
        ("vocabulary.json", b"[1]", "is no list of tokens"),
        ("vocabulary.json", b"[", "cannot be read"),
        ("vocabulary.json", None, "holds neither vocabulary.json nor vocabulary.txt"),
        ("config.json", b'{"bos_token": null}', "names a bos_token or a pad_token"),
    ],
)
async def test_a_damaged_model_is_told_before_anything_is_sampled(name, damage, words, model_copy):
    path = model_copy / "ctranslate2" / name
    path.unlink()
    if damage is not None:
        path.write_bytes(damage)
    with pytest.raises(BackendDown, match=words):
        await CTranslate2Backend(model_copy).identity()


async def test_a_tokenizer_of_another_model_is_told(model_copy):
    (model_copy / "ctranslate2" / "vocabulary.json").write_text('["a", "b"]')
    with pytest.raises(BackendError, match=r"but the model knows 2; is it the tokenizer of this model\?"):
        await CTranslate2Backend(model_copy).sample(ask())


async def test_a_vocabulary_as_lines(model_copy):
    folder = model_copy / "ctranslate2"
    expected = await CTranslate2Backend(model_copy).sample(ask())
    lines = json.loads((folder / "vocabulary.json").read_text())
    (folder / "vocabulary.json").unlink()
    (folder / "vocabulary.txt").write_text("".join(f"{line}\n" for line in lines))
    assert await CTranslate2Backend(model_copy).sample(ask()) == expected


async def test_a_model_that_changes_while_it_is_used(model_copy):
    backend = CTranslate2Backend(model_copy)
    await backend.sample(ask())
    os.utime(model_copy / "ctranslate2" / "model.bin", (1, 1))
    with pytest.raises(BackendDown, match="has changed since it was opened"):
        await backend.sample(ask())
    (model_copy / "ctranslate2" / "model.bin").unlink()
    with pytest.raises(BackendDown, match="cannot be read"):
        await backend.sample(ask())


async def test_an_engine_in_trouble_costs_one_request(backend, monkeypatch):
    await backend.identity()

    def fail(*_):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(ours, "write", fail)
    with pytest.raises(BackendError, match="ctranslate2 failed: out of memory") as caught:
        await backend.sample(ask())
    assert not isinstance(caught.value, BackendDown)


@pytest.mark.parametrize("name", ["ctranslate2", "tokenizers"])
async def test_a_missing_package_says_what_to_install(name, tiny_model, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(BackendDown, match=rf"needs the package {name}.*pip install 'grmkit\[nano\]'"):
        await CTranslate2Backend(tiny_model).identity()
