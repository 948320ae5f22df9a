"""A causal language model of 100,000 random weights, as a folder: what tests of local backends run."""

import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from grmkit.backends import Request, Sampling
from grmkit.types import Message

CONTEXT = 8192
TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
SPECIAL = ["<|end|>", "<|user|>", "<|assistant|>", "<|system|>"]
WORDS = ["Analysis: the response is good. Scores: [7, 4]", "Why is the sky blue? It mirrors the sea."]


def ask(num_samples: int = 4, first_stream: int = 0, *, says: str = "the sky", seed: int = 7, **how: Any) -> Request:
    """A request of few tokens."""
    sampling = Sampling(**{"temperature": 1.0, "max_tokens": 24} | how)
    return Request((Message("user", says),), num_samples, first_stream, seed, sampling, "x", "key of x", (0, 1))


def make_tokenizer(folder: Path, special: Sequence[str] = SPECIAL, **settings: Any) -> int:
    """Byte pairs, trained on two sentences; returns how many tokens there are."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=list(special), initial_alphabet=alphabet, show_progress=False, min_frequency=1
    )
    tokenizer.train_from_iterator(WORDS, trainer)
    tokenizer.save(str(folder / "tokenizer.json"))
    known = {"eos_token": special[0], "pad_token": special[0], "chat_template": TEMPLATE} | settings
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast"} | known))
    return tokenizer.get_vocab_size()


def make_model(folder: Path) -> Path:
    """The model in the Hugging Face layout, and converted in its subfolder `ctranslate2`."""
    import torch
    import transformers
    from ctranslate2.converters import TransformersConverter

    folder.mkdir()
    config = transformers.Qwen3Config(
        vocab_size=make_tokenizer(folder),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=32,
        max_position_embeddings=CONTEXT,
        bos_token_id=None,
        eos_token_id=0,
        pad_token_id=0,
        tie_word_embeddings=True,
        initializer_range=0.1,
    )
    with warnings.catch_warnings(), torch.random.fork_rng([]):
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        transformers.Qwen3ForCausalLM(config).save_pretrained(folder)
        TransformersConverter(str(folder)).convert(str(folder / "ctranslate2"))
    return folder


def make_untied(source: Path, folder: Path) -> Path:
    """The same model with an output layer of its own."""
    import shutil

    import torch
    import transformers

    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("ctranslate2"))
    config = transformers.AutoConfig.from_pretrained(source, tie_word_embeddings=False)
    with torch.random.fork_rng([]):
        torch.manual_seed(1)
        transformers.Qwen3ForCausalLM(config).save_pretrained(folder)
    return folder


def make_scalar(source: Path, folder: Path, *, dtype: str = "float32") -> Path:
    """A scalar model on the body of a language model, its head as large as a trained one, and converted."""
    from grmkit.models.checkpoint import save_classifier, to_classifier
    from grmkit.models.scalar_head import convert_scalar

    network, tokenizer = to_classifier(source, seed=3)
    network.score.weight.data *= 5
    save_classifier(network, tokenizer, folder, dtype=dtype)
    convert_scalar(folder)
    return folder


def talks() -> list[tuple[Message, Message]]:
    """Conversations that have ended, short and long."""
    says = ["the sky", "", "a judgment " * 90, "Scores: [7, 4]", "x" * 400, "the sea mirrors " * 9]
    return [(Message("user", "Why is the sky blue?"), Message("assistant", text)) for text in says]
