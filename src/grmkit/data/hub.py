"""Rows of a data set on the Hugging Face hub, streamed; needs the optional `datasets` package."""

import re
from collections.abc import Iterator
from typing import Any

from grmkit.errors import DataError

HUB_ID = re.compile(r"hf://(?P<name>[\w.-]+(?:/[\w.-]+)?)(?::(?P<split>[\w.-]+))?(?:#(?P<config>[^#]+))?")


def hub_rows(source: str) -> Iterator[tuple[int, Any]]:
    """Rows of `hf://owner/name[:split][#config]` with their numbers from 1; the split is `train` unless given.

    Raises:
        DataError: If the id is malformed, `datasets` is not installed, or the hub refuses.
    """
    match = HUB_ID.fullmatch(source)
    if not match:
        raise DataError(f"{source}: not a hub id; expected hf://owner/name[:split][#config]")
    try:
        from datasets import load_dataset  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise DataError(f"{source}: needs the datasets package; run: pip install 'grmkit[hf]'") from error
    name, split, config = match["name"], match["split"] or "train", match["config"]
    try:
        yield from enumerate(load_dataset(name, name=config, split=split, streaming=True), 1)
    except (OSError, ValueError, RuntimeError) as error:
        raise DataError(f"{source}: the hub gave no rows: {error}; check name, split and config") from error
