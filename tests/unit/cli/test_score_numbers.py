"""What numbers on the command line may be."""

import json

from grmkit.cli.score import EXPECTED, parse_prices
from grmkit.config import ScoreConfig


def test_every_number_that_has_bounds_is_told_in_words():
    fields = ScoreConfig.model_json_schema()["properties"]
    bounded = {name for name, field in fields.items() if 'imum": ' in json.dumps(field)}
    assert bounded - {"meta_samples"} == set(EXPECTED), "how many the meta RM keeps is checked as text"


def test_prices_are_two_numbers():
    assert parse_prices(None) is None
    assert parse_prices("0.27,1.10") == (0.27, 1.1)
