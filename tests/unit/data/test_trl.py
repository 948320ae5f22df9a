from typing import Any

import pytest

from grmkit.data.trl import is_trl, lower_trl, split_texts

USER = {"role": "user", "content": "Why is the sky blue?"}
GOOD = {"role": "assistant", "content": "Light scatters."}
BAD = {"role": "assistant", "content": "It reflects the sea."}
LOOK = {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "ls", "arguments": "{}"}}]}
TOOL = {"role": "tool", "content": "a.txt"}


def core(row: dict[str, Any]) -> tuple[Any, list[str], Any]:
    lowered = lower_trl(row)
    return lowered["query"], lowered["responses"], lowered["label"]


def test_trl_rows_are_told_from_our_own() -> None:
    assert is_trl({"chosen": "a", "rejected": "b"})
    assert is_trl({"prompt": "Q", "responses": ["A"]})
    assert not is_trl({"query": "Q", "responses": ["A"]})
    assert not is_trl({"question": "Q"})


# Preference pairs ----------------------------------------------------------------------------------------------


def test_standard_with_a_prompt() -> None:
    row = {"prompt": "Q", "chosen": "A", "rejected": "B", "score_chosen": 8.0}
    assert core(row) == ("Q", ["A", "B"], 0)


def test_conversational_with_a_prompt() -> None:
    assert core({"prompt": [USER], "chosen": [GOOD], "rejected": [BAD]}) == (
        [USER],
        ["Light scatters.", "It reflects the sea."],
        0,
    )


def test_conversational_with_the_prompt_in_both() -> None:
    row = {"chosen": [USER, GOOD, USER, GOOD], "rejected": [USER, GOOD, USER, BAD]}
    assert core(row) == ([USER, GOOD, USER], ["Light scatters.", "It reflects the sea."], 0)


def test_a_prompt_of_text_beside_whole_dialogues_gives_way_to_them() -> None:
    system = {"role": "system", "content": "Be brief."}
    row = {"prompt": "Why is the sky blue?", "chosen": [system, USER, GOOD], "rejected": [system, USER, BAD]}
    assert core(row)[0] == [system, USER]


def test_a_prompt_of_text_beside_answers_is_kept() -> None:
    assert core({"prompt": "Q", "chosen": [GOOD], "rejected": [BAD]})[0] == "Q"
    assert core({"prompt": "Q", "chosen": [GOOD, USER, GOOD], "rejected": [GOOD, USER, BAD]})[0] == "Q"


def test_a_prompt_that_the_answers_repeat_is_cut_off_them() -> None:
    row = {"prompt": [USER], "chosen": [USER, GOOD], "rejected": [USER, BAD]}
    assert core(row) == ([USER], ["Light scatters.", "It reflects the sea."], 0)


def test_answers_of_several_turns_are_rendered() -> None:
    row = {"prompt": [USER], "chosen": [LOOK, TOOL, GOOD], "rejected": [BAD]}
    assert core(row)[1] == [
        "assistant calls ls({})\n\ntool: a.txt\n\nassistant: Light scatters.",
        "It reflects the sea.",
    ]


def test_messages_are_compared_by_what_they_say() -> None:
    padded = USER | {"name": None, "tool_calls": None, "language": "en"}
    assert core({"chosen": [padded, GOOD], "rejected": [USER, BAD]})[0] == [padded]


def test_standard_with_the_prompt_in_both_is_cut_after_the_last_turn_mark() -> None:
    start = "\n\nHuman: Why?\n\nAssistant: Well.\n\nHuman: So?\n\nAssistant:"
    row = {"chosen": start + " The light scatters.", "rejected": start + " The sea."}
    assert core(row) == (start, [" The light scatters.", " The sea."], 0)


@pytest.mark.parametrize(
    "start",
    [
        "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n",
        "<s>[INST] Hi [/INST]",
        "<start_of_turn>user\nHi<end_of_turn>\n<start_of_turn>model\n",
        "### Instruction:\nHi\n\n### Response:",
        "<|user|>\nHi\n<|assistant|>",
    ],
)
def test_turn_marks_of_other_templates_are_seen(start: str) -> None:
    assert split_texts(start + "Good day to you", start + "Good morning") == (start, "Good day to you", "Good morning")


def test_without_a_turn_mark_no_word_is_torn() -> None:
    assert split_texts("Say it:  thanks", "Say it:  that") == ("Say it:", "  thanks", "  that")
    assert split_texts("Say it: a", "Say it: b") == ("Say it:", " a", " b")


@pytest.mark.parametrize("pair", [("One", "Two"), ("The", "They"), ("", "x"), ("  a", "  b")])
def test_texts_that_share_no_words_are_refused(pair: tuple[str, str]) -> None:
    with pytest.raises(
        ValueError, match="chosen and rejected share no opening words; expected the same prompt at the start"
    ):
        split_texts(*pair)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"chosen": "a"}, "rejected is missing; expected text or messages, as in chosen"),
        ({"chosen": None, "rejected": "b"}, "chosen is missing; expected text or messages, as in rejected"),
        (
            {"prompt": "Q", "chosen": "A", "rejected": "A"},
            "chosen and rejected are the same; expected a better and a worse",
        ),
        ({"prompt": "Q", "chosen": "A", "rejected": [BAD]}, "one of chosen and rejected is text, the other is not"),
        ({"prompt": "Q", "chosen": "A", "rejected": " "}, "rejected is empty; every response needs text"),
        ({"chosen": "Q:\nAssistant:", "rejected": "Q:\nAssistant: B"}, "chosen is empty; every response needs text"),
        (
            {"prompt": "Q", "chosen": {"a": 1}, "rejected": {"b": 1}},
            "chosen is {'a': 1}; expected text or a list of mess",
        ),
        ({"prompt": "Q", "chosen": ["A"], "rejected": ["B"]}, r"chosen\[0\]: message is 'A'; expected an object"),
        (
            {"chosen": [USER, GOOD], "rejected": [BAD]},
            "chosen and rejected share no opening turn; expected the same prompt",
        ),
        ({"chosen": [USER], "rejected": [USER, BAD]}, "chosen is empty; every response needs text"),
        (
            {"chosen": [GOOD, USER], "rejected": [GOOD, BAD]},
            "chosen begins with a user turn after the prompt; expected an ass",
        ),
        (
            {"prompt": [{"role": "user"}], "chosen": [GOOD], "rejected": [BAD]},
            r"prompt\[0\]: content is None; expected text",
        ),
        ({"prompt": "Q"}, "nothing to judge; expected chosen and rejected, responses, or completion beside prompt"),
    ],
)
def test_pairs_that_cannot_be_used_are_refused(row: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        lower_trl(row)


def test_our_own_fields_are_carried_over() -> None:
    row = {"prompt": "Q", "chosen": "A", "rejected": "B", "id": "x", "principles": ["Be right."], "reference": "R"}
    lowered = lower_trl(row)
    assert (lowered["id"], lowered["principles"], lowered["reference"]) == ("x", ["Be right."], "R")


# Rated lists and single completions ----------------------------------------------------------------------------


def test_rated_lists() -> None:
    assert core({"prompt": "Q", "responses": ["A", [GOOD]], "scores": [1, 4.5]}) == (
        "Q",
        ["A", "Light scatters."],
        [1, 4.5],
    )
    assert core({"prompt": "Q", "responses": ["A", "B"]}) == ("Q", ["A", "B"], None)
    assert core({"prompt": "Q", "responses": ["A", "B"], "label": 1}) == ("Q", ["A", "B"], 1)


def test_single_completions() -> None:
    assert core({"prompt": "Q", "completion": "A", "label": True}) == ("Q", ["A"], [1.0])
    assert core({"prompt": [USER], "completion": [GOOD], "label": False}) == ([USER], ["Light scatters."], [0.0])
    assert core({"prompt": "Q", "completion": "A"}) == ("Q", ["A"], None)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            {"prompt": "Q", "responses": ["A", "B"], "scores": [1]},
            "scores holds 1 numbers; expected 2, one per response",
        ),
        ({"prompt": "Q", "responses": ["A"], "scores": 1}, "scores is 1; expected a list of numbers"),
        ({"prompt": "Q", "responses": "A"}, "responses is 'A'; expected a list"),
        ({"prompt": "Q", "responses": ["A", ""]}, r"responses\[1\] is empty; every response needs text"),
        ({"responses": ["A"], "scores": [1]}, "prompt is missing; expected text or messages"),
        ({"prompt": "Q", "completion": "A", "label": 1}, "label is 1; expected true or false beside completion"),
        ({"prompt": "Q", "completion": ""}, "completion is empty; every response needs text"),
        ({"completion": "A"}, "prompt is missing; expected text or messages"),
    ],
)
def test_lists_and_completions_that_cannot_be_used_are_refused(row: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        lower_trl(row)
