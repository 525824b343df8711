# %% [markdown]
# # 5. Adversarial Auto-Encoder
#
# VAE는 code가 prior와 다르면 KL divergence로 값을 치른다. 그 값을 계산하려면 prior의 식이 필요하다. *adversarial
# auto-encoder*(AAE)는 이 항을 게임으로 바꾼다. GAN의 게임이다. 그러면 sample을 *뽑을* 수 있는 prior라면 무엇이든 쓸
# 수 있다. 여기서는 ring을 쓴다.
#
# 읽고 실행하는 데 30분. 아래의 ✓는 식 하나를 다른 방법으로 다시 계산해 비교한 결과다. 식을 망가뜨리면 ✓가 ✗로 바뀌고
# 프로그램이 멈춘다. 코드와 그 안의 설명은 영어 그대로다.

# %%
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(globals().get("__file__", "x")).resolve().parents[2]))  # the clone that holds this file

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
# ## KL 항은 무엇으로 이루어졌는가
#
# 모든 이미지의 code를 한데 모은 분포를 q(z)라 하자: $q(z) = \mathbb{E}_x[q(z|x)]$. 여기서 $\mathbb{E}_x$는 모든
# 이미지에 걸친 평균이다. VAE의 prior fitting term에 있는 비를 두 수의 곱으로 쓴다:
# $\frac{q(z|x)}{p(z)} = \frac{q(z|x)}{q(z)} \cdot \frac{q(z)}{p(z)}$. 그러면 그 항의 평균은 두 부분으로 나뉜다:
#
# $$\mathbb{E}_x\, D_{KL}(q(z|x)\,\|\,p(z))
# = \underbrace{\mathbb{E}_x\, D_{KL}(q(z|x)\,\|\,q(z))}_{I_q(x; z)} + D_{KL}(q(z)\,\|\,p(z))$$
#
# 첫째 부분은 code에 담긴 자기 이미지의 *정보*다. 둘째 부분은 모든 이미지의 code를 prior와 비교한다. 작아야 하는 것은
# 둘째 부분뿐이다. prior에서 뽑은 것이 code처럼 보여야 하기 때문이다. AAE는 둘째 부분만 남기고 첫째 부분은 버린다.
#
# 이 등식이 성립하는지 표에서 확인한다. 이미지는 5장, code는 4개, 확률은 무작위다.


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
# ## 세 network
#
# encoder는 이미지 x를 수 두 개로 된 code z = enc(x)로 바꾼다. code는 하나이고, VAE와 달리 noise가 없다. decoder는 z를
# 64개 pixel의 logit으로 바꾼다. discriminator는 z를 logit l로 바꾼다. D(z) = σ(l)은 discriminator가 매긴 확률, 곧 z가
# prior에서 뽑은 것일 확률이다. discriminator는 이미지를 한 번도 보지 않는다.


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
# prior는 ring이다. z의 각도는 균등분포를, 반지름 r = ‖z‖는 N(2, 0.15²)을 따른다.
#
# **더 읽기 전에:** 평면 위의 한 점에서 density p(z)는 얼마일까? VAE라면 이 값이 필요하다. 뽑기만 한다면 두 줄이면
# 된다.


# %%
def prior(n):
    """Draw n codes on a ring of radius 2."""
    angle, radius = rng.uniform(0, 2 * np.pi, n), 2 + 0.15 * rng.normal(size=n)
    return backend.to_device(np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1))


# %% [markdown]
# (답: 반지름이 r인 원의 둘레는 2πr이므로 $p(z) = N(r; 2, 0.15^2) / (2 \pi r)$이다. 아래에서는 쓸 일이 없다.)
#
# ## code의 게임
#
# 강의에 나온 GAN의 값 V다. prior에서 뽑은 것이 "진짜" data이고, code가 "가짜" data다:
#
# $$\min_{enc} \max_D \; \mathbb{E}_{z \sim p(z)}[\log D(z)] + \mathbb{E}_{x}[\log(1 - D(enc(x)))]$$
#
# logit으로 쓰면 $\log D = -\ln(1 + e^{-l})$이고 $\log(1 - D) = -\ln(1 + e^{l})$이다. discriminator는 −V를 최소화한다.
#
# encoder는 $\mathbb{E}_x[\log(1 - D(enc(x)))]$를 최소화할 수도 있다. 하지만 D가 code를 가짜라고 물리치는 곳에서는 이
# 값의 gradient가 사라진다. 그래서 encoder는 $-\mathbb{E}_x[\log D(enc(x))]$를 최소화한다. 이렇게 해도 D는 code를
# prior에서 뽑은 것으로 여기게 된다(둘의 비교는 lesson 6에 있다).


# %%
def discriminator_loss(of_prior, of_codes):
    """−V from the logits of draws and the logits of codes."""
    # answer: the mean of ln(1 + e^(−l)) over the draws plus the mean of ln(1 + eˡ) over the codes
    return np.mean(np.logaddexp(0, -of_prior)) + np.mean(np.logaddexp(0, of_codes))
    # end


# %% [markdown]
# **실행하기 전에:** 아무것도 모르는 discriminator는 D = ½이라고 답한다. 이때 loss는 얼마일까?

# %%
check("l = 0, so D = ½, costs log ½ twice: log 4", np.log(4), discriminator_loss(np.zeros(7), np.zeros(9)))

# %% [markdown]
# 그러면 가장 좋은 discriminator는? 강의에 따르면 $D^* = p / (p + q)$이므로 logit은
# $\ln \frac{D^*}{1 - D^*} = \ln \frac{p}{q}$다. loss는 $\log 4 - 2 D_{JSD}[p, q]$다. 따라서 loss가 log 4보다 얼마나
# 작은지를 보면 code가 prior에서 얼마나 먼지 알 수 있다. 표로 검사한다. p는 위에서 쓴 prior이고, q의 첫 행이 code의
# 분포 구실을 한다.

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
# ## 학습
#
# batch마다 step이 세 개 있고, step마다 괄호 안의 network만 바뀐다: 복원하기(encoder와 decoder),
# 가려내기(discriminator), 속이기(encoder). 그래서 step마다 Adam이 따로 필요하다. 앞의 lesson에서는 Adam이 `train`의
# 일부였다. `grad(loss, weights)`는 여기에 준 weight의 gradient만 돌려주고, 다른 weight의 gradient는 돌려주지 않는다.


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
# 그림은 test 숫자의 code다. 왼쪽은 학습하기 전, 오른쪽은 학습한 뒤다. prior에서 뽑은 것은 회색이다. 색 열 가지는
# label인데, 어느 network도 label을 본 적이 없다. **보기 전에:** 같은 숫자의 code는 한데 모일까? 그리고 code는 모두
# ring 위에 놓일까?

# %%
figure, axes = plt.subplots(1, 2, figsize=(9, 4.2))
for ax, codes in zip(axes, (before, codes_of(x_test)), strict=True):
    ax.scatter(*backend.to_numpy(prior(2000)).T, s=2, color="#d8dce4")
    ax.scatter(*codes.T, s=14, c=data.test.labels, cmap="tab10")
    ax.set(aspect="equal", xlim=(-3, 3), ylim=(-3, 3))
show("5_codes")

# %% [markdown]
# 대부분의 숫자가 ring에서 호 하나씩을 차지한다. decoder가 매끄러워서 비슷한 이미지는 비슷한 code를 얻기 때문이다.
# code는 ring과 대강 맞는다. 3분의 1쯤은 ring에서 0.5 넘게 안쪽이나 바깥쪽으로 벗어나 있다.
#
# 이제 ring을 따라 각도 0에서 2π까지 점 25개를 decoder에 넣는다. **보기 전에:** 첫 그림과 마지막 그림은 어떻게 다를까?

# %%
angles = np.linspace(0, 2 * np.pi, 25)
ring = 2 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
pictures = 1 / (1 + np.exp(-backend.to_numpy(apply(decoder, backend.to_device(ring)))))
framed = np.pad(pictures.reshape(25, 8, 8), ((0, 0), (0, 0), (0, 1)))
plt.figure(figsize=(10, 1))
plt.imshow(framed.transpose(1, 0, 2).reshape(8, 225), cmap="Greys"), plt.axis("off")
show("5_ring")

# %% [markdown]
# 다르지 않다. ring은 닫혀 있으므로 둘은 같은 점이다. VAE의 평면에서처럼 이웃끼리는 닮았다. 하지만 ring에서는 숫자마다
# 이웃이 둘뿐이고, 한 숫자가 끝나면 한두 칸 안에 다음 숫자가 시작된다.
#
# ## 무엇을 치렀는가
#
# VAE의 ELBO는 ln p(x)의 bound다. AAE에는 그런 bound가 없다. AAE의 q(z|x)는 점 하나이고, code에 정보를 담아도 치르는
# 값이 없다. q(z)가 p(z)와 얼마나 맞는지는 게임에서만 드러난다. 그래서 완성된 code를 놓고 discriminator 하나를 새로
# 학습시킨다. q(z) = p(z)라면 test 숫자에서 loss의 평균은 log 4보다 작을 수 없다. **실행하기 전에:** ring 위에 code가
# 하나도 없다면 loss는 얼마일까?

# %%
judge = tensors(network(2, 60, 1))
learn, codes = adam(judge, 0.002), codes_of(x_train)
for _ in range(100 if QUICK else 1_500):
    some = backend.to_device(codes[rng.integers(len(codes), size=100)])
    learn(discriminator_loss(apply(judge, prior(100)), apply(judge, some)))
unseen = discriminator_loss(apply(judge, prior(300)), apply(judge, backend.to_device(codes_of(x_test)))).item()
print(f"a new discriminator: {unseen:.3f} nats on the test digits; log 4 = {np.log(4):.3f}")

# %% [markdown]
# 겹치는 곳이 없으면 loss는 0으로 간다. 여기서는 log 4보다 조금 작다. discriminator가 차이를 찾기는 하지만, 작은
# 차이다.
#
# ## 연습 문제
#
# 1. *예측.* `deceive`를 뺀다. code는 어떤 모양이 될까? ring 위의 점을 decoder에 넣으면 무엇이 나올까?
# 2. *쓰기.* label마다 뭉치가 하나씩, 모두 열 개인 prior. 그리고 z와 함께 label을 수 열 개(그 label은 1, 나머지는 0)로
#    받는 discriminator. sample은 자기 label의 뭉치에서 뽑는다. 숫자들은 저마다 어디로 갈까? (이제 게임이 더 어렵다.
#    뭉치의 표준편차는 0.3, discriminator의 hidden unit은 200개, 세 step의 learning rate는 0.0005, 0.005, 0.001로 해
#    본다.)
# 3. *망가뜨리기.* 학습에서 `discriminator_loss`를 호출할 때 두 인자를 맞바꾼다. 어느 ✓가 알아챌까? 어느 것도 알아채지
#    못한다. 검사가 지키는 것은 식이지 호출이 아니다. 그 대신 무엇이 보이는가? `AAE.discriminator_loss`(파일은
#    `minigen/aae.py`)에서도 똑같이 맞바꾼다. 그리고 `python -m pytest -q tests/minigen/test_aae.py`를 실행해서 마지막
#    몇 줄을 읽는다.
#
# 질문과 연습 문제의 답: [answers].
#
# ## minigen에서는
#
# | 여기 | minigen | 주장 | 테스트 |
# |---|---|---|---|
# | KL 항의 두 부분 | [`minigen/analysis/surgery.py`] | [V-8] | [`test_surgery.py`] |
# | 세 step | `Steps`: [`minigen/aae.py`] | [AA-1] | [`test_aae.py`] |
# | 두 loss | `AAE.discriminator_loss`, `AAE.adversarial_loss`: [`minigen/aae.py`] | [AA-2] | [`test_aae.py`] |
# | discriminator는 z만 본다 | `AAE.logits`: [`minigen/aae.py`] | [AA-3] | [`test_aae.py`] |
#
# `python -m demos aae`는 꽃잎이 열 개인 꽃을 code로 채우고, label마다 꽃잎 하나를 채운다.
#
# [`minigen/analysis/surgery.py`]: ../../minigen/analysis/surgery.py
# [V-8]: ../../docs/lecture.md#elbo
# [`test_surgery.py`]: ../../tests/minigen/analysis/test_surgery.py
# [`minigen/aae.py`]: ../../minigen/aae.py
# [AA-1]: ../../docs/lecture.md#adversarial-auto-encoder
# [`test_aae.py`]: ../../tests/minigen/test_aae.py
# [AA-2]: ../../docs/lecture.md#adversarial-auto-encoder
# [AA-3]: ../../docs/lecture.md#adversarial-auto-encoder
# [answers]: ../../lessons/answers/5_aae.md
