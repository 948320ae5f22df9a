import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from grmkit.errors import LedgerError
from grmkit.ledger import Claim, JudgeKey, Ledger, Stored
from grmkit.ledger.store import canonical, content_key, order_text, storable

KEY = JudgeKey({"model": "m"}, "t", "f", {"temperature": 1.0})
CONTENT = {"query": "Q", "responses": ["a", "b"]}
Place = tuple[int, int, tuple[int, ...]]


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    with Ledger(None) as ledger:
        yield ledger


@pytest.fixture
def place(ledger: Ledger) -> Place:
    return place_in(ledger)


def place_in(ledger: Ledger) -> Place:
    return ledger.judge_id(KEY), ledger.example_id(CONTENT, "e1"), (0, 1)


def keep(ledger: Ledger, place: Place, **texts: str) -> int:
    """Keep texts by stream: keep(..., s0="a", s1="b")."""
    return ledger.commit(*place, [int(name[1:]) for name in texts], [Stored(text) for text in texts.values()])


def count(ledger: Ledger, table: str) -> int:
    return ledger.select(f"SELECT count(*) FROM {table}")[0][0]


# Claims ----------------------------------------------------------------------------------------------------------


def test_what_is_claimed_and_kept_is_found(ledger: Ledger, place: Place) -> None:
    assert ledger.find(*place) == {}
    assert ledger.claim(*place, range(2)) == Claim(ours=(0, 1), theirs=())
    assert keep(ledger, place, s0="first", s1="second") == 2
    assert ledger.find(*place) == {0: Stored("first"), 1: Stored("second")}
    assert count(ledger, "claims") == 0


def test_going_from_8_to_32_pays_for_24(ledger: Ledger, place: Place) -> None:
    ledger.commit(*place, range(8), [Stored(str(stream)) for stream in ledger.claim(*place, range(8)).ours])
    assert ledger.claim(*place, range(8)) == Claim((), ())
    assert ledger.claim(*place, range(32)) == Claim(tuple(range(8, 32)), ())


def test_what_is_claimed_already_is_theirs(ledger: Ledger, place: Place) -> None:
    ledger.claim(*place, (0, 2))
    assert ledger.claim(*place, range(4)) == Claim(ours=(1, 3), theirs=(0, 2))


def test_what_was_not_answered_can_be_claimed_again(ledger: Ledger, place: Place) -> None:
    ledger.claim(*place, range(4))
    keep(ledger, place, s0="only this came")
    assert ledger.claim(*place, range(4)).theirs == (1, 2, 3)
    ledger.release(*place, (1, 2))
    assert ledger.claim(*place, range(4)) == Claim(ours=(1, 2), theirs=(3,))


def test_two_ledgers_on_one_file_share_the_work(path: Path) -> None:
    with Ledger(path) as one, Ledger(path) as two:
        place = place_in(one)
        assert place_in(two) == place
        assert one.claim(*place, range(4)).ours == (0, 1, 2, 3)
        assert two.claim(*place, range(2, 6)) == Claim(ours=(4, 5), theirs=(2, 3))
        two.release(*place, (2, 3))  # not theirs to give
        assert two.claim(*place, range(6)) == Claim(ours=(), theirs=(0, 1, 2, 3, 4, 5))
        keep(one, place, s2="kept")
        one.release(*place, (3,))
        assert two.claim(*place, (2, 3)) == Claim(ours=(3,), theirs=())
        assert two.find(*place) == {2: Stored("kept")}


def test_what_came_from_elsewhere_while_in_flight_is_kept(path: Path) -> None:
    with Ledger(path) as asking, Ledger(path) as merging:
        place = place_in(asking)
        asking.claim(*place, (0, 1))
        keep(merging, place, s0="merged")
        assert merging.claim(*place, (0, 1)) == Claim(ours=(), theirs=(1,))
        assert keep(asking, place, s0="late", s1="new") == 1
        assert merging.find(*place) == {0: Stored("merged"), 1: Stored("new")}
        assert count(merging, "claims") == 0


def test_what_is_kept_stays_whoever_comes_later(ledger: Ledger, place: Place) -> None:
    keep(ledger, place, s0="first")
    assert keep(ledger, place, s0="second", s1="new") == 1
    assert ledger.find(*place) == {0: Stored("first"), 1: Stored("new")}
    assert ledger.select("SELECT text FROM texts WHERE text = 'second'") == []


def test_an_answer_too_few_keeps_nothing(ledger: Ledger, place: Place) -> None:
    with pytest.raises(ValueError, match="shorter"):
        ledger.commit(*place, (0, 1), (Stored("one"),))
    assert ledger.find(*place) == {}
    assert keep(ledger, place, s0="the ledger still works") == 1


def test_closing_gives_claims_back(path: Path) -> None:
    with Ledger(path) as ledger:
        place = place_in(ledger)
        ledger.claim(*place, range(3))
    with Ledger(path) as ledger:
        assert ledger.num_lost == 0
        assert ledger.claim(*place, range(3)).ours == (0, 1, 2)


# What determines a judgment --------------------------------------------------------------------------------------


def test_orders_examples_and_judges_are_kept_apart(ledger: Ledger, place: Place) -> None:
    keep(ledger, place, s0="text")
    judge, example, order = place
    other_judge = ledger.judge_id(replace(KEY, fingerprint="g"))
    other_example = ledger.example_id(CONTENT | {"query": "R"}, "e1")
    for elsewhere in [(judge, example, (1, 0)), (judge, other_example, order), (other_judge, example, order)]:
        assert ledger.find(*elsewhere) == {}
        assert ledger.claim(*elsewhere, (0,)).ours == (0,)


def test_model_fingerprint_and_sampling_make_the_judge(ledger: Ledger) -> None:
    others = [
        replace(KEY, model={"model": "m", "revision": "2"}),
        replace(KEY, fingerprint="g"),
        replace(KEY, sampling={"temperature": 0.5}),
    ]
    assert len({ledger.judge_id(key) for key in (KEY, *others)}) == 4
    assert ledger.judge_id(JudgeKey({"model": "m"}, "t", "f", {"temperature": 1.0})) == ledger.judge_id(KEY)
    assert ledger.judge_id(replace(KEY, template="under another name")) == ledger.judge_id(KEY)


def test_the_same_content_under_two_ids_is_one_example(ledger: Ledger) -> None:
    assert ledger.find_example(CONTENT) is None
    number = ledger.example_id(CONTENT, "first")
    assert ledger.example_id({"responses": ["a", "b"], "query": "Q"}, "second") == number
    assert ledger.find_example(CONTENT) == number
    assert ledger.select("SELECT name FROM examples") == [("first",)]


def test_names_do_not_depend_on_how_json_is_laid_out() -> None:
    assert canonical({"b": [1, 2.5], "a": "é"}) == '{"a":"é","b":[1,2.5]}'
    assert content_key({"a": 1, "b": 2}) == content_key({"b": 2, "a": 1})
    assert content_key({"a": 1}) != content_key({"a": "1"})
    assert order_text((2, 0, 1)) == "2,0,1"
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical({"a": float("nan")})


# Texts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "stored",
    [
        Stored("text", "stop", "reasoning", '{"a":1}', "[]", 0, 7),
        Stored(None),
        Stored("", "length", ""),
        Stored("nul \0 inside, emoji 🦔, line\r\nends\n", prompt_tokens=1 << 40),
    ],
)
def test_everything_comes_back_as_it_was(stored: Stored, ledger: Ledger, place: Place) -> None:
    ledger.commit(*place, (5,), (stored,))
    assert ledger.find(*place) == {5: stored}


def test_a_text_is_stored_once(ledger: Ledger, place: Place) -> None:
    ledger.commit(*place, range(3), [Stored("same", reasoning="same", neutralised="[]")] * 3)
    keep(ledger, (*place[:2], (1, 0)), s0="same", s1="other")
    assert sorted(ledger.select("SELECT text FROM texts")) == [("[]",), ("other",), ("same",), (canonical(CONTENT),)]
    assert count(ledger, "judgments") == 5


def test_half_a_surrogate_pair_is_spelled_out(ledger: Ledger, place: Place) -> None:
    assert storable("a\ud83e") == "a\\ud83e"
    assert storable("🦔") == "🦔"
    ledger.commit(*place, (0,), (Stored("a\ud83e", "st\udc00op", logprobs='["\ud83e"]'),))
    assert ledger.find(*place)[0] == Stored("a\\ud83e", "st\\udc00op", logprobs='["\\ud83e"]')


def test_half_a_surrogate_pair_can_be_anywhere(ledger: Ledger) -> None:
    key = JudgeKey({"model": "m\ud83e"}, "t\ud83e", "f", {"stop": "\ud83e"})
    assert ledger.judge_id(key) == ledger.judge_id(key) != ledger.judge_id(KEY)
    content = {"query": "\ud83e"}
    number = ledger.example_id(content, "e\ud83e")
    assert ledger.find_example(content) == number
    assert ledger.find_example({"query": "\\ud83e"}) is None  # six characters are another text


def test_times_can_be_given(ledger: Ledger, place: Place) -> None:
    ledger.commit(*place, (0, 1), (Stored("a"), Stored("b")), (1.5, 2.5))
    assert ledger.select("SELECT stream, created FROM judgments") == [(0, 1.5), (1, 2.5)]


# Transactions ----------------------------------------------------------------------------------------------------


def test_a_transaction_is_kept_whole_or_not_at_all(ledger: Ledger) -> None:
    def forget_runs(*, is_interrupted: bool) -> None:
        with ledger.transaction() as connection:
            connection.execute("DELETE FROM runs")
            if is_interrupted:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        forget_runs(is_interrupted=True)
    assert count(ledger, "runs") == 1
    forget_runs(is_interrupted=False)
    assert count(ledger, "runs") == 0


def test_sqlites_errors_come_out_as_ours(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match=r"^ledger: the ledger failed: no such table: missing$"):
        ledger.select("SELECT * FROM missing")


# Files -----------------------------------------------------------------------------------------------------------


def test_closing_twice_is_closing_once(path: Path) -> None:
    ledger = Ledger(path)
    ledger.close()
    ledger.close()
    with pytest.raises(LedgerError, match="closed"):
        ledger.judge_id(KEY)


def test_nothing_is_left_beside_a_closed_ledger(path: Path) -> None:
    with Ledger(path):
        assert len(list(path.parent.glob("ledger.sqlite.run-*.lock"))) == 1
    assert os.listdir(path.parent) == ["ledger.sqlite"]


def test_all_files_are_the_owners_alone(path: Path) -> None:
    before = os.umask(0o022)
    try:
        with Ledger(path) as ledger:
            keep(ledger, place_in(ledger), s0="private")
            modes = {file.name.rpartition(".")[2]: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    finally:
        os.umask(before)
    assert modes == {"sqlite": 0o600, "sqlite-wal": 0o600, "sqlite-shm": 0o600, "lock": 0o600}


@pytest.mark.parametrize(
    "name",
    [":memory:", "file:x?mode=memory", "a b'c\"d#e%20f;g", "line\nend", "日本語", "-", b"not \xff utf-8"],
)
def test_any_name_will_do(name: str | bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Ledger(os.fsdecode(name)) as one, Ledger(os.fsdecode(name)) as two:
        keep(one, place_in(one), s0="kept")
        two.forget_dead_runs()
        assert len(two.select("SELECT id FROM runs")) == 2
    assert os.listdir(os.fsencode(tmp_path)) == [os.fsencode(name)]
    with Ledger(tmp_path / os.fsdecode(name)) as ledger:
        assert ledger.find(*place_in(ledger)) == {0: Stored("kept")}


def test_a_relative_path_stays_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    with Ledger("ledger.sqlite") as ledger:
        os.chdir(tmp_path / "elsewhere")
        assert ledger.path == tmp_path / "ledger.sqlite"
    assert sorted(os.listdir(tmp_path)) == ["elsewhere", "ledger.sqlite"]


def test_who_comes_through_a_link_sees_the_others(path: Path) -> None:
    (path.parent / "folder").mkdir()
    link = path.parent / "folder" / "link"
    link.symlink_to(path)
    with Ledger(path) as one:
        place = place_in(one)
        one.claim(*place, range(4))
        with Ledger(link) as two:
            assert two.num_lost == 0
            assert two.claim(*place, range(4)).theirs == (0, 1, 2, 3)


def test_in_memory_nothing_is_shared() -> None:
    with closing(Ledger(None)) as one, closing(Ledger(None)) as two:
        keep(one, place_in(one), s0="kept")
        assert two.find(*place_in(two)) == {}
        assert one.forget_dead_runs() == two.forget_dead_runs() == 0
        assert not one.is_shared()
