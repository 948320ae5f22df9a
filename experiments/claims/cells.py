"""Cells: what one setting gave on the first so many items, in a file that needs neither the ledger nor the weights.

A file holds every score of every judgment, the meta scores if there was a meta RM, and the tokens per item. A cell only
grows: items that it has are never judged again.
"""

import base64
import hashlib
import json
import lzma
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from claims.views import View, num_shown
from grmkit.nano.world import Item, items

MAX_RESPONSES = 8
TENTHS = 10  # scores are kept in tenths of a point, in one byte; 0 is a judgment that could not be read
HUNDREDTHS = 100  # meta scores are kept in hundredths of a logit, in two bytes
UNSCORED = -32768
PARTS = {"scores": np.uint8, "meta": np.int16, "prompt_tokens": np.uint16, "completion_tokens": np.uint16}


@dataclass(frozen=True, slots=True)
class Cell:
    """One setting.

    Args:
        judge: Its name among the judges of the run.
        view: How items are shown.
        samples: Judgments per item.
        temperature: Of the sampling; 0 is greedy, then every order is judged once.
        split: Whose items.
        has_meta: Whether the meta RM is to score the judgments, where there is one.
    """

    judge: str
    view: View = "plain"
    samples: int = 8
    temperature: float = 0.4
    split: str = "test"
    has_meta: bool = False

    @property
    def name(self) -> str:
        how = "greedy" if self.temperature == 0 else f"sampled-{self.temperature:g}"
        split = "" if self.split == "test" else f".{self.split}"
        return f"{self.judge}.{self.view}.{how}.{self.samples}{split}"


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What came of a cell's first items.

    Args:
        scores: Items x samples x responses, in points and input order; NaN where nothing could be read.
        meta: Items x samples, logits; NaN where there is none. None without a meta RM.
        prompt_tokens, completion_tokens: Per item, of all its samples; prompts as often as they were read.
        seconds: What it took, over all processes.
        settings: What decided it.
    """

    scores: np.ndarray
    meta: np.ndarray | None
    prompt_tokens: np.ndarray
    completion_tokens: np.ndarray
    seconds: float = 0.0
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.scores)

    def first(self, num: int) -> "Measured":
        meta = None if self.meta is None else self.meta[:num]
        tokens = self.prompt_tokens[:num], self.completion_tokens[:num]
        return Measured(self.scores[:num], meta, *tokens, self.seconds, self.settings)

    def joined(self, more: "Measured") -> "Measured":
        """This and what was measured of the items after it."""
        meta = None if self.meta is None or more.meta is None else np.concatenate([self.meta, more.meta])
        return Measured(
            np.concatenate([self.scores, more.scores]),
            meta,
            np.concatenate([self.prompt_tokens, more.prompt_tokens]),
            np.concatenate([self.completion_tokens, more.completion_tokens]),
            self.seconds + more.seconds,
            more.settings,
        )


@cache
def items_of(split: str, num: int) -> tuple[Item, ...]:
    """The first items of a split of the small world."""
    return tuple(items(split, num))  # pyright: ignore[reportArgumentType]


def path_of(folder: Path, cell: Cell) -> Path:
    return folder / f"{cell.name}.json"


def write_cell(folder: Path, cell: Cell, found: Measured) -> None:
    """The cell's file, whole or as it was."""
    shown = items_of(cell.split, len(found))
    packed = {
        "scores": _flat(cell, found.scores, shown),
        "meta": None if found.meta is None else _to_steps(found.meta),
        "prompt_tokens": found.prompt_tokens,
        "completion_tokens": found.completion_tokens,
    }
    told = {
        "cell": cell.name,
        "settings": dict(found.settings),
        "items": len(found),
        "items_sha256": digest_items(shown),
        "seconds": round(found.seconds, 1),
        "tokens": {"prompt": int(found.prompt_tokens.sum()), "completion": int(found.completion_tokens.sum())},
        "unreadable": int((packed["scores"] == 0).sum()),
        "packed": {name: None if part is None else pack(part, PARTS[name]) for name, part in packed.items()},
    }
    folder.mkdir(parents=True, exist_ok=True)
    new = path_of(folder, cell).with_suffix(".new")
    new.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    new.replace(path_of(folder, cell))


def read_cell(folder: Path, cell: Cell) -> Measured | None:
    """What was measured of a cell; None if nothing was.

    Raises:
        SystemExit: If the file is of other items than the small world has now.
    """
    path = path_of(folder, cell)
    if not path.exists():
        return None
    told = json.loads(path.read_text(encoding="utf-8"))
    shown = items_of(cell.split, told["items"])
    if told["items_sha256"] != digest_items(shown):
        raise SystemExit(f"{path}: is of other items than the small world has now; delete it to measure it anew")
    parts = {name: None if text is None else unpack(text, PARTS[name]) for name, text in told["packed"].items()}
    meta = parts["meta"]
    return Measured(
        _table(cell, parts["scores"], shown),
        None if meta is None else _from_steps(meta).reshape(len(shown), cell.samples),
        parts["prompt_tokens"],
        parts["completion_tokens"],
        told["seconds"],
        told["settings"],
    )


def digest_items(shown: Sequence[Item]) -> str:
    """One name for these items in this order: what is asked, what is answered, what it is worth."""
    found = hashlib.sha256()
    for item in shown:
        found.update(f"{item.example.id} {item.example.key} {item.example.label}\n".encode())
    return found.hexdigest()


def pack(values: np.ndarray, kind: Any) -> str:
    """Whole numbers as text: compressed, in base 85.

    Raises:
        ValueError: If one does not fit its kind.
    """
    fitting = np.asarray(values).astype(kind)
    if not np.array_equal(fitting, values):
        raise ValueError(f"some value does not fit {np.dtype(kind).name}")
    raw = fitting.astype(np.dtype(kind).newbyteorder("<")).tobytes()
    return base64.b85encode(lzma.compress(raw, format=lzma.FORMAT_ALONE, preset=9)).decode()


def unpack(text: str, kind: Any) -> np.ndarray:
    raw = lzma.decompress(base64.b85decode(text), format=lzma.FORMAT_ALONE)
    return np.frombuffer(raw, np.dtype(kind).newbyteorder("<")).astype(kind)


def _widths(cell: Cell, shown: Sequence[Item]) -> np.ndarray:
    return np.array([num_shown(item.example, cell.view) for item in shown])


def _places(cell: Cell, shown: Sequence[Item]) -> np.ndarray:
    """Where a table holds a score: items x samples x responses."""
    is_shown = np.arange(MAX_RESPONSES) < _widths(cell, shown)[:, None]
    return np.broadcast_to(is_shown[:, None, :], (len(shown), cell.samples, MAX_RESPONSES))


def _flat(cell: Cell, scores: np.ndarray, shown: Sequence[Item]) -> np.ndarray:
    return (np.nan_to_num(scores) * TENTHS).round(6)[_places(cell, shown)]


def _table(cell: Cell, flat: np.ndarray, shown: Sequence[Item]) -> np.ndarray:
    table = np.full((len(shown), cell.samples, MAX_RESPONSES), np.nan)
    table[_places(cell, shown)] = np.where(flat == 0, np.nan, flat / TENTHS)
    return table


def _to_steps(meta: np.ndarray) -> np.ndarray:
    steps = np.clip((meta * HUNDREDTHS).round(), UNSCORED + 1, -UNSCORED - 1)
    return np.where(np.isnan(meta), UNSCORED, steps)


def _from_steps(steps: np.ndarray) -> np.ndarray:
    return np.where(steps == UNSCORED, np.nan, steps / HUNDREDTHS)
