import logging

import pytest

from grmkit.cli import _exit_code
from grmkit.errors import BackendDown, BackendError, DataError, LedgerError, TemplateError


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (DataError("x"), 2),
        (TemplateError("x"), 2),
        (ValueError("x"), 2),
        (BackendDown("x"), 3),
        (LedgerError("x"), 4),
        (BackendError("x"), 1),
    ],
)
def test_every_kind_of_error_has_its_exit_code(error, code):
    assert _exit_code(error) == code


def test_an_error_is_one_line_without_a_traceback(grm, tmp_path):
    ran = grm("ledger", "stats", "--ledger", tmp_path / "none.sqlite")
    assert ran.code == 4
    assert ran.err.count("\n") == 1
    assert ran.err.startswith("grm: ")


def test_retries_are_not_logged_one_by_one(grm):
    grm("--version")
    assert logging.getLogger("stamina").level == logging.ERROR
