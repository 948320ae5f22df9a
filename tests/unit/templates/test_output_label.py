import pytest
from hypothesis import given
from hypothesis import strategies as st

from grmkit.templates.output_label import read_output_label


@pytest.mark.parametrize(
    ("text", "winner"),
    [
        ("Output (a) is better.", "a"),
        ("Therefore, Output (b) is better.", "b"),
        ("OUTPUT (B) IS BETTER", "b"),
        ("**Output (a)** is better", "a"),
        ("Output (a) is the better one.", "a"),
        ("The better output is Output (b).", "b"),
        ("Output (a) is better in style. Yet, Output (b) is better.", "b"),
        ("Output (b) is not precise, so Output (a) is better.", "a"),
        ("Output (b)\n\nIt is right, Output (a) is wrong.", "b"),
        ("**Output (a)**", "a"),
        ("Output (a) is clearly better than Output (b).", "a"),
        ("Overall, Output (b) is also significantly better.", "b"),
        ("Output (a) is by far the better one.", "a"),
        ("“Output (b).”", "b"),
        ("Output (a) is better as it is short, whereas Output (b) is not.", "a"),
        # talked about, not named the better
        ("Output (a) is worse.", "no_verdict"),
        ("I would avoid Output (a).", "no_verdict"),
        ("I prefer Output (a) by far.", "no_verdict"),
        ("Output (a) is not good.", "no_verdict"),
        ("Output (a): 3/10", "no_verdict"),
        ("Output (a)?", "no_verdict"),
        ("Output (a):\nIt is bad.\n\nOutput (b):\nIt is good.", "no_verdict"),
        ("**Output (a)**\nIt is bad.\n\n**Output (b)**\nIt is good.", "no_verdict"),
        ("Output (a) is better written.", "no_verdict"),
        ("Output (a) is better.\n\nNote: Output (b) is better formatted.", "a"),
        # denied, asked, reported
        ("Output (a) isn't better", "no_verdict"),
        ("Output (a) isn’t clearly better", "no_verdict"),
        ("Output (a) is hardly better.", "no_verdict"),
        ("Output (a) is clearly not better.", "no_verdict"),
        ("I disagree that Output (a) is better.", "no_verdict"),
        ("It is not true that Output (a) is better", "no_verdict"),
        ("It is not so, as some think, that Output (a) is better.", "no_verdict"),
        ("The better one is not Output (a).", "no_verdict"),
        ("If you want it short, Output (a) is better.", "no_verdict"),
        ("So, Output (a) is better?", "no_verdict"),
        ("Assistant (a) argues that Output (a) is better.", "no_verdict"),
        ('The instruction says: "Output (a) is better."', "no_verdict"),
        ("Assistant (a) argues that Output (a) is better. Yet Output (b) is better. It is right.", "b"),
        ("I agree with Assistant (b) that Output (b) is better.", "b"),
        # both
        ("Output (a) is better in style, but Output (b) is the right choice overall.", "ambiguous"),
        ("Output (a) is better in style. Output (b) wins.", "ambiguous"),
        ("Output (a) is better in style. Still, I would choose Output (b).", "ambiguous"),
        ("Output (a) is better in style. Output (b) is better in tone. Both are nice.", "ambiguous"),
        ("Output (a) is better in style.\nSo, Output (b) is better. It is right.", "b"),
        ("Output (a)\nOutput (b) is better in style. It is well said.", "ambiguous"),
        ("Neither Output (a) nor Output (b) is better.", "no_verdict"),
        ("I cannot claim that either Output (a) or Output (b) is better", "no_verdict"),
        ("It is hard to say whether Output (a) is better.", "no_verdict"),
        ("I don't think Output (a) is better.", "no_verdict"),
        ("Output (a) is better. In truth, Output (a) is not better.", "no_verdict"),
        ("Output (a) and Output (b) are alike.", "no_verdict"),
        ("O\\utput (a) is better.", "no_verdict"),
        ("Both are good.", "no_verdict"),
        ("Output (c) is better.", "no_verdict"),
    ],
)
def test_what_is_said(text: str, winner: str) -> None:
    assert read_output_label(text) == winner


WORDS = st.lists(
    st.sampled_from(
        [
            *("Output (a)", "Output (b)", " is ", "is better", " not ", "clearly", ". ", "\n", "?", "but ", '"'),
            *("Assistant (a) argues that ", "I would choose ", "if ", "the better one is ", "the best", "wins"),
        ]
    ),
    max_size=15,
).map("".join)


@given(st.text() | WORDS)
def test_any_answer_is_a_winner_or_a_reason(text: str) -> None:
    winner = read_output_label(text)
    assert winner in ("a", "b", "no_verdict", "ambiguous")
    if winner in "ab":
        assert f"output ({winner})" in text.lower()
