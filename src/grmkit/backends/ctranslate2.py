"""A judge in this process, on the CPU: any model converted for ctranslate2, such as the judge that comes with grmkit.

ctranslate2 (4.8) reads its seed, which is one for the whole process, when a worker thread draws its first number, and
never again. So each block of answers gets a seed and a Generator of its own, under one lock; making a Generator costs
about as much as reading the weights.

It can write several answers to a prompt by itself (`num_hypotheses`), but sorts them by how likely they are: the
first would not be a sample. So the prompt, less its last token, is read once as a static prompt, and each answer of
the block is an entry of a batch.
"""

import asyncio
import json
import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from grmkit.backends.alternatives import are_kept
from grmkit.backends.chat import BLOCK_SIZE, Chat, Draft, Job, digest_files, load_package
from grmkit.backends.protocol import Answer, Request, Sampling
from grmkit.errors import BackendDown, BackendError

if TYPE_CHECKING:
    from numpy.typing import NDArray

EXTRA = "nano"
MODEL = "model.bin"
SUBFOLDER = "ctranslate2"
HF_CONFIG = "hf_config.json"
VOCABULARIES = ("vocabulary.json", "vocabulary.txt")
REFUSALS = (RuntimeError, ValueError, IndexError, MemoryError)

_SEEDED = threading.Lock()
"""Held from setting ctranslate2's seed until the Generator that took it has written its block."""


@dataclass(frozen=True, slots=True)
class Model:
    """A converted model that was found to work: its vocabulary and chat, and the state its file was in."""

    chat: Chat
    vocabulary: tuple[str, ...]
    identity: Mapping[str, Any]
    state: tuple[int, int]


class CTranslate2Backend:
    """Answers with a converted model, four streams at a time; the same seed gives the same answers in any process.

    The folder holds `model.bin` and what else ctranslate2's converter writes. The tokenizer, the chat template and
    `generation_config.json` lie beside them, with the Hugging Face model's `config.json` as `hf_config.json`; or
    the converted model is a subfolder of the Hugging Face one, then they stay where they are.

    Args:
        path: The folder, or the Hugging Face folder with the converted model in its subfolder `ctranslate2`.
        threads: How many threads compute. The last bits of a sum depend on it, and so may an answer.

    Raises:
        ValueError: If there is no converted model, or `threads` is not positive.
    """

    def __init__(self, path: str | Path, *, threads: int = 1) -> None:
        found = find_model(Path(path))
        if found is None:
            raise ValueError(
                f"{path}: holds no {MODEL}, nor does its subfolder {SUBFOLDER}; expected a model converted with "
                f"ct2-transformers-converter --model HF_FOLDER --output_dir HF_FOLDER/{SUBFOLDER}"
            )
        if threads < 1:
            raise ValueError(f"threads is {threads}; expected at least 1")
        self._folder = found
        self._threads = threads
        self._opening = threading.Lock()
        self._model: Model | None = None

    def __repr__(self) -> str:
        return f"CTranslate2Backend({str(self._folder)!r})"

    @property
    def max_samples(self) -> int:
        return BLOCK_SIZE

    @property
    def block_size(self) -> int:
        return BLOCK_SIZE

    @property
    def concurrency(self) -> int:
        return 1

    async def identity(self) -> Mapping[str, Any]:
        """The hash of all files that decide an answer, the engine's version and the type it computes in.

        Raises:
            BackendDown: If a package or a file is missing, or the model cannot be loaded.
        """
        return dict((await asyncio.to_thread(self._open)).identity)

    async def sample(self, request: Request) -> Answer:
        """Write the block of the request's first stream; streams past that block are left for another request.

        Raises:
            PromptTooLong: If the prompt leaves no room for an answer.
            BackendDown: If a package or a file is missing, or the model has changed since it was opened.
            BackendError: If the chat template refuses the prompt, or the engine fails.
        """
        return await asyncio.to_thread(self._answer, request)

    async def aclose(self) -> None:
        pass

    def _answer(self, request: Request) -> Answer:
        model = self._open()
        job = model.chat.plan(request, num_known=len(model.vocabulary))
        engine = load_package("ctranslate2", EXTRA)
        with _SEEDED:
            if _state(self._folder / MODEL) != model.state:
                raise BackendDown(f"{self._folder / MODEL}: has changed since it was opened; start again")
            try:
                engine.set_random_seed(job.seed)
                generator = self._generator(engine, model.identity["compute_type"])
                drafts = write(generator, model, job, request.sampling)
            except REFUSALS as error:
                raise BackendError(f"{self._folder}: ctranslate2 failed: {error}") from None
        return model.chat.answer(job, drafts)

    def _generator(self, engine: Any, compute_type: str = "default") -> Any:
        return engine.Generator(
            str(self._folder), device="cpu", compute_type=compute_type, inter_threads=1, intra_threads=self._threads
        )

    def _compute_type(self, engine: Any) -> str:
        """What the engine computes in; that a CPU takes another type than the model was saved in is no news."""
        level = engine.get_log_level()
        engine.set_log_level(logging.ERROR)
        try:
            return self._generator(engine).compute_type
        finally:
            engine.set_log_level(level)

    def _open(self) -> Model:
        with self._opening:
            if self._model is None:
                self._model = self._read()
            return self._model

    def _read(self) -> Model:
        engine = load_package("ctranslate2", EXTRA)
        folder = self._folder
        state = _state(folder / MODEL)
        if (folder / "tokenizer.json").exists():
            home, config = folder, HF_CONFIG
        else:
            home, config = folder.parent, "config.json"
        chat = Chat.read(home, config=config, extra=EXTRA)
        vocabulary, path = _read_vocabulary(folder)
        files = [folder / MODEL, folder / "config.json", path, home / "tokenizer.json"]
        try:
            compute_type = self._compute_type(engine)
        except REFUSALS as error:
            raise BackendDown(
                f"{folder}: ctranslate2 cannot load the model: {error}; convert it again, from a model whose "
                "tokenizer names a bos_token or a pad_token"
            ) from None
        identity = {
            "kind": "ctranslate2",
            "weights": digest_files(files, chat.fingerprint()),
            "engine": engine.__version__,
            "compute_type": compute_type,
        }
        return Model(chat, vocabulary, identity, state)


def find_model(path: Path) -> Path | None:
    """The folder with a converted model: this one or its subfolder `ctranslate2`; None if neither is one."""
    return next((folder for folder in (path, path / SUBFOLDER) if (folder / MODEL).is_file()), None)


def write(generator: Any, model: Model, job: Job, sampling: Sampling) -> list[Draft]:
    """All answers of a block, in the order of their streams."""
    prompt = [model.vocabulary[token] for token in job.prompt]
    drawing = {"sampling_topk": 1} if job.is_greedy else _drawing(sampling)
    static = {"static_prompt": prompt[:-1]} if len(prompt) > 1 else {}
    results = generator.generate_batch(
        [prompt[-1:]] * job.num,
        max_length=job.max_new,
        include_prompt_in_result=False,
        end_token=list(model.chat.stop_ids),
        return_end_token=True,
        **static,
        **drawing,
    )
    written = [tuple(result.sequences_ids[0]) for result in results]
    if sampling.alternatives:
        return [with_alternatives(generator, model, job.prompt, ids, sampling.alternatives) for ids in written]
    if not sampling.logprobs:
        return [Draft(ids) for ids in written]
    return [Draft(ids, _logprobs(generator, model.vocabulary, job.prompt, ids)) for ids in written]


def _drawing(sampling: Sampling) -> dict[str, Any]:
    """Top-k 0 draws from the whole vocabulary."""
    return {"sampling_topk": 0, "sampling_topp": sampling.top_p, "sampling_temperature": sampling.temperature}


def _logprobs(
    generator: Any, vocabulary: Sequence[str], prompt: Sequence[int], ids: Sequence[int]
) -> tuple[float, ...]:
    """How likely each token was, at temperature 1: the model reads prompt and answer once more."""
    tokens = [vocabulary[token] for token in (*prompt, *ids)]
    (scored,) = generator.score_batch([tokens], max_input_length=0)
    return tuple(scored.log_probs[len(prompt) - 1 :])


def with_alternatives(generator: Any, model: Model, prompt: Sequence[int], ids: tuple[int, ...], num: int) -> Draft:
    """How likely each token was and what else, at temperature 1: the model reads prompt and answer once more."""
    read = generator.forward_batch([[*prompt, *ids]], return_log_probs=True)
    rows = np.asarray(read)[0, len(prompt) - 1 : -1].astype(np.float64)
    others = (
        None if kept is None else _likeliest(row, token, num)
        for row, token, kept in zip(rows, ids, are_kept(model.chat.tokens(ids)), strict=True)
    )
    return Draft(ids, tuple(rows[range(len(ids)), list(ids)].tolist()), tuple(others))


def _likeliest(row: "NDArray[np.float64]", token: int, num: int) -> tuple[tuple[int, float], ...]:
    """The best of a vocabulary, and of them those that were not written; of equals the first."""
    best = np.argsort(-row, kind="stable")[:num].tolist()
    return tuple((other, float(row[other])) for other in best if other != token)


def _state(path: Path) -> tuple[int, int]:
    """What changes when a file is replaced."""
    try:
        found = path.stat()
    except OSError as error:
        raise BackendDown(f"{path}: cannot be read: {error}") from None
    return found.st_size, found.st_mtime_ns


def _read_vocabulary(folder: Path) -> tuple[tuple[str, ...], Path]:
    """The tokens by number, as the engine knows them, and the file that tells them."""
    path = next((folder / name for name in VOCABULARIES if (folder / name).is_file()), None)
    if path is None:
        raise BackendDown(f"{folder}: holds neither {' nor '.join(VOCABULARIES)}; convert the model again")
    try:
        text = path.read_text(encoding="utf-8")
        tokens = json.loads(text) if path.suffix == ".json" else text.removesuffix("\n").split("\n")
    except (OSError, ValueError) as error:
        raise BackendDown(f"{path}: cannot be read: {error}; convert the model again") from None
    if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
        raise BackendDown(f"{path}: is no list of tokens; convert the model again")
    return tuple(tokens), path
