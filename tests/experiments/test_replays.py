"""What the claims replay from packed scores is what grmkit decides: votes, guided votes, stopping, orders."""

import numpy as np
import pytest
from claims.cells import Cell, Measured, items_of, pack, read_cell, unpack, write_cell
from claims.judges import part_of
from claims.orders import balanced_and_shuffled
from claims.told import Part, corrected, gap, in_parts, is_in_each
from claims.told import Test as Difference
from claims.views import pair_of, show
from claims.votes import is_right, look, right_at, totals_of

from grmkit import Example, FakeBackend, GenerativeJudge, Ledger, load_template
from grmkit.scoring.tally import tally
from grmkit.types import Judgment

SAMPLES = 8


def measured(scores, meta=None):
    tokens = np.zeros(len(scores), int)
    return Measured(scores, meta, tokens, tokens)


def random_scores(examples, *, seed=0, samples=SAMPLES):
    generator = np.random.default_rng(seed)
    scores = np.full((len(examples), samples, 8), np.nan)
    for place, example in enumerate(examples):
        num = len(example.responses)
        scores[place, :, :num] = generator.integers(1, 11, (samples, num))
    scores[generator.random(scores.shape[:2]) < 0.1] = np.nan
    return scores


@pytest.fixture
def examples():
    return [item.example for item in items_of("test", 40)]


def judgments(rows, meta):
    return [
        Judgment((), None, None if np.isnan(row[0]) else tuple(row[~np.isnan(row)]), (0,), "", place, None,
                 "no_scores" if np.isnan(row[0]) else None, None if np.isnan(row[0]) else float(trust))
        for place, (row, trust) in enumerate(zip(rows, meta, strict=True))
    ]  # fmt: skip


@pytest.mark.parametrize("how", [None, 1, 0.25, 0.5, 3, "soft"])
def test_a_replayed_vote_is_the_verdict(examples, how):
    scores = random_scores(examples)
    meta = np.random.default_rng(1).normal(0, 3, scores.shape[:2]).round(2)
    totals = totals_of(scores, meta, how)
    for place in range(len(examples)):
        verdict = tally("x", judgments(scores[place], meta[place]), score_range=(1, 10), meta_samples=how)
        num = len(examples[place].responses)
        assert totals[place, :num] == pytest.approx(verdict.mean_scores)
        assert np.isnan(totals[place, num:]).all()


def test_right_is_strictly_highest_and_of_one_response_the_right_side():
    two, one = Example("q", ("a", "b"), label=(7.0, 3.0)), Example("q", ("a",), label=(7.0,))
    totals = np.array([[5, 4], [5, 5], [4, 5], [6, np.nan], [5.5, np.nan], [5, np.nan], [np.nan, np.nan]])
    assert is_right(totals, [two, two, two, one, one, one, two]).tolist() == [1, 0, 0, 1, 0, 0, 0]


def test_fewer_votes_are_averaged_over_windows():
    pair = Example("q", ("a", "b"), label=(7.0, 3.0))
    scores = np.full((1, 4, 8), np.nan)
    scores[0, :, :2] = [(9, 1), (1, 9), (9, 1), (9, 2)]
    assert right_at(measured(scores), [pair], 1).tolist() == [0.75]
    assert right_at(measured(scores), [pair], 2).tolist() == [0.5], "the first two tie"
    assert right_at(measured(scores), [pair], 3).tolist() == [1.0], "one window of three"


@pytest.mark.parametrize("block_size", [1, 4])
@pytest.mark.parametrize("num", [2, 3])
@pytest.mark.parametrize("stop", [0.6, 0.95])
def test_a_replayed_stop_is_that_of_the_judge(stop, num, block_size):
    """Against `score_all(stop=...)` over a backend that writes random scores."""
    samples, label = 8 * num if block_size == 1 else 16 * num, (9.0, 1.0, 1.0)[:num]
    examples = [
        Example(f"What is 2 + {i}?", tuple(str(2 + i + more) for more in range(num)), label=label, id=str(i))
        for i in range(80)
    ]

    def answer(request, stream):
        generator = np.random.default_rng([int(request.example_id), *request.order, stream])
        scores = generator.integers(3, 11, num)
        return f"Scores: \\boxed{{{', '.join(str(scores[index]) for index in request.order)}}}"

    backend = FakeBackend(answer, block_size=block_size)
    judge = GenerativeJudge(backend, load_template("deepseek-grm"), Ledger(None))
    full = judge.score_all(examples, samples=samples)
    scores = np.full((80, samples, 8), np.nan)
    scores[:, :, :num] = [[one.scores for one in verdict.judgments] for verdict in full]
    right, nums = look(measured(scores), examples, block_size=block_size).stopped(stop)
    stopped = judge.score_all(examples, samples=samples, stop=stop)
    judge.close()
    assert nums.tolist() == [verdict.samples for verdict in stopped]
    assert right.tolist() == [float(verdict.best == 0) for verdict in stopped]
    assert len(set(nums.tolist())) > 1


def test_balanced_orders_help_a_judge_that_favours_the_first():
    """It gives the first response shown two points more; the better one is one point better."""
    pairs = [Example(f"q{i}", ("a", "b"), label=(7.0, 3.0)) for i in range(50)]
    scores = np.full((50, 8, 8), np.nan)
    scores[:, 0::2, :2], scores[:, 1::2, :2] = (8, 5), (6, 7)
    balanced, shuffled = balanced_and_shuffled(measured(scores), pairs, 2)
    assert balanced.tolist() == [1.0] * 50
    assert shuffled.mean() == pytest.approx(0.75, abs=0.05), "wrong if both show the worse one first"
    other = balanced_and_shuffled(measured(scores[:1]), [Example("q", ("a",), label=(7.0,))], 2)
    assert np.isnan(other).all()


def test_a_cell_is_kept_as_it_was(tmp_path, examples):
    cell = Cell("shipped", samples=SAMPLES, has_meta=True)
    scores = random_scores(examples)
    meta = np.where(np.isnan(scores[:, :, 0]), np.nan, np.random.default_rng(2).normal(0, 3, scores.shape[:2]).round(2))
    tokens = np.arange(len(examples))
    write_cell(tmp_path, cell, Measured(scores, meta, tokens, 2 * tokens, 1.5, {"judge": "shipped"}))
    found = read_cell(tmp_path, cell)
    np.testing.assert_array_equal(found.scores, scores)
    np.testing.assert_allclose(found.meta, meta)
    assert (found.completion_tokens.tolist(), found.settings) == ((2 * tokens).tolist(), {"judge": "shipped"})
    assert read_cell(tmp_path, Cell("base")) is None


def test_what_does_not_fit_is_not_packed():
    assert unpack(pack(np.array([0, 255]), np.uint8), np.uint8).tolist() == [0, 255]
    with pytest.raises(ValueError, match="does not fit uint8"):
        pack(np.array([256]), np.uint8)
    with pytest.raises(ValueError, match="does not fit uint8"):
        pack(np.array([72.5]), np.uint8)


def test_a_list_is_shown_as_a_pair_with_its_best():
    item = next(item for item in items_of("test", 40) if len(item.example.responses) > 3)
    shown, (first, second) = show(item, "pair"), pair_of(item.example)
    assert shown.responses == (item.example.responses[first], item.example.responses[second])
    assert item.example.responses[item.example.best] == shown.responses[shown.best]
    assert show(item, "plain").reference is None
    assert show(item, "reference").reference == item.example.reference
    assert [one.name for one in show(item, "gold").principles] == [one.name for one in item.criteria]


def test_a_margin_is_no_claim_to_be_better():
    better = gap("better", np.ones(200), np.zeros(200))
    same = gap("same", np.ones(200), np.ones(200), margin=0.005)
    worse = gap("worse", np.zeros(200), np.ones(200), margin=0.005)
    assert [test.is_shown for test in corrected([better, same, worse])] == [True, True, False]
    assert corrected([same])[0].p_holm is None


def test_a_part_of_a_recipe_is_a_recipe():
    text = 'recipe = "spct"\n[rft]\na = 1\n[rft.data]\nb = 2\n[grpo]\nc = 3\n[grpo.optim]\nd = 4\n'
    assert part_of(text, "grpo") == 'recipe = "grpo"\nc = 3\n[optim]\nd = 4\n'


def found(name, value, low, high, p_holm=None, bound=None, margin=None):
    return Difference(name, value, low, high, 0.0, 100, p_holm, bound, margin)


def test_a_part_that_wants_more_items_is_not_decided():
    """Better for sure, or perhaps, or worse; not worse by half a point, or perhaps not, or worse."""
    better, perhaps = found("a", 0.02, 0.01, 0.03, 0.01), found("b", 0.02, -0.01, 0.05, 0.2)
    worse = found("c", -0.02, -0.03, -0.01, 0.01)
    close = found("d", -0.001, -0.005, 0.003, bound=-0.004, margin=0.005)
    open_ = found("e", -0.001, -0.012, 0.010, bound=-0.010, margin=0.005)
    lower = found("g", -0.010, -0.018, -0.002, bound=-0.017, margin=0.005)  # worse, but perhaps by less than the margin
    lost = found("f", -0.03, -0.05, -0.01, bound=-0.045, margin=0.005)
    kinds = {"held": [better, close], "not decided": [better, perhaps, open_, lower], "not held": [better, lost]}
    for kind, tests in kinds.items():
        whole, _, table = in_parts([Part("x", tests)], tests)
        assert (whole, table.rows[0][1]) == (kind, kind)
    assert in_parts([Part("x", [worse])], [worse])[0] == "not held"
    assert in_parts([Part("x", [better], is_within=False)], [better])[0] == "not held", "what else is asked is missing"
    assert in_parts([Part("x", [better]), Part("y")], [better])[0] == "held in part", "the other was not run"
    assert in_parts([Part("x", [better]), Part("y", [open_])], [better, open_])[0] == "not decided"
    assert in_parts([Part("x", [worse]), Part("y", [open_])], [worse, open_])[0] == "not held"
    assert in_parts([Part("x")], [])[0] == "not run"


def test_a_sign_is_asked_of_each_seed_that_was_measured():
    low, high = np.array([0.0, 1.0, 0.0]), np.array([1.0, 1.0, 0.0])
    assert is_in_each([(high, low), (high, low)])
    assert not is_in_each([(high, low), (low, high)])
    assert not is_in_each([(high, low), (low, low)]), "no difference is no sign"
    assert is_in_each([(high, low), (None, high), (low, None)])
