"""The small world: queries, responses and gold scores from a seed; its teacher; and the judge trained in it.

In: a seed. Out: Items (an Example with gold scores, and what an attentive reader would find), noisy judgments of them,
and the folders of the judge that ships and of its meta RM. Never: samples a model, or imports an engine.
"""

from pathlib import Path

JUDGE = Path(__file__).with_name("judge")
"""The folder of the judge that ships: Hugging Face files, and `ctranslate2/` with its converted form."""
META_RM = Path(__file__).with_name("meta_rm")
"""The folder of its meta RM, in the same two forms, with the text that it reads."""
