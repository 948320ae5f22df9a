"""How well a meta RM tells right judgments from wrong ones, on items that neither it nor its judge has learnt from."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from claims.cells import Measured
from claims.told import Table, percent
from claims.votes import is_right
from grmkit.metrics.trust import auc, auc_interval, top_half
from grmkit.types import Example

COLUMNS = ["meta RM of", "judgments", "right", "AUC", "AUC within items", "right, the trusted half of each item"]


def trust_table(found: Sequence[tuple[str, Measured | None, Sequence[Example]]]) -> Table:
    """A row per judge whose judgments were scored; one is right as a vote of it alone would be, by the claims' rule."""
    rows = [
        [name, *(_row(one, examples) if one is not None and one.meta is not None else [None] * 5)]
        for name, one, examples in found
    ]
    return Table("How well the meta RM tells right judgments from wrong ones (95 %, drawn by item)", COLUMNS, rows)


def _row(found: Measured, examples: Sequence[Example]) -> list[Any]:
    assert found.meta is not None
    num, samples = found.meta.shape
    right = np.stack([is_right(found.scores[:, [one]].mean(axis=1), examples) for one in range(samples)], axis=1)
    is_scored = ~np.isnan(found.meta)
    items = np.broadcast_to(np.arange(num)[:, None], (num, samples))[is_scored].tolist()
    scores, outcomes = found.meta[is_scored].tolist(), right[is_scored].astype(bool).tolist()
    low, high = auc_interval(scores, outcomes, items)
    by_item = [(row[known], hits[known] > 0) for row, hits, known in zip(found.meta, right, is_scored, strict=True)]
    mixed = [auc(row.tolist(), hits.tolist()) for row, hits in by_item if 0 < hits.sum() < len(hits)]
    kept, every = top_half([row for row, _ in by_item], [hits for _, hits in by_item])
    told = f"{auc(scores, outcomes):.3f} ({low:.3f} to {high:.3f})"
    within = f"{np.mean(mixed):.3f} ({1.96 * np.std(mixed) / len(mixed) ** 0.5:.3f} either way; {len(mixed):,} items)"
    return [f"{len(scores):,}", percent(every), told, within, percent(kept)]
