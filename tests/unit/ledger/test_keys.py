from dataclasses import replace

import pytest

from grmkit.ledger import JudgeKey
from grmkit.ledger.keys import order_text

KEY = JudgeKey({"kind": "http", "model": "m"}, "deepseek-grm", "deepseek-grm/1/abc", {"seed": 0})


def test_a_judge_is_its_model_its_prompt_and_its_sampling():
    assert replace(KEY, template="renamed").hash == KEY.hash, "the fingerprint holds what counts of the template"
    others = [
        replace(KEY, model={"kind": "http", "model": "m", "revision": "b"}),
        replace(KEY, fingerprint="deepseek-grm/2/abc"),
        replace(KEY, sampling={"seed": 1}),
    ]
    assert len({KEY.hash, *(other.hash for other in others)}) == 4


def test_the_order_of_the_names_in_an_identity_does_not_matter():
    assert replace(KEY, model={"model": "m", "kind": "http"}).hash == KEY.hash


@pytest.mark.parametrize(
    ("model", "name"),
    [({"kind": "http", "model": "m"}, "m"), ({"kind": "fake", "name": "f"}, "f"), ({"kind": "recorded"}, "recorded")],
)
def test_a_model_has_a_name_for_people(model, name):
    assert replace(KEY, model=model).model_name == name


def test_an_order_is_written_with_commas():
    assert order_text((2, 0, 1)) == "2,0,1"
