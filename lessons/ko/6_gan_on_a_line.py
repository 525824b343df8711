# %% [markdown]
# # 6. 직선 위의 GAN
#
# 모든 것이 눈에 보이는 곳에서 *generative adversarial network*(GAN)의 게임을 한다. data는 수이고, generator는
# 직선이고, 기댓값은 모두 적분이어서 격자 위의 합으로 계산한다. V(D, G)에서 2 JSD − log 4까지 이어지는 강의의 식을
# 수로 하나하나 확인한다.
#
# 읽고 실행하는 데 30분. 아래의 ✓는 식 하나를 다른 방법으로 다시 계산해 비교한 결과다. 식을 망가뜨리면 ✓가 ✗로
# 바뀌고 프로그램이 멈춘다. 코드와 그 안의 설명은 영어 그대로다.

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
# ## 두 density
#
# data의 density는 $p_{data} = N(0, 1)$이다. generator는 noise $z \sim N(0, 1)$을 $G(z) = a + b z$로 바꾸므로,
# generator의 density는 $p_G = N(a, b^2)$이다. 여기서는 a = 2, b = 1.5에서 시작한다. 보통은 아무도 $p_G$를 모른다.
# 직선 위에서는 안다.


# %%
def normal(x, mean, sigma):
    """The density of N(mean, sigma²) at x."""
    return np.exp(-(((x - mean) / sigma) ** 2) / 2) / (sigma * np.sqrt(2 * np.pi))


# %%
x, dx = np.linspace(-12, 12, 2401, retstep=True)
p_data, p_G = normal(x, 0, 1), normal(x, 2, 1.5)
check("both integrate to 1", [1, 1], [np.sum(p_data) * dx, np.sum(p_G) * dx])

# %% [markdown]
# ## 게임의 값
#
# D(x)는 discriminator가 보기에 x가 진짜일 확률, 곧 G가 만든 것이 아닐 확률이다. D가 data에서 1에 가깝고 G가 만든
# 가짜에서 0에 가까우면 게임의 *값* V가 크다. D는 V를 올리고, G는 V를 내린다:
#
# $$\min_G \max_D V(D, G) = \mathbb{E}_{x \sim p_{data}}[\log D(x)] + \mathbb{E}_{z \sim p_z}[\log(1 - D(G(z)))]$$
#
# 둘째 기댓값은 z에 관한 기댓값이다. x = G(z)의 density가 $p_G$이므로 x에 관한 기댓값이기도 하다:
#
# $$V(D, G) = \mathbb{E}_{x \sim p_{data}}[\log D(x)] + \mathbb{E}_{x \sim p_G}[\log(1 - D(x))]$$
#
# 기댓값은 적분이고, 격자 위에서는 합에 dx를 곱하면 된다.
#
# **실행하기 전에:** D가 아무 차이도 보지 못하고 어디서나 ½이라고 말하면 V는 얼마인가?


# %%
def value(D, p_data, p_G):
    """V(D, G) for the values of D on the grid, in nats."""
    # answer: the sum over the grid of p_data log D + p_G log(1 − D), times dx
    return np.sum(p_data * np.log(D) + p_G * np.log(1 - D)) * dx
    # end


# %%
half = np.full_like(x, 0.5)
check("D = ½ has the value log ½ + log ½ = −log 4", -np.log(4), value(half, p_data, p_G))

# %% [markdown]
# ## 최적의 discriminator
#
# V는 모든 x의 항을 더한 합이고, D는 값 D(x)를 x마다 따로 고를 수 있다. 그러니 x 하나의 항만 보면 된다. 항에 든
# 로그는 위로 볼록하므로 최댓값이 하나이고, 그 자리에서 D(x)로 미분한 값이 0이다:
#
# $$\frac{\partial}{\partial D}\left[p_{data} \log D + p_G \log(1 - D)\right]
# = \frac{p_{data}}{D} - \frac{p_G}{1 - D} = 0
# \quad\Longrightarrow\quad D^*_G(x) = \frac{p_{data}(x)}{p_{data}(x) + p_G(x)}$$


# %%
def best_discriminator(p_data, p_G):
    """D*(x): of the numbers at x, real and made, the share that is real."""
    # answer: the last formula
    return p_data / (p_data + p_G)
    # end


# %% [markdown]
# 엔진은 V를 2,401개의 D 값 모두로 한꺼번에 미분한다. D*에서는 도함수가 모두 0이어야 한다.

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
# ## 그러면 generator는 무엇을 최소화하는가
#
# D*를 대입한다. 그다음 두 분모를 2로 나눈다. 그러면 로그마다 log 2만큼 커지므로 log 4를 빼야 한다:
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
# 여기서 $D_{KL}[p, q] = \mathbb{E}_{x \sim p}[\log \frac{p(x)}{q(x)}]$이다.


# %%
def kl_divergence(p, q):
    """KL(p ‖ q) of two densities on the grid, in nats."""
    # answer: the sum over the grid of p log(p/q), times dx
    return np.sum(p * np.log(p / q)) * dx
    # end


def js_divergence(p, q):
    """The Jensen–Shannon divergence: half the sum of the divergences of p and of q from their mean, in nats."""
    return (kl_divergence(p, (p + q) / 2) + kl_divergence(q, (p + q) / 2)) / 2


# %%
check("KL(N(0, 1) ‖ N(2, 1)) = ½ (2 − 0)²", 2.0, kl_divergence(p_data, normal(x, 2, 1)))
check("V(D*, G) = 2 JSD − log 4", 2 * js_divergence(p_data, p_G) - np.log(4), value(D_star.data, p_data, p_G))

# %% [markdown]
# ## 상자: 왜 log 4인가
#
# 4 = 2 · 2이기 때문이다. 기댓값이 두 개이고, 분모도 하나하나 2로 나누었다. KL divergence의 분모에는 density가
# 와야 한다. $p_{data} + p_G$는 적분하면 2이므로 그 절반이라야 density다. 그리고 log 4는 아무것도 모르고 ½이라고만
# 말하는 discriminator의 loss −V다. data에서 log 2, 가짜에서 log 2다. 그러니 출력된 loss가 1.386에 가까우면 이 D가
# 차이를 보지 못한다는 뜻이다. 차이가 남지 않았거나, D가 너무 약하다. (두 항의 평균을 내는 프로그램은
# log 2 = 0.693을 출력한다.)
#
# JSD는 음수가 되지 않고, $p_G = p_{data}$일 때만 0이다. 그래서 D* 앞에서 G가 이를 수 있는 최선은 −log 4이고,
# 그때는 어디서나 D* = ½이다.
#
# **보기 전에:** b = 1이면 V(D*, G)는 옮긴 거리 a에 따라 어떻게 변하는가? 또 V(D*, G)는 확률의 로그를 평균한
# 값인데, 절대로 넘을 수 없는 값은 무엇인가?

# %%
shifts = np.linspace(-6, 6, 61)
plt.plot(shifts, [2 * js_divergence(p_data, normal(x, a, 1)) - np.log(4) for a in shifts], color="#c8553d")
plt.axhline(-np.log(4), color="#9aa5b8"), plt.axhline(0, color="#9aa5b8")
plt.xlabel("a"), plt.ylabel("V(D*, G), nats")
show("6_value")

# %% [markdown]
# 0을 넘을 수 없고, 0 근처에서는 평평하다. 거의 겹치지 않는 두 density의 JSD는 두 density가 어디에 있든 log 2에
# 가깝다. 이때 D*는 모든 것을 확신하고, V는 G가 어디로 가야 하는지 거의 알려 주지 않는다. 아래 상자에서 다시
# 나오니 기억해 두자.
#
# ## 학습하는 discriminator
#
# 실제로는 아무도 D*를 모른다. logit이 l(x)인 network가 sample을 보고 배운다: D(x) = σ(l(x)). logit으로 쓰면
# $\log D = -\ln(1 + e^{-l})$이고 $\log(1 - D) = -\ln(1 + e^{l})$이다.


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
# G는 그대로 두고 D만 움직인다. **실행하기 전에:** V(D, G)가 V(D*, G)보다 커질 수 있는가?

# %%
D = discriminator(20)
for _ in range(500 if QUICK else 5_000):
    z, real = normal_draws(1000), normal_draws(1000)
    descend(D, discriminator_loss(D, real, 2 + 1.5 * z), rate=0.3)
learned = 1 / (1 + np.exp(-backend.to_numpy(logit(D, backend.to_device(x)))))
check("V of the learned D is nearly V(D*)", value(D_star.data, p_data, p_G), value(learned, p_data, p_G), within=0.02)

# %% [markdown]
# 커질 수 없다. V는 D*에서 최대다. 학습한 D는 V를 아래에서부터 최댓값 가까이 올린다.
#
# **보기 전에:** 학습한 D가 D*와 가장 크게 다른 곳은 data도 가짜도 없는 왼쪽이다. 그런데도 V가 거의 변하지 않는
# 까닭은 무엇인가?

# %%
plt.plot(x, D_star.data, color="#9aa5b8", lw=4, label="D*")
plt.plot(x, learned, color="#c8553d", label="learned")
plt.plot(x, p_data, "--", color="#1f2a44", label="p_data")
plt.plot(x, p_G, ":", color="#1f2a44", label="p_G")
plt.legend()
show("6_discriminator")

# %% [markdown]
# V는 로그에 density를 곱해서 더하는데, 그곳에서는 두 density가 모두 거의 0이기 때문이다. 그곳에서는 sample도
# 나오지 않으니, D는 그곳을 전혀 배우지 못한다.
#
# ## 상자: generator의 코드는 왜 식과 다른가
#
# 식대로라면 G는 log(1 − D(G(z))), 곧 *minimax* loss를 최소화한다. 그런데 거의 모든 프로그램은 −log D(G(z)), 곧
# *non-saturating* loss를 최소화한다. D(G(z))가 커지면 둘 다 작아지지만 gradient는 서로 다르다. **실행하기 전에:**
# D가 어느 가짜를 보고 가짜라고 확신한다고 하자. l = −6이고, 따라서 D = 0.0025다. 두 loss 가운데 어느 쪽이 이
# 가짜를 움직이는가?

# %%
sure = Tensor(np.array(-6.0), requires_grad=True)
minimax = grad(-np.logaddexp(0, sure), sure).item()
non_saturating = grad(np.logaddexp(0, -sure), sure).item()
D_of_fake = 1 / (1 + np.exp(6))
check("the gradients by l are −D and −(1 − D)", [-D_of_fake, -(1 - D_of_fake)], [minimax, non_saturating])

# %% [markdown]
# non-saturating loss다. gradient가 403배 크다. minimax loss는 가짜가 가장 나쁜 곳에서 가장 약하게 민다.
#
# ## 게임은 맴돈다
#
# 이제 둘이 함께 움직인다. 이런 게임 가운데 가장 단순한 것에서는 player마다 수가 하나다. G는 수 θ를 만들고, data는
# 모두 0이고, D의 logit은 0을 지나는 직선 l(x) = ψ x다. 게임의 값을 V = l(θ) = ψ θ라고 하자. G는 θ를 움직여 V를
# 내리고, D는 ψ를 움직여 V를 올린다. 둘 다 움직이려 하지 않는 곳은 θ = ψ = 0뿐이다. 이런 점이 *equilibrium*이다.
# learning rate가 η이면 둘의 step은 $\theta' = \theta - \eta\psi$와 $\psi' = \psi + \eta\theta$이고, 점 (θ, ψ)는
# 0을 중심으로 돈다. 이때
#
# $$\theta'^2 + \psi'^2 = (1 + \eta^2)(\theta^2 + \psi^2)$$
#
# 이므로 점은 끝내 도착하지 못한다. 해결책은 R1이라는 penalty다. D는 진짜 data에서 기울어진 대가로
# ½ γ E[(∂l/∂x)²]를 낸다. 여기서는 기울기가 ψ이므로 ½ γ ψ²를 낸다. **보기 전에:** γ = 0이면 점은 어디로 가고,
# γ = 1이면 어디로 가는가?


# %%
def play(theta, psi, gamma, eta=0.1):
    """One step of both players on V = ψ θ − ½ γ ψ²."""
    # answer: np.array([θ′, ψ′]): G goes down by η ∂V/∂θ, D goes up by η ∂V/∂ψ, both from the old point
    return np.array([theta - eta * psi, psi + eta * (theta - gamma * psi)])
    # end


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
# R1이 없으면 나선을 그리며 밖으로 나가고, R1이 있으면 나선을 그리며 equilibrium으로 들어간다.
#
# ## 게임 전체
#
# data는 N(0, 1), generator는 a + b z, discriminator는 hidden layer가 하나인 network, R1의 γ는 0.3이다.
# penalty에는 도함수 ∂l/∂x가 x마다 하나씩 들어 있다. l은 저마다 자기 x에만 의존하므로, 모든 l의 합에 `grad`를 쓰면
# 도함수를 한꺼번에 얻는다. 학습할 때 이 도함수를 한 번 더 미분하므로, `create_graph=True`로 미분할 수 있게 남겨
# 둔다(lesson 0).


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
# 그림은 (a, b)가 지나간 길과 step마다의 V(D*, G)를 보여 준다. 별은 $p_G = p_{data}$인 곳이다. **보기 전에:**
# V(D*, G)는 −log 4로 간다. 위에서 내려오는가, 아래에서 올라오는가?

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
# 위에서 내려온다. V(D*, G) = 2 JSD − log 4이고 JSD는 음수가 되지 않기 때문이다.
#
# ## 연습 문제
#
# 1. *예측.* G를 data에서 먼 a = 8에서 출발시킨다. 한 번은 minimax loss로, 한 번은 non-saturating loss로 해 본다.
#    어느 쪽이 data에 먼저 닿는가?
# 2. *쓰기.* `play`의 두 player를 번갈아 움직인다. D가 먼저 움직이고, 그다음 G가 새 ψ를 상대로 움직인다. γ = 0이면
#    시작점 셋이 이루는 작은 삼각형의 넓이가 변하지 않음을 보인다.
# 3. *망가뜨리기.* `value`에서 `1 -`를 빼서 두 항이 모두 log D가 되게 한다. 어느 ✓가 가장 먼저 알아채는가?
#    `minigen/divergences.py`의 `value`도 똑같이 바꾸고, `python -m pytest -q tests/minigen/test_divergences.py`를
#    실행해서 마지막 몇 줄을 읽는다.
#
# 질문과 연습 문제의 답: [answers].
#
# ## minigen에서는
#
# | 여기 | minigen | 주장 | 테스트 |
# |---|---|---|---|
# | `value`, `js_divergence` | [`minigen/divergences.py`] | [G-1], [G-3], [G-4] | [`test_divergences.py`] |
# | `best_discriminator` | [`minigen/divergences.py`] | [G-2] | [`test_divergences.py`] |
# | D의 loss와 G의 loss | [`minigen/gan.py`] | [G-5], [G-7] | [`test_divergences.py`], [`test_gan.py`] |
# | `r1` | `r1_penalty`: [`minigen/penalties.py`] | [G-6] | [`test_penalties.py`] |
# | `play` | `DiracGAN`: [`minigen/analysis/dynamics.py`] | [G-9] | [`test_dynamics.py`] |
#
# `python -m demos gan`은 이 게임을 하면서 오차를 재고, `python -m demos ring`은 generator가 잃어버리는 mode를
# 보여 준다.
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
