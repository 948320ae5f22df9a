import math
from collections.abc import Sequence
from typing import Any

import pytest

from grmkit.errors import PromptTooLong
from grmkit.scoring.meta_rm import MetaRM
from grmkit.templates import MetaRMTemplate, load_template
from grmkit.training.rewards import Reward, watch
from grmkit.types import Example

PAIR = Example("Name a colour.", ("Blue.", "Seven."), label=0)
END = 1
TEXTS = ["Scores: [9, 2]", "Scores: [2, 9]", "Scores: [5, 5]", "no idea", "Scores: [9, 2]"]
IDS = [[7, END], [7, END], [7, END], [7, END], [7, 7]]  # the last one did not end
ORDERS = [(0, 1), (1, 0), (0, 1), (0, 1), (0, 1)]
LABELS = [0, 1, 0, 0, 0]  # in the order shown
COLUMNS: dict[str, Any] = {"order": ORDERS, "label": LABELS, "index": [0] * 5, "domain": ["a", "b", "b", "b", ""]}


def turns(texts: Sequence[str]) -> list[Any]:
    return [[{"role": "assistant", "content": text}] for text in texts]


class FakeScalar:
    async def identity(self) -> dict[str, Any]:
        return {}

    async def logits(self, conversations: Sequence[Any]) -> list[float]:
        return [0.0 for _ in conversations]

    async def aclose(self) -> None: ...


@pytest.fixture
def reward() -> Reward:
    return Reward(load_template("nano"), {END}, [PAIR])


def test_only_a_strictly_right_and_finished_judgment_earns(reward: Reward) -> None:
    logged: dict[str, float] = {}
    earned = reward.function()(turns(TEXTS), IDS, log_metric=logged.__setitem__, prompts=None, **COLUMNS)
    assert earned == [1.0, 1.0, -1.0, -1.0, -1.0]
    assert logged == {
        "parse_rate": pytest.approx(3 / 5),
        "tie_rate": 1 / 5,
        "accuracy": 2 / 5,
        "accuracy/a": 1.0,
        "accuracy/b": 1 / 3,
    }
    assert reward.by_rule(turns(TEXTS), IDS, **COLUMNS) == earned


def test_a_meta_rm_takes_from_right_judgments_only() -> None:
    meta_rm = MetaRM(FakeScalar(), MetaRMTemplate())
    reward = Reward(load_template("nano"), {END}, [PAIR], meta_rm, 0.4)
    earned = reward.function()(turns(TEXTS), IDS, log_metric=lambda *_: None, **COLUMNS)
    assert earned[:3] == [pytest.approx(0.6 + 0.4 * 0.5), pytest.approx(0.8), -1.0]
    assert math.isclose(sum(value for value in earned if value is not None), 1.6 - 3)


def test_a_judgment_too_long_for_the_meta_rm_is_not_trusted(caplog: pytest.LogCaptureFixture) -> None:
    """Of two right ones the first can be read: 0.6 + 0.4 x 0.5, and the other earns 0.6."""

    class Short(FakeScalar):
        async def logits(self, conversations: Sequence[Any]) -> list[float]:
            if any("really" in message.content for turns in conversations for message in turns):
                raise PromptTooLong("700 tokens; the model has room for 600")
            return await super().logits(conversations)

    reward = Reward(load_template("nano"), {END}, [PAIR], MetaRM(Short(), MetaRMTemplate()), 0.4)
    texts = ["Scores: [9, 2]", "It is really long.\n\nScores: [9, 2]"]
    columns = {name: values[:1] * 2 for name, values in COLUMNS.items()}
    assert reward.earned(["right", "right"], turns(texts), columns["index"], columns["order"]) == [0.8, 0.6]
    assert "cannot read a rollout, so it is not trusted: 700 tokens" in caplog.text


def test_replaced_groups_are_logged(reward: Reward) -> None:
    logged: dict[str, float] = {}
    reward.function()(turns(TEXTS), IDS, log_metric=logged.__setitem__, replaced=[0.25] * 5, **COLUMNS)
    assert logged["replaced_groups"] == 0.25


def test_what_is_watched() -> None:
    assert watch(["right", "tie", "unreadable", "wrong"], ["", "", "", ""]) == {
        "parse_rate": 0.75,
        "tie_rate": 0.25,
        "accuracy": 0.25,
    }
