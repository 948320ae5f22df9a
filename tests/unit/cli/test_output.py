import json
from pathlib import Path

import pytest
from rich.console import Console

from grmkit.cli.output import Output, open_output, part_of
from grmkit.errors import DataError
from grmkit.scoring.tally import abstain
from grmkit.types import Abstention

VERDICT = abstain("x", Abstention("refused", "why"))


def test_a_file_gets_its_name_only_when_complete(tmp_path):
    path = tmp_path / "deep" / "verdicts.jsonl"
    with open_output(path, console=Console()) as output:
        output.write(VERDICT)
        assert not path.exists()
        output.finish()
    assert json.loads(path.read_text())["id"] == "x"
    assert output.kept_at is None
    assert not part_of(path).exists()


def test_an_early_end_leaves_the_last_complete_file_alone(tmp_path):
    path = tmp_path / "verdicts.jsonl"
    path.write_text("earlier")
    with open_output(path, console=Console()) as output:
        output.write(VERDICT)
    assert path.read_text() == "earlier"
    assert output.kept_at == part_of(path)
    assert json.loads(part_of(path).read_text())["id"] == "x"


def test_a_place_that_cannot_be_written_is_an_error_that_says_what_is_safe(tmp_path):
    (tmp_path / "file").write_text("")
    refused = pytest.raises(DataError, match="judgments made so far are in the ledger")
    with refused, open_output(tmp_path / "file" / "x.jsonl", console=Console()):
        pass


def test_a_full_disk_is_the_same_error():
    with Path("/dev/full").open("wb", buffering=0) as full:
        output = Output(None, full, None)
        with pytest.raises(DataError, match="standard output: verdicts cannot be written: No space left on device"):
            output.write(VERDICT)
