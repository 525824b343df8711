# %% [markdown]
# # 5. The adversarial auto-encoder
#
# The VAE pays a KL divergence for codes that do not look like its prior, and to compute the price it needs a formula of
# the prior. The *adversarial auto-encoder* (AAE) replaces this term by a game, the game of a GAN. Then any prior will
# do from which you can *draw*: here, a ring.
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
# ## What the KL term is made of
#
# Let q(z) be the distribution of the codes of all images together: $q(z) = \mathbb{E}_x[q(z|x)]$, where
# $\mathbb{E}_x$ is the mean over the images. In the prior fitting term of the VAE, write the ratio as two factors,
# $\frac{q(z|x)}{p(z)} = \frac{q(z|x)}{q(z)} \cdot \frac{q(z)}{p(z)}$. Then the mean of the term has two parts:
#
# $$\mathbb{E}_x\, D_{KL}(q(z|x)\,\|\,p(z))
# = \underbrace{\mathbb{E}_x\, D_{KL}(q(z|x)\,\|\,q(z))}_{I_q(x; z)} + D_{KL}(q(z)\,\|\,p(z))$$
#
# The first part is the *information* that a code carries about its image. The second part compares the codes of all
# images with the prior. Only the second part should be small: a draw of the prior should look like a code. The AAE
# keeps the second part and drops the first.
#
# To see that the equation holds, take tables: 5 images, 4 codes, random probabilities.


# %%
def kl_divergence(p, q):
    """Σ p ln(p/q) over the last axis, in nats."""
    return np.sum(p * np.log(p / q), axis=-1)


# %%
def information(q_z_given_x):
    """I(x; z) for images that are equally frequent, from the table [x, z] of q(z|x), in nats."""
    # answer: q(z) is the mean of the rows; take the mean over the rows of KL(q(z|x) ‖ q(z)), by kl_divergence
    return np.mean(kl_divergence(q_z_given_x, q_z_given_x.mean(axis=0)))
    # end


# %%
q, p = rng.dirichlet(np.ones(4), size=5), rng.dirichlet(np.ones(4))
each_its_own = np.eye(4) + 1e-300  # image k has code k; a little more than 0, because of 0 ln 0
check("four images with four different codes: ln 4 nats", np.log(4), information(each_its_own))
check(
    "KL term = information + KL of all codes",
    kl_divergence(q, p).mean(),
    information(q) + kl_divergence(q.mean(axis=0), p),
)

# %% [markdown]
# ## Three networks
#
# The encoder turns an image x into a code z = enc(x) of two numbers: one code, without the noise of the VAE. The
# decoder turns z into the logits of the 64 pixels. The discriminator turns z into a logit l, and D(z) = σ(l) is its
# probability that z is a draw of the prior. The discriminator never sees an image.


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
x_train, x_test = data.train.images.astype(float), data.test.images.astype(float)  # 64 pixels, each 0 or 1
tensors = lambda arrays: [Tensor(backend.to_device(w), requires_grad=True) for w in arrays]
encoder, decoder, discriminator = (tensors(network(*sizes)) for sizes in ((64, 100, 2), (2, 100, 64), (2, 60, 1)))


# %%
def reconstruction_loss(x):
    """−ln p(x|z), the mean over images of the sum over pixels, in nats."""
    logits = apply(decoder, apply(encoder, x))
    return -np.mean(np.sum(x * logits - np.logaddexp(0, logits), axis=1))


# %%
def codes_of(x):
    """The codes of images, as numbers to look at."""
    return backend.to_numpy(apply(encoder, backend.to_device(x)))


# %% [markdown]
# The prior is a ring: the angle of z is uniform, and the radius r = ‖z‖ has the distribution N(2, 0.15²).
#
# **Before you read on:** which density p(z) does a point of the plane have? The VAE would need it. A draw needs two
# lines.


# %%
def prior(n):
    """Draw n codes on a ring of radius 2."""
    angle, radius = rng.uniform(0, 2 * np.pi, n), 2 + 0.15 * rng.normal(size=n)
    return backend.to_device(np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1))


# %% [markdown]
# (The answer: a circle of radius r has the length 2πr, so $p(z) = N(r; 2, 0.15^2) / (2 \pi r)$. Nobody needs it below.)
#
# ## The game of the codes
#
# This is the value V of the lecture's GAN. The draws of the prior are its "real" data, the codes are its "fake" data:
#
# $$\min_{enc} \max_D \; \mathbb{E}_{z \sim p(z)}[\log D(z)] + \mathbb{E}_{x}[\log(1 - D(enc(x)))]$$
#
# With logits, $\log D = -\ln(1 + e^{-l})$ and $\log(1 - D) = -\ln(1 + e^{l})$. The discriminator minimises −V.
#
# The encoder could minimise $\mathbb{E}_x[\log(1 - D(enc(x)))]$, but its gradient vanishes where D rejects a code. So
# it minimises $-\mathbb{E}_x[\log D(enc(x))]$, which also makes D take codes for draws (lesson 6 compares the two).


# %%
def discriminator_loss(of_prior, of_codes):
    """−V from the logits of draws and the logits of codes."""
    # answer: the mean of ln(1 + e^(−l)) over the draws plus the mean of ln(1 + eˡ) over the codes
    return np.mean(np.logaddexp(0, -of_prior)) + np.mean(np.logaddexp(0, of_codes))
    # end


# %% [markdown]
# **Before you run this:** a discriminator that knows nothing says D = ½. What is its loss?

# %%
check("l = 0, so D = ½, costs log ½ twice: log 4", np.log(4), discriminator_loss(np.zeros(7), np.zeros(9)))

# %% [markdown]
# And the best one? By the lecture $D^* = p / (p + q)$, so its logit is $\ln \frac{D^*}{1 - D^*} = \ln \frac{p}{q}$. Its
# loss is $\log 4 - 2 D_{JSD}[p, q]$. So a loss below log 4 says how far the codes are from the prior. Check it with
# tables: p is the prior from above, and the first row of q stands for the codes.

# %%
codes, m = q[0], (p + q[0]) / 2
best = np.log(p / codes)
loss = np.sum(p * np.logaddexp(0, -best)) + np.sum(codes * np.logaddexp(0, best))
jsd = (kl_divergence(p, m) + kl_divergence(codes, m)) / 2
check("the best discriminator costs log 4 − 2 JSD", np.log(4) - 2 * jsd, loss)


# %%
def adversarial_loss(of_codes):
    """−E[log D] from the logits of the codes: what the encoder minimises."""
    # answer: −log D = ln(1 + e^(−l)); take its mean over the codes
    return np.mean(np.logaddexp(0, -of_codes))
    # end


# %%
check("a code that D takes for a draw costs nothing", 0.0, adversarial_loss(np.full(3, 50.0)))
check("a code that D rejects costs −l", 50.0, adversarial_loss(np.full(3, -50.0)))

# %% [markdown]
# ## Training
#
# Each batch makes three steps, and each step changes only the networks in brackets: reconstruct (encoder and decoder),
# tell apart (discriminator), deceive (encoder). So each step has its own Adam, which was a part of `train` in the
# lessons before. `grad(loss, weights)` returns the gradients by these weights, and by no others.


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
before = codes_of(x_test)
for _ in range(150 if QUICK else 5_000):
    x = backend.to_device(x_train[rng.integers(len(x_train), size=100)])
    reconstruct(reconstruction_loss(x))
    codes = apply(encoder, x).data  # .data: the numbers alone; the encoder learns nothing in this step
    tell_apart(discriminator_loss(apply(discriminator, prior(100)), apply(discriminator, codes)))
    deceive(adversarial_loss(apply(discriminator, apply(encoder, x))))
print(f"reconstruction: {reconstruction_loss(backend.to_device(x_test)).item():.2f} nats a test digit")

# %% [markdown]
# The picture shows the codes of the test digits, on the left before training, on the right after it. Draws of the prior
# are grey. The colours are the ten labels, which no network has seen. **Before you look:** will the codes of one digit
# lie together? And will all codes lie on the ring?

# %%
figure, axes = plt.subplots(1, 2, figsize=(9, 4.2))
for ax, codes in zip(axes, (before, codes_of(x_test)), strict=True):
    ax.scatter(*backend.to_numpy(prior(2000)).T, s=2, color="#d8dce4")
    ax.scatter(*codes.T, s=14, c=data.test.labels, cmap="tab10")
    ax.set(aspect="equal", xlim=(-3, 3), ylim=(-3, 3))
show("5_codes")

# %% [markdown]
# Most digits have an arc of the ring: similar images get similar codes, because the decoder is smooth. The ring is
# fitted roughly: about a third of the codes lie more than 0.5 inside the ring or outside.
#
# Now decode 25 points along the ring, from the angle 0 to 2π. **Before you look:** how will the first and the last
# picture differ?

# %%
angles = np.linspace(0, 2 * np.pi, 25)
ring = 2 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
pictures = 1 / (1 + np.exp(-backend.to_numpy(apply(decoder, backend.to_device(ring)))))
framed = np.pad(pictures.reshape(25, 8, 8), ((0, 0), (0, 0), (0, 1)))
plt.figure(figsize=(10, 1))
plt.imshow(framed.transpose(1, 0, 2).reshape(8, 225), cmap="Greys"), plt.axis("off")
show("5_ring")

# %% [markdown]
# They do not differ: they are the same point, because the ring closes. Neighbours look alike, as in the plane of the
# VAE. But on a ring each digit has only two neighbours, and where one digit ends, the next begins within a step or two.
#
# ## What was paid
#
# The VAE's ELBO is a bound on ln p(x). The AAE has no such bound: its q(z|x) is a single point, and it pays nothing for
# the information in a code. How well q(z) fits p(z) shows only in the game. So let a new discriminator train against
# the finished codes. If q(z) = p(z), its loss on test digits cannot be below log 4 on average. **Before you run this:**
# what would its loss be if no code lay on the ring?

# %%
judge = tensors(network(2, 60, 1))
learn, codes = adam(judge, 0.002), codes_of(x_train)
for _ in range(100 if QUICK else 1_500):
    some = backend.to_device(codes[rng.integers(len(codes), size=100)])
    learn(discriminator_loss(apply(judge, prior(100)), apply(judge, some)))
unseen = discriminator_loss(apply(judge, prior(300)), apply(judge, backend.to_device(codes_of(x_test)))).item()
print(f"a new discriminator: {unseen:.3f} nats on the test digits; log 4 = {np.log(4):.3f}")

# %% [markdown]
# Without overlap its loss would go to 0. Here it is a little below log 4: the discriminator finds a difference, but a
# small one.
#
# ## Exercises
#
# 1. *Predict.* Leave out `deceive`. What do the codes look like, and what does a point of the ring decode to?
# 2. *Write.* A prior of ten spots, one for each label, and a discriminator that gets z and the label as ten numbers
#    (1 for the label, 0 for the others). A draw comes from the spot of its label. Where does each digit go?
#    (The game is harder now. Try spots with a standard deviation of 0.3, 200 hidden units in the discriminator, and the
#    rates 0.0005, 0.005 and 0.001 for the three steps.)
# 3. *Break.* Swap the two arguments of `discriminator_loss` where it is called in the training. Which ✓ notices? None:
#    the checks hold the formulas, not the call. What do you see instead? Make the same swap in `AAE.discriminator_loss`
#    in `minigen/aae.py`, run `python -m pytest -q tests/minigen/test_aae.py`, and read the last lines.
#
# Answers to the questions and the exercises: [answers].
#
# ## The same in minigen
#
# | here | minigen | claim | tests |
# |---|---|---|---|
# | the two parts of the KL term | [`minigen/analysis/surgery.py`] | [V-8] | [`test_surgery.py`] |
# | the three steps | `Steps`: [`minigen/aae.py`] | [AA-1] | [`test_aae.py`] |
# | the two losses | `AAE.discriminator_loss`, `AAE.adversarial_loss`: [`minigen/aae.py`] | [AA-2] | [`test_aae.py`] |
# | the discriminator sees z alone | `AAE.logits`: [`minigen/aae.py`] | [AA-3] | [`test_aae.py`] |
#
# `python -m demos aae` fills a flower of ten petals, and one for each label.
#
# [`minigen/analysis/surgery.py`]: ../minigen/analysis/surgery.py
# [V-8]: ../docs/lecture.md#elbo
# [`test_surgery.py`]: ../tests/minigen/analysis/test_surgery.py
# [`minigen/aae.py`]: ../minigen/aae.py
# [AA-1]: ../docs/lecture.md#adversarial-auto-encoder
# [`test_aae.py`]: ../tests/minigen/test_aae.py
# [AA-2]: ../docs/lecture.md#adversarial-auto-encoder
# [AA-3]: ../docs/lecture.md#adversarial-auto-encoder
# [answers]: ../lessons/answers/5_aae.md
