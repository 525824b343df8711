# %% [markdown]
# # 1. Independence, and what it costs
#
# You put probabilities into tables that can be printed, derive from them all rules that the lecture uses, and then fit
# the lecture's first models to digits by nothing but counting.
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

from autograd import Tensor, grad
from minigen.data import digits

QUICK = bool(os.environ.get("QUICK"))  # QUICK=1: fewer samples
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
# ## A distribution is a table
#
# A variable with m outcomes has m probabilities. They add up to 1, so m − 1 of them can be chosen. (The notes say
# "m variables"; they mean one variable with m outcomes.) Three pixels x, y, z together have $2^3 = 8$ outcomes, so
# $2^3 - 1 = 7$ parameters. The table has an axis for each pixel: `P[x, y, z]`.

# %%
P = rng.dirichlet(np.ones(8)).reshape(2, 2, 2)
print(P.round(3))
check("the table sums to 1", 1.0, P.sum())

# %% [markdown]
# **Before you run this:** how many parameters have 64 pixels? And 784?

# %%
for n in (3, 64, 784):
    print(f"{n} pixels: {2.0**n - 1:.3g} parameters")

# %% [markdown]
# ## Three rules
#
# To ignore a variable, add over it: $P(x, y) = \sum_z P(x, y, z)$. To know a variable, divide:
# $P(x|y) = P(x, y) / P(y)$. Everything else follows from these two.
#
# **Chain rule.** $P(x, y, z) = p(x)\, p(y|x)\, p(z|x, y)$, for any table and in any order.

# %%
P_x, P_xy = P.sum(axis=(1, 2)), P.sum(axis=2)
y_given_x, z_given_xy = P_xy / P_x[:, None], P / P_xy[:, :, None]
check("chain rule", P, P_x[:, None, None] * y_given_x[:, :, None] * z_given_xy)

# %% [markdown]
# **Bayes' rule** turns a condition around:
#
# $$P(x|y) = \frac{P(x, y)}{P(y)} = \frac{P(y|x)\, P(x)}{P(y)}$$


# %%
def bayes(y_given_x, P_x):
    """P(x|y) as a table [x, y], from P(y|x) as a table [x, y] and P(x)."""
    # answer: the numerator P(y|x) P(x) as a table [x, y]; P(y) is the sum of this table over x
    joint = y_given_x * P_x[:, None]
    return joint / joint.sum(axis=0)
    # end


# %%
check("Bayes' rule", P_xy / P_xy.sum(axis=0), bayes(y_given_x, P_x))

# %% [markdown]
# **Conditional independence.** Let z be the cause of both x and y, and nothing else connect them:
# $P(x, y, z) = P(z)\, P(x|z)\, P(y|z)$. We write $x \perp y \mid z$, and then $P(x|y, z) = P(x|z)$: who knows z learns
# nothing about x from y.
#
# **Before you run this:** is x also independent of y if z is *not* known?

# %%
P_z, x_given_z, y_given_z = np.array([0.5, 0.5]), np.array([[0.9, 0.2], [0.1, 0.8]]), np.array([[0.7, 0.1], [0.3, 0.9]])
Q = x_given_z[:, None, :] * y_given_z[None, :, :] * P_z
x_given_yz = Q / Q.sum(axis=0)
check("P(x|y, z) = P(x|z), whatever y is", np.stack([x_given_z, x_given_z], axis=1), x_given_yz)
x_given_y = Q.sum(axis=2) / Q.sum(axis=(0, 2))
print(f"but P(x = 1|y = 0) = {x_given_y[1, 0]:.2f} and P(x = 1|y = 1) = {x_given_y[1, 1]:.2f}")

# %% [markdown]
# ## From all to nothing, and between
#
# The chain rule for n pixels has the factors $p(x_i|x_1, \cdots, x_{i-1})$. Models differ in how much of the past a
# factor may look at:
#
# | assumption | factor of pixel i | parameters |
# |---|---|---|
# | none | $p(x_i\|x_1, \cdots, x_{i-1})$ | $2^n - 1$ |
# | independent | $p(x_i)$ | n |
# | Markov | $p(x_i\|x_{i-1})$ | 1 + 2(n − 1) = 2n − 1 |
# | AR(k), as a table | $p(x_i\|x_{i-k}, \cdots, x_{i-1})$ | $2^k - 1 + (n - k) 2^k$ |
#
# (For Markov the notes print $2^n - 1$, the number of the full table. The first pixel has one parameter, each other
# pixel has two, one for each value of the pixel before it.)


# %%
def parameters(n, k):
    """The number of parameters of n binary pixels, each with the k pixels before it as its past."""
    # answer: add up 2 ** (number of pixels in the past) over the pixels
    return sum(2 ** min(i, k) for i in range(n))
    # end


# %%
check("independent", 64, parameters(64, 0))
check("Markov", 2 * 64 - 1, parameters(64, 1))
check("AR(8)", 2**8 - 1 + (64 - 8) * 2**8, parameters(64, 8))
check("everything, for 10 pixels", 2**10 - 1, parameters(10, 9))

# %% [markdown]
# ## Maximum likelihood is counting
#
# Which probability p of "on" makes the data most probable? For N images in which a pixel is on k times,
# $\ln p(\text{data}) = k \ln p + (N - k) \ln(1 - p)$. Set the derivative to zero: $k/p = (N - k)/(1 - p)$, so p = k/N,
# the frequency. The engine agrees:

# %%
k, N = 30, 100
p = Tensor(k / N, requires_grad=True)
check("the slope of ln p(data) at p = k/N", 0.0, grad(k * np.log(p) + (N - k) * np.log(1 - p), p).item())

# %% [markdown]
# So every model of the table above is learned by counting: for each pixel and each past, how often was the pixel on?
# A past that never occurred would give 0/0. Add ½ to the count of "on" and to the count of "off".

# %%
data = digits()
x_train, x_test = data.train.images.astype(int), data.test.images.astype(int)


# %%
def pasts(x, k):
    """Number the past of each pixel, the k pixels before it as a binary number: (images, n) → (images, n)."""
    padded = np.pad(x, ((0, 0), (k, 0)))  # zeros before the first pixel
    return sum((2**j * padded[:, k - 1 - j : k - 1 - j + x.shape[1]] for j in range(k)), 0 * x)


# %%
def fit(x, k):
    """p(pixel i is on | its past), by counting: a table [i, past]."""
    past, rows = pasts(x, k), np.arange(x.shape[1])
    on, seen = np.full((x.shape[1], 2**k), 0.5), np.full((x.shape[1], 2**k), 1.0)
    for image, of_image in zip(x, past, strict=True):
        seen[rows, of_image] += 1
        on[rows, of_image] += image
    return on / seen


# %%
check("without a past: frequencies", (x_train.sum(axis=0) + 0.5) / (len(x_train) + 1), fit(x_train, 0)[:, 0])


# %%
def log_prob(table, x, k):
    """ln p(x) of each image, in nats: the sum of ln p(xᵢ|past) over the pixels."""
    p = table[np.arange(x.shape[1]), pasts(x, k)]  # p[image, i], the probability that pixel i is on
    # answer: ln p where the pixel is on, ln(1 − p) where it is off, summed over the pixels
    return np.sum(np.where(x == 1, np.log(p), np.log(1 - p)), axis=1)
    # end


# %%
small = x_train[:, 26:32]  # six pixels: few enough to list all 64 images
every_image = (np.arange(64)[:, None] >> np.arange(6)) % 2
table = fit(small, 1)
by_hand = np.log(1 - table[0, 0]) + sum(np.log(1 - table[i, 0]) for i in range(1, 6))
check("ln p of six white pixels", [by_hand], log_prob(table, np.zeros((1, 6), int), 1))
for k in (0, 1, 3):
    check(f"Σ p(x) with {k} pixels of past", 1.0, np.exp(log_prob(fit(small, k), every_image, k)).sum())

# %% [markdown]
# ## How much past is good?
#
# **Before you run this:** more past can only help on the training images. On the test images, with 1,197 images to
# count in, where will the best k be?

# %%
orders, train, test = range(4 if QUICK else 13), [], []
for k in orders:
    table = fit(x_train, k)
    train.append(-log_prob(table, x_train, k).mean())
    test.append(-log_prob(table, x_test, k).mean())
print("test, nats an image:", ", ".join(f"k = {k}: {nats:.2f}" for k, nats in zip(orders, test, strict=True)))

# %%
plt.plot(orders, train, "o-", color="#9aa5b8", label="training images")
plt.plot(orders, test, "o-", color="#c8553d", label="test images")
plt.xlabel("pixels of past, k"), plt.ylabel("−ln p(x), nats"), plt.legend()
show("1_past")

# %% [markdown]
# A table has no idea that two similar pasts are similar: it must see each one. A network can share what it learns
# between pasts. That is NADE, the next lesson.
#
# ## Samples of each assumption
#
# **Before you look:** the rows are real digits, then samples with k = 0, 1, 4 and 8 pixels of past. From which row on
# will you see strokes? A row has 8 pixels; what changes at k = 8?


# %%
def sample(table, n, k):
    """Draw n images pixel by pixel, each pixel from its probability given its past."""
    x = np.zeros((n, len(table)), int)
    for i in range(len(table)):
        x[:, i] = rng.random(n) < table[i, pasts(x, k)[:, i]]
    return x


# %%
rows = [x_test[:12]] + [sample(fit(x_train, k), 12, k) for k in (0, 1, 4, 8)]
framed = np.pad(np.reshape(rows, (5, 12, 8, 8)), ((0, 0), (0, 0), (0, 1), (0, 1)))
plt.imshow(framed.transpose(0, 2, 1, 3).reshape(45, 108), cmap="Greys")
plt.axis("off")
show("1_samples")

# %% [markdown]
# ## Exercises
#
# 1. *Predict.* Shuffle the columns of `x_train` and `x_test` with one permutation. Which of the numbers above change?
# 2. *Write.* A classifier by Bayes' rule: fit one table for each digit with k = 1, and choose the digit with the
#    largest P(y|x). How many test digits does it get right?
# 3. *Break.* In `pasts`, let a pixel see itself (`k - j` for `k - 1 - j`). Which ✓ notices? In `minigen/markov.py` the
#    same mistake is noticed by claim I-1: the probabilities no longer sum to 1.
#
# ## The same in minigen
#
# | here | minigen | held by |
# |---|---|---|
# | `parameters` | `num_parameters` of the models in `minigen/table.py` and `minigen/markov.py` | I-2 |
# | the three rules | `minigen/divergences.py`, `BayesClassifier` in `minigen/uses.py` | I-3, U-1 |
# | `fit` | `MarkovChain.fit`, `IndependentBernoulli.fit` | I-4 |
# | what each assumption costs | `minigen/analysis/ledger.py` | I-5 |
#
# `python -m demos independence` compares all of these with networks.
