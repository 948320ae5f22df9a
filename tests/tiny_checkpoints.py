"""Models of random weights in the architectures of published judges, with chat templates shaped like theirs."""

import warnings
from pathlib import Path
from typing import Any

from tiny_model import make_tokenizer

CONTEXT = 8192
SIZES = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": CONTEXT,
    "initializer_range": 0.1,
}
GEMMA_2 = {
    "head_dim": 16,
    "query_pre_attn_scalar": 16,
    "sliding_window": 64,
    "attn_logit_softcapping": 50.0,
    "final_logit_softcapping": 30.0,
}
DEEPSEEK_V2 = {
    "num_key_value_heads": 4,
    "q_lora_rank": None,
    "kv_lora_rank": 16,
    "qk_nope_head_dim": 16,
    "qk_rope_head_dim": 8,
    "v_head_dim": 16,
    "n_routed_experts": 4,
    "n_shared_experts": 2,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 32,
    "first_k_dense_replace": 1,
}
MODELS: dict[str, tuple[str, dict[str, Any], str]] = {
    "deepseek-grm-16b": ("DeepseekV2", DEEPSEEK_V2, "deepseek"),
    "deepseek-grm-27b": ("Gemma2", GEMMA_2, "gemma"),
    "rm-r1": ("Qwen2", {}, "chatml"),
    "rm-r1-distilled": ("Qwen2", {}, "thinking"),
    "j1-8b": ("Llama", {}, "llama"),
    "j1-micro": ("Qwen3", {"head_dim": 16}, "chatml"),
}
"""Its architecture in transformers' words, the sizes only that one has, and its chat."""

TURNS = "{% for m in messages %}"
CHATS: dict[str, tuple[list[str], str]] = {
    "deepseek": (
        ["<｜end▁of▁sentence｜>", "<｜begin▁of▁sentence｜>", "<｜User｜>", "<｜Assistant｜>"],
        "{{ bos_token }}" + TURNS + "{% if m.role == 'system' %}{{ m.content }}\n\n"
        "{% elif m.role == 'user' %}<｜User｜>{{ m.content }}"
        "{% else %}<｜Assistant｜>{{ m.content }}{{ eos_token }}{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}<｜Assistant｜>{% endif %}",
    ),
    "gemma": (
        ["<eos>", "<bos>", "<pad>", "<start_of_turn>", "<end_of_turn>"],
        "{{ bos_token }}{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}"
        "{% endif %}"
        + TURNS
        + "<start_of_turn>{{ 'model' if m.role == 'assistant' else m.role }}\n{{ m.content | trim }}<end_of_turn>\n"
        "{% endfor %}{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}",
    ),
    "chatml": (
        ["<|im_end|>", "<|im_start|>", "<|endoftext|>"],
        "{% if messages[0].role != 'system' %}<|im_start|>system\nYou are of help.<|im_end|>\n{% endif %}"
        + TURNS
        + "<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
    ),
    "thinking": (
        ["<｜end▁of▁sentence｜>", "<｜begin▁of▁sentence｜>", "<｜User｜>", "<｜Assistant｜>"],
        "{{ bos_token }}" + TURNS + "{% if m.role == 'assistant' %}<｜Assistant｜>{{ m.content.split('</think>')[-1] }}"
        "{% else %}<｜User｜>{{ m.content }}{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}<｜Assistant｜><think>\n{% endif %}",
    ),
    "llama": (
        ["<|eot_id|>", "<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>"],
        "{{ bos_token }}"
        + TURNS
        + "<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n{{ m.content | trim }}<|eot_id|>"
        "{% endfor %}{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}",
    ),
}
"""Its special tokens, the one that ends an answer first and the one that begins a text second; and its template."""


def make_checkpoint(folder: Path, name: str, *, head: str = "ForCausalLM", shards: str = "1GB", **more: Any) -> Path:
    """The folder, in the Hugging Face layout; tokens that pad are those that end, but for Gemma's.

    Args:
        folder: A name that is free.
        name: One of MODELS.
        head: `ForCausalLM` or `ForSequenceClassification`.
        shards: The most that one file of weights holds.
        more: Settings of the tokenizer; `dtype` is the weights'.
    """
    import torch
    import transformers

    architecture, sizes, chat = MODELS[name]
    special, template = CHATS[chat]
    dtype = more.pop("dtype", torch.float32)
    begins = {"bos_token": special[1]} if chat != "chatml" else {}
    pads = {"pad_token": "<pad>"} if chat == "gemma" else {}
    folder.mkdir()
    num_tokens = make_tokenizer(folder, special, **({"chat_template": template} | begins | pads | more))
    ends = special.index("<end_of_turn>") if chat == "gemma" else 0
    ids: dict[str, Any] = {"vocab_size": num_tokens, "eos_token_id": ends, "bos_token_id": 1, "pad_token_id": 2}
    scalar = {"num_labels": 1} if head != "ForCausalLM" else {}
    with warnings.catch_warnings(), torch.random.fork_rng([]):
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        config = getattr(transformers, f"{architecture}Config")(**SIZES | sizes | ids | scalar)
        network = getattr(transformers, architecture + head)(config).to(dtype)
        network.save_pretrained(folder, max_shard_size=shards)
    return folder
