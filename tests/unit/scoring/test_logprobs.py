"""Log-probabilities on their way into the ledger and out of it; what older ledgers hold is read as well."""

import pytest

from grmkit.backends import Generation
from grmkit.scoring.logprobs import Told, logprobs_text, read_logprobs

PAIRS = (("Scores:", -0.125), (" 8", -0.12345678901))


def test_without_alternatives_the_form_is_the_old_one():
    text = logprobs_text(Generation("t", "stop", logprobs=PAIRS), with_alternatives=True)
    assert text == '[["Scores:", -0.125], [" 8", -0.12345678901]]'
    assert read_logprobs(text) == (Told("Scores:", -0.125), Told(" 8", -0.12345678901))


def test_alternatives_that_were_not_asked_for_are_not_kept():
    given = Generation("t", "stop", logprobs=PAIRS, alternatives=(None, ((" 7", -2.5),)))
    assert logprobs_text(given, with_alternatives=False) == '[["Scores:", -0.125], [" 8", -0.12345678901]]'


def test_alternatives_stand_beside_their_token():
    others = (None, ((" 7", -2.5), ("é", -3.0)))
    text = logprobs_text(Generation("t", "stop", logprobs=PAIRS, alternatives=others), with_alternatives=True)
    assert text == '[["Scores:",-0.125],[" 8",-0.123457,[[" 7",-2.5],["é",-3.0]]]]'
    assert read_logprobs(text) == (Told("Scores:", -0.125), Told(" 8", -0.123457, ((" 7", -2.5), ("é", -3.0))))


def test_none_likely_is_not_none_told():
    text = logprobs_text(Generation("t", "stop", logprobs=(("8", 0.0),), alternatives=((),)), with_alternatives=True)
    assert text == '[["8",0.0,[]]]'
    assert read_logprobs(text) == (Told("8", 0.0, ()),)


def test_nothing_is_kept_of_nothing():
    assert logprobs_text(Generation("t", "stop"), with_alternatives=True) is None
    assert read_logprobs(None) is None


@pytest.mark.parametrize("text", ["", '{"a": -0.5}', "7", '[["a"]]', '[["a", -1, [["b"]]]]', '[["a", null]]'])
def test_what_is_something_else_tells_nothing(text):
    assert read_logprobs(text) is None
