"""What is kept of what a model might have written, and what a server tells of it."""

import json
import math

import pytest

from grmkit.backends import Request, Sampling, wire
from grmkit.backends.alternatives import are_kept, read_logprobs, thin
from grmkit.types import Message


def as_it_is(text):
    return text


def item(token, logprob=-0.5, **others):
    found = {"token": token, "logprob": logprob}
    return found | {"top_logprobs": [{"token": t, "logprob": p} for t, p in others["top"]]} if others else found


def test_alternatives_are_kept_at_numbers_and_after_them():
    tokens = ["Scores", ": ", "1", "0", ",", " ", "x7", "}", "²"]
    assert are_kept(tokens) == [None, None, "numbers", "all", "all", None, "numbers", "all", None]
    assert are_kept([]) == []


def test_what_is_unlikely_or_no_number_is_left_out():
    likeliest = [("7", -1.23456789), ("x", -2.0), ("8", math.log(1.01e-6)), ("9", math.log(0.99e-6)), ("0", -math.inf)]
    assert thin(likeliest, "numbers") == (("7", -1.234568), ("8", -13.80556))
    assert thin(likeliest, "all") == (("7", -1.234568), ("x", -2.0), ("8", -13.80556))


def test_a_servers_alternatives():
    content = [
        item("a", top=[("b", -1)]),
        item("8", top=[("8", -0.5), ("7", -1), ("x", -2)]),
        item("}", top=[("0", 1e-9)]),
    ]
    assert read_logprobs({"content": content}, as_it_is) == (
        (("a", -0.5), ("8", -0.5), ("}", -0.5)),
        (None, (("7", -1.0),), (("0", 0.0),)),
    )


@pytest.mark.parametrize(
    "bad",
    [
        {},
        {"top_logprobs": None},
        {"top_logprobs": []},
        {"top_logprobs": "no"},
        {"top_logprobs": [{"token": 7, "logprob": -1}]},
        {"top_logprobs": [{"token": "7", "logprob": None}]},
        {"top_logprobs": [{"token": "7", "logprob": math.nan}]},
        {"top_logprobs": [{"token": "secret-7", "logprob": -1}]},
    ],
)
def test_alternatives_that_cannot_be_read_leave_the_tokens(bad):
    found = read_logprobs({"content": [item("8") | bad]}, lambda text: text.replace("secret", "[key]"))
    assert found == ((("8", -0.5),), (None,))


def test_tokens_that_cannot_be_read_leave_nothing():
    assert read_logprobs({"content": [item(8)]}, as_it_is) is None
    assert read_logprobs({"content": [item("8", math.nan)]}, as_it_is) is None


def test_over_http_they_are_asked_for_and_kept():
    def payload(**sampling):
        request = Request((Message("user", "?"),), 1, 0, 0, Sampling(**sampling), "x", "key of x", (0, 1))
        return json.loads(wire.render_chat(request, wire.ServedModel("m"), num_samples=1, length_field="max_tokens"))

    def read(**told):
        content = [{"token": "a", "logprob": 0.0, **told}, {"token": "8", "logprob": -0.5, **told}]
        body = {"choices": [{"message": {"content": "a8"}, "logprobs": {"content": content}}]}
        key = wire.Key("K", None)
        return wire.read_answer(json.dumps(body).encode(), where="there", at_most=1, key=key).generations[0]

    asked = payload(alternatives=5)
    assert (asked["logprobs"], asked["top_logprobs"]) == (True, 5)
    assert "top_logprobs" not in payload(logprobs=True)
    top = [{"token": "8", "logprob": -0.5}, {"token": "7", "logprob": -1.0}]
    assert read(top_logprobs=top).alternatives == (None, (("7", -1.0),))
    assert (read().logprobs, read().alternatives) == ((("a", 0.0), ("8", -0.5)), None)
