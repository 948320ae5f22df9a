"""What models in this process share: chat turns to tokens, tokens to answers, streams to blocks.

A model's folder holds, in the Hugging Face layout, `tokenizer.json`, a chat template, and JSON files that tell its
context and how its answers end. Nothing here needs torch.
"""

import functools
import hashlib
import importlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import jinja2
import jinja2.ext
import jinja2.nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from grmkit.backends.alternatives import Pairs, are_kept, thin
from grmkit.backends.protocol import Answer, Generation, Request
from grmkit.errors import BackendDown, BackendError, PromptTooLong
from grmkit.types import Message

if TYPE_CHECKING:
    from jinja2.parser import Parser
    from tokenizers import Tokenizer

BLOCK_SIZE = 4
GREEDY_BELOW = 1e-5  # as over HTTP: below it a logit divided by the temperature may leave the range of a float
SPECIAL = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
CONTEXT = ("max_position_embeddings", "n_positions")
REFUSALS = (jinja2.TemplateError, TypeError, ValueError, LookupError)
"""What running a chat template may raise: its own refusals, and its faults."""


@dataclass(frozen=True, slots=True)
class Job:
    """One block of answers to one prompt, to be written as a whole.

    Args:
        prompt: The prompt's tokens, at least one.
        num: How many answers are written; one if nothing is drawn.
        max_new: The most tokens of each answer, its end included.
        seed: What the block's random numbers start from, in 31 bits.
        first: The first answer that was asked for,
        stop: and the first after it that was not.
    """

    prompt: tuple[int, ...]
    num: int
    max_new: int
    seed: int
    first: int
    stop: int

    @property
    def is_greedy(self) -> bool:
        return self.num == 1


@dataclass(frozen=True, slots=True)
class Draft:
    """What a model wrote in one stream: its tokens, the one that ends it included, and their log-probabilities.

    `alternatives` holds for each token the likeliest others, best first; None where they were not looked at.
    """

    ids: tuple[int, ...]
    logprobs: tuple[float, ...] | None = None
    alternatives: tuple[tuple[tuple[int, float], ...] | None, ...] | None = None


@dataclass(frozen=True, slots=True)
class Chat:
    """How one model reads chat turns, and how its answers end.

    Args:
        tokenizer: Turns text into tokens and back.
        template: The chat template: turns into text.
        special_tokens: The tokens a template may name, such as `bos_token`.
        stop_ids: The tokens that end an answer.
        context: How many tokens the model can read and write together.
        where: The folder all this came from.
    """

    tokenizer: "Tokenizer"
    template: str
    special_tokens: Mapping[str, str]
    stop_ids: tuple[int, ...]
    context: int
    where: Path

    @classmethod
    def read(cls, folder: Path, *, config: str = "config.json", extra: str = "local") -> Self:
        """Read what the folder says about chats.

        Args:
            folder: Where the tokenizer's files are.
            config: The name of the file that tells the model's context.
            extra: The extra of grmkit that brings the `tokenizers` library.

        Raises:
            BackendDown: If something is missing or cannot be read.
        """
        tokenizer = _read_tokenizer(folder / "tokenizer.json", extra)
        settings = read_json(folder / "tokenizer_config.json")
        model = read_json(folder / config)
        special_tokens = _special_tokens(read_json(folder / "special_tokens_map.json") | settings)
        template = _read_template(folder, settings)
        _check_template(template, folder)
        found = (read_json(folder / "generation_config.json"), model, model.get("text_config"))
        stop_ids = _stop_ids(found, tokenizer, special_tokens.get("eos_token"))
        if not stop_ids:
            raise BackendDown(
                f"{folder}: nothing says which token ends an answer; expected eos_token_id in generation_config.json "
                f"or {config}, or eos_token in tokenizer_config.json"
            )
        context = _context((model, model.get("text_config")), settings)
        if context is None:
            raise BackendDown(
                f"{folder / config}: nothing says how many tokens the model can read; expected "
                "max_position_embeddings, as in the config.json of the Hugging Face model"
            )
        return cls(tokenizer, template, special_tokens, stop_ids, context, folder)

    def fingerprint(self) -> str:
        """All of this but the tokenizer and the folder, as JSON: what decides a model's answers besides its files."""
        told = [self.template, dict(self.special_tokens), self.stop_ids, self.context]
        return json.dumps(told, sort_keys=True)

    def plan(self, request: Request, *, num_known: int) -> Job:
        """The block that has the request's first stream; streams after that block are left for another request.

        Args:
            request: What was asked for.
            num_known: How many tokens the model knows; some tokenizers have more.

        Raises:
            PromptTooLong: If the prompt leaves no room for an answer.
            BackendError: If the chat template, the tokenizer or the model cannot take the prompt.
        """
        prompt = self.encode(request.messages)
        self._check_known(prompt, num_known)
        room = self.context - len(prompt)
        if room <= 0:
            raise PromptTooLong(
                f"the prompt is {len(prompt):,} tokens; the judge reads and writes {self.context:,} together; "
                "shorten the responses or use a judge with a longer context"
            )
        max_new = min(request.sampling.max_tokens, room)
        if request.sampling.temperature < GREEDY_BELOW:
            return Job(prompt, 1, max_new, 0, 0, 1)
        block, first = divmod(request.first_stream, BLOCK_SIZE)
        stop = min(first + request.num_samples, BLOCK_SIZE)
        return Job(prompt, BLOCK_SIZE, max_new, block_seed(request.seed, block), first, stop)

    def whole(self, messages: Sequence[Message], *, num_known: int) -> tuple[int, ...]:
        """The tokens of a conversation that has ended: a model that scores it reads it all and writes nothing.

        Args:
            messages: The conversation; its last turn is what is scored.
            num_known: How many tokens the model knows; some tokenizers have more.

        Raises:
            PromptTooLong: If the model cannot read it all.
            BackendError: If the chat template, the tokenizer or the model cannot take it.
        """
        ids = self.encode(messages, is_open=False)
        self._check_known(ids, num_known)
        if len(ids) > self.context:
            raise PromptTooLong(
                f"the conversation is {len(ids):,} tokens; the model reads {self.context:,}; shorten the responses or "
                "the judgment, or use a model with a longer context"
            )
        return ids

    def encode(self, messages: Sequence[Message], *, is_open: bool = True) -> tuple[int, ...]:
        """The prompt's tokens, up to where the answer begins; the template writes all special tokens itself.

        Args:
            messages: The turns.
            is_open: Whether an answer is to follow; if not, the tokens end where the last turn does.

        Raises:
            BackendError: If the chat template or the tokenizer refuses the messages.
        """
        turns = [{"role": message.role, "content": message.content} for message in messages]
        known: dict[str, Any] = {"messages": turns, "add_generation_prompt": is_open, **self.special_tokens}
        try:
            text = _compile(self.template).render(known)
        except REFUSALS as error:
            raise BackendError(f"{self.where}: its chat template refuses the prompt: {error}") from None
        try:
            ids = self.tokenizer.encode(text, add_special_tokens=False).ids
        except (UnicodeEncodeError, TypeError) as error:
            raise BackendError(f"the prompt is not valid text: {error}") from None
        if not ids:
            raise BackendError(f"{self.where}: its chat template makes an empty prompt of the messages")
        return tuple(ids)

    def _check_known(self, ids: Sequence[int], num_known: int) -> None:
        if max(ids) >= num_known:
            token = self.tokenizer.id_to_token(max(ids))
            raise BackendError(
                f"{self.where}: the prompt has the token {token!r}, number {max(ids):,}, but the model knows "
                f"{num_known:,}; is it the tokenizer of this model?"
            )

    def answer(self, job: Job, drafts: Sequence[Draft]) -> Answer:
        """What was asked for of a block that was written; tokens count with the one that ends an answer."""
        given = drafts[job.first : job.stop]
        generations = tuple(self._generation(draft) for draft in given)
        return Answer(generations, len(job.prompt), sum(len(draft.ids) for draft in given))

    def _generation(self, draft: Draft) -> Generation:
        has_ended = bool(draft.ids) and draft.ids[-1] in self.stop_ids
        text = self.tokenizer.decode(draft.ids[:-1] if has_ended else draft.ids, skip_special_tokens=True)
        if draft.logprobs is None:
            return Generation(text, "stop" if has_ended else "length")
        tokens = self.tokens(draft.ids)
        logprobs = tuple(zip(tokens, draft.logprobs, strict=True))
        return Generation(text, "stop" if has_ended else "length", None, logprobs, self._alternatives(draft, tokens))

    def _alternatives(self, draft: Draft, tokens: Sequence[str]) -> tuple[Pairs | None, ...] | None:
        if draft.alternatives is None:
            return None
        return tuple(
            None
            if kept is None or others is None
            else thin([(self.tokens([token])[0], logprob) for token, logprob in others], kept)
            for kept, others in zip(are_kept(tokens), draft.alternatives, strict=True)
        )

    def tokens(self, ids: Sequence[int]) -> list[str]:
        """Each token's own text."""
        return [self.tokenizer.decode([token], skip_special_tokens=False) for token in ids]


def block_seed(seed: int, block: int) -> int:
    """The seed of one block of a prompt's streams: 31 bits of a hash of the prompt's seed and the block's number.

    Example:
        >>> block_seed(7, 0), block_seed(7, 1)
        (215689894, 1776908988)
    """
    digest = hashlib.sha256(f"{seed}/{block}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def load_package(name: str, extra: str) -> Any:
    """A package that only an extra of grmkit brings.

    Raises:
        BackendDown: If it is not installed, or does not work here.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise BackendDown(
            f"a judge in this process needs the package {name}: {error}; run: pip install 'grmkit[{extra}]'"
        ) from None


def digest_files(paths: Iterable[Path], more: str) -> str:
    """The sha256 of these files, by their names, and of something more; where they are does not matter.

    Raises:
        BackendDown: If one cannot be read.
    """
    whole = hashlib.sha256(more.encode())
    for path in sorted(paths, key=lambda path: path.name):
        try:
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise BackendDown(f"{path}: cannot be read: {error}") from None
        whole.update(f"\n{path.name} {found}".encode())
    return whole.hexdigest()


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; an empty one if there is no such file.

    Raises:
        BackendDown: If it cannot be read, or holds something else.
    """
    try:
        found = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        raise BackendDown(f"{path}: cannot be read: {error}; copy the model again") from None
    if not isinstance(found, dict):
        raise BackendDown(f"{path}: holds a {type(found).__name__}; expected an object; copy the model again")
    return found


def _read_tokenizer(path: Path, extra: str) -> "Tokenizer":
    library = load_package("tokenizers", extra)
    if not read_json(path):
        raise BackendDown(
            f"{path}: there is no such file, or nothing in it; expected the tokenizer beside the model: copy it from "
            "the model's folder, or save it with transformers' AutoTokenizer.from_pretrained(...).save_pretrained(...)"
        )
    try:
        tokenizer = library.Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing more special
        error.add_note(f"{path}: this tokenizers library cannot read it; copy the model again, or update tokenizers")
        raise
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _read_template(folder: Path, settings: Mapping[str, Any]) -> str:
    path = folder / "chat_template.jinja"
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        found = settings.get("chat_template")
    except (OSError, ValueError) as error:
        raise BackendDown(f"{path}: cannot be read: {error}") from None
    if isinstance(found, list):
        named = {row.get("name"): row.get("template") for row in found if isinstance(row, dict)}
        found = named.get("default")
    if isinstance(found, str):
        return found
    raise BackendDown(
        f"{folder}: the model has no chat template; expected chat_template.jinja, or chat_template in "
        "tokenizer_config.json; use a model trained for chats, or write its template into chat_template.jinja"
    )


def _special_tokens(settings: Mapping[str, Any]) -> dict[str, str]:
    """The tokens that settings name: as text, or as objects with their `content`."""
    found = {name: settings.get(name) for name in SPECIAL}
    texts = {name: value.get("content") if isinstance(value, dict) else value for name, value in found.items()}
    return {name: text for name, text in texts.items() if isinstance(text, str)}


def _stop_ids(configs: Iterable[Any], tokenizer: "Tokenizer", eos_token: str | None) -> tuple[int, ...]:
    for config in configs:
        found = config.get("eos_token_id") if isinstance(config, dict) else None
        ids = [token for token in (found if isinstance(found, list) else [found]) if type(token) is int]
        if ids:
            return tuple(sorted(set(ids)))
    token = None if eos_token is None else tokenizer.token_to_id(eos_token)
    return () if token is None else (token,)


def _context(configs: Iterable[Any], settings: Mapping[str, Any]) -> int | None:
    """The model's context; what the tokenizer says of it counts where the model says nothing."""
    found = [config.get(name) for config in configs if isinstance(config, dict) for name in CONTEXT]
    found.append(settings.get("model_max_length"))
    return next((number for number in found if type(number) is int and 0 < number < 1 << 30), None)


def _check_template(template: str, where: Path) -> None:
    try:
        _compile(template)
    except jinja2.TemplateError as error:
        raise BackendDown(f"{where}: its chat template cannot be read: {error}; copy the model again") from None


@functools.lru_cache(maxsize=8)
def _compile(template: str) -> jinja2.Template:
    """A template with what transformers offers it, except the time of day: no judgment may depend on that."""
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, jinja2.ext.loopcontrols]
    )
    environment.filters["tojson"] = _to_json
    return environment.from_string(template, globals={"raise_exception": _raise_exception})


def _to_json(
    value: Any, ensure_ascii: bool = False, indent: int | None = None, separators: Any = None, sort_keys: bool = False
) -> str:
    """JSON as it is, where jinja's own filter would escape it for HTML; the options come in transformers' order."""
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _raise_exception(message: str) -> None:
    raise jinja2.TemplateError(message)


class _Generation(jinja2.ext.Extension):
    """`{% generation %}...{% endgeneration %}` marks what an assistant wrote, for training; here it changes nothing."""

    tags = {"generation"}  # noqa: RUF012  # as jinja declares it

    def parse(self, parser: "Parser") -> list[jinja2.nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)
