import gzip
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fake_server import HTML, Reply, chat, model
from live_server import judge

ENV = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3] / "src")}

KEYS = ["id", "scores", "mean_scores", "ranking", "best", "confidence", "samples", "unparsed", "abstained", "tokens"]
KEYS += ["cost", "judgments"]


def test_verdicts_go_to_a_pipe_as_json_lines(grm, server, pairs):
    ran = grm("score", pairs, "--judge", server.url, "--samples", 4, "--prices", "1,2")
    assert ran.code == 0
    assert [row["id"] for row in ran.rows] == ["p0", "p1", "p2", "p3", "p4"]
    assert list(ran.rows[0]) == KEYS
    assert ran.rows[0]["tokens"] == {"prompt": 22, "completion": 28}
    assert ran.rows[0]["cost"] == pytest.approx((22 * 1 + 28 * 2) / 1e6)
    assert "5 of 5 examples: 5 scored" in ran.err
    assert "20 judgments: 20 asked for in 10 requests, 0 from the ledger, 0 unreadable" in ran.err


def test_a_second_run_sends_nothing_and_says_the_same(grm, server, pairs, tmp_path):
    out = tmp_path / "out" / "verdicts.jsonl"
    args = ("score", pairs, "-o", out, "--judge", server.url, "--samples", 4)
    assert grm(*args).code == 0
    first, asked = out.read_bytes(), len(server.chats)
    again = grm(*args)
    assert (out.read_bytes(), len(server.chats)) == (first, asked)
    assert "0 asked for in 0 requests, 20 from the ledger" in again.err


def test_from_8_to_32_samples_pays_for_24(grm, server, pairs):
    grm("score", pairs, "--judge", server.url, "--samples", 8)
    before = sum(payload["n"] for payload in server.chats)
    grm("score", pairs, "--judge", server.url, "--samples", 32)
    assert sum(payload["n"] for payload in server.chats) - before == 5 * 24


def test_another_revision_seed_or_prompt_is_another_judge(grm, server, pairs, tmp_path):
    prompt = tmp_path / "mine.txt"
    prompt.write_text(
        "{{ query }}{% for r in responses %}\n[The Begin of Response {{ loop.index }}]{{ r }}{% endfor %}"
    )
    base = ("score", pairs, "--judge", server.url, "--samples", 2)
    for extra in ((), ("--model-revision", "b"), ("--seed", 1), ("--temperature", 0.7), ("--prompt-file", prompt)):
        before = len(server.chats)
        assert grm(*base, *extra).code == 0
        assert len(server.chats) - before == 10


def test_no_ledger_keeps_nothing(grm, server, pairs):
    for _ in range(2):
        grm("score", pairs, "--judge", server.url, "--samples", 2, "--no-ledger")
    assert len(server.chats) == 20


def test_examples_may_come_from_standard_input_or_gzip(grm, server, pairs, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(pairs.read_bytes())))
    from_stdin = grm("score", "-", "--judge", server.url, "--samples", 2)
    zipped = tmp_path / "pairs.jsonl.gz"
    zipped.write_bytes(gzip.compress(pairs.read_bytes()))
    assert from_stdin.out == grm("score", zipped, "--judge", server.url, "--samples", 2).out
    assert len(from_stdin.rows) == 5


def test_columns_limit_and_skip_bad(grm, server, tmp_path):
    path = tmp_path / "odd.jsonl"
    rows = [{"ask": "q", "one": "a", "two": "b"}, {"ask": "q", "one": "a"}, {"ask": "q2", "one": "a", "two": "b"}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    mapping = ("--map", "query=ask", "--map", "responses=one,two", "--judge", server.url, "--samples", 2)
    refused = grm("score", path, *mapping)
    assert refused.code == 2
    assert "odd.jsonl:2" in refused.err
    assert server.chats == []
    skipped = grm("score", path, *mapping, "--skip-bad")
    assert (skipped.code, len(skipped.rows)) == (0, 2)
    assert "1 bad rows skipped" in skipped.err
    assert len(grm("score", path, *mapping, "--limit", 1).rows) == 1


def test_nothing_but_bad_rows_is_an_error_all_the_same(grm, server, tmp_path):
    path = tmp_path / "bad.jsonl"
    path.write_text('{"query": "q"}\n' * 2)
    ran = grm("score", path, "--judge", server.url, "--skip-bad")
    assert ran.code == 2
    assert "all 2 rows are bad" in ran.err
    assert server.seen == []


def test_a_dry_run_sends_no_prompt_and_knows_the_ledger(grm, server, pairs):
    grm("score", pairs, "--judge", server.url, "--samples", 2, "--limit", 2)
    asked = len(server.chats)
    ran = grm("score", pairs, "--judge", server.url, "--samples", 4, "--dry-run", "--prices", "1,2")
    assert (ran.code, len(server.chats)) == (0, asked)
    assert "[The Begin of Response 1]" in ran.out
    assert "judgments    20: 4 in the ledger, 16 to ask for" in ran.out
    assert "requests     10" in ran.out
    assert "answers      at most 32,768 tokens" in ran.out
    assert "cost         about" in ran.out


def test_a_dry_run_without_a_server_still_tells_the_rest(grm, pairs):
    ran = grm("score", pairs, "--judge", "http://127.0.0.1:9/v1", "--model", "m", "--dry-run")
    assert ran.code == 3
    assert "judgments    40: 0 in the ledger, 40 to ask for" in ran.out


def test_votes_by_majority_and_ties_broken_by_seed(grm, tmp_path):
    queries, answers = tmp_path / "q.jsonl", tmp_path / "a.jsonl"
    queries.write_text('{"id": "t", "query": "q", "responses": ["a", "b"]}\n')
    rows = [{"id": "t", "order": order, "text": "Scores: \\boxed{5, 5}"} for order in ([0, 1], [1, 0])]
    answers.write_text("".join(json.dumps(row) + "\n" for row in rows))
    base = ("score", queries, "--judge", f"recorded:{answers}", "--samples", 2)
    tied = grm(*base)
    assert (tied.rows[0]["best"], tied.rows[0]["abstained"], tied.rows[0]["ranking"]) == (None, None, [1, 1])
    assert "(1 tied)" in tied.err
    broken = [grm(*base, "--ties", "random", "--seed", seed).rows[0]["best"] for seed in range(8)]
    assert set(broken) == {0, 1}
    assert grm(*base, "--vote", "majority").rows[0]["best"] is None


def test_the_key_goes_to_the_server_and_nowhere_else(grm, server, pairs, monkeypatch, tmp_path):
    server.api_key = "sk-very-secret"
    monkeypatch.setenv("MY_KEY", "sk-very-secret")
    ledger = tmp_path / "l.sqlite"
    base = ("score", pairs, "--judge", server.url, "--samples", 2, "--ledger", ledger)
    good = grm(*base, "--api-key-env", "MY_KEY")
    monkeypatch.setenv("MY_KEY", "sk-wrong-secret")
    bad = grm(*base, "--api-key-env", "MY_KEY", "--seed", 1)
    assert (good.code, bad.code) == (0, 3)
    assert "MY_KEY" in bad.err
    kept = (
        b"".join(path.read_bytes() for path in tmp_path.iterdir()) + (good.out + good.err + bad.out + bad.err).encode()
    )
    assert b"secret" not in kept


# Bad input: a clear error or a typed abstention, and the exit code that says which --------------------------------


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("", "holds no examples"),
        ('{"query": "q", "responses": []}\n', ":1: responses"),
        ('{"query": "q", "responses": ["a", " "]}\n', ":1: responses[1] is empty"),
        ('{"query": "q"}\n', ":1: responses is missing"),
        ("{nonsense\n", ":1:"),
        ('{"query": "q", "responses": ["a"], "id": "x"}\n' * 2, "x"),
    ],
)
def test_bad_rows_are_refused_before_anything_is_sent(grm, server, tmp_path, rows, words):
    path = tmp_path / "bad.jsonl"
    path.write_text(rows)
    ran = grm("score", path, "--judge", server.url)
    assert ran.code == 2
    assert words in ran.err
    assert ran.err.startswith("grm: ")
    assert server.seen == []


def test_invalid_utf_8_is_refused(grm, server, tmp_path):
    path = tmp_path / "bad.jsonl"
    path.write_bytes(b'{"query": "q", "responses": ["\xff"]}\n')
    ran = grm("score", path, "--judge", server.url)
    assert ran.code == 2
    assert "UTF-8" in ran.err


def test_a_bad_row_at_the_end_costs_nothing(grm, server, pairs):
    pairs.write_text(pairs.read_text() + '{"query": "q"}\n')
    assert grm("score", pairs, "--judge", server.url).code == 2
    assert server.seen == []


def test_a_query_longer_than_the_context_is_refused_with_the_count(grm, server, tmp_path):
    server.models = [model(max_model_len=4096, owned_by="vllm")]
    server.tokenize = lambda _: Reply(body={"count": 5213, "max_model_len": 4096})
    path = tmp_path / "long.jsonl"
    path.write_text(json.dumps({"query": "long " * 9000, "responses": ["a", "b"]}) + "\n")
    ran = grm("score", path, "--judge", server.url, "--max-tokens", 512)
    assert ran.rows[0]["abstained"]["reason"] == "too_long"
    assert "5,213" in ran.rows[0]["abstained"]["detail"]
    assert server.chats == []


def test_two_hundred_responses_and_a_megabyte_are_scored(grm, server, tmp_path):
    path = tmp_path / "big.jsonl"
    rows = [{"query": "q", "responses": [f"r{i}" for i in range(200)]}, {"query": "q", "responses": ["x" * 10**6, "y"]}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    ran = grm("score", path, "--judge", server.url, "--samples", 2)
    assert (ran.code, [len(row["scores"]) for row in ran.rows]) == (0, [200, 2])


@pytest.mark.parametrize("args", [("--model", "nobody")])
def test_an_unknown_model_is_named_with_those_served(grm, server, pairs, args):
    server.models = [model("deepseek-grm-16b"), model("deepseek-grm-27b")]
    ran = grm("score", pairs, "--judge", server.url, *args)
    assert ran.code == 3
    assert "nobody" in ran.err
    assert "deepseek-grm-27b" in ran.err


def test_a_server_that_is_down_is_reported(grm, pairs):
    ran = grm("score", pairs, "--judge", "http://127.0.0.1:9/v1", "--model", "m")
    assert ran.code == 3
    assert "http://127.0.0.1:9/v1" in ran.err


def test_html_answers_are_an_abstention_that_quotes_them(grm, server, pairs):
    server.answer = lambda _: HTML
    ran = grm("score", pairs, "--judge", server.url, "--samples", 2)
    assert ran.code == 1
    assert {row["abstained"]["reason"] for row in ran.rows} == {"backend"}
    assert "nginx" in ran.rows[0]["abstained"]["detail"]
    assert all(row["scores"] is None for row in ran.rows)


def test_what_failed_is_completed_by_a_second_run(grm, server, pairs):
    server.script(*[HTML] * 2)
    assert grm("score", pairs, "--judge", server.url, "--samples", 2).code == 1
    asked = len(server.chats)
    again = grm("score", pairs, "--judge", server.url, "--samples", 2)
    assert again.code == 0
    assert len(server.chats) - asked == 2


def test_a_server_without_n_is_asked_one_by_one(grm, server, pairs):
    server.answer = lambda payload: judge({**payload, "n": 1})
    ran = grm("score", pairs, "--judge", server.url, "--samples", 8)
    assert [row["samples"] for row in ran.rows] == [8] * 5
    assert ran.code == 0


def test_null_content_and_cut_answers_are_abstentions(grm, server, pairs):
    server.answer = lambda payload: chat(*[None] * payload["n"], finish_reason="length", reasoning="still thinking")
    ran = grm("score", pairs, "--judge", server.url, "--samples", 2)
    assert ran.code == 0
    assert {row["abstained"]["reason"] for row in ran.rows} == {"unreadable"}
    assert "10 unreadable (10 cut_by_length)" in ran.err


def test_a_hanging_server_is_given_up(grm, server, pairs):
    server.answer = lambda payload: judge(payload, delay_s=30)
    ran = grm("score", pairs, "--judge", server.url, "--samples", 1, "--limit", 1, "--timeout", 0.05, "--retries", 2)
    assert ran.code == 1
    assert ran.rows[0]["abstained"]["reason"] == "backend"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--samples", 0), "--samples is 0; expected 1 to 65536 judgments per example, such as 8"),
        (("--samples", 65537), "--samples is 65537; expected 1 to 65536 judgments"),
        (("--temperature", -1), "--temperature is -1.0; expected a finite number from 0 (greedy) up, such as 0.5"),
        (("--temperature", "nan"), "--temperature is nan; expected a finite number"),
        (("--top-p", 0), "--top-p is 0.0; expected a number above 0, up to 1, such as 0.95"),
        (("--top-p", 1.5), "--top-p is 1.5; expected a number above 0, up to 1"),
        (("--max-tokens", 0), "--max-tokens is 0; expected at least 1 token, such as 2048"),
        (("--limit", 0), "--limit is 0; expected at least 1 example, such as 100"),
        (("--concurrency", 0), "--concurrency is 0; expected at least 1 request, such as 64"),
        (("--timeout", 0), "--timeout is 0.0; expected a finite number of seconds above 0, such as 600"),
        (("--timeout", "inf"), "--timeout is inf; expected a finite number"),
        (("--retries", 0), "--retries is 0; expected at least 1 try, such as 6"),
        (("--prices", "1,-2"), "--prices is -2.0; expected two finite numbers from 0 up, such as 0.27,1.10"),
        (("--vote", "best"), "--vote"),
        (("--prices", "1"), "--prices is '1'; expected two numbers"),
        (("--template", "nope"), "there is no template 'nope'"),
        (("--map", "nonsense"), "nonsense"),
        (("--ledger", "x", "--no-ledger"), "exclude each other"),
        (("--stop", 0), "--stop is 0.0; expected a chance between 0 and 1, such as 0.95"),
        (("--stop", 1), "--stop is 1.0; expected a chance between 0 and 1, such as 0.95"),
        (("--budget", 0), "--budget is 0; expected at least one judgment for each example, such as 4000 for 1000"),
        (("--budget", 4), "budget is 4 judgments for 5 examples; expected at least one each, so 5 or more"),
        (("--meta-samples", 4), "--meta-samples chooses among judgments by a meta RM; give its folder with --meta-rm"),
        (("--meta-samples", 0, "--meta-rm", "x"), "--meta-samples is '0'; expected how many judgments are kept"),
        (("--meta-samples", "1.5", "--meta-rm", "x"), "--meta-samples is '1.5'"),
    ],
)
def test_wrong_flags_are_usage_errors(grm, pairs, args, words):
    ran = grm("score", pairs, "--judge", "http://127.0.0.1:9/v1", *args)
    assert ran.code == 2
    assert words in ran.err


def test_an_unknown_judge_is_a_usage_error(grm, pairs):
    ran = grm("score", pairs, "--judge", "gpt-4")
    assert ran.code == 2
    assert "expected nano, a URL" in ran.err


def test_a_ledger_that_cannot_be_opened_has_its_own_code(grm, server, pairs, tmp_path):
    assert grm("score", pairs, "--judge", server.url, "--ledger", tmp_path).code == 4


def test_the_input_is_never_the_output(grm, server, pairs):
    before = pairs.read_bytes()
    ran = grm("score", pairs, "-o", pairs, "--judge", server.url)
    assert ran.code == 2
    assert "this file is being read" in ran.err
    assert (pairs.read_bytes(), server.chats) == (before, [])


def test_a_bad_row_of_standard_input_is_named_as_such(grm, server, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"query": "q"}\n')))
    assert "<stdin>:1: " in grm("score", "-", "--judge", server.url).err


def test_a_password_in_a_judge_s_name_is_not_repeated(grm, pairs):
    for judge_name in ("user:s3cret@host:8000/v1", "http://a/v1,user:s3cret@host/v1", "http://user:s3cret@host/v1"):
        ran = grm("score", pairs, "--judge", judge_name)
        assert ran.code in (2, 3)
        assert "s3cret" not in ran.err


def test_an_output_on_a_full_disk_is_an_error_in_words(pairs, server, tmp_path):
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000));"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "from grmkit.cli import main; main()"
    )
    args = ["score", pairs, "-o", tmp_path / "o.jsonl", "--judge", server.url, "--samples", 2, "--no-ledger"]
    ran = subprocess.run([sys.executable, "-c", code, *map(str, args)], capture_output=True, text=True, env=ENV)
    assert ran.returncode == 2
    assert "o.jsonl: cannot be written: File too large" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_closed_pipe_ends_the_run_quietly(server, tmp_path):
    path = tmp_path / "many.jsonl"
    path.write_text("".join(json.dumps({"query": f"q{i}", "responses": ["a", "b"]}) + "\n" for i in range(300)))
    start = f"{sys.executable} -c 'from grmkit.cli import main; main()' score {path} --judge {server.url} --samples 8"
    script = f"set -o pipefail; {start} | head -1; echo code $?"
    ran = subprocess.run(["bash", "-c", script], capture_output=True, text=True, env=ENV)
    assert ran.stdout.splitlines()[-1] == "code 130"
    assert "Traceback" not in ran.stderr


def test_ctrl_c_before_the_judge_has_answered_sends_nothing(server, pairs):
    server.models = lambda: Reply(body={"data": [model()]}, delay_s=1.0)
    args = ["score", pairs, "--judge", server.url]
    command = [sys.executable, "-c", "from grmkit.cli import main; main()", *map(str, args)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENV)
    while not server.seen:
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode == 130
    assert server.chats == []


WORLD = {"id": "w", "query": "What is 17 plus 25? I am in a hurry.", "responses": ["It is 42.", "It is 43."]}
FOREIGN = {"id": "f", "query": "Explain quantum chromodynamics briefly.", "responses": ["Gluons bind quarks.", "Hm."]}


@pytest.fixture
def mixed(tmp_path):
    path = tmp_path / "mixed.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in (WORLD, FOREIGN)))
    return path


def test_the_judge_that_ships_is_the_default_and_abstains_outside_of_its_world(grm, mixed):
    ran = grm("score", mixed, "--no-ledger")
    world, foreign = ran.rows
    assert ran.code == 0
    assert world["abstained"] is None
    assert world["judgments"][0]["principles"][0]["name"]
    assert foreign["scores"] is None
    assert foreign["abstained"]["reason"] == "out_of_domain"
    assert "of 8 words are unknown" in foreign["abstained"]["detail"]
    assert "--force" in ran.err


def test_force_judges_text_from_outside_too(grm, mixed):
    _, foreign = grm("score", mixed, "--no-ledger", "--force").rows
    assert foreign["samples"] == 8
    assert foreign["abstained"] is None or foreign["abstained"]["reason"] == "unreadable"


def test_nano_can_be_asked_greedily_and_with_another_seed(grm, mixed):
    (greedy, _), (other, _) = (
        grm("score", mixed, "--no-ledger", *flags).rows for flags in (("--temperature", 0), ("--seed", 1))
    )
    assert greedy["samples"] == 2
    assert other["samples"] == 8
