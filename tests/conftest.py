"""What every test gets: no network, a ledger of its own, real data where asked for, and skips that are counted.

Three environment variables decide what can run:

    GRMKIT_DATA       the folder with the real data sets; unset or `none` goes without
    GRMKIT_VLLM_URL   a live vLLM server, for tests marked `vllm`
    GRMKIT_GPU        any value, for tests marked `gpu`

With `CI` set, a run of the whole suite fails unless the skipped tests are exactly those `skips.txt` expects.
"""

import itertools
import os
import re
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import pytest

hypothesis.settings.register_profile("untimed", deadline=None)  # a busy machine is slow; no property is about time
hypothesis.settings.load_profile("untimed")
SKIP_LIST = Path(__file__).with_name("skips.txt")
MARKER_NEEDS = {"vllm": "GRMKIT_VLLM_URL", "gpu": "GRMKIT_GPU"}
if "PYTEST_XDIST_WORKER" in os.environ:  # one of several processes, each of which would take all cores
    os.environ.setdefault("OMP_NUM_THREADS", "1")

LOOPBACK = re.compile(r"localhost|127(\.\d+){3}|::1|0\.0\.0\.0|::")


# Network -------------------------------------------------------------------------------------------------------


class NetworkBlocked(RuntimeError):
    """A test tried to leave this machine. Not an OSError, so that no client mistakes it for a server that is down."""


def _name_of(host: Any) -> str:
    return host.decode("ascii", errors="replace").lower() if isinstance(host, bytes) else str(host or "").lower()


def _refuse_outside(host: Any) -> None:
    name = _name_of(host)
    if name and not LOOPBACK.fullmatch(name):
        raise NetworkBlocked(f"a test reached for {name!r}; tests talk to this machine only")


def _guard_network(patch: pytest.MonkeyPatch) -> None:
    connect, connect_ex, getaddrinfo = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def checked(original: Any) -> Any:
        def reach(self: socket.socket, address: Any) -> Any:
            if self.family in (socket.AF_INET, socket.AF_INET6):
                _refuse_outside(address[0])
            return original(self, address)

        return reach

    def resolve(host: Any, *args: Any, **kwargs: Any) -> Any:
        if _name_of(host).endswith(".invalid"):  # promised never to exist (RFC 2606)
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        _refuse_outside(host)
        return getaddrinfo(host, *args, **kwargs)

    patch.setattr(socket.socket, "connect", checked(connect))
    patch.setattr(socket.socket, "connect_ex", checked(connect_ex))
    patch.setattr(socket, "getaddrinfo", resolve)


@pytest.fixture(scope="session", autouse=True)
def no_network() -> Iterator[None]:
    """Every connection but those to this machine raises."""
    with pytest.MonkeyPatch.context() as patch:
        _guard_network(patch)
        yield


# Data, ledger, servers ----------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def grmkit_data() -> Path:
    """The folder with the real data sets; skips without one, but in CI fails when nobody said so."""
    value = os.environ.get("GRMKIT_DATA")
    if not value and os.environ.get("CI"):
        pytest.fail("GRMKIT_DATA is not set; set it to the data folder, or to `none` to go without", pytrace=False)
    if not value or value == "none":
        pytest.skip("GRMKIT_DATA names no folder with the real data")
    if not Path(value).is_dir():
        pytest.fail(f"GRMKIT_DATA is {value!r}, which is no folder", pytrace=False)
    return Path(value)


@pytest.fixture(scope="session")
def ledger_homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("ledgers")
    return (folder / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def no_ledger_of_yours(ledger_homes: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test that uses the default ledger gets a new one; nobody's judgments are read or written."""
    monkeypatch.setenv("XDG_DATA_HOME", str(next(ledger_homes)))


@pytest.fixture(autouse=True)
def closed_ledgers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Ledgers a test leaves open are closed after it: Python 3.13 warns of forgotten connections."""
    from grmkit.ledger import Ledger

    opened: list[Ledger] = []
    opening = Ledger.__init__

    def remember(self: Ledger, *args: Any, **kwargs: Any) -> None:
        opening(self, *args, **kwargs)
        opened.append(self)

    monkeypatch.setattr(Ledger, "__init__", remember)
    yield
    for ledger in opened:
        ledger.close()


@pytest.fixture(scope="session")
def vllm_url() -> str:
    """The server that tests marked `vllm` talk to."""
    return os.environ["GRMKIT_VLLM_URL"]


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker, variable in MARKER_NEEDS.items():
        if item.get_closest_marker(marker) and not os.environ.get(variable):
            pytest.skip(f"{variable} is not set")


# Skips ---------------------------------------------------------------------------------------------------------

CONDITIONS = {
    "always": True,
    "no-data": os.environ.get("GRMKIT_DATA", "none") == "none",
    "no-vllm": not os.environ.get("GRMKIT_VLLM_URL"),
    "no-gpu": not os.environ.get("GRMKIT_GPU"),
    "no-chromium": not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
}
SKIPPED: list[str] = []


@dataclass(frozen=True, slots=True)
class Expected:
    """One line of the skip list: under this condition, so many skipped tests match this pattern (`*` is anything)."""

    condition: str
    count: int
    pattern: str

    def matches(self, test_id: str) -> bool:
        return re.fullmatch(re.escape(self.pattern).replace(r"\*", ".*"), test_id) is not None


def _expected_skips() -> list[Expected]:
    expected: list[Expected] = []
    for number, line in enumerate(SKIP_LIST.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        condition, count, pattern = line.split(maxsplit=2)
        if condition not in CONDITIONS:
            raise pytest.UsageError(f"skips.txt:{number}: condition is {condition!r}; expected {', '.join(CONDITIONS)}")
        expected.append(Expected(condition, int(count), pattern))
    return [line for line in expected if CONDITIONS[line.condition]]


def _skip_faults() -> list[str]:
    expected = _expected_skips()
    unlisted = [test_id for test_id in SKIPPED if not any(line.matches(test_id) for line in expected)]
    faults = [f"skipped, but not on the list: {test_id}" for test_id in unlisted]
    for line in expected:
        found = sum(line.matches(test_id) for test_id in SKIPPED)
        if found != line.count:
            faults.append(f"{line.pattern}: {found} skipped, the list expects {line.count}")
    return faults


def _is_counted(config: pytest.Config) -> bool:
    """Whether all tests run, and this process hears of all of them: with `-n`, that is the one that deals them out."""
    is_whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS and not hasattr(config, "workerinput")
    return bool(os.environ.get("CI")) and is_whole and not config.option.keyword and not config.option.markexpr


def _note_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.skipped and not hasattr(report, "wasxfail"):
        SKIPPED.append(report.nodeid)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _note_skip(report)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    _note_skip(report)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if _is_counted(session.config) and session.exitstatus == pytest.ExitCode.OK and _skip_faults():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if not _is_counted(config):
        return
    faults = _skip_faults()
    terminalreporter.section("skips")
    for fault in faults:
        terminalreporter.write_line(f"tests/skips.txt: {fault}", red=True)
    if not faults:
        terminalreporter.write_line(f"{len(SKIPPED)} skipped, as tests/skips.txt expects")
