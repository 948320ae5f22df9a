import dataclasses
import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grmkit.types import Abstention, Judgment, Principle, SoftScores, Tokens, Verdict
from grmkit.types.verdict import ABSTAIN_REASONS, SOFT_REASONS

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
FLOAT = st.floats(allow_nan=False, allow_infinity=False)
COUNT = st.integers(0, 2**40)
PRINCIPLES = st.lists(st.builds(Principle, TEXT, st.none() | TEXT, st.none() | FLOAT), max_size=2).map(tuple)
ABSTENTIONS = st.builds(Abstention, st.sampled_from(ABSTAIN_REASONS), TEXT)


def rows(values: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(values, max_size=4).map(tuple)


@st.composite
def softs(draw: st.DrawFn) -> SoftScores:
    scores = draw(st.none() | rows(FLOAT))
    reason = draw(st.sampled_from(SOFT_REASONS)) if scores is None else None
    return SoftScores(scores, draw(st.none() | rows(FLOAT)), reason)


@st.composite
def judgments(draw: st.DrawFn) -> Judgment:
    scores = draw(st.none() | rows(FLOAT))
    return Judgment(
        principles=draw(PRINCIPLES),
        critique=draw(st.none() | TEXT),
        scores=scores,
        order=draw(rows(COUNT)),
        text=draw(st.none() | TEXT),
        stream=draw(COUNT),
        finish_reason=draw(st.none() | TEXT),
        unparsed_reason=draw(TEXT) if scores is None else None,
        meta_score=draw(st.none() | FLOAT),
        critiques=draw(st.none() | rows(st.none() | TEXT)),
        soft=draw(st.none() | softs()),
    )


@st.composite
def verdicts(draw: st.DrawFn) -> Verdict:
    scores = draw(st.none() | rows(FLOAT))
    return Verdict(
        id=draw(TEXT),
        scores=scores,
        mean_scores=draw(st.none() | rows(FLOAT)),
        ranking=draw(st.none() | rows(COUNT)),
        best=draw(st.none() | COUNT),
        confidence=draw(st.none() | FLOAT),
        samples=draw(COUNT),
        unparsed=draw(COUNT),
        abstained=draw(ABSTENTIONS) if scores is None else None,
        tokens=draw(st.none() | st.builds(Tokens, COUNT, COUNT)),
        cost=draw(st.none() | FLOAT),
        judgments=draw(rows(judgments())),
        voted=draw(st.none() | COUNT),
        soft_scores=draw(st.none() | rows(FLOAT)),
    )


def test_every_field_is_drawn() -> None:
    fields = {field.name for kind in (Judgment, Verdict) for field in dataclasses.fields(kind)}
    told = judgment(soft=SoftScores((1.0,))).to_json(), verdict(voted=1, soft_scores=(1.0,)).to_json()
    assert fields == set(told[0]) | set(told[1])
    assert {"soft", "soft_scores"}.isdisjoint(judgment().to_json() | verdict().to_json())


def test_how_many_voted_is_told_where_a_meta_rm_chose() -> None:
    assert "voted" not in verdict().to_json()
    assert verdict(voted=1).to_json()["voted"] == 1


@given(judgments())
def test_judgments_survive_json(found: Judgment) -> None:
    assert Judgment.from_json(json.loads(json.dumps(found.to_json()))) == found
    assert Judgment.from_json(orjson.loads(orjson.dumps(found.to_json()))) == found
    assert Judgment.from_json(found.to_json()).to_json() == found.to_json()


@given(verdicts())
def test_verdicts_survive_json(found: Verdict) -> None:
    assert Verdict.from_json(json.loads(json.dumps(found.to_json()))) == found
    assert Verdict.from_json(orjson.loads(orjson.dumps(found.to_json()))) == found
    assert hash(Verdict.from_json(found.to_json())) == hash(found)


def judgment(**fields: Any) -> Judgment:
    plain = {"principles": (), "critique": None, "scores": (8.0, 9.0), "order": (1, 0), "text": "t", "stream": 0}
    return Judgment(**{**plain, **fields})


def verdict(**fields: Any) -> Verdict:
    plain = {
        "id": "x",
        "scores": (8.0, 9.0),
        "mean_scores": (8.0, 9.0),
        "ranking": (2, 1),
        "best": 1,
        "confidence": None,
        "samples": 1,
        "unparsed": 0,
        "abstained": None,
        "tokens": Tokens(5, 7),
        "cost": 0.5,
        "judgments": (judgment(),),
    }
    return Verdict(**{**plain, **fields})


def test_what_is_written() -> None:
    written = verdict(judgments=(judgment(principles=(Principle("p", "n", 30),), critiques=("a", None)),)).to_json()
    assert written == {
        "id": "x",
        "scores": [8.0, 9.0],
        "mean_scores": [8.0, 9.0],
        "ranking": [2, 1],
        "best": 1,
        "confidence": None,
        "samples": 1,
        "unparsed": 0,
        "abstained": None,
        "tokens": {"prompt": 5, "completion": 7},
        "cost": 0.5,
        "judgments": [
            {
                "principles": [{"text": "p", "name": "n", "weight": 30}],
                "critique": None,
                "scores": [8.0, 9.0],
                "order": [1, 0],
                "text": "t",
                "stream": 0,
                "finish_reason": None,
                "unparsed_reason": None,
                "meta_score": None,
                "critiques": ["a", None],
            }
        ],
    }
    assert json.loads(json.dumps(written)) == written


def test_an_abstention_is_written_with_its_reason() -> None:
    abstained = verdict(
        scores=None, mean_scores=None, ranking=None, best=None, abstained=Abstention("refused", "n is 3")
    )
    assert abstained.to_json()["abstained"] == {"reason": "refused", "detail": "n is 3"}
    assert abstained.to_json()["scores"] is None
    assert Verdict.from_json(abstained.to_json()) == abstained


def test_is_parsed() -> None:
    assert judgment().is_parsed
    assert not judgment(scores=None, unparsed_reason="empty").is_parsed


@pytest.mark.parametrize(
    ("fields", "is_tie"),
    [
        ({}, False),
        ({"best": None, "ranking": (1, 1)}, True),
        ({"best": None, "scores": None, "abstained": Abstention("unreadable", "")}, False),
    ],
)
def test_is_tie(fields: dict[str, Any], is_tie: bool) -> None:
    assert verdict(**fields).is_tie is is_tie


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: judgment(unparsed_reason="empty"),
            r"scores is \(8.0, 9.0\) and unparsed_reason is 'empty'; expected exactly one",
        ),
        (lambda: judgment(scores=None), "scores is None and unparsed_reason is None; expected exactly one"),
        (lambda: verdict(scores=None), "scores is None and abstained is None; expected exactly one"),
        (
            lambda: verdict(abstained=Abstention("unreadable", "")),
            r"scores is \(8.0, 9.0\) and abstained is Abstention\(reason='unreadable', .*; expected exactly one",
        ),
        (
            lambda: Abstention("tired", ""),
            "reason is 'tired'; expected one of unreadable, refused, too_long, backend, not_recorded, out_of_domain",
        ),
    ],
)
def test_faulty_verdicts(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        make()


@pytest.mark.parametrize(
    ("value", "field"),
    [(judgment(), "scores"), (verdict(), "best"), (Tokens(1, 2), "prompt"), (Abstention("backend", ""), "reason")],
)
def test_nothing_changes_afterwards(value: Any, field: str) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, field, None)
