"""The reconstructed poisoned inputs, as one picture and as files."""

from __future__ import annotations

import zipfile
from dataclasses import asdict
from io import BytesIO
from typing import TYPE_CHECKING

import orjson

from app.pictures.drawing import Pair, examples_sheet
from app.pictures.encoding import png
from app.web.answering.answers import predicted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.detection.search import Answers
    from app.gateway.examples import Examples
    from app.web.answering.answers import Labels, PredictedClass


def sheet(examples: Examples, labels: Labels) -> bytes:
    """Return a PNG of the images before and after stamping, the model's answers under them."""
    pairs = [
        Pair(
            examples.clean[i],
            examples.stamped[i],
            _caption(_said(examples.clean_answers, i, labels)),
            _caption(_said(examples.stamped_answers, i, labels)),
        )
        for i in range(len(examples.clean))
    ]
    return examples_sheet(pairs)


def archive(examples: Examples, labels: Labels) -> bytes:
    """Return a .zip: clean/00.png…, stamped/00.png…, and answers.json, what the model says."""
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        for name, content in files(examples, labels):
            packed.writestr(zipfile.ZipInfo(name), content)
    return file.getvalue()


def files(examples: Examples, labels: Labels) -> Iterator[tuple[str, bytes]]:
    """Yield the same files, by their names."""
    answers = []
    for i in range(len(examples.clean)):
        clean, stamped = f"clean/{i:02}.png", f"stamped/{i:02}.png"
        yield clean, png(examples.clean[i])
        yield stamped, png(examples.stamped[i])
        answers += [
            {"file": clean, **asdict(_said(examples.clean_answers, i, labels))},
            {"file": stamped, **asdict(_said(examples.stamped_answers, i, labels))},
        ]
    yield "answers.json", orjson.dumps(answers, option=orjson.OPT_INDENT_2)


def _said(answers: Answers, i: int, labels: Labels) -> PredictedClass:
    index = int(answers.labels[i])
    score = None if answers.scores is None else float(answers.scores[i, index])
    return predicted(index, score, labels)


def _caption(said: PredictedClass) -> str:
    return said.label if said.score is None else f"{said.label}  {said.score:.2f}"
