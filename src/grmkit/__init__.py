"""grmkit: generalist reward models, from a query and its responses to a verdict you can trust.

Importing this package loads nothing heavy; each name is loaded when first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grmkit.backends import Backend, Sampling
    from grmkit.backends.fake import FakeBackend
    from grmkit.backends.http import HttpSettings
    from grmkit.data import read_examples
    from grmkit.errors import GrmkitError
    from grmkit.ledger import Ledger
    from grmkit.scoring import GenerativeJudge, load
    from grmkit.templates import Template, load_template
    from grmkit.types import Abstention, Example, Judgment, Message, Principle, Verdict

__version__ = "0.1.0"

_HOMES = {
    "Abstention": "types",
    "Backend": "backends",
    "Example": "types",
    "FakeBackend": "backends.fake",
    "GenerativeJudge": "scoring",
    "GrmkitError": "errors",
    "HttpSettings": "backends.http",
    "Judgment": "types",
    "Ledger": "ledger",
    "Message": "types",
    "Principle": "types",
    "Sampling": "backends",
    "Template": "templates",
    "Verdict": "types",
    "load": "scoring",
    "load_template": "templates",
    "read_examples": "data",
}

__all__ = [
    "Abstention",
    "Backend",
    "Example",
    "FakeBackend",
    "GenerativeJudge",
    "GrmkitError",
    "HttpSettings",
    "Judgment",
    "Ledger",
    "Message",
    "Principle",
    "Sampling",
    "Template",
    "Verdict",
    "load",
    "load_template",
    "read_examples",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'grmkit' has no attribute {name!r}")
    return getattr(import_module(f"grmkit.{_HOMES[name]}"), name)
