import pytest

from grmkit.backends import Sampling
from grmkit.backends.ctranslate2 import CTranslate2Backend
from grmkit.backends.http import HttpBackend, HttpSettings
from grmkit.backends.transformers import TransformersBackend
from grmkit.errors import BackendDown, LedgerError
from grmkit.scoring.load import NANO_TEMPERATURE, default_temperature, load, load_backend
from grmkit.scoring.meta_rm import PROMPT_FILE
from grmkit.templates import load_template
from grmkit.templates.nano import PROMPT


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


def test_nano_brings_its_own_template_temperature_and_limits():
    nano, other = load(ledger=None), load("http://host:8000/v1", ledger=None)
    assert (nano.template.name, nano.sampling.temperature) == ("nano", NANO_TEMPERATURE)
    assert isinstance(nano.backend, CTranslate2Backend)
    assert (other.template.name, other.sampling.temperature) == ("deepseek-grm", 0.5)
    assert nano.refuse is not None
    assert other.refuse is None
    assert default_temperature("nano") == NANO_TEMPERATURE
    assert default_temperature("recorded:x") == 0.5


def test_a_folder_runs_with_what_its_model_was_made_for(tmp_path):
    (tmp_path / "converted" / "ctranslate2").mkdir(parents=True)
    (tmp_path / "converted" / "ctranslate2" / "model.bin").touch()
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "config.json").touch()
    converted, inner, plain = tmp_path / "converted", tmp_path / "converted" / "ctranslate2", tmp_path / "plain"
    for judge, kind in [
        (f"{converted}", CTranslate2Backend),
        (f"{inner}", CTranslate2Backend),
        (f"{plain}", TransformersBackend),
        (f"ctranslate2:{inner}", CTranslate2Backend),
        (f"transformers:{converted}", TransformersBackend),
        ("transformers:owner/name", TransformersBackend),
    ]:
        assert type(load_backend(judge)) is kind
    with pytest.raises(ValueError, match=r"holds no model\.bin"):
        load_backend(f"ctranslate2:{plain}")


@pytest.mark.parametrize("judge", ["host:8000", "", "nanno", "http://a/v1,b/v1"])
def test_an_unknown_judge_is_refused(judge):
    with pytest.raises(ValueError, match="a URL like"):
        load(judge, ledger=None)


def test_an_unknown_template_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="no template 'deepseek'; expected one of deepseek-grm"):
        load("http://host:8000/v1", template="deepseek", ledger=None)


def test_a_ledger_that_cannot_be_opened_is_an_error(tmp_path):
    with pytest.raises(LedgerError):
        load("http://host:8000/v1", ledger=tmp_path)


@pytest.mark.parametrize("judge", ["nano", "recorded:answers.jsonl", "transformers:owner/name"])
def test_a_model_s_name_is_for_servers(judge):
    with pytest.raises(ValueError, match="model is 'x'; it names one of several on a server"):
        load(judge, model="x", ledger=None)


def test_nano_takes_no_template_it_was_not_trained_on():
    with pytest.raises(ValueError, match="template is 'deepseek-grm'; the judge nano knows no other"):
        load("nano", template="deepseek-grm", ledger=None)
    assert load("nano", template="nano-hinted", ledger=None).template.name == "nano-hinted"


def test_a_folder_without_a_model_is_no_judge(tmp_path):
    with pytest.raises(ValueError, match=r"holds neither a config\.json nor a converted model\.bin"):
        load_backend(str(tmp_path))


@pytest.fixture
def meta_rm(tmp_path):
    """What can be told of a meta RM before it is loaded."""
    folder = tmp_path / "meta"
    (folder / "ctranslate2").mkdir(parents=True)
    (folder / "ctranslate2" / "model.bin").touch()
    (folder / PROMPT_FILE).write_text(PROMPT.read_text())
    return folder


def test_a_meta_rm_keeps_half_or_what_is_said(meta_rm):
    assert load(ledger=None).meta_samples is None
    assert load(ledger=None, meta_rm=meta_rm).meta_samples == 0.5
    assert load(ledger=None, meta_rm=meta_rm, meta_samples="soft").meta_samples == "soft"


def test_a_wrong_meta_rm_is_refused_before_the_ledger_is_made(meta_rm, tmp_path):
    ledger = tmp_path / "ledger.sqlite"
    with pytest.raises(ValueError, match="meta_samples is 4 without a meta RM"):
        load(ledger=ledger, meta_samples=4)
    with pytest.raises(ValueError, match="meta_samples is 0; expected"):
        load(ledger=ledger, meta_rm=meta_rm, meta_samples=0)
    with pytest.raises(ValueError, match="meta_rm was trained for nano judges"):
        load("http://host:8000/v1", ledger=ledger, meta_rm=meta_rm)
    with pytest.raises(BackendDown, match=r"holds no meta_prompt\.txt"):
        load(ledger=ledger, meta_rm=tmp_path)
    with pytest.raises(TypeError, match="meta_sample"):
        load(ledger=ledger, meta_rm=meta_rm, meta_sample=4)
    assert not ledger.exists()


def test_soft_scores_are_asked_for_and_refused_before_the_ledger_is_made(tmp_path):
    ledger = tmp_path / "ledger.sqlite"
    with pytest.raises(ValueError, match="soft is 'both'; expected 'ties', 'scores' or None"):
        load(ledger=ledger, soft="both")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="llm-judge names the better response"):
        load("http://host:8000/v1", template="llm-judge", ledger=ledger, soft="ties")
    assert not ledger.exists()
    assert load(ledger=None).sampling.alternatives == 0
    assert load(ledger=None, soft="ties").sampling.alternatives == 20
    assert load(ledger=None, soft="scores", sampling=Sampling(alternatives=5)).sampling.alternatives == 5
