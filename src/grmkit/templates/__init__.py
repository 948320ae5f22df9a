"""Question to prompt, and answer text back to scores: each pair in one file, its prompt in a text file beside it.

In: an Example and the order to show its responses in; later, what the judge wrote. Out: a Prompt; a Reading, which
is scores or a typed reason why there are none. Never: asks a model, decides what an unreadable answer costs.
"""

from grmkit.templates.meta_rm import MetaRMTemplate
from grmkit.templates.protocol import Neutralised, Prompt, Reading, Template, load_template, template_names

__all__ = ["MetaRMTemplate", "Neutralised", "Prompt", "Reading", "Template", "load_template", "template_names"]
