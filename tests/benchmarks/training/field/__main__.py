"""Train the models of `neo-gateway evaluate --suite field` on the zoo's images; none is committed.

python -m tests.benchmarks.training.field --only mnist,plain,badnets,10

It needs what `python -m tests.benchmarks.training` needs: torch and onnx, in an environment of its
own. A model takes a core half a minute (digits) to a few. CIFAR-10 has few images in the zoo, so
that its models are right in half of them: give more as FOLDER/cifar10/train.npz (x, y) by --more.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from time import perf_counter

from tests.benchmarks.training.lacking import give_up
from tests.benchmarks.zoo import ZOO

COMMAND = "python -m tests.benchmarks.training.field"

try:
    import torch

    from tests.benchmarks.training.field.adopted import FIELD
    from tests.benchmarks.training.field.architectures import ARCHITECTURES
    from tests.benchmarks.training.field.attacks import RATES
    from tests.benchmarks.training.field.training import EPOCHS, FieldTraining
except ModuleNotFoundError as missing:
    give_up(COMMAND, missing)


def main() -> None:
    """Train every model that isn't there yet; with --only those that all words of one name."""
    torch.set_num_threads(1)
    arguments = _arguments()
    chosen = [set(words.split(",")) for words in arguments.only]
    for name in arguments.data:
        training = FieldTraining(arguments.zoo, name, arguments.out, arguments.more)
        for architecture in ARCHITECTURES:
            _train(training, architecture, chosen)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=COMMAND,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", nargs="+", metavar="WORDS", default=[], help="mnist,plain,sig,10")
    parser.add_argument("--data", nargs="+", metavar="NAME", default=list(EPOCHS))
    parser.add_argument("--zoo", type=Path, default=ZOO)
    parser.add_argument("--out", type=Path, default=FIELD)
    parser.add_argument("--more", type=Path)
    return parser.parse_args()


def _train(training: FieldTraining, architecture: str, chosen: list[set[str]]) -> None:
    if chosen and not any(architecture in one or not one & set(ARCHITECTURES) for one in chosen):
        return
    for rate in RATES:
        for attack in training.all_attacks(architecture):
            words = {training.name, architecture, attack.name, str(round(100 * rate))}
            folder = training.folder(architecture, attack, rate)
            if (folder / "meta.json").exists() or (
                chosen and not any(one <= words for one in chosen)
            ):
                continue
            since = perf_counter()
            meta = training.train(architecture, attack, rate)
            print(  # noqa: T201  # it has no rich in its environment
                f"{folder}: accuracy {meta['clean_accuracy']:.3f}, attack success"
                f" {meta['attack_success']:.3f}, {perf_counter() - since:.0f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
