"""Items of the small world, drawn once."""

import pytest

from grmkit.nano.voice import Shift
from grmkit.nano.world import Item, items


@pytest.fixture(scope="session")
def train() -> list[Item]:
    return list(items("train", 3000))


@pytest.fixture(scope="session")
def validation() -> list[Item]:
    return list(items("validation", 1000))


@pytest.fixture(scope="session")
def shifted() -> dict[Shift, list[Item]]:
    """Items of the generalisation split by what is new in them."""
    found: dict[Shift, list[Item]] = {"words": [], "paraphrases": [], "numbers": [], "combinations": []}
    for item in items("generalisation", 800):
        found[item.example.meta["shift"]].append(item)
    return found
