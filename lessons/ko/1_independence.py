# %% [markdown]
# # 1. 독립과 그 대가
#
# 확률을 수의 표로 쓰고, 강의에 나오는 규칙 세 가지를 그 표에서 시험한다. 그다음 강의의 첫 model들을 손글씨 숫자로
# 학습한다. 개수를 세기만 하면 된다.
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

from autograd import Tensor, console, grad
from minigen.data import digits

console.printable()  # on any terminal
QUICK = bool(os.environ.get("QUICK"))  # QUICK=1: fewer samples
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
# ## distribution은 표다
#
# 결과가 m가지인 변수에는 확률이 m개 있다. 합이 1이므로 m − 1개만 자유롭게 고를 수 있고, 이 m − 1개가 parameter다.
# (강의 노트에는 "m개의 변수"라고 되어 있는데, 결과가 m가지인 변수 하나라는 뜻이다.) 0이나 1인 pixel 세 개 x, y, z를
# 함께 보면 결과가 $2^3 = 8$가지이고, parameter는 $2^3 - 1 = 7$개다. 표에는 pixel마다 축이 하나 있다: `P[x, y, z]`.

# %%
P = rng.dirichlet(np.ones(8)).reshape(2, 2, 2)
print(P.round(3))
check("the table sums to 1", 1.0, P.sum())

# %% [markdown]
# **실행하기 전에:** pixel이 64개면 parameter가 몇 개 필요할까? 784개면?

# %%
for n in (3, 64, 784):
    print(f"{n} pixels: {2.0**n - 1:.3g} parameters")

# %% [markdown]
# ## 규칙 세 가지
#
# 보지 않는 변수는 더해서 없앤다: $P(x, y) = \sum_z P(x, y, z)$. 변수를 알면 그 변수의 확률로 나눈다:
# $P(x|y) = P(x, y) / P(y)$. 이 값이 y를 알 때 x의 확률이다. 세 규칙은 이 두 가지에서 나온다.
#
# **Chain rule.** $P(x, y, z) = p(x)\, p(y|x)\, p(z|x, y)$. 어떤 표에서든, 어떤 순서로든 성립한다.

# %%
P_x, P_xy = P.sum(axis=(1, 2)), P.sum(axis=2)
y_given_x, z_given_xy = P_xy / P_x[:, None], P / P_xy[:, :, None]
check("chain rule", P, P_x[:, None, None] * y_given_x[:, :, None] * z_given_xy)

# %% [markdown]
# **Bayes' rule**은 조건을 뒤집는다:
#
# $$P(x|y) = \frac{P(x, y)}{P(y)} = \frac{P(y|x)\, P(x)}{P(y)}$$


# %%
def bayes(y_given_x, P_x):
    """P(x|y) as a table [x, y], from P(y|x) as a table [x, y] and P(x)."""
    # answer: first the numerator P(y|x) P(x), a table [x, y]; divide it by P(y), its own sum over x
    joint = y_given_x * P_x[:, None]
    return joint / joint.sum(axis=0)
    # end


# %%
check("Bayes' rule", P_xy / P_xy.sum(axis=0), bayes(y_given_x, P_x))

# %% [markdown]
# **Conditional independence.** z가 x와 y의 공통 원인이고, 그 밖에 x와 y를 잇는 것은 없다고 하자:
# $P(x, y, z) = P(z)\, P(x|z)\, P(y|z)$. 기호로는 $x \perp y \mid z$라고 쓴다. 그러면 $P(x|y, z) = P(x|z)$다. z를 알고
# 나면 y는 x를 더 알려 주지 않는다. 아래에서 모든 표의 축은 x, y, z 순서다. 그래서 P(x|z)는 표 [x, z]다.
#
# **실행하기 전에:** z를 *모를* 때도 x와 y는 독립일까?

# %%
P_z = np.array([0.5, 0.5])
x_given_z, y_given_z = np.array([[0.9, 0.2], [0.1, 0.8]]), np.array([[0.7, 0.1], [0.3, 0.9]])
Q = P_z * x_given_z[:, None, :] * y_given_z[None, :, :]
x_given_yz = Q / Q.sum(axis=0)
check("P(x|y, z) = P(x|z), whatever y is", np.stack([x_given_z, x_given_z], axis=1), x_given_yz)
x_given_y = Q.sum(axis=2) / Q.sum(axis=(0, 2))
print(f"without z: P(x = 1|y = 0) = {x_given_y[1, 0]:.2f} and P(x = 1|y = 1) = {x_given_y[1, 1]:.2f}")

# %% [markdown]
# 아니다. y는 z를 조금 알려 주고, z는 x를 조금 알려 준다.
#
# ## 전부, 전무, 그리고 그 사이
#
# pixel n개의 chain rule은 다음과 같다.
#
# $$P(x_1, \cdots, x_n) = p(x_1)\, p(x_2|x_1)\, p(x_3|x_1, x_2) \cdots p(x_n|x_1, \cdots, x_{n-1})$$
#
# pixel i보다 앞에 있는 pixel들을 pixel i의 *past*라고 하자. 곱의 인수 하나가 past를 어디까지 쓸 수 있는지가 model마다
# 다르다. 예를 들어 Markov assumption은 바로 앞의 pixel만 남긴다:
#
# $$P(x_1, \cdots, x_n) = P(x_1)\, P(x_2|x_1) \cdots P(x_n|x_{n-1})$$
#
# auto-regressive model AR(k)는 앞의 pixel k개를 남긴다:
#
# | 가정 | pixel i의 인수 | parameter의 수 |
# |---|---|---|
# | 없음 | $p(x_i\|x_1, \cdots, x_{i-1})$ | $2^n - 1$ |
# | 독립 | $p(x_i)$ | n |
# | Markov | $p(x_i\|x_{i-1})$ | 1 + 2(n − 1) = 2n − 1 |
# | 표로 쓴 AR(k) | $p(x_i\|x_{i-k}, \cdots, x_{i-1})$ | $2^k - 1 + (n - k) 2^k$ |
#
# 인수 하나에는 가능한 past마다 parameter가 하나씩 있다. 그래서 Markov에서 첫 pixel의 parameter는 하나이고, 다른
# pixel의 parameter는 바로 앞 pixel의 값마다 하나씩 두 개다. (강의 노트에는 $2^n - 1$이라고 적혀 있는데, 이 수는 full
# table의 parameter 수다.)


# %%
def parameters(n, k):
    """The number of parameters of n binary pixels, each with the k pixels before it as its past."""
    # answer: pixel i = 0 … n − 1 has min(i, k) pixels of past; add up 2 ** (that number)
    return sum(2 ** min(i, k) for i in range(n))
    # end


# %%
check("independent", 64, parameters(64, 0))
check("Markov", 2 * 64 - 1, parameters(64, 1))
check("AR(8)", 2**8 - 1 + (64 - 8) * 2**8, parameters(64, 8))
check("everything, for 10 pixels", 2**10 - 1, parameters(10, 9))

# %% [markdown]
# ## maximum likelihood는 곧 세는 일이다
#
# 이미지 N장 가운데 a장에서 어떤 pixel이 켜져 있다고(1) 하자. 켜질 확률 p가 얼마일 때 이 data의 확률이 가장 클까?
# $\ln p(\text{data}) = a \ln p + (N - a) \ln(1 - p)$다. 도함수를 0으로 놓으면 $a/p = (N - a)/(1 - p)$이고, p = a/N, 곧
# 빈도다. lesson 0의 엔진도 같은 답을 낸다:

# %%
a, N = 30, 100
p = Tensor(a / N, requires_grad=True)
check("the slope of ln p(data) at p = a/N", 0.0, grad(a * np.log(p) + (N - a) * np.log(1 - p), p).item())

# %% [markdown]
# 그러니 위 표의 model은 모두 세어서 학습한다. pixel마다, past마다, 그 pixel이 몇 번 켜져 있었는지 센다. 한 번도 나오지
# 않은 past에서는 0/0이 되고, 한 번도 켜지지 않은 pixel에서는 ln 0이 된다. 그래서 "켜짐"도 "꺼짐"도 0이 아니라 ½부터
# 센다.
#
# data는 8×8 pixel의 손글씨 숫자이고, 각 pixel은 0이나 1이다(1이 잉크다). 이미지 한 장은 왼쪽 위부터 한 행씩 읽은 수
# 64개의 행이다. training 이미지는 1,197장, test 이미지는 300장이다.

# %%
data = digits()
x_train, x_test = data.train.images.astype(int), data.test.images.astype(int)


# %%
def pasts(x, k):
    """The past of each pixel: the k pixels before it, read as a binary number: (images, n) → (images, n).

    For k = 2 the pixels 1, 0, 1, 1 have the pasts 00, 01, 10, 01, which are the numbers 0, 1, 2, 1.
    """
    n, padded, numbers = x.shape[1], np.pad(x, ((0, 0), (k, 0))), np.zeros_like(x)  # k zeros before the first pixel
    for back in range(1, k + 1):  # the pixel just before counts 1, the one before that 2, then 4, …
        numbers += 2 ** (back - 1) * padded[:, k - back : k - back + n]
    return numbers


# %%
def fit(x, k):
    """p(xᵢ = 1|past), by counting: a table [i, past]."""
    past, rows = pasts(x, k), np.arange(x.shape[1])
    on, seen = np.full((x.shape[1], 2**k), 0.5), np.full((x.shape[1], 2**k), 1.0)
    for image, of_image in zip(x, past, strict=True):
        seen[rows, of_image] += 1
        on[rows, of_image] += image
    return on / seen


# %%
check("k = 0: the frequency of each pixel", (x_train.sum(axis=0) + 0.5) / (len(x_train) + 1), fit(x_train, 0)[:, 0])


# %%
def log_prob(table, x, k):
    """ln p(x) of each image: the sum of ln p(xᵢ|past) over the pixels. Its unit is called nat."""
    p = table[np.arange(x.shape[1]), pasts(x, k)]  # p[image, i], the probability that pixel i is on
    # answer: ln p where the pixel is on, ln(1 − p) where it is off (np.where), summed over the pixels
    return np.sum(np.where(x == 1, np.log(p), np.log(1 - p)), axis=1)
    # end


# %%
small = x_train[:, 26:32]  # six pixels: few enough to list all 64 images
every_image = (np.arange(64)[:, None] >> np.arange(6)) % 2  # a row for each number 0 … 63: its six binary digits
table = fit(small, 1)
by_hand = np.log(1 - table[0, 0]) + sum(np.log(1 - table[i, 0]) for i in range(1, 6))
check("ln p of six pixels that are off", [by_hand], log_prob(table, np.zeros((1, 6), int), 1))
for k in (0, 1, 3):
    check(f"Σ p(x) over all 64 images, k = {k}", 1.0, np.exp(log_prob(fit(small, k), every_image, k)).sum())

# %% [markdown]
# ## past는 얼마나 길어야 할까?
#
# −ln p(x)는 model이 이미지를 보고 얼마나 놀라는지를 나타낸다. 작을수록 좋다. training 이미지에서는 k가 커질수록
# 작아진다. test 이미지에서는 끝없이 작아질 수 없다.
#
# **실행하기 전에:** k로 만든 표에는 pixel 하나에 past가 $2^k$가지까지 있고, 셀 이미지는 1,197장이다. k가 대략 얼마가
# 될 때까지 past를 늘리는 것이 test 이미지에 도움이 될까?

# %%
orders, train, test = range(4 if QUICK else 13), [], []
for k in orders:
    table = fit(x_train, k)
    train.append(-log_prob(table, x_train, k).mean())
    test.append(-log_prob(table, x_test, k).mean())
print("test, nats an image:", ", ".join(f"k = {k}: {nats:.2f}" for k, nats in zip(orders, test, strict=True)))

# %%
plt.plot(orders, train, "o-", color="#9aa5b8", label="training images")
plt.plot(orders, test, "o-", color="#c8553d", label="test images")
plt.xlabel("pixels of past, k"), plt.ylabel("−ln p(x), nats"), plt.legend()
show("1_past")

# %% [markdown]
# 가장 좋은 k는 9다. k가 더 크면 past $2^k$가지 대부분이 너무 드물게 나와 제대로 셀 수 없다. 표는 비슷한 두 past가
# 비슷하다는 것을 모른다. past 하나하나를 다 보아야 한다. network는 한 past에서 배운 것을 다른 past에도 쓸 수 있다.
# 그런 network가 다음 lesson의 NADE다.
#
# ## 가정마다 뽑은 sample
#
# **보기 전에:** 그림의 첫 줄은 진짜 숫자이고, 다음 줄부터는 k = 0, 1, 4, 8의 sample이 한 줄씩 있다. 세로획은 어느
# 줄에서 처음 보일까? 이미지의 너비는 8 pixel이다. k = 8이면 past는 어느 pixel까지 닿을까?


# %%
def sample(table, n, k):
    """Draw n images pixel by pixel, each pixel from its probability given its past."""
    x = np.zeros((n, len(table)), int)
    for i in range(len(table)):
        x[:, i] = rng.random(n) < table[i, pasts(x, k)[:, i]]
    return x


# %%
rows = [x_test[:12]] + [sample(fit(x_train, k), 12, k) for k in (0, 1, 4, 8)]
framed = np.pad(np.reshape(rows, (5, 12, 8, 8)), ((0, 0), (0, 0), (0, 1), (0, 1)))
plt.imshow(framed.transpose(0, 2, 1, 3).reshape(45, 108), cmap="Greys")
plt.axis("off")
show("1_samples")

# %% [markdown]
# k = 8이면 past가 바로 위의 pixel까지 닿으므로 획이 아래로 이어질 수 있다. 사람이 그린 것처럼 보이는 줄은 마지막
# 줄뿐이다. k = 1과 4에서 pixel이 아는 것은 같은 행의 이웃뿐이다. 곡선이 7에서 8로 갈 때 크게 떨어지는 까닭도 여기에
# 있다.
#
# ## 연습 문제
#
# 1. *예측.* `x_train`과 `x_test`의 열을 같은 순열로 섞는다. "test, nats an image"의 값 가운데 어느 것이 바뀔까?
# 2. *쓰기.* Bayes' rule로 분류기를 만든다. 숫자마다 k = 1인 표를 하나씩 학습하고(`data.train.labels`에 숫자 y가 있다),
#    P(y|x)가 가장 큰 y를 고른다. test 숫자를 몇 개나 맞힐까?
# 3. *망가뜨리기.* `pasts`에서 pixel이 자기 자신을 보게 한다. `range(k)`를 `range(1, k + 1)` 대신 쓰고, 거기에 맞춰
#    `2**back`이라고 쓴다. 어느 ✓가 먼저 알아챌까? 같은 실수를 `minigen/markov.py`에서도 한다. `row`에서
#    `x[:, max(0, i - self.order) + 1 : i + 1]`을 쓴다. 그다음
#    `python -m pytest -q tests/minigen/test_markov.py tests/minigen/test_explicit_models.py`를 실행하고, 어느 주장들이
#    깨졌는지 읽는다.
#
# 질문과 연습 문제의 답: [answers].
#
# ## minigen에서는
#
# | 여기 | minigen | 주장 | 테스트 |
# |---|---|---|---|
# | `parameters` | `num_parameters`: [`minigen/table.py`], [`minigen/markov.py`] | [I-2] | [`test_table.py`] |
# | 규칙 세 가지 | [`minigen/divergences.py`] | [I-3] | [`test_explicit_models.py`] |
# | Bayes' rule | `BayesClassifier`: [`minigen/uses.py`] | [U-1] | [`test_uses.py`] |
# | `fit` | 같은 파일들의 `MarkovChain.fit`, `IndependentBernoulli.fit` | [I-4] | [`test_table.py`] |
# | 가정마다 치르는 대가 | [`minigen/analysis/ledger.py`] | [I-5] | [`test_ledger.py`] |
#
# `python -m demos independence`는 이 모두를 network와 비교한다.
#
# [`minigen/table.py`]: ../../minigen/table.py
# [`minigen/markov.py`]: ../../minigen/markov.py
# [I-2]: ../../docs/lecture.md#discrete-distributions
# [`test_table.py`]: ../../tests/minigen/test_table.py
# [`minigen/divergences.py`]: ../../minigen/divergences.py
# [`minigen/uses.py`]: ../../minigen/uses.py
# [I-3]: ../../docs/lecture.md#discrete-distributions
# [U-1]: ../../docs/lecture.md#generative-model
# [`test_explicit_models.py`]: ../../tests/minigen/test_explicit_models.py
# [`test_uses.py`]: ../../tests/minigen/test_uses.py
# [I-4]: ../../docs/lecture.md#discrete-distributions
# [`minigen/analysis/ledger.py`]: ../../minigen/analysis/ledger.py
# [I-5]: ../../docs/lecture.md#discrete-distributions
# [`test_ledger.py`]: ../../tests/minigen/analysis/test_ledger.py
# [answers]: ../../lessons/answers/1_independence.md
