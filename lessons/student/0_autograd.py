# %% [markdown]
# # 0. A gradient machine in forty lines
#
# Every lesson after this one calls `backward()` or `grad()` to get a gradient, and believes the result. Here you build
# such a machine for arrays yourself. You compare it with derivatives by hand and with differences. Then you meet the
# machine that this project uses, which has the same idea.
#
# Reading and running: 30 minutes. Each ✓ below compares a formula with a second way to compute it. If you break the
# formula, the ✓ turns into ✗ and the program stops.

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
# ## By hand
#
# A small network has the weights w and v. The input x is a row of 3 numbers, w has 3×4 numbers and v has 4×1. The
# wanted output is the number y, and the loss is
#
# $$L = (\tanh(x w)\, v - y)^2$$
#
# By the chain rule of calculus, with h = tanh(x w), $\tanh' = 1 - \tanh^2$ and the error e = h v − y:
#
# $$\frac{\partial L}{\partial v} = 2 e\, h^T, \qquad
# \frac{\partial L}{\partial w} = x^T \, [2 e \, v^T \odot (1 - h^2)]$$
#
# ($\odot$ multiplies number by number, as `*` does in NumPy; without a sign it is the product of matrices, `@`.)

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
# Is that right? A derivative says how much L changes if one weight changes a little. So change that weight a little, by
# ε: the *central difference* is $[L(w + \epsilon) - L(w - \epsilon)] / 2\epsilon$.
#
# **Before you run this:** the network has 16 weights. How often must L be computed for the differences of all weights,
# and how often for a network with a million weights?


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
# Each weight needs two values of L: 32 in all, and two million for a million weights. That is a good check, but too
# slow for training.
#
# ## The machine
#
# A formula by hand runs fast, but nobody wants to derive it for a Pixel-RNN. Look at what you did by hand: you went
# through the operations *backwards*, from L to the weights, and at each operation you multiplied by a local derivative.
# A machine can do that. Each result must remember its *parents*, the arrays that it was computed from. For each parent
# it keeps a function that turns $g = \partial L / \partial (\text{result})$ into its share of
# $\partial L / \partial (\text{parent})$.


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
# For two operations you write the functions. For a product $c = a \odot b$: $\partial L/\partial a = g \odot b$ and
# $\partial L/\partial b = g \odot a$. For a product of matrices C = A B: $\partial L / \partial A = g\, B^T$ and
# $\partial L / \partial B = A^T g$. (If you forget which one is transposed, look at the shapes: g has the shape of C,
# and only one way fits.)


# %%
def gradients_of_times(g, a, b):
    """∂L/∂a and ∂L/∂b for the product a * b, number by number. g: ∂L/∂(a * b)."""
    # your turn: the two gradients, stacked: np.stack([…, …])
    ...


def gradient_of_left(g, B):
    """∂L/∂A for the product of matrices A B. g: ∂L/∂(A B), of the shape of A B."""
    # your turn: one product of matrices, from g and B
    ...


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
# Now the walk back. A node may pass its gradient on only when its own gradient is complete. So the nodes that were
# computed from it must be visited first. A list in which parents stand before children is a *topological order*; walk
# it from the end. And a node that was used twice gets a gradient from each use. The two **add up**, because a change of
# the node changes L through both uses.


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
# Did you see that `error` was used twice, as both factors of its square? **Before you run this:** for a = 3, what would
# the gradient of a · a be if the gradient from the second use replaced the one from the first?

# %%
a = Node(3.0)
backward(times(a, a))
check("d(a · a)/da = 2a", 6.0, a.grad)

# %% [markdown]
# It would be 3 in place of 6: each use gives a gradient of 3, and one of them would be lost.
#
# ## The same idea with a table
#
# The project's engine, `autograd`, is this machine with three changes. The nodes are called `Tensor` and behave like
# NumPy's arrays, so you write NumPy. The functions that pass a gradient on are *rules* in a table, one line for each
# function of NumPy, such as `rule(np.tanh, lambda g, y, x: g * (1 - y * y))` for y = tanh x. And the order is found
# without recursion, so there may be very many operations one after the other.

# %%
W, V = Tensor(w, requires_grad=True), Tensor(v, requires_grad=True)
L = np.sum((np.tanh(x @ W) @ V - y) ** 2)
L.backward()
check("the engine's ∂L/∂w", by_w, W.grad)
check("the engine's ∂L/∂v", by_v, V.grad)

# %% [markdown]
# ## Second derivatives
#
# The rules of the table are NumPy code too. If they get Tensors, the walk back is itself recorded and can be
# differentiated again: `create_graph=True` asks for this. For y = tanh t: $y' = 1 - y^2$ and $y'' = -2 y (1 - y^2)$.
#
# `grad(L, t)` returns ∂L/∂t for a single number L. So the code below takes the sum over all points t: each point enters
# one term only, and its gradient is the derivative at that point.


# %%
def second_derivative_of_tanh(t):
    # your turn: y″ from the formula, with y = np.tanh(t)
    ...


# %%
t = Tensor(np.linspace(-3, 3, 121), requires_grad=True)
first = grad(np.sum(np.tanh(t)), t, create_graph=True)
second = grad(np.sum(first), t)
check("tanh″", second.data[::40], second_derivative_of_tanh(t.data[::40]))

# %% [markdown]
# **Before you look:** the picture shows tanh and its two derivatives. Where must the second one be zero?

# %%
for values, name in ((np.tanh(t.data), "tanh"), (first.data, "first derivative"), (second.data, "second derivative")):
    plt.plot(t.data, values, label=name)
plt.legend()
show("0_tanh")

# %% [markdown]
# The second derivative is zero at t = 0, where y = 0: there the slope of tanh has its maximum. Far out all derivatives
# go to zero, because tanh becomes flat.
#
# ## Check your rules
#
# `check_grads` does what you did at the start: it compares the rules with a central difference. But it moves all
# weights at once, along a random direction, so one difference is enough for any number of weights. `@primitive(rule)`
# gives a new function its rule. The rule of `cube` has a mistake.
#
# **Before you run this:** find the mistake. By which factor is the slope wrong at x = 2?


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
# The derivative of x³ is 3x², so the rule is too large by the factor x = 2, along any direction.
#
# ## Exercises
#
# 1. *Predict.* What is the gradient of `np.maximum(0, t)` at t = 0? Ask the engine, then `check_grads`.
# 2. *Write.* The functions `exponential(a)` and `log(a)` for the machine. Check both with `difference`.
# 3. *Break.* In `backward`, replace `parent.grad + passed_on(…)` by `passed_on(…)`. Which ✓ notices first? Make the
#    same mistake in `autograd/engine.py`: in `add`, let both assignments be `pending[tensor] = contribution`. Then run
#    `python -m pytest -q tests/autograd/test_engine.py` and read which claim is broken.
#
# Answers to the questions and the exercises: [answers].
#
# ## The same in this project
#
# | here | the engine | claim | tests |
# |---|---|---|---|
# | `Node` | `Tensor`: [`autograd/tensor.py`] | [E-7], [E-9] | [`test_forward.py`], [`test_nothing_silent.py`] |
# | the functions that pass g on | the rules: [`autograd/rules/`] | [E-1] | [`test_rules.py`] |
# | `order`, `backward` | `graph_behind`, `differentiate`: [`autograd/engine.py`] | [E-3], [E-4] | [`test_engine.py`] |
# | `difference` | `check_grads`: [`autograd/check.py`] | [E-5] | [`test_check.py`] |
#
# `docs/engine.md` tells the rest in half an hour.
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
