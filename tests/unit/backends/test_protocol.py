"""What crosses the protocol keeps its JSON form: it is part of a judgment's identity."""

from grmkit.backends import Sampling


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
    assert set(Sampling().to_json()) == set(Sampling.__dataclass_fields__)
