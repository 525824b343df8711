# %% [markdown]
# # 2. NADE: the chain rule with a network
#
# You build the *neural autoregressive density estimator*: a network that gives every image its exact probability, and
# that draws images pixel by pixel. Nothing in it is approximated, so nearly every formula can be checked to the last
# digit.
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

from autograd import Tensor, backend, console
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
# ## The data
#
# Handwritten digits, 8×8 pixels, each pixel 0 or 1, read row by row: pixel 1 is at the top left.

# %%
data = digits()
x_train, x_test = data.train.images.astype(float), data.test.images.astype(float)
D, H = data.D, 50  # 64 pixels, 50 hidden units

# %% [markdown]
# ## One probability for each pixel
#
# NADE assumes that pixel i depends on all pixels before it, 1 … i − 1. This is the chain rule, which holds for every
# distribution:
#
# $$P(x_1, \cdots, x_n) = P(x_1)\, P(x_2|x_1)\, P(x_3|x_{1:2}) \cdots P(x_n|x_{1:n-1})$$
#
# As tables, the factors need $1 + 2 + 4 + \cdots + 2^{n-1} = 2^n - 1$ numbers: pixel i has $2^{i-1}$ different pasts.
# NADE computes each factor by a network instead. We write $x_{<i}$ for the pixels before i, and D for the number of
# pixels. All pixels share the weights W of the hidden layer:
#
# $$p(x_i = 1|x_{<i}) = \sigma(b_i + V_i \cdot h_i), \qquad h_i = \sigma\Big(c + \sum_{j<i} x_j W_j\Big)$$
#
# W and V have a row of H numbers for each pixel, b has a number for each pixel, and c has H numbers. The number inside
# the first σ is called the *logit* of pixel i: $l_i = b_i + V_i \cdot h_i$. The sigmoid $\sigma(l) = 1 / (1 + e^{-l})$
# turns it into a probability.


# %%
def nade(D, H, scale):
    """Return random weights [W, V, b, c] for D pixels and H hidden units."""
    return [scale * rng.normal(size=(D, H)), scale * rng.normal(size=(D, H)), np.zeros(D), np.zeros(H)]


# %% [markdown]
# **Before you run this:** how many numbers does NADE have for 64 pixels, and how many does the table have?

# %%
count = sum(w.size for w in nade(D, H, 1))
check("NADE has 2DH + H + D parameters", 2 * D * H + H + D, count, within=0)
print(f"the table has {2.0**D - 1:.1e}")

# %% [markdown]
# First the formula as it stands. x has a row for each image. Python counts pixels from 0, so the pixels before pixel i
# are `x[:, :i]`, and the sum over j is a product of matrices, `x[:, :i] @ W[:i]`.


# %%
def sigmoid(a):
    return 1 / (1 + np.exp(-a))


# %%
def logits_naive(weights, x):
    """The logit bᵢ + Vᵢ · hᵢ of every pixel: (images, D) → (images, D)."""
    W, V, b, c = weights
    # answer: np.stack, along axis 1, of one column for each pixel i
    return np.stack([b[i] + sigmoid(c + x[:, :i] @ W[:i]) @ V[i] for i in range(len(b))], axis=1)
    # end


# %%
tiny = nade(3, 5, 1.0)
W, V, b, c = tiny
by_hand = [b[0] + V[0] @ sigmoid(c), b[1] + V[1] @ sigmoid(c + W[0]), b[2] + V[2] @ sigmoid(c + W[0])]
check("three logits of the image (1, 0, 1), by hand", [by_hand], logits_naive(tiny, np.array([[1.0, 0, 1]])))

# %% [markdown]
# ## The same in one walk
#
# The naive form computes each sum from its beginning: about $D^2 H / 2$ multiplications for an image, 102,400 here. But
# write $a_i = c + \sum_{j<i} x_j W_j$ for the sum inside $h_i = \sigma(a_i)$. The next sum is the old one plus one row:
#
# $$a_1 = c, \qquad a_{i+1} = a_i + x_i W_i$$
#
# **Before you read on:** how many multiplications do all the sums of an image take now?


# %%
def logits(weights, x):
    """The same logits in one walk, which carries a along the pixels."""
    W, V, b, c = weights
    # answer: a = c + np.zeros_like(x[:, [0]]), one row an image; at each i note the logit, then add xᵢ Wᵢ (x[:, [i]])
    a, columns = c + np.zeros_like(x[:, [0]]), []
    for i in range(len(b)):
        columns.append(b[i] + sigmoid(a) @ V[i])
        a = a + x[:, [i]] * W[i]
    return np.stack(columns, axis=1)
    # end


# %%
large = nade(D, H, 0.3)
check("the walk is the naive form", logits_naive(large, x_test), logits(large, x_test), within=1e-12)

# %% [markdown]
# DH = 3,200: one row of W for each pixel. (The products $V_i \cdot h_i$ take another DH in both forms.)
#
# ## The likelihood
#
# In place of p(x), a product of 64 small numbers, compute its logarithm. With $\ln \sigma(l) = l - \ln(1 + e^l)$ and
# $\ln(1 - \sigma(l)) = -\ln(1 + e^l)$ the chain rule becomes a sum:
#
# $$\ln p(x) = \sum_i \left[ x_i l_i - \ln(1 + e^{l_i}) \right]$$


# %%
def log_prob(weights, x):
    """ln p(x) of each image, in nats: (images, D) → (images,)."""
    # answer: ell = logits(weights, x), then the sum over the pixels; np.logaddexp(0, ell) is ln(1 + e^l)
    ell = logits(weights, x)
    return np.sum(x * ell - np.logaddexp(0, ell), axis=1)
    # end


# %% [markdown]
# The unit of a natural logarithm is called *nat*.
#
# Is this a distribution? For 8 pixels we can add up the probabilities of all 256 images. **Before you run this:** the
# weights are random. Must the sum be 1 all the same?

# %%
small = nade(8, 5, 1.0)
every_image = (np.arange(256)[:, None] >> np.arange(8)) % 2 * 1.0  # a row for each number 0 … 255: its binary digits
p = sigmoid(logits(small, every_image))
check("ln p(x) is the logarithm of the product", np.log(np.prod(np.where(every_image == 1, p, 1 - p), axis=1)),
      log_prob(small, every_image))  # fmt: skip
check("Σ p(x) over all 256 images", 1.0, np.sum(np.exp(log_prob(small, every_image))), within=1e-12)

# %% [markdown]
# Yes: for each past the two probabilities of a pixel, σ(l) and 1 − σ(l), sum to 1. Add over the last pixel first, then
# over the one before it, and so on: 1 is left, for any weights.
#
# ## Sampling
#
# To draw an image, walk over the pixels: draw pixel i from its own probability, then add xᵢ Wᵢ to a, as before. If the
# first pixels are given, the same walk *completes* the image.


# %%
def sample(weights, x, start=0):
    """Keep the pixels of x before `start`, and draw the others one after the other."""
    W, V, b, c = weights
    # answer: x = x.copy(), a = c + x[:, :start] @ W[:start], then the walk from start; rng.random(len(x)) < p draws
    x, a = x.copy(), c + x[:, :start] @ W[:start]
    for i in range(start, len(b)):
        x[:, i] = rng.random(len(x)) < sigmoid(b[i] + sigmoid(a) @ V[i])
        a = a + x[:, [i]] * W[i]
    return x
    # end


# %% [markdown]
# Does the walk draw each image with the probability that `log_prob` says? Draw 200,000 images of 3 pixels, and count
# each of the 8 images. **Before you run this:** about how far from its probability may a frequency be?

# %%
check("what is given is kept", every_image, sample(small, every_image, start=8))
drawn = sample(tiny, np.zeros((200_000, 3))) @ [1, 2, 4]  # the number of the image in every_image
frequencies = np.bincount(drawn.astype(int), minlength=8) / len(drawn)
check("frequencies are probabilities", np.exp(log_prob(tiny, every_image[:8, :3])), frequencies, within=0.005)


# %% [markdown]
# The standard error of a frequency is $\sqrt{p(1-p)/200{,}000}$, at most 0.0011. The check allows more than four times
# as much.
#
# ## Training
#
# Maximise the mean of ln p(x) over the training images: maximum likelihood. Each step takes 100 of the images. Adam
# divides the running mean of the gradient by the root of the running mean of its square, so each weight moves by about
# `rate` a step, or less.


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
def loss(weights):
    batch = backend.to_device(x_train[rng.integers(len(x_train), size=100)])
    return -np.mean(log_prob(weights, batch))


# %%
steps = 40 if QUICK else 1_000
weights, losses = train(nade(D, H, 0.05), loss, steps, rate=0.01)

# %% [markdown]
# For comparison: pixels that are independent, each with its frequency in the training images.
#
# **Before you run this:** which of the two gives the test images the higher probability? On the training images, can
# the best NADE be worse than independent pixels? (Think of V = 0.)

# %%
frequency = (x_train.sum(axis=0) + 1) / (len(x_train) + 2)
alone = -np.sum(np.where(x_test == 1, np.log(frequency), np.log(1 - frequency)), axis=1)
for name, nats in (("independent pixels", alone), ("NADE", -log_prob(weights, x_test))):
    print(f"{name}: −ln p(x) = {nats.mean():.2f} ± {nats.std() / len(nats) ** 0.5:.2f} nats, exact, 300 test digits")

# %% [markdown]
# One nat less means: the model finds the image e times more probable. ± is the standard error over the test images.
# NADE wins. On the training images the best NADE cannot lose: with V = 0 every logit is $b_i$, so independent pixels
# are one of its cases.
#
# **Before you look:** the upper row shows real digits, the next row samples. In the three rows below, the upper half of
# each digit is given, and NADE completes it three times. What will the three completions share, and where do they
# differ?

# %%
half = D // 2
rows = [x_test[:12], sample(weights, np.zeros((12, D)))] + [sample(weights, x_test[:12], half) for _ in range(3)]
framed = np.pad(np.reshape(rows, (5, 12, 8, 8)), ((0, 0), (0, 0), (0, 1), (0, 1)))
plt.imshow(framed.transpose(0, 2, 1, 3).reshape(45, 108), cmap="Greys")
plt.axis("off")
show("2_samples")

# %% [markdown]
# All three have the given upper half. The lower halves differ, most where the upper half fits several digits.
#
# **Before you look:** the next picture shows how surprised NADE is by each pixel on average, $-\ln p(x_i|x_{<i})$ in
# nats. Which pixels of an image are easy to predict, and which are hard?

# %%
p = sigmoid(logits(weights, x_test))
surprise = np.mean(-np.log(np.where(x_test == 1, p, 1 - p)), axis=0)
check("the surprises add up to −ln p(x)", -log_prob(weights, x_test).mean(), surprise.sum(), within=1e-9)
plt.imshow(surprise.reshape(8, 8), cmap="Reds")
plt.colorbar(label="nats")
show("2_surprise")

# %% [markdown]
# The margins are easy, because almost no digit has ink there. The hard pixels lie where a stroke may pass or not. In
# the first row even two pixels near the middle are among the hardest: the pixels before them say nothing about the
# digit yet.
#
# ## Box: what "autoregressive" costs
#
# To compute p(x) of a given image, no walk is needed: all pixels are known, so all logits could be computed at the same
# time (in the naive form no logit waits for another). Sampling does need a walk, because pixel i + 1 depends on pixel
# i, which was just drawn. This is the price of every autoregressive model, from NADE to language models.
#
# ## Exercises
#
# 1. *Predict.* Set V to zero before the training and keep it there. Which model is left, and what will its −ln p(x) be?
# 2. *Write.* Read the pixels in another order: the same permutation of the columns of `x_train` and `x_test`. Train
#    again. Does −ln p(x) of the test digits change?
# 3. *Break.* In `logits`, add xᵢ Wᵢ to a *before* the logit of pixel i is noted. Which ✓ notices first? Make the same
#    mistake in `minigen/nade.py`: move the line `logits[i] = np.dot(t, V[i])` of `nade_logits` to the end of its loop.
#    Then run `python -m pytest -q tests/minigen/test_nade.py`: claim N-4 says what is wrong.
#
# Answers to the questions and the exercises: [answers].
#
# ## The same in minigen
#
# | here | minigen | claim | tests |
# |---|---|---|---|
# | `logits_naive`, `logits` | `nade_logits_reference`, `nade_logits`: [`minigen/nade.py`] | [N-1] | [`test_nade.py`] |
# | `log_prob` | `NADE.log_prob`: [`minigen/nade.py`] | [I-1], [N-8] | [`test_explicit_models.py`], [`test_nade.py`] |
# | `sample` | `NADE.generate`, `NADE.complete`: [`minigen/nade.py`] | [N-5], [N-6], [N-7] | [`test_nade.py`] |
#
# `python -m demos nade` trains a larger one with a learning rate that falls.
#
# [`minigen/nade.py`]: ../minigen/nade.py
# [N-1]: ../docs/lecture.md#nade
# [`test_nade.py`]: ../tests/minigen/test_nade.py
# [I-1]: ../docs/lecture.md#generative-model
# [N-8]: ../docs/lecture.md#nade
# [`test_explicit_models.py`]: ../tests/minigen/test_explicit_models.py
# [N-5]: ../docs/lecture.md#nade
# [N-6]: ../docs/lecture.md#nade
# [N-7]: ../docs/lecture.md#nade
# [answers]: ../lessons/answers/2_nade.md
