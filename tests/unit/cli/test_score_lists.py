"""`grm score` with lists of some of the responses."""

import json

import pytest


@pytest.fixture
def groups(tmp_path):
    """Two groups of twelve and a pair in a file."""
    path = tmp_path / "groups.jsonl"
    sizes = {"one": 12, "two": 12, "pair": 2}
    rows = [{"id": name, "query": name, "responses": [f"r{i}" for i in range(num)]} for name, num in sizes.items()]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_long_groups_are_judged_in_lists_and_the_overlap_is_told(grm, server, groups):
    args = ("score", groups, "--judge", server.url, "--samples", 2, "--list-size", 5)
    first = grm(*args)
    assert first.code == 0
    assert [row.get("lists", {}).get("is_connected") for row in first.rows] == [True, True, None]
    assert [row["samples"] for row in first.rows] == [6, 6, 2], "three lists a sample; the pair as ever"
    assert all(len(one["order"]) == len(one["scores"]) <= 5 for row in first.rows for one in row["judgments"])
    assert "2 judged in lists: a pair shared 0.73 of them, at least 0" in first.err
    asked = len(server.chats)
    again = grm(*args)
    assert (again.out, len(server.chats)) == (first.out, asked)
    replayed = grm("ledger", "replay", "--list-size", 5)
    assert [row["mean_scores"] for row in replayed.rows] == [row["mean_scores"] for row in first.rows]
    dry = grm(*args, "--dry-run")
    assert "judgments    14: 14 in the ledger, 0 to ask for" in dry.out


def test_what_is_kept_plays_back(grm, server, groups, tmp_path):
    args = ("score", groups, "--samples", 2, "--list-size", 5)
    first = grm(*args, "--judge", server.url)
    kept = tmp_path / "kept.jsonl"
    grm("ledger", "export", "-o", kept)
    again = grm(*args, "--judge", f"recorded:{kept}", "--no-ledger")
    assert [row["mean_scores"] for row in again.rows] == [row["mean_scores"] for row in first.rows]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--list-size", 1), "--list-size is 1; expected at least 2 responses, such as 8, or there is"),
        (("--list-size", 0), "--list-size is 0; expected at least 2 responses, such as 8, or there is"),
        (("--list-size", 4, "--stop", 0.9), "--list-size and --stop exclude each other"),
        (("--list-size", 4, "--budget", 90), "--list-size and --budget exclude each other"),
        (("--list-size", 4, "--meta-rm", "folder"), "--list-size and --meta-rm exclude each other"),
        (("--list-size", 4, "--vote", "majority"), "--vote majority has none, give sum or mean"),
        (
            ("--list-size", 9, "--template", "nano"),
            "list_size is 9; the template cannot show so many: nano judges up to 8 responses at once, not 9",
        ),
    ],
)
def test_nonsense_is_refused_before_anything_is_sent(grm, server, groups, flags, message):
    ran = grm("score", groups, "--judge", server.url, *flags)
    assert ran.code == 2
    assert message in ran.err
    assert server.chats == []


def test_without_long_groups_nothing_is_said_of_lists(grm, server, pairs):
    plain = grm("score", pairs, "--judge", server.url, "--samples", 2)
    listed = grm("score", pairs, "--judge", server.url, "--samples", 2, "--list-size", 4)
    assert listed.out == plain.out
    assert "lists" not in listed.err
