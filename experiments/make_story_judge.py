"""Make a judge that cannot judge: TinyStories-656K with a chat template, in a shape vLLM's CPU attention takes.

    GRMKIT_DATA=... python experiments/make_story_judge.py story-judge

Needs torch and safetensors. A story model behind a real server shows that nothing it writes is ever read as a score.
Three changes to the checkpoint, none to what it computes:

- The turn delimiters of the chat template are true special tokens, so that tests can count them: the vocabulary is
  full, so the last two merges of the tokenizer give their ids to `<|im_start|>` and `<|im_end|>`.
- vLLM's CPU attention has no kernel for heads of 16: they are padded with zeros to 32. Rotary pair (i, i+8) of 16 goes
  to (2i, 2i+16) of 32, which turns at the same rate; queries grow by sqrt(2), because scores are divided by sqrt(32).
- `<|im_end|>` ends an answer.
"""

import argparse
import json
import os
import shutil
from pathlib import Path
from typing import Any

DELIMITERS = {2046: "<|im_start|>", 2047: "<|im_end|>"}
CHAT_TEMPLATE = (
    "{%- for message in messages -%}\n"
    "{{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' -}}\n"
    "{%- endfor -%}\n"
    "{%- if add_generation_prompt -%}\n"
    "{{- '<|im_start|>assistant\\n' -}}\n"
    "{%- endif -%}"
)
HEAD, PADDED = 16, 32


def change_json(path: Path, change: Any) -> None:
    value = json.loads(path.read_text(encoding="utf-8"))
    change(value)
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1), encoding="utf-8")


def add_delimiters(tokenizer: dict[str, Any]) -> None:
    model = tokenizer["model"]
    by_id = {number: token for token, number in model["vocab"].items()}
    for number, delimiter in DELIMITERS.items():
        old = by_id[number]
        model["merges"] = [pair for pair in model["merges"] if "".join(parts(pair)) != old]
        assert all(old not in parts(pair) for pair in model["merges"]), f"a merge builds on {old!r}"
        del model["vocab"][old]
        model["vocab"][delimiter] = number
        tokenizer["added_tokens"].append({"id": number, **token_of(delimiter)})


def parts(pair: list[str] | str) -> tuple[str, ...]:
    return tuple(pair.split(" ")) if isinstance(pair, str) else tuple(pair)


def token_of(text: str) -> dict[str, Any]:
    return {
        "content": text,
        "single_word": False,
        "lstrip": False,
        "rstrip": False,
        "normalized": False,
        "special": True,
    }


def declare_delimiters(config: dict[str, Any]) -> None:
    for number, delimiter in DELIMITERS.items():
        config["added_tokens_decoder"][str(number)] = token_of(delimiter)
    config["extra_special_tokens"] = list(DELIMITERS.values())


def pad_heads(path: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    place = torch.tensor([2 * i for i in range(HEAD // 2)] + [HEAD + 2 * i for i in range(HEAD // 2)])
    weights = load_file(path)
    for name, weight in weights.items():
        if "q_proj" in name or "k_proj" in name or "v_proj" in name:
            heads = weight.view(-1, HEAD, weight.shape[1])
            padded = torch.zeros(heads.shape[0], PADDED, weight.shape[1])
            padded[:, place] = heads * (2**0.5 if "q_proj" in name else 1.0)
            weights[name] = padded.reshape(-1, weight.shape[1]).contiguous()
        elif "o_proj" in name:
            heads = weight.view(weight.shape[0], -1, HEAD)
            padded = torch.zeros(weight.shape[0], heads.shape[1], PADDED)
            padded[:, :, place] = heads
            weights[name] = padded.reshape(weight.shape[0], -1).contiguous()
    save_file(weights, path, metadata={"format": "pt"})


def make(source: Path, target: Path) -> None:
    target.mkdir(parents=True)
    for path in source.iterdir():
        shutil.copyfile(path, target / path.name)
    change_json(target / "tokenizer.json", add_delimiters)
    change_json(target / "tokenizer_config.json", declare_delimiters)
    change_json(target / "generation_config.json", lambda config: config.update(eos_token_id=[2, max(DELIMITERS)]))
    change_json(target / "config.json", lambda config: config.update(head_dim=PADDED))
    (target / "chat_template.jinja").write_text(CHAT_TEMPLATE, encoding="utf-8")
    pad_heads(target / "model.safetensors")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", type=Path)
    args = parser.parse_args()
    make(Path(os.environ["GRMKIT_DATA"]) / "tiny-lms" / "TinyStories-656K", args.target)
    print(f"made {args.target}")


if __name__ == "__main__":
    main()
