# %% [markdown]
# # 1. Independence, and what it costs
#
# You write probabilities as tables of numbers, test on them the three rules that the lecture uses, and then fit the
# lecture's first models to handwritten digits by nothing but counting.
#
# Reading and running: 30 minutes. Each ✓ below compares a formula with a second way to compute it. If you break the
# formula, the ✓ turns into ✗ and the program stops.

# %%
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(globals().get("__file__", "x")).resolve().parents[2]))  # the clone that holds this file

import matplotlib.pyplot as plt
import numpy as np

from autograd import Tensor, console, grad
from minigen.data import digits

console.printable()  # on any terminal
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
# A variable with m outcomes has m probabilities. They add up to 1, so m − 1 of them can be chosen freely: these are the
# parameters. (The notes say "m variables"; they mean one variable with m outcomes.) Three pixels x, y, z, each 0 or 1,
# together have $2^3 = 8$ outcomes, so $2^3 - 1 = 7$ parameters. The table has an axis for each pixel: `P[x, y, z]`.

# %%
P = rng.dirichlet(np.ones(8)).reshape(2, 2, 2)
print(P.round(3))
check("the table sums to 1", 1.0, P.sum())

# %% [markdown]
# **Before you run this:** how many parameters do 64 pixels need? And 784?

# %%
for n in (3, 64, 784):
    print(f"{n} pixels: {2.0**n - 1:.3g} parameters")

# %% [markdown]
# ## Three rules
#
# If you do not look at a variable, add over it: $P(x, y) = \sum_z P(x, y, z)$. If you know a variable, divide:
# $P(x|y) = P(x, y) / P(y)$, the probability of x when y is known. The three rules follow from these two.
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
    # your turn: first the numerator P(y|x) P(x), a table [x, y]; divide it by P(y), its own sum over x
    ...


# %%
check("Bayes' rule", P_xy / P_xy.sum(axis=0), bayes(y_given_x, P_x))

# %% [markdown]
# **Conditional independence.** Let z be the cause of both x and y, and let nothing else connect x and y:
# $P(x, y, z) = P(z)\, P(x|z)\, P(y|z)$. We write $x \perp y \mid z$. Then $P(x|y, z) = P(x|z)$: if you know z, then y
# tells you nothing more about x. Below, every table has its axes in the order x, y, z: P(x|z) is a table [x, z].
#
# **Before you run this:** is x also independent of y if z is *not* known?

# %%
P_z = np.array([0.5, 0.5])
x_given_z, y_given_z = np.array([[0.9, 0.2], [0.1, 0.8]]), np.array([[0.7, 0.1], [0.3, 0.9]])
Q = P_z * x_given_z[:, None, :] * y_given_z[None, :, :]
x_given_yz = Q / Q.sum(axis=0)
check("P(x|y, z) = P(x|z), whatever y is", np.stack([x_given_z, x_given_z], axis=1), x_given_yz)
x_given_y = Q.sum(axis=2) / Q.sum(axis=(0, 2))
print(f"without z: P(x = 1|y = 0) = {x_given_y[1, 0]:.2f} and P(x = 1|y = 1) = {x_given_y[1, 1]:.2f}")

# %% [markdown]
# No: y tells something about z, and z about x.
#
# ## From all to nothing, and between
#
# The chain rule for n pixels is
#
# $$P(x_1, \cdots, x_n) = p(x_1)\, p(x_2|x_1)\, p(x_3|x_1, x_2) \cdots p(x_n|x_1, \cdots, x_{n-1})$$
#
# The *past* of pixel i is the pixels before it. Models differ in how much of the past a factor may use. The Markov
# assumption, for example, keeps only the pixel just before,
#
# $$P(x_1, \cdots, x_n) = P(x_1)\, P(x_2|x_1) \cdots P(x_n|x_{n-1})$$
#
# and the auto-regressive model AR(k) keeps the k pixels before:
#
# | assumption | factor of pixel i | parameters |
# |---|---|---|
# | none | $p(x_i\|x_1, \cdots, x_{i-1})$ | $2^n - 1$ |
# | independent | $p(x_i)$ | n |
# | Markov | $p(x_i\|x_{i-1})$ | 1 + 2(n − 1) = 2n − 1 |
# | AR(k), as a table | $p(x_i\|x_{i-k}, \cdots, x_{i-1})$ | $2^k - 1 + (n - k) 2^k$ |
#
# A factor has one parameter for each possible past. So with Markov the first pixel has one parameter, and each other
# pixel has two, one for each value of the pixel before it. (The notes print $2^n - 1$, the number of the full table.)


# %%
def parameters(n, k):
    """The number of parameters of n binary pixels, each with the k pixels before it as its past."""
    # your turn: pixel i = 0 … n − 1 has min(i, k) pixels of past; add up 2 ** (that number)
    ...


# %%
check("independent", 64, parameters(64, 0))
check("Markov", 2 * 64 - 1, parameters(64, 1))
check("AR(8)", 2**8 - 1 + (64 - 8) * 2**8, parameters(64, 8))
check("everything, for 10 pixels", 2**10 - 1, parameters(10, 9))

# %% [markdown]
# ## Maximum likelihood is counting
#
# Let a pixel be on (1) in a of N images. Which probability p of "on" makes these data most probable?
# $\ln p(\text{data}) = a \ln p + (N - a) \ln(1 - p)$. Set the derivative to zero: $a/p = (N - a)/(1 - p)$, so p = a/N,
# the frequency. The engine of lesson 0 agrees:

# %%
a, N = 30, 100
p = Tensor(a / N, requires_grad=True)
check("the slope of ln p(data) at p = a/N", 0.0, grad(a * np.log(p) + (N - a) * np.log(1 - p), p).item())

# %% [markdown]
# So every model of the table above is learned by counting: for each pixel and each past, how often was the pixel on? A
# past that never occurred would give 0/0, and a pixel that was never on would get ln 0. So we begin each count, of "on"
# and of "off", at ½ in place of 0.
#
# The data are handwritten digits of 8×8 pixels, each 0 or 1 (1 is ink). An image is a row of 64 numbers, read row by
# row from the top left. There are 1,197 images for training and 300 for testing.

# %%
data = digits()
x_train, x_test = data.train.images.astype(int), data.test.images.astype(int)


# %%
def pasts(x, k):
    """The past of each pixel: the k pixels before it, read as a binary number: (images, n) → (images, n).

    For k = 2 the pixels 1, 0, 1, 1 have the pasts 00, 01, 10, 01, which are the numbers 0, 1, 2, 1.
    """
    n, padded, numbers = x.shape[1], np.pad(x, ((0, 0), (k, 0))), np.zeros_like(x)  # k zeros before the first pixel
    for back in range(1, k + 1):  # the pixel just before counts 1, the one before that 2, then 4, …
        numbers += 2 ** (back - 1) * padded[:, k - back : k - back + n]
    return numbers


# %%
def fit(x, k):
    """p(xᵢ = 1|past), by counting: a table [i, past]."""
    past, rows = pasts(x, k), np.arange(x.shape[1])
    on, seen = np.full((x.shape[1], 2**k), 0.5), np.full((x.shape[1], 2**k), 1.0)
    for image, of_image in zip(x, past, strict=True):
        seen[rows, of_image] += 1
        on[rows, of_image] += image
    return on / seen


# %%
check("k = 0: the frequency of each pixel", (x_train.sum(axis=0) + 0.5) / (len(x_train) + 1), fit(x_train, 0)[:, 0])


# %%
def log_prob(table, x, k):
    """ln p(x) of each image: the sum of ln p(xᵢ|past) over the pixels. Its unit is called nat."""
    p = table[np.arange(x.shape[1]), pasts(x, k)]  # p[image, i], the probability that pixel i is on
    # your turn: ln p where the pixel is on, ln(1 − p) where it is off (np.where), summed over the pixels
    ...


# %%
small = x_train[:, 26:32]  # six pixels: few enough to list all 64 images
every_image = (np.arange(64)[:, None] >> np.arange(6)) % 2  # a row for each number 0 … 63: its six binary digits
table = fit(small, 1)
by_hand = np.log(1 - table[0, 0]) + sum(np.log(1 - table[i, 0]) for i in range(1, 6))
check("ln p of six pixels that are off", [by_hand], log_prob(table, np.zeros((1, 6), int), 1))
for k in (0, 1, 3):
    check(f"Σ p(x) over all 64 images, k = {k}", 1.0, np.exp(log_prob(fit(small, k), every_image, k)).sum())

# %% [markdown]
# ## How much past is good?
#
# −ln p(x) says how surprised a model is by an image: less is better. On the training images it falls as k grows. On the
# test images it cannot fall for ever.
#
# **Before you run this:** a table for k has up to $2^k$ pasts for each pixel, and 1,197 images to count in. Up to about
# which k will more past help on the test images?

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
# The best k is 9. For larger k most of the $2^k$ pasts occur too seldom to be counted well. A table has no idea that
# two similar pasts are similar: it must see each one. A network can share what it learns between pasts. That is NADE,
# the next lesson.
#
# ## Samples of each assumption
#
# **Before you look:** the picture has a row of real digits, then a row of samples each for k = 0, 1, 4 and 8. In which
# row will you first see vertical strokes? An image is 8 pixels wide: which pixel does the past reach at k = 8?


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
# At k = 8 the past reaches the pixel just above, so strokes can go on downwards: only the last row looks drawn. With
# k = 1 and 4 a pixel knows its neighbours in the same row alone. This is also why the curve falls so much from 7 to 8.
#
# ## Exercises
#
# 1. *Predict.* Shuffle the columns of `x_train` and of `x_test` with the same permutation. Which numbers "test, nats an
#    image" change?
# 2. *Write.* A classifier by Bayes' rule: fit one table for each digit with k = 1 (`data.train.labels` holds the digits
#    y), and choose the y with the largest P(y|x). How many test digits does it get right?
# 3. *Break.* In `pasts`, let a pixel see itself: `range(k)` in place of `range(1, k + 1)`, and `2**back`. Which ✓
#    notices first? Make the same mistake in `minigen/markov.py`: in `row`, take
#    `x[:, max(0, i - self.order) + 1 : i + 1]`. Then run
#    `python -m pytest -q tests/minigen/test_markov.py tests/minigen/test_explicit_models.py` and read which claims are
#    broken.
#
# Answers to the questions and the exercises: [answers].
#
# ## The same in minigen
#
# | here | minigen | claim | tests |
# |---|---|---|---|
# | `parameters` | `num_parameters`: [`minigen/table.py`], [`minigen/markov.py`] | [I-2] | [`test_table.py`] |
# | the three rules | [`minigen/divergences.py`] | [I-3] | [`test_explicit_models.py`] |
# | Bayes' rule | `BayesClassifier`: [`minigen/uses.py`] | [U-1] | [`test_uses.py`] |
# | `fit` | `MarkovChain.fit`, `IndependentBernoulli.fit`, in the same files | [I-4] | [`test_table.py`] |
# | what each assumption costs | [`minigen/analysis/ledger.py`] | [I-5] | [`test_ledger.py`] |
#
# `python -m demos independence` compares all of these with networks.
#
# [`minigen/table.py`]: ../../minigen/table.py
# [`minigen/markov.py`]: ../../minigen/markov.py
# [I-2]: ../../docs/lecture.md#discrete-distributions
# [`test_table.py`]: ../../tests/minigen/test_table.py
# [`minigen/divergences.py`]: ../../minigen/divergences.py
# [`minigen/uses.py`]: ../../minigen/uses.py
# [I-3]: ../../docs/lecture.md#discrete-distributions
# [U-1]: ../../docs/lecture.md#generative-model
# [`test_explicit_models.py`]: ../../tests/minigen/test_explicit_models.py
# [`test_uses.py`]: ../../tests/minigen/test_uses.py
# [I-4]: ../../docs/lecture.md#discrete-distributions
# [`minigen/analysis/ledger.py`]: ../../minigen/analysis/ledger.py
# [I-5]: ../../docs/lecture.md#discrete-distributions
# [`test_ledger.py`]: ../../tests/minigen/analysis/test_ledger.py
# [answers]: ../../lessons/answers/1_independence.md
