"""Reward models as callers see them: a query and its responses in, a verdict out.

In: Examples, a template, a backend, a ledger. Out: Verdicts, and the pure rules behind them: orders, votes,
confidence. Never: knows what a server is, reads configuration, prints.
"""

from grmkit.scoring.confidence import confidence
from grmkit.scoring.generative import GenerativeJudge
from grmkit.scoring.load import load
from grmkit.scoring.orders import order_schedule
from grmkit.scoring.tally import Prices, Rule, break_tie, tally
from grmkit.scoring.voting import vote, vote_curve

__all__ = [
    "GenerativeJudge",
    "Prices",
    "Rule",
    "break_tie",
    "confidence",
    "load",
    "order_schedule",
    "tally",
    "vote",
    "vote_curve",
]
