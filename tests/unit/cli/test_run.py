from collections import Counter

from grmkit.backends import Sampling
from grmkit.cli.run import Report, listed, say, spooled
from grmkit.scoring.sampling import Tallies
from grmkit.scoring.tally import abstain, tally
from grmkit.types import Abstention, Judgment


def judgment(scores, reason=None):
    return Judgment((), None, scores, (0, 1), "t", 0, unparsed_reason=reason)


def test_the_report_counts_scores_ties_reasons_and_money(capsys):
    report = Report(num_examples=5, num_bad=1)
    report.add(tally("a", [judgment((5, 5)), judgment(None, "empty")], score_range=(1, 10)))
    report.add(tally("b", [judgment((6, 5))], score_range=(1, 10)))
    report.add(abstain("c", Abstention("backend", "HTTP 500")))
    say(report, Tallies(asked=3, reused=4, requests=2, prompt_tokens=1000, completion_tokens=50, neutralised=1))
    assert capsys.readouterr().err.splitlines() == [
        "3 of 5 examples: 2 scored (1 tied), 1 abstained (1 backend), 1 bad rows skipped",
        "3 judgments: 3 asked for in 2 requests, 4 from the ledger, 1 unreadable (1 empty)",
        "1,000 prompt and 50 completion tokens paid now",
        "1 examples imitate the prompt's structure: neutralised, see `grm ledger export`",
        "some requests failed for good; run the same command again to complete them",
    ]


def test_counts_are_listed_by_name():
    assert listed(Counter(b=1, a=2)) == " (2 a, 1 b)"
    assert listed(Counter()) == ""


def test_a_file_is_read_where_it_is():
    with spooled("pairs.jsonl") as source:
        assert source == "pairs.jsonl"


def test_the_flags_reach_the_sampling(grm, server, pairs):
    grm(*("score", pairs, "--judge", server.url, "--limit", 1, "--samples", 2, "--temperature", 0.9, "--top-p", 0.8))
    assert {(chat["temperature"], chat["top_p"], chat["max_tokens"]) for chat in server.chats} == {(0.9, 0.8, 2048)}
    assert Sampling().max_tokens == 2048
