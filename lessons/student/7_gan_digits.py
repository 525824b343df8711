# %% [markdown]
# # 7. A GAN for digits, and how to judge it
#
# You play the game of lesson 6 for images. The generator draws digits quickly, but it has no likelihood: no number says
# by itself how good the digits are. So the second half builds three ways to judge samples, and shows what each cannot
# see.
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

from autograd import Tensor, grad
from minigen.data import digits

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
# ## The players
#
# The generator turns 16 numbers of noise into 64 grey levels between 0 and 1. The discriminator turns 64 grey levels
# into the logit l of "this image is real", D(x) = σ(l).
#
# $$\min_G \max_D V(D, G) = \mathbb{E}_{x \sim p_{data}}[\log D(x)] + \mathbb{E}_{z \sim p_z}[\log(1 - D(G(z)))]$$


# %%
def network(inputs, hidden, outputs):
    """Return random weights of a network with one hidden layer."""
    scaled = lambda n, m: rng.normal(0, n**-0.5, (n, m))
    return [scaled(inputs, hidden), np.zeros(hidden), scaled(hidden, outputs), np.zeros(outputs)]


# %%
def apply(weights, v):
    W1, b1, W2, b2 = weights
    return np.tanh(v @ W1 + b1) @ W2 + b2


# %%
data = digits()
real_images, test_images = data.train.levels.reshape(-1, 64) / 16, data.test.levels.reshape(-1, 64) / 16
tensors = lambda arrays: [Tensor(w, requires_grad=True) for w in arrays]
generator, discriminator = tensors(network(16, 150, 64)), tensors(network(64, 150, 1))


# %%
def generate(n):
    """Draw n images: G(z) with z ~ N(0, I)."""
    return 1 / (1 + np.exp(-apply(generator, rng.normal(size=(n, 16)))))


# %% [markdown]
# Neither player ever computes a density. The generator's density p_G exists all the same: it is what comes out if z is
# drawn again and again. With 16 numbers of noise it lies on a surface of 16 dimensions in the space of 64 pixels, so
# almost every image has the density 0. (That is why nobody asks a GAN for ln p(x).)
#
# ## The losses
#
# With logits, $\log D = -\ln(1 + e^{-l})$ and $\log(1 - D) = -\ln(1 + e^l)$. The discriminator minimises −V. The
# generator minimises $-\log D(G(z))$, not $\log(1 - D(G(z)))$: lesson 6 says why.


# %%
def discriminator_loss(of_real, of_fake):
    """−V from the logits of real and of made images."""
    # your turn: the mean of ln(1 + e^(−l)) over real images plus the mean of ln(1 + eˡ) over made ones
    ...


# %%
check("D = ½ costs log 4", np.log(4), discriminator_loss(np.zeros(5), np.zeros(5)))
logits = rng.normal(size=4)
D_of = 1 / (1 + np.exp(-logits))
check("−V from probabilities", -np.mean(np.log(D_of)) - np.mean(np.log(1 - D_of)), discriminator_loss(logits, logits))


# %%
def r1(images):
    """½ γ E[‖∇l(x)‖²] on real images, with γ = 0.3: the cure for circling."""
    x = Tensor(images, requires_grad=True)
    slopes = grad(np.sum(apply(discriminator, x)), x, create_graph=True)
    return 0.5 * 0.3 * np.mean(np.sum(slopes**2, axis=1))


# %% [markdown]
# **Before you run this:** the generator's loss contains both networks. Through which of them must its gradient pass,
# and which of them may it change?


# %%
def adam(weights, rate):
    """Return a function that takes one step of Adam against the gradient of a loss."""
    m, v, steps = [0.0] * len(weights), [0.0] * len(weights), [0]

    def step(loss):
        steps[0] += 1
        for k, g in enumerate(grad(loss, weights)):
            m[k] = 0.9 * m[k] + 0.1 * g.data
            v[k] = 0.999 * v[k] + 0.001 * g.data**2
            m_hat, v_hat = m[k] / (1 - 0.9 ** steps[0]), v[k] / (1 - 0.999 ** steps[0])
            weights[k].data -= rate * m_hat / (np.sqrt(v_hat) + 1e-8)

    return step


# %%
move_d, move_g, losses = adam(discriminator, 0.001), adam(generator, 0.001), []
for _ in range(100 if QUICK else 8_000):
    x = real_images[rng.integers(len(real_images), size=64)]
    loss = discriminator_loss(apply(discriminator, x), apply(discriminator, generate(64).data))
    move_d(loss + r1(x))
    move_g(np.mean(np.logaddexp(0, -apply(discriminator, generate(64)))))
    losses.append(loss.item())

# %% [markdown]
# **Before you look:** the discriminator's loss, and log 4. Does a loss near log 4 prove that the digits are good?

# %%
plt.plot(np.convolve(losses, np.ones(25) / 25, "valid"), color="#c8553d")
plt.axhline(np.log(4), color="#9aa5b8")
plt.xlabel("step"), plt.ylabel("−V, nats")
show("7_loss")

# %% [markdown]
# No. It proves that *this* discriminator sees no difference, and a weak one sees none either. So look, and compare each
# sample with the training image that is nearest to it.
#
# **Before you look:** upper row: samples. Lower row: the nearest training image. What would you see if the generator
# had learned the training images by heart?


# %%
def distances(a, b):
    """The squared distance of each row of a to each row of b: (len(a), len(b))."""
    # your turn: ‖a‖² − 2 a · b + ‖b‖²; keep the squares of a as a column
    ...


# %%
slow = [[np.sum((row - other) ** 2) for other in test_images[:3]] for row in real_images[:2]]
check("distances, one by one", slow, distances(real_images[:2], test_images[:3]))
samples = generate(300).data
nearest = distances(samples, real_images).argmin(axis=1)

# %%
rows = np.stack([samples[:14], real_images[nearest[:14]]])
framed = np.pad(rows.reshape(2, 14, 8, 8), ((0, 0), (0, 0), (0, 1), (0, 1)))
plt.imshow(framed.transpose(0, 2, 1, 3).reshape(18, 126), cmap="Greys"), plt.axis("off")
show("7_samples")

# %% [markdown]
# ## Which digits does it make?
#
# Give each sample the label of its nearest training image, and count. A generator that makes one perfect digit only
# fools every discriminator that looks at one image at a time: *mode collapse*. **Before you run this:** what share
# should each digit have?

# %%
shares = np.bincount(data.train.labels[nearest], minlength=10) / len(samples)
accuracy = np.mean(data.train.labels[distances(test_images, real_images).argmin(axis=1)] == data.test.labels)
print("shares of 0 … 9:", " ".join(f"{share:.0%}" for share in shares))
print(f"the judge, nearest neighbour, is right for {accuracy:.1%} of the test digits")

# %% [markdown]
# ## Precision and recall
#
# Draw a ball around each real image that reaches to its fifth nearest real neighbour. The union of the balls is where
# real images are. *Precision*: the share of samples that lie in it. *Recall*: the share of real images that lie in the
# union of the balls around the samples.


# %%
def share_covered(points, centres, k=5):
    """The share of points that lie in the ball around some centre, up to its k-th nearest other centre."""
    radius = np.sort(distances(centres, centres), axis=1)[:, k]  # position 0 is the centre itself
    # your turn: the mean over points of: is the distance to any centre at most its radius?
    ...


# %%
on_a_line = np.arange(20.0)[:, None]
check("half of these points are near the line's", 0.5, share_covered(np.array([[3.5], [900.0]]), on_a_line))
real = test_images
blurred = (real + real.mean(axis=0)) / 2
one_digit = real[data.test.labels == 0][rng.integers(20, size=300)]
for name, made in (
    ("GAN", samples),
    ("real, blurred", blurred),
    ("zeros only", one_digit),
    ("training", real_images[:300]),
):
    print(f"{name:>14}: precision {share_covered(made, real):.2f}, recall {share_covered(real, made):.2f}")

# %% [markdown]
# **Before you read on:** which line has high precision and low recall, and which fault does that show?
#
# No single number is enough. Precision misses the lost modes, recall misses bad samples among good ones, and both say
# nothing about samples that copy the training set. An explicit model needs none of this: its likelihood on unseen
# images punishes all three. That is the price of an *implicit* model.
#
# ## Exercises
#
# 1. *Predict.* Set γ of R1 to 0, then to 30. Which one circles, and which one blurs?
# 2. *Write.* The Fréchet distance of two sets of images, from their means and covariance matrices:
#    $\|\mu_1 - \mu_2\|^2 + \mathrm{tr}(C_1 + C_2 - 2 (C_1 C_2)^{1/2})$. Compare samples with the test digits, and
#    training digits with the test digits, 300 of each.
# 3. *Break.* Train the generator with +log(1 − D(G(z))), the formula as it stands. Is it worse? When is D too good?
#
# ## The same in minigen
#
# | here | minigen | held by |
# |---|---|---|
# | the two losses, whose step moves what | `minigen/gan.py` | G-5, G-7 |
# | `r1` | `r1_penalty` in `minigen/penalties.py` | G-6 |
# | `share_covered` | `minigen/analysis/quality.py` | the tests beside it |
#
# `python -m demos gan_digits` trains a larger one, and a convolutional one with `--network dcgan`.
