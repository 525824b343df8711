# %% [markdown]
# # 3. Pixel-RNN: a memory that walks over the image
#
# You build an LSTM (*long short-term memory*), a network that remembers. It walks over the pixels of a digit and gives
# every image its exact probability. On the way you see in numbers why a plain recurrent network forgets, and what the
# gates of an LSTM are for.
#
# Reading and running: 30 minutes. Each ✓ below compares a formula with a second way to compute it. If you break the
# formula, the ✓ turns into ✗ and the program stops.

# %%
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(globals().get("__file__", "x")).resolve().parents[1]))  # the clone that holds this file

import matplotlib.pyplot as plt
import numpy as np

from autograd import Tensor, backend, console, grad
from minigen.data import digits

console.printable()  # on any terminal
backend.use("numpy")  # "cupy" trains on a CUDA device: to_device copies arrays to the device, to_numpy brings them back
QUICK = bool(os.environ.get("QUICK"))  # QUICK=1: fewer training steps
rng = np.random.default_rng(0)


# %%
def check(what, expected, yours, within=1e-6):
    """Print two values that must be equal (of many numbers, the worst three), and stop if they are not."""
    if yours is None:
        sys.exit(f"✗ {what}: expected {np.ravel(expected)[:3]}, yours nothing yet: write the function above")
    same = np.shape(expected) == np.shape(yours)
    worst = np.argsort(-np.abs(np.subtract(expected, yours)), axis=None)[:3] if same else slice(3)
    good = same and np.allclose(expected, yours, rtol=0, atol=within)
    say = lambda v: ", ".join(f"{number:.5g}" for number in np.ravel(v)[worst])
    line = f"{'✓' if good else '✗'} {what}: expected {say(expected)}, yours {say(yours)}"
    print(line) if good else sys.exit(line)


# %%
def show(name):
    """Show the figure. A program also writes it to the folder out/lessons; --show opens a window."""
    if "ipykernel" not in sys.modules:
        Path("out/lessons").mkdir(parents=True, exist_ok=True)
        plt.savefig(f"out/lessons/{name}.png", dpi=100, bbox_inches="tight")
    if "ipykernel" in sys.modules or "--show" in sys.argv:
        plt.show()
    plt.close()


# %% [markdown]
# ## The chain rule, once more
#
# $$P(x_1, \cdots, x_n) = P(x_1)\, P(x_2|x_1)\, P(x_3|x_{1:2}) \cdots P(x_n|x_{1:n-1})$$
#
# NADE gives each pixel its own rows of weights, so its size grows with the image. A *recurrent* network (RNN) has one
# small set of weights for all pixels. From step to step it carries a *state* h: what it remembers of the past. The
# simplest one has a single number as its state, a single weight w, and an input $u_t$ at each step:
#
# $$h_t = \tanh(w h_{t-1} + u_t)$$
#
# ## Why a plain network forgets
#
# To learn that pixel 1 matters for pixel 60, the gradient must travel back over 59 steps. Each step multiplies it by
# $\partial h_t / \partial h_{t-1} = w (1 - h_t^2)$, so by the chain rule of calculus, over T steps:
#
# $$\frac{\partial h_T}{\partial h_0} = \prod_{t=1}^{T} w (1 - h_t^2)$$


# %%
def walk(w, h, inputs):
    """The states h₁ … h_T of the plain network. h: the state h₀ at the start. inputs: u₁ … u_T."""
    states = []
    for u in inputs:
        h = np.tanh(w * h + u)
        states.append(h)
    return states


# %%
def slope_of_walk(w, states):
    """∂h_T/∂h₀ from the states h₁ … h_T."""
    # answer: np.prod of the list of w (1 − h²) over the states
    return np.prod([w * (1 - h**2) for h in states])
    # end


# %%
inputs, h0 = 0.5 * rng.normal(size=20), Tensor(0.1, requires_grad=True)
states = walk(1.2, h0, inputs)
by_engine, numbers = grad(states[-1], h0).item(), [h.item() for h in states]
check("∂h₂₀/∂h₀ is the product of twenty factors", by_engine, slope_of_walk(1.2, numbers), within=1e-12)

# %% [markdown]
# ## Gates
#
# The LSTM keeps a second state, the cell c, and changes it only through *gates*, numbers between 0 and 1: σ(f) says how
# much of the old cell stays, σ(i) how much of the new value tanh(g) enters, σ(o) how much of the cell is shown as h.
#
# $$c_t = \sigma(f) \, c_{t-1} + \sigma(i) \tanh(g), \qquad h_t = \sigma(o) \tanh(c_t)$$
#
# In each step f, i, o and g are computed from the input and the state, $(f, i, o, g) = [u_t, h_{t-1}]\, W + b$. From
# cell to cell the factor of a step is σ(f) alone: $\partial c_t / \partial c_{t-1} = \sigma(f)$ for given gates. If f
# is large, the factor is nearly 1, and the gradient does not shrink.


# %%
def sigmoid(a):
    return 1 / (1 + np.exp(-a))


# %%
def new_cell(c, f, i, g):
    """The cell c_t after a step, from the cell c before it."""
    # answer: what stays of c, plus what enters of tanh(g); sigmoid is above
    return sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    # end


# %%
check("f = 50, i = −50: the cell does not change", 0.7, new_cell(0.7, 50, -50, 3.0))
check("f = −50, i = 50: the cell is tanh(g)", np.tanh(3.0), new_cell(0.7, -50, 50, 3.0))

# %% [markdown]
# **Before you look:** the picture shows $|\partial h_T / \partial h_0|$ for three plain networks, with w = 0.8, 1.2 and
# 2, and $|\partial c_T / \partial c_0|$ for a cell with σ(f) = 0.98. The inputs are random with standard deviation ½.
# Which of the plain ones keeps the gradient? A large w makes the factor w larger; what does it do to 1 − h²?

# %%
inputs, T = 0.5 * rng.normal(size=64), np.arange(1, 65)
for w, colour in ((0.8, "#e0a458"), (1.2, "#c8553d"), (2.0, "#7d6b91")):
    factors = [w * (1 - h**2) for h in walk(w, 0.1, inputs)]
    plt.semilogy(T, np.abs(np.cumprod(factors)), color=colour, label=f"plain, w = {w}")
plt.semilogy(T, 0.98**T, color="#1f2a44", label="cell, σ(f) = 0.98")
plt.xlabel("T"), plt.ylabel("|gradient|"), plt.legend()
show("3_gradients")

# %% [markdown]
# None of them. A large w drives h towards ±1, where 1 − h² is nearly 0: w = 2 is the worst. The cell still has
# $0.98^{64} = 0.27$ of its gradient after 64 steps.
#
# ## The walk over an image
#
# The pixels are read row by row. At pixel t the network gets two inputs: the pixel just before it, t − 1 (its left
# neighbour, or at the start of a row the last pixel of the row above), and the pixel above it. A pixel before the first
# one counts as 0. Everything else must come from the memory. The logit of pixel t comes from the state:
#
# $$p(x_t = 1|x_{<t}) = \sigma(l_t), \qquad l_t = V \cdot h_t + d$$


# %%
def lstm_step(W, b, u, h, c):
    """The states (h, c) after one step. u: the two inputs, (images, 2). h, c: the states before, (images, H)."""
    f, i, o, g = np.split(np.concatenate([u, h], axis=1) @ W + b, 4, axis=1)
    c = new_cell(c, f, i, g)
    return sigmoid(o) * np.tanh(c), c


# %%
def logits(weights, x, width):
    """The logit of each pixel, given the pixels before it: (images, n) → (images, n). width: pixels in a row."""
    W, b, V, d = weights
    h = c = np.zeros_like(x, shape=(len(x), len(V)))
    padded, columns = np.pad(x, ((0, 0), (width, 0))), []  # pixel t is padded[:, t + width]
    for t in range(x.shape[1]):
        h, c = lstm_step(W, b, padded[:, [t + width - 1, t]], h, c)  # before, above
        columns.append(h @ V + d)
    return np.stack(columns, axis=1)


# %%
def log_prob(weights, x, width=8):
    """ln p(x) of each image, in nats."""
    # answer: ell = logits(weights, x, width), then Σ [x l − ln(1 + eˡ)] over the pixels, with np.logaddexp(0, ell)
    ell = logits(weights, x, width)
    return np.sum(x * ell - np.logaddexp(0, ell), axis=1)
    # end


# %%
def lstm(H, scale):
    """Return random weights [W, b, V, d] for H cells. The bias of f is 1, so σ(f) starts near σ(1) = 0.73."""
    b = np.concatenate([np.ones(H), np.zeros(3 * H)])
    return [scale * rng.normal(size=(2 + H, 4 * H)), b, scale * rng.normal(size=H), np.zeros(1)]


# %% [markdown]
# The usual question: is it a distribution? There are only 64 images of 2×3 pixels, so all can be listed. **Before you
# run this:** which property of the walk makes their probabilities add up to 1, for any weights?

# %%
small, every_image = lstm(4, 1.0), (np.arange(64)[:, None] >> np.arange(6)) % 2 * 1.0  # binary digits of 0 … 63
p = sigmoid(logits(small, every_image, 3))
by_hand = np.log(np.prod(np.where(every_image == 1, p, 1 - p), axis=1))
check("ln p(x) is the logarithm of the product", by_hand, log_prob(small, every_image, 3))
check("Σ p(x) over all 64 images", 1.0, np.exp(log_prob(small, every_image, 3)).sum(), within=1e-12)

# %% [markdown]
# The logit of pixel t uses only pixels before t. So each factor is the probability of a pixel given its past, on and
# off sum to 1, and the product is a distribution by the chain rule.
#
# ## Training
#
# Maximum likelihood on the digits of 8×8 pixels, by Adam as in lesson 2. The engine records the whole walk, 64 steps of
# the LSTM, and goes back over it: *back-propagation through time*.


# %%
def train(weights, loss, steps, rate=0.005):
    """Minimise loss(weights) by Adam. Return the new weights and the loss of every step."""
    tensors, losses = [Tensor(backend.to_device(w), requires_grad=True) for w in weights], []
    m, v = [0.0] * len(tensors), [0.0] * len(tensors)
    for t in range(1, steps + 1):
        value = loss(tensors)
        value.backward()
        for k, w in enumerate(tensors):
            m[k] = 0.9 * m[k] + 0.1 * w.grad
            v[k] = 0.999 * v[k] + 0.001 * w.grad**2
            w.data -= rate * (m[k] / (1 - 0.9**t)) / (np.sqrt(v[k] / (1 - 0.999**t)) + 1e-8)
            w.grad = None
        losses.append(value.item())
    return [backend.to_numpy(w) for w in tensors], losses


# %%
data = digits()
x_train, x_test = data.train.images.astype(float), data.test.images.astype(float)


# %%
def loss(weights):
    batch = backend.to_device(x_train[rng.integers(len(x_train), size=100)])
    return -np.mean(log_prob(weights, batch))


# %%
weights, losses = train(lstm(32, 0.2), loss, 15 if QUICK else 800, rate=0.01)
nats = -log_prob(weights, x_test)
print(f"−ln p(x) = {nats.mean():.2f} ± {nats.std() / len(nats) ** 0.5:.2f} nats, exact, 300 test digits")
print(f"{sum(w.size for w in weights)} parameters")

# %% [markdown]
# ## What does it remember?
#
# Flip one pixel, and see how far each logit moves. **Before you look:** the flipped pixel is the 28th, in the middle of
# the fourth row. Which logits cannot move?

# %%
flipped = x_test.copy()
flipped[:, 27] = 1 - flipped[:, 27]
moved = np.mean(np.abs(logits(weights, flipped, 8) - logits(weights, x_test, 8)), axis=0)
check("the flipped pixel and those before it do not notice", np.zeros(28), moved[:28], within=0)
plt.imshow(moved.reshape(8, 8), cmap="Reds"), plt.colorbar(label="mean |change of the logit|")
show("3_flip")

# %% [markdown]
# The logits of the first 28 pixels cannot move: they are computed before the network reads pixel 28. After it the
# neighbours move most, also the pixel below: the network sees pixel 28 directly, as the pixel above. Further on the
# change becomes small, but does not reach zero: this part went through the memory.

# %% [markdown]
# ## Sampling
#
# The same walk, but each pixel is drawn before the walk goes on. The function below is short but wasteful: for each
# pixel it calls `logits` for all pixels so far, and uses only the last one.


# %%
def sample(weights, n, D, width):
    """Draw n images of D pixels."""
    x = np.zeros((n, D))
    for t in range(D):
        x[:, t] = rng.random(n) < sigmoid(logits(weights, x[:, : t + 1], width)[:, t])
    return x


# %%
index = sample(small, 50_000, 6, 3) @ 2 ** np.arange(6)
frequencies = np.bincount(index.astype(int), minlength=64) / len(index)
check("frequencies are probabilities", np.exp(log_prob(small, every_image, 3)), frequencies, within=0.01)

# %% [markdown]
# **Before you look:** the first row shows real digits, the two rows below samples. A pixel is drawn when only the
# pixels above it and to its left are known. Which mistakes do you expect?

# %%
rows = [x_test[:12], sample(weights, 12, 64, 8), sample(weights, 12, 64, 8)]
framed = np.pad(np.reshape(rows, (3, 12, 8, 8)), ((0, 0), (0, 0), (0, 1), (0, 1)))
plt.imshow(framed.transpose(0, 2, 1, 3).reshape(27, 108), cmap="Greys"), plt.axis("off")
show("3_samples")

# %% [markdown]
# Strokes go on well from pixel to pixel, because the network sees these neighbours. Parts that lie far apart do not
# always fit: a loop stays open, or the digit is none that we know. This must go through the memory.
#
# ## Exercises
#
# 1. *Predict.* Start with the bias of f at −3 in place of 1. Is the mean of the first hundred losses higher or lower,
#    and why?
# 2. *Write.* A sampler that carries h and c along and calls `lstm_step` once for each pixel. From the same random
#    numbers it must draw the same images.
# 3. *Break.* In `logits`, show the network the pixel itself: `t + width` in place of `t + width - 1`. Which ✓ notices
#    first? Make the same mistake in `minigen/nn/maps.py`: in `offsets_seen`, keep every tap with `tap <= self.centre`.
#    Then run `python -m pytest -q tests/minigen/test_pixelrnn.py` and read which claims are broken.
#
# Answers to the questions and the exercises: [answers].
#
# ## The same in minigen
#
# | here | minigen | claim | tests |
# |---|---|---|---|
# | `new_cell`, `lstm_step` | `lstm_step`: [`minigen/nn/cells.py`] | [R-2] | [`test_bptt.py`] |
# | the walk, forth and back | `lstm`: [`minigen/nn/bptt.py`] | [R-1] | [`test_bptt.py`] |
# | `logits`, `log_prob`, `sample` | `PixelRNN`: [`minigen/pixelrnn.py`] | [R-3], [R-5], [R-6] | [`test_pixelrnn.py`] |
#
# `python -m demos pixelrnn` compares walks over rows, over diagonals, and convolutions.
#
# [`minigen/nn/cells.py`]: ../minigen/nn/cells.py
# ../docs/lecture.md#pixel-rnn
# [`test_bptt.py`]: ../tests/minigen/nn/test_bptt.py
# [`minigen/nn/bptt.py`]: ../minigen/nn/bptt.py
# ../docs/lecture.md#pixel-rnn
# [`minigen/pixelrnn.py`]: ../minigen/pixelrnn.py
# ../docs/lecture.md#pixel-rnn
# ../docs/lecture.md#pixel-rnn
# ../docs/lecture.md#pixel-rnn
# [`test_pixelrnn.py`]: ../tests/minigen/test_pixelrnn.py
# [answers]: ../lessons/answers/3_pixelrnn.md
