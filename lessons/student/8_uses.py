# %% [markdown]
# # 8. What a density is good for
#
# The lecture has two kinds of models: *explicit* models, which know p(x), and *implicit* models, which only draw
# samples. Here you take a simple explicit model of digits, tables filled by counting (lesson 1), and use it four times:
# to sample, to score, to classify and to raise an alarm. No network is trained, and nothing is learned for a single
# use.
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

from autograd import console
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
# ## One model for each digit
#
# The images have 8×8 pixels, each 0 or 1, and a label y, the digit. As in lesson 1, each pixel has a probability given
# its past. The past is the k = 8 pixels before it, back to the pixel above. The probabilities are frequencies, with ½
# added to each count. We fit one table to the images of each digit y, and this table gives p(x|y). The frequency of
# each digit gives the prior p(y). The next three functions are those of lesson 1.


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
def log_prob(table, x, k):
    """ln p(x) of each image, in nats: the sum of ln p(xᵢ|past) over the pixels."""
    p = table[np.arange(x.shape[1]), pasts(x, k)]  # p[image, i], the probability that pixel i is on
    return np.sum(np.where(x == 1, np.log(p), np.log(1 - p)), axis=1)


# %%
data, k = digits(), 8
x_train, y_train = data.train.images.astype(int), data.train.labels
x_test, y_test = data.test.images.astype(int), data.test.labels
tables = [fit(x_train[y_train == y], k) for y in range(10)]
prior = np.bincount(y_train) / len(y_train)  # p(y), about 0.1 each

# %% [markdown]
# ## Use 1: sampling
#
# Choose the digit y, then draw pixel by pixel from p(x|y). The picture has a column for each digit, with six samples.
# **Before you look:** will the six samples of a digit differ? And which probability has the next pixel if its past
# never occurred in training?


# %%
def sample(table, n, k):
    """Draw n images pixel by pixel, each pixel from its probability given its past."""
    x = np.zeros((n, len(table)), int)
    for i in range(len(table)):
        x[:, i] = rng.random(n) < table[i, pasts(x, k)[:, i]]
    return x


# %%
rows = np.stack([sample(table, 6, k) for table in tables], axis=1)
framed = np.pad(rows.reshape(6, 10, 8, 8), ((0, 0), (0, 0), (0, 1), (0, 1)))
plt.imshow(framed.transpose(0, 2, 1, 3).reshape(54, 90), cmap="Greys"), plt.axis("off")
show("8_samples")

# %% [markdown]
# They differ, because each pixel is drawn. A past that never occurred gives the probability ½, from the ½ that was
# added to each count. So an unusual pixel is often followed by noise: the next past is then unusual too.
#
# ## Use 2: density
#
# All digits together are a *mixture*: $p(x) = \sum_y p(y)\, p(x|y)$. For these images ln p(x|y) is about −20, and
# $e^{-20}$ is small but harmless. For larger images $e^{-2000}$ would round to 0. So stay with logarithms,
# $a_y = \ln p(y) + \ln p(x|y)$, and take the largest term out of the sum:
#
# $$\ln \sum_y e^{a_y} = m + \ln \sum_y e^{a_y - m}, \qquad m = \max_y a_y$$


# %%
def log_sum_exp(a):
    """ln Σ exp(a) over the last axis."""
    # your turn: the right side of the formula, with m = np.max(a, axis=-1, keepdims=True) inside and m[..., 0] before it
    ...


# %%
check("ln(e¹ + e² + e³)", np.log(np.exp(1) + np.exp(2) + np.exp(3)), log_sum_exp(np.array([1.0, 2, 3])))
check("where e^a rounds to 0", -2000 + np.log(2), log_sum_exp(np.array([-2000.0, -2000])))


# %%
def log_joint(x):
    """ln p(x, y) = ln p(y) + ln p(x|y) for each image and each digit: (images, 10)."""
    return np.log(prior) + np.stack([log_prob(table, x, k) for table in tables], axis=1)


# %% [markdown]
# **Before you run this:** each of the ten tables saw only a tenth of the images. Will the mixture give the test images
# a higher probability than one table for all digits, or a lower one?

# %%
log_p = log_sum_exp(log_joint(x_test))
alone = log_prob(fit(x_train, k), x_test, k)
print(f"one table for all digits: −ln p(x) = {-alone.mean():.2f} nats a test image, exact")
print(f"a mixture of ten tables:  −ln p(x) = {-log_p.mean():.2f} nats")

# %% [markdown]
# The mixture wins. Each of its tables saw only a tenth of the images, which costs something (lesson 1). But the digit
# is a memory of the whole image: it says what the eight pixels before cannot say, and here this is worth more.
#
# ## Use 3: classification
#
# Bayes' rule turns the condition around. Nothing is trained for it:
#
# $$P(y|x) = \frac{P(x|y)\, P(y)}{P(x)}$$


# %%
def posterior(x):
    """P(y|x) for each image and each digit: (images, 10)."""
    joint = log_joint(x)
    # your turn: exp of ln p(x, y) − ln p(x); log_sum_exp(joint)[:, None] is ln p(x) as a column
    ...


# %%
direct = np.exp(log_joint(x_test[:4]))
check("Bayes' rule, by dividing", direct / direct.sum(axis=1, keepdims=True), posterior(x_test[:4]))
right = posterior(x_test).argmax(axis=1) == y_test
print(f"right: {right.mean():.1%} ± {np.sqrt(right.mean() * (1 - right.mean()) / len(right)):.1%} of the test digits")

# %% [markdown]
# (± is the standard error over the test digits.) The picture shows eight digits on which the classifier was wrong,
# those with the largest P(y|x) first. **Before you look:** would you get them right?

# %%
wrong = np.flatnonzero(~right)[np.argsort(-posterior(x_test[~right]).max(axis=1))][:8]
figure, axes = plt.subplots(1, 8, figsize=(10, 1.6))
for ax, i in zip(axes, wrong, strict=True):
    ax.imshow(x_test[i].reshape(8, 8), cmap="Greys")
    ax.set(xticks=[], yticks=[], title=f"{y_test[i]}, said {posterior(x_test[[i]])[0].argmax()}")
show("8_wrong")

# %% [markdown]
# Some of them are hard for you too: an image of 8×8 pixels, each 0 or 1, has lost much.
#
# ## Use 4: anomalies
#
# An image that is not a digit should have a low p(x). The score is −ln p(x), the surprise of the model. How well does
# the score separate digits from other images? The *AUC* is the probability that a random anomaly has a higher score
# than a random digit; a tie counts half. 1 is perfect, ½ is as good as a coin.


# %%
def auc(normal, anomalous):
    """P(anomalous > normal) + ½ P(anomalous = normal), over all pairs of scores."""
    # your turn: anomalous[:, None] > normal has all pairs; take its mean, and add half the mean of the same with ==
    ...


# %%
check("pairs 3 > 1, 3 > 2, 2 > 1, and a tie", 3.5 / 4, auc(np.array([1, 2]), np.array([3, 2])))
upside_down = x_test.reshape(-1, 8, 8)[:, ::-1].reshape(-1, 64)  # the last row first
noise = (rng.random(x_test.shape) < x_train.mean()).astype(int)  # as many pixels on as in digits, at random places
two_wrong = np.where(rng.random(x_test.shape).argsort(axis=1) < 2, 1 - x_test, x_test)  # 2 random pixels an image

# %% [markdown]
# Three kinds of anomaly: noise, test digits with two wrong pixels, and test digits upside down (the last row first, so
# they are mirrored). **Before you run this:** which kind is the hardest to notice? Which digits upside down will pass
# as digits?

# %%
for name, images in (("noise", noise), ("two wrong pixels", two_wrong), ("upside down", upside_down)):
    print(f"{name}: AUC {auc(-log_p, -log_sum_exp(log_joint(images))):.3f}")
surprise = -log_sum_exp(log_joint(upside_down))
print("upside down, nats:", ", ".join(f"{y}: {surprise[y_test == y].mean():.1f}" for y in range(10)))

# %% [markdown]
# By the AUC, upside down is the hardest kind. An average test digit has 18.9 nats. A 1 upside down has fewer, because
# it *is* a fine 1, and 0 and 8 upside down have little more. The model answers the question that it was asked, whether
# the pixels look like those of a digit. It does not know what you would call an anomaly.
#
# The picture counts the images by their score. **Before you look:** where must a threshold be that few digits exceed?

# %%
bins, threshold = np.linspace(0, 60, 60), np.quantile(-log_p, 0.95)
for name, images in (("digits", x_test), ("two wrong pixels", two_wrong), ("upside down", upside_down)):
    plt.hist(-log_sum_exp(log_joint(images)), bins, alpha=0.5, label=name)
plt.axvline(threshold, color="#1f2a44", label="threshold")
plt.xlabel("−ln p(x), nats"), plt.legend()
show("8_scores")
print(f"95 % of the test digits stay below {threshold:.1f} nats")
for name, images in (("two wrong pixels", two_wrong), ("upside down", upside_down)):
    print(f"caught, {name}: {np.mean(-log_sum_exp(log_joint(images)) > threshold):.0%}")

# %% [markdown]
# An alarm needs a threshold. Take the score that 95 % of digits stay below, digits that the model was not fitted to.
# Then about 5 % of new digits raise a false alarm, whatever the anomalies are. How many anomalies are caught depends on
# how far the hills of the picture are apart. The AUC needs no threshold: it compares pairs. Here the two even disagree:
# at this threshold more digits are caught upside down than with two wrong pixels.
#
# ## And an implicit model?
#
# A GAN can do the first of the four uses, and none of the others: ask it for p(x), and it has no answer. You could fit
# a density to its samples, but then this density is the model. In the lecture's words, a model that can classify is
# *explicit*, and a model that can only generate is *implicit*.
#
# ## Exercises
#
# 1. *Predict.* Take k = 0 (pixels that are independent given y: *naive Bayes*) and k = 12. Which of the four uses get
#    better, which worse?
# 2. *Write.* Complete a digit: given the upper four rows, first find P(y | upper half), then draw y, then the rest.
# 3. *Break.* Leave out `np.log(prior)` in `log_joint`. No ✓ notices, and the mixture seems to gain 2.3 nats. Why is
#    that no gain? (What does the sum of p(x) over all images become?) Leave out `self.log_prior` in `minigen/uses.py`,
#    run `python -m pytest -q tests/minigen/test_uses.py`, and read the last lines.
#
# Answers to the questions and the exercises: [answers].
#
# ## The same in minigen
#
# | here | minigen | claim | tests |
# |---|---|---|---|
# | `log_joint`, `posterior` | `BayesClassifier`: [`minigen/uses.py`] | [U-1] | [`test_uses.py`] |
# | `auc` | `auc`, `anomaly_scores`: [`minigen/uses.py`] | [U-2] | [`test_uses.py`] |
# | explicit, implicit | `ExplicitModel`, `ImplicitModel`: [`minigen/model.py`] | [I-1] | [`test_explicit_models.py`] |
#
# `python -m demos classify` and `python -m demos anomaly` do this with NADE.
#
# [`minigen/uses.py`]: ../../minigen/uses.py
# [U-1]: ../../docs/lecture.md#generative-model
# [`test_uses.py`]: ../../tests/minigen/test_uses.py
# [U-2]: ../../docs/lecture.md#generative-model
# [`minigen/model.py`]: ../../minigen/model.py
# [I-1]: ../../docs/lecture.md#generative-model
# [`test_explicit_models.py`]: ../../tests/minigen/test_explicit_models.py
# [answers]: ../../lessons/answers/8_uses.md
