# %% [markdown]
# # 5. The adversarial auto-encoder
#
# The VAE pays for codes that do not look like its prior, by a KL divergence, and for that it needs a formula of the
# prior. You replace this term by a game. Then any prior will do from which you can *draw*: here, a ring.
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
# ## What the KL term is made of
#
# The prior fitting term of the VAE, averaged over the images, has two parts:
#
# $$\mathbb{E}_x\, D_{KL}(q(z|x)\,\|\,p(z)) = I_q(x; z) + D_{KL}(q(z)\,\|\,p(z)), \qquad q(z) = \mathbb{E}_x\, q(z|x)$$
#
# The first is the *information* that a code carries about its image. The second compares all codes together with the
# prior. Only the second one is what we want: samples from the prior should look like codes. The AAE keeps only that.
#
# To see that the equation holds, take tables: 5 images, 4 codes, random probabilities.


# %%
def kl_divergence(p, q):
    """Σ p ln(p/q) over the last axis, in nats."""
    return np.sum(p * np.log(p / q), axis=-1)


# %%
def information(q_z_given_x):
    """I(x; z) for images that are equally frequent, from the table [x, z] of q(z|x), in nats."""
    # answer: the mean over x of KL(q(z|x) ‖ q(z)), with q(z) the mean of the rows
    return np.mean(kl_divergence(q_z_given_x, q_z_given_x.mean(axis=0)))
    # end


# %%
q, p = rng.dirichlet(np.ones(4), size=5), rng.dirichlet(np.ones(4))
check("codes that are all different carry ln 4 nats", np.log(4), information(np.eye(4) + 1e-300))
check(
    "KL term = information + KL of all codes",
    kl_divergence(q, p).mean(),
    information(q) + kl_divergence(q.mean(axis=0), p),
)

# %% [markdown]
# ## Three networks
#
# The encoder turns an image into a code z of two numbers, the decoder turns z into the logits of the pixels, and the
# discriminator turns z into the logit of "this z is from the prior". It never sees an image.


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
x_train, x_test, D = data.train.images.astype(float), data.test.images.astype(float), data.D
tensors = lambda arrays: [Tensor(w, requires_grad=True) for w in arrays]
encoder, decoder, discriminator = (tensors(network(*sizes)) for sizes in ((D, 100, 2), (2, 100, D), (2, 60, 1)))


# %%
def reconstruction_loss(x):
    """−ln p(x|z), the mean over images of the sum over pixels, in nats."""
    logits = apply(decoder, apply(encoder, x))
    return -np.mean(np.sum(x * logits - np.logaddexp(0, logits), axis=1))


# %% [markdown]
# The prior. **Before you read on:** write down the density of this ring. (Nobody needs it below.)


# %%
def prior(n):
    """Draw n codes on a ring of radius 2."""
    angle, radius = rng.uniform(0, 2 * np.pi, n), 2 + 0.15 * rng.normal(size=n)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


# %% [markdown]
# ## The game of the codes
#
# The GAN's value, with draws of the prior as "real" and codes as "fake":
#
# $$\min_{enc} \max_D \; \mathbb{E}_{z \sim p(z)}[\log D(z)] + \mathbb{E}_{x}[\log(1 - D(enc(x)))]$$
#
# With logits, $\log D = -\ln(1 + e^{-l})$ and $\log(1 - D) = -\ln(1 + e^{l})$. The discriminator minimises the negative
# value. The encoder has the non-saturating loss $-\mathbb{E}[\log D(enc(x))]$, with the same goal and a gradient that
# does not vanish (lesson 6).


# %%
def discriminator_loss(of_prior, of_codes):
    """−V from the logits of draws and the logits of codes."""
    # answer: the mean of ln(1 + e^(−l)) over the draws plus the mean of ln(1 + eˡ) over the codes
    return np.mean(np.logaddexp(0, -of_prior)) + np.mean(np.logaddexp(0, of_codes))
    # end


# %% [markdown]
# **Before you run this:** which loss has a discriminator that knows nothing?

# %%
check("l = 0 costs log 4", np.log(4), discriminator_loss(np.zeros(7), np.zeros(9)))
best = np.log(p / q[0])  # for tables of draws p and codes q the best logit is ln(p/q)
weighted = np.sum(p * np.logaddexp(0, -best)) + np.sum(q[0] * np.logaddexp(0, best))
jsd = (kl_divergence(p, (p + q[0]) / 2) + kl_divergence(q[0], (p + q[0]) / 2)) / 2
check("the best discriminator costs log 4 − 2 JSD", np.log(4) - 2 * jsd, weighted)


# %%
def adversarial_loss(of_codes):
    """−E[log D] from the logits of the codes: what the encoder minimises."""
    # answer: the mean of ln(1 + e^(−l))
    return np.mean(np.logaddexp(0, -of_codes))
    # end


# %%
check("a code that D believes costs nothing", 0.0, adversarial_loss(np.full(3, 50.0)))
check("a code that D rejects costs −l", 50.0, adversarial_loss(np.full(3, -50.0)))

# %% [markdown]
# ## Training
#
# Three steps a batch, each with its own networks: reconstruct (encoder and decoder), tell apart (discriminator),
# deceive (encoder). Adam divides the running mean of the gradient by the root of the running mean of its square.


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
reconstruct, tell_apart, deceive = adam(encoder + decoder, 0.002), adam(discriminator, 0.002), adam(encoder, 0.001)
before = apply(encoder, x_test).data
for _ in range(150 if QUICK else 5_000):
    x = x_train[rng.integers(len(x_train), size=100)]
    reconstruct(reconstruction_loss(x))
    codes = apply(encoder, x).data
    tell_apart(discriminator_loss(apply(discriminator, prior(100)), apply(discriminator, codes)))
    deceive(adversarial_loss(apply(discriminator, apply(encoder, x))))
print(f"reconstruction: {reconstruction_loss(x_test).item():.2f} nats a test digit")

# %% [markdown]
# **Before you look:** left the codes of the test digits before training, right after it, over draws of the prior in
# grey. Colours are the ten labels, which no network has seen. Will a digit have one place on the ring?

# %%
figure, axes = plt.subplots(1, 2, figsize=(9, 4.2))
for ax, codes in zip(axes, (before, apply(encoder, x_test).data), strict=True):
    ax.scatter(*prior(2000).T, s=2, color="#d8dce4")
    ax.scatter(*codes.T, s=14, c=data.test.labels, cmap="tab10")
    ax.set(aspect="equal", xlim=(-3, 3), ylim=(-3, 3))
show("5_codes")

# %% [markdown]
# Decode points along the ring. **Before you look:** how should the first and the last picture differ?

# %%
angles = np.linspace(0, 2 * np.pi, 25)
ring = 2 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
pictures = 1 / (1 + np.exp(-apply(decoder, ring).data))
framed = np.pad(pictures.reshape(25, 8, 8), ((0, 0), (0, 0), (0, 1)))
plt.figure(figsize=(10, 1))
plt.imshow(framed.transpose(1, 0, 2).reshape(8, 225), cmap="Greys"), plt.axis("off")
show("5_ring")

# %% [markdown]
# Neighbours on the ring should look alike, and the ring closes. But a ring is not a plane: between two digits that have
# no neighbourly shapes in between, the decoder must jump, and it does so within a few degrees.
#
# ## What was paid
#
# The VAE's ELBO is a bound on ln p(x). The AAE has no such bound: its encoder is a function, so q(z|x) is a point and
# the information that it carries is free. What is left of $D_{KL}(q(z)\,\|\,p(z))$ shows only in the game: a
# discriminator that starts fresh, and trains against the finished codes, should not get far below log 4.

# %%
judge = tensors(network(2, 60, 1))
learn, codes = adam(judge, 0.002), apply(encoder, x_train).data
for _ in range(100 if QUICK else 1_500):
    some = codes[rng.integers(len(codes), size=100)]
    learn(discriminator_loss(apply(judge, prior(100)), apply(judge, some)))
unseen = discriminator_loss(apply(judge, prior(300)), apply(judge, apply(encoder, x_test).data)).item()
print(f"a fresh discriminator: {unseen:.3f} nats on the test digits; log 4 = {np.log(4):.3f}")

# %% [markdown]
# ## Exercises
#
# 1. *Predict.* Leave out `deceive`. What do the codes look like, and what does a point of the ring decode to?
# 2. *Write.* A prior of ten spots, and a discriminator that also gets the label of the image. Where does each digit go?
# 3. *Break.* Swap the two arguments of `discriminator_loss` where it is called in the training. Which ✓ notices? None:
#    the checks hold the formulas, not the call. What do you see instead? In the test suite, claim AA-2 trains for it.
#
# ## The same in minigen
#
# | here | minigen | held by |
# |---|---|---|
# | the two parts of the KL term | `minigen/analysis/surgery.py` | V-8 |
# | the three steps | `Steps` in `minigen/aae.py` | AA-1 |
# | the two losses | `AAE.discriminator_loss`, `AAE.adversarial_loss` | AA-2 |
# | the discriminator sees z alone | `AAE.logits` | AA-3 |
#
# `python -m demos aae` fills a flower of ten petals, and one for each label.
