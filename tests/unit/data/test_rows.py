import contextlib
import datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from grmkit.data.columns import FIELDS
from grmkit.data.rows import example_of
from grmkit.types import Example, Message

USER = {"role": "user", "content": "Q"}
ASSISTANT = {"role": "assistant", "content": "A"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["role", "content", "text", "name", "tool_calls", "type"]), inner, max_size=3)
    ),
    max_leaves=8,
)
ROWS = st.fixed_dictionaries(
    {"query": JSON | st.just("Q"), "responses": JSON | st.just(["A"])},
    optional=dict.fromkeys(("reference", "principles", "label", "id", "meta"), JSON),
) | st.fixed_dictionaries(
    {"chosen": JSON | st.just([USER, ASSISTANT]), "rejected": JSON | st.just([USER])},
    optional=dict.fromkeys(set(FIELDS) - {"query", "chosen", "rejected"}, JSON | st.just("Q")),
)


def test_our_own_form() -> None:
    row = {"query": "Q", "responses": ["A", "B"], "label": 1, "id": "x", "meta": {"n": 1}}
    assert example_of(row, {}) == Example("Q", ("A", "B"), label=1, id="x", meta={"n": 1})


def test_a_conversation_as_query() -> None:
    row = {"query": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}], "responses": ["A"]}
    assert example_of(row, {}).query == (Message("user", "Hi"),)


def test_a_trl_row() -> None:
    assert example_of({"prompt": "Q", "chosen": "A", "rejected": "B"}, {}) == Example("Q", ("A", "B"), label=0)


def test_a_mapped_row() -> None:
    row = {"instruction": "Q", "a": "A", "b": "B", "label": 2, "idx": 7}
    columns = {"query": ("instruction",), "responses": ("a", "b"), "id": ("idx",)}
    assert example_of(row, columns) == Example("Q", ("A", "B"), id="7")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([1], r"the row is \[1\]; expected an object with query and responses"),
        ("text", "the row is 'text'; expected an object"),
        (None, "the row is None; expected an object"),
        ({}, "query is missing; expected text or messages"),
        ({"query": "Q"}, "responses is missing; expected a list"),
        ({"query": "Q", "responses": []}, "responses is empty; expected at least one response"),
        ({"query": "Q", "responses": "A"}, "responses is 'A'; expected a list"),
        ({"query": "Q", "responses": ["A", 5]}, r"responses\[1\] is 5; expected text"),
        ({"query": "Q", "responses": ["A", " \n"]}, r"responses\[1\] is empty; every response needs text"),
        ({"query": "  ", "responses": ["A"]}, "query is empty; expected text or messages"),
        ({"query": "Q", "respones": ["A"]}, "unknown field 'respones'; did you mean 'responses'.; expected only query"),
        ({"instruction": "Q"}, "unknown field 'instruction'; expected only query, .*, or a column mapping"),
        ({"query": "Q", "responses": ["A", "B"], "label": 2}, "label is 2; expected an index from 0 to 1"),
        ({"query": "Q", "responses": ["A", "B"], "label": True}, "label is True; expected the index"),
        ({"query": "Q", "responses": ["A", "B"], "label": [1]}, "label holds 1 gold scores; expected 2"),
        ({"query": "Q", "responses": ["A"], "id": True}, "id is True; expected text"),
        ({"query": "Q", "responses": ["A"], "meta": {"n": float("nan")}}, "meta is not plain JSON"),
        ({"query": "Q", "responses": ["A"], "meta": {"d": datetime.date(2026, 1, 1)}}, "meta is not plain JSON"),
        (
            {"query": [{"role": "user", "content": [{"type": "image"}]}], "responses": ["A"]},
            r"query\[0\]: content holds a part of type 'image'; only text can be judged, images are refused",
        ),
    ],
)
def test_rows_that_cannot_be_used_are_refused(row: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        example_of(row, {})


@given(ROWS)
@example({"query": [{"role": "assistant", "content": None, "tool_calls": True}], "responses": ["A"]})
def test_any_row_is_read_or_refused(row: dict[str, Any]) -> None:
    with contextlib.suppress(ValueError):
        assert all(example_of(row, {}).responses)
