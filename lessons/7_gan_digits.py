# %% [markdown]
# # 7. A GAN for digits, and how to judge it
#
# You play the game of lesson 6 for images. The generator draws an image in one go, but it has no likelihood p(x), and
# the losses of the game do not say how good the digits are. So the second half judges the samples in three ways: by the
# nearest training image, by the shares of the ten digits, and by precision and recall. Each way misses something.
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
# ## The players
#
# The generator G turns 16 numbers of noise z into an image: 64 grey levels between 0 and 1. The discriminator turns an
# image into a logit l(x), and D(x) = σ(l(x)) is its probability that the image is real.
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
grey = lambda part: part.levels.reshape(-1, 64) / 16  # levels are whole numbers from 0 to 16
real_images, test_images = grey(data.train), grey(data.test)
tensors = lambda arrays: [Tensor(backend.to_device(w), requires_grad=True) for w in arrays]
generator, discriminator = tensors(network(16, 150, 64)), tensors(network(64, 150, 1))


# %%
def generate(n):
    """Draw n images: G(z) with z ~ N(0, I)."""
    return 1 / (1 + np.exp(-apply(generator, backend.to_device(rng.normal(size=(n, 16))))))


# %% [markdown]
# Neither player ever computes a probability of an image. The distribution $p_G$ exists all the same: it is what comes
# out if z is drawn again and again. But all these images lie on a surface of at most 16 dimensions in the space of 64
# pixels, as a thread lies in a room. Almost every image, also a real one, lies beside the surface, where the density is
# 0. (That is why nobody asks a GAN for ln p(x).)
#
# ## The losses
#
# With logits, $\log D = -\ln(1 + e^{-l})$ and $\log(1 - D) = -\ln(1 + e^l)$. The discriminator minimises −V. The
# generator minimises $-\log D(G(z))$, not $\log(1 - D(G(z)))$: lesson 6 says why.


# %%
def discriminator_loss(of_real, of_fake):
    """−V from the logits of real and of made images."""
    # answer: the mean of ln(1 + e^(−l)) over real images plus the mean of ln(1 + eˡ) over made ones
    return np.mean(np.logaddexp(0, -of_real)) + np.mean(np.logaddexp(0, of_fake))
    # end


# %%
check("D = ½ costs log 4", np.log(4), discriminator_loss(np.zeros(5), np.zeros(5)))
logits = rng.normal(size=4)
D_of = 1 / (1 + np.exp(-logits))
check("−V from probabilities", -np.mean(np.log(D_of)) - np.mean(np.log(1 - D_of)), discriminator_loss(logits, logits))


# %%
def r1(images):
    """½ γ E[‖∂l/∂x‖²] on real images, with γ = 0.3: the penalty of lesson 6, where x is one number."""
    x = Tensor(images, requires_grad=True)
    slopes = grad(np.sum(apply(discriminator, x)), x, create_graph=True)
    return 0.5 * 0.3 * np.mean(np.sum(slopes**2, axis=1))


# %% [markdown]
# **Before you read on:** the generator's loss $-\log D(G(z))$ contains both networks. Through which of them must its
# gradient pass, and which of them may the step change?
#
# The gradient passes through D into G, and the step changes G alone: `move_g` below has the weights of G only. In the
# step of D the images are numbers (`.data`), so no gradient reaches G. `adam` is the one of lesson 5.


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
    x = backend.to_device(real_images[rng.integers(len(real_images), size=64)])
    loss = discriminator_loss(apply(discriminator, x), apply(discriminator, generate(64).data))
    move_d(loss + r1(x))
    move_g(np.mean(np.logaddexp(0, -apply(discriminator, generate(64)))))
    losses.append(loss.item())

# %% [markdown]
# The picture shows the discriminator's loss −V, the mean of 25 steps, and log 4. **Before you look:** does a loss near
# log 4 prove that the digits are good?

# %%
plt.plot(np.convolve(losses, np.ones(25) / 25, "valid"), color="#c8553d")
plt.axhline(np.log(4), color="#9aa5b8")
plt.xlabel("step"), plt.ylabel("−V, nats")
show("7_loss")

# %% [markdown]
# No. It says that *this* discriminator hardly sees a difference, and a weak one never does. In the picture, step 500 is
# nearer to log 4 than the end, but its samples are less varied: the recall (see below) is 0.16 there and 0.60 at the
# end.
#
# So look at the samples, and compare each one with the training image that is nearest to it. The squared distance of
# two images is
#
# $$\|a - b\|^2 = \|a\|^2 - 2\, a \cdot b + \|b\|^2$$


# %%
def distances(a, b):
    """The squared distance of each row of a to each row of b: (len(a), len(b))."""
    # answer: ‖a‖² as a column [:, None], minus 2 a @ b.T, plus ‖b‖² as a row
    return np.sum(a**2, axis=1)[:, None] - 2 * a @ b.T + np.sum(b**2, axis=1)
    # end


# %%
slow = [[np.sum((row - other) ** 2) for other in test_images[:3]] for row in real_images[:2]]
check("distances, one by one", slow, distances(real_images[:2], test_images[:3]))
samples = backend.to_numpy(generate(300))
nearest = distances(samples, real_images).argmin(axis=1)

# %% [markdown]
# The upper row shows samples, the lower row the nearest training image of each. **Before you look:** what would you see
# if the generator had learned the training images by heart?

# %%
rows = np.stack([samples[:14], real_images[nearest[:14]]])
framed = np.pad(rows.reshape(2, 14, 8, 8), ((0, 0), (0, 0), (0, 1), (0, 1)))
plt.imshow(framed.transpose(0, 2, 1, 3).reshape(18, 126), cmap="Greys"), plt.axis("off")
show("7_samples")

# %% [markdown]
# Both rows would be equal. They are not: a sample is near a training image, but not a copy. Some samples are no digit.
#
# ## Which digits does it make?
#
# A generator can also fail in another way: every sample looks like a digit, but some digits never come. This is called
# *mode collapse*. So give each sample the label of its nearest training image, and count. **Before you run this:** what
# share should each digit have?

# %%
shares = np.bincount(data.train.labels[nearest], minlength=10) / len(samples)
accuracy = np.mean(data.train.labels[distances(test_images, real_images).argmin(axis=1)] == data.test.labels)
print("shares of 0 … 9:", " ".join(f"{share:.0%}" for share in shares))
print(f"the judge, nearest neighbour, is right for {accuracy:.1%} of the test digits")

# %% [markdown]
# About a tenth, as in the training set, and with 300 samples chance alone moves a share by 2 % or so. No digit is lost.
#
# ## Precision and recall
#
# Draw a ball around each real image, as large as the distance to its fifth nearest real neighbour. The balls together
# cover the place of the real images. *Precision* is the share of samples in these balls. For *recall* change the roles:
# it is the share of real images in the balls around the samples.


# %%
def share_covered(points, centres, k=5):
    """The share of points in the balls around the centres, each as large as the distance to its k-th nearest centre."""
    radius = np.sort(distances(centres, centres), axis=1)[:, k]  # squared; position 0 is the centre itself
    # answer: distances(points, centres) <= radius says which point is in which ball; np.any over the balls, then mean
    return np.mean(np.any(distances(points, centres) <= radius, axis=1))
    # end


# %%
on_a_line = np.arange(20.0)[:, None]
check("3.5 is between the points 0 … 19, 900 is not", 0.5, share_covered(np.array([[3.5], [900.0]]), on_a_line))
real = test_images
blurred = (real + real.mean(axis=0)) / 2

# %% [markdown]
# Judge four sets against the test digits: samples of the GAN, test digits that are blurred (the mean of the digit and
# the mean image), real zeros of the training set, and real training digits. **Before you run this:** which sets will
# have a high precision and a low recall?

# %%
for name, made in (
    ("GAN", samples),
    ("real, blurred", blurred),
    ("zeros only", real_images[data.train.labels == 0]),
    ("training", real_images[:300]),
):
    print(f"{name:>14}: precision {share_covered(made, real):.2f}, recall {share_covered(real, made):.2f}")

# %% [markdown]
# The zeros: each one is a good digit, but nine digits are lost. And the blurred digits: they move to the middle, where
# the balls of the real digits cover them, but they leave the edge uncovered.
#
# No single number is enough. Precision misses lost digits and blur. Recall misses bad samples among good ones. And
# copies of the training set do well in both: see the last line. An explicit model needs none of this. Its
# likelihood on unseen images gets worse with lost digits, with bad samples and with copies. To need such judges is the
# price of an *implicit* model.
#
# ## Exercises
#
# 1. *Predict.* Set γ of R1 to 0, then to 30. What happens to the loss, the samples, the precision and the recall?
# 2. *Write.* The Fréchet distance of two sets of images, from their means and covariance matrices:
#    $\|\mu_1 - \mu_2\|^2 + \mathrm{tr}(C_1 + C_2 - 2 (C_1 C_2)^{1/2})$. Compare samples with the test digits, and
#    training digits with the test digits, 300 of each.
# 3. *Break.* Train the generator with +log(1 − D(G(z))), the formula as it stands. Is it worse? When is D too good?
#    Let `non_saturating_loss` in `minigen/gan.py` return this loss, and read the last lines of
#    `python -m pytest -q tests/minigen/test_gan.py`.
#
# Answers to the questions and the exercises: [answers].
#
# ## The same in minigen
#
# | here | minigen | claim | tests |
# |---|---|---|---|
# | the losses, and which step moves what | [`minigen/gan.py`] | [G-5], [G-7] | [`test_gan.py`] |
# | `r1` | `r1_penalty`: [`minigen/penalties.py`] | [G-6] | [`test_penalties.py`] |
# | `share_covered` | [`minigen/analysis/quality.py`] | – | [`test_quality.py`] |
#
# `python -m demos gan_digits` trains a larger one, and a convolutional one with `--network dcgan`.
#
# [`minigen/gan.py`]: ../minigen/gan.py
# [G-5]: ../docs/lecture.md#generator
# [G-7]: ../docs/lecture.md#generative-adversarial-network
# [`test_gan.py`]: ../tests/minigen/test_gan.py
# [`minigen/penalties.py`]: ../minigen/penalties.py
# [G-6]: ../docs/lecture.md#discriminator
# [`test_penalties.py`]: ../tests/minigen/test_penalties.py
# [`minigen/analysis/quality.py`]: ../minigen/analysis/quality.py
# [`test_quality.py`]: ../tests/minigen/analysis/test_quality.py
# [answers]: ../lessons/answers/7_gan_digits.md
