# %% [markdown]
# # 8. density의 쓸모
#
# 강의에는 두 종류의 model이 나온다. *explicit* model은 p(x)를 알고, *implicit* model은 sample을 뽑기만 한다.
# 여기서는 숫자의 단순한 explicit model, 곧 세어서 채운 표(lesson 1)를 네 가지로 쓴다: sample 뽑기, 점수 매기기,
# 분류하기, 경보 울리기. network는 학습하지 않고, 어느 한 쓸모만을 위해 배우는 것도 없다.
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

from autograd import console
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
# ## 숫자마다 model 하나
#
# 이미지는 8×8 pixel이고, pixel은 0 아니면 1이며, 어느 숫자인지는 label y가 말한다. lesson 1에서처럼 pixel마다
# 과거가 주어졌을 때의 확률이 있다. 과거는 앞선 pixel k = 8개이고, 바로 위의 pixel까지 거슬러 올라간다. 확률은
# 빈도로 구하고, 센 값마다 ½을 더한다. 숫자 y마다 그 숫자의 이미지에 표 하나를 맞추면 이 표가 p(x|y)를 준다.
# 숫자의 빈도는 prior p(y)를 준다. 다음 세 함수는 lesson 1의 것이다.


# %%
def pasts(x, k):
    """Number the past of each pixel, the k pixels before it as a binary number: (images, n) → (images, n)."""
    padded = np.pad(x, ((0, 0), (k, 0)))  # zeros before the first pixel
    return sum((2**j * padded[:, k - 1 - j : k - 1 - j + x.shape[1]] for j in range(k)), 0 * x)


# %%
def fit(x, k):
    """p(pixel i is on | its past), by counting: a table [i, past]."""
    past, rows = pasts(x, k), np.arange(x.shape[1])
    on, seen = np.full((x.shape[1], 2**k), 0.5), np.full((x.shape[1], 2**k), 1.0)
    for image, of_image in zip(x, past, strict=True):
        seen[rows, of_image] += 1
        on[rows, of_image] += image
    return on / seen


# %%
def log_prob(table, x, k):
    """ln p(x) of each image, in nats: the sum of ln p(xᵢ|past) over the pixels."""
    p = table[np.arange(x.shape[1]), pasts(x, k)]  # p[image, i], the probability that pixel i is on
    return np.sum(np.where(x == 1, np.log(p), np.log(1 - p)), axis=1)


# %%
data, k = digits(), 8
x_train, y_train = data.train.images.astype(int), data.train.labels
x_test, y_test = data.test.images.astype(int), data.test.labels
tables = [fit(x_train[y_train == y], k) for y in range(10)]
prior = np.bincount(y_train) / len(y_train)  # p(y), about 0.1 each

# %% [markdown]
# ## 쓸모 1: sample 뽑기
#
# 숫자 y를 고르고, p(x|y)에서 pixel을 하나씩 뽑는다. 그림에는 숫자마다 열이 하나 있고, 열마다 sample이 여섯 개
# 있다. **보기 전에:** 한 숫자의 sample 여섯 개는 서로 다를까? 또 학습할 때 한 번도 나오지 않은 과거라면 다음
# pixel의 확률은 얼마인가?


# %%
def sample(table, n, k):
    """Draw n images pixel by pixel, each pixel from its probability given its past."""
    x = np.zeros((n, len(table)), int)
    for i in range(len(table)):
        x[:, i] = rng.random(n) < table[i, pasts(x, k)[:, i]]
    return x


# %%
rows = np.stack([sample(table, 6, k) for table in tables], axis=1)
framed = np.pad(rows.reshape(6, 10, 8, 8), ((0, 0), (0, 0), (0, 1), (0, 1)))
plt.imshow(framed.transpose(0, 2, 1, 3).reshape(54, 90), cmap="Greys"), plt.axis("off")
show("8_samples")

# %% [markdown]
# 서로 다르다. pixel을 하나하나 뽑기 때문이다. 한 번도 나오지 않은 과거가 주는 확률은 ½이다. 센 값마다 ½을 더해
# 두었기 때문이다. 그래서 드문 pixel 뒤에는 자주 noise가 이어진다. 다음 과거도 드문 과거가 되기 때문이다.
#
# ## 쓸모 2: density
#
# 모든 숫자를 합치면 *mixture*다: $p(x) = \sum_y p(y)\, p(x|y)$. 이 이미지들에서 ln p(x|y)는 −20쯤이고,
# $e^{-20}$은 작지만 문제없다. 더 큰 이미지라면 $e^{-2000}$은 0으로 반올림된다. 그러니 로그
# $a_y = \ln p(y) + \ln p(x|y)$로 계속 계산하고, 가장 큰 항을 합 밖으로 꺼낸다:
#
# $$\ln \sum_y e^{a_y} = m + \ln \sum_y e^{a_y - m}, \qquad m = \max_y a_y$$


# %%
def log_sum_exp(a):
    """ln Σ exp(a) over the last axis."""
    # answer: the right side of the formula, with m = np.max(a, axis=-1, keepdims=True) inside and m[..., 0] before it
    m = np.max(a, axis=-1, keepdims=True)
    return m[..., 0] + np.log(np.sum(np.exp(a - m), axis=-1))
    # end


# %%
check("ln(e¹ + e² + e³)", np.log(np.exp(1) + np.exp(2) + np.exp(3)), log_sum_exp(np.array([1.0, 2, 3])))
check("where e^a rounds to 0", -2000 + np.log(2), log_sum_exp(np.array([-2000.0, -2000])))


# %%
def log_joint(x):
    """ln p(x, y) = ln p(y) + ln p(x|y) for each image and each digit: (images, 10)."""
    return np.log(prior) + np.stack([log_prob(table, x, k) for table in tables], axis=1)


# %% [markdown]
# **실행하기 전에:** 표 열 개는 저마다 이미지의 10분의 1만 보았다. mixture가 test 이미지에 주는 확률은 모든 숫자를
# 표 하나로 셀 때보다 높을까, 낮을까?

# %%
log_p = log_sum_exp(log_joint(x_test))
alone = log_prob(fit(x_train, k), x_test, k)
print(f"one table for all digits: −ln p(x) = {-alone.mean():.2f} nats a test image, exact")
print(f"a mixture of ten tables:  −ln p(x) = {-log_p.mean():.2f} nats")

# %% [markdown]
# mixture가 이긴다. 표마다 이미지의 10분의 1만 보았으니 손해가 있다(lesson 1). 하지만 숫자 y는 이미지 전체의
# 기억이다. 앞의 pixel 여덟 개가 말하지 못하는 것을 말해 주고, 여기서는 이 이득이 더 크다.
#
# ## 쓸모 3: 분류하기
#
# Bayes' rule은 조건의 방향을 뒤집는다. 이를 위해 따로 학습하는 것은 없다:
#
# $$P(y|x) = \frac{P(x|y)\, P(y)}{P(x)}$$


# %%
def posterior(x):
    """P(y|x) for each image and each digit: (images, 10)."""
    joint = log_joint(x)
    # answer: exp of ln p(x, y) − ln p(x); log_sum_exp(joint)[:, None] is ln p(x) as a column
    return np.exp(joint - log_sum_exp(joint)[:, None])
    # end


# %%
direct = np.exp(log_joint(x_test[:4]))
check("Bayes' rule, by dividing", direct / direct.sum(axis=1, keepdims=True), posterior(x_test[:4]))
right = posterior(x_test).argmax(axis=1) == y_test
print(f"right: {right.mean():.1%} ± {np.sqrt(right.mean() * (1 - right.mean()) / len(right)):.1%} of the test digits")

# %% [markdown]
# (±는 test 숫자로 구한 표준 오차다.) 그림은 분류기가 틀린 숫자 여덟 개이고, P(y|x)가 큰 것부터 늘어놓았다.
# **보기 전에:** 여러분이라면 맞히겠는가?

# %%
wrong = np.flatnonzero(~right)[np.argsort(-posterior(x_test[~right]).max(axis=1))][:8]
figure, axes = plt.subplots(1, 8, figsize=(10, 1.6))
for ax, i in zip(axes, wrong, strict=True):
    ax.imshow(x_test[i].reshape(8, 8), cmap="Greys")
    ax.set(xticks=[], yticks=[], title=f"{y_test[i]}, said {posterior(x_test[[i]])[0].argmax()}")
show("8_wrong")

# %% [markdown]
# 몇 개는 사람에게도 어렵다. 0 아니면 1인 pixel 8×8개만 남은 이미지는 많은 것을 잃었다.
#
# ## 쓸모 4: anomaly 찾기
#
# 숫자가 아닌 이미지는 p(x)가 작아야 한다. 점수는 −ln p(x), 곧 model이 놀란 정도다. 이 점수는 숫자와 다른 이미지를
# 얼마나 잘 가르는가? *AUC*는 무작위로 고른 anomaly가 무작위로 고른 숫자보다 점수가 높을 확률이다. 동점은 절반으로
# 센다. 1이면 완벽하고, ½이면 동전 던지기와 같다.


# %%
def auc(normal, anomalous):
    """P(anomalous > normal) + ½ P(anomalous = normal), over all pairs of scores."""
    # answer: anomalous[:, None] > normal has all pairs; take its mean, and add half the mean of the same with ==
    return np.mean(anomalous[:, None] > normal) + 0.5 * np.mean(anomalous[:, None] == normal)
    # end


# %%
check("pairs 3 > 1, 3 > 2, 2 > 1, and a tie", 3.5 / 4, auc(np.array([1, 2]), np.array([3, 2])))
upside_down = x_test.reshape(-1, 8, 8)[:, ::-1].reshape(-1, 64)  # the last row first
noise = (rng.random(x_test.shape) < x_train.mean()).astype(int)  # as many pixels on as in digits, at random places
two_wrong = np.where(rng.random(x_test.shape).argsort(axis=1) < 2, 1 - x_test, x_test)  # 2 random pixels an image

# %% [markdown]
# anomaly는 세 가지다: noise, pixel 두 개가 틀린 test 숫자, 위아래를 뒤집은 test 숫자(마지막 행을 맨 위에 놓으므로
# 거울에 비친 모양이다). **실행하기 전에:** 어느 것이 가장 알아채기 어려울까? 위아래를 뒤집어도 숫자로 통하는 것은
# 어느 숫자일까?

# %%
for name, images in (("noise", noise), ("two wrong pixels", two_wrong), ("upside down", upside_down)):
    print(f"{name}: AUC {auc(-log_p, -log_sum_exp(log_joint(images))):.3f}")
surprise = -log_sum_exp(log_joint(upside_down))
print("upside down, nats:", ", ".join(f"{y}: {surprise[y_test == y].mean():.1f}" for y in range(10)))

# %% [markdown]
# AUC로 보면 위아래를 뒤집은 숫자가 가장 어렵다. test 숫자는 평균 18.9 nat이다. 뒤집은 1은 이보다 작다. 뒤집어도
# *정말로* 훌륭한 1이기 때문이다. 뒤집은 0과 8은 이보다 조금 클 뿐이다. model은 받은 질문에 답한다. pixel들이
# 숫자의 pixel처럼 보이는가 하는 질문이다. 사람이 무엇을 anomaly라고 부를지는 모른다.
#
# 그림은 점수별로 이미지의 수를 센다. **보기 전에:** threshold를 어디에 두어야 넘어가는 숫자가 적을까?

# %%
bins, threshold = np.linspace(0, 60, 60), np.quantile(-log_p, 0.95)
for name, images in (("digits", x_test), ("two wrong pixels", two_wrong), ("upside down", upside_down)):
    plt.hist(-log_sum_exp(log_joint(images)), bins, alpha=0.5, label=name)
plt.axvline(threshold, color="#1f2a44", label="threshold")
plt.xlabel("−ln p(x), nats"), plt.legend()
show("8_scores")
print(f"95 % of the test digits stay below {threshold:.1f} nats")
for name, images in (("two wrong pixels", two_wrong), ("upside down", upside_down)):
    print(f"caught, {name}: {np.mean(-log_sum_exp(log_joint(images)) > threshold):.0%}")

# %% [markdown]
# 경보에는 threshold가 필요하다. 숫자의 95 %가 넘지 않는 점수를 고르되, 숫자는 model을 맞출 때 쓰지 않은 것이어야
# 한다. 그러면 anomaly가 무엇이든, 새 숫자의 5 %쯤이 false alarm을 울린다. anomaly를 얼마나 잡는지는 그림의
# 언덕들이 얼마나 떨어져 있는지에 달렸다. AUC는 짝을 비교하므로 threshold가 필요 없다. 여기서는 둘이 서로 다른
# 말을 하기까지 한다. 이 threshold에서는 pixel 두 개가 틀린 숫자보다 뒤집은 숫자가 더 많이 잡힌다.
#
# ## implicit model이라면?
#
# GAN은 네 쓸모 가운데 첫째만 할 수 있다. p(x)를 물으면 답이 없다. GAN의 sample에 density를 맞출 수는 있지만,
# 그러면 그 density가 model이다. 강의의 말로 하면, 분류가 가능한 model이 *explicit*이고 generation 기능만 있는
# model이 *implicit*이다.
#
# ## 연습 문제
#
# 1. *예측.* k = 0(y가 주어지면 서로 독립인 pixel: *naive Bayes*)으로, 또 k = 12로 바꾼다. 네 쓸모 가운데 무엇이
#    좋아지고 무엇이 나빠지는가?
# 2. *쓰기.* 숫자를 완성한다. 위 네 행이 주어지면, 먼저 P(y | 위 절반)을 구하고, y를 뽑고, 나머지를 뽑는다.
# 3. *망가뜨리기.* `log_joint`에서 `np.log(prior)`를 뺀다. 알아채는 ✓는 없고, mixture가 2.3 nat만큼 좋아진 것처럼
#    보인다. 왜 좋아진 것이 아닌가? (모든 이미지의 p(x)를 더하면 얼마가 되는가?) `minigen/uses.py`에서
#    `self.log_prior`를 빼고, `python -m pytest -q tests/minigen/test_uses.py`를 실행해서 마지막 몇 줄을 읽는다.
#
# 질문과 연습 문제의 답: [answers].
#
# ## minigen에서는
#
# | 여기 | minigen | 주장 | 테스트 |
# |---|---|---|---|
# | `log_joint`, `posterior` | `BayesClassifier`: [`minigen/uses.py`] | [U-1] | [`test_uses.py`] |
# | `auc` | `auc`, `anomaly_scores`: [`minigen/uses.py`] | [U-2] | [`test_uses.py`] |
# | explicit, implicit | `ExplicitModel`, `ImplicitModel`: [`minigen/model.py`] | [I-1] | [`test_explicit_models.py`] |
#
# `python -m demos classify`와 `python -m demos anomaly`는 같은 일을 NADE로 한다.
#
# [`minigen/uses.py`]: ../../minigen/uses.py
# [U-1]: ../../docs/lecture.md#generative-model
# [`test_uses.py`]: ../../tests/minigen/test_uses.py
# [U-2]: ../../docs/lecture.md#generative-model
# [`minigen/model.py`]: ../../minigen/model.py
# [I-1]: ../../docs/lecture.md#generative-model
# [`test_explicit_models.py`]: ../../tests/minigen/test_explicit_models.py
# [answers]: ../../lessons/answers/8_uses.md
