"""Read an answer in the DeepSeek-GRM form: principles, analysis, and one number per response in a box."""

from grmkit.templates.answer import final_answer
from grmkit.templates.numbers import read_numbers
from grmkit.templates.protocol import Reading
from grmkit.templates.sections import read_critiques, read_principles, split_sections


def read_boxed(
    text: str | None, num_responses: int, *, finish_reason: str | None, score_range: tuple[float, float]
) -> Reading:
    """Exactly one number per response, in range, after the judge's own final Scores heading; or why not."""
    answer, reason = final_answer(text, finish_reason)
    sections = split_sections(answer)
    numbers = reason or (
        "no_scores" if sections.scores is None else read_numbers(sections.scores, num_responses, score_range)
    )
    is_read = not isinstance(numbers, str)
    return Reading(
        numbers if is_read else None,
        None if is_read else numbers,
        read_principles(sections.criteria),
        sections.analysis,
        read_critiques(sections.analysis, num_responses),
    )
