import pytest

from grmkit.data.columns import check_columns, nearest, parse_columns, pick_columns


def test_flags_become_a_mapping() -> None:
    columns = parse_columns(["query=instruction", "responses = output_1, output_2", "label="])
    assert columns == {"query": ("instruction",), "responses": ("output_1", "output_2"), "label": ()}


def test_a_column_may_hold_an_equals_sign() -> None:
    assert parse_columns(["query=a=b"]) == {"query": ("a=b",)}


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["query"], r"column mapping is 'query'; expected field=column, as in query=instruction"),
        (["=instruction"], r"column mapping is '=instruction'; expected field=column"),
        ([""], r"column mapping is ''; expected field=column"),
        (["query=a", "query=b"], r"query is mapped twice; expected one mapping per field"),
        (
            ["quary=a"],
            r"unknown field 'quary'; did you mean 'query'\?; expected one of",
        ),
        (["zzz=a"], r"unknown field 'zzz'; expected one of query, responses"),
        (["responses=a,,b"], r"responses is mapped to 'a,,b'; expected column names with commas between them"),
        (["query="], r"query is mapped to no column; expected query=column"),
        (["query=a,b"], r"query is mapped to 2 columns; only responses, principles, label, scores take several"),
        (["query=a", "prompt=b"], r"query and prompt are both mapped; expected only one of them"),
        (["responses=a,b", "chosen=c"], r"responses and chosen are both mapped"),
        (["chosen=a", "rejected=b", "label=c"], r"chosen and label are both mapped"),
    ],
)
def test_nonsense_is_refused(flags: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_columns(flags)


def test_a_lone_name_is_one_column() -> None:
    assert check_columns({"query": "instruction"}) == {"query": ("instruction",)}


def test_a_mapping_to_nothing_clashes_with_nothing() -> None:
    assert check_columns({"chosen": ["a"], "rejected": ["b"], "label": []})["label"] == ()


def test_columns_are_renamed_and_the_rest_is_left_out() -> None:
    row = {"instruction": "Q", "a": "A", "b": "B", "id": "x", "split": "test"}
    picked = pick_columns(row, {"query": ("instruction",), "responses": ("a", "b")})
    assert picked == {"query": "Q", "responses": ["A", "B"], "id": "x"}


def test_one_column_of_responses_may_be_a_list_or_a_text() -> None:
    assert pick_columns({"query": "Q", "out": ["A", "B"]}, {"responses": ("out",)})["responses"] == ["A", "B"]
    assert pick_columns({"query": "Q", "out": "A"}, {"responses": ("out",)})["responses"] == ["A"]


def test_a_label_that_may_count_otherwise_is_left_out_unless_mapped() -> None:
    row = {"query": "Q", "a": "A", "b": "B", "label": 1}
    assert "label" not in pick_columns(row, {"responses": ("a", "b")})
    assert pick_columns(row, {"responses": ("a", "b"), "label": ("label",)})["label"] == 1
    assert pick_columns({"q": "Q", "responses": ["A", "B"], "label": 1}, {"query": ("q",)})["label"] == 1


def test_a_mapped_query_displaces_a_prompt_column() -> None:
    row = {"question": "Q", "prompt": "You are a judge", "responses": ["A"]}
    assert pick_columns(row, {"query": ("question",)}) == {"query": "Q", "responses": ["A"]}


def test_a_query_beside_a_pair_is_its_prompt() -> None:
    row = {"question": "Q", "good": "A", "bad": "B"}
    picked = pick_columns(row, {"query": ("question",), "chosen": ("good",), "rejected": ("bad",)})
    assert picked == {"prompt": "Q", "chosen": "A", "rejected": "B"}


def test_a_field_mapped_to_nothing_is_left_out() -> None:
    assert pick_columns({"query": "Q", "responses": ["A"], "id": "x"}, {"id": ()}) == {"query": "Q", "responses": ["A"]}


def test_gold_scores_may_stand_in_several_columns() -> None:
    row = {"query": "Q", "responses": ["A", "B"], "s1": 2, "s2": 5}
    assert pick_columns(row, {"label": ("s1", "s2")})["label"] == [2, 5]


def test_an_unknown_column_names_those_that_are_there() -> None:
    with pytest.raises(
        ValueError, match=r"no column 'instrction' for query; did you mean 'instruction'.* the row has idx, "
    ):
        pick_columns({"idx": 1, "instruction": "Q"}, {"query": ("instrction",)})


def test_nearest_says_nothing_when_nothing_is_near() -> None:
    assert nearest("qqq", ["responses"]) == ""
    assert nearest("respnses", ["responses", "query"]) == "; did you mean 'responses'?"
