# %% [markdown]
# # 4. The variational auto-encoder
#
# A variational auto-encoder (VAE) explains each image x by a few hidden numbers, its *code* z. You build one from
# nothing but NumPy and gradients. Here z has **two** numbers, so you can see every quantity of the lecture in the
# plane, also those that nobody can compute for larger z: the evidence $p_\theta(x)$ and the posterior
# $p_\theta(z|x)$.
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
# Handwritten digits, 8×8 pixels, each pixel 0 or 1: 1,197 images for training and 300 for testing.

# %%
data = digits()
x_train, x_test = data.train.images.astype(float), data.test.images.astype(float)
D = data.D  # 64 pixels

# %% [markdown]
# ## The model: first z, then x
#
# The model draws a code from the *prior*, $z \sim p(z) = N(0, I)$: two independent standard normal numbers. Then it
# draws every pixel, which is 1 with probability $\sigma(l_i)$, where $\sigma(l) = 1 / (1 + e^{-l})$. A network with the
# weights θ, the *decoder*, turns z into the logits $l(z)$ of the 64 pixels:
#
# $$p_\theta(x|z) = \prod_i \sigma(l_i)^{x_i} (1 - \sigma(l_i))^{1 - x_i}$$
#
# Networks here are lists of arrays. The functions below take arrays or Tensors and return the same kind.


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
theta, phi = network(2, 50, D), network(D, 50, 4)  # φ, the encoder, comes later

# %% [markdown]
# Work with logarithms, because a product of 64 probabilities is tiny, and with logits, because σ(l) rounds to 1 for a
# large l, and then ln(1 − σ(l)) is −∞. With $\ln \sigma(l) = l - \ln(1 + e^l)$ and
# $\ln(1 - \sigma(l)) = -\ln(1 + e^l)$:
#
# $$\ln p_\theta(x|z) = \sum_i \left[ x_i l_i - \ln(1 + e^{l_i}) \right]$$


# %%
def log_likelihood(theta, x, z):
    """ln p(x|z), summed over the pixels, in nats, the unit of a natural logarithm."""
    # your turn: logits = apply(theta, z), then the sum over axis=-1; np.logaddexp(0, logits) is ln(1 + e^l)
    ...


# %%
x, z = x_test[0], np.array([0.5, -1.0])
sigma = 1 / (1 + np.exp(-apply(theta, z)))
check("ln p(x|z) is the logarithm of the product", np.log(np.prod(sigma**x * (1 - sigma) ** (1 - x))),
      log_likelihood(theta, x, z))  # fmt: skip

# %% [markdown]
# ## The evidence, and why it is out of reach
#
# Training should maximise the probability of the data, the *evidence* $p_\theta(x) = \int p_\theta(x|z)\, p(z)\, dz$.
# That is an integral over all codes. In the plane we can still compute it, as a sum over a grid of codes $z_j$. Each
# grid point stands for a small square, its cell. `prior` holds the probability of each cell under
# p(z): the density times the area of the cell.
#
# **Before you run this:** how many grid points would the same grid need if z had 20 numbers?

# %%
line = np.linspace(-8, 8, 321)
nodes = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
prior = np.exp(-np.sum(nodes**2, axis=-1) / 2) / (2 * np.pi) * (line[1] - line[0]) ** 2
print(f"{len(nodes):,} points in the plane, {float(len(line)) ** 20:.0e} points for 20 numbers")
check("the prior sums to 1 over the cells", 1.0, prior.sum())


# %%
def log_evidence(theta, x):
    """ln p(x) = ln Σⱼ p(x|zⱼ) priorⱼ, in nats."""
    return np.logaddexp.reduce(log_likelihood(theta, x, nodes) + np.log(prior))  # ln of the sum of e to these


# %%
def posterior(theta, x):
    """The probability of each cell under the posterior p(z|x) = p(x|z) p(z) / p(x)."""
    return np.exp(log_likelihood(theta, x, nodes) + np.log(prior) - log_evidence(theta, x))


# %% [markdown]
# The *posterior* $p_\theta(z|x)$ answers "which codes could have made this x?". By Bayes' rule it needs p(x). So if
# p(x) is out of reach, the posterior is too.
#
# ## The variational distribution
#
# We approximate the posterior by a distribution that we can handle, $q_\phi(z|x) = N(\mu, \sigma^2)$. A second
# network, the *encoder* with the weights φ, computes μ and ln σ² for each x. (This σ is a standard deviation, not the
# function σ(l).) We will need expectations $\mathbb{E}_{q}[f(z)]$: the mean of f(z) over draws z of q. The
# *reparameterisation* writes a draw of q as a draw ε of N(0, I), shifted and scaled:
#
# $$z = \mu + \sigma \varepsilon$$
#
# Now z is a differentiable function of μ and σ, and ε does not depend on φ. So the gradient by φ passes through z.


# %%
def encode(phi, x):
    """μ and ln σ² of q(z|x)."""
    both = apply(phi, x)
    return both[..., :2], both[..., 2:]


# %%
def reparameterise(mean, log_var, epsilon):
    """Turn ε, a draw of N(0, I), into z, a draw of N(μ, σ²)."""
    # your turn: z = μ + σ ε; log_var is ln σ², so what is σ?
    ...


# %%
mean, log_var = np.array([0.3, -0.2]), np.array([-1.0, 0.5])
check("ε = (1, 1) is one standard deviation from μ", mean + np.sqrt(np.exp(log_var)),
      reparameterise(mean, log_var, np.ones(2)))  # fmt: skip
draws = reparameterise(mean, log_var, nodes)
check("E_q[(z − μ)²] = σ²", np.exp(log_var), prior @ (draws - mean) ** 2)

# %% [markdown]
# (Here the grid points stand for the draws ε, each weighted by its probability: `prior @ f` is the expectation of f. It
# has no random error, so the ✓ can be strict.)
#
# ## The derivation
#
# How far is q from the posterior? The Kullback-Leibler divergence between two distributions says it:
#
# $$D_{KL}(q\,\|\,p) = \mathbb{E}_{q}\left[\ln \frac{q}{p}\right] \ge 0, \quad \text{and } 0 \text{ only if } q = p$$
#
# The lecture starts from ln p(x), which does not depend on z, so an expectation over q changes nothing:
#
# $$\begin{aligned}
# \ln p_\theta(x) &= \mathbb{E}_{q_\phi(z|x)}\left[\ln p_\theta(x)\right] \\
# &= \mathbb{E}_{q_\phi(z|x)}\left[\ln \frac{p_\theta(x,z)}{p_\theta(z|x)}\right] \\
# &= \mathbb{E}_{q_\phi(z|x)}\left[\ln \frac{p_\theta(x,z)\, q_\phi(z|x)}{q_\phi(z|x)\, p_\theta(z|x)}\right] \\
# &= \mathbb{E}_{q_\phi(z|x)}\left[\ln \frac{p_\theta(x,z)}{q_\phi(z|x)}\right]
#  + \mathbb{E}_{q_\phi(z|x)}\left[\ln \frac{q_\phi(z|x)}{p_\theta(z|x)}\right] \\
# &= \underbrace{\mathbb{E}_{q_\phi(z|x)}\left[\ln \frac{p_\theta(x,z)}{q_\phi(z|x)}\right]}_{\text{ELBO}}
#  + \underbrace{D_{KL}(q_\phi(z|x)\,\|\,p_\theta(z|x))}_{\ge\, 0}
# \end{aligned}$$
#
# (The notes print $p_\theta(x|z)$ in the denominators of two lines. Bayes' rule gives $p_\theta(z|x)$.)
#
# The left side does not depend on φ. So a change of φ that raises the ELBO (*evidence lower bound*) lowers the
# divergence from the posterior by the same amount. We cannot compute that divergence, but the ELBO needs no posterior.
# With $p_\theta(x, z) = p_\theta(x|z)\, p(z)$ it has two terms:
#
# $$\text{ELBO} = \int \ln \frac{p_\theta(x|z)\, p(z)}{q_\phi(z|x)}\, q_\phi(z|x)\, dz
# = \underbrace{\mathbb{E}_{q_\phi(z|x)}\left[\ln p_\theta(x|z)\right]}_{\text{reconstruction}}
# - \underbrace{D_{KL}(q_\phi(z|x)\,\|\,p(z))}_{\text{prior fitting}}$$
#
# Between two normal distributions the second term has a closed form:
#
# $$D_{KL}(N(\mu, \sigma^2)\,\|\,N(0, I)) = \tfrac12 \sum_j \left[\mu_j^2 + \sigma_j^2 - 1 - \ln \sigma_j^2\right]$$


# %%
def kl_to_prior(mean, log_var):
    """KL(N(μ, σ²) ‖ N(0, I)), summed over the numbers of z, in nats."""
    # your turn: ½ Σ [μ² + σ² − 1 − ln σ²], summed over axis=-1; log_var is ln σ², so what is σ²?
    ...


# %%
def log_normal(z, mean, log_var):
    """ln N(z; μ, σ²), summed over the numbers of z."""
    return -0.5 * np.sum(np.log(2 * np.pi) + log_var + (z - mean) ** 2 / np.exp(log_var), axis=-1)


# %%
log_ratio = log_normal(draws, mean, log_var) - log_normal(draws, np.zeros(2), np.zeros(2))
check("KL(q ‖ p(z)) = E_q[ln q(z) − ln p(z)]", prior @ log_ratio, kl_to_prior(mean, log_var))


# %%
def elbo(theta, phi, x, epsilon):
    """Reconstruction − prior fitting, with one draw z for each ε, in nats."""
    mean, log_var = encode(phi, x)
    z = reparameterise(mean, log_var, epsilon)
    return log_likelihood(theta, x, z) - kl_to_prior(mean, log_var)


# %% [markdown]
# Does ln p(x) = ELBO + KL(q(z|x) ‖ p(z|x)) hold now, with random weights? Compute the three numbers in three ways: ln
# p(x) from the prior, the ELBO from draws of q and the closed form, the divergence from the posterior.
#
# **Before you run this:** which is larger, ln p(x) or the ELBO, and when are they equal?


# %%
def three_numbers(theta, phi, x):
    """ln p(x), the ELBO, and KL(q(z|x) ‖ p(z|x)), each as its own sum over a grid."""
    log_q = log_normal(nodes, *encode(phi, x)) + np.log((line[1] - line[0]) ** 2)  # ln q of each cell
    kl = np.exp(log_q) @ (log_q - np.log(posterior(theta, x)))
    return log_evidence(theta, x), prior @ elbo(theta, phi, x, nodes), kl


evidence, bound, kl = three_numbers(theta, phi, x_test[0])
check(f"ln p(x) = ELBO + KL(q(z|x) ‖ p(z|x)) = {bound:.4f} + {kl:.4f}", evidence, bound + kl)


# %% [markdown]
# ln p(x) is never smaller than the ELBO, because a divergence is never negative. They are equal if q(z|x) is the
# posterior.
#
# ## Training
#
# Maximise the mean ELBO of a batch by θ and φ. In each step every image of the batch gets **one** draw ε. Adam divides
# the running mean of the gradient by the root of the running mean of its square, so each weight moves by about `rate` a
# step, or less.


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
def batch(n=100):
    """Return n training images, and an ε for each of them."""
    x, epsilon = x_train[rng.integers(len(x_train), size=n)], rng.normal(size=(n, 2))
    return backend.to_device(x), backend.to_device(epsilon)


def negative_elbo(weights):
    return -np.mean(elbo(weights[:4], weights[4:], *batch()))


# %%
steps = 400 if QUICK else 3_000
learned, losses = train(theta + phi, negative_elbo, steps)
theta, phi = learned[:4], learned[4:]
print(f"−ELBO of a training image: {losses[0]:.1f} nats before, {np.mean(losses[-100:]):.1f} after {steps} steps")

# %% [markdown]
# **Before you look:** the curve below is not smooth. Which two sources of randomness does each step have?

# %%
plt.plot(losses, color="#c8553d", lw=0.5)
plt.xlabel("step"), plt.ylabel("−ELBO, nats"), plt.ylim(top=45)
show("4_loss")

# %% [markdown]
# The 100 images of the batch are drawn at random, and so is the ε of each image.
#
# ## What has it learned?
#
# Decode a grid of codes. Each picture shows σ(l(z)), the probability that a pixel is 1.
#
# **Before you look:** neighbours in the plane should look alike. Why? (Training decodes
# $z = \mu + \sigma \varepsilon$.)

# %%
codes = np.stack(np.meshgrid(np.linspace(-2, 2, 12), np.linspace(2, -2, 12)), axis=-1)
pictures = 1 / (1 + np.exp(-apply(theta, codes)))
framed = np.pad(pictures.reshape(12, 12, 8, 8), ((0, 0), (0, 0), (0, 1), (0, 1)))
plt.imshow(framed.transpose(0, 2, 1, 3).reshape(108, 108), cmap="Greys"), plt.axis("off")
show("4_plane")

# %% [markdown]
# The same image is decoded from many codes near its μ. So near codes must give similar images.
#
# And the posterior? The picture shows four test digits. In shades of red: the true posterior on the grid. The ellipse:
# two standard deviations of q(z|x), which the encoder gives without any grid.
#
# **Before you look:** q is a normal distribution with its axes along the two numbers of z. Which shapes of the
# posterior can it not follow?

# %%
figure, axes = plt.subplots(1, 4, figsize=(11, 2.8), sharex=True, sharey=True)
circle = 2 * np.array([[np.cos(t), np.sin(t)] for t in np.linspace(0, 2 * np.pi, 100)])
for ax, x in zip(axes, x_test[:4], strict=True):
    shares = posterior(theta, x).reshape(len(line), len(line))
    ax.contourf(line, line, shares, levels=shares.max() * np.linspace(0.05, 1, 8), cmap="Reds")
    ax.plot(*reparameterise(*encode(phi, x), circle).T, color="#1f2a44")
    ax.inset_axes((0.72, 0.72, 0.26, 0.26), xticks=[], yticks=[]).imshow(x.reshape(8, 8), cmap="Greys")
    ax.set(xlim=(-3, 3), ylim=(-3, 3), aspect="equal")
show("4_posterior")

# %%
for k in range(4):
    evidence, bound, kl = three_numbers(theta, phi, x_test[k])
    check(f"digit {k}: ln p(x) = ELBO + KL = {bound:.2f} + {kl:.2f}", evidence, bound + kl, within=1e-3)

# %% [markdown]
# Slanted or bent ones. And the encoder never saw these digits: where its ellipse lies beside the posterior, KL is
# large.
#
# ## Box: sum, mean or ½?
#
# Many programs on the web average the reconstruction term over the pixels (`reduction="mean"`) and subtract the KL
# term as it is. Then
#
# $$D \cdot \text{loss} = -\mathbb{E}_q[\ln p_\theta(x|z)] + D \cdot D_{KL}(q_\phi(z|x)\,\|\,p(z))$$
#
# which is a VAE with its prior fitting multiplied by β = D = 64. **Before you run this:** what will the encoder do if
# a nat of the KL term costs as much as 64 nats of reconstruction?


# %%
def mean_loss(weights):
    """The mistake: the mean over pixels in the first term, the sum in the second."""
    x, epsilon = batch()
    mean, log_var = encode(weights[4:], x)
    z = reparameterise(mean, log_var, epsilon)
    return np.mean(-log_likelihood(weights[:4], x, z) / D + kl_to_prior(mean, log_var))


# %%
wrong, _ = train(network(2, 50, D) + network(D, 50, 4), mean_loss, steps // 2)
for name, encoder in (("sum", phi), ("mean", wrong[4:])):
    print(f"{name}: KL(q(z|x) ‖ p(z)) = {np.mean(kl_to_prior(*encode(encoder, x_test))):.4f} nats a test image")

# %% [markdown]
# It makes q(z|x) nearly the prior, for every x. Then z tells next to nothing about x (*posterior collapse*), and the
# decoder can do no better than the average digit. The ½ is the same trap with another β: for real pixels,
# $\ln N(x; m, 1) = -\tfrac12 (x - m)^2 + \text{constant}$. A squared error without its ½ means variance ½ in place of
# 1, so the reconstruction counts twice.
#
# ## Exercises
#
# 1. *Predict.* Make the hidden layers 10 units wide. Does ln p(x) = ELBO + KL still hold? Does the mean KL grow or
#    shrink?
# 2. *Write.* `iwae(theta, phi, x, epsilon)`: ln of the mean of the ratios p(x, z)/q(z|x) of 5 draws z. Show that its
#    mean over many ε lies between the ELBO and ln p(x).
# 3. *Break.* Change the sign of `- log_var` in `kl_to_prior`. Which ✓ notices first? Make the same mistake in
#    `Normal.kl_divergence` in `minigen/distributions.py`: `(1 - difference)` in place of `(1 + difference)`. Then run
#    `python -m pytest -q tests/minigen/test_distributions.py` and read which claims are broken.
#
# Answers to the questions and the exercises: [answers].
#
# ## The same in minigen
#
# | here | minigen | claim | tests |
# |---|---|---|---|
# | `kl_to_prior` | `Normal.kl_divergence`: [`minigen/distributions.py`] | [V-1] | [`test_distributions.py`] |
# | `elbo` | `VAE.elbo`: [`minigen/vae.py`] | [V-4] | [`test_vae.py`] |
# | `three_numbers` | [`minigen/analysis/evidence.py`] | [V-3] | [`test_vae.py`] |
# | `train` | `fit`: [`minigen/training/loop.py`], `Adam`: [`minigen/training/optim.py`] | [I-4] | [`test_table.py`] |
#
# `python -m demos vae` trains a larger one, `python -m demos truth_lab` closes ln p = ELBO + KL while a VAE learns.
#
# [`minigen/distributions.py`]: ../../minigen/distributions.py
# [V-1]: ../../docs/lecture.md#variational-inference
# [`test_distributions.py`]: ../../tests/minigen/test_distributions.py
# [`minigen/vae.py`]: ../../minigen/vae.py
# [V-4]: ../../docs/lecture.md#elbo
# [`test_vae.py`]: ../../tests/minigen/test_vae.py
# [`minigen/analysis/evidence.py`]: ../../minigen/analysis/evidence.py
# [V-3]: ../../docs/lecture.md#variational-inference
# [`minigen/training/loop.py`]: ../../minigen/training/loop.py
# [`minigen/training/optim.py`]: ../../minigen/training/optim.py
# [I-4]: ../../docs/lecture.md#discrete-distributions
# [`test_table.py`]: ../../tests/minigen/test_table.py
# [answers]: ../../lessons/answers/4_vae.md
