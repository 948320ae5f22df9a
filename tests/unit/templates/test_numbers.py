import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grmkit.templates.numbers import Numbers, read_index, read_numbers

TEN = (1.0, 10.0)


@pytest.mark.parametrize(
    ("text", "scores"),
    [
        # boxes
        (r" \boxed{8, 9}", (8, 9)),
        (r"\boxed{9, 5}", (9, 5)),
        ("\n\\boxed{8,9}.\n", (8, 9)),
        ("**\n\n$$\\boxed{8, 9}$$", (8, 9)),
        (r"\fbox{8, 9}", (8, 9)),
        (r"\boxed {8, 9}", (8, 9)),
        (r"\\boxed{8, 9}", (8, 9)),
        (r"\boxed{8.5, 9}", (8.5, 9)),
        (r"\boxed{\text{8, 9}}", (8, 9)),
        (r"\boxed{\textbf{8}, \mathrm{9}}", (8, 9)),
        (r"\boxed{\{8, 9\}}", (8, 9)),
        (r"\boxed{[8, 9]}", (8, 9)),
        (r"\boxed{(8,~9)}", (8, 9)),
        (r"\boxed{8,\ 9}", (8, 9)),
        (r"\boxed{8\,,\quad 9}", (8, 9)),
        (r"\boxed{**8**, `9`}", (8, 9)),
        (r"\boxed{8/10, 9 / 10}", (8, 9)),
        (r"\boxed{8 points, 9 point}", (8, 9)),
        (r"\boxed{8; 9}", (8, 9)),
        (r"\boxed{8，9}", (8, 9)),
        (r"\boxed{8、9}", (8, 9)),
        ("\\boxed{8\n9}", (8, 9)),
        ("\\boxed{8,\n9}", (8, 9)),
        ("\\boxed{8, 9,}", (8, 9)),
        (r"\boxed{Response 1: 8, Response 2: 9}", (8, 9)),
        (r"\boxed{Response 2: 9, Response 1: 8}", (8, 9)),
        (r"\boxed{#1: 8, #2: 9}", (8, 9)),
        (r"\boxed{1: 8, 2: 9}", (8, 9)),
        (r"\boxed{Response 1 = 8, Response 2 = 9}", (8, 9)),
        (r"\boxed{\boxed{8}, \boxed{9}}", (8, 9)),
        (r"\boxed{\boxed{8, 9}}", (8, 9)),
        (r"\boxed{08, 9.0}", (8, 9)),
        (r"\boxed{+8, 9}", (8, 9)),
        # one box each
        (r"\boxed{8}, \boxed{9}", (8, 9)),
        (r"\boxed{8} and \boxed{9}", (8, 9)),
        (r"\boxed{8} and \boxed{8}", (8, 8)),
        ("Response 1: \\boxed{8}\nResponse 2: \\boxed{9}", (8, 9)),
        ("\n- **Response 1**: $\\boxed{8}$\n\n- **Response 2**: $\\boxed{9}$", (8, 9)),
        (r"\boxed{Response 2: 9}, \boxed{Response 1: 8}", (8, 9)),
        # no box
        (" 8, 9", (8, 9)),
        (" [8, 9]", (8, 9)),
        (" [[2, 4]]", (2, 4)),
        (" **8, 9**", (8, 9)),
        (" 8/10, 9/10", (8, 9)),
        (" Response 1: 8, Response 2: 9.", (8, 9)),
        ("\nResponse 1: 8\nResponse 2: 9\n\nGood.", (8, 9)),
        ("\n\n- Response 1: 8/10\n- Response 2: 9/10", (8, 9)),
        ("\n* 8\n* 9", (8, 9)),
        (" 8, 9\n\nBoth are good.", (8, 9)),
        (" [8], [9]", (8, 9)),
        # what stands after the scores
        ("\\boxed{8, 9}\n\n```python\nx = p[i - 2]\n```", (8, 9)),
        ("8, 9\n\nSee p[i - 2] and arr[0, 1].", (8, 9)),
        ("\\boxed{8, 9}\n\nBoth say \\boxed{42}.", (8, 9)),
        ("\\boxed{8, 9}\n\nIt was asked for as \\boxed{x, x}.", (8, 9)),
        ("\\boxed{8, 9}\n \t\nAgain: \\boxed{8, 9}", (8, 9)),
        ("\\boxed{8, 9}\n```python\ny = p[i - 2]\n```", (8, 9)),
        ("\\boxed{8, 9}\n~~~\ny = p[i - 2]\n~~~", (8, 9)),
        ("\\boxed{8, 9}\n### Why\nBoth are good.", (8, 9)),
        ("\\boxed{8, 9}\n---\nBoth are good.", (8, 9)),
        ("\\boxed{8, 9}$$**\n</answer>\n<|im_end|>", (8, 9)),
        ("\\boxed{8, 9} (Response 1 and Response 2)", (8, 9)),
        ("\\boxed{8, 9}\n\\boxed{8,9}", (8, 9)),
        ("\\boxed{8, 9\n\\boxed{8, 9}", (8, 9)),  # the first one never closes
        (" The overall scores are \\boxed{8, 9}", (8, 9)),
        ("\nAs said above.\n\n**Final scores:** \\boxed{8, 9}", (8, 9)),
    ],
)  # fmt: skip
def test_two_scores(text: str, scores: tuple[float, ...]) -> None:
    assert read_numbers(text, 2, TEN) == scores


@pytest.mark.parametrize(
    ("text", "num", "reason"),
    [
        ("", 2, "no_scores"),
        (" \n\n", 2, "no_scores"),
        ("**\n", 2, "no_scores"),
        # no number where one belongs
        (r"\boxed{x, x}", 2, "not_a_number"),
        (r"\boxed{x}", 1, "not_a_number"),
        (r"\boxed{}", 1, "not_a_number"),
        (r"\boxed{8,, 9}", 2, "not_a_number"),
        (r"\boxed{, 8, 9}", 2, "not_a_number"),
        (r"\boxed{8, nan}", 2, "not_a_number"),
        (r"\boxed{8, inf}", 2, "not_a_number"),
        (r"\boxed{8, N/A}", 2, "not_a_number"),
        (r"\boxed{80%, 90%}", 2, "not_a_number"),
        (r"\boxed{7-8, 9}", 2, "not_a_number"),
        (r"\boxed{7–8, 9}", 2, "not_a_number"),
        (r"\boxed{7 to 8, 9}", 2, "not_a_number"),
        (r"\boxed{8 or 9}", 1, "not_a_number"),
        (r"\boxed{8 and 9}", 2, "not_a_number"),
        (r"\boxed{~8, 9}", 2, "not_a_number"),
        (r"\boxed{<8, 9}", 2, "not_a_number"),
        (r"\boxed{８, ９}", 2, "not_a_number"),
        (r"\boxed{٨, ٩}", 2, "not_a_number"),
        (r"\boxed{−8, 9}", 2, "not_a_number"),
        (r"\boxed{- 8, 9}", 2, "not_a_number"),
        (r"\boxed{1e1, 9}", 2, "not_a_number"),
        (r"\boxed{eight, nine}", 2, "not_a_number"),
        (r"\boxed{8 9}", 2, "not_a_number"),
        (r"\boxed{1(0)}", 1, "not_a_number"),
        (r"\boxed{1*0}", 1, "not_a_number"),
        (r"\boxed{8,5; 9,0}", 2, "not_a_number"),
        (r"\boxed{8/5, 9/5}", 2, "not_a_number"),
        (r"\boxed{80/100, 90/100}", 2, "not_a_number"),
        (r"\boxed{8/10/10, 9}", 2, "not_a_number"),
        (r"\boxed{8 out of 10}", 1, "not_a_number"),
        (r"\boxed{8, 9", 2, "not_a_number"),
        (r"boxed{8, 9}", 2, "not_a_number"),
        (r"\boxed{Response A: 8, Response B: 9}", 2, "not_a_number"),
        (" 8 [1]", 1, "not_a_number"),
        (" 8, 9 because both are good", 2, "not_a_number"),
        (" 8 or 9", 1, "not_a_number"),
        ("\nI would say an eight.", 1, "not_a_number"),
        ("\nThe right answer is \\boxed{5}.", 1, "not_a_number"),
        (" none, since Response 1 asks for \\boxed{10, 1}", 2, "not_a_number"),
        ("\n2 + 3 = \\boxed{5}", 1, "not_a_number"),
        ("\nIt is 4.\n\nThe answers are \\boxed{3}, \\boxed{4}", 2, "not_a_number"),
        (" 8 \\boxed{9}", 1, "not_a_number"),
        # not one per response
        (r"\boxed{8}", 2, "wrong_count"),
        (r"\boxed{8, 9, 7}", 2, "wrong_count"),
        (r"\boxed{8, 9}", 1, "wrong_count"),
        (r"\boxed{8,5}", 1, "wrong_count"),  # a decimal comma is two numbers
        (r"\boxed{8,5, 9,0}", 2, "wrong_count"),
        (" 8", 2, "wrong_count"),
        (" Response 1: 8\nResponse 2: 9", 2, "wrong_count"),
        # off the scale
        (r"\boxed{8, 11}", 2, "out_of_range"),
        (r"\boxed{0, 9}", 2, "out_of_range"),
        (r"\boxed{-8, 9}", 2, "out_of_range"),
        (r"\boxed{0.99, 9}", 2, "out_of_range"),
        (r"\boxed{10.01, 9}", 2, "out_of_range"),
        (r"\boxed{100000000, 9}", 2, "out_of_range"),
        (r"\boxed{85, 90}", 2, "out_of_range"),
        # two readings
        ("\\boxed{8, 9}\n\\boxed{9, 8}", 2, "ambiguous"),
        ("\\boxed{8, 9}\nOr rather \\boxed{9, 8}.", 2, "ambiguous"),
        (" 8, 9\n\n\\boxed{9, 8}", 2, "ambiguous"),
        ("\\boxed{8, 9}\n\\boxed{x, x}", 2, "ambiguous"),
        (" 8\n\nThe right answer is \\boxed{5}.", 1, "ambiguous"),
        ("\\boxed{7} \\boxed{8}", 1, "ambiguous"),
        ("\\boxed{7} \\boxed{8} \\boxed{9}", 2, "wrong_count"),
        ("\\boxed{8} and \\boxed{9}\nOr rather \\boxed{9, 8}.", 2, "ambiguous"),
        ("\\boxed{8, 9}\nbut that is an injection.", 2, "ambiguous"),  # the sentence goes on: a quotation
        ("\\boxed{8, 9} is what it wants.", 2, "ambiguous"),
        ("\n\\boxed{8, 9}\nis what it wants.", 2, "ambiguous"),
        ("8, 9\nBoth are good.", 2, "ambiguous"),
        ("\\boxed{8, 9}\nBoth say \\boxed{42}.", 2, "ambiguous"),
        ("\\boxed{8, 9}\nAgain: \\boxed{8, 9}", 2, "ambiguous"),
        ("\\boxed{8}\n\\boxed{9}\nso it says", 2, "ambiguous"),
        (r"\boxed{Response 1: 8, 9}", 2, "ambiguous"),
        (r"\boxed{Response 1: 8, Response 1: 9}", 2, "ambiguous"),
        (r"\boxed{Response 2: 8, Response 3: 9}", 2, "ambiguous"),
        ("Response 2: \\boxed{8}\nResponse 1: \\boxed{9}", 2, "ambiguous"),
    ],
)  # fmt: skip
def test_no_scores(text: str, num: int, reason: str) -> None:
    assert read_numbers(text, num, TEN) == reason


@pytest.mark.parametrize(
    ("text", "score"), [("8", 8), (r"\boxed{8}", 8), ("\n8/10\n", 8), (" Score: 8", 8), ("[[8]]", 8)]
)
def test_one_score(text: str, score: float) -> None:
    assert read_numbers(text, 1, TEN) == (score,)


@pytest.mark.parametrize("num", [1, 2, 3, 8, 200])
@pytest.mark.parametrize("layout", [", ", ",", "; ", "\n", ",\n"])
def test_any_number_of_scores(num: int, layout: str) -> None:
    scores = [1 + number % 10 for number in range(num)]
    text = layout.join(str(score) for score in scores)
    assert read_numbers(rf"\boxed{{{text}}}", num, TEN) == tuple(scores)
    assert read_numbers("\n" + text, num, TEN) == tuple(scores)
    labelled = layout.join(f"Response {number}: {score}/10" for number, score in enumerate(scores, start=1))
    assert read_numbers(rf"\boxed{{{labelled}}}", num, TEN) == tuple(scores)


def test_a_long_list_may_be_wrapped() -> None:
    lines = ", ".join("8" * 50) + ",\n" + ", ".join("9" * 50)
    assert read_numbers(rf"\boxed{{{lines}}}", 100, TEN) == (8.0,) * 50 + (9.0,) * 50


@pytest.mark.parametrize(
    ("text", "scores"), [("1", (1,)), ("0", (0,)), ("1/1", (1,)), ("8/10", "not_a_number"), ("2", "out_of_range")]
)
def test_another_scale(text: str, scores: Numbers) -> None:
    assert read_numbers(text, 1, (0.0, 1.0)) == scores


@pytest.mark.parametrize(
    ("text", "index"),
    [
        (r"\boxed{2}", (2,)),
        (r" \boxed{Response 2}", (2,)),
        (r"\boxed{\text{Response 2}}", (2,)),
        (" 2", (2,)),
        (" **Response 2**", (2,)),
        ("\n- Response #2.", (2,)),
        (r"\boxed{0}", "out_of_range"),
        (r"\boxed{4}", "out_of_range"),
        (r"\boxed{1, 2}", "wrong_count"),
        (r"\boxed{x}", "not_a_number"),
        (r"\boxed{2/3}", "not_a_number"),
        (r"\boxed{2.5}", "not_a_number"),
        (r"\boxed{Response 1: 2}", "not_a_number"),
        (r"\boxed{-2}", "not_a_number"),
        (" Response 2 because it is right", "not_a_number"),
        (r"\boxed{1} \boxed{2}", "ambiguous"),
        ("\\boxed{1}\nNo, rather \\boxed{2}", "ambiguous"),
        ("\\boxed{1}\n\nIt finds \\boxed{42}", (1,)),
        ("\\boxed{1}\nIt finds \\boxed{42}", "ambiguous"),
        ("", "no_scores"),
    ],
)
def test_an_index(text: str, index: Numbers) -> None:
    assert read_index(text, 3) == index


PIECES = st.sampled_from(
    [
        *("0123456789", *",;/.:-+~%{}[]()\\$*\n #", *"0123456789"),
        *("\\boxed{", "\\text{", "Response 1: ", "10", "x", "and ", "nan", "٨", "Score", "9" * 400),
    ]
)


@given(st.lists(PIECES, max_size=25).map("".join) | st.text(), st.integers(min_value=1, max_value=4))
def test_numbers_in_range_or_a_reason(text: str, num: int) -> None:
    numbers = read_numbers(text, num, TEN)
    if isinstance(numbers, str):
        assert numbers in ("no_scores", "not_a_number", "wrong_count", "out_of_range", "ambiguous")
    else:
        assert len(numbers) == num
        assert all(1 <= number <= 10 for number in numbers)
        assert {f"{number:g}" for number in numbers} <= {
            f"{float(said):g}" for said in re.findall(r"[0-9.]*[0-9]", text)
        }
    index = read_index(text, num)
    assert isinstance(index, str) or index[0] in range(1, num + 1)
