"""Parameters, layers, recurrent cells and convolutions. No module here depends on a model."""

from minigen.nn.conv import Conv2d, ConvTranspose2d
from minigen.nn.functions import relu, sigmoid
from minigen.nn.layers import Linear, Sequential, mlp, one_hot
from minigen.nn.maps import MaskedConv2d
from minigen.nn.module import Module, Parameter, evaluating
from minigen.nn.normalisation import BatchNorm, SpectralNorm
from minigen.nn.rnn import GRU, LSTM, RNN

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "BatchNorm",
    "Conv2d",
    "ConvTranspose2d",
    "Linear",
    "MaskedConv2d",
    "Module",
    "Parameter",
    "Sequential",
    "SpectralNorm",
    "evaluating",
    "mlp",
    "one_hot",
    "relu",
    "sigmoid",
]
