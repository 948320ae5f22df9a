"""What the experiments train: what it costs, and how."""

import claim_2_principles
import numpy as np
import pytest
import torch
import train_nano_judge
from claims.cells import Cell
from claims.judges import Judges, stages_of
from claims.measure import Setup
from transformers import Qwen3ForCausalLM

from tiny_recipe import make_model


def test_minutes_count_every_training_once(tmp_path):
    judges = Judges({"tiny-base": tmp_path, "tiny": tmp_path}, tmp_path, tmp_path, stages=stages_of([0]))
    (tmp_path / "model.safetensors").touch()
    assert judges.minutes("tiny") == 0
    assert judges.minutes("rft-0") == 4
    assert judges.minutes("spct-0") == 4 + 8
    assert judges.minutes("spct-0", "meta-rm-0") == judges.minutes("meta-rm-0") == 4 + 8 + 4
    (tmp_path / "rft-0" / "model").mkdir(parents=True)
    (tmp_path / "rft-0" / "model" / "model.safetensors").touch()
    assert judges.minutes("spct-0", "meta-rm-0") == 8 + 4


def test_the_meta_rm_of_a_judge_is_trained_for_a_cell_that_wants_its_scores(tmp_path):
    judges = Judges({"tiny-base": tmp_path, "shipped": tmp_path}, tmp_path, tmp_path, stages=stages_of([0]))
    setup = Setup(judges, tmp_path, tmp_path, tmp_path)
    assert setup.trained_for(Cell("spct-0", has_meta=True)) == ["spct-0", "meta-rm-0"]
    assert setup.trained_for(Cell("spct-0")) == ["spct-0"]
    assert setup.trained_for(Cell("shipped", has_meta=True)) == ["shipped"], "that one is given"


def test_muon_in_full_precision_does_the_same_more_exactly():
    """Against five Newton-Schulz steps written out in 64 bits; an update does not depend on the gradient's length."""
    gradient = torch.tensor([[3.0, 1.0, 0.5], [1.0, 2.0, -1.0]])

    def update(*, is_full: bool):
        weight = torch.nn.Parameter(torch.zeros(2, 3))
        weight.grad = gradient.clone()
        optimizer = torch.optim.Muon([weight], lr=1.0, weight_decay=0.0, adjust_lr_fn="original")
        if is_full:
            with train_nano_judge.InFullPrecision():
                optimizer.step()
        else:
            optimizer.step()
        return -weight.detach().double()

    wanted = gradient.double() / gradient.double().norm()
    for _ in range(5):
        gram = wanted @ wanted.T
        wanted = 3.4445 * wanted + (-4.7750 * gram + 2.0315 * gram @ gram) @ wanted
    exact, rounded = update(is_full=True), update(is_full=False)
    assert (exact - wanted).abs().max() < 1e-5 < 1e-4 < (rounded - wanted).abs().max() < 0.05


def test_more_layers_change_nothing_until_they_are_trained(tmp_path):
    small = make_model(tmp_path / "tiny")
    plan = train_nano_judge.Plan(str(tmp_path / "out"), start=str(small), more_layers=3)
    ids = torch.arange(12)[None] + 5
    deep = train_nano_judge.make_model(plan, None)
    before = Qwen3ForCausalLM.from_pretrained(small, dtype=torch.float32)
    assert deep.config.num_hidden_layers == len(deep.config.layer_types) == before.config.num_hidden_layers + 3
    assert torch.equal(deep(ids).logits, before(ids).logits)
    assert (
        deep.generate(ids, max_new_tokens=4, do_sample=False).tolist()
        == before.generate(ids, max_new_tokens=4, do_sample=False).tolist()
    ), "every layer has a place of its own in the cache"
    deep(ids).logits.square().mean().backward()
    zeros = [layer for layer in deep.model.layers if not layer.mlp.down_proj.weight.any()]
    assert len(zeros) == 3
    assert all(layer.mlp.down_proj.weight.grad.any() and layer.self_attn.o_proj.weight.grad.any() for layer in zeros)


@pytest.mark.parametrize("flags", [["--more-layers", "2"], ["--more-layers", "-1", "--start", "somewhere"]])
def test_layers_are_added_to_a_judge_that_is_there(flags):
    with pytest.raises(SystemExit, match=r"--more-layers is -?\d; expected 0 or more, beside the --start"):
        train_nano_judge.parse_args(flags)


def test_a_part_of_claim_2_is_not_decided_by_half_of_its_tests():
    right, wrong = np.ones(50), np.zeros(50)
    assert claim_2_principles._gaps([("filtered", right, wrong), ("gold", None, wrong)]) == []
    found = claim_2_principles._gaps([("filtered", right, wrong), ("gold", right, wrong)])
    assert [test.value for test in found] == [1.0, 1.0]


def test_the_rows_of_claim_2_are_of_the_same_items():
    own, given = np.array([0.0] * 10 + [1.0] * 30), np.array([0.0] * 5 + [1.0] * 5)
    shipped = {"own": own, "given": given, "filtered": None, "gold": None}
    table = claim_2_principles.accuracies(shipped, dict.fromkeys(shipped), 8)
    assert table.title == "Voting@8 by principles, the first 10 test items"
    assert [None if row[1] is None else (row[1].value, row[1].items) for row in table.rows] == [
        (0.0, 10),
        (0.5, 10),
        None,
        None,
    ]
