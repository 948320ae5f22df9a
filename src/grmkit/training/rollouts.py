"""What the policy is asked in reinforcement learning: in which order, with the responses in which order, and again."""

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from grmkit.corpora.rejection import prompt_of
from grmkit.scoring.orders import Order, order_schedule
from grmkit.templates import Template
from grmkit.types import Example

NUM_SORTED_TOGETHER = 32  # batches

DOMAIN = ("domain", "category", "subset", "source")
"""Where an example's `meta` says what it is about; the first that is there counts."""

Written = tuple[list[int], float]
"""The tokens of a rollout and what it earns."""


def alike(lengths: Sequence[int], size: int, *, seed: int) -> list[int]:
    """A random order in which those that make a batch are of like length: TRL pads all of a batch to its longest.

    Args:
        lengths: In tokens.
        size: How many make a batch.
        seed: Of the order.

    Example:
        >>> alike([9, 1, 8, 2], 2, seed=0)
        [2, 0, 1, 3]
    """
    rng = random.Random(f"alike:{seed}")
    places = list(range(len(lengths)))
    rng.shuffle(places)
    spread = size * NUM_SORTED_TOGETHER
    ordered = []
    for start in range(0, len(places), spread):
        near = sorted(places[start : start + spread], key=lambda place: lengths[place])
        batches = [near[first : first + size] for first in range(0, len(near), size)]
        last = [batches.pop()] if len(batches[-1]) < size else []  # TRL leaves out what fills no batch
        rng.shuffle(batches)
        ordered += [place for batch in (*batches, *last) for place in batch]
    return ordered


@dataclass(slots=True)
class Rollouts:
    """The examples as a policy is asked about them, each `group` times with the responses in other orders.

    Args:
        examples: In the order in which they are asked.
        template: How they are asked.
        group: How many rollouts of one example are compared.
        seed: Of the orders.
        num_orders: In how many orders a group shows the responses; TRL sends a vLLM server the prompt of a group's
            first rollout for all of them, so there it is one.
    """

    examples: Sequence[Example]
    template: Template
    group: int
    seed: int
    num_orders: int | None = None
    _asked: dict[str, tuple[int, Order]] = field(default_factory=dict, init=False)

    def dataset(self) -> Any:
        """As TRL reads them: a row is rendered when it is asked for.

        A row that is asked for several times at once, as those of a group are, has its responses in the orders of a
        balanced schedule, one after the other.
        """
        from datasets import Dataset

        def render(rows: Mapping[str, Sequence[int]]) -> dict[str, list[Any]]:
            seen: Counter[int] = Counter()
            shown = []
            for index in rows["index"]:
                shown.append((index, self.orders(index)[seen[index] % self.group]))
                seen[index] += 1
            prompts = [self.prompt(index, order) for index, order in shown]
            self._asked |= zip(prompts, shown, strict=True)  # batches are rendered before they are asked about
            return {"prompt": [[{"role": "user", "content": prompt}] for prompt in prompts], **self.columns(shown)}

        return Dataset.from_dict({"index": list(range(len(self.examples)))}).with_transform(render)

    def orders(self, index: int) -> list[Order]:
        """The order of each rollout of a group."""
        example = self.examples[index]
        num, limit = len(example.responses), self.num_orders
        schedule = order_schedule(num, self.group, seed=self.seed, key=example.key, num_orders=limit)
        return [order for order, _ in schedule]

    def prompt(self, index: int, order: Order) -> str:
        return prompt_of(self.template, self.examples[index], order)

    def columns(self, shown: Sequence[tuple[int, Order]]) -> dict[str, list[Any]]:
        """What the reward needs to know of each rollout, apart from what was written."""
        return {
            "index": [index for index, _ in shown],
            "order": [order for _, order in shown],
            "label": [shown_label(self.examples[index], order) for index, order in shown],
            "domain": [domain_of(self.examples[index]) for index, _ in shown],
        }

    def asked(self, prompt: str) -> tuple[int, Order]:
        """Which example a prompt is about, and in which order it shows it."""
        return self._asked[prompt]

    def replacing(self, reward: Callable[..., list[float]], rounds: int) -> Callable[..., dict[str, Any]]:
        """Dynamic sampling: a rollout function of TRL that asks about other examples where a group has no signal.

        A group all of whose rollouts earn the same teaches nothing. Its example is replaced by another, drawn by the
        seed and the step, and the group is written anew, for so many rounds; what then has no signal stays.

        Args:
            reward: What texts, token ids and columns earn.
            rounds: How often the groups without signal are replaced.
        """

        def rollout(prompts: Sequence[Any], trainer: Any) -> dict[str, Any]:
            shown = [self.asked(prompt[-1]["content"]) for prompt in prompts]
            rng = random.Random(f"replace:{self.seed}:{trainer.state.global_step}:{trainer.accelerator.process_index}")
            asked, written = self._write(shown, trainer, reward)
            num_replaced = 0
            for _ in range(rounds):
                dull = [
                    first for first in range(0, len(shown), self.group) if is_dull(written[first : first + self.group])
                ]
                if not dull:
                    break
                new = []
                for first in dull:
                    index = rng.randrange(len(self.examples))
                    shown[first : first + self.group] = [(index, order) for order in self.orders(index)]
                    new += range(first, first + self.group)
                again, anew = self._write([shown[place] for place in new], trainer, reward)
                num_replaced += len(dull)
                for place, prompt_ids, row in zip(new, again, anew, strict=True):
                    asked[place], written[place] = prompt_ids, row
            return {
                "prompt_ids": asked,
                "completion_ids": [ids for ids, _ in written],
                "logprobs": None,
                "replaced": [num_replaced * self.group / len(shown)] * len(shown),
                **self.columns(shown),
            }

        return rollout

    def _write(
        self, shown: Sequence[tuple[int, Order]], trainer: Any, reward: Callable[..., list[float]]
    ) -> tuple[list[Any], list[Written]]:
        """Tokens of the prompts; tokens and reward of what the policy writes."""
        turns = [[{"role": "user", "content": self.prompt(index, order)}] for index, order in shown]
        prompt_ids, images, fields = trainer._tokenize_prompts(turns)
        ids, _ = trainer._generate_single_turn(prompt_ids, images, fields, self.group)
        texts = trainer.processing_class.batch_decode(ids, skip_special_tokens=True)
        earned = reward([[{"role": "assistant", "content": text}] for text in texts], ids, **self.columns(shown))
        return list(prompt_ids), list(zip(ids, earned, strict=True))


def domain_of(example: Example) -> str:
    """What an example is about, as far as its data set says."""
    return str(next((example.meta[name] for name in DOMAIN if example.meta.get(name)), ""))


def is_dull(group: Sequence[Written]) -> bool:
    """Whether all rollouts of a group earn the same: their advantages are zero."""
    return len({earned for _, earned in group}) == 1


def shown_label(example: Example, order: Sequence[int]) -> int | list[float]:
    """The label in the order shown: where the best response stands, or the gold score of each place."""
    label = example.label
    assert label is not None
    return list(order).index(label) if isinstance(label, int) else [label[index] for index in order]
