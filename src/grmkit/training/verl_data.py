"""Examples as rows that verl trains a judge on: the prompt rendered in one order of responses, the label following it.

verl repeats a row for every rollout of a group, so all of a group see one order. Copies of an example are rows in the
other orders of its balanced schedule.
"""

import random
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from grmkit.corpora.rejection import prompt_of
from grmkit.errors import DataError
from grmkit.scoring.orders import order_schedule
from grmkit.templates import load_template
from grmkit.training.rollouts import domain_of
from grmkit.training.verl_reward import ground_truth_of
from grmkit.types import Example

DATA_SOURCE, ABILITY = "grmkit", "judging"
NUM_AT_ONCE = 1024  # rows of a row group


def verl_rows(
    examples: Sequence[Example], template: str, *, copies: int = 1, seed: int = 0
) -> Iterator[dict[str, Any]]:
    """One row per example and copy, in the seed's order.

    Args:
        examples: With labels that have one best response.
        template: By which they are shown, and judgments are read.
        copies: Rows per example, their orders balanced: as often as one pass over the file shall show it.
        seed: Of the orders of responses and rows.

    Raises:
        ValueError: If copies is less than 1, or there is no such template.
        TemplateError: If the template cannot take an example.
    """
    if copies < 1:
        raise ValueError(f"copies is {copies}; expected at least 1")
    rng = random.Random(f"verl:{seed}")
    for copy in range(copies):
        places = list(range(len(examples)))
        rng.shuffle(places)
        for place in places:
            example = examples[place]
            schedule = order_schedule(len(example.responses), copies, seed=seed, key=example.key)
            yield _row(example, schedule[copy][0], template, copy)


def write_verl(rows: Iterable[dict[str, Any]], path: Path) -> int:
    """Write rows as Parquet, whole or not at all; how many there were.

    Raises:
        DataError: If it cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    new, rows, num = path.with_name(f"{path.name}.part"), iter(rows), 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with pq.ParquetWriter(new, _schema()) as file:
            while some := list(islice(rows, NUM_AT_ONCE)):
                file.write_table(pa.Table.from_pylist(some, schema=_schema()))
                num += len(some)
        new.replace(path)
    except (OSError, pa.ArrowException, UnicodeEncodeError) as error:
        raise DataError(f"{path}: cannot be written: {error}") from None
    finally:
        with suppress(OSError):
            new.unlink()
    return num


def _row(example: Example, order: Sequence[int], template: str, copy: int) -> dict[str, Any]:
    label = example.label
    assert label is not None
    shown = order.index(label) if isinstance(label, int) else [label[index] for index in order]
    return {
        "data_source": DATA_SOURCE,
        "prompt": [{"role": "user", "content": prompt_of(load_template(template), example, order)}],
        "ability": ABILITY,
        "reward_model": {"style": "rule", "ground_truth": ground_truth_of(template, len(order), shown)},
        "extra_info": {
            "id": example.id,
            "copy": copy,
            "order": list(order),
            "domain": domain_of(example),
        },
    }


def _schema() -> Any:
    import pyarrow as pa

    text, number = pa.string(), pa.int64()
    return pa.schema(
        [
            ("data_source", text),
            ("prompt", pa.list_(pa.struct([("role", text), ("content", text)]))),
            ("ability", text),
            ("reward_model", pa.struct([("style", text), ("ground_truth", text)])),
            ("extra_info", pa.struct([("id", text), ("copy", number), ("order", pa.list_(number)), ("domain", text)])),
        ]
    )
