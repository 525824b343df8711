"""Descent: optimizers, steps, the loop, and what makes a run go on."""

from minigen.training.files import load_weights, save_weights
from minigen.training.loop import Descent, Epoch, History, fit
from minigen.training.optim import SGD, Adam

__all__ = ["SGD", "Adam", "Descent", "Epoch", "History", "fit", "load_weights", "save_weights"]
