# %% [markdown]
# # 7. digits의 GAN, 그리고 평가하는 방법
#
# lesson 6의 게임을 이미지로 한다. generator는 이미지를 한 번에 그리지만 likelihood p(x)가 없고, 게임의 loss는
# 숫자가 얼마나 좋은지 말해 주지 않는다. 그래서 후반부에서는 sample을 세 가지 방법으로 평가한다: 가장 가까운
# training 이미지, 숫자 열 개의 비율, precision과 recall. 어느 방법이든 놓치는 것이 있다.
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
# ## 두 player
#
# generator G는 noise z, 곧 수 16개를 이미지 한 장으로 바꾼다. 이미지는 0과 1 사이의 grey level 64개다.
# discriminator는 이미지를 logit l(x)로 바꾸고, D(x) = σ(l(x))는 discriminator가 보기에 이미지가 진짜일 확률이다.
#
# $$\min_G \max_D V(D, G) = \mathbb{E}_{x \sim p_{data}}[\log D(x)] + \mathbb{E}_{z \sim p_z}[\log(1 - D(G(z)))]$$


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
grey = lambda part: part.levels.reshape(-1, 64) / 16  # levels are whole numbers from 0 to 16
real_images, test_images = grey(data.train), grey(data.test)
tensors = lambda arrays: [Tensor(backend.to_device(w), requires_grad=True) for w in arrays]
generator, discriminator = tensors(network(16, 150, 64)), tensors(network(64, 150, 1))


# %%
def generate(n):
    """Draw n images: G(z) with z ~ N(0, I)."""
    return 1 / (1 + np.exp(-apply(generator, backend.to_device(rng.normal(size=(n, 16))))))


# %% [markdown]
# 어느 player도 이미지의 확률을 한 번도 계산하지 않는다. 그래도 distribution $p_G$는 있다. z를 거듭 뽑을 때 나오는
# 이미지들의 distribution이다. 다만 이 이미지들은 모두 64 pixel의 공간 안에서 많아야 16차원인 곡면 위에 있다. 방
# 안에 실 한 가닥이 놓인 것과 같다. 거의 모든 이미지는 진짜 이미지라도 곡면 밖에 있고, 거기서는 density가 0이다.
# (그래서 아무도 GAN에게 ln p(x)를 묻지 않는다.)
#
# ## loss
#
# logit으로 쓰면 $\log D = -\ln(1 + e^{-l})$이고 $\log(1 - D) = -\ln(1 + e^l)$이다. discriminator는 −V를
# 최소화한다. generator가 최소화하는 것은 $-\log D(G(z))$이고, $\log(1 - D(G(z)))$가 아니다. 이유는 lesson 6에
# 있다.


# %%
def discriminator_loss(of_real, of_fake):
    """−V from the logits of real and of made images."""
    # answer: the mean of ln(1 + e^(−l)) over real images plus the mean of ln(1 + eˡ) over made ones
    return np.mean(np.logaddexp(0, -of_real)) + np.mean(np.logaddexp(0, of_fake))
    # end


# %%
check("D = ½ costs log 4", np.log(4), discriminator_loss(np.zeros(5), np.zeros(5)))
logits = rng.normal(size=4)
D_of = 1 / (1 + np.exp(-logits))
check("−V from probabilities", -np.mean(np.log(D_of)) - np.mean(np.log(1 - D_of)), discriminator_loss(logits, logits))


# %%
def r1(images):
    """½ γ E[‖∂l/∂x‖²] on real images, with γ = 0.3: the penalty of lesson 6, where x is one number."""
    x = Tensor(images, requires_grad=True)
    slopes = grad(np.sum(apply(discriminator, x)), x, create_graph=True)
    return 0.5 * 0.3 * np.mean(np.sum(slopes**2, axis=1))


# %% [markdown]
# **더 읽기 전에:** generator의 loss $-\log D(G(z))$에는 두 network가 다 들어 있다. gradient는 어느 쪽을 지나야
# 하고, step은 어느 쪽을 바꾸어도 되는가?
#
# gradient는 D를 지나 G로 들어가고, step은 G만 바꾼다. 아래의 `move_g`에는 G의 weight만 있다. D의 step에서는
# 이미지가 그냥 수(`.data`)여서 gradient가 G에 닿지 않는다. `adam`은 lesson 5의 것이다.


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
move_d, move_g, losses = adam(discriminator, 0.001), adam(generator, 0.001), []
for _ in range(100 if QUICK else 8_000):
    x = backend.to_device(real_images[rng.integers(len(real_images), size=64)])
    loss = discriminator_loss(apply(discriminator, x), apply(discriminator, generate(64).data))
    move_d(loss + r1(x))
    move_g(np.mean(np.logaddexp(0, -apply(discriminator, generate(64)))))
    losses.append(loss.item())

# %% [markdown]
# 그림은 discriminator의 loss −V(step 25개의 평균)와 log 4를 보여 준다. **보기 전에:** loss가 log 4에 가까우면
# 숫자가 좋다는 증명이 되는가?

# %%
plt.plot(np.convolve(losses, np.ones(25) / 25, "valid"), color="#c8553d")
plt.axhline(np.log(4), color="#9aa5b8")
plt.xlabel("step"), plt.ylabel("−V, nats")
show("7_loss")

# %% [markdown]
# 되지 않는다. *이* discriminator가 차이를 거의 보지 못한다는 말일 뿐이고, 약한 discriminator는 늘 차이를 보지
# 못한다. 그림에서 step 500은 끝보다 log 4에 가깝지만 sample은 덜 다양하다. recall(아래에 나온다)이 step 500에서
# 0.16, 끝에서 0.60이다.
#
# 그러니 sample을 직접 보고, 하나하나를 가장 가까운 training 이미지와 비교한다. 두 이미지 사이의 거리를 제곱하면
# 다음과 같다:
#
# $$\|a - b\|^2 = \|a\|^2 - 2\, a \cdot b + \|b\|^2$$


# %%
def distances(a, b):
    """The squared distance of each row of a to each row of b: (len(a), len(b))."""
    # answer: ‖a‖² as a column [:, None], minus 2 a @ b.T, plus ‖b‖² as a row
    return np.sum(a**2, axis=1)[:, None] - 2 * a @ b.T + np.sum(b**2, axis=1)
    # end


# %%
slow = [[np.sum((row - other) ** 2) for other in test_images[:3]] for row in real_images[:2]]
check("distances, one by one", slow, distances(real_images[:2], test_images[:3]))
samples = backend.to_numpy(generate(300))
nearest = distances(samples, real_images).argmin(axis=1)

# %% [markdown]
# 윗줄은 sample, 아랫줄은 각 sample에 가장 가까운 training 이미지다. **보기 전에:** generator가 training 이미지를
# 외웠다면 무엇이 보일까?

# %%
rows = np.stack([samples[:14], real_images[nearest[:14]]])
framed = np.pad(rows.reshape(2, 14, 8, 8), ((0, 0), (0, 0), (0, 1), (0, 1)))
plt.imshow(framed.transpose(0, 2, 1, 3).reshape(18, 126), cmap="Greys"), plt.axis("off")
show("7_samples")

# %% [markdown]
# 두 줄이 똑같을 것이다. 실제로는 다르다. sample은 training 이미지에 가깝지만 베낀 것이 아니다. 숫자가 아닌
# sample도 있다.
#
# ## 어떤 숫자를 만드는가?
#
# generator는 다른 식으로 실패할 수도 있다. sample마다 숫자처럼 보이는데 어떤 숫자는 아예 나오지 않는 것이다.
# 이것을 *mode collapse*라고 부른다. 그러니 sample마다 가장 가까운 training 이미지의 label을 붙이고 개수를 센다.
# **실행하기 전에:** 숫자마다 비율이 얼마여야 하는가?

# %%
shares = np.bincount(data.train.labels[nearest], minlength=10) / len(samples)
accuracy = np.mean(data.train.labels[distances(test_images, real_images).argmin(axis=1)] == data.test.labels)
print("shares of 0 … 9:", " ".join(f"{share:.0%}" for share in shares))
print(f"the judge, nearest neighbour, is right for {accuracy:.1%} of the test digits")

# %% [markdown]
# training set에서처럼 10분의 1쯤이다. sample이 300개면 우연만으로도 비율이 2 %쯤 움직인다. 잃어버린 숫자는 없다.
#
# ## precision과 recall
#
# 진짜 이미지마다 둘레에 공을 그린다. 공의 크기는 다섯 번째로 가까운 진짜 이웃까지의 거리다. 이 공들이 모여 진짜
# 이미지가 있는 곳을 덮는다. *precision*은 이 공들 안에 든 sample의 비율이다. *recall*은 역할을 바꾼 것이다.
# 이번에는 sample 둘레의 공들 안에 든 진짜 이미지의 비율이다.


# %%
def share_covered(points, centres, k=5):
    """The share of points in the balls around the centres, each as large as the distance to its k-th nearest centre."""
    radius = np.sort(distances(centres, centres), axis=1)[:, k]  # squared; position 0 is the centre itself
    # answer: distances(points, centres) <= radius says which point is in which ball; np.any over the balls, then mean
    return np.mean(np.any(distances(points, centres) <= radius, axis=1))
    # end


# %%
on_a_line = np.arange(20.0)[:, None]
check("3.5 is between the points 0 … 19, 900 is not", 0.5, share_covered(np.array([[3.5], [900.0]]), on_a_line))
real = test_images
blurred = (real + real.mean(axis=0)) / 2

# %% [markdown]
# 네 묶음을 test 숫자에 견주어 평가한다: GAN의 sample, 흐리게 만든 test 숫자(그 숫자와 평균 이미지의 평균),
# training set에서 고른 진짜 숫자 0, 진짜 training 숫자. **실행하기 전에:** precision은 높고 recall은 낮은 묶음은
# 어느 것일까?

# %%
for name, made in (
    ("GAN", samples),
    ("real, blurred", blurred),
    ("zeros only", real_images[data.train.labels == 0]),
    ("training", real_images[:300]),
):
    print(f"{name:>14}: precision {share_covered(made, real):.2f}, recall {share_covered(real, made):.2f}")

# %% [markdown]
# 먼저 0만 모은 묶음이다. 하나하나는 좋은 숫자지만 숫자 아홉 개를 잃었다. 흐리게 만든 숫자도 그렇다. 가운데로
# 몰려서 진짜 숫자의 공 안에 들지만, 가장자리를 덮지 못한다.
#
# 수 하나로는 모자란다. precision은 잃어버린 숫자와 흐린 숫자를 놓친다. recall은 좋은 sample 사이에 섞인 나쁜
# sample을 놓친다. training set을 베끼면 둘 다 좋게 나온다. 마지막 줄이 그렇다. explicit model에는 이런 것이 필요
# 없다. 숫자를 잃거나 나쁜 sample을 내거나 베끼면, 처음 보는 이미지의 likelihood가 나빠진다. 이런 평가가 따로
# 필요한 것이 *implicit* model의 대가다.
#
# ## 연습 문제
#
# 1. *예측.* R1의 γ를 0으로, 그다음에는 30으로 놓는다. loss, sample, precision, recall은 어떻게 되는가?
# 2. *쓰기.* 이미지 묶음 두 개의 Fréchet distance를 평균과 공분산 행렬로 구한다:
#    $\|\mu_1 - \mu_2\|^2 + \mathrm{tr}(C_1 + C_2 - 2 (C_1 C_2)^{1/2})$. sample과 test 숫자를, 또 training 숫자와
#    test 숫자를 300장씩 비교한다.
# 3. *망가뜨리기.* generator를 식에 적힌 그대로 +log(1 − D(G(z)))로 학습한다. 더 나쁜가? D가 지나치게 뛰어난 때는
#    언제인가? `minigen/gan.py`의 `non_saturating_loss`가 이 loss를 돌려주게 하고,
#    `python -m pytest -q tests/minigen/test_gan.py`의 마지막 몇 줄을 읽는다.
#
# 질문과 연습 문제의 답: [answers].
#
# ## minigen에서는
#
# | 여기 | minigen | 주장 | 테스트 |
# |---|---|---|---|
# | 두 loss, 그리고 각 step이 움직이는 것 | [`minigen/gan.py`] | [G-5], [G-7] | [`test_gan.py`] |
# | `r1` | `r1_penalty`: [`minigen/penalties.py`] | [G-6] | [`test_penalties.py`] |
# | `share_covered` | [`minigen/analysis/quality.py`] | – | [`test_quality.py`] |
#
# `python -m demos gan_digits`는 더 큰 것을 학습하고, `--network dcgan`을 붙이면 convolution network를 학습한다.
#
# [`minigen/gan.py`]: ../../minigen/gan.py
# [G-5]: ../../docs/lecture.md#generator
# [G-7]: ../../docs/lecture.md#generative-adversarial-network
# [`test_gan.py`]: ../../tests/minigen/test_gan.py
# [`minigen/penalties.py`]: ../../minigen/penalties.py
# [G-6]: ../../docs/lecture.md#discriminator
# [`test_penalties.py`]: ../../tests/minigen/test_penalties.py
# [`minigen/analysis/quality.py`]: ../../minigen/analysis/quality.py
# [`test_quality.py`]: ../../tests/minigen/analysis/test_quality.py
# [answers]: ../../lessons/answers/7_gan_digits.md
