"""What every demo shares: its command line, its folder, and how it states a likelihood."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np


def parser(name: str, description: str) -> argparse.ArgumentParser:
    """A command line whose help shows every default, with the options that every demo has."""
    result = argparse.ArgumentParser(
        prog=f"python -m demos {name}",
        description=description,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    result.add_argument("--seed", type=int, default=0, help="everything random follows from it; the same seed repeats")
    result.add_argument("--out", type=Path, default=Path("out") / name, help="folder for pictures, figures and weights")
    return result


def positive(kind: type) -> type:
    """An argparse type: a number of this kind above zero."""

    def convert(text: str) -> float:
        number = kind(text)
        if not number > 0:
            raise argparse.ArgumentTypeError(f"{text} is not above zero")
        return number

    convert.__name__ = f"positive {kind.__name__}"
    return convert  # type: ignore[return-value]


def likelihood_row(name: str, num_parameters: int, log_probs: np.ndarray, kind: str = "exact") -> str:
    """One line of a table: mean NLL over images ± its standard error, in nats and in bits a pixel.

    log_probs: ln p of each test image; kind: whether that is exact, a bound or an estimate.
    """
    nll, error = -log_probs.mean(), log_probs.std(ddof=1) / np.sqrt(len(log_probs))
    return f"{name:<24}{num_parameters:>12,}{nll:>14.2f} ± {error:.2f}   {kind}"
