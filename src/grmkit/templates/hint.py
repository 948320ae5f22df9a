"""The hint that tells a judge the labelled answer, for sampling training data (SPCT, section 3.2)."""

from collections.abc import Sequence

from grmkit.errors import TemplateError
from grmkit.templates.structure import heading
from grmkit.types import Example

HINT = heading("the (?:best +response|correct +score) +is")
HINT_VERSION = 2  # of deepseek-grm: raise it when the code below words the same hint differently; nano has no strengths
STRENGTHS = {1: "slightly better", 2: "better", 3: "much better"}
"""How much better the best of two is, as HelpSteer2 counts it (`preference_strength` in meta)."""


def hint_of(example: Example, order: Sequence[int]) -> str:
    """The line that tells which response shown in this order is the best, or what a single one is worth.

    Where the data say how much better it is, so does the hint (section 3.2, on HelpSteer2).

    Raises:
        TemplateError: If the example's label does not decide it.
    """
    best = example.best
    if best is None:
        raise TemplateError("a hint needs a label with one best response; this example has none")
    if len(order) == 1:
        if not isinstance(example.label, tuple):
            raise TemplateError("a hint for a single response needs its gold score as label, a list of one number")
        return f"The correct score is: {example.label[0]:g}"
    strength = example.meta.get("preference_strength")
    told = f" ({STRENGTHS[strength]})" if isinstance(strength, int) and strength in STRENGTHS else ""
    return f"The best response is: Response {list(order).index(best) + 1}{told}"
