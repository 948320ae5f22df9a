"""What the plots of several claims share."""

from collections.abc import Mapping
from typing import Any


def bars(axes: Any, table: Mapping[str, Any] | None) -> None:
    """A table's numbers as points with intervals, a row below the other, a colour for every column."""
    if table is None:
        return
    columns: list[str] = list(table["columns"][1:])
    num = 0
    for place, name in enumerate(columns, start=1):
        rows = [(row, -index) for index, row in enumerate(table["rows"]) if _is_number(row[place])]
        if not rows:
            continue
        shift = 0.12 * (len(columns) - place)
        values = [100 * row[place]["value"] for row, _ in rows]
        low = [100 * (row[place]["value"] - row[place]["low"]) for row, _ in rows]
        high = [100 * (row[place]["high"] - row[place]["value"]) for row, _ in rows]
        heights = [height + shift for _, height in rows]
        axes.errorbar(values, heights, xerr=[low, high], fmt="o", markersize=4, capsize=2, label=name)
        num += 1
    if num:
        axes.set_yticks([-index for index in range(len(table["rows"]))], [row[0] for row in table["rows"]], fontsize=7)
        axes.set_xlabel("%")
        axes.legend(fontsize=7)


def _is_number(value: Any) -> bool:
    return isinstance(value, Mapping) and value["value"] is not None
