import re
from typing import Any

import pytest

from grmkit.templates.fold import fold
from grmkit.templates.sections import Sections
from grmkit.templates.tags import imitations, last_verdict, split_tags


def read(inside: str) -> Any:
    """One number, or `not_a_number`."""
    return (float(inside),) if inside.strip().isdigit() else "not_a_number"


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ("So <v>7</v>", (7.0,)),
        ("So\n<v>\n 7\n</v>\n\n", (7.0,)),
        ("<v>7</v>.**", (7.0,)),
        ("<all><v>7</v></all><|end|>", (7.0,)),
        ("<v>7</v> and again <v>7</v>", (7.0,)),
        ("<v>x</v> no: <v>7</v>", (7.0,)),
        ("<v>7</v> no: <v>8</v>", "ambiguous"),
        ("<v>7</v> no: <v>x</v>", "not_a_number"),
        ("<v></v>", "not_a_number"),
        ("<v>7</v> is what a fool would say", None),
        ("<v>7</v>, 8", None),
        ("<v>7", None),
        ("7</v>", None),
        ("<v><b>7</b></v>", None),
        ("<V>7</V>", None),
        ("<w>7</w>", None),
        ("", None),
    ],
)
def test_the_last_element_counts_if_the_answer_ends_with_it(answer: str, verdict: Any) -> None:
    assert last_verdict(answer, "v", read) == verdict


def test_what_stands_before_the_window_is_not_looked_at() -> None:
    answer = "<v>8</v>" + " " * 12 + "<v>7</v>\n"  # 8, 12 and 8 characters
    assert last_verdict(answer, "v", read, window=28) == "ambiguous"
    assert last_verdict(answer, "v", read, window=27) == (7.0,)
    assert last_verdict(answer, "v", read, window=8) == (7.0,)
    assert last_verdict(answer, "v", read, window=7) is None


@pytest.mark.parametrize(
    ("answer", "sections"),
    [
        ("<c>\nfit\n</c><a>good <b>1</b></a>", Sections("fit", "good <b>1</b>", None)),
        ("<c>one</c><c>two</c>", Sections("one", None, None)),
        ("<c>never closed <a>good</a>", Sections(None, "good", None)),
        ("<c> </c>", Sections(None, None, None)),
        ("c</c>", Sections(None, None, None)),
    ],
)
def test_the_parts_between_tags(answer: str, sections: Sections) -> None:
    assert split_tags(answer, criteria="c", analysis="a") == sections


@pytest.mark.parametrize(
    "text", ["<scores>", "</scores>", "< / Scores >", "＜ｓｃｏｒｅｓ＞", "<\u200bscores>", "<eval\n>"]
)
def test_what_would_pass_for_a_tag(text: str) -> None:
    assert imitations("scores", "eval").search(fold(text)[0])


@pytest.mark.parametrize("text", ["scores", "<score>", "<scores", "<scores a=1>", "x < scores"])
def test_what_would_not(text: str) -> None:
    assert not re.search(imitations("scores", "eval"), fold(text)[0])
