# %% [markdown]
# # 6. The GAN on a line
#
# You play the game of the *generative adversarial network* (GAN) where everything can be seen: the data are numbers,
# the generator is a straight line, and every expectation is an integral that a sum over a grid computes. You check the
# lecture's chain of equations from V(D, G) to 2 JSD − log 4 number by number.
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

from autograd import Tensor, backend, console, grad

console.printable()  # on any terminal
backend.use("numpy")  # "cupy" trains on a CUDA device: to_device copies arrays to the device, to_numpy brings them back
QUICK = bool(os.environ.get("QUICK"))  # QUICK=1: fewer steps
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
# ## Two densities
#
# The data: $p_{data} = N(0, 1)$. The generator turns noise $z \sim N(0, 1)$ into $G(z) = a + b z$, so its density is
# $p_G = N(a, b^2)$. Here it starts at a = 2 and b = 1.5. In general nobody knows $p_G$; on the line we do.


# %%
def normal(x, mean, sigma):
    """The density of N(mean, sigma²) at x."""
    return np.exp(-(((x - mean) / sigma) ** 2) / 2) / (sigma * np.sqrt(2 * np.pi))


# %%
x, dx = np.linspace(-12, 12, 2401, retstep=True)
p_data, p_G = normal(x, 0, 1), normal(x, 2, 1.5)
check("both integrate to 1", [1, 1], [np.sum(p_data) * dx, np.sum(p_G) * dx])

# %% [markdown]
# ## The value of the game
#
# The discriminator says D(x), its probability that x is real, not made by G. The *value* V of the game is high if D is
# near 1 on data and near 0 on the fakes that G makes. D raises V, and G lowers it:
#
# $$\min_G \max_D V(D, G) = \mathbb{E}_{x \sim p_{data}}[\log D(x)] + \mathbb{E}_{z \sim p_z}[\log(1 - D(G(z)))]$$
#
# The second expectation is over z. As x = G(z) has the density $p_G$, it is also an expectation over x:
#
# $$V(D, G) = \mathbb{E}_{x \sim p_{data}}[\log D(x)] + \mathbb{E}_{x \sim p_G}[\log(1 - D(x))]$$
#
# An expectation is an integral, and on the grid a sum times dx.
#
# **Before you run this:** what is V if D sees no difference and says ½ everywhere?


# %%
def value(D, p_data, p_G):
    """V(D, G) for the values of D on the grid, in nats."""
    # your turn: the sum over the grid of p_data log D + p_G log(1 − D), times dx
    ...


# %%
half = np.full_like(x, 0.5)
check("D = ½ has the value log ½ + log ½ = −log 4", -np.log(4), value(half, p_data, p_G))

# %% [markdown]
# ## The best discriminator
#
# V is a sum over x, and D can choose its value D(x) for each x separately. So look at the term of one x. Its logarithms
# bend down, so it has one maximum, where its derivative by D(x) is zero:
#
# $$\frac{\partial}{\partial D}\left[p_{data} \log D + p_G \log(1 - D)\right]
# = \frac{p_{data}}{D} - \frac{p_G}{1 - D} = 0
# \quad\Longrightarrow\quad D^*_G(x) = \frac{p_{data}(x)}{p_{data}(x) + p_G(x)}$$


# %%
def best_discriminator(p_data, p_G):
    """D*(x): of the numbers at x, real and made, the share that is real."""
    # your turn: the last formula
    ...


# %% [markdown]
# The engine differentiates V by all 2,401 values of D at once. At D*, each derivative must be zero.

# %%
check(
    "D* where p_data is 3 p_G, and where it is ⅓ p_G",
    [0.75, 0.25],
    best_discriminator(np.array([3.0, 1.0]), np.array([1.0, 3.0])),
)
D_star = Tensor(best_discriminator(p_data, p_G), requires_grad=True)
slope = grad(value(D_star, p_data, p_G), D_star).data
check("the largest |∂V/∂D(x)| at D*", 0.0, np.max(np.abs(slope)))

# %% [markdown]
# ## What the generator then minimises
#
# Insert D*. Then divide both denominators by 2. This raises each logarithm by log 2, so log 4 must be subtracted:
#
# $$\begin{aligned}
# V(D^*_G, G) &= \mathbb{E}_{x \sim p_{data}}\left[\log \frac{p_{data}(x)}{p_{data}(x) + p_G(x)}\right]
# + \mathbb{E}_{x \sim p_G}\left[\log \frac{p_G(x)}{p_{data}(x) + p_G(x)}\right] \\
# &= \mathbb{E}_{x \sim p_{data}}\left[\log \frac{p_{data}(x)}{\frac{p_{data}(x) + p_G(x)}{2}}\right]
# + \mathbb{E}_{x \sim p_G}\left[\log \frac{p_G(x)}{\frac{p_{data}(x) + p_G(x)}{2}}\right] - \log 4 \\
# &= \underbrace{D_{KL}\left[p_{data}, \frac{p_{data} + p_G}{2}\right]
# + D_{KL}\left[p_G, \frac{p_{data} + p_G}{2}\right]}_{2 \times \text{Jensen–Shannon divergence (JSD)}} - \log 4 \\
# &= 2 D_{JSD}[p_{data}, p_G] - \log 4
# \end{aligned}$$
#
# with $D_{KL}[p, q] = \mathbb{E}_{x \sim p}[\log \frac{p(x)}{q(x)}]$.


# %%
def kl_divergence(p, q):
    """KL(p ‖ q) of two densities on the grid, in nats."""
    # your turn: the sum over the grid of p log(p/q), times dx
    ...


def js_divergence(p, q):
    """The Jensen–Shannon divergence: half the sum of the divergences of p and of q from their mean, in nats."""
    return (kl_divergence(p, (p + q) / 2) + kl_divergence(q, (p + q) / 2)) / 2


# %%
check("KL(N(0, 1) ‖ N(2, 1)) = ½ (2 − 0)²", 2.0, kl_divergence(p_data, normal(x, 2, 1)))
check("V(D*, G) = 2 JSD − log 4", 2 * js_divergence(p_data, p_G) - np.log(4), value(D_star.data, p_data, p_G))

# %% [markdown]
# ## Box: why log 4
#
# Because 4 = 2 · 2: two expectations, and each denominator was divided by 2. A KL divergence needs a density
# in its denominator. $p_{data} + p_G$ integrates to 2, so only its half is one. And log 4 is the loss −V of a
# discriminator that always says ½: log 2 for the data, log 2 for the fakes. So a loss near 1.386 in a
# print-out says that D sees no difference: none is left, or D is too weak. (Means of the two terms print
# log 2 = 0.693.)
#
# The JSD is never negative, and 0 only if $p_G = p_{data}$. So the best that G can reach against D* is −log 4,
# and then D* = ½ everywhere.
#
# **Before you look:** how does V(D*, G) depend on the shift a, if b = 1? And V(D*, G) is a mean of logarithms of
# probabilities: which value can it never exceed?

# %%
shifts = np.linspace(-6, 6, 61)
plt.plot(shifts, [2 * js_divergence(p_data, normal(x, a, 1)) - np.log(4) for a in shifts], color="#c8553d")
plt.axhline(-np.log(4), color="#9aa5b8"), plt.axhline(0, color="#9aa5b8")
plt.xlabel("a"), plt.ylabel("V(D*, G), nats")
show("6_value")

# %% [markdown]
# It cannot exceed 0, and near 0 it is flat: two densities that hardly overlap have a JSD of nearly log 2, wherever they
# are. Such a D* is sure of everything, and its V hardly tells G where to go. Remember this for the box below.
#
# ## A discriminator that learns
#
# In practice nobody knows D*. A network with the logit l(x) learns it from samples: D(x) = σ(l(x)). With logits,
# $\log D = -\ln(1 + e^{-l})$ and $\log(1 - D) = -\ln(1 + e^{l})$.


# %%
def discriminator(hidden):
    """Return random weights of a network with one input, one hidden layer and one output, as Tensors."""
    arrays = [rng.normal(size=(1, hidden)), rng.normal(size=hidden), rng.normal(size=(hidden, 1)) / hidden, np.zeros(1)]
    return [Tensor(backend.to_device(w), requires_grad=True) for w in arrays]


def logit(network, x):
    W1, b1, W2, b2 = network
    return (np.tanh(x[:, None] @ W1 + b1) @ W2 + b2)[:, 0]


# %%
def discriminator_loss(network, real, fake):
    """−V, with means over samples for the expectations."""
    return np.mean(np.logaddexp(0, -logit(network, real))) + np.mean(np.logaddexp(0, logit(network, fake)))


def normal_draws(n):
    """Draw n numbers of N(0, 1)."""
    return backend.to_device(rng.normal(size=n))


# %%
def descend(weights, loss, rate):
    """One step of gradient descent."""
    for w, g in zip(weights, grad(loss, weights), strict=True):
        w.data -= rate * g.data


# %% [markdown]
# G stays as it is, and only D moves. **Before you run this:** can V(D, G) rise above V(D*, G)?

# %%
D = discriminator(20)
for _ in range(500 if QUICK else 5_000):
    z, real = normal_draws(1000), normal_draws(1000)
    descend(D, discriminator_loss(D, real, 2 + 1.5 * z), rate=0.3)
learned = 1 / (1 + np.exp(-backend.to_numpy(logit(D, backend.to_device(x)))))
check("V of the learned D is nearly V(D*)", value(D_star.data, p_data, p_G), value(learned, p_data, p_G), within=0.02)

# %% [markdown]
# It cannot: D* is the maximum of V. The learned D comes close from below.
#
# **Before you look:** the learned D differs from D* most where there are neither data nor fakes, at the left. Why does
# V hardly change by this?

# %%
plt.plot(x, D_star.data, color="#9aa5b8", lw=4, label="D*")
plt.plot(x, learned, color="#c8553d", label="learned")
plt.plot(x, p_data, "--", color="#1f2a44", label="p_data")
plt.plot(x, p_G, ":", color="#1f2a44", label="p_G")
plt.legend()
show("6_discriminator")

# %% [markdown]
# Because V weighs the logarithms with the densities, and both densities are nearly 0 there. No sample comes from there
# either, so D learns nothing about that place.
#
# ## Box: why the code of the generator is not the formula
#
# The formula tells G to minimise log(1 − D(G(z))), the *minimax* loss. Nearly all programs minimise −log D(G(z))
# instead, the *non-saturating* loss. Both fall if D(G(z)) rises, but their gradients differ. **Before you run this:**
# let D be sure about a fake, l = −6, so D = 0.0025. Which of the two losses moves the fake?

# %%
sure = Tensor(np.array(-6.0), requires_grad=True)
minimax = grad(-np.logaddexp(0, sure), sure).item()
non_saturating = grad(np.logaddexp(0, -sure), sure).item()
D_of_fake = 1 / (1 + np.exp(6))
check("the gradients by l are −D and −(1 − D)", [-D_of_fake, -(1 - D_of_fake)], [minimax, non_saturating])

# %% [markdown]
# The non-saturating loss: its gradient is 403 times larger. The minimax loss pushes least where the fakes are worst.
#
# ## The game circles
#
# Now both move. The simplest game of this kind has one number for each player: G makes the number θ, the data are all
# 0, and the logit of D is l(x) = ψ x, a line through 0. Let the value be V = l(θ) = ψ θ: G lowers it by θ, and D raises
# it by ψ. Only at θ = ψ = 0 does neither want to move: the *equilibrium*. A step of both with the learning rate η,
# $\theta' = \theta - \eta\psi$ and $\psi' = \psi + \eta\theta$, turns the point (θ, ψ) around 0, and
#
# $$\theta'^2 + \psi'^2 = (1 + \eta^2)(\theta^2 + \psi^2)$$
#
# so it never arrives. The cure is a penalty called R1: D pays ½ γ E[(∂l/∂x)²] for its slope on real data. Here the
# slope is ψ, so D pays ½ γ ψ². **Before you look:** where does the point go with γ = 0, and where with γ = 1?


# %%
def play(theta, psi, gamma, eta=0.1):
    """One step of both players on V = ψ θ − ½ γ ψ²."""
    # your turn: np.array([θ′, ψ′]): G goes down by η ∂V/∂θ, D goes up by η ∂V/∂ψ, both from the old point
    ...


# %%
check("γ = 2, both from the old point", [0.6 - 0.1 * 0.8, 0.8 + 0.1 * (0.6 - 2 * 0.8)], play(0.6, 0.8, gamma=2))
check("a step without R1 multiplies the square by 1 + η²", 1 + 0.1**2, np.sum(play(0.6, 0.8, gamma=0) ** 2))
for gamma, colour in ((0, "#c8553d"), (1, "#1f2a44")):
    path = [np.array([1.0, 0.0])]
    for _ in range(120):
        path.append(play(*path[-1], gamma))
    plt.plot(*np.transpose(path), color=colour, label=f"γ = {gamma}")
plt.legend(), plt.gca().set_aspect("equal"), plt.xlabel("θ (G)"), plt.ylabel("ψ (D)")
show("6_circles")

# %% [markdown]
# Without R1 it spirals outwards, with R1 it spirals into the equilibrium.
#
# ## The whole game
#
# Data N(0, 1), a generator a + b z, a discriminator with a hidden layer, R1 with γ = 0.3. The penalty contains the
# derivatives ∂l/∂x, one for each x, and `grad` of the sum of all l gives them at once, because each l depends on its
# own x alone. Training differentiates them once more: `create_graph=True` keeps them differentiable (lesson 0).


# %%
def r1(network, real):
    """½ γ E[(∂l/∂x)²] on real data, with γ = 0.3."""
    real = Tensor(real, requires_grad=True)
    return 0.5 * 0.3 * np.mean(grad(np.sum(logit(network, real)), real, create_graph=True) ** 2)


# %%
D, path = discriminator(20), []
G = [Tensor(v, requires_grad=True) for v in (2.0, 1.5)]  # a and b
for _ in range(300 if QUICK else 4_000):
    real, z = normal_draws(500), normal_draws(500)
    descend(D, discriminator_loss(D, real, G[0].data + G[1].data * z) + r1(D, real), rate=0.3)
    descend(G, np.mean(np.logaddexp(0, -logit(D, G[0] + G[1] * z))), rate=0.1)
    path.append([G[0].item(), G[1].item()])

# %% [markdown]
# The pictures show the path of (a, b), with a star where $p_G = p_{data}$, and V(D*, G) at each step. **Before you
# look:** V(D*, G) goes to −log 4. From above or from below?

# %%
a, b = np.transpose(path)
values = [2 * js_divergence(p_data, normal(x, *point)) - np.log(4) for point in path]
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.5))
left.plot(a, b, color="#c8553d", lw=0.7), left.plot(0, 1, "*", color="#1f2a44", ms=14)
left.set(xlabel="a", ylabel="b")
right.plot(values, color="#c8553d", lw=0.7), right.axhline(-np.log(4), color="#1f2a44")
right.set(xlabel="step", ylabel="V(D*, G), nats")
show("6_game")
print(f"p_G = N({a[-1]:.2f}, {b[-1]:.2f}²), 2 JSD = {values[-1] + np.log(4):.4f} nats")

# %% [markdown]
# From above, because V(D*, G) = 2 JSD − log 4 and the JSD is never negative.
#
# ## Exercises
#
# 1. *Predict.* Start G at a = 8, far from the data, once with the minimax loss and once with the non-saturating loss.
#    Which one comes to the data sooner?
# 2. *Write.* Let both players of `play` move one after the other: D first, then G against the new ψ. Show that the area
#    of a small triangle of starting points stays the same, with γ = 0.
# 3. *Break.* Leave out the `1 -` in `value`, so that both terms have log D. Which ✓ notices first? Make the same change
#    in `value` in `minigen/divergences.py`, run `python -m pytest -q tests/minigen/test_divergences.py`, and read the
#    last lines.
#
# Answers to the questions and the exercises: [answers].
#
# ## The same in minigen
#
# | here | minigen | claim | tests |
# |---|---|---|---|
# | `value`, `js_divergence` | [`minigen/divergences.py`] | [G-1], [G-3], [G-4] | [`test_divergences.py`] |
# | `best_discriminator` | [`minigen/divergences.py`] | [G-2] | [`test_divergences.py`] |
# | the losses of D and of G | [`minigen/gan.py`] | [G-5], [G-7] | [`test_divergences.py`], [`test_gan.py`] |
# | `r1` | `r1_penalty`: [`minigen/penalties.py`] | [G-6] | [`test_penalties.py`] |
# | `play` | `DiracGAN`: [`minigen/analysis/dynamics.py`] | [G-9] | [`test_dynamics.py`] |
#
# `python -m demos gan` plays this game with measured errors, `python -m demos ring` shows modes that a generator loses.
#
# [`minigen/divergences.py`]: ../../minigen/divergences.py
# [G-1]: ../../docs/lecture.md#discriminator
# [G-2]: ../../docs/lecture.md#generator
# [G-3]: ../../docs/lecture.md#generator
# [G-4]: ../../docs/lecture.md#generator
# [`test_divergences.py`]: ../../tests/minigen/test_divergences.py
# [`minigen/gan.py`]: ../../minigen/gan.py
# [G-5]: ../../docs/lecture.md#generator
# [G-7]: ../../docs/lecture.md#generative-adversarial-network
# [`test_gan.py`]: ../../tests/minigen/test_gan.py
# [`minigen/penalties.py`]: ../../minigen/penalties.py
# [G-6]: ../../docs/lecture.md#discriminator
# [`test_penalties.py`]: ../../tests/minigen/test_penalties.py
# [`minigen/analysis/dynamics.py`]: ../../minigen/analysis/dynamics.py
# [G-9]: ../../docs/lecture.md#generative-adversarial-network
# [`test_dynamics.py`]: ../../tests/minigen/analysis/test_dynamics.py
# [answers]: ../../lessons/answers/6_gan_on_a_line.md
