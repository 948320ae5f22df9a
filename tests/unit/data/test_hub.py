import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from grmkit.data.hub import hub_rows
from grmkit.errors import DataError


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Stands in for the `datasets` package, which is optional; notes what was asked of it."""
    asked: dict[str, Any] = {}

    def load_dataset(path: str, **options: Any) -> Iterator[dict[str, Any]]:
        asked.update(path=path, **options)
        if path == "nobody/nothing":
            raise FileNotFoundError("no such data set")
        return iter([{"query": "Q", "responses": ["A"]}, {"query": "R", "responses": ["B"]}])

    module = ModuleType("datasets")
    vars(module)["load_dataset"] = load_dataset
    monkeypatch.setitem(sys.modules, "datasets", module)
    return asked


@pytest.mark.parametrize(
    ("source", "path", "split", "config"),
    [
        ("hf://owner/name", "owner/name", "train", None),
        ("hf://owner/name:test", "owner/name", "test", None),
        ("hf://owner/name#chat", "owner/name", "train", "chat"),
        ("hf://own-er/na.me_2:dev#v1/en", "own-er/na.me_2", "dev", "v1/en"),
        ("hf://name", "name", "train", None),
    ],
)
def test_ids_name_split_and_config(hub: dict[str, Any], source: str, path: str, split: str, config: str | None) -> None:
    assert [number for number, _ in hub_rows(source)] == [1, 2]
    assert hub == {"path": path, "split": split, "name": config, "streaming": True}


@pytest.mark.parametrize("source", ["hf://", "hf://a/b/c", "hf://a b", "hf://a/b:", "hf://a/b#", "hf://a/b:train[:5]"])
def test_malformed_ids_are_refused(source: str) -> None:
    with pytest.raises(DataError, match=r"not a hub id; expected hf://owner/name\[:split\]\[#config\]"):
        next(hub_rows(source))


def test_a_refusal_of_the_hub_is_ours(hub: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=r"^hf://nobody/nothing: the hub gave no rows: no such data set; check name"):
        next(hub_rows("hf://nobody/nothing"))


def test_a_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(DataError, match=r"^hf://a/b: needs the datasets package; run: pip install 'grmkit\[hf\]'$"):
        next(hub_rows("hf://a/b"))
