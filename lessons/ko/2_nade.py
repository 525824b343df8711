# %% [markdown]
# # 2. NADE: network로 쓰는 chain rule
#
# *neural autoregressive density estimator*를 만든다. 모든 이미지에 정확한 확률을 주고, 이미지를 pixel 하나씩 뽑는
# network다. 근사하는 곳이 없으므로, 거의 모든 식을 마지막 자리까지 검사할 수 있다.
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
# 8×8 pixel의 손글씨 숫자다. 각 pixel은 0이나 1이고, 한 행씩 읽는다. pixel 1은 왼쪽 위에 있다.

# %%
data = digits()
x_train, x_test = data.train.images.astype(float), data.test.images.astype(float)
D, H = data.D, 50  # 64 pixels, 50 hidden units

# %% [markdown]
# ## pixel마다 확률 하나
#
# NADE는 pixel i가 그 앞의 모든 pixel 1 … i − 1에 의존한다고 가정한다. 모든 distribution에서 성립하는 chain rule
# 그대로다:
#
# $$P(x_1, \cdots, x_n) = P(x_1)\, P(x_2|x_1)\, P(x_3|x_{1:2}) \cdots P(x_n|x_{1:n-1})$$
#
# 인수를 표로 쓰면 수가 $1 + 2 + 4 + \cdots + 2^{n-1} = 2^n - 1$개 필요하다. pixel i의 past가 $2^{i-1}$가지이기
# 때문이다. NADE는 표 대신 network로 인수를 계산한다. i보다 앞의 pixel들을 $x_{<i}$, pixel의 수를 D라고 쓰자. hidden
# layer의 weight W는 모든 pixel이 함께 쓴다:
#
# $$p(x_i = 1|x_{<i}) = \sigma(b_i + V_i \cdot h_i), \qquad h_i = \sigma\Big(c + \sum_{j<i} x_j W_j\Big)$$
#
# W와 V에는 pixel마다 수 H개로 된 행이 하나씩, b에는 pixel마다 수가 하나씩 있고, c에는 수가 H개 있다. 첫째 σ 안의 수를
# pixel i의 *logit*이라고 한다: $l_i = b_i + V_i \cdot h_i$. sigmoid $\sigma(l) = 1 / (1 + e^{-l})$은 logit을 확률로
# 바꾼다.


# %%
def nade(D, H, scale):
    """Return random weights [W, V, b, c] for D pixels and H hidden units."""
    return [scale * rng.normal(size=(D, H)), scale * rng.normal(size=(D, H)), np.zeros(D), np.zeros(H)]


# %% [markdown]
# **실행하기 전에:** pixel이 64개일 때 NADE에는 수가 몇 개 있을까? 표에는 몇 개 있을까?

# %%
count = sum(w.size for w in nade(D, H, 1))
check("NADE has 2DH + H + D parameters", 2 * D * H + H + D, count, within=0)
print(f"the table has {2.0**D - 1:.1e}")

# %% [markdown]
# 먼저 식을 그대로 옮긴다. x에는 이미지마다 행이 하나 있다. Python은 pixel을 0부터 센다. 그래서 pixel i보다 앞의
# pixel은 `x[:, :i]`이고, j에 대한 합은 행렬의 곱 `x[:, :i] @ W[:i]`다.


# %%
def sigmoid(a):
    return 1 / (1 + np.exp(-a))


# %%
def logits_naive(weights, x):
    """The logit bᵢ + Vᵢ · hᵢ of every pixel: (images, D) → (images, D)."""
    W, V, b, c = weights
    # answer: np.stack, along axis 1, of one column for each pixel i
    return np.stack([b[i] + sigmoid(c + x[:, :i] @ W[:i]) @ V[i] for i in range(len(b))], axis=1)
    # end


# %%
tiny = nade(3, 5, 1.0)
W, V, b, c = tiny
by_hand = [b[0] + V[0] @ sigmoid(c), b[1] + V[1] @ sigmoid(c + W[0]), b[2] + V[2] @ sigmoid(c + W[0])]
check("three logits of the image (1, 0, 1), by hand", [by_hand], logits_naive(tiny, np.array([[1.0, 0, 1]])))

# %% [markdown]
# ## 한 번 걸어서 같은 값 구하기
#
# 식을 그대로 옮긴 naive form은 합마다 처음부터 다시 계산한다. 이미지 한 장에 곱셈이 약 $D^2 H / 2$번, 여기서는
# 102,400번이다. 그런데 $a_i = c + \sum_{j<i} x_j W_j$라고 써 보자. $h_i = \sigma(a_i)$ 안의 합이다. 다음 합은 앞의
# 합에 행 하나를 더한 것이다:
#
# $$a_1 = c, \qquad a_{i+1} = a_i + x_i W_i$$
#
# **더 읽기 전에:** 이제 이미지 한 장의 합을 모두 구하는 데 곱셈이 몇 번 들까?


# %%
def logits(weights, x):
    """The same logits in one walk, which carries a along the pixels."""
    W, V, b, c = weights
    # answer: a = c + np.zeros_like(x[:, [0]]), one row an image; at each i note the logit, then add xᵢ Wᵢ (x[:, [i]])
    a, columns = c + np.zeros_like(x[:, [0]]), []
    for i in range(len(b)):
        columns.append(b[i] + sigmoid(a) @ V[i])
        a = a + x[:, [i]] * W[i]
    return np.stack(columns, axis=1)
    # end


# %%
large = nade(D, H, 0.3)
check("the walk is the naive form", logits_naive(large, x_test), logits(large, x_test), within=1e-12)

# %% [markdown]
# DH = 3,200번이다. pixel마다 W의 행 하나다. (곱 $V_i \cdot h_i$에는 두 방법 모두 DH번이 더 든다.)
#
# ## likelihood
#
# p(x)는 작은 수 64개의 곱이다. 그래서 p(x) 대신 그 로그를 계산한다. $\ln \sigma(l) = l - \ln(1 + e^l)$과
# $\ln(1 - \sigma(l)) = -\ln(1 + e^l)$을 쓰면 chain rule은 합이 된다:
#
# $$\ln p(x) = \sum_i \left[ x_i l_i - \ln(1 + e^{l_i}) \right]$$


# %%
def log_prob(weights, x):
    """ln p(x) of each image, in nats: (images, D) → (images,)."""
    # answer: ell = logits(weights, x), then the sum over the pixels; np.logaddexp(0, ell) is ln(1 + e^l)
    ell = logits(weights, x)
    return np.sum(x * ell - np.logaddexp(0, ell), axis=1)
    # end


# %% [markdown]
# 자연로그의 단위를 *nat*이라고 한다.
#
# 이것은 distribution일까? pixel이 8개면 가능한 이미지 256장의 확률을 모두 더할 수 있다. **실행하기 전에:** weight는
# 무작위로 정한 값이다. 그래도 합이 1이어야 할까?

# %%
small = nade(8, 5, 1.0)
every_image = (np.arange(256)[:, None] >> np.arange(8)) % 2 * 1.0  # a row for each number 0 … 255: its binary digits
p = sigmoid(logits(small, every_image))
check("ln p(x) is the logarithm of the product", np.log(np.prod(np.where(every_image == 1, p, 1 - p), axis=1)),
      log_prob(small, every_image))  # fmt: skip
check("Σ p(x) over all 256 images", 1.0, np.sum(np.exp(log_prob(small, every_image))), within=1e-12)

# %% [markdown]
# 그렇다. 어떤 past에서든 pixel의 두 확률 σ(l)과 1 − σ(l)의 합은 1이다. 먼저 마지막 pixel의 두 경우를 더하고, 다음에는
# 그 앞 pixel의 두 경우를 더하고, 이렇게 끝까지 가면 1이 남는다. weight가 무엇이든 그렇다.
#
# ## sample 뽑기
#
# 이미지를 뽑으려면 pixel을 차례로 걸으면서, pixel i를 그 pixel의 확률로 뽑고, 앞에서처럼 a에 xᵢ Wᵢ를 더한다. 처음
# pixel 몇 개가 주어지면, 똑같이 걸어서 이미지를 *완성*할 수 있다.


# %%
def sample(weights, x, start=0):
    """Keep the pixels of x before `start`, and draw the others one after the other."""
    W, V, b, c = weights
    # answer: x = x.copy(), a = c + x[:, :start] @ W[:start], then the walk from start; rng.random(len(x)) < p draws
    x, a = x.copy(), c + x[:, :start] @ W[:start]
    for i in range(start, len(b)):
        x[:, i] = rng.random(len(x)) < sigmoid(b[i] + sigmoid(a) @ V[i])
        a = a + x[:, [i]] * W[i]
    return x
    # end


# %% [markdown]
# 이렇게 걸으면 정말 `log_prob`이 말하는 확률로 이미지가 나올까? pixel이 3개인 이미지를 200,000장 뽑고, 이미지 8가지를
# 하나씩 센다. **실행하기 전에:** 빈도는 확률에서 대략 얼마나 벗어날 수 있을까?

# %%
check("what is given is kept", every_image, sample(small, every_image, start=8))
drawn = sample(tiny, np.zeros((200_000, 3))) @ [1, 2, 4]  # the number of the image in every_image
frequencies = np.bincount(drawn.astype(int), minlength=8) / len(drawn)
check("frequencies are probabilities", np.exp(log_prob(tiny, every_image[:8, :3])), frequencies, within=0.005)


# %% [markdown]
# 빈도의 표준 오차는 $\sqrt{p(1-p)/200{,}000}$이고 커야 0.0011이다. 검사는 그 네 배가 넘는 차이까지 허용한다.
#
# ## 학습
#
# training 이미지에서 ln p(x)의 평균을 최대화한다. 이것이 maximum likelihood다. step마다 이미지 100장을 쓴다. Adam은
# gradient의 이동 평균을, gradient 제곱의 이동 평균에 루트를 씌운 값으로 나눈다. 그래서 weight는 step마다 `rate`쯤,
# 또는 그보다 적게 움직인다.


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
def loss(weights):
    batch = backend.to_device(x_train[rng.integers(len(x_train), size=100)])
    return -np.mean(log_prob(weights, batch))


# %%
steps = 40 if QUICK else 1_000
weights, losses = train(nade(D, H, 0.05), loss, steps, rate=0.01)

# %% [markdown]
# 비교할 상대는 pixel이 서로 독립인 model이다. 각 pixel의 확률은 training 이미지에서 센 빈도다.
#
# **실행하기 전에:** 둘 가운데 어느 쪽이 test 이미지에 더 높은 확률을 줄까? training 이미지에서 가장 좋은 NADE가 독립인
# pixel보다 나쁠 수 있을까? (V = 0을 생각해 보자.)

# %%
frequency = (x_train.sum(axis=0) + 1) / (len(x_train) + 2)
alone = -np.sum(np.where(x_test == 1, np.log(frequency), np.log(1 - frequency)), axis=1)
for name, nats in (("independent pixels", alone), ("NADE", -log_prob(weights, x_test))):
    print(f"{name}: −ln p(x) = {nats.mean():.2f} ± {nats.std() / len(nats) ** 0.5:.2f} nats, exact, 300 test digits")

# %% [markdown]
# 값이 1 nat 작다는 것은, model이 그 이미지에 e배의 확률을 준다는 뜻이다. ±는 test 이미지에서 구한 표준 오차다. NADE가
# 이긴다. training 이미지에서는 가장 좋은 NADE가 질 수 없다. V = 0이면 모든 logit이 $b_i$이므로, 독립인 pixel도 NADE의
# 한 경우다.
#
# **보기 전에:** 첫 줄은 진짜 숫자, 다음 줄은 sample이다. 그 아래 세 줄에서는 각 숫자의 위쪽 절반을 주고, NADE가 세 번
# 완성한다. 완성한 세 이미지는 어디가 같고 어디가 다를까?

# %%
half = D // 2
rows = [x_test[:12], sample(weights, np.zeros((12, D)))] + [sample(weights, x_test[:12], half) for _ in range(3)]
framed = np.pad(np.reshape(rows, (5, 12, 8, 8)), ((0, 0), (0, 0), (0, 1), (0, 1)))
plt.imshow(framed.transpose(0, 2, 1, 3).reshape(45, 108), cmap="Greys")
plt.axis("off")
show("2_samples")

# %% [markdown]
# 주어진 위쪽 절반은 셋 모두 같다. 아래쪽 절반은 서로 다르고, 위쪽 절반이 여러 숫자에 맞을 때 가장 많이 다르다.
#
# **보기 전에:** 다음 그림은 NADE가 pixel마다 평균 얼마나 놀라는지, 곧 $-\ln p(x_i|x_{<i})$를 nat으로 보여 준다.
# 이미지에서 예측하기 쉬운 pixel은 어디이고, 어려운 pixel은 어디일까?

# %%
p = sigmoid(logits(weights, x_test))
surprise = np.mean(-np.log(np.where(x_test == 1, p, 1 - p)), axis=0)
check("the surprises add up to −ln p(x)", -log_prob(weights, x_test).mean(), surprise.sum(), within=1e-9)
plt.imshow(surprise.reshape(8, 8), cmap="Reds")
plt.colorbar(label="nats")
show("2_surprise")

# %% [markdown]
# 가장자리는 쉽다. 그곳에 잉크가 있는 숫자는 거의 없기 때문이다. 어려운 pixel은 획이 지날 수도 있고 지나지 않을 수도
# 있는 곳에 있다. 첫 행에서도 가운데 근처의 두 pixel은 가장 어려운 축에 든다. 그 앞의 pixel들은 어느 숫자인지 아직
# 아무것도 말해 주지 않기 때문이다.
#
# ## 상자: "autoregressive"의 대가
#
# 주어진 이미지의 p(x)를 계산할 때는 걸을 필요가 없다. 모든 pixel을 알고 있으므로 모든 logit을 동시에 계산할 수
# 있다(naive form에서는 어떤 logit도 다른 logit을 기다리지 않는다). sample을 뽑을 때는 걸어야 한다. pixel i + 1은 방금
# 뽑은 pixel i에 의존하기 때문이다. NADE부터 language model까지, 모든 autoregressive model이 이 대가를 치른다.
#
# ## 연습 문제
#
# 1. *예측.* 학습하기 전에 V를 0으로 놓고, 학습하는 동안에도 0으로 둔다. 어떤 model이 남을까? 그 model의 −ln p(x)는
#    얼마일까?
# 2. *쓰기.* pixel을 다른 순서로 읽는다. `x_train`과 `x_test`의 열을 같은 순열로 섞으면 된다. 다시 학습한다. test
#    숫자의 −ln p(x)가 달라질까?
# 3. *망가뜨리기.* `logits`에서 pixel i의 logit을 적기 *전에* a에 xᵢ Wᵢ를 더한다. 어느 ✓가 먼저 알아챌까? 같은 실수를
#    `minigen/nade.py`에서도 한다. `logits[i] = np.dot(t, V[i])`라는 줄을 `nade_logits`의 loop 끝으로 옮긴다. 그다음
#    `python -m pytest -q tests/minigen/test_nade.py`를 실행한다. 무엇이 틀렸는지 주장 N-4가 말해 준다.
#
# 질문과 연습 문제의 답: [answers].
#
# ## minigen에서는
#
# | 여기 | minigen | 주장 | 테스트 |
# |---|---|---|---|
# | `logits_naive`, `logits` | `nade_logits_reference`, `nade_logits`: [`minigen/nade.py`] | [N-1] | [`test_nade.py`] |
# | `log_prob` | `NADE.log_prob`: [`minigen/nade.py`] | [I-1], [N-8] | [`test_explicit_models.py`], [`test_nade.py`] |
# | `sample` | `NADE.generate`, `NADE.complete`: [`minigen/nade.py`] | [N-5], [N-6], [N-7] | [`test_nade.py`] |
#
# `python -m demos nade`는 더 큰 NADE를 점점 작아지는 learning rate로 학습한다.
#
# [`minigen/nade.py`]: ../../minigen/nade.py
# [N-1]: ../../docs/lecture.md#nade
# [`test_nade.py`]: ../../tests/minigen/test_nade.py
# [I-1]: ../../docs/lecture.md#generative-model
# [N-8]: ../../docs/lecture.md#nade
# [`test_explicit_models.py`]: ../../tests/minigen/test_explicit_models.py
# [N-5]: ../../docs/lecture.md#nade
# [N-6]: ../../docs/lecture.md#nade
# [N-7]: ../../docs/lecture.md#nade
# [answers]: ../../lessons/answers/2_nade.md
