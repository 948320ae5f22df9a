"""Chat turns become the tokens that transformers would make of them; what a folder lacks is said."""

import json

import pytest

from grmkit.backends.chat import Chat, Draft, Job, block_seed, digest_files, load_package, read_json
from grmkit.errors import BackendDown, BackendError, PromptTooLong
from grmkit.types import Message
from tiny_model import CONTEXT, TEMPLATE, ask

TURNS = (Message("system", "be fair"), Message("user", "Why? <b> & \n{{x}}"), Message("assistant", "so"))
FEATURES = """{%- if messages[0]['role'] == 'system' %}
    {{ bos_token or '' }}[{{ messages[0].content | tojson }}]
{%- endif %}
{% for message in messages %}
  {% if loop.first %}{% continue %}{% endif %}
  {{ message.role + eos_token }}{% generation %} {{ message['content'] }} {% endgeneration %}
{% endfor %}
{{ messages | tojson(indent=2) }}
{% if strftime_now is defined %}{% endif %}{% if add_generation_prompt %}<|assistant|>{% endif %}"""


def write_template(folder, text):
    (folder / "chat_template.jinja").write_text(text)
    return Chat.read(folder)


@pytest.mark.parametrize(
    "template", [TEMPLATE, FEATURES, "{% for m in messages[:1] %}\n  {{ m.content }}\n{% endfor %}"]
)
def test_a_template_gives_what_transformers_gives(template, model_copy):
    from transformers import AutoTokenizer

    chat = write_template(model_copy, template)
    turns = [{"role": message.role, "content": message.content} for message in TURNS]
    theirs = AutoTokenizer.from_pretrained(model_copy).apply_chat_template(turns, add_generation_prompt=True)
    assert list(chat.encode(TURNS)) == theirs["input_ids"]


def test_what_the_folder_says(tiny_model):
    chat = Chat.read(tiny_model)
    assert (chat.stop_ids, chat.context) == ((0,), CONTEXT)
    assert chat.special_tokens == {"eos_token": "<|end|>", "pad_token": "<|end|>"}
    assert chat.tokenizer.decode(chat.encode([Message("user", "sky")]), skip_special_tokens=False) == (
        "<|user|>sky<|end|><|assistant|>"
    )


def test_a_tokenizer_that_cuts_or_pads_does_neither(model_copy):
    path = model_copy / "tokenizer.json"
    settings = json.loads(path.read_text())
    settings["truncation"] = {"max_length": 4, "strategy": "LongestFirst", "stride": 0, "direction": "Right"}
    fill = {"pad_id": 0, "pad_type_id": 0, "pad_token": "<|end|>"}
    settings["padding"] = {"strategy": {"Fixed": 900}, "direction": "Right", "pad_to_multiple_of": None, **fill}
    path.write_text(json.dumps(settings))
    assert 4 < len(Chat.read(model_copy).encode([Message("user", "x" * 500)])) == 503


def test_a_named_template_and_special_tokens_as_objects(model_copy):
    path = model_copy / "tokenizer_config.json"
    named = [{"name": "tools", "template": "no"}, {"name": "default", "template": "{{ bos_token }}yes"}]
    path.write_text(json.dumps({"chat_template": named, "bos_token": {"content": "<|user|>", "lstrip": False}}))
    chat = Chat.read(model_copy)
    assert chat.template == "{{ bos_token }}yes"
    assert chat.encode([Message("user", "x")])[0] == 1


@pytest.mark.parametrize(
    ("generation", "model", "expected"),
    [({"eos_token_id": [3, 1]}, {"eos_token_id": 2}, (1, 3)), ({}, {"eos_token_id": 2}, (2,)), ({}, {}, (0,))],
)
def test_where_the_end_is_told(generation, model, expected, model_copy):
    (model_copy / "generation_config.json").write_text(json.dumps(generation))
    (model_copy / "config.json").write_text(json.dumps(model | {"n_positions": 99}))
    assert Chat.read(model_copy).stop_ids == expected


@pytest.mark.parametrize(
    ("model", "expected"),
    [({"n_positions": 99}, 99), ({"text_config": {"max_position_embeddings": 98}}, 98), ({}, 512)],
)
def test_where_the_context_is_told(model, expected, model_copy):
    settings = json.loads((model_copy / "tokenizer_config.json").read_text()) | {"model_max_length": 512}
    (model_copy / "tokenizer_config.json").write_text(json.dumps(settings))
    (model_copy / "config.json").write_text(json.dumps(model))
    assert Chat.read(model_copy).context == expected


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("tokenizer.json", None, "tokenizer.json: there is no such file"),
        ("tokenizer.json", '{"version"', "tokenizer.json: cannot be read"),
        ("tokenizer_config.json", "{}", "no chat template; expected chat_template.jinja"),
        ("tokenizer_config.json", "[1]", "holds a list; expected an object"),
        ("chat_template.jinja", "{% for %}", "its chat template cannot be read: Expected an expression"),
        ("config.json", "{}", "config.json: nothing says how many tokens"),
    ],
)
def test_what_is_missing_or_damaged_is_named(name, text, words, model_copy):
    if text is None:
        (model_copy / name).unlink()
    else:
        (model_copy / name).write_text(text)
    with pytest.raises(BackendDown, match=words):
        Chat.read(model_copy)


def test_no_end_at_all(model_copy):
    for name in ("config.json", "generation_config.json"):
        (model_copy / name).write_text("{}")
    (model_copy / "tokenizer_config.json").write_text(json.dumps({"chat_template": TEMPLATE}))
    with pytest.raises(BackendDown, match="nothing says which token ends an answer"):
        Chat.read(model_copy)


def test_a_tokenizer_of_another_time_says_which_file_it_is(model_copy):
    (model_copy / "tokenizer.json").write_text('{"version": "9.9", "model": {"type": "Telepathy"}}')
    with pytest.raises(Exception, match="Unknown tokenizer version") as caught:
        Chat.read(model_copy)
    assert "this tokenizers library cannot read it" in caught.value.__notes__[0]


@pytest.mark.parametrize(
    ("template", "said", "words"),
    [
        ("{{ raise_exception('no system role') }}", "x", "refuses the prompt: no system role"),
        ("{{ messages[0].content + 1 }}", "x", "refuses the prompt: can only concatenate str"),
        ("{{ ''.__class__.__mro__ }}", "x", "refuses the prompt: .*unsafe"),
        ("{# nothing #}", "x", "makes an empty prompt"),
        (TEMPLATE, "half a pair: \ud800", "the prompt is not valid text"),
    ],
)
def test_a_prompt_that_cannot_be_made_costs_one_request(template, said, words, model_copy):
    with pytest.raises(BackendError, match=words) as caught:
        write_template(model_copy, template).encode([Message("user", said)])
    assert not isinstance(caught.value, BackendDown)


def test_a_job_is_the_whole_block_of_the_first_stream(tiny_model):
    chat = Chat.read(tiny_model)
    job = chat.plan(ask(4, 6, says="sky", seed=9, max_tokens=5), num_known=300)
    assert (job.num, job.max_new, job.seed, job.first, job.stop) == (4, 5, block_seed(9, 1), 2, 4)
    greedy = chat.plan(ask(4, 6, temperature=0.0), num_known=300)
    assert (greedy.num, greedy.first, greedy.stop, greedy.is_greedy) == (1, 0, 1, True)


def test_a_token_the_model_does_not_know_costs_one_request(tiny_model):
    chat = Chat.read(tiny_model)
    (number,) = chat.tokenizer.encode(" sky", add_special_tokens=False).ids
    assert number > 258  # a word, not a byte
    with pytest.raises(BackendError, match=rf"the token 'Ġsky', number {number}, but the model knows 259"):
        chat.plan(ask(says=" sky"), num_known=259)


def test_a_conversation_that_has_ended_ends_with_its_last_turn(tiny_model):
    chat = Chat.read(tiny_model)
    turns = [Message("user", "sky"), Message("assistant", "sea")]
    whole = chat.whole(turns, num_known=300)
    assert chat.tokenizer.decode(whole, skip_special_tokens=False) == "<|user|>sky<|end|><|assistant|>sea<|end|>"
    assert chat.encode(turns) == (*whole, chat.tokenizer.token_to_id("<|assistant|>"))
    with pytest.raises(BackendError, match="but the model knows 3"):
        chat.whole(turns, num_known=3)
    room = CONTEXT - len(whole) + len(chat.tokenizer.encode("sea", add_special_tokens=False).ids)
    assert len(chat.whole([turns[0], Message("assistant", "x" * room)], num_known=300)) == CONTEXT
    with pytest.raises(PromptTooLong, match=r"the conversation is 8,193 tokens; the model reads 8,192"):
        chat.whole([turns[0], Message("assistant", "x" * (room + 1))], num_known=300)


def test_a_long_prompt_leaves_less_room_and_then_none(tiny_model):
    chat = Chat.read(tiny_model)
    used = len(chat.encode([Message("user", "")]))
    assert chat.plan(ask(says="x" * (CONTEXT - used - 3)), num_known=300).max_new == 3
    with pytest.raises(PromptTooLong, match=r"the prompt is 8,192 tokens; the judge reads and writes 8,192 together"):
        chat.plan(ask(says="x" * (CONTEXT - used)), num_known=300)


def test_answers_say_how_they_ended_and_what_they_took(tiny_model):
    chat = Chat.read(tiny_model)
    sky = chat.tokenizer.encode("sky", add_special_tokens=False).ids
    drafts = [Draft((*sky, 0)), Draft((1, *sky)), Draft((0,), (-0.5,)), Draft(())]
    answer = chat.answer(Job((1, 2, 3), 4, 9, 0, 0, 3), drafts)
    assert [(given.text, given.finish_reason) for given in answer.generations] == [
        ("sky", "stop"),
        ("sky", "length"),
        ("", "stop"),
    ]
    assert answer.generations[2].logprobs == (("<|end|>", -0.5),)
    assert (answer.prompt_tokens, answer.completion_tokens) == (3, 2 * len(sky) + 3)


def test_alternatives_are_kept_at_numbers(tiny_model):
    chat = Chat.read(tiny_model)
    seven, four, comma = (chat.tokenizer.token_to_id(token) for token in ("7", "4", ","))
    others = ((four, -1.0), (comma, -2.0), (seven, -20.0))
    drafts = [Draft((comma, seven, comma), (-0.5, -0.25, -0.125), (None, others, others))]
    (found,) = chat.answer(Job((1, 2, 3), 1, 9, 0, 0, 1), drafts).generations
    assert found.alternatives == (None, (("4", -1.0),), (("4", -1.0), (",", -2.0)))
    assert found.logprobs == ((",", -0.5), ("7", -0.25), (",", -0.125))


def test_seeds_of_blocks_differ_and_fit_31_bits():
    seeds = {block_seed(seed, block) for seed in range(40) for block in range(40)}
    assert len(seeds) == 1600
    assert all(0 <= seed < 1 << 31 for seed in seeds)


def test_a_digest_depends_on_names_and_contents_but_not_on_the_place(tmp_path):
    files = []
    for place, name, text in [("a", "x", "1"), ("b", "x", "1"), ("c", "y", "1"), ("d", "x", "2")]:
        (tmp_path / place).mkdir()
        files.append(tmp_path / place / name)
        files[-1].write_text(text)
    one, moved, renamed, changed = (digest_files([path], "more") for path in files)
    assert one == moved
    assert len({one, renamed, changed, digest_files(files[:1], "less")}) == 4
    with pytest.raises(BackendDown, match="cannot be read"):
        digest_files([tmp_path / "none"], "")


def test_a_file_that_is_not_there_says_nothing(tmp_path):
    assert read_json(tmp_path / "none.json") == {}


def test_a_package_that_is_missing_is_named_with_its_extra():
    with pytest.raises(BackendDown, match=r"needs the package no_such_engine.*pip install 'grmkit\[nano\]'"):
        load_package("no_such_engine", "nano")
