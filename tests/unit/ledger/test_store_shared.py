"""One ledger, several at it: processes that live, processes that are killed, threads, forks."""

import os
import signal
import subprocess
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from grmkit.ledger import Claim, JudgeKey, Ledger, Stored

Start = Callable[..., subprocess.Popen[str]]
Run = Callable[..., list[str]]
Place = tuple[int, int, tuple[int, ...]]

KEY = JudgeKey({"model": "m"}, "t", "f", {"temperature": 1.0})

CLAIM_AND_WAIT = """
ledger = Ledger(path)
here = place(ledger)
ledger.claim(*here, range(int(sys.argv[2])))
ledger.commit(*here, [0], [Stored("came in time")])
say("claimed")
time.sleep(100)
"""

CLAIM_ALL = """
say("ready")
sys.stdin.readline()
with Ledger(path) as ledger:
    for number in range(200):
        here = place(ledger, f"Q{number}")
        ours = ledger.claim(*here, range(4)).ours
        for stream in ours:
            say(number, stream)
        if number % 2:
            ledger.commit(*here, ours, [Stored(f"{number} {stream}") for stream in ours])
    say("done")
    sys.stdin.readline()
"""

OPEN_ONCE = """
say("ready")
sys.stdin.readline()
with Ledger(path) as ledger:
    here = place(ledger)
    ledger.commit(*here, [int(sys.argv[2])], [Stored("text")])
"""


def place_in(ledger: Ledger, query: str = "Q") -> Place:
    """The same as `place` in the scripts."""
    return ledger.judge_id(KEY), ledger.example_id({"query": query, "responses": ["a", "b"]}, "e1"), (0, 1)


def read_line(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


def write_line(child: subprocess.Popen[str]) -> None:
    assert child.stdin is not None
    child.stdin.write("\n")
    child.stdin.flush()


def kill(child: subprocess.Popen[str]) -> None:
    child.send_signal(signal.SIGKILL)
    child.wait()


def names(path: Path) -> set[str]:
    return set(os.listdir(path.parent))


# Killed ----------------------------------------------------------------------------------------------------------


def test_after_a_kill_only_what_was_in_flight_is_asked_again(start: Start, path: Path) -> None:
    child = start(CLAIM_AND_WAIT, 6)
    assert read_line(child) == "claimed"
    with Ledger(path) as ledger:
        assert ledger.num_lost == 0
        assert ledger.claim(*place_in(ledger), range(8)) == Claim(ours=(6, 7), theirs=(1, 2, 3, 4, 5))
    kill(child)
    with Ledger(path) as ledger:
        assert ledger.num_lost == 5
        assert ledger.find(*place_in(ledger)) == {0: Stored("came in time")}
        assert ledger.claim(*place_in(ledger), range(8)) == Claim(ours=(1, 2, 3, 4, 5, 6, 7), theirs=())
    with Ledger(path) as ledger:
        assert ledger.num_lost == 0  # counted once
    assert names(path) == {"ledger.sqlite"}


def test_who_waits_for_a_run_that_is_killed_takes_over(start: Start, path: Path) -> None:
    children = [start(CLAIM_AND_WAIT, 6), start(CLAIM_AND_WAIT, 9)]
    assert [read_line(child) for child in children] == ["claimed", "claimed"]
    with Ledger(path) as ledger:
        place = place_in(ledger)
        assert ledger.forget_dead_runs() == 0
        assert ledger.is_shared()
        kill(children[0])
        held = ledger.forget_dead_runs()
        kill(children[1])
        assert held + ledger.forget_dead_runs() == ledger.num_lost == 8  # 1 to 8, whoever held which
        assert ledger.claim(*place, range(9)) == Claim(ours=(1, 2, 3, 4, 5, 6, 7, 8), theirs=())
        assert not ledger.is_shared()


def test_lock_files_that_no_run_owns_are_swept(start: Start, path: Path) -> None:
    child = start(CLAIM_AND_WAIT, 2)
    assert read_line(child) == "claimed"
    Path(f"{path}.run-abc.lock").touch()  # of a run killed before it was registered
    Ledger(path).close()
    assert {name.partition(".run-")[0] for name in names(path)} >= {"ledger.sqlite", "ledger.sqlite-wal"}
    assert len([name for name in names(path) if name.endswith(".lock")]) == 1
    kill(child)
    Ledger(path).close()
    assert names(path) == {"ledger.sqlite"}


# Alive -----------------------------------------------------------------------------------------------------------


def test_each_stream_is_claimed_by_exactly_one(start: Start, path: Path) -> None:
    children = [start(CLAIM_ALL) for _ in range(4)]
    assert [read_line(child) for child in children] == ["ready"] * 4
    for child in children:
        write_line(child)
    claimed = Counter[str]()
    for child in children:
        claimed.update(iter(lambda child=child: read_line(child), "done"))
    assert claimed == Counter(f"{number} {stream}" for number in range(200) for stream in range(4))
    for child in children:
        write_line(child)
        assert child.wait() == 0
    with Ledger(path) as ledger:
        assert ledger.num_lost == 0
        for number in (0, 1):
            kept = {stream: Stored(f"1 {stream}") for stream in range(4)} if number else {}
            assert ledger.find(*place_in(ledger, f"Q{number}")) == kept
        assert ledger.select("SELECT count(*) FROM judgments") == [(400,)]
        assert ledger.select("PRAGMA integrity_check") == [("ok",)]


def test_a_new_ledger_may_be_opened_by_many_at_once(start: Start, path: Path) -> None:
    for attempt in range(3):
        path.unlink(missing_ok=True)
        children = [start(OPEN_ONCE, stream) for stream in range(8)]
        assert [read_line(child) for child in children] == ["ready"] * 8, attempt
        for child in children:
            write_line(child)
        assert [child.wait() for child in children] == [0] * 8
        with Ledger(path) as ledger:
            assert set(ledger.find(*place_in(ledger))) == set(range(8))
        assert names(path) == {"ledger.sqlite"}


def test_a_second_ledger_in_this_process_leaves_the_firsts_locks_alone(run: Run, path: Path) -> None:
    # Opening and closing a file drops all locks this process holds on it; without them another process that closes
    # the ledger takes itself for the last and removes the write-ahead log that the first still writes to.
    with Ledger(path) as first:
        place = place_in(first)
        Ledger(path).close()
        run("Ledger(path).close()")
        first.commit(*place, (0,), (Stored("kept"),))
        assert run("with Ledger(path) as ledger: say(ledger.find(*place(ledger))[0].text)") == ["kept"]


def test_many_threads_may_use_one_ledger(path: Path) -> None:
    def claim(number: int) -> int:
        place = place_in(ledger, f"Q{number % 20}")
        ours = ledger.claim(*place, range(4)).ours
        ledger.commit(*place, ours, [Stored(f"{number}")] * len(ours))
        return len(ours) + 0 * len(ledger.find(*place))

    with Ledger(path) as ledger, ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(claim, range(200))) == 80
        assert ledger.select("SELECT count(*) FROM judgments") == [(80,)]


def test_a_ledger_may_be_closed_in_another_thread(path: Path) -> None:
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as two:
        ledger = one.submit(Ledger, path).result()
        two.submit(ledger.close).result()
        assert names(path) == {"ledger.sqlite"}
        locks = [fd for fd in os.listdir("/proc/self/fd") if "run-" in _target(fd)] if os.path.isdir("/proc") else []
        assert locks == []


def _target(fd: str) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{fd}")
    except OSError:  # the one that was open to list them
        return ""


def test_a_forked_process_opens_its_own(run: Run) -> None:
    said = run(
        """
ledger = Ledger(path)
here = place(ledger)
if os.fork() == 0:
    tell(lambda: ledger.claim(*here, [0]))
    tell(lambda: ledger.find(*here))
    ledger.close()
    os._exit(0)
os.wait()
say(ledger.claim(*here, [0]).ours)
ledger.close()
"""
    )
    refusal = "PATH: it was opened before this process was forked; open it again in here"
    assert said == [refusal, refusal, "(0,)"]
