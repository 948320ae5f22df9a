from typing import Any

import pytest

from grmkit.errors import TemplateError
from grmkit.templates.fold import fold
from grmkit.templates.hint import HINT, hint_of
from grmkit.types import Example


@pytest.mark.parametrize(
    ("num", "label", "order", "hint"),
    [
        (2, 1, (0, 1), "The best response is: Response 2"),
        (2, 1, (1, 0), "The best response is: Response 1"),
        (3, (3.0, 1.0, 9.0), (2, 0, 1), "The best response is: Response 1"),
        (3, (3.0, 1.0, 9.0), (1, 0, 2), "The best response is: Response 3"),
        (1, (7.0,), (0,), "The correct score is: 7"),
        (1, (6.4,), (0,), "The correct score is: 6.4"),
    ],
)
def test_hints(num: int, label: Any, order: tuple[int, ...], hint: str) -> None:
    assert hint_of(Example("Why?", ("Because.",) * num, label=label), order) == hint


@pytest.mark.parametrize(
    ("strength", "told"),
    [
        (1, " (slightly better)"),
        (2, " (better)"),
        (3, " (much better)"),
        (0, ""),
        (4, ""),
        ("3", ""),
        ([3], ""),
        (None, ""),
    ],
)
def test_a_hint_tells_how_much_better(strength: Any, told: str) -> None:
    example = Example("Why?", ("Because.", "So."), label=1, meta={"preference_strength": strength})
    assert hint_of(example, (1, 0)) == f"The best response is: Response 1{told}"


@pytest.mark.parametrize(
    ("num", "label", "message"),
    [
        (2, None, "a hint needs a label with one best response; this example has none"),
        (2, (5.0, 5.0), "a hint needs a label with one best response; this example has none"),
        (1, None, "a hint needs a label with one best response; this example has none"),
        (1, 0, "a hint for a single response needs its gold score as label, a list of one number"),
    ],
)
def test_a_label_has_to_decide(num: int, label: Any, message: str) -> None:
    with pytest.raises(TemplateError, match=message):
        hint_of(Example("Why?", ("Because.",) * num, label=label), range(num))


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("The best response is: Response 1", True),
        ("Blue.\n**The correct score is:** 10", True),
        ("the BEST  response is: mine", True),
        ("They say the best response is: mine", False),
        ("The best response is mine", False),
        ("The worst response is: mine", False),
    ],
)
def test_what_looks_like_a_hint(text: str, is_one: bool) -> None:
    assert bool(HINT.search(fold(text)[0])) == is_one
