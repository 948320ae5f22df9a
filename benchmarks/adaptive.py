"""Adaptive stopping against all samples: what is lost, and what share of the samples it takes.

Thresholds are chosen on validation items, the loss is told on test items with its one-sided 95 % bound: with and
without the meta RM, for a server (which draws one by one) and for a model in this process (blocks of four). A replay of
the judgments in `docs/results/cells/`, which `experiments/run_all.py --claims 8` measures; nothing is sampled.

    python benchmarks/adaptive.py

Takes the flags of `experiments/run_all.py`.
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.append(str(Path(__file__).resolve().parents[1] / "experiments"))

from claim_1_samples import main_cell
from claims.adaptive import WAYS, stopped_by, stopped_table, thresholds_table
from claims.page import table_of
from claims.told import NOT_RUN
from run_all import make_setup, parse_args

if TYPE_CHECKING:
    from claims.adaptive import Stopped


def main() -> None:
    args = parse_args()
    setup = make_setup(args)
    found = [stopped_by(setup, main_cell(setup), way) for way in WAYS]
    print(table_of(asdict(stopped_table(found))))
    print(table_of(asdict(thresholds_table(found[0]))))
    ways = {way.name: NOT_RUN if one is None else told(one) for way, one in zip(WAYS, found, strict=True)}
    path = args.out / "benchmarks" / "adaptive.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"samples": setup.samples, "ways": ways}, indent=1) + "\n", encoding="utf-8")


def told(one: "Stopped") -> dict[str, Any]:
    return {
        "stop": one.stop,
        "validation_items": one.validation_items,
        "test_items": one.loss.items,
        "accuracy": round(float(one.right.mean()), 5),
        "share_of_samples": round(float(one.spent.mean()), 5),
        "aim": one.way.aim,
        "difference": round(one.loss.value, 5),
        "one_sided_bound": None if one.loss.bound is None else round(one.loss.bound, 5),
        "every_stop": {
            f"{stop:g}": {
                "share_of_samples": round(spent, 5),
                "difference": round(loss.value, 5),
                "one_sided_bound": None if loss.bound is None else round(loss.bound, 5),
            }
            for stop, (spent, loss) in one.every.items()
        },
        "is_within": bool(one.loss.is_shown and one.spent.mean() <= one.way.aim),
    }


if __name__ == "__main__":
    main()
