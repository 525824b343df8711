# %% [markdown]
# # 3. Pixel-RNN: 이미지 위를 걷는 기억
#
# 기억하는 network인 LSTM(*long short-term memory*)을 만든다. LSTM은 숫자 이미지의 pixel 위를 걸으며 모든 이미지에
# 정확한 확률을 준다. 그 길에서 단순한 recurrent network가 왜 잊어버리는지, LSTM의 gate가 무엇에 쓰이는지 수치로
# 확인한다.
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
# ## chain rule을 다시 한번
#
# $$P(x_1, \cdots, x_n) = P(x_1)\, P(x_2|x_1)\, P(x_3|x_{1:2}) \cdots P(x_n|x_{1:n-1})$$
#
# NADE에서는 pixel마다 weight의 행이 따로 있어서, 이미지가 커지면 model도 커진다. *recurrent* network(RNN)는 작은
# weight 한 벌을 모든 pixel에 함께 쓴다. 그리고 step마다 *state* h를 다음 step으로 넘긴다. h에는 지나온 길의 기억이
# 담긴다. 가장 단순한 RNN은 state가 수 하나, weight도 w 하나고, step마다 입력 $u_t$를 받는다:
#
# $$h_t = \tanh(w h_{t-1} + u_t)$$
#
# ## 단순한 network가 잊는 이유
#
# 1번 pixel이 60번 pixel에 중요하다는 것을 배우려면 gradient가 59 step을 거슬러 가야 한다. 한 step을 지날 때마다
# gradient에 $\partial h_t / \partial h_{t-1} = w (1 - h_t^2)$이 곱해진다. 그래서 미적분의 chain rule에 따라 T
# step이면 다음과 같다:
#
# $$\frac{\partial h_T}{\partial h_0} = \prod_{t=1}^{T} w (1 - h_t^2)$$


# %%
def walk(w, h, inputs):
    """The states h₁ … h_T of the plain network. h: the state h₀ at the start. inputs: u₁ … u_T."""
    states = []
    for u in inputs:
        h = np.tanh(w * h + u)
        states.append(h)
    return states


# %%
def slope_of_walk(w, states):
    """∂h_T/∂h₀ from the states h₁ … h_T."""
    # answer: np.prod of the list of w (1 − h²) over the states
    return np.prod([w * (1 - h**2) for h in states])
    # end


# %%
inputs, h0 = 0.5 * rng.normal(size=20), Tensor(0.1, requires_grad=True)
states = walk(1.2, h0, inputs)
by_engine, numbers = grad(states[-1], h0).item(), [h.item() for h in states]
check("∂h₂₀/∂h₀ is the product of twenty factors", by_engine, slope_of_walk(1.2, numbers), within=1e-12)

# %% [markdown]
# ## gate
#
# LSTM에는 state가 하나 더 있다. cell c다. c는 *gate*를 거쳐서만 바뀌고, gate는 0과 1 사이의 수다. σ(f)는 옛 cell을
# 얼마나 남길지, σ(i)는 새 값 tanh(g)를 얼마나 들일지, σ(o)는 cell을 h로 얼마나 드러낼지 정한다.
#
# $$c_t = \sigma(f) \, c_{t-1} + \sigma(i) \tanh(g), \qquad h_t = \sigma(o) \tanh(c_t)$$
#
# f, i, o, g는 step마다 입력과 state에서 계산한다: $(f, i, o, g) = [u_t, h_{t-1}]\, W + b$. cell에서 cell로 갈 때 한
# step에 곱해지는 수는 σ(f)뿐이다. gate의 값이 정해져 있으면 $\partial c_t / \partial c_{t-1} = \sigma(f)$다. f가 크면
# 이 수는 거의 1이고 gradient는 줄지 않는다.


# %%
def sigmoid(a):
    return 1 / (1 + np.exp(-a))


# %%
def new_cell(c, f, i, g):
    """The cell c_t after a step, from the cell c before it."""
    # answer: what stays of c, plus what enters of tanh(g); sigmoid is above
    return sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    # end


# %%
check("f = 50, i = −50: the cell does not change", 0.7, new_cell(0.7, 50, -50, 3.0))
check("f = −50, i = 50: the cell is tanh(g)", np.tanh(3.0), new_cell(0.7, -50, 50, 3.0))

# %% [markdown]
# **보기 전에:** 그림은 w = 0.8, 1.2, 2인 단순한 network 셋의 $|\partial h_T / \partial h_0|$과, σ(f) = 0.98인 cell의
# $|\partial c_T / \partial c_0|$을 보여 준다. 입력은 표준편차가 ½인 난수다. 단순한 network 가운데 어느 것이
# gradient를 지킬까? w가 크면 곱해지는 수에서 w가 커진다. 그러면 1 − h²은 어떻게 될까?

# %%
inputs, T = 0.5 * rng.normal(size=64), np.arange(1, 65)
for w, colour in ((0.8, "#e0a458"), (1.2, "#c8553d"), (2.0, "#7d6b91")):
    factors = [w * (1 - h**2) for h in walk(w, 0.1, inputs)]
    plt.semilogy(T, np.abs(np.cumprod(factors)), color=colour, label=f"plain, w = {w}")
plt.semilogy(T, 0.98**T, color="#1f2a44", label="cell, σ(f) = 0.98")
plt.xlabel("T"), plt.ylabel("|gradient|"), plt.legend()
show("3_gradients")

# %% [markdown]
# 어느 것도 지키지 못한다. w가 크면 h가 ±1 쪽으로 밀려가고, 거기서는 1 − h²이 거의 0이다. 가장 나쁜 것이 w = 2다.
# cell에는 64 step 뒤에도 gradient의 $0.98^{64} = 0.27$이 남아 있다.
#
# ## 이미지 위를 걷는다
#
# pixel은 한 행씩 차례로 읽는다. pixel t에서 network가 받는 입력은 두 개다. 하나는 바로 앞의 pixel t − 1이고(왼쪽
# 이웃, 행의 맨 앞에서는 윗 행의 마지막 pixel), 다른 하나는 바로 위의 pixel이다. 첫 pixel보다 앞에 있는 pixel은 0으로
# 친다. 나머지는 모두 기억에서 와야 한다. pixel t의 logit은 state에서 나온다:
#
# $$p(x_t = 1|x_{<t}) = \sigma(l_t), \qquad l_t = V \cdot h_t + d$$


# %%
def lstm_step(W, b, u, h, c):
    """The states (h, c) after one step. u: the two inputs, (images, 2). h, c: the states before, (images, H)."""
    f, i, o, g = np.split(np.concatenate([u, h], axis=1) @ W + b, 4, axis=1)
    c = new_cell(c, f, i, g)
    return sigmoid(o) * np.tanh(c), c


# %%
def logits(weights, x, width):
    """The logit of each pixel, given the pixels before it: (images, n) → (images, n). width: pixels in a row."""
    W, b, V, d = weights
    h = c = np.zeros_like(x, shape=(len(x), len(V)))
    padded, columns = np.pad(x, ((0, 0), (width, 0))), []  # pixel t is padded[:, t + width]
    for t in range(x.shape[1]):
        h, c = lstm_step(W, b, padded[:, [t + width - 1, t]], h, c)  # before, above
        columns.append(h @ V + d)
    return np.stack(columns, axis=1)


# %%
def log_prob(weights, x, width=8):
    """ln p(x) of each image, in nats."""
    # answer: ell = logits(weights, x, width), then Σ [x l − ln(1 + eˡ)] over the pixels, with np.logaddexp(0, ell)
    ell = logits(weights, x, width)
    return np.sum(x * ell - np.logaddexp(0, ell), axis=1)
    # end


# %%
def lstm(H, scale):
    """Return random weights [W, b, V, d] for H cells. The bias of f is 1, so σ(f) starts near σ(1) = 0.73."""
    b = np.concatenate([np.ones(H), np.zeros(3 * H)])
    return [scale * rng.normal(size=(2 + H, 4 * H)), b, scale * rng.normal(size=H), np.zeros(1)]


# %% [markdown]
# 늘 하는 질문이다. 이 확률들은 분포를 이룰까? 2×3 pixel 이미지는 64개뿐이니 모두 늘어놓을 수 있다. **실행하기 전에:**
# weight가 무엇이든 확률을 모두 더하면 1이다. 걷는 방식의 어떤 성질 때문일까?

# %%
small, every_image = lstm(4, 1.0), (np.arange(64)[:, None] >> np.arange(6)) % 2 * 1.0  # binary digits of 0 … 63
p = sigmoid(logits(small, every_image, 3))
by_hand = np.log(np.prod(np.where(every_image == 1, p, 1 - p), axis=1))
check("ln p(x) is the logarithm of the product", by_hand, log_prob(small, every_image, 3))
check("Σ p(x) over all 64 images", 1.0, np.exp(log_prob(small, every_image, 3)).sum(), within=1e-12)

# %% [markdown]
# pixel t의 logit에는 t보다 앞에 있는 pixel만 쓰인다. 그래서 곱하는 수 하나하나는 앞의 pixel이 주어졌을 때 그 pixel의
# 확률이고, 켜질 확률과 꺼질 확률을 더하면 1이다. 따라서 chain rule에 의해 그 곱은 분포다.
#
# ## 학습
#
# 8×8 pixel 숫자의 likelihood를 최대화한다. lesson 2처럼 Adam을 쓴다. 엔진은 LSTM이 걸은 64 step을 모두 기록하고, 그
# 길을 거꾸로 되짚어 간다: *back-propagation through time*.


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
data = digits()
x_train, x_test = data.train.images.astype(float), data.test.images.astype(float)


# %%
def loss(weights):
    batch = backend.to_device(x_train[rng.integers(len(x_train), size=100)])
    return -np.mean(log_prob(weights, batch))


# %%
weights, losses = train(lstm(32, 0.2), loss, 15 if QUICK else 800, rate=0.01)
nats = -log_prob(weights, x_test)
print(f"−ln p(x) = {nats.mean():.2f} ± {nats.std() / len(nats) ** 0.5:.2f} nats, exact, 300 test digits")
print(f"{sum(w.size for w in weights)} parameters")

# %% [markdown]
# ## 무엇을 기억하는가?
#
# pixel 하나를 뒤집고, logit이 저마다 얼마나 움직이는지 본다. **보기 전에:** 뒤집은 것은 28번째 pixel, 넷째 행의
# 가운데다. 어느 logit이 움직일 수 없을까?

# %%
flipped = x_test.copy()
flipped[:, 27] = 1 - flipped[:, 27]
moved = np.mean(np.abs(logits(weights, flipped, 8) - logits(weights, x_test, 8)), axis=0)
check("the flipped pixel and those before it do not notice", np.zeros(28), moved[:28], within=0)
plt.imshow(moved.reshape(8, 8), cmap="Reds"), plt.colorbar(label="mean |change of the logit|")
show("3_flip")

# %% [markdown]
# 처음 28개 pixel의 logit은 움직일 수 없다. network가 28번째 pixel을 읽기 전에 계산하기 때문이다. 그 뒤에서는 이웃이
# 가장 많이 움직이고, 바로 아래 pixel도 그렇다. 아래 pixel에서 network는 28번째 pixel을 위쪽 pixel로 직접 본다. 더
# 멀리 가면 변화가 작아지지만 0이 되지는 않는다. 이 변화는 기억을 거쳐 온 것이다.

# %% [markdown]
# ## sampling
#
# 걷는 길은 같다. 다만 pixel 하나를 뽑은 다음에 앞으로 나아간다. 아래 함수는 짧지만 낭비가 심하다. pixel 하나를 뽑을
# 때마다 지금까지의 pixel 전부를 `logits`로 다시 계산하고, 그중 마지막 값만 쓴다.


# %%
def sample(weights, n, D, width):
    """Draw n images of D pixels."""
    x = np.zeros((n, D))
    for t in range(D):
        x[:, t] = rng.random(n) < sigmoid(logits(weights, x[:, : t + 1], width)[:, t])
    return x


# %%
index = sample(small, 50_000, 6, 3) @ 2 ** np.arange(6)
frequencies = np.bincount(index.astype(int), minlength=64) / len(index)
check("frequencies are probabilities", np.exp(log_prob(small, every_image, 3)), frequencies, within=0.01)

# %% [markdown]
# **보기 전에:** 첫 줄은 진짜 숫자고, 아래 두 줄은 sample이다. pixel을 뽑을 때 아는 것은 그보다 위에 있거나 왼쪽에
# 있는 pixel뿐이다. 어떤 실수가 나올까?

# %%
rows = [x_test[:12], sample(weights, 12, 64, 8), sample(weights, 12, 64, 8)]
framed = np.pad(np.reshape(rows, (3, 12, 8, 8)), ((0, 0), (0, 0), (0, 1), (0, 1)))
plt.imshow(framed.transpose(0, 2, 1, 3).reshape(27, 108), cmap="Greys"), plt.axis("off")
show("3_samples")

# %% [markdown]
# 획은 pixel에서 pixel로 잘 이어진다. network가 그 이웃을 보기 때문이다. 멀리 떨어진 부분은 서로 맞지 않을 때가 있다.
# 고리가 닫히지 않거나, 세상에 없는 숫자가 된다. 이런 정보는 기억을 거쳐야 한다.
#
# ## 연습 문제
#
# 1. *예측.* f의 bias를 1이 아니라 −3에서 시작한다. 처음 loss 백 개의 평균은 더 클까, 작을까? 왜 그럴까?
# 2. *쓰기.* h와 c를 들고 다니면서 pixel마다 `lstm_step`을 한 번만 호출하는 sampler. 난수가 같으면 뽑는 이미지도
#    같아야 한다.
# 3. *망가뜨리기.* `logits`에서 network에게 그 pixel 자신을 보여 준다. `t + width`라고 쓴다(원래는 `t + width - 1`).
#    어느 ✓가 먼저 알아챌까? `minigen/nn/maps.py`에서도 같은 실수를 해 본다: `offsets_seen`에서 `tap <= self.centre`인
#    tap을 모두 남긴다. 그리고 `python -m pytest -q tests/minigen/test_pixelrnn.py`를 실행해서 어떤 주장이 깨지는지
#    읽는다.
#
# 질문과 연습 문제의 답: [answers].
#
# ## minigen에서는
#
# | 여기 | minigen | 주장 | 테스트 |
# |---|---|---|---|
# | `new_cell`, `lstm_step` | `lstm_step`: [`minigen/nn/cells.py`] | [R-2] | [`test_bptt.py`] |
# | 걷기, 갈 때와 돌아올 때 | `lstm`: [`minigen/nn/bptt.py`] | [R-1] | [`test_bptt.py`] |
# | `logits`, `log_prob`, `sample` | `PixelRNN`: [`minigen/pixelrnn.py`] | [R-3], [R-5], [R-6] | [`test_pixelrnn.py`] |
#
# `python -m demos pixelrnn`은 행을 따라 걷기, 대각선을 따라 걷기, convolution을 비교한다.
#
# [`minigen/nn/cells.py`]: ../../minigen/nn/cells.py
# ../../docs/lecture.md#pixel-rnn
# [`test_bptt.py`]: ../../tests/minigen/nn/test_bptt.py
# [`minigen/nn/bptt.py`]: ../../minigen/nn/bptt.py
# ../../docs/lecture.md#pixel-rnn
# [`minigen/pixelrnn.py`]: ../../minigen/pixelrnn.py
# ../../docs/lecture.md#pixel-rnn
# ../../docs/lecture.md#pixel-rnn
# ../../docs/lecture.md#pixel-rnn
# [`test_pixelrnn.py`]: ../../tests/minigen/test_pixelrnn.py
# [answers]: ../../lessons/answers/3_pixelrnn.md
