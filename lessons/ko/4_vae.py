# %% [markdown]
# # 4. Variational Auto-Encoder
#
# variational auto-encoder(VAE)는 이미지 x를 숨은 수 몇 개, 곧 *code* z로 설명한다. 여기서는 NumPy와 gradient만으로
# VAE를 만든다. z는 수 **두** 개다. 그래서 강의에 나오는 모든 양을 평면에서 눈으로 볼 수 있다. z가 더 크면 아무도
# 계산할 수 없는 evidence $p_\theta(x)$와 posterior $p_\theta(z|x)$까지 볼 수 있다.
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
# ## data
#
# 손글씨 숫자, 8×8 pixel, pixel은 0 또는 1: training 이미지 1,197장, test 이미지 300장.

# %%
data = digits()
x_train, x_test = data.train.images.astype(float), data.test.images.astype(float)
D = data.D  # 64 pixels

# %% [markdown]
# ## model: z가 먼저, x가 다음
#
# model은 먼저 *prior*에서 code를 뽑는다: $z \sim p(z) = N(0, I)$, 곧 표준정규분포를 따르는 독립인 수 두 개다. 그다음
# pixel을 하나하나 뽑는다. pixel이 1일 확률은 $\sigma(l_i)$이고, $\sigma(l) = 1 / (1 + e^{-l})$이다. z를 64개 pixel의
# logit $l(z)$로 바꾸는 것은 weight가 θ인 network, *decoder*다:
#
# $$p_\theta(x|z) = \prod_i \sigma(l_i)^{x_i} (1 - \sigma(l_i))^{1 - x_i}$$
#
# 여기서 network는 배열의 list다. 아래의 함수들은 배열을 받으면 배열을, Tensor를 받으면 Tensor를 돌려준다.


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
# 계산은 로그로 한다. 확률 64개의 곱은 아주 작기 때문이다. 확률 대신 logit을 쓴다. l이 크면 σ(l)이 1로 반올림되고,
# 그러면 ln(1 − σ(l))이 −∞가 되기 때문이다. $\ln \sigma(l) = l - \ln(1 + e^l)$과
# $\ln(1 - \sigma(l)) = -\ln(1 + e^l)$을 쓰면 다음과 같다:
#
# $$\ln p_\theta(x|z) = \sum_i \left[ x_i l_i - \ln(1 + e^{l_i}) \right]$$


# %%
def log_likelihood(theta, x, z):
    """ln p(x|z), summed over the pixels, in nats, the unit of a natural logarithm."""
    # answer: logits = apply(theta, z), then the sum over axis=-1; np.logaddexp(0, logits) is ln(1 + e^l)
    logits = apply(theta, z)
    return np.sum(x * logits - np.logaddexp(0, logits), axis=-1)
    # end


# %%
x, z = x_test[0], np.array([0.5, -1.0])
sigma = 1 / (1 + np.exp(-apply(theta, z)))
check("ln p(x|z) is the logarithm of the product", np.log(np.prod(sigma**x * (1 - sigma) ** (1 - x))),
      log_likelihood(theta, x, z))  # fmt: skip

# %% [markdown]
# ## evidence, 그리고 그 값을 구할 수 없는 이유
#
# 학습은 data의 확률, 곧 *evidence* $p_\theta(x) = \int p_\theta(x|z)\, p(z)\, dz$를 최대화해야 한다. 모든 code에 걸친
# 적분이다. 평면이라면 그래도 계산할 수 있다. 적분을 격자 위의 code $z_j$에서 구한 합으로 바꾸면 된다. 격자점 하나는
# 작은 정사각형 칸 하나를 대표한다. `prior`에는 칸마다 p(z)에서의 확률, 곧 density와 칸의 넓이의 곱이 들어 있다.
#
# **실행하기 전에:** z가 수 20개라면 같은 격자에 점이 몇 개 필요할까?

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
# *posterior* $p_\theta(z|x)$는 "이 x가 나왔을 법한 code는 어느 것인가?"라는 질문에 답한다. Bayes' rule에 따르면
# posterior에는 p(x)가 필요하다. 그래서 p(x)를 구할 수 없으면 posterior도 구할 수 없다.
#
# ## variational distribution
#
# 그래서 우리가 다룰 수 있는 분포 $q_\phi(z|x) = N(\mu, \sigma^2)$으로 posterior를 근사한다. x마다 μ와 ln σ²을
# 계산하는 것은 weight가 φ인 두 번째 network, *encoder*다. (여기서 σ는 표준편차이고, 함수 σ(l)이 아니다.) 앞으로
# 기댓값 $\mathbb{E}_{q}[f(z)]$가 필요하다. q에서 z를 뽑을 때 f(z)의 평균이다. q에서 z를 뽑는 대신 N(0, I)에서 ε을
# 뽑아 늘리고 옮기는 것이 *reparameterisation*이다:
#
# $$z = \mu + \sigma \varepsilon$$
#
# 이제 z는 μ와 σ로 미분할 수 있는 함수이고, ε은 φ와 무관하다. 그래서 φ로 미분한 gradient가 z를 통과한다.


# %%
def encode(phi, x):
    """μ and ln σ² of q(z|x)."""
    both = apply(phi, x)
    return both[..., :2], both[..., 2:]


# %%
def reparameterise(mean, log_var, epsilon):
    """Turn ε, a draw of N(0, I), into z, a draw of N(μ, σ²)."""
    # answer: z = μ + σ ε; log_var is ln σ², so what is σ?
    return mean + np.exp(log_var / 2) * epsilon
    # end


# %%
mean, log_var = np.array([0.3, -0.2]), np.array([-1.0, 0.5])
check("ε = (1, 1) is one standard deviation from μ", mean + np.sqrt(np.exp(log_var)),
      reparameterise(mean, log_var, np.ones(2)))  # fmt: skip
draws = reparameterise(mean, log_var, nodes)
check("E_q[(z − μ)²] = σ²", np.exp(log_var), prior @ (draws - mean) ** 2)

# %% [markdown]
# (여기서는 격자점이 ε의 sample을 대신하고, 점마다 그 확률을 곱해 더한다. `prior @ f`가 f의 기댓값이다. 무작위 오차가
# 없으므로 ✓의 기준이 엄격해도 된다.)
#
# ## 유도
#
# q는 posterior에서 얼마나 멀까? 두 분포 사이의 Kullback-Leibler divergence가 그 답이다:
#
# $$D_{KL}(q\,\|\,p) = \mathbb{E}_{q}\left[\ln \frac{q}{p}\right] \ge 0, \quad \text{and } 0 \text{ only if } q = p$$
#
# 강의는 ln p(x)에서 출발한다. ln p(x)는 z와 무관하므로 q로 기댓값을 구해도 그대로다:
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
# (강의 노트의 오타: 두 줄의 분모가 $p_\theta(x|z)$로 되어 있다. Bayes' rule을 쓰면 $p_\theta(z|x)$가 나온다.)
#
# 좌변은 φ와 무관하다. 그래서 φ를 바꾸어 ELBO(*evidence lower bound*)를 키우면, posterior까지의 divergence가 꼭 그만큼
# 줄어든다. 이 divergence는 계산할 수 없지만, ELBO에는 posterior가 필요 없다.
# $p_\theta(x, z) = p_\theta(x|z)\, p(z)$를 넣으면 ELBO는 두 항으로 나뉜다:
#
# $$\text{ELBO} = \int \ln \frac{p_\theta(x|z)\, p(z)}{q_\phi(z|x)}\, q_\phi(z|x)\, dz
# = \underbrace{\mathbb{E}_{q_\phi(z|x)}\left[\ln p_\theta(x|z)\right]}_{\text{reconstruction}}
# - \underbrace{D_{KL}(q_\phi(z|x)\,\|\,p(z))}_{\text{prior fitting}}$$
#
# 정규분포 둘 사이에서는 두 번째 항의 closed form이 있다:
#
# $$D_{KL}(N(\mu, \sigma^2)\,\|\,N(0, I)) = \tfrac12 \sum_j \left[\mu_j^2 + \sigma_j^2 - 1 - \ln \sigma_j^2\right]$$


# %%
def kl_to_prior(mean, log_var):
    """KL(N(μ, σ²) ‖ N(0, I)), summed over the numbers of z, in nats."""
    # answer: ½ Σ [μ² + σ² − 1 − ln σ²], summed over axis=-1; log_var is ln σ², so what is σ²?
    return 0.5 * np.sum(mean**2 + np.exp(log_var) - 1 - log_var, axis=-1)
    # end


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
# 지금처럼 weight가 무작위일 때도 ln p(x) = ELBO + KL(q(z|x) ‖ p(z|x))가 성립할까? 세 수를 세 가지 방법으로 계산한다.
# ln p(x)는 prior로, ELBO는 q에서 뽑은 sample과 closed form으로, divergence는 posterior로 구한다.
#
# **실행하기 전에:** ln p(x)와 ELBO 가운데 어느 쪽이 클까? 둘은 언제 같을까?


# %%
def three_numbers(theta, phi, x):
    """ln p(x), the ELBO, and KL(q(z|x) ‖ p(z|x)), each as its own sum over a grid."""
    log_q = log_normal(nodes, *encode(phi, x)) + np.log((line[1] - line[0]) ** 2)  # ln q of each cell
    kl = np.exp(log_q) @ (log_q - np.log(posterior(theta, x)))
    return log_evidence(theta, x), prior @ elbo(theta, phi, x, nodes), kl


evidence, bound, kl = three_numbers(theta, phi, x_test[0])
check(f"ln p(x) = ELBO + KL(q(z|x) ‖ p(z|x)) = {bound:.4f} + {kl:.4f}", evidence, bound + kl)


# %% [markdown]
# ln p(x)는 결코 ELBO보다 작지 않다. divergence는 음수가 될 수 없기 때문이다. q(z|x)가 posterior이면 둘은 같다.
#
# ## 학습
#
# θ와 φ를 바꾸어 batch의 ELBO 평균을 최대화한다. step마다 batch의 이미지 하나에 ε을 **하나**씩 뽑는다. Adam은
# gradient의 이동 평균을 gradient 제곱의 이동 평균의 제곱근으로 나눈다. 그래서 weight마다 한 step에 `rate`쯤, 또는
# 그보다 적게 움직인다.


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
# **보기 전에:** 아래의 곡선은 매끄럽지 않다. step마다 무작위인 것이 두 가지 있다. 무엇일까?

# %%
plt.plot(losses, color="#c8553d", lw=0.5)
plt.xlabel("step"), plt.ylabel("−ELBO, nats"), plt.ylim(top=45)
show("4_loss")

# %% [markdown]
# batch의 이미지 100장을 무작위로 뽑고, 이미지마다 ε도 무작위로 뽑는다.
#
# ## 무엇을 배웠는가?
#
# 격자 위의 code를 decoder에 넣는다. 그림 하나하나는 σ(l(z)), 곧 pixel이 1일 확률이다.
#
# **보기 전에:** 평면에서 이웃한 그림은 서로 닮았을 것이다. 왜 그럴까? (학습할 때 decoder에 넣는 것은
# $z = \mu + \sigma \varepsilon$이다.)

# %%
codes = np.stack(np.meshgrid(np.linspace(-2, 2, 12), np.linspace(2, -2, 12)), axis=-1)
pictures = 1 / (1 + np.exp(-apply(theta, codes)))
framed = np.pad(pictures.reshape(12, 12, 8, 8), ((0, 0), (0, 0), (0, 1), (0, 1)))
plt.imshow(framed.transpose(0, 2, 1, 3).reshape(108, 108), cmap="Greys"), plt.axis("off")
show("4_plane")

# %% [markdown]
# μ 가까이의 많은 code에서 같은 이미지가 나와야 한다. 그래서 가까운 code끼리는 비슷한 이미지를 낼 수밖에 없다.
#
# 그러면 posterior는 어떨까? 그림은 test 숫자 네 개를 보여 준다. 붉은 음영은 격자에서 구한 진짜 posterior다. 타원은
# q(z|x)에서 표준편차의 두 배 되는 곳이고, encoder는 격자 없이 이 타원을 준다.
#
# **보기 전에:** q는 축이 z의 두 수와 나란한 정규분포다. posterior가 어떤 모양이면 q가 따라갈 수 없을까?

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
# 기울어졌거나 휜 모양이다. 게다가 encoder는 이 숫자들을 본 적이 없다. 타원이 posterior 옆으로 비껴나 있으면 KL이
# 크다.
#
# ## 상자: 합인가, 평균인가, ½인가?
#
# 웹에 있는 많은 프로그램이 reconstruction term은 pixel에 걸쳐 평균하고(`reduction="mean"`) KL 항은 그대로 뺀다.
# 그러면 loss는 다음과 같다:
#
# $$D \cdot \text{loss} = -\mathbb{E}_q[\ln p_\theta(x|z)] + D \cdot D_{KL}(q_\phi(z|x)\,\|\,p(z))$$
#
# prior fitting term에 β = D = 64를 곱한 VAE인 셈이다. **실행하기 전에:** KL 항의 1 nat이 reconstruction의 64 nat만큼
# 비싸다면 encoder는 어떻게 할까?


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
# encoder는 어떤 x에서나 q(z|x)를 거의 prior로 만든다. 그러면 z에는 x의 정보가 거의 없고(*posterior collapse*),
# decoder는 기껏해야 숫자들의 평균을 낸다. ½도 β만 다를 뿐 같은 함정이다. pixel이 실수이면
# $\ln N(x; m, 1) = -\tfrac12 (x - m)^2 + \text{constant}$다. 제곱 오차에서 ½을 빼먹으면 분산이 1이 아니라 ½이라는
# 뜻이 되고, reconstruction을 두 번 세는 셈이다.
#
# ## 연습 문제
#
# 1. *예측.* hidden layer의 폭을 10으로 줄인다. ln p(x) = ELBO + KL은 그래도 성립할까? KL의 평균은 커질까, 작아질까?
# 2. *쓰기.* `iwae(theta, phi, x, epsilon)`: z를 5개 뽑아 비 p(x, z)/q(z|x)를 평균한 값의 ln. ε을 많이 바꾸어 가며 이
#    값을 평균하면 ELBO와 ln p(x) 사이에 온다는 것을 보인다.
# 3. *망가뜨리기.* `- log_var`의 부호를 바꾼다(`kl_to_prior` 안에서). 어느 ✓가 먼저 알아챌까?
#    `Normal.kl_divergence`(파일은 `minigen/distributions.py`)에서도 같은 실수를 해 본다: `(1 - difference)`라고
#    쓴다(원래는 `(1 + difference)`). 그리고 `python -m pytest -q tests/minigen/test_distributions.py`를 실행해서 어떤
#    주장이 깨지는지 읽는다.
#
# 질문과 연습 문제의 답: [answers].
#
# ## minigen에서는
#
# | 여기 | minigen | 주장 | 테스트 |
# |---|---|---|---|
# | `kl_to_prior` | `Normal.kl_divergence`: [`minigen/distributions.py`] | [V-1] | [`test_distributions.py`] |
# | `elbo` | `VAE.elbo`: [`minigen/vae.py`] | [V-4] | [`test_vae.py`] |
# | `three_numbers` | [`minigen/analysis/evidence.py`] | [V-3] | [`test_vae.py`] |
# | `train` | `fit`: [`minigen/training/loop.py`], `Adam`: [`minigen/training/optim.py`] | [I-4] | [`test_table.py`] |
#
# `python -m demos vae`는 더 큰 VAE를 학습한다. `python -m demos truth_lab`은 VAE가 학습하는 동안 ln p = ELBO + KL의
# 양변을 맞춰 본다.
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
