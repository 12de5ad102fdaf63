"""What is known of an image as it was sent."""

from __future__ import annotations

import hashlib

import numpy as np

from app.gateway.visit import Visit
from app.pictures.decoding import fitted, opened
from app.ports import Arrival, InputSize
from app.settings import Resize
from tests.files import encoded
from tests.tiny import clean_images

IMAGE = clean_images(1, np.random.default_rng(0))[0]


def test_picture_is_the_file_that_was_sent() -> None:
    """Of an upload the digest, the size and the picture are the file's own."""
    file = encoded(IMAGE, "JPEG")
    visit = Visit(Arrival(IMAGE), sent=file)
    assert (len(file), hashlib.sha256(file).hexdigest()) == (visit.size, visit.sha256)
    assert file is visit.picture


def test_row_of_a_tensor_counts_as_it_was_sent() -> None:
    """Of a tensor the digest is that of the image's numbers; its picture has the pixels."""
    tensor = np.asfortranarray(np.stack([IMAGE, IMAGE[::-1]]).astype(np.float32) / 255)
    visit = Visit(Arrival(IMAGE), sent=tensor[0])
    numbers = tensor[0].tobytes()  # in C order
    assert (len(numbers), hashlib.sha256(numbers).hexdigest()) == (visit.size, visit.sha256)
    kept = opened(visit.picture, max_pixels=IMAGE.size)
    assert np.array_equal(IMAGE, fitted(kept, InputSize(*IMAGE.shape), Resize.STRETCH))
