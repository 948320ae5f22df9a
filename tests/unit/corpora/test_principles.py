from pathlib import Path

from grmkit.backends import Sampling
from grmkit.corpora.draw import Judge
from grmkit.corpora.principles import with_principles
from grmkit.nano import JUDGE
from grmkit.nano.world import items
from grmkit.types import Example, Principle


def test_each_query_gets_principles_before_its_responses_are_seen(tmp_path: Path) -> None:
    examples = [item.example for item in items("train", 4)]
    judge = Judge(str(JUDGE), "nano", tmp_path / "ledger.sqlite", Sampling(0.4, max_tokens=256))
    found, num_without = with_principles(judge, examples)
    assert num_without == sum(not example.principles for example in found) < 4
    assert [example.responses for example in found] == [example.responses for example in examples]
    again, _ = with_principles(judge, [Example(e.query, ("other",), id=e.id) for e in examples])
    assert [e.principles for e in again] == [e.principles for e in found]  # of the query, not of the responses


def test_given_principles_stay(tmp_path: Path) -> None:
    given = Example("Name 4 animals.", ("a", "b"), principles=(Principle("four", "Count", 100),))
    judge = Judge(str(JUDGE), "nano", tmp_path / "ledger.sqlite", Sampling(0.4, max_tokens=256))
    assert with_principles(judge, [given])[0] == [given]
