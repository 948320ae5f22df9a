"""In which orders the responses are shown: balanced, nested, and as few as that allows.

Judges favour positions, so each response should stand in each position equally often. The orders come from a
Williams square (each response once in each position of every n rows; every pair as often one way round as the
other), started at a random row of a random labelling. Repeating few orders instead of shuffling for every sample
lets samples of one order share a request, and the server the work of reading the prompt.
"""

import hashlib
import random
from collections import Counter

Order = tuple[int, ...]


def order_schedule(
    num_responses: int, samples: int, *, seed: int, key: str, num_orders: int | None = None
) -> list[tuple[Order, int]]:
    """The order and the stream of every sample; the first k entries are those of a schedule of k.

    Args:
        num_responses: How many responses there are, at least 1.
        samples: How many judgments are to be drawn, at least 1.
        seed: The caller's seed.
        key: What is judged; different keys get different labellings.
        num_orders: In how many orders they are shown at most; None: in all that balance asks for.

    Returns:
        Per sample the order (`order[p]` is the input index shown at position p) and the stream: how many
        samples before it had the same order. In the first k, how often a response stands in a position differs
        by at most one between responses and between positions.

    Example:
        >>> [order for order, stream in order_schedule(2, 4, seed=0, key="x")]
        [(1, 0), (0, 1), (1, 0), (0, 1)]
    """
    if num_responses < 1 or samples < 1:
        raise ValueError(f"num_responses is {num_responses} and samples is {samples}; expected at least 1 of each")
    if num_orders is not None and num_orders < 1:
        raise ValueError(f"num_orders is {num_orders}; expected at least 1, or None")
    rows = balanced_rows(num_responses)[:num_orders]
    labels = list(range(num_responses))
    _generator(seed, key).shuffle(labels)
    drawn: Counter[Order] = Counter()
    schedule = []
    for sample in range(samples):
        order = tuple(labels[index] for index in rows[sample % len(rows)])
        schedule.append((order, drawn[order]))
        drawn[order] += 1
    return schedule


def balanced_rows(n: int) -> list[Order]:
    """The rows of a Williams square for even n, of one and its mirror image for odd n.

    Every prefix is balanced by position within one; every whole square by position exactly, and all rows by
    which of two responses comes first.
    """
    if n == 1:
        return [(0,)]
    zigzag = [step // 2 if step % 2 == 0 else n - (step + 1) // 2 for step in range(n)]
    if n % 2 == 0:  # shifting by n/2 gives the same row reversed: keep the two together
        shifts = [shift for half in range(n // 2) for shift in (half, half + n // 2)]
        return [_shifted(zigzag, shift) for shift in shifts]
    square = [_shifted(zigzag, shift) for shift in range(n)]
    return square + [row[::-1] for row in square]


def _shifted(row: list[int], shift: int) -> Order:
    return tuple((index + shift) % len(row) for index in row)


def _generator(seed: int, key: str) -> random.Random:
    digest = hashlib.sha256(f"orders:{seed}:{key}".encode()).digest()
    return random.Random(digest)
