"""Expected scores by hand: what was seen of a number's probability, and when that is too little or cannot be told."""

import math

import pytest

from grmkit.scoring.logprobs import Told
from grmkit.scoring.soft import Written, line_up, read_soft, soft_scores, spread
from grmkit.templates import load_template
from grmkit.templates.places import Place
from grmkit.types import SoftScores

SCALE = range(1, 11)
GRM = load_template("deepseek-grm")


def told(text, own=1.0, of=None):
    """A token that was written with this probability, and others with theirs."""
    return Told(text, math.log(own), tuple((other, math.log(part)) for other, part in (of or {}).items()))


def bare(*texts):
    return [Told(text, 0.0) for text in texts]


def read(text, tokens, order=(0, 1), template=GRM):
    return read_soft(template, text, tokens, order=order, finish_reason="stop")


def seen(number, tokens, char=0, last=None, scale=SCALE):
    found = spread(Written(number, 0, char, len(tokens) - 1 if last is None else last), tokens, scale)
    return {score: round(part, 9) for score, part in found.items() if part}


def test_the_expected_value_over_what_was_seen():
    tokens = [*bare("Scores: ", "\\boxed{"), told("8", 0.6, of={"7": 0.3, "9": 0.06}), *bare(",")]
    tokens += [told(" 5", 0.5, of={" 6": 0.48, "x": 0.02}), *bare("}", "<|end|>")]
    found = read("Scores: \\boxed{8, 5}", tokens)
    assert found.scores == (round((0.6 * 8 + 0.3 * 7 + 0.06 * 9) / 0.96, 6), round((2.5 + 2.88) / 0.98, 6))
    assert found.covered == (0.96, 0.98)
    turned = read("Scores: \\boxed{8, 5}", tokens, order=(1, 0))
    assert (turned.scores, turned.covered) == (found.scores[::-1], (0.98, 0.96))


def test_ten_is_one_token_or_two():
    assert seen("10", [told("10", 0.7, of={"9": 0.2, "1": 0.1})]) == {10: 0.7, 9: 0.2, 1: 0.1}
    assert seen("9", [told("9", 0.7, of={"10": 0.2, "1": 0.1})]) == {9: 0.7, 10: 0.2, 1: 0.1}
    one, zero = told("1", 0.5, of={"9": 0.4}), told("0", 0.8, of={",": 0.1, "}": 0.06, "5": 0.04})
    assert seen("10", [one, zero]) == {10: 0.4, 9: 0.4, 1: 0.08}
    after = told(",", 0.7, of={"0": 0.2, "}": 0.1})
    assert seen("1", [one, after], last=0) == {1: 0.4, 10: 0.1, 9: 0.4}
    assert seen("10", [told("1", 0.5), told("0,", 0.8, of={"0": 0.15, ",": 0.05})]) == {10: 0.475, 1: 0.025}


def test_a_one_that_may_become_ten_is_left_out():
    assert seen("9", [told("9", 0.7, of={"1": 0.3})]) == {9: 0.7}
    assert seen("9", [told("9,", 0.7, of={"1,": 0.3})]) == {9: 0.7, 1: 0.3}
    assert seen("0", [told("0", 0.7, of={"1": 0.3})], scale=(0, 1)) == {0: 0.7, 1: 0.3}
    assert seen("1", [told("1", 0.6)]) == {1: 0.6}  # nothing is known of what follows: it ended here
    assert seen("1", [told("1", 0.6), Told(",", math.log(0.9))], last=0) == {1: 0.54}


def test_tokens_with_a_blank_a_bracket_or_a_comma():
    assert seen("8", [told(" 8", 0.5, of={"7": 0.2, " 9": 0.3})], char=1) == {8: 0.5, 7: 0.2, 9: 0.3}
    assert seen("8", [told("{8,", 0.5, of={"{7": 0.2, " 9": 0.3})], char=1) == {8: 0.5, 7: 0.2, 9: 0.3}
    assert seen("8", [told("d{8", 0.5, of={"d{7": 0.2, "d": 0.3})], char=2) == {8: 0.5, 7: 0.2}
    second = [told("9,8", 0.5, of={"9,7": 0.2, "8,7": 0.3})]
    assert seen("8", second, char=2) == {8: 0.5, 7: 0.2}  # after 8 instead of 9 it would be another question


def test_what_is_no_number_of_the_scale_is_left_out():
    others = {"x": 0.1, "-7": 0.05, "7.5": 0.04, "7.": 0.03, "11": 0.02, "0": 0.02, "7th": 0.02, "07": 0.02, "": 0.1}
    assert seen("8", [told("8", 0.5, of=others)]) == {8: 0.5}


def test_too_little_was_seen():
    tokens = [*bare("Scores: "), told("8", 0.5, of={"7": 0.39}), *bare(", "), told("5", 0.9)]
    assert read("Scores: 8, 5", tokens) == SoftScores(None, (0.89, 0.9), "not_covered")
    tokens[1] = told("8", 0.5, of={"7": 0.4})
    assert read("Scores: 8, 5", tokens).scores == (round(6.8 / 0.9, 6), 5)


def test_tokens_that_do_not_spell_the_text():
    good = [*bare("Scores: "), told("8", 1), *bare(", "), told("5", 1)]
    assert read("Scores: 8, 5", good).scores == (8, 5)
    assert read("Scores: 8, 5", good[:3]).reason == "not_aligned"
    assert read("Scores: 8, 5", [*bare("Score: "), *good[1:]]).reason == "not_aligned"
    without_blanks = [*bare("Scores:"), told("8", 1), *bare(","), told("5", 1), *bare("</s>")]
    assert read("Scores: 8, 5", without_blanks).scores == (8, 5)
    thinking = [*bare("<think>", "Scores: "), told("1", 1), *bare("</think>", "caf\ufffd\n"), *good]
    assert read("café\nScores: 8, 5", thinking).scores == (8, 5)


def test_without_alternatives_there_is_none():
    text = "Scores: 8, 5"
    assert read(text, None).reason == "no_alternatives"
    assert read(text, bare("Scores: ", "8", ", ", "5")).reason == "no_alternatives"
    half = [*bare("Scores: "), told("8", 1), *bare(", ", "5")]
    assert read(text, half).reason == "no_alternatives"
    sure = [*bare("Scores: "), Told("8", 0.0, ()), *bare(", "), Told("5", 0.0, ())]
    assert read(text, sure) == SoftScores((8, 5), (1, 1))


def test_decimals_have_none():
    tokens = [*bare("Scores: "), told("8", 1), told(".", 1), told("5", 1), *bare(", "), told("5", 1)]
    assert read("Scores: 8.5, 5", tokens).reason == "not_whole"
    tokens = [*bare("Scores: "), told("0", 1), told("8", 1), *bare(", "), told("5", 1)]
    assert read("Scores: 08, 5", tokens).reason == "not_whole"


def test_without_a_place_there_is_none():
    assert read("Scores: \\boxed{8, 9}\n\n\\boxed{8, 9}", [told("8", 1)]).reason == "no_place"


def test_a_binary_score_is_its_probability():
    tokens = [*bare("Scores: \\boxed{"), told("1", 0.75, of={"0": 0.25}), *bare("}")]
    found = read("Scores: \\boxed{1}", tokens, order=(0,), template=load_template("deepseek-grm-binary"))
    assert found == SoftScores((0.75,), (1,))


def test_several_tokens_and_where_they_are():
    tokens = bare("8 ", "Scores: 1", "0", ", 7", "\n")
    assert line_up("Scores: 10, 7", [Place(8, 10), Place(12, 13)], tokens) == [
        Written("10", 1, 8, 2),
        Written("7", 3, 2, 3),
    ]


def test_rounding_does_not_say_more_than_all_was_seen():
    found = soft_scores("8", [Place(0, 1)], scale=SCALE, tokens=[Told("8", 1e-9, ())])
    assert found == SoftScores((8,), (1,))


@pytest.mark.parametrize("fields", [{"scores": None}, {"scores": (1.0,), "reason": "not_whole"}])
def test_scores_or_a_reason(fields):
    with pytest.raises(ValueError, match="expected exactly one"):
        SoftScores(**fields)


def test_an_unknown_reason():
    with pytest.raises(ValueError, match="reason is 'tired'; expected one of no_alternatives"):
        SoftScores(None, reason="tired")
