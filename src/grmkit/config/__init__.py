"""One typed config per command: what a user may set, checked once at the door.

In: flags. Out: frozen objects. Never: seen below the command line; the rooms underneath take plain arguments.
"""

from grmkit.config.score import ScoreConfig

__all__ = ["ScoreConfig"]
