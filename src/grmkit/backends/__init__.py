"""Who answers a prompt: an HTTP server, a model in this process, recorded answers, a fake.

In: a Request (a prompt, how many samples, how to sample). Out: an Answer (texts and why they ended).
Never: reads scores out of a text, keeps judgments, decides how many to draw.
"""

from grmkit.backends.protocol import Answer, Backend, Generation, Request, Sampling

__all__ = ["Answer", "Backend", "Generation", "Request", "Sampling"]
