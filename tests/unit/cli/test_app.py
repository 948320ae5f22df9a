import grmkit


def test_the_version_is_the_package_s(grm):
    assert grm("--version").out == f"grmkit {grmkit.__version__}\n"


def test_help_names_every_verb(grm):
    out = grm("--help").out
    assert "score" in out
    assert "ledger" in out


def test_an_unknown_verb_is_a_usage_error(grm):
    assert grm("scroe").code == 2
