"""What every demo shares: its command line, its folder, and how it states a likelihood."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from minigen.model import ExplicitModel
from minigen.train import log_probs


def parser(name: str, description: str) -> argparse.ArgumentParser:
    """A command line whose help shows every default, with the options that every demo has."""
    result = argparse.ArgumentParser(
        prog=f"python -m demos {name}",
        description=description,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    seed = "everything random follows from it; the same seed repeats"
    result.add_argument("--seed", type=number(int, least=0), default=0, help=seed)
    result.add_argument("--out", type=folder, default=f"out/{name}", help="folder for pictures, figures and weights")
    return result


def number(kind: Callable[[str], float], above: float = 0, least: float | None = None) -> Callable[[str], float]:
    """An argparse type: a number `above` a bound, or at least `least` where that is given."""

    def convert(text: str) -> float:
        value = kind(text)
        if not (value > above if least is None else value >= least):
            bound = f"above {above:g}" if least is None else f"at least {least:g}"
            raise argparse.ArgumentTypeError(f"must be {bound}, got {text}")
        return value

    convert.__name__ = kind.__name__
    return convert


def folder(text: str) -> Path:
    """An argparse type: a folder, which is made if it is not there."""
    path = Path(text)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise argparse.ArgumentTypeError(f"cannot be a folder: {error}") from None
    return path


def print_likelihoods(title: str, rows: Iterable[tuple[str, ExplicitModel]], images: np.ndarray) -> None:
    """A table of test likelihoods: parameters, mean NLL ± its standard error in nats an image, and in bits a pixel.

    title: which images these are and how they became binary. The models here have exact densities.
    """
    print(f"{title}\n{'':<24}{'parameters':>12}{'NLL, nats (exact)':>22}{'bits/pixel':>14}")
    for name, model in rows:
        nll = -log_probs(model, images)
        mean, error = nll.mean(), nll.std(ddof=1) / np.sqrt(len(nll))
        bits = mean / np.log(2) / images.shape[1]
        print(f"{name:<24}{model.num_parameters:>12,}{f'{mean:.2f} ± {error:.2f}':>22}{bits:>14.3f}")
