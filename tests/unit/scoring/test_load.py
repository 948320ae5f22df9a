import pytest

from grmkit.backends.http import HttpBackend, HttpSettings
from grmkit.errors import LedgerError
from grmkit.scoring.load import load, load_backend
from grmkit.templates import load_template


def test_a_url_names_server_and_model():
    backend = load_backend("http://host:8000/v1#deepseek-grm-27b", http=HttpSettings(concurrency=3))
    assert isinstance(backend, HttpBackend)
    assert backend.concurrency == 3


def test_the_default_ledger_is_the_user_s_own(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    load("http://host:8000/v1").close()
    assert (tmp_path / "grmkit" / "ledger.sqlite").exists()


def test_no_ledger_leaves_no_file(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    load("http://host:8000/v1", ledger=None).close()
    assert list(tmp_path.iterdir()) == []


def test_a_template_of_your_own_is_taken_as_it_is():
    mine = load_template("llm-judge")
    assert load("http://host:8000/v1", template=mine, ledger=None).template is mine


@pytest.mark.parametrize("judge", ["host:8000", "", "nanno", "http://a/v1,b/v1"])
def test_an_unknown_judge_is_refused(judge):
    with pytest.raises(ValueError, match="expected a URL like"):
        load(judge, ledger=None)


def test_an_unknown_template_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="no template 'deepseek'; expected one of deepseek-grm"):
        load("http://host:8000/v1", template="deepseek", ledger=None)


def test_a_ledger_that_cannot_be_opened_is_an_error(tmp_path):
    with pytest.raises(LedgerError):
        load("http://host:8000/v1", ledger=tmp_path)
