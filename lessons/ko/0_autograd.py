# %% [markdown]
# # 0. 40줄짜리 gradient 기계
#
# 이 뒤의 lesson은 모두 `backward()`나 `grad()`를 불러 gradient를 구하고 그 결과를 믿는다. 여기서는 배열의 gradient를
# 구하는 기계를 직접 만든다. 기계의 결과를 손으로 구한 도함수와 비교하고, 차분과도 비교한다. 그다음 이 프로젝트가 쓰는
# 기계를 만난다. 원리는 같다.
#
# 읽고 실행하는 데 30분. 아래의 ✓는 식 하나를 다른 방법으로 다시 계산해 비교한 결과다. 식을 망가뜨리면 ✓가 ✗로 바뀌고
# 프로그램이 멈춘다. 코드와 그 안의 설명은 영어 그대로다.

# %%
import sys
from pathlib import Path

sys.path.insert(0, str(Path(globals().get("__file__", "x")).resolve().parents[2]))  # the clone that holds this file

import matplotlib.pyplot as plt
import numpy as np

from autograd import Tensor, check_grads, console, grad, primitive

console.printable()  # on any terminal
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
# ## 손으로
#
# 작은 network에 weight w와 v가 있다. 입력 x는 수 3개로 된 행이고, w는 3×4, v는 4×1 행렬이다. 원하는 출력은 수 y이고,
# loss는 다음과 같다.
#
# $$L = (\tanh(x w)\, v - y)^2$$
#
# h = tanh(x w), 오차 e = h v − y라고 쓰자. 미적분의 chain rule과 $\tanh' = 1 - \tanh^2$에서 다음을 얻는다.
#
# $$\frac{\partial L}{\partial v} = 2 e\, h^T, \qquad
# \frac{\partial L}{\partial w} = x^T \, [2 e \, v^T \odot (1 - h^2)]$$
#
# ($\odot$은 NumPy의 `*`처럼 같은 자리의 수끼리 곱한다. 기호가 없으면 행렬의 곱 `@`다.)

# %%
x, y = rng.normal(size=(1, 3)), 0.7
w, v = rng.normal(size=(3, 4)), rng.normal(size=(4, 1))


def loss_of_arrays(w, v):
    return ((np.tanh(x @ w) @ v - y) ** 2).item()


# %%
h = np.tanh(x @ w)
e = (h @ v).item() - y
by_v, by_w = 2 * e * h.T, x.T @ (2 * e * v.T * (1 - h**2))

# %% [markdown]
# 맞을까? 도함수는 weight 하나가 조금 바뀔 때 L이 얼마나 바뀌는지 말해 준다. 그러니 그 weight를 ε만큼 조금 바꾸어 보자.
# *중앙 차분*(central difference)은 $[L(w + \epsilon) - L(w - \epsilon)] / 2\epsilon$이다.
#
# **실행하기 전에:** 이 network에는 weight가 16개 있다. 모든 weight의 차분을 구하려면 L을 몇 번 계산해야 할까? weight가
# 백만 개인 network라면 몇 번일까?


# %%
def difference(f, w, epsilon=1e-5):
    """∂f/∂w by central differences: an array of the shape of w."""
    slopes = np.zeros_like(w)
    for index in np.ndindex(w.shape):
        step = np.zeros_like(w)
        step[index] = epsilon
        slopes[index] = (f(w + step) - f(w - step)) / (2 * epsilon)
    return slopes


# %%
check("∂L/∂w by hand", difference(lambda w: loss_of_arrays(w, v), w), by_w, within=1e-8)
check("∂L/∂v by hand", difference(lambda v: loss_of_arrays(w, v), v), by_v, within=1e-8)

# %% [markdown]
# weight마다 L을 두 번 계산해야 한다. 모두 32번이고, weight가 백만 개면 2백만 번이다. 검사로는 좋지만 학습에 쓰기에는
# 너무 느리다.
#
# ## 기계
#
# 손으로 구한 식은 빠르다. 그러나 Pixel-RNN의 식을 손으로 유도하고 싶은 사람은 없다. 손으로 한 일을 돌아보자. L에서
# weight까지 연산을 *거꾸로* 따라가면서, 연산마다 그 연산의 도함수를 곱했다. 기계도 할 수 있는 일이다. 모든 결과가 자기
# *parent*, 곧 그 결과를 계산하는 데 쓴 배열들을 기억하면 된다. 그리고 parent마다 함수를 하나씩 둔다. 이 함수는
# $g = \partial L / \partial (\text{result})$를 받아, $\partial L / \partial (\text{parent})$에 더할 몫으로 바꾼다.


# %%
class Node:
    """An array that remembers its parents: a list of pairs (parent, function from g to the parent's gradient)."""

    def __init__(self, value, parents=()):
        self.value, self.parents, self.grad = np.asarray(value, float), parents, 0.0


# %%
def minus(a, b):
    return Node(a.value - b.value, [(a, lambda g: g), (b, lambda g: -g)])


def tanh(a):
    h = np.tanh(a.value)
    return Node(h, [(a, lambda g: g * (1 - h**2))])


# %% [markdown]
# 두 연산의 함수는 직접 쓴다. 곱 $c = a \odot b$에서는 $\partial L/\partial a = g \odot b$이고
# $\partial L/\partial b = g \odot a$다. 행렬의 곱 C = A B에서는 $\partial L / \partial A = g\, B^T$이고
# $\partial L / \partial B = A^T g$다. (어느 쪽을 전치하는지 잊었으면 모양을 보자. g는 C와 모양이 같고, 모양이 맞는
# 방법은 하나뿐이다.)


# %%
def gradients_of_times(g, a, b):
    """∂L/∂a and ∂L/∂b for the product a * b, number by number. g: ∂L/∂(a * b)."""
    # answer: the two gradients, stacked: np.stack([…, …])
    return np.stack([g * b, g * a])
    # end


def gradient_of_left(g, B):
    """∂L/∂A for the product of matrices A B. g: ∂L/∂(A B), of the shape of A B."""
    # answer: one product of matrices, from g and B
    return g @ B.T
    # end


# %%
check("gradients of 4 · 5 for g = 2", [10, 8], gradients_of_times(2.0, 4.0, 5.0))
A, B = rng.normal(size=(2, 3)), rng.normal(size=(3, 2))
ones = np.ones((2, 2))  # g for the loss L = sum of A B
check("gradient by the left matrix", difference(lambda A: np.sum(A @ B), A), gradient_of_left(ones, B))


# %%
def times(a, b):
    both = lambda g: gradients_of_times(g, a.value, b.value)
    return Node(a.value * b.value, [(a, lambda g: both(g)[0]), (b, lambda g: both(g)[1])])


def matmul(a, b):
    to_a, to_b = lambda g: gradient_of_left(g, b.value), lambda g: a.value.T @ g
    return Node(a.value @ b.value, [(a, to_a), (b, to_b)])


# %% [markdown]
# 이제 거꾸로 걸을 차례다. node는 자기 gradient가 완성된 뒤에야 gradient를 넘길 수 있다. 그래서 그 node로 계산한
# node들을 먼저 방문해야 한다. parent가 child보다 앞에 오는 목록을 *위상 순서*(topological order)라고 한다. 이 목록을
# 끝에서부터 걷는다. 두 번 쓰인 node는 쓰인 곳마다 gradient를 하나씩 받는다. 이 둘은 **더한다**. node가 바뀌면 L은 두
# 곳을 모두 거쳐 바뀌기 때문이다.


# %%
def order(node, found):
    """List `node` and all nodes that it was computed from, each after its parents. found: the list so far."""
    if node not in found:
        for parent, _ in node.parents:
            order(parent, found)
        found.append(node)
    return found


# %%
def backward(loss):
    """Compute .grad of every node that `loss` was computed from, and return the nodes."""
    nodes = order(loss, [])
    loss.grad = np.ones_like(loss.value)
    for node in reversed(nodes):
        for parent, passed_on in node.parents:
            parent.grad = parent.grad + passed_on(node.grad)
    return nodes


# %%
W, V = Node(w), Node(v)
error = minus(matmul(tanh(matmul(Node(x), W)), V), Node([[y]]))
nodes = backward(times(error, error))
check("the machine's ∂L/∂w", by_w, W.grad)
check("the machine's ∂L/∂v", by_v, V.grad)
print(f"{len(nodes)} nodes, each visited once, whatever the number of weights in it")

# %% [markdown]
# `error`가 제곱의 두 인수로 두 번 쓰인 것을 보았는가? **실행하기 전에:** a = 3이라고 하자. 두 번째로 쓰인 곳의
# gradient가 첫 번째 gradient를 덮어쓴다면, a · a의 gradient는 얼마가 될까?

# %%
a = Node(3.0)
backward(times(a, a))
check("d(a · a)/da = 2a", 6.0, a.grad)

# %% [markdown]
# 6이 아니라 3이 된다. 쓰인 곳마다 gradient 3이 오는데 그중 하나를 잃는다.
#
# ## 같은 원리를 표로
#
# 이 프로젝트의 엔진 `autograd`는 이 기계에서 세 가지를 바꾼 것이다. 첫째, node의 이름이 `Tensor`이고 NumPy 배열처럼
# 동작한다. 그래서 NumPy를 그대로 쓰면 된다. 둘째, gradient를 넘기는 함수는 표에 적힌 *규칙*이고, NumPy의 함수마다 한
# 줄이다. 예를 들어 y = tanh x의 규칙은 `rule(np.tanh, lambda g, y, x: g * (1 - y * y))`다. 셋째, 순서를 재귀 없이
# 찾는다. 그래서 연산이 아주 많이 이어져도 된다.

# %%
W, V = Tensor(w, requires_grad=True), Tensor(v, requires_grad=True)
L = np.sum((np.tanh(x @ W) @ V - y) ** 2)
L.backward()
check("the engine's ∂L/∂w", by_w, W.grad)
check("the engine's ∂L/∂v", by_v, V.grad)

# %% [markdown]
# ## 이계 도함수
#
# 표의 규칙도 NumPy 코드다. 규칙에 Tensor를 주면 거꾸로 걷는 과정도 기록되고, 그 과정을 다시 미분할 수 있다.
# `create_graph=True`가 이렇게 하라는 뜻이다. y = tanh t이면 $y' = 1 - y^2$이고 $y'' = -2 y (1 - y^2)$다.
#
# `grad(L, t)`는 L이 수 하나일 때 ∂L/∂t를 돌려준다. 그래서 아래 코드는 모든 점 t의 함숫값을 더한다. 점 하나는 항
# 하나에만 들어가므로, 그 점의 gradient가 곧 그 점의 도함수다.


# %%
def second_derivative_of_tanh(t):
    # answer: y″ from the formula, with y = np.tanh(t)
    return -2 * np.tanh(t) * (1 - np.tanh(t) ** 2)
    # end


# %%
t = Tensor(np.linspace(-3, 3, 121), requires_grad=True)
first = grad(np.sum(np.tanh(t)), t, create_graph=True)
second = grad(np.sum(first), t)
check("tanh″", second.data[::40], second_derivative_of_tanh(t.data[::40]))

# %% [markdown]
# **보기 전에:** 그림은 tanh와 그 도함수 두 개를 보여 준다. 이계 도함수는 어디에서 0이어야 할까?

# %%
for values, name in ((np.tanh(t.data), "tanh"), (first.data, "first derivative"), (second.data, "second derivative")):
    plt.plot(t.data, values, label=name)
plt.legend()
show("0_tanh")

# %% [markdown]
# 이계 도함수는 y = 0인 t = 0에서 0이다. 여기서 tanh의 기울기가 가장 크다. 멀리 가면 tanh가 평평해지므로 도함수는 모두
# 0으로 간다.
#
# ## 규칙을 검사하자
#
# `check_grads`가 하는 일은 처음에 우리가 한 일과 같다. 규칙을 중앙 차분과 비교한다. 다만 모든 weight를 무작위 방향으로
# 한꺼번에 움직인다. 그래서 weight가 몇 개든 차분 하나면 된다. `@primitive(rule)`은 새 함수에 규칙을 붙인다. `cube`의
# 규칙에는 실수가 하나 있다.
#
# **실행하기 전에:** 실수를 찾아보자. x = 2에서 기울기는 참값의 몇 배가 될까?


# %%
@primitive(lambda g, y, x: g * 3 * x**3)
def cube(x):
    return x**3


# %%
check_grads(lambda w: np.sum((np.tanh(x @ w) @ v - y) ** 2), w, order=2)  # all is right: no message
try:
    check_grads(cube, np.array([2.0]))
except AssertionError as mistake:
    print(str(mistake).split(";")[0])

# %% [markdown]
# x³의 도함수는 3x²이다. 그래서 이 규칙의 값은 어느 방향에서든 참값의 x배, 곧 2배가 된다.
#
# ## 연습 문제
#
# 1. *예측.* t = 0에서 `np.maximum(0, t)`의 gradient는 얼마일까? 엔진에 물어보고, 그다음 `check_grads`에 물어보자.
# 2. *쓰기.* 기계에 함수 `exponential(a)`와 `log(a)`를 만든다. 둘 다 `difference`로 검사한다.
# 3. *망가뜨리기.* `backward`에서 `parent.grad + passed_on(…)`을 `passed_on(…)`으로 바꾼다. 어느 ✓가 먼저 알아챌까?
#    같은 실수를 `autograd/engine.py`에서도 한다. `add`의 두 대입을 모두 `pending[tensor] = contribution`으로 바꾼다.
#    그다음 `python -m pytest -q tests/autograd/test_engine.py`를 실행하고, 어느 주장이 깨졌는지 읽는다.
#
# 질문과 연습 문제의 답: [answers].
#
# ## 이 프로젝트에서는
#
# | 여기 | 엔진 | 주장 | 테스트 |
# |---|---|---|---|
# | `Node` | `Tensor`: [`autograd/tensor.py`] | [E-7], [E-9] | [`test_forward.py`], [`test_nothing_silent.py`] |
# | g를 넘기는 함수들 | 규칙: [`autograd/rules/`] | [E-1] | [`test_rules.py`] |
# | `order`, `backward` | `graph_behind`, `differentiate`: [`autograd/engine.py`] | [E-3], [E-4] | [`test_engine.py`] |
# | `difference` | `check_grads`: [`autograd/check.py`] | [E-5] | [`test_check.py`] |
#
# 나머지는 `docs/engine.md`에 있다. 읽는 데 30분 걸린다.
#
# [`autograd/tensor.py`]: ../../autograd/tensor.py
# [E-7]: ../../docs/lecture.md#the-engine
# [E-9]: ../../docs/lecture.md#the-engine
# [`test_forward.py`]: ../../tests/autograd/test_forward.py
# [`test_nothing_silent.py`]: ../../tests/autograd/test_nothing_silent.py
# [`autograd/rules/`]: ../../autograd/rules/
# [E-1]: ../../docs/lecture.md#the-engine
# [`test_rules.py`]: ../../tests/autograd/test_rules.py
# [`autograd/engine.py`]: ../../autograd/engine.py
# [E-3]: ../../docs/lecture.md#the-engine
# [E-4]: ../../docs/lecture.md#the-engine
# [`test_engine.py`]: ../../tests/autograd/test_engine.py
# [`autograd/check.py`]: ../../autograd/check.py
# [E-5]: ../../docs/lecture.md#the-engine
# [`test_check.py`]: ../../tests/autograd/test_check.py
# [answers]: ../../lessons/answers/0_autograd.md
