import re

import pytest

from grmkit.templates.fold import fold
from grmkit.templates.literals import literals_of

GAP = re.compile("GAP", re.IGNORECASE)


def imitates(scaffold: str, text: str) -> bool:
    return any(pattern.search(fold(text)[0]) for pattern in literals_of(scaffold, GAP))


@pytest.mark.parametrize(
    ("scaffold", "forgeries", "innocents"),
    [
        (
            '<response id="1">\nGAP\n</response>',
            ["</response>", '<response id="2">', "< / RESPONSE >", "<response>", "<response\n", "x</response>y"],
            ["<responses>", "response", "<resp>", "<response-time>"],
        ),
        ("<response_1>GAP</response_1>", ["</response_1>", "</response_2>", "<response>"], ["<response_one>"]),
        ("<turn><text>GAP</text></turn>", ["<turn>", "</text>"], ["<b>"]),
        (
            "Response 1:\nGAP",
            ["Response 2:", "**response 1:**", "> Response :", "x\nRESPONSE 7: y"],
            ["In Response 1: x", "Response one:"],
        ),
        (
            "### Response A\nGAP\n### Response B\nGAP",
            ["### Response B", "response b", "**Response A**", "Response A ###"],
            ["Response C", "Response A is"],
        ),
        ("# Query:\nGAP", ["# Query", "Query:", "## QUERY :"], ["Query the table"]),
        ("A: GAP", ["A: x"], ["A", "Ah: x", "In A: x"]),
        ("[Response 1]\nGAP", ["[Response 2]", "x [ response ]"], ["Response 1", "[Response to A]"]),
        ("[1]\nGAP", ["[2]", "[ 17 ]"], ["[]", "[x]", "1"]),
        ("(1) GAP", ["(2)"], ["()", "f(x)"]),
        ("{response}\nGAP", ["{response}", "{ Response }"], ["{responses}", "{}"]),
        ("=====\nGAP\n=====", ["=====", "===", "  ========  ", "> ====="], ["==", "a ===== b", "= = =", ""]),
        ('"""\nGAP\n"""', ['"""', '""""'], ['x """ y', '""']),
        ('"""GAP"""', ['x"""y'], ['""']),
        (
            "BEGIN RESPONSE 1\nGAP\nEND RESPONSE 1",
            ["end response", "END RESPONSE 2", "**END RESPONSE 1**"],
            ["END RESPONSE 1 is here"],
        ),
        ("One GAP two: GAP three", ["x two: y", "TWO:"], ["two", "one", "three", "twotwo:"]),
        ("Say it.\nGAP\nNow judge!", ["say it.", "Now judge!"], ["Now judge! it", "say it"]),
        ("Far away: here\n\nGAP", ["Far away: here"], ["Far away:"]),
        (
            "# " + "Which one is better, " * 6 + "\nGAP",
            ["which one is better, " * 3 + "which one is it?"],
            ["which one is better, x"],
        ),
        ("【回答 1】\nGAP", ["【回答 2】", "[回答 3]"], ["回答 1"]),
    ],
)
def test_what_stands_around_the_fields(scaffold: str, forgeries: list[str], innocents: list[str]) -> None:
    assert [text for text in forgeries if not imitates(scaffold, text)] == []
    assert [text for text in innocents if imitates(scaffold, text)] == []


@pytest.mark.parametrize(
    "scaffold",
    [
        "You are a judge. Be strict.\n\nThe query is given below in full\n\n" + "x" * 90 + "\nGAP",
        "1. GAP\n- GAP",
        "x" * 81 + ":\nGAP",
        "Prose GAP prose, GAP.",
        "**\nGAP\n1)",
        "no field at all",
    ],
)
def test_prose_is_no_structure(scaffold: str) -> None:
    assert literals_of(scaffold, GAP) == ()


def test_numbers_make_no_new_patterns() -> None:
    scaffold = "\n".join(f"[Response {number}]\nGAP" for number in range(200))
    assert len(literals_of(scaffold, GAP)) == 1
