"""Training: optimizers, steps, the loop `fit` over epochs, weights on disk, and resumed training."""

from minigen.training.files import load_weights, save_weights
from minigen.training.history import Epoch, History
from minigen.training.loop import fit
from minigen.training.optim import SGD, Adam
from minigen.training.steps import Descent

__all__ = ["SGD", "Adam", "Descent", "Epoch", "History", "fit", "load_weights", "save_weights"]
