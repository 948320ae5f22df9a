import io
import json
import os
import threading
from pathlib import Path

import pytest
from rich.console import Console

from grmkit.cli.output import LineFile, Output, open_lines, open_output, part_of
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


def test_a_terminal_gets_a_table():
    file = io.StringIO()
    with open_output(None, console=Console(file=file, force_terminal=True, width=100)) as output:
        output.write(VERDICT)
        output.finish()
    assert "no verdict (refused): why" in file.getvalue()
    assert output.kept_at is None


def test_a_place_that_cannot_be_written_is_an_error_that_says_what_is_safe(tmp_path):
    (tmp_path / "file").write_text("")
    refused = pytest.raises(DataError, match="judgments made so far are in the ledger")
    with refused, open_output(tmp_path / "file" / "x.jsonl", console=Console()):
        pass


@pytest.mark.parametrize("path", ["", ".", "folder"])
def test_a_folder_is_refused_before_anything_is_written(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataError, match="this is a folder"), open_lines(Path(path)):
        pass


def test_what_is_being_read_is_not_written_onto(tmp_path):
    used, link = tmp_path / "in.jsonl", tmp_path / "link.jsonl"
    used.write_text("precious")
    link.symlink_to(used)
    for path in (used, link):
        with pytest.raises(DataError, match="this file is being read"), open_lines(path, not_onto=(None, "x", used)):
            pass
    assert used.read_text() == "precious"


def test_a_link_stays_a_link_and_its_target_is_written(tmp_path):
    target, link = tmp_path / "target.jsonl", tmp_path / "link.jsonl"
    link.symlink_to(target)
    with open_lines(link) as lines:
        lines.write(b"{}")
        lines.finish()
    assert link.is_symlink()
    assert target.read_bytes() == b"{}\n"


def test_a_pipe_is_written_in_place(tmp_path):
    fifo, got = tmp_path / "fifo", []
    os.mkfifo(fifo)
    reader = threading.Thread(target=lambda: got.append(fifo.read_bytes()))
    reader.start()
    with open_lines(fifo) as lines:
        lines.write(b"{}")
        lines.finish()
    reader.join()
    assert got == [b"{}\n"]
    assert fifo.is_fifo()
    assert list(tmp_path.iterdir()) == [fifo]


class FullDisk(io.RawIOBase):
    def writable(self):
        return True

    def write(self, _data):
        raise OSError(28, "No space left on device")


def test_a_full_disk_is_an_error_while_writing_and_at_the_end():
    output = Output(LineFile(FullDisk(), None), None)
    with pytest.raises(DataError, match="standard output: cannot be written: No space left on device"):
        output.write(VERDICT)
    buffered = io.BufferedWriter(FullDisk(), 1 << 20)
    output = Output(LineFile(buffered, None), None)
    output.write(VERDICT)
    with pytest.raises(DataError, match="No space left on device"):
        output.finish()
    with pytest.raises(OSError, match="No space"):
        buffered.close()
