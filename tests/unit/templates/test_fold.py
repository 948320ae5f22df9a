import pytest
from hypothesis import given
from hypothesis import strategies as st

from grmkit.templates.fold import fold


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Scores: 8", "scores: 8"),
        ("a\tb\u00a0c\u3000d\u2800e\u3164f", "a b c d e f"),
        ("a\rb\vc\fd\x85e\u2028f\u2029g\x1ch", "a\nb\nc\nd\ne\nf\ng\nh"),
        ("a\u200bb\u00adc\ufeffd\u2060e\u202ef\x00g\ufe0fh", "abcdefgh"),
        ("É e\u0301 İ ſ K", "e e i s k"),
        ("［Ａ］ ＜｜ｘ｜＞ ：", "[a] <|x|> :"),
        ("【a】 ⟦b⟧ 「c」 ⟨d⟩ ∣e│", "[a] [b] [c] <d> |e|"),
        ("’s “x” – — −", '\'s "x" - - -'),
        ("Ѕсоrеѕ Rеsροnsе", "scores response"),
        ("ﬁnal ㎏ № ①", "final kg no 1"),
        ("… ⑴ ½ ⁇", "… ⑴ ½ ⁇"),  # signs of several characters are left as they are
        ("\ud800 漢字 👍", "\ud800 漢字 👍"),
    ],
)
def test_what_is_seen(text: str, folded: str) -> None:
    assert fold(text)[0] == folded


def test_where_it_came_from() -> None:
    folded, where = fold("x\u200bﬁ\u00adA")
    assert (folded, where) == ("xfia", [0, 2, 2, 4, 5])


@pytest.mark.parametrize("text", ["", "Plain text\n", "a\tb", "漢字 É"])
def test_one_for_one(text: str) -> None:
    assert fold(text)[1] is None


@given(st.text())
def test_every_character_comes_from_somewhere_in_order(text: str) -> None:
    folded, where = fold(text)
    if where is None:
        assert len(folded) == len(text)
    else:
        assert len(where) == len(folded) + 1
        assert list(where) == sorted(where)
        assert where[-1] == len(text)


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    once = fold(text)[0]
    assert fold(once)[0] == once
