"""A judge in this process, on the CPU or one GPU: any causal language model that transformers can load.

A prompt is read once, whatever the number of blocks drawn for it: its keys and values are kept until the next prompt.
Random numbers come from torch's global generators, which are forked for each block and put back; another thread that
draws from them meanwhile would change an answer.
"""

import asyncio
import copy
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grmkit.backends.chat import BLOCK_SIZE, Chat, Draft, Job, digest_files, load_package
from grmkit.backends.protocol import Answer, Request, Sampling
from grmkit.errors import BackendDown, BackendError

EXTRA = "local"
DTYPES = ("auto", "float32", "bfloat16", "float16")
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
WANTED = ["*.json", "*.jinja", "*.safetensors"]
UNWANTED = ["*/*", "consolidated*"]
NUM_SHOWN = 5

_FORKED = threading.Lock()
"""Held while torch's global generators are ours."""


@dataclass(slots=True)
class Model:
    """A model that was loaded, how it chats, and the prompt it read last (all but its last token)."""

    chat: Chat
    network: Any
    identity: Mapping[str, Any]
    prefix: tuple[int, ...] = ()
    cache: Any = field(default=None, repr=False)


class TransformersBackend:
    """Answers with a causal language model, four streams at a time.

    The same seed gives the same answers on the same machine, in any process. The model's own generation settings
    count for nothing but the tokens that end an answer.

    Args:
        model: A folder in the Hugging Face layout, or the model's id on the hub (`owner/name`).
        device: Such as `cpu` or `cuda:1`; the first GPU if left out, or the CPU if there is none.
        dtype: What it computes in: float32, bfloat16, float16 or auto, as it was saved; but what was saved in
            float16 computes in float32 on a CPU, which is exact and several times faster there.

    Raises:
        ValueError: If there is no such folder and it is no id either, or the device or dtype is not known.
    """

    def __init__(self, model: str | Path, *, device: str | None = None, dtype: str = "auto") -> None:
        if not Path(model).is_dir() and not HUB_ID.fullmatch(str(model)):
            raise ValueError(f"model is {str(model)!r}; expected a folder, or an id on the hub like owner/name")
        if dtype not in DTYPES:
            raise ValueError(f"dtype is {dtype!r}; expected one of {', '.join(DTYPES)}")
        if device is not None and not re.fullmatch(r"cpu|cuda(:\d+)?", device):
            raise ValueError(f"device is {device!r}; expected cpu, cuda or cuda:N")
        self._source = str(model)
        self._device = device
        self._dtype = dtype
        self._mutex = threading.Lock()
        self._model: Model | None = None

    def __repr__(self) -> str:
        return f"TransformersBackend({self._source!r})"

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
            BackendDown: If a package or a file is missing, or the model cannot be loaded.
            BackendError: If the chat template refuses the prompt, or the engine fails.
        """
        return await asyncio.to_thread(self._answer, request)

    async def aclose(self) -> None:
        pass

    def _answer(self, request: Request) -> Answer:
        model = self._open()
        job = model.chat.plan(request, num_known=model.network.get_input_embeddings().num_embeddings)
        with _FORKED:
            try:
                drafts = write(model, job, request.sampling)
            except (RuntimeError, ValueError, MemoryError) as error:
                model.prefix, model.cache = (), None
                raise BackendError(f"{self._source}: transformers failed: {error}") from None
        return model.chat.answer(job, drafts)

    def _open(self) -> Model:
        with self._mutex:
            if self._model is None:
                self._model = self._read()
            return self._model

    def _read(self) -> Model:
        torch, library = load_package("torch", EXTRA), load_package("transformers", EXTRA)
        folder = Path(self._source) if Path(self._source).is_dir() else _download(self._source)
        chat = Chat.read(folder, extra=EXTRA)
        weights = sorted(folder.glob("*.safetensors*")) or sorted(folder.glob("pytorch_model*.bin*"))
        if not weights:
            raise BackendDown(f"{folder}: holds no weights; expected *.safetensors; copy the model again")
        digest = digest_files([*weights, folder / "config.json", folder / "tokenizer.json"], chat.fingerprint())
        network = _load(library, folder, self._dtype)
        device = self._device or ("cuda" if torch.cuda.is_available() else "cpu")
        try:
            network.to(device)
        except (RuntimeError, AssertionError) as error:  # torch built without CUDA asserts
            raise BackendDown(f"{self._source}: cannot be moved to {device}: {error}") from None
        if self._dtype == "auto" and device == "cpu" and network.dtype == torch.float16:
            network.float()
        network.eval()
        network.generation_config = library.GenerationConfig()
        identity = {
            "kind": "transformers",
            "weights": digest,
            "engine": library.__version__,
            "dtype": str(network.dtype).removeprefix("torch."),
        }
        return Model(chat, network, identity)


def write(model: Model, job: Job, sampling: Sampling) -> list[Draft]:
    """All answers of a block, in the order of their streams."""
    torch, library = load_package("torch", EXTRA), load_package("transformers", EXTRA)
    stop_ids = model.chat.stop_ids
    drawing = {} if job.is_greedy else {"temperature": sampling.temperature, "top_p": sampling.top_p, "top_k": 0}
    config = library.GenerationConfig(
        do_sample=not job.is_greedy,
        max_new_tokens=job.max_new,
        eos_token_id=list(stop_ids),
        pad_token_id=stop_ids[0],
        repetition_penalty=1.0,
        **drawing,
    )
    recorder = Recorder(torch, sampling.alternatives) if sampling.tells else None
    with torch.inference_mode(), nullcontext() if job.is_greedy else forked(model.network.device, job.seed):
        prompt = torch.tensor([job.prompt] * job.num, device=model.network.device)
        written = model.network.generate(
            prompt,
            attention_mask=torch.ones_like(prompt),
            generation_config=config,
            past_key_values=_cache(model, job, prompt),
            logits_processor=library.LogitsProcessorList([recorder] if recorder else []),
        )
        rows = [_until_end(ids, stop_ids) for ids in written[:, len(job.prompt) :].tolist()]
        if recorder is None:
            return [Draft(ids) for ids in rows]
        found = recorder.finish(written)
        others = recorder.others() if sampling.alternatives else [None] * job.num
    return [
        Draft(ids, tuple(logprobs[: len(ids)]), None if other is None else tuple(other[: len(ids)]))
        for ids, logprobs, other in zip(rows, found, others, strict=True)
    ]


class Recorder:
    """Looks at the logits of each step before they are warped, and keeps what each chosen token had, in nats.

    It sees a step's choice at the next step only; so no more than one step's logits are held, and of those before the
    likeliest.

    Args:
        torch: The package.
        num_likeliest: How many of the likeliest tokens of each step to keep.
    """

    def __init__(self, torch: Any, num_likeliest: int = 0) -> None:
        self._torch = torch
        self._num_likeliest = num_likeliest
        self._logits: Any = None
        self._found: list[Any] = []
        self._steps: list[list[tuple[tuple[int, float], ...]]] = []

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        self._settle(input_ids)
        self._logits = scores.float()
        return scores

    def finish(self, written: Any) -> list[list[float]]:
        """One row per answer; what follows an answer's end means nothing."""
        self._settle(written)
        return self._torch.stack(self._found, dim=1).tolist()

    def others(self) -> list[tuple[tuple[tuple[int, float], ...], ...]]:
        """Per answer and step what else was likely, best first, without what was chosen."""
        return list(zip(*self._steps, strict=True))

    def _settle(self, input_ids: Any) -> None:
        if self._logits is None:
            return
        chosen = input_ids[:, -1:]
        logprobs = self._torch.log_softmax(self._logits, dim=-1)
        self._found.append(logprobs.gather(1, chosen)[:, 0])
        if self._num_likeliest:
            best = logprobs.topk(min(self._num_likeliest, logprobs.shape[-1]), dim=-1)
            rows = zip(chosen[:, 0].tolist(), best.indices.tolist(), best.values.tolist(), strict=True)
            self._steps.append([_without(token, *likeliest) for token, *likeliest in rows])


def _without(chosen: int, tokens: list[int], logprobs: list[float]) -> tuple[tuple[int, float], ...]:
    return tuple((token, value) for token, value in zip(tokens, logprobs, strict=True) if token != chosen)


@contextmanager
def forked(device: Any, seed: int) -> Iterator[None]:
    """Seed torch's generators, those of the CPU and of one device; afterwards they are as they were before."""
    torch = load_package("torch", EXTRA)
    is_gpu = device.type == "cuda"
    with torch.random.fork_rng([device] if is_gpu else []):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would seed every GPU there is
        if is_gpu:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        yield


def _cache(model: Model, job: Job, prompt: Any) -> Any:
    """The keys and values of all but the prompt's last token, for each row; read now if it is another prompt."""
    prefix = job.prompt[:-1]
    if not prefix:
        return None
    if model.prefix != prefix:
        model.prefix, model.cache = (), None  # let go of the old before the new is made
        cache = load_package("transformers", EXTRA).DynamicCache(config=model.network.config)
        read = prompt[:1, :-1]
        mask = load_package("torch", EXTRA).ones_like(read)
        model.network.base_model(input_ids=read, attention_mask=mask, past_key_values=cache, use_cache=True)
        model.prefix, model.cache = prefix, cache
    ours = copy.deepcopy(model.cache)
    ours.reorder_cache(prompt.new_zeros(job.num))  # row 0 for each; the caches of linear attention offer no repeating
    return ours


def _until_end(ids: list[int], stop_ids: tuple[int, ...]) -> tuple[int, ...]:
    """The tokens up to the one that ends the answer, which counts; all if there is none."""
    end = next((place for place, token in enumerate(ids) if token in stop_ids), len(ids))
    return tuple(ids[: end + 1])


def _load(library: Any, folder: Path, dtype: str) -> Any:
    damaged = load_package("safetensors", EXTRA).SafetensorError
    with _quiet(library):
        try:
            network, info = library.AutoModelForCausalLM.from_pretrained(
                folder, dtype=dtype, output_loading_info=True, local_files_only=True
            )
        except (OSError, ValueError, RuntimeError, LookupError, ImportError, damaged) as error:
            raise BackendDown(f"{folder}: transformers cannot load the model: {error}; copy the model again") from None
    missing = sorted(info["missing_keys"])
    if missing:
        shown = ", ".join(missing[:NUM_SHOWN]) + (", ..." if len(missing) > NUM_SHOWN else "")
        raise BackendDown(
            f"{folder}: its weights lack {len(missing)} of the model's tensors, which would be random: {shown}; "
            "copy the model again, or save it again with the weights its config.json asks for "
            "(tie_word_embeddings?)"
        )
    return network


@contextmanager
def _quiet(library: Any) -> Iterator[None]:
    """No progress bars: they are for programs, not for libraries."""
    logging = library.utils.logging
    was_enabled = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if was_enabled:
            logging.enable_progress_bar()


def _download(name: str) -> Path:
    """The folder a model of the hub is kept in, fetched if it is not there yet."""
    hub = load_package("huggingface_hub", EXTRA)
    try:
        folder = Path(hub.snapshot_download(name, allow_patterns=WANTED, ignore_patterns=UNWANTED))
        if not list(folder.glob("*.safetensors")):
            hub.snapshot_download(name, allow_patterns=["pytorch_model*.bin*"])
    except (OSError, ValueError) as error:
        raise BackendDown(f"{name}: the hub gave no model: {error}; check the id, or give a folder") from None
    return folder
