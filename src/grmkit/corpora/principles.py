"""Principles for each query, written by a judge that sees no response, and kept for all that is judged by them."""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from grmkit.corpora.draw import Judge, draw
from grmkit.scoring.principles import query_of
from grmkit.templates.principles import principles_template
from grmkit.types import Example


def with_principles(judge: Judge, examples: Sequence[Example]) -> tuple[list[Example], int]:
    """The examples with principles written from their queries alone, and how many got none that could be read.

    They are those that `grm score --principles query` gives, and what is in the ledger is not asked for again.

    Args:
        judge: Who writes; how it is asked follows from its template.
        examples: What will be judged; those that have principles keep them.

    Raises:
        BackendDown: If the judge cannot be asked at all.
        BackendError: If some requests failed for good: what came of the others is kept, run again to complete.
    """
    asked = {query.key: query for example in examples if not example.principles for query in [query_of(example)]}
    writer = replace(judge, template=principles_template(judge.template))
    deque(draw(writer, list(asked.values()), 1), maxlen=0)  # first tries, in as many processes as the judge has
    opened = judge.open()
    try:
        found = opened.with_principles(examples)
    finally:
        opened.close()
    return found, sum(not example.principles for example in found)
