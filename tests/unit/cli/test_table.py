import io

from rich.console import Console

from grmkit.cli.table import MAX_CRITIQUE, critique_lines, show, spokesman
from grmkit.scoring.list_tally import tally_lists
from grmkit.scoring.tally import abstain, tally
from grmkit.types import Abstention, Judgment, Principle


def judgment(scores, reason=None, **fields):
    known = {"principles": (), "critique": None, "order": (0, 1), "text": "t", "stream": 0}
    return Judgment(scores=scores, unparsed_reason=reason, **(known | fields))


def shown(verdict):
    file = io.StringIO()
    show(verdict, Console(file=file, width=120))
    return file.getvalue()


def test_a_person_sees_winner_votes_principles_and_critique():
    first = judgment((9, 2), principles=(Principle("is it so", "Truth", 70.0),), critiques=("right", "wrong"))
    text = shown(tally("sky", [first, judgment((8, 3), order=(1, 0))], score_range=(1, 10)))
    assert "sky  response 1 is best, confidence 99%; mean scores 8.50, 2.50" in text
    assert "Truth (70%): is it so" in text
    assert "response 1: right" in text
    assert "response 2: wrong" in text
    assert text.count("2 1") == 1
    sums = next(line for line in text.splitlines() if "sum" in line)
    assert sums.split() == ["sum", "17", "5"]


def test_an_unreadable_judgment_is_a_dash_with_its_reason():
    text = shown(tally("x", [judgment((9, 2)), judgment(None, "empty")], score_range=(1, 10)))
    assert "unreadable: empty" in text
    assert "–" in text


def test_an_abstention_says_why_and_a_tie_says_so():
    assert "no verdict (too_long): 5,213 tokens" in shown(abstain("x", Abstention("too_long", "5,213 tokens")))
    assert "a tie at the top" in shown(tally("x", [judgment((5, 5))], score_range=(1, 10)))


def test_a_single_response_has_a_score_but_no_winner():
    text = shown(tally("x", [judgment((7,), order=(0,)), judgment((8,), order=(0,))], score_range=(1, 10)))
    assert "mean score 7.50 of 2 judgments" in text


def test_the_judgment_quoted_agrees_with_the_verdict():
    against, agreeing = judgment((2, 9), text="no"), judgment((9, 1), text="yes")
    found = tally("x", [judgment(None, "empty"), against, agreeing, judgment((9, 2))], score_range=(1, 10))
    assert spokesman(found) is agreeing
    assert spokesman(tally("x", [judgment(None, "empty")], score_range=(1, 10))) is None


def test_long_critiques_are_cut_and_markup_is_printed_as_it_is():
    assert len(critique_lines(judgment((1, 2), critique="word " * 1000))[0]) == MAX_CRITIQUE
    assert "[bold]" in shown(tally("x", [judgment((1, 2), critique="[bold]not markup[/bold]")], score_range=(1, 10)))


def test_a_judge_cannot_steer_the_terminal():
    nasty = judgment((1, 2), principles=(Principle("\x1b]0;pwned\x07", "x\x1b[2J"),), critique="\x1b[2Jgone")
    assert "\x1b" not in shown(tally("\x1bid", [nasty], score_range=(1, 10)))


def test_a_meta_rm_s_trust_and_choice_are_shown():
    given = [judgment((9, 2), meta_score=1.5), judgment((2, 8), meta_score=-3.25), judgment(None, "empty")]
    text = shown(tally("x", given, score_range=(1, 10), meta_samples=1))
    lines = [line.split() for line in text.splitlines()]
    assert ["1", "9", "2", "1.50", "1", "2"] in lines
    assert ["2", "2", "8", "-3.25", "1", "2"] in lines
    assert ["3", "–", "–", "–", "1", "2", "unreadable:", "empty"] in lines
    assert ["sum", "9", "2", "1", "voted"] in lines
    one = [judgment((score,), order=(0,), meta_score=1.0) for score in (7, 9)]
    assert "mean score 7.00 of 1 of 2 judgments" in shown(tally("x", one, score_range=(1, 10), meta_samples=1))


def test_of_lists_a_person_sees_every_response_by_rank_with_its_interval():
    """By hand: gaps 3.5 and 2 to response 2, which stands at 35 / 6 less (2 * 3.5 + 2) / 6; lists of 2 points apart."""
    alone = judgment((3, 5), order=(2, 1), critiques=("worse", "better"))
    judgments = [judgment((8, 6)), alone, judgment((9, 4))]
    text = shown(tally_lists("x", judgments, num_responses=3, list_size=2))
    assert "response 1 is best; mean scores 7.83 to 4.33" in text
    rows = [line.split() for line in text.splitlines()]
    assert [row[:3] + row[-1:] for row in rows if len(row) == 7] == [
        ["1", "1", "7.83", "2"],
        ["2", "3", "6.33", "1"],
        ["3", "2", "4.33", "3"],
    ]
    assert "3 lists, 0 unreadable; a pair shared 1.00, at least 0" in text
    assert critique_lines(alone) == ["response 2: worse", "response 3: better"]
    agreeing = judgment((5, 8), order=(1, 2))
    found = tally_lists(
        "x", [alone, agreeing, judgment((1, 2)), judgment((1, 9), order=(0, 2))], num_responses=3, list_size=2
    )
    assert (found.best, spokesman(found)) == (2, alone)
