"""The pace by hand-worked numbers, the lanes with real tasks."""

import asyncio
import math
import random

import pytest

from grmkit.backends.limiter import Lane, Lanes, Pace, Retries, Unavailable

LANE_A, LANE_B = "http://a/v1", "http://b/v1"


def succeed(pace: Pace, *latencies_s: float) -> list[int]:
    """The limit after each answer."""
    limits = []
    for latency_s in latencies_s:
        pace.succeed(latency_s)
        limits.append(pace.limit)
    return limits


# Refusals


def test_a_refusal_halves_the_limit():
    pace = Pace(64)
    assert pace.refuse(sent_s=0.0, now_s=1.0)
    assert pace.limit == 32


def test_a_burst_counts_once():
    pace = Pace(64)
    for sent_s in (0.0, 0.2, 0.4):  # all sent before the first of them came back
        pace.refuse(sent_s, now_s=10.0 + sent_s)
    assert pace.limit == 32


def test_a_request_sent_before_the_cut_says_nothing_however_late_it_fails():
    pace = Pace(64)
    pace.refuse(sent_s=0.0, now_s=10.0)
    assert not pace.refuse(sent_s=9.9, now_s=600.0)
    assert pace.limit == 32


def test_cuts_are_a_median_latency_apart():
    pace = Pace(64)
    succeed(pace, 0.1, 0.3, 0.2)  # median 0.2
    pace.refuse(sent_s=9.0, now_s=10.0)
    assert not pace.refuse(sent_s=10.1, now_s=10.15)
    assert pace.refuse(sent_s=10.1, now_s=10.25)
    assert pace.limit == 16


def test_cuts_are_at_most_a_second_apart():
    pace = Pace(64)
    succeed(pace, 90.0, 100.0, 110.0)
    pace.refuse(sent_s=9.0, now_s=10.0)
    assert pace.refuse(sent_s=10.5, now_s=11.0)
    assert pace.limit == 16


def test_the_limit_never_falls_below_one():
    pace = Pace(3)
    limits = []
    for now_s in (10.0, 20.0, 30.0):
        pace.refuse(sent_s=now_s - 1, now_s=now_s)
        limits.append(pace.limit)
    assert limits == [1, 1, 1]


# Growth


def test_it_grows_by_one_per_limit_successes_back_to_its_maximum():
    pace = Pace(4)
    pace.refuse(sent_s=0.0, now_s=1.0)
    assert succeed(pace, *[0.5] * 10) == [2, 3, 3, 3, 4, 4, 4, 4, 4, 4]


def test_a_refusal_starts_the_count_again():
    pace = Pace(8)
    pace.refuse(sent_s=0.0, now_s=1.0)
    succeed(pace, 0.5, 0.5, 0.5)
    pace.refuse(sent_s=5.0, now_s=6.0)
    assert succeed(pace, 0.5, 0.5) == [2, 3]


# Slowness


def test_a_window_three_times_slower_than_the_best_takes_off_a_tenth():
    pace = Pace(20)
    assert succeed(pace, *[1.0] * 20)[-1] == 20
    assert succeed(pace, *[3.0] * 19, 3.0)[-1] == 20  # best has drifted to 1.02; 3.0 is not over 3.06
    assert succeed(pace, *[4.0] * 20) == [20] * 19 + [18]


def test_it_does_not_grow_while_it_is_slow():
    pace = Pace(20)
    succeed(pace, *[1.0] * 20)
    succeed(pace, *[9.0] * 20)
    assert succeed(pace, *[9.0] * 18) == [18] * 17 + [16]


def test_slowness_alone_never_cuts_below_four():
    pace = Pace(20)
    succeed(pace, *[0.001] * 20)
    limits = succeed(pace, *[9.0] * 400)
    assert list(dict.fromkeys(limits)) == [20, 18, 16, 14, 12, 10, 9, 8, 7, 6, 5, 4]


def test_the_best_is_forgotten_slowly():
    pace = Pace(20)
    succeed(pace, *[1.0] * 20)
    succeed(pace, *[4.0] * 2000)  # for good: the prompts are longer now
    assert pace.limit == 20


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("maximum", [8, 64])
def test_uneven_answer_lengths_do_not_look_like_overload(maximum: int, seed: int):
    """Log-normal latency, median 0.5 s, 99th percentile 2 s, as long answers make it."""
    noise = random.Random(seed)
    pace = Pace(maximum)
    sigma = math.log(2.0 / 0.5) / 2.3263
    limits = succeed(pace, *(noise.lognormvariate(math.log(0.5), sigma) for _ in range(10_000)))
    assert min(limits) == maximum


# Lanes


def test_concurrency_is_shared_and_every_server_gets_a_place():
    assert [lane.pace.maximum for lane in Lanes([LANE_A, LANE_B], 64).lanes] == [32, 32]
    assert Lanes([LANE_A, LANE_B], 1).num_places == 2


async def hold(lanes: Lanes, release: asyncio.Event, avoid: Lane | None = None) -> str:
    async with lanes.place(avoid) as lane:
        await release.wait()
        return lane.url


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.mark.asyncio
async def test_the_server_with_most_free_places_is_asked():
    lanes, release = Lanes([LANE_A, LANE_B], 8), asyncio.Event()
    tasks = [asyncio.create_task(hold(lanes, release)) for _ in range(6)]
    await settle()
    assert [lane.in_flight for lane in lanes.lanes] == [3, 3]
    release.set()
    await asyncio.gather(*tasks)
    assert [lane.in_flight for lane in lanes.lanes] == [0, 0]


@pytest.mark.asyncio
async def test_who_finds_no_place_waits_in_line():
    lanes, release = Lanes([LANE_A], 2), asyncio.Event()
    tasks = [asyncio.create_task(hold(lanes, release)) for _ in range(5)]
    await settle()
    assert lanes.lanes[0].in_flight == 2
    release.set()
    assert await asyncio.gather(*tasks) == [LANE_A] * 5


@pytest.mark.asyncio
async def test_a_retry_goes_to_another_server_and_others_pass_it_in_line():
    lanes, release = Lanes([LANE_A, LANE_B], 2), asyncio.Event()
    busy = asyncio.create_task(hold(lanes, asyncio.Event(), avoid=lanes.lanes[0]))
    await settle()
    retry = asyncio.create_task(hold(lanes, release, avoid=lanes.lanes[0]))
    other = asyncio.create_task(hold(lanes, release))
    release.set()
    assert await other == LANE_A
    assert not retry.done()
    busy.cancel()
    assert await retry == LANE_B


@pytest.mark.asyncio
async def test_the_only_server_cannot_be_avoided():
    lanes = Lanes([LANE_A], 1)
    async with lanes.place(avoid=lanes.lanes[0]) as lane:
        assert lane.url == LANE_A


@pytest.mark.asyncio
async def test_a_cancelled_request_gives_its_place_back():
    lanes, release = Lanes([LANE_A], 1), asyncio.Event()
    first, second, third = (asyncio.create_task(hold(lanes, release)) for _ in range(3))
    await settle()
    second.cancel()  # waiting in line
    first.cancel()  # holding the place
    await asyncio.gather(first, second, return_exceptions=True)
    release.set()
    assert await third == LANE_A
    assert lanes.lanes[0].in_flight == 0


@pytest.mark.asyncio
async def test_a_place_given_in_the_moment_of_cancelling_is_given_on():
    lanes, release = Lanes([LANE_A], 1), asyncio.Event()
    first, second, third = (asyncio.create_task(hold(lanes, release)) for _ in range(3))
    await settle()
    lanes._leave(lanes.lanes[0])  # hands the place to the second, which has not woken yet
    lanes.lanes[0].in_flight += 1
    second.cancel()
    release.set()
    assert await asyncio.gather(first, third) == [LANE_A, LANE_A]
    assert second.cancelled()


# Retries


async def tries_made(failures: list[Unavailable], tries: int) -> int:
    """How many tries there are when they fail like this, one after the other."""
    left = iter(failures)

    async def fail() -> None:
        raise next(left)

    with pytest.raises(Unavailable) as caught:
        await Retries(0.001).persist(fail, tries=tries, wait_max_s=0.001)
    assert caught.value.num_tries == len(failures) - len(list(left))
    return caught.value.num_tries


def busy() -> Unavailable:
    return Unavailable("U", "busy", is_busy=True)


def late() -> Unavailable:
    return Unavailable("U", "late", is_busy=True, is_timeout=True)


@pytest.mark.asyncio
async def test_the_third_timeout_is_the_last_try():
    assert await tries_made([late() for _ in range(9)], tries=6) == 3
    assert await tries_made([late() for _ in range(9)], tries=2) == 2
    assert await tries_made([busy(), late(), busy(), late(), late(), busy()], tries=6) == 5
    assert await tries_made([busy() for _ in range(9)], tries=6) == 6


@pytest.mark.asyncio
async def test_other_errors_are_not_tried_again():
    async def fail() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await Retries(0.001).persist(fail, tries=6, wait_max_s=0.001)


def test_what_is_told_of_a_failure():
    failure = Unavailable("U", "HTTP 503", "busy", is_busy=True)
    assert failure.text == failure.text_of_try == "U: HTTP 503: busy"
    failure.num_tries = 2
    assert (failure.text, failure.text_of_try) == ("U: HTTP 503 after 2 tries: busy", "U: HTTP 503: busy")
