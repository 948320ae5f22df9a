"""How many requests each server is given at once: all of them first, fewer when it refuses or slows down.

`Pace` decides, from numbers alone. `Lanes` makes requests wait until a server has a free place. `Retries` makes
those that failed wait and try again.
"""

import asyncio
import logging
import math
import random
import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from statistics import median
from typing import TypeVar

import stamina

T = TypeVar("T")

logger = logging.getLogger(__name__)

MIN_WINDOW = 16  # a median over fewer requests than this is noise
SLOW_RATIO = 3.0  # answers take this much longer than at their best: the server has too much to do
SLOW_CUT = 0.9
SMALL_LIMIT = 4  # slowness never cuts below this; refusals may
BEST_DRIFT = 1.02  # per window: the best is forgotten slowly, so that longer prompts do not look like overload
LONGEST_PAUSE_S = 1.0
MAX_TIMEOUTS = 3  # of one request: a server that hangs is to be told of after three times the timeout
WARN_EVERY_S = 10.0


class Pace:
    """The number of requests to keep under way at one server.

    It starts at `maximum`. A refusal or timeout halves it; `limit` successes in a row of windows that are
    not slow raise it by one, back to `maximum`. A window is slow when the median of its latencies exceeds
    three times the best window's; that takes a tenth off, as long as the limit is above four.
    """

    def __init__(self, maximum: int) -> None:
        self.maximum = maximum
        self.limit = maximum
        self._successes = 0
        self._is_slow = False
        self._window: list[float] = []
        self._median_s: float | None = None
        self._best_s = math.inf
        self._cut_s = -math.inf

    def succeed(self, latency_s: float) -> None:
        """Note an answer that took `latency_s` on the wire."""
        self._successes += 1
        if self._successes >= self.limit:
            self._successes = 0
            self.limit = self.limit if self._is_slow else min(self.maximum, self.limit + 1)
        self._window.append(latency_s)
        if len(self._window) >= max(self.limit, MIN_WINDOW):
            self._close_window()

    def refuse(self, sent_s: float, now_s: float) -> bool:
        """Note that the server was too busy for a request sent at `sent_s`; tells whether that cut the limit.

        A burst counts once: a request sent before the last cut says nothing about the new limit, and cuts
        are a median latency apart (or a second, if answers take longer: a retry must find the limit cut).
        """
        if sent_s < self._cut_s or now_s - self._cut_s < min(self._typical_s(), LONGEST_PAUSE_S):
            return False
        self.limit = max(1, self.limit // 2)
        self._successes = 0
        self._cut_s = now_s
        return True

    def _typical_s(self) -> float:
        if self._median_s is not None:
            return self._median_s
        return median(self._window) if self._window else LONGEST_PAUSE_S

    def _close_window(self) -> None:
        self._median_s = median(self._window)
        self._window.clear()
        self._best_s = min(self._median_s, self._best_s * BEST_DRIFT)
        self._is_slow = self.limit > SMALL_LIMIT and self._median_s > SLOW_RATIO * self._best_s
        if self._is_slow:
            self.limit = max(SMALL_LIMIT, int(self.limit * SLOW_CUT))


class Lane:
    """One server: where it is, how fast it may be asked, and how many requests it is working on."""

    def __init__(self, url: str, maximum: int) -> None:
        self.url = url
        self.pace = Pace(maximum)
        self.in_flight = 0

    @property
    def free(self) -> int:
        return self.pace.limit - self.in_flight

    def refuse(self, sent_s: float, now_s: float) -> None:
        if self.pace.refuse(sent_s, now_s):
            logger.info("%s is too busy; sending it at most %d requests at once", self.url, self.pace.limit)


class Lanes:
    """Servers that hold the same model; a request waits here for a place at the one with most free places."""

    def __init__(self, urls: Sequence[str], concurrency: int) -> None:
        share = max(1, concurrency // len(urls))
        self.lanes = tuple(Lane(url, share) for url in urls)
        self._waiting: deque[tuple[asyncio.Future[Lane], Lane | None]] = deque()

    @property
    def num_places(self) -> int:
        return sum(lane.pace.maximum for lane in self.lanes)

    @asynccontextmanager
    async def place(self, avoid: Lane | None = None) -> AsyncGenerator[Lane]:
        """Hold a place while a request is on the wire.

        Args:
            avoid: The server that failed this request last; another one is taken if there is one. Without
                this a server that is down, which is always free, would draw every retry.
        """
        lane = await self._enter(avoid if len(self.lanes) > 1 else None)
        try:
            yield lane
        finally:
            self._leave(lane)

    async def _enter(self, avoid: Lane | None) -> Lane:
        turn: asyncio.Future[Lane] = asyncio.get_running_loop().create_future()
        self._waiting.append((turn, avoid))
        self._admit()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave(turn.result())
            raise

    def _leave(self, lane: Lane) -> None:
        lane.in_flight -= 1
        self._admit()

    def _admit(self) -> None:
        """Give free places to whoever waits longest and may take them."""
        still_waiting: list[tuple[asyncio.Future[Lane], Lane | None]] = []
        while self._waiting and any(lane.free > 0 for lane in self.lanes):
            turn, avoid = self._waiting.popleft()
            if turn.done():  # its task was cancelled
                continue
            lane = max((lane for lane in self.lanes if lane is not avoid), key=lambda lane: lane.free)
            if lane.free <= 0:
                still_waiting.append((turn, avoid))
                continue
            lane.in_flight += 1
            turn.set_result(lane)
        self._waiting.extendleft(reversed(still_waiting))


class Unavailable(Exception):
    """A try failed in a way that may pass.

    Args:
        where: The URL asked.
        what: What happened, in a few words.
        said: What the server or the system said of it.
        wait_s: How long the server wants to be left alone: seconds, True if it does not say, False if longer
            than is worth waiting.
        is_busy: Whether it happened because too much is asked of the server at once.
        is_timeout: Whether it took all the time there was.

    `num_tries` is how many tries there were so far, `max_tries` how many there may be.
    """

    def __init__(
        self,
        where: str,
        what: str,
        said: str = "",
        *,
        wait_s: float | bool = True,
        is_busy: bool,
        is_timeout: bool = False,
    ) -> None:
        super().__init__(f"{where}: {what}")
        self._parts = (where, what, said)
        self.wait_s = wait_s
        self.is_busy = is_busy
        self.is_timeout = is_timeout
        self.num_tries = self.max_tries = 1

    @property
    def text(self) -> str:
        return self._told(f" after {self.num_tries} tries" if self.num_tries > 1 else "")

    @property
    def text_of_try(self) -> str:
        """What happened this time, without the tries before."""
        return self._told("")

    def _told(self, tries: str) -> str:
        where, what, said = self._parts
        return f"{where}: {what}{tries}" + (f": {said}" if said else "")


class Retries:
    """Tries again while that may help, and says so every ten seconds at most.

    Args:
        wait_initial_s: The wait after the first failure, about; it doubles from try to try.
    """

    def __init__(self, wait_initial_s: float) -> None:
        self._wait_initial_s = wait_initial_s
        self._spread = random.Random()
        self._warned_s = -math.inf

    async def persist(self, ask: Callable[[], Awaitable[T]], *, tries: int, wait_max_s: float) -> T:
        """Ask until there is an answer, a refusal, or no try left; a third timeout leaves none."""
        num_timeouts = 0
        async for attempt in stamina.retry_context(
            on=lambda error: self._wait_s(error, wait_max_s), attempts=tries, timeout=None, wait_jitter=0
        ):
            with attempt:
                try:
                    return await ask()
                except Unavailable as failure:
                    num_timeouts += failure.is_timeout
                    failure.num_tries = attempt.num
                    patience = attempt.num + MAX_TIMEOUTS - num_timeouts
                    failure.max_tries = min(tries, patience) if failure.is_timeout else tries
                    raise
        raise AssertionError("stamina ends by returning or raising")

    def _wait_s(self, error: Exception, wait_max_s: float) -> bool | float:
        """For stamina: whether to try again, and when: as the server said, or twice as long each time.

        The spread that keeps clients from coming back in one moment is drawn here, from a generator of our own:
        stamina would draw it from the global one, on which somebody's training run may depend.
        """
        if not isinstance(error, Unavailable) or error.wait_s is False or error.num_tries >= error.max_tries:
            return False
        first = self._wait_initial_s
        wait_s = min(first * 2 ** (error.num_tries - 1), wait_max_s) if error.wait_s is True else error.wait_s
        wait_s += self._spread.uniform(0, first)
        self._warn(error, wait_s)
        return wait_s

    def _warn(self, failure: Unavailable, wait_s: float) -> None:
        now_s = time.monotonic()
        if now_s - self._warned_s < WARN_EVERY_S:
            return
        self._warned_s = now_s
        logger.warning(
            "%s; that was try %d of %d, the next is in %.1f s",
            failure.text_of_try,
            failure.num_tries,
            failure.max_tries,
            wait_s,
        )
