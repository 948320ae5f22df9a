"""Reads data sets into Examples, one row at a time, and refuses what it cannot use.

In: JSONL (plain, gzip or stdin), Parquet, Hugging Face data sets; our own form, TRL's forms, or any columns by mapping.
Out: Examples with unique ids, or a DataError saying file, line, what was found and what was expected.
Never: repairs a row, guesses a label, holds a whole file in memory, talks to a model.
"""

from grmkit.data.columns import parse_columns
from grmkit.data.read import read_examples

__all__ = ["parse_columns", "read_examples"]
