"""The folder of models, read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.evaluation.field.models import FieldError, models, open_model
from app.pictures.image_sets import ImageSetError
from tests.evaluation.field.folders import WANTED, tiny_field

if TYPE_CHECKING:
    from pathlib import Path


def test_models_are_named_by_their_folders(tmp_path: Path) -> None:
    """Data, network, attack and rate are the folder's names; what is no model is left alone."""
    (tiny_field(tmp_path) / "measured").mkdir()
    found = [(one.data, one.network, one.attack, one.rate) for one in models(tmp_path)]
    assert [("tiny", "mean", "badnets", "10%"), ("tiny", "mean", "none", "")] == found


def test_a_model_comes_with_its_images_and_what_is_poisoned(tmp_path: Path) -> None:
    """The trigger's place is a stamp; without an attack there is nothing poisoned."""
    attacked, clean = models(tiny_field(tmp_path))
    subject, poisoned = open_model(attacked)
    assert poisoned is not None
    assert poisoned.stamp is not None
    assert (16, 16, 20) == (*poisoned.stamp.rgba.shape[:2], len(poisoned.index))
    assert {WANTED} == set(poisoned.wanted.tolist())
    assert not (subject.labels[poisoned.index] == WANTED).any()
    assert open_model(clean)[1] is None


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    """An absent folder, and one without models, are told apart, with the mend."""
    with pytest.raises(FieldError, match="there is no such folder"):
        models(tmp_path / "absent")
    with pytest.raises(FieldError, match="no model in it"):
        models(tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """Without what is poisoned a model is no use."""
    model = models(tiny_field(tmp_path))[0]
    (model.folder / "poisoned.npz").unlink()
    with pytest.raises(FieldError, match=r"poisoned.npz is missing"):
        open_model(model)


def test_arrays_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    """Poisoned images of another size, or of images that the test set hasn't."""
    model = models(tiny_field(tmp_path))[0]
    path = model.folder / "poisoned.npz"
    np.savez(path, x=np.zeros((2, 9, 9, 3), np.uint8), index=[0, 1], wanted=[2, 2])
    with pytest.raises(ImageSetError, match="not what the model takes"):
        open_model(model)
    np.savez(path, x=np.zeros((2, 16, 16, 3), np.uint8), index=[0, 99], wanted=[2, 2])
    with pytest.raises(ImageSetError, match="don't fit"):
        open_model(model)
