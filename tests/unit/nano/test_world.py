import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import combinations

import pytest

import nano_reader
from grmkit.nano.manner import AXES, Manner
from grmkit.nano.task import Belief, Content, Remark
from grmkit.nano.voice import Shift, held_out_words, phrases, words_of
from grmkit.nano.world import DOMAINS, MIN_GAP, SHARES, Criterion, Item, gold, item_at, items, read

Pair = tuple[str, str, bool]


def texts_of(item: Item) -> list[str]:
    return [str(item.example.query), *item.example.responses, str(item.example.reference)]


def label_of(item: Item) -> tuple[float, ...]:
    assert isinstance(item.example.label, tuple)
    return item.example.label


# Gold scores ----------------------------------------------------------------------------------------------------


def test_a_gold_score_worked_by_hand() -> None:
    criteria = (
        Criterion("Accuracy", 50),
        Criterion("Brevity", 30, AXES["Brevity"]),
        Criterion("Prose", 20, AXES["Prose"]),
    )
    truth = Belief("2 + 2 = 4.", lambda number: Remark(f"says {number}", 10 if number == 4 else 2))
    manner = Manner(tone="warm", sureness="plain", marks="bold", num_steps=1, num_fillers=0)  # three sentences
    assert gold(criteria, truth, Content("It is 4.", 4), manner) == (7.1, (10, 5, 3))
    assert gold(criteria, truth, Content("It is 9.", 9), manner) == (3.1, (2, 5, 3))
    assert read(criteria[0], truth, Content("It is 9.", 9), manner) == Remark("says 9", 2)
    assert read(criteria[1], truth, Content("It is 9.", 9), manner) == Remark("3 sentences", 5)


@pytest.mark.parametrize("split", SHARES)
def test_a_second_reader_comes_to_the_same_scores(split: str) -> None:
    for item in items(split, 200):
        example = item.example
        for index, response in enumerate(example.responses):
            found = nano_reader.read(item.domain, str(example.query), response)
            assert [entry.name for entry in item.criteria[1:]] == list(found.wishes)
            assert tuple(entry.weight for entry in item.criteria) == found.weights
            assert example.meta["scores"][index] == list(found.scores), response
            assert label_of(item)[index] == found.total
            assert item.manners[index].num_sentences == found.looks.num_sentences


@pytest.mark.parametrize("split", SHARES)
def test_the_reference_is_near_perfect(split: str) -> None:
    for item in items(split, 200):
        found = nano_reader.read(item.domain, str(item.example.query), str(item.example.reference))
        assert found.scores[0] == 10
        assert min(found.scores) >= 8
        assert found.total >= 8.8  # at worst, 60 % on Brevity, which is 8 with two sentences


def test_every_item_is_whole(train: list[Item], validation: list[Item], shifted: dict[Shift, list[Item]]) -> None:
    for item in [*train, *validation, *(item for found in shifted.values() for item in found)]:
        example, scores = item.example, label_of(item)
        num = len(example.responses)
        assert len(item.contents) == len(item.manners) == len(scores) == len(example.meta["scores"]) == num
        assert len(set(example.responses)) == num
        assert all(len(row) == len(item.criteria) for row in example.meta["scores"])
        assert all(isinstance(score, int) and 1 <= score <= 10 for row in example.meta["scores"] for score in row)
        assert all(1 <= score <= 10 and round(score, 1) == score for score in scores)
        assert sum(entry.weight for entry in item.criteria) == 100
        assert example.meta["principles"] == [{"name": entry.name, "weight": entry.weight} for entry in item.criteria]
        assert example.meta["domain"] == item.domain
        best, *others = sorted(scores, reverse=True)
        assert all(best - other >= MIN_GAP - 1e-9 for other in others)
        assert example.best == scores.index(best)
        assert item.slip.text != item.truth.text or item.domain == "instructions"  # a rule is misread, not misnamed


def test_wishes_do_not_exclude_one_another(train: list[Item]) -> None:
    for item in train:
        wishes = [entry.axis for entry in item.criteria if entry.axis]
        assert len(wishes) <= 2
        assert not any(one.excludes == other.name for one in wishes for other in wishes)


# Variety --------------------------------------------------------------------------------------------------------


def test_one_to_eight_responses(train: list[Item]) -> None:
    assert {len(item.example.responses) for item in train} == set(range(1, 9))


def test_five_domains_and_eight_wishes(train: list[Item]) -> None:
    assert len(DOMAINS) >= 5
    assert {item.domain for item in train} == set(DOMAINS)
    assert {entry.name for item in train for entry in item.criteria if entry.axis} == set(AXES)
    assert {len(item.criteria) for item in train} == {1, 2, 3}


def test_three_hundred_wordings() -> None:
    assert len({text for (_, is_held_out), texts in phrases().items() if not is_held_out for text in texts}) >= 300


def test_fifteen_hundred_words(train: list[Item]) -> None:
    assert len({word.lower() for item in train[:2000] for word in words_of(*texts_of(item))}) >= 1500


# Splits ---------------------------------------------------------------------------------------------------------


def test_the_splits_are_a_partition() -> None:
    assert sorted(share for shares in SHARES.values() for share in shares) == list(range(100))


def test_no_query_is_in_two_splits() -> None:
    queries = {split: [item.example.query for item in items(split, 1000)] for split in SHARES}
    for one, other in combinations(SHARES, 2):
        assert set(queries[one]).isdisjoint(queries[other])
    for split in SHARES:
        assert split == "train" or len(set(queries[split])) == 1000


def test_there_is_no_other_split() -> None:
    with pytest.raises(ValueError, match="split is 'dev'; expected one of train, validation, test, generalisation"):
        next(items("dev", 1))


def test_held_out_words_are_kept_for_the_generalisation_split(train: list[Item], validation: list[Item]) -> None:
    held_out = {word.lower() for word in held_out_words()}
    for item in [*train, *validation]:
        assert held_out.isdisjoint(word.lower() for word in words_of(*texts_of(item)))
        assert item.example.meta["shift"] is None


def test_held_out_wordings_are_kept_for_the_generalisation_split(train: list[Item]) -> None:
    plain = {text for (_, is_held_out), texts in phrases().items() if is_held_out for text in texts if "{" not in text}
    found = {sentence for item in train for text in texts_of(item) for sentence in nano_reader.sentences(text)}
    assert len(plain) > 40
    assert plain.isdisjoint(sentence.removeprefix("- ") for sentence in found)


def test_the_shift_words_puts_a_held_out_word_into_every_query(shifted: dict[Shift, list[Item]]) -> None:
    assert {item.domain for item in shifted["words"]} == set(DOMAINS)
    for item in shifted["words"]:
        assert not held_out_words().isdisjoint(words_of(str(item.example.query))), item.example.query


def test_new_numbers_and_new_combinations_come_in_known_words(shifted: dict[Shift, list[Item]]) -> None:
    for shift in ("numbers", "combinations"):
        assert len(shifted[shift]) > 100
        for item in shifted[shift]:
            assert held_out_words().isdisjoint(words_of(*texts_of(item)))


def test_the_shift_paraphrases_says_everything_in_held_out_wordings(shifted: dict[Shift, list[Item]]) -> None:
    cues = {
        text
        for (key, is_held_out), texts in phrases().items()
        if not is_held_out and key.startswith(("cue-", "stakes-"))
        for text in texts
    }
    for item in shifted["paraphrases"]:
        assert cues.isdisjoint(nano_reader.sentences(str(item.example.query)))
    assert {item.domain for item in shifted["paraphrases"]} == set(DOMAINS)


# The same everywhere ----------------------------------------------------------------------------------------------


def test_an_item_depends_on_split_index_and_seed_alone() -> None:
    assert [item.example for item in items("train", 5, seed=4)] == [
        item_at("train", n, seed=4).example for n in range(5)
    ]
    assert item_at("train", 7).example != item_at("train", 8).example
    assert item_at("train", 7).example != item_at("train", 7, seed=1).example
    assert item_at("train", 7).example != item_at("validation", 7).example
    assert item_at("train", 7, seed=3).example.id == "train-3-7"


def test_an_item_is_the_same_in_every_process() -> None:
    code = (
        "import hashlib; from grmkit.nano.world import SHARES, item_at; print(hashlib.sha256(repr("
        "[item_at(split, index).example for split in SHARES for index in range(40)]).encode()).hexdigest())"
    )
    shown = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(shown) == 1
    assert len(shown.pop().strip()) == 64


# No shortcuts ---------------------------------------------------------------------------------------------------


def pairs(found: list[Item]) -> Iterator[Pair]:
    """Two responses to one query, and whether the first is better; ties are left out."""
    for item in found:
        for (one, score), (other, other_score) in combinations(
            zip(item.example.responses, label_of(item), strict=True), 2
        ):
            if score != other_score:
                yield one, other, score > other_score


@pytest.mark.parametrize("length", [len, lambda text: len(text.split())], ids=["characters", "words"])
def test_the_longest_does_not_win(validation: list[Item], length) -> None:
    wins = [
        0.5 if length(one) == length(other) else float((length(one) > length(other)) == is_better)
        for one, other, is_better in pairs(validation)
    ]
    assert len(wins) > 1500
    assert 0.42 < sum(wins) / len(wins) < 0.58


def probe(known: list[Pair], new: list[Pair]) -> float:
    """The share of new pairs that a linear model of single words gets right."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression

    counter = CountVectorizer().fit([text for pair in known for text in pair[:2]])

    def features(found: list[Pair]):
        return counter.transform([pair[0] for pair in found]) - counter.transform([pair[1] for pair in found])

    model = LogisticRegression(C=0.1, max_iter=500).fit(features(known), [pair[2] for pair in known])
    return model.score(features(new), [pair[2] for pair in new])


def test_single_words_do_not_tell(train: list[Item], validation: list[Item]) -> None:
    known, new = list(pairs(train)), list(pairs(validation))
    assert len(new) > 1500
    assert probe(known, new) < 0.58


def test_the_probe_would_see_what_single_words_tell(train: list[Item], validation: list[Item]) -> None:
    known, new = (
        [(one, other, len(one) > len(other)) for one, other, _ in pairs(found)] for found in (train[:1000], validation)
    )
    assert probe(known, new) > 0.8


def test_the_best_response_is_in_any_place(train: list[Item]) -> None:
    places = [item.example.best for item in train if len(item.example.responses) == 4]
    assert len(places) > 150
    assert all(0.15 < places.count(place) / len(places) < 0.35 for place in range(4))
