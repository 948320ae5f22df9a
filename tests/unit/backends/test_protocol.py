"""What crosses the protocol keeps its JSON form: it is part of a judgment's identity."""

import json

import pytest

from grmkit.backends import Backend, Sampling
from grmkit.backends.ctranslate2 import CTranslate2Backend
from grmkit.backends.fake import FakeBackend
from grmkit.backends.http import HttpBackend
from grmkit.backends.recorded import RecordedBackend
from grmkit.backends.transformers import TransformersBackend


def test_sampling_tells_all_of_itself():
    sampling = Sampling(temperature=1.0, top_p=0.9, max_tokens=64, seed=7, logprobs=True)
    assert sampling.to_json() == {
        "temperature": 1.0,
        "top_p": 0.9,
        "max_tokens": 64,
        "seed": 7,
        "logprobs": True,
    }


def test_every_field_is_told():
    assert set(Sampling(alternatives=5).to_json()) == set(Sampling.__dataclass_fields__)


def test_alternatives_are_told_only_if_they_are_asked_for():
    assert "alternatives" not in Sampling(logprobs=True).to_json()
    asked = Sampling(alternatives=5)
    assert asked.tells
    assert (asked.to_json()["logprobs"], asked.to_json()["alternatives"]) == (True, 5)
    assert not Sampling().tells
    for wrong in (-1, 21):
        with pytest.raises(ValueError, match=f"alternatives is {wrong}; expected 0 to 20"):
            Sampling(alternatives=wrong)


@pytest.mark.parametrize("name", ["fake", "http", "recorded", "ctranslate2", "transformers"])
def test_every_backend_says_how_it_is_to_be_asked(name, tmp_path):
    """Whole blocks fit into one request, wherever streams are drawn in blocks."""
    (tmp_path / "answers.jsonl").write_text(json.dumps({"id": "x", "order": [0], "text": "y"}))
    (tmp_path / "model.bin").touch()
    backends: dict[str, Backend] = {
        "fake": FakeBackend(),
        "http": HttpBackend(["http://host:8000/v1"]),
        "recorded": RecordedBackend(tmp_path / "answers.jsonl"),
        "ctranslate2": CTranslate2Backend(tmp_path),
        "transformers": TransformersBackend(tmp_path),
    }
    backend = backends[name]
    assert backend.block_size == (4 if name in ("ctranslate2", "transformers") else 1)
    assert backend.max_samples >= backend.block_size
    assert backend.concurrency >= 1
