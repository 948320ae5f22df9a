"""The shared nouns: Message, Example, Judgment, Verdict.

In: plain values. Out: frozen objects that survive a JSON round trip unchanged.
Never: reads files, talks to models, imports another room than errors.
"""

from grmkit.types.example import Example, Message, Principle, ToolCall, content_key
from grmkit.types.verdict import Abstention, Judgment, SoftScores, Tokens, Verdict

__all__ = [
    "Abstention",
    "Example",
    "Judgment",
    "Message",
    "Principle",
    "SoftScores",
    "Tokens",
    "ToolCall",
    "Verdict",
    "content_key",
]
