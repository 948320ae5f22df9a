"""Tokens per second of the judge that ships: ctranslate2, transformers and vLLM, the same model and prompts.

Sixteen samples from each of a few prompts, one prompt after the other; `plain` is transformers' own `generate`
without our prefix kept between blocks. One thread each. vLLM takes part if a server of the shipped judge is given.

    python benchmarks/local_backends.py --vllm-url http://127.0.0.1:8123/v1
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

from workload import show, write_result

from grmkit.backends import Backend, Request, Sampling
from grmkit.nano import JUDGE
from grmkit.nano.world import items
from grmkit.scoring.load import NANO_TEMPERATURE
from grmkit.scoring.sampling import order_seed
from grmkit.templates import load_template

SAMPLES = 16
MAX_TOKENS = 512


def requests(num: int, size: int, seed: int) -> list[list[Request]]:
    """Per prompt the requests for streams 0 to 15, `size` streams each."""
    template, sampling = load_template("nano"), Sampling(NANO_TEMPERATURE, max_tokens=MAX_TOKENS, seed=seed)
    found = []
    for item in islice((item for item in items("validation", 10 * num) if len(item.example.responses) == 2), num):
        example, order = item.example, (0, 1)
        messages = template.render(example, order).messages
        first = order_seed(example.key, order, seed)
        found.append(
            [
                Request(messages, size, start, first, sampling, example.id, example.key, order)
                for start in range(0, SAMPLES, size)
            ]
        )
    return found


async def measure(backend: Backend, num: int) -> dict[str, float]:
    """Completion tokens and seconds over all prompts, after one prompt to warm up."""
    size = min(SAMPLES, backend.max_samples)
    await backend.identity()
    warm, *timed = requests(num + 1, size, seed=0)
    for request in warm:
        await backend.sample(request)
    tokens, started = 0, time.perf_counter()
    cpu = time.process_time()
    for prompt in timed:
        for answer in await asyncio.gather(*(backend.sample(request) for request in prompt)):
            tokens += answer.completion_tokens or 0
    seconds = time.perf_counter() - started
    await backend.aclose()
    return {"tokens": tokens, "seconds": seconds, "cpu_seconds": time.process_time() - cpu}


def plain_generate(num: int) -> dict[str, float]:
    """What a user of transformers would write: one `generate` of 16 sequences per prompt."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(JUDGE)
    model = AutoModelForCausalLM.from_pretrained(JUDGE, dtype=torch.float32).eval()
    tokens, started, cpu = 0, 0.0, 0.0
    for index, (request, *_) in enumerate(requests(num + 1, SAMPLES, seed=0)):
        if index == 1:
            started, cpu, tokens = time.perf_counter(), time.process_time(), 0
        chat = [{"role": "user", "content": request.messages[0].content}]
        inputs = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_tensors="pt", return_dict=True)
        with torch.inference_mode():
            out = model.generate(
                **inputs,
                do_sample=True,
                temperature=NANO_TEMPERATURE,
                top_k=0,
                max_new_tokens=MAX_TOKENS,
                num_return_sequences=SAMPLES,
            )
        written = out[:, inputs["input_ids"].shape[1] :]
        tokens += int((written != tokenizer.pad_token_id).sum())
    return {
        "tokens": tokens,
        "seconds": time.perf_counter() - started,
        "cpu_seconds": time.process_time() - cpu,
    }


def run(name: str, num: int, url: str | None) -> dict[str, float]:
    if name == "plain":
        return plain_generate(num)
    if name == "vllm":
        from grmkit.backends.http import HttpBackend

        assert url is not None
        return asyncio.run(measure(HttpBackend((url,)), num))
    if name == "ctranslate2":
        from grmkit.backends.ctranslate2 import CTranslate2Backend

        return asyncio.run(measure(CTranslate2Backend(JUDGE), num))
    from grmkit.backends.transformers import TransformersBackend

    return asyncio.run(measure(TransformersBackend(JUDGE), num))


def in_a_process(name: str, args: argparse.Namespace) -> dict[str, float]:
    """Each in a process of its own with one thread, so that none inherits another's threads or caches."""
    command = [sys.executable, __file__, "--only", name, "--prompts", str(args.prompts)]
    if args.vllm_url:
        command += ["--vllm-url", args.vllm_url]
    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3, help="the best of so many counts")
    parser.add_argument("--vllm-url")
    parser.add_argument("--date", help="of the run; default: today")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.only:
        print(json.dumps(run(args.only, args.prompts, args.vllm_url)))
        return
    names = ["plain", "transformers", "ctranslate2", *(["vllm"] if args.vllm_url else [])]
    best: dict[str, dict[str, Any]] = {}
    for _ in range(args.rounds):  # in turn, so that what else the machine does hits all alike
        for name in names:
            found = in_a_process(name, args)
            found["tokens_per_s"] = found["tokens"] / found["seconds"]
            if name not in best or found["tokens_per_s"] > best[name]["tokens_per_s"]:
                best[name] = found
    for name in names:
        best[name]["ratio_to_plain"] = best[name]["tokens_per_s"] / best["plain"]["tokens_per_s"]
    weights = sum(path.stat().st_size for path in Path(JUDGE).rglob("*") if path.is_file())
    result = {"prompts": args.prompts, "samples": SAMPLES, "judge_bytes": weights, **best, "versions": versions()}
    write_result("local_backends", result, args.date)
    rows = [(name, row["tokens_per_s"], row["ratio_to_plain"]) for name, row in best.items()]
    show("16 samples a prompt", ("engine", "tokens/s", "ratio to plain"), rows)


def versions() -> dict[str, str]:
    return {package: version(package) for package in ("ctranslate2", "torch", "transformers")}


if __name__ == "__main__":
    main()
