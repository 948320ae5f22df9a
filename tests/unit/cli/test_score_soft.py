"""`grm score` and `grm ledger replay` with soft scores, over a server that tells alternatives."""

from fake_server import Reply, chat


def hesitating(payload):
    """It writes 7 and 7; one of the two it nearly wrote was 8 for the first response of the example."""
    text = payload["messages"][-1]["content"]
    nearly = (" 8", " 6") if text.index("first ") < text.index("second ") else (" 6", " 8")
    told = [{"token": "Scores:", "logprob": 0.0, "top_logprobs": []}]
    for token, other in ((" 7", nearly[0]), (",", "}"), (" 7", nearly[1])):
        top = [{"token": token, "logprob": -0.1}, {"token": other, "logprob": -2.5}]
        told.append({"token": token, "logprob": -0.1, "top_logprobs": top[: payload.get("top_logprobs", 0)]})
    reply = chat(*["Scores: 7, 7"] * payload["n"])
    for choice in reply.body["choices"]:
        choice["logprobs"] = {"content": told}
    return Reply(reply.status, reply.body)


def test_ties_are_broken_and_replayed_without_asking(grm, server, pairs):
    server.answer = hesitating
    args = ("score", pairs, "--judge", server.url, "--samples", 2)
    assert [row["best"] for row in grm(*args).rows] == [None] * 5
    ties = grm(*args, "--soft", "ties")
    assert ties.code == 0
    assert [(row["best"], row["scores"]) for row in ties.rows] == [(0, [14, 14])] * 5
    assert "10 judgments have soft scores, 0 have none\n" in ties.err
    assert "(0 tied)" in ties.err
    scores = grm(*args, "--soft", "scores")
    assert "10 from the ledger" in scores.err
    assert {row["mean_scores"][0] > 7 > row["mean_scores"][1] for row in scores.rows} == {True}
    asked = len(server.chats)
    replayed = grm("ledger", "replay", "--soft", "scores").rows
    assert [row["scores"] for row in replayed if row["best"] is not None] == [row["scores"] for row in scores.rows]
    assert len(server.chats) == asked


def test_a_server_that_tells_none(grm, server, pairs):
    args = ("score", pairs, "--judge", server.url, "--samples", 2)
    plain, ties = grm(*args), grm(*args, "--soft", "ties")
    assert [row["best"] for row in ties.rows] == [row["best"] for row in plain.rows]
    assert "0 judgments have soft scores, 10 have none (10 no_alternatives)" in ties.err
    assert "soft" not in plain.err
    assert [row["abstained"]["reason"] for row in grm(*args, "--soft", "scores").rows] == ["no_soft_scores"] * 5


def test_what_cannot_be_is_refused_before_anything_is_sent(grm, server, pairs):
    base = ("score", pairs, "--judge", server.url, "--soft")
    assert grm(*base, "both").code == 2
    refused = grm(*base, "ties", "--template", "llm-judge")
    assert (refused.code, server.chats) == (2, [])
    assert "llm-judge names the better response and gives no scores" in refused.err
