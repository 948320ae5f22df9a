"""Which responses share a list when there are too many for one, and in which order they are shown.

The first sample is a ring: each list shares a response with the next and the last with the first (a chain where a ring
would take a list more). So the lists are connected from the first sample on, and have a common scale. Every further
sample deals the responses out again, once each, and puts those together that have shared fewest lists so far. Nothing
depends on what comes later: the lists of k samples are the first ones of any more.
"""

import hashlib
import random
import re
from collections.abc import Sequence
from dataclasses import replace
from numbers import Integral
from typing import TYPE_CHECKING

from grmkit.errors import TemplateError
from grmkit.scoring.orders import Order, order_schedule
from grmkit.templates import Prompt, Template
from grmkit.types import Example

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DEALS = 10
"""How many ways to deal are tried; the most even one is taken."""
NEVER = 1 << 40
_RESPONSE = re.compile(r"responses\[(\d+)\]")


def check_list_size(list_size: int | None, template: Template | None = None) -> int | None:
    """The same list size.

    Raises:
        ValueError: If it is no whole number of 2 or more, or the template cannot show so many responses at once, or
            shows a hint, which most lists could not have.
    """
    if list_size is None:
        return None
    if not isinstance(list_size, Integral):
        raise ValueError(f"list_size is {list_size!r}; expected a whole number of responses, such as 8")
    if list_size < 2:
        raise ValueError(f"list_size is {list_size}; expected at least 2 responses, or there is nothing to compare")
    if template is not None:
        made_up = Example("?", ("-",) * list_size, label=0)
        try:
            template.render(made_up, range(list_size))
        except TemplateError as error:
            raise ValueError(f"list_size is {list_size}; the template cannot show so many: {error}") from None
        try:
            template.render(replace(made_up, label=None), range(list_size))
        except TemplateError as error:
            raise ValueError(
                f"list_size is {list_size} and the template is {template.name!r}, but not every list has the labelled "
                f"response: {error}; give one of the two"
            ) from None
    return list_size


def check_combination(list_size: int | None, *, rule: str, **others: object) -> None:
    """Check that lists are not asked for together with what needs every judgment to score every response.

    Args:
        list_size: The list size, None without lists.
        rule: What decides.
        others: Further settings by name, None where they are not used.

    Raises:
        ValueError: If one of them is used, or each judgment would have one vote.
    """
    used = [name for name, value in others.items() if value is not None]
    if list_size is not None and (used or rule == "majority"):
        found = f"{used[0]} is given" if used else "rule is 'majority'"
        raise ValueError(
            f"list_size is {list_size} and {found}: it compares judgments of all responses, and a list has some of "
            "them; give one of the two"
        )


def schedule_of(
    num_responses: int,
    samples: int,
    *,
    seed: int,
    key: str,
    list_size: int | None = None,
    num_orders: int | None = None,
) -> list[tuple[Order, int]]:
    """The order and the stream of every judgment: of lists if there are more responses than fit in one.

    Otherwise in so many orders at most, or in all that balance asks for.
    """
    if list_size is None or num_responses <= list_size:
        return order_schedule(num_responses, samples, seed=seed, key=key, num_orders=num_orders)
    return list_schedule(num_responses, samples, list_size=list_size, seed=seed, key=key)


def list_schedule(num_responses: int, samples: int, *, list_size: int, seed: int, key: str) -> list[tuple[Order, int]]:
    """The lists of so many samples, sample by sample; those of k samples are the first of any more.

    Args:
        num_responses: How many responses there are, more than fit in a list.
        samples: How often to show every response, at least 1.
        list_size: The most responses in a list, at least 2.
        seed: The caller's seed.
        key: What is judged; different keys get different lists.

    Returns:
        Per list the order (`order[p]` is the input index shown at position p) and the stream: how many lists before
        it had the same order. After every sample, how often a response was shown differs by at most one.

    Raises:
        ValueError: If a number is out of range.
    """
    import numpy as np

    if samples < 1 or not 2 <= list_size < num_responses:
        raise ValueError(
            f"samples is {samples}, list_size {list_size} and num_responses {num_responses}; expected at least 1 "
            "sample, and lists of 2 or more, but not of all, responses"
        )
    generator = _generator(seed, key, list_size)
    together = np.zeros((num_responses, num_responses), np.int64)
    standing = np.zeros((num_responses, list_size), np.int64)
    drawn: dict[Order, int] = {}
    schedule: list[tuple[Order, int]] = []
    for sample in range(samples):
        lists = _deal(together, list_size, generator) if sample else _link(num_responses, list_size, generator)
        for members in lists:
            together[np.ix_(members, members)] += 1
            order = _place(members, standing, generator)
            schedule.append((order, drawn.get(order, 0)))
            drawn[order] = drawn.get(order, 0) + 1
    return schedule


def render_shown(template: Template, example: Example, order: Order) -> Prompt:
    """The prompt that shows these responses of an example in this order, as if there were no others.

    Raises:
        TemplateError: If the template cannot take them.
    """
    shown = sorted(order)
    if len(shown) == len(example.responses):
        return template.render(example, order)
    label = example.label
    if isinstance(label, tuple):
        label = tuple(label[index] for index in shown)
    elif label is not None:
        label = shown.index(label) if label in shown else None
    part = replace(example, responses=tuple(example.responses[index] for index in shown), label=label)
    prompt = template.render(part, [shown.index(index) for index in order])
    return replace(
        prompt, neutralised=tuple(replace(one, field=_named(one.field, shown)) for one in prompt.neutralised)
    )


def _named(field: str, shown: Sequence[int]) -> str:
    """A field of a list, by the response's index among all."""
    found = _RESPONSE.fullmatch(field)
    return field if found is None else f"responses[{shown[int(found[1])]}]"


def _link(num_responses: int, list_size: int, generator: random.Random) -> list[list[int]]:
    """As few lists as can be connected, cut out of a shuffled ring or chain of responses; neighbours share one."""
    labels = list(range(num_responses))
    generator.shuffle(labels)
    num_lists = -(-(num_responses - 1) // (list_size - 1))
    is_ring = num_lists * (list_size - 1) >= num_responses
    ends = _ends(num_responses if is_ring else num_responses - 1, num_lists)
    starts = [0, *ends[:-1]]
    return [
        [labels[place % num_responses] for place in range(start, end + 1)]
        for start, end in zip(starts, ends, strict=True)
    ]


def _deal(together: "NDArray[np.int64]", list_size: int, generator: random.Random) -> list[list[int]]:
    """Every response in one list, the lists as equal as can be; the most even of some random ways to do it."""
    deals = [_deal_once(together, list_size, generator) for _ in range(DEALS)]
    return min(deals, key=lambda deal: deal[0])[1]


def _deal_once(together: "NDArray[np.int64]", list_size: int, generator: random.Random) -> tuple[int, list[list[int]]]:
    """One way to deal, and how often those that it puts together had been together before.

    Pairs of an odd number of responses would leave one alone: one of those shown least is dealt twice.
    """
    import numpy as np

    num_responses = len(together)
    labels = list(range(num_responses))
    generator.shuffle(labels)
    is_odd = list_size == 2 and num_responses % 2 == 1
    twice = [min(labels, key=lambda label: together[label, label])] if is_odd else []
    cards = [*twice, *twice, *(label for label in labels if label not in twice)]
    num_lists = -(-len(cards) // list_size)
    ends = _ends(len(cards), num_lists)
    sizes = [end - start for start, end in zip([0, *ends[:-1]], ends, strict=True)]
    lists: list[list[int]] = [[] for _ in sizes]
    costs, total = np.zeros((num_lists, num_responses), np.int64), 0
    for card in cards:
        free = [place for place, members in enumerate(lists) if len(members) < sizes[place]]
        chosen = min(free, key=lambda place: (costs[place, card], len(lists[place])))
        total += int(costs[chosen, card])
        lists[chosen].append(card)
        costs[chosen] += together[card]
        costs[chosen, card] = NEVER
    return total, lists


def _place(members: Sequence[int], standing: "NDArray[np.int64]", generator: random.Random) -> Order:
    """The members in an order that puts each where it has stood least; `standing` counts it."""
    left, positions = list(members), list(range(len(members)))
    generator.shuffle(left)
    generator.shuffle(positions)
    order = [0] * len(members)
    for position in positions:
        order[position] = min(left, key=lambda member: standing[member, position])
        left.remove(order[position])
        standing[order[position], position] += 1
    return tuple(order)


def _ends(total: int, parts: int) -> list[int]:
    """Where each of so many parts ends, as equal as can be."""
    return [total * (part + 1) // parts for part in range(parts)]


def _generator(seed: int, key: str, list_size: int) -> random.Random:
    digest = hashlib.sha256(f"lists:{list_size}:{seed}:{key}".encode()).digest()
    return random.Random(digest)
