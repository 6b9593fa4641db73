import sys
from dataclasses import replace

import torch

from tests.helpers import BRIEF, SMALL
from tests.training.helpers import drawn_mask, fresh, job_of, made_up
from uticket.training.key import FOLDERS_OF_A_TRAINING, PACKAGE, code_in_use, digest, key_of
from uticket.training.ranks import ALONE, Ranks


def test_folders_of_a_training_exist():
    assert all((PACKAGE / folder / "__init__.py").exists() for folder in FOLDERS_OF_A_TRAINING)


def test_code_counts_whether_it_is_imported_yet_or_not(tmp_path, monkeypatch):
    program = tmp_path / "stage.py"
    program.write_text("main")
    (tmp_path / "engine").mkdir()
    (tmp_path / "engine" / "lif_gpu.py").write_text("late")
    monkeypatch.setattr("uticket.training.key.PACKAGE", tmp_path)
    monkeypatch.setattr(sys.modules["__main__"], "__file__", str(program), raising=False)
    before = code_in_use()
    assert {"late", "main"} <= set(before)
    program.write_text("other")
    assert code_in_use() != before


def test_digest_differs_for_different_parts():
    one, two = torch.tensor([1.0, 2.0]), torch.tensor([2.0, 1.0])
    assert digest(["a", one]) == digest(["a", one.clone()])
    assert len({digest(parts) for parts in (["a", one], ["a", two], ["b", one], ["a"], ["a", one, two])}) == 5


def test_key_depends_on_all_that_decides_the_result():
    def key(ranks=ALONE, model=None, settings=None, density=0.5, test=None, **more):
        network = fresh(SMALL.model_copy(update=model))
        job = job_of(network, drawn_mask(network, density), BRIEF.model_copy(update=settings), **more)
        return key_of(job if test is None else replace(job, test=test), ranks)

    assert key() == key(settings={"save_minutes": 3.0})
    others = [
        key(settings={"weight_decay": 0.0}),
        key(model={"timesteps": 3}),
        key(model={"leak": 0.5}),
        key(model={"surrogate_alpha": 3.0}),
        key(density=0.4),
        key(seed=1),
        key(rewind_epoch=1),
        key(test=made_up(26)),
        key(ranks=Ranks(0, 2)),
    ]
    assert len({key(), *others}) == 1 + len(others)
