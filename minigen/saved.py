"""A saved model is a model: `load` builds the model that a file of weights describes, without its recipe.

`save_weights` writes a description of the model into the header of the file. In JSON, for example:

    {"NADE": {"D": 64, "H": 500}}
    {"Sequential": {"layers": [{"Linear": {"n_in": 64, "n_out": 500}}, "relu", {"Linear": {"n_in": 500, "n_out": 10}}]}}

A module is described by its class, a name in TABLE, and by the arguments of its constructor. An argument is a number, a
text, a list, a function of FUNCTIONS, by name, or another module. `load` calls the constructors, and then copies the
weights over the initial weights.

A file may come from anywhere. A description has no import paths: whatever is not in one of the two tables is refused.
Before a constructor is called, the numbers that it would make are counted (`Built.numbers`), and the counts of all
constructors together must not exceed what the file holds. So a small file cannot make a large model.
"""

from __future__ import annotations

import inspect
import math
import os
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from autograd import Tensor, backend
from minigen import __version__
from minigen.aae import AAE, SemiSupervisedAAE, StyleEncoder
from minigen.analysis.classifier import Classifier
from minigen.analysis.mixtures import Modes
from minigen.analysis.parzen import ParzenWindow
from minigen.analysis.ppca import ProbabilisticPCA, same
from minigen.ar import AR
from minigen.charrnn import CharRNN
from minigen.conditional import ChosenBiases, JoinedLabel, biases_of
from minigen.dcgan import Maps, Reshaped
from minigen.decoders import BernoulliDecoder, GaussianDecoder
from minigen.encoders import DeterministicEncoder, GaussianEncoder, NoisyEncoder
from minigen.ensemble import Ensemble
from minigen.eonade import EoNADE
from minigen.errors import CheckpointError, shown
from minigen.gan import GAN, OBJECTIVES
from minigen.gaussian_ar import GaussianAR
from minigen.markov import MarkovChain
from minigen.nade import NADE
from minigen.nn.arrays import RNGLike
from minigen.nn.conv import Conv2d, ConvTranspose2d
from minigen.nn.functions import leaky_relu, relu, sigmoid
from minigen.nn.layers import Linear, Sequential
from minigen.nn.maps import MaskedConv2d
from minigen.nn.module import Module
from minigen.nn.normalisation import BatchNorm, SpectralNorm
from minigen.nn.rnn import GRU, LSTM, RNN
from minigen.penalties import gradient_penalty, r1_penalty
from minigen.pixelrnn import PixelRNN
from minigen.priors import Flower, MixturePrior, StandardNormal, SwissRoll, VampPrior
from minigen.rnade import RNADE
from minigen.table import Categorical, FullTable, IndependentBernoulli
from minigen.training.files import PART, Weights
from minigen.uses import BayesClassifier
from minigen.vae import VAE


class Built:
    """How the modules of one class are described and built.

    make: the class. names: the arguments of its constructor that a description has, in order. Other arguments, such as
        `rng`, take their defaults: they choose initial weights alone, which the file replaces.
    numbers: a function of some of these arguments, by name: how many numbers the constructor makes, at least a quarter
        of them and never more; without those of the modules among the arguments. None: no numbers, or fewer than they.
    by: in place of the constructor, a function that makes such a module from arguments that a description can have.
    read: for each argument that is no attribute of this name, a function of the module that returns the argument.
    parameters: the constructor's, by name, as `inspect` describes them.
    """

    def __init__(
        self,
        make: type[Module],
        names: str,
        numbers: Callable[..., int] | None = None,
        by: Callable[..., Module] | None = None,
        **read: Callable[[Any], Any],
    ):
        self.make, self.names, self.numbers, self.by, self.read = make, names.split(), numbers, by or make, read
        self.parameters = inspect.signature(self.by).parameters

    def arguments(self, module: Module) -> dict[str, Any]:
        """Return the constructor's arguments, by name, that make such a module."""
        return {name: self.read[name](module) if name in self.read else getattr(module, name) for name in self.names}

    def count(self, arguments: dict[str, Any]) -> int:
        """Return how many numbers the constructor makes of these arguments, as `numbers` says."""
        if self.numbers is None:
            return 0
        return int(self.numbers(**{name: arguments[name] for name in inspect.signature(self.numbers).parameters}))

    def __call__(self, arguments: dict[str, Any]) -> Module:
        """Return a module with random weights."""
        many = [name for name in self.names if self.parameters[name].kind is inspect.Parameter.VAR_POSITIONAL]
        others = {name: value for name, value in arguments.items() if name not in many}
        rng = {"rng": 0} if "rng" in self.parameters else {}
        return self.by(*(item for name in many for item in arguments[name]), **others, **rng)


def _recurrent(gates: int) -> Callable[..., int]:
    """Return the count of a recurrent network's numbers, a function of its arguments.  gates: of a cell."""

    def count(n: int, H: int, layers: int, bidirectional: bool) -> int:
        directions = 1 + bidirectional
        return directions * gates * H * (n + H + 1 + (layers - 1) * (directions * H + H + 1))

    return count


def _convolution(n_in: int, n_out: int, kernel_size: Any) -> int:
    """The count of a convolution's numbers, without the bias."""
    return n_in * n_out * math.prod(kernel_size)


def _masked_convolution(n_in: int, n_out: int, kernel_size: Any) -> int:
    """The count of a masked convolution's numbers: less than half of its taps have weights."""
    return n_in * n_out * (math.prod(kernel_size) // 2)


def _chain(D: int, order: int, states: int, homogeneous: bool) -> int:
    """The count of a Markov chain's numbers in the tables of all positions with `order` positions before them."""
    return (states - 1) * states ** min(order, 64) * (1 if homogeneous else D - order)


def _of_pixels(variant: str, H: int, layers: int, levels: int, kernel: int) -> int:
    """The count of a PixelRNN's numbers, the largest arrays alone."""
    in_layer = {"raster": 4, "row": 30, "diagonal": 34, "cnn": 9}.get(variant, 0) * H * H
    return layers * in_layer + (0 if variant == "raster" else H * kernel**2 + 64 * H) + H * (levels - 1)


def _over_characters(V: int, cell: str, H: int, layers: int, *, rng: RNGLike = None) -> CharRNN:
    """A CharRNN over the characters 0 … V − 1: the file's alphabet, an array, replaces them."""
    return CharRNN(map(chr, range(V)), cell, H, layers, rng=rng)


def _of_characters(V: int, cell: str, H: int, layers: int) -> int:
    """The count of a CharRNN's numbers, without its alphabet."""
    gates = {"rnn": 1, "gru": 3, "lstm": 4}.get(cell, 0)
    return _recurrent(gates)(V, H, layers, False) + (H + 1) * V


def _tables(model: Module, classes: int) -> int:
    """The count of the numbers that ChosenBiases adds to its model: rows of the tables after the first, and ln p(y)."""
    return classes + (classes - 1) * sum(p.shape[-1] for p in biases_of(model).values())


def _second_generator(generator: Module, averaged: bool) -> int:
    """The count of the numbers in the averaged generator of a GAN, a copy of the first."""
    if any(isinstance(part, GAN) for part in generator.with_all_within()):  # each copies the one inside it
        raise ValueError("the generator of a GAN holds a GAN")
    return sum(array.size for array in generator.arrays().values()) if averaged else 0


def _recurrent_layers(make: type[Module], gates: int) -> Built:
    """Return the entry of a recurrent network."""
    return Built(
        make,
        "n H layers bidirectional",
        _recurrent(gates),
        layers=lambda m: len(m.cells) // m.directions,
        bidirectional=lambda m: m.directions == 2,
    )


_features = lambda encoder: encoder.head.n_in
_before = lambda layer: [pixels for pixels, _ in layer.padding]

TABLE: dict[str, Built] = {
    built.make.__name__: built
    for built in (
        # layers
        Built(Linear, "n_in n_out", lambda n_in, n_out: (n_in + 1) * n_out),
        Built(Sequential, "layers"),
        Built(Reshaped, "shape"),
        Built(Maps, "shape classes"),
        Built(BatchNorm, "channels eps momentum", lambda channels: 4 * channels, channels=lambda m: m.scale.size),
        Built(SpectralNorm, "layer iterations"),
        Built(Conv2d, "n_in n_out kernel_size stride padding", _convolution, padding=_before),
        Built(ConvTranspose2d, "n_in n_out kernel_size stride padding output_padding", _convolution, padding=_before),
        Built(MaskedConv2d, "n_in n_out kernel_size mask", _masked_convolution),
        _recurrent_layers(RNN, 1),
        _recurrent_layers(GRU, 3),
        _recurrent_layers(LSTM, 4),
        # explicit models
        Built(IndependentBernoulli, "D", lambda D: D),
        Built(Categorical, "m", lambda m: m - 1, m=lambda m: m.num_states),
        Built(FullTable, "D", lambda D: 2 ** min(D, 64) - 1),
        Built(MarkovChain, "D order states homogeneous", _chain, states=lambda m: m.num_states),
        Built(AR, "D order", lambda D, order: D + D * order // 2),
        Built(GaussianAR, "D order", lambda order: order),
        Built(NADE, "D H", lambda D, H: 2 * D * H + H + D),
        Built(
            EoNADE,
            "D H num_orders",
            lambda D, H, num_orders: 3 * D * H + H + D + num_orders * max(D, 1),
            num_orders=lambda m: len(m.orders),
        ),
        Built(RNADE, "D H components", lambda D, H, components: 3 * D * (H + 1) * components),
        Built(Ensemble, "models"),
        Built(PixelRNN, "shape variant H layers levels kernel cell", _of_pixels),
        Built(CharRNN, "V cell H layers", _of_characters, _over_characters),
        Built(ProbabilisticPCA, "D d", lambda D, d: D * d),
        Built(ParzenWindow, "samples sigma"),
        # latent variables
        Built(
            GaussianEncoder,
            "body n d covariance",
            lambda n, d, covariance: (n + 1) * (d * (d + 3) // 2 if covariance == "full" else 2 * d),
            n=_features,
        ),
        Built(DeterministicEncoder, "body n d", lambda n, d: (n + 1) * d, n=_features),
        Built(NoisyEncoder, "body n d noise", lambda n, d: (n + 1) * d, n=_features),
        Built(
            StyleEncoder,
            "body n classes d",
            lambda n, classes, d: (n + 1) * (classes + d),
            n=lambda m: m.of_y.n_in,
            classes=lambda m: m.of_y.n_out,
            d=lambda m: m.of_z.n_out,
        ),
        Built(BernoulliDecoder, "body D"),
        Built(
            GaussianDecoder,
            "body D learned per_pixel",
            lambda D, per_pixel: D * per_pixel,
            learned=lambda m: isinstance(m.log_var, Tensor),
            per_pixel=lambda m: m.log_var.size > 1,
        ),
        Built(StandardNormal, "d", lambda d: d),
        Built(MixturePrior, "d components", lambda d, components: d * components, components=lambda m: m.logits.size),
        Built(
            VampPrior,
            "encoder D components",
            lambda D, components: (D + 1) * components,
            encoder=lambda m: m.encode,
            D=lambda m: m.images.shape[1],
            components=lambda m: m.logits.size,
        ),
        Built(Flower, "petals", lambda petals: 6 * petals),
        Built(SwissRoll, "parts turns radius noise"),
        Built(Modes, "centres sigma"),
        Built(VAE, "encoder decoder prior samples beta kl gradient"),
        Built(
            AAE,
            "encoder decoder prior discriminator classes",
            encoder=lambda m: m.autoencoder.encoder,
            decoder=lambda m: m.autoencoder.decoder,
        ),
        Built(
            SemiSupervisedAAE,
            "encoder decoder prior of_y of_z",
            encoder=lambda m: m.autoencoder.encoder,
            decoder=lambda m: m.autoencoder.decoder,
            of_y=lambda m: m.discriminator.of_y,
            of_z=lambda m: m.discriminator.of_z,
        ),
        # conditional on a label
        Built(ChosenBiases, "model classes", _tables),
        Built(JoinedLabel, "model classes", lambda classes: classes),
        # adversarial training
        Built(
            GAN,
            "generator discriminator prior D objective penalty averaged",
            _second_generator,
            objective=lambda m: next((name for name, pair in OBJECTIVES.items() if pair == m.objective), m.objective),
            averaged=lambda m: m.average is not None,
        ),
        # uses
        Built(BayesClassifier, "models"),
        Built(
            Classifier,
            "D hidden classes",
            lambda D, hidden, classes: sum((n + 1) * m for n, m in pairwise([D, *hidden, classes])),
        ),
    )
}
"""The classes that a file may name, by the name in the file, the class's own."""

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "relu": relu,
    "leaky_relu": leaky_relu,
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "same": same,
    "gradient_penalty": gradient_penalty,
    "r1_penalty": r1_penalty,
}
"""The functions that a file may name."""
OPTIONS = {"slope", "weight"}
"""The arguments of these functions that a file may set, as `functools.partial` does, each a number."""

DEEPEST = 32
"""The most modules that stand one inside the other in a description."""
LARGEST = 1 << 24
"""The largest whole number in a description, such as a size."""


# -- a module → its description


class UndescribedError(Exception):
    """A module holds something that is in neither table."""


def description(module: Module) -> dict[str, Any] | None:
    """Return the description of a module, nested dictionaries and lists for JSON, see the start of this file.

    The result is None if the module, or a module or function inside it, is in neither TABLE nor FUNCTIONS, such as a
    class of your own or a lambda.
    """
    try:
        return described(module, {}, DEEPEST)
    except (UndescribedError, AttributeError, TypeError, LookupError):  # the latter: a module that was changed by hand
        return None


def described(value: Any, beside: dict[str, Any], depth: int) -> Any:
    """Return the description of an argument.

    value: a number, a text, None, a list, an array, a function or a module. beside: the earlier arguments of the
    modules around it, by name. A method of one of them stands for that argument, and is described by its name: so a
    VampPrior names the encoder of its VAE. depth: the most modules one inside the other.
    Raises UndescribedError.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [described(item, beside, depth) for item in value]
    if backend.is_array(value):
        return {"zeros": list(value.shape)}
    owner = getattr(value, "__self__", None)
    built = TABLE.get(type(value).__name__)
    if built and built.make is type(value) and depth:
        found: dict[str, Any] = {}
        arguments = built.arguments(value)
        for name, argument in arguments.items():
            earlier = {other: arguments[other] for other in found}
            found[name] = described(argument, beside | earlier, depth - 1)
        return {type(value).__name__: found}
    if isinstance(value, partial) and not value.args and value.keywords.keys() <= OPTIONS:
        return {described(value.func, {}, depth): value.keywords}
    names = [name for name, function in FUNCTIONS.items() if function is value]
    names += [name for name, module in beside.items() if owner is not None and module is owner]
    if not names:
        raise UndescribedError
    return names[0]


# -- a description → a module


def whole(value: Any) -> bool:
    """Return whether a value from JSON is a whole number from 0 to LARGEST."""
    return type(value) is int and 0 <= value <= LARGEST


def sizes(value: Any) -> bool:
    """Return whether a value from JSON is a list of whole numbers."""
    return isinstance(value, list) and all(map(whole, value))


PLAIN: dict[str, Callable[[Any], bool]] = {
    "int": whole,
    "float": lambda value: type(value) in (int, float) and abs(value) < math.inf,
    "bool": lambda value: type(value) is bool,
    "str": lambda value: type(value) is str,
    "tuple[int, int]": sizes,
    "int | tuple[int, int]": sizes,
    "Sequence[int]": sizes,
}
"""What JSON may hold for an argument with this annotation. Any other annotation is that of a module or a function."""


class Builder:
    """Builds the modules of one description.  left: the most numbers that the modules still to be built may hold."""

    def __init__(self, numbers: int):
        self.left = numbers

    def whole(self, found: Any) -> Module:
        """Return the module that `found` describes.

        found: the description of a file. Raises ValueError, or what a constructor raises, for a value that describes no
        module, or one that holds a module twice.
        """
        with np.errstate(all="ignore"):
            model = self.module(found, {}, DEEPEST)
        if not isinstance(model, Module):
            raise ValueError("it describes no module")
        if len({id(p) for p in model.parameters().values()}) < len(model.parameters()):
            raise ValueError("it has one module twice")
        return model

    def module(self, found: Any, beside: dict[str, Any], depth: int) -> Any:
        """Return the module, function or array that `found` describes.

        found: a value from JSON. beside: the earlier arguments of the modules around it, by name. depth: the most
        modules one inside the other. Raises ValueError, or what a constructor raises, for a value that describes none.
        """
        if isinstance(found, str) and isinstance(beside.get(found), Module):
            return beside[found]
        if isinstance(found, str) and found in FUNCTIONS:
            return FUNCTIONS[found]
        if not isinstance(found, dict) or len(found) != 1 or not depth:
            raise ValueError(f"{shown(found, PART)} is no module or function of it")
        ((name, options),) = found.items()
        if name == "zeros" and sizes(options):
            self.spend(math.prod(options))
            return np.zeros(options, np.float32)
        if not isinstance(options, dict):
            raise ValueError(f"{shown(name, PART)} has no arguments")
        if name in FUNCTIONS and options.keys() <= OPTIONS and all(map(PLAIN["float"], options.values())):
            return partial(FUNCTIONS[name], **options)
        if name not in TABLE:
            raise ValueError(f"{shown(name, PART)} is no module or function of it")
        return self.built(TABLE[name], options, beside, depth)

    def built(self, built: Built, options: dict[str, Any], beside: dict[str, Any], depth: int) -> Module:
        """Return a module of one class.

        built: the class's entry in TABLE. options: arguments from JSON; an argument that is not there takes its
        default. beside, depth: as `module` takes them. Raises ValueError for an argument that the class lacks.
        """
        arguments: dict[str, Any] = {}
        for name in built.names:
            parameter = built.parameters[name]
            if name in options:
                several = parameter.kind is inspect.Parameter.VAR_POSITIONAL
                kind = parameter.annotation
                arguments[name] = self.argument(options[name], kind, several, beside | arguments, depth)
            elif parameter.default is not inspect.Parameter.empty:
                arguments[name] = parameter.default
        if unknown := options.keys() - arguments.keys():
            raise ValueError(f"{built.make.__name__} has no {shown(min(unknown), PART)}")
        self.spend(built.count(arguments))
        return built(arguments)

    def argument(self, found: Any, annotation: str, several: bool, beside: dict[str, Any], depth: int) -> Any:
        """Return an argument of a constructor.

        found: its value from JSON. annotation: of the argument. several: found is a list of such arguments. beside: the
        arguments before this one. depth: the most modules one inside the other. Raises ValueError for another kind of
        value.
        """
        if annotation not in PLAIN:
            if found is None and annotation.endswith("| None"):
                return None
            if isinstance(found, list):
                return [self.module(item, beside, depth - 1) for item in found]
            return self.module(found, beside, depth - 1)
        if not (sizes(found) if several else PLAIN[annotation](found)):
            raise ValueError(f"{shown(found, PART)} is out of range")
        return tuple(found) if isinstance(found, list) else found

    def spend(self, numbers: int) -> None:
        """Subtract from the numbers that are left. Raises ValueError if there are not so many."""
        self.left -= numbers
        if self.left < 0:
            raise ValueError("it has more numbers than the file holds")


def load(path: str | os.PathLike[str]) -> Any:
    """Return the model in `path`, a file that `save_weights` or a demo wrote, with its weights, on the device in use.

    The model has the file's dtype, float32 or float64. `weights_header(path)["facts"]` says what a demo has noted, such
    as the data set. Allocates a few times the bytes of the file, whatever the file says.

    Raises CheckpointError if the file is damaged, of a newer format or no file of weights, if it does not describe a
    model of minigen (then build the model and call `load_weights`), or if arrays do not fit their description;
    FileNotFoundError if there is no file.
    """
    cure = "build the model and call load_weights(model, path)"
    with Weights(path) as weights:
        found, version = weights.header.get("model"), weights.header.get("version")
        if not isinstance(found, dict):
            of = f"the arrays of a {weights.name}" if found else "arrays"
            raise CheckpointError(f"{path} holds {of} without a description of the model: {cure}")
        try:
            model = Builder(weights.numbers()).whole(found)
        except Exception as error:  # a constructor refuses bad arguments by errors of any kind
            said = f"{path} describes a model that minigen {__version__} cannot build ({shown(error, PART)})"
            newer = "" if version == __version__ else f"read it with minigen {shown(version, PART)} or newer, or "
            raise CheckpointError(f"{said}: {newer}{cure}") from error
        again = f"{cure}, or save it again"
        weights.compare(model, again)
        of_parameters = {weights.outlines[name].dtype.newbyteorder("=") for name in model.parameters()}
        if of_parameters == {np.dtype(np.float64)}:
            model.astype(np.float64)
        for name, array in model.arrays().items():
            there = weights.outlines[name].dtype.newbyteorder("=")
            if array.dtype.kind == "f" and there != array.dtype:
                raise CheckpointError(f"{path} holds {shown(name, PART)} in {there}, not in {array.dtype}: {again}")
        weights.fill(model)
    return model
