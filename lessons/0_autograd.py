# %% [markdown]
# # 0. A gradient machine in forty lines
#
# Every lesson after this one calls `backward()` or `grad()` and believes the result. Here you build such a machine for
# arrays yourself, hold it against derivatives by hand and against differences, and then meet the one that this project
# uses: the same idea with a table.
#
# Reading and running: 30 minutes. Each ✓ below compares a formula with a second way to compute it. If you break the
# formula, the ✓ turns into ✗ and the program stops.

# %%
import sys
from pathlib import Path

sys.path.insert(0, str(Path(globals().get("__file__", "x")).resolve().parents[1]))  # the clone that holds this file

import matplotlib.pyplot as plt
import numpy as np

from autograd import Tensor, check_grads, grad, primitive

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
# A small network has the weights w and v. For an input x and a wish y its loss is
#
# $$L = (\tanh(x w) \cdot v - y)^2$$
#
# By the chain rule, with h = tanh(x w) and the error e = h · v − y:
#
# $$\frac{\partial L}{\partial v} = 2 e h, \qquad \frac{\partial L}{\partial w} = x^T \, [2 e \, v \, (1 - h^2)]$$

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
# Is that right? A derivative says how much L changes if a weight changes a little. So change it a little: the *central
# difference* is $[L(w + \epsilon) - L(w - \epsilon)] / 2\epsilon$.
#
# **Before you run this:** the network has 16 weights. How often must L be computed for all differences, and how often
# for a network with a million weights?


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
# ## The machine
#
# By hand is quick, but nobody wants to do it for a Pixel-RNN. Look at what the hand did: it went through the operations
# *backwards*, from L to the weights, and at each operation it multiplied by a local derivative. A machine can do that
# if each result remembers its parents and, for each parent, how a gradient passes to it: a function from $g = \partial
# L / \partial (\text{result})$ to $\partial L / \partial (\text{parent})$.


# %%
class Node:
    """An array that remembers its parents: a list of (parent, function from g to the parent's gradient)."""

    def __init__(self, value, parents=()):
        self.value, self.parents, self.grad = np.asarray(value, float), parents, 0.0


# %%
def minus(a, b):
    return Node(a.value - b.value, [(a, lambda g: g), (b, lambda g: -g)])


def tanh(a):
    h = np.tanh(a.value)
    return Node(h, [(a, lambda g: g * (1 - h**2))])


# %% [markdown]
# For two operations the functions are yours. A product c = a b, number by number: $\partial L/\partial a = g\, b$. A
# product of matrices C = A B: $\partial L / \partial A = g\, B^T$ and $\partial L / \partial B = A^T g$. (If you forget
# which one is transposed, look at the shapes: only one way fits.)


# %%
def gradients_of_times(g, a, b):
    """The gradients by the arrays a and b of their product a b, number by number."""
    # answer: two arrays, stacked: np.stack([…, …])
    return np.stack([g * b, g * a])
    # end


def gradient_of_left(g, B):
    """The gradient by A of the product of matrices A B."""
    # answer: from g, of the shape of A B, back to the shape of A
    return g @ B.T
    # end


# %%
check("gradients of 4 · 5 for g = 2", [[10], [8]], gradients_of_times(*np.array([[2.0], [4.0], [5.0]])))
A, B = rng.normal(size=(2, 3)), rng.normal(size=(3, 2))
check("gradient by the left matrix", difference(lambda A: np.sum(A @ B), A), gradient_of_left(np.ones((2, 2)), B))


# %%
def times(a, b):
    both = lambda g: gradients_of_times(g, a.value, b.value)
    return Node(a.value * b.value, [(a, lambda g: both(g)[0]), (b, lambda g: both(g)[1])])


def matmul(a, b):
    to_b = lambda g: gradient_of_left(g.T, a.value.T).T  # B is on the left in (A B)ᵀ = Bᵀ Aᵀ
    return Node(a.value @ b.value, [(a, lambda g: gradient_of_left(g, b.value)), (b, to_b)])


# %% [markdown]
# Now the walk back. A node may pass its gradient on only when its own gradient is complete, so all that was computed
# from it must come first. A *topological order* has parents before children; walk it from the end. And a node that was
# used twice gets two gradients: they **add up**, because both ways carry a change of the node to L.


# %%
def order(node, found):
    """All nodes behind `node`, each after its parents."""
    if node not in found:
        for parent, _ in node.parents:
            order(parent, found)
        found.append(node)
    return found


# %%
def backward(loss):
    """Compute .grad of every node behind `loss`, and return the nodes."""
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
print(f"{len(nodes)} nodes; the walk back costs about as much as the way there, for any number of weights")

# %% [markdown]
# Did you see that `error` was used twice, as both factors of its square? **Before you run this:** what would the
# gradient of a · a be if the second one replaced the first?

# %%
a = Node(3.0)
backward(times(a, a))
check("d(a · a)/da = 2a", 6.0, a.grad)

# %% [markdown]
# ## The same idea with a table
#
# The project's engine, `autograd`, is this machine with three changes. The nodes are called `Tensor` and behave like
# NumPy's arrays, so you write NumPy. The functions that pass a gradient on stand in a table, one line for each function
# of NumPy, such as `rule(np.tanh, lambda g, y, x: g * (1 - y * y))`. And the order is found without recursion, so a
# graph may be deep.

# %%
W, V = Tensor(w, requires_grad=True), Tensor(v, requires_grad=True)
L = np.sum((np.tanh(x @ W) @ V - y) ** 2)
L.backward()
check("the engine's ∂L/∂w", by_w, W.grad)
check("the engine's ∂L/∂v", by_v, V.grad)

# %% [markdown]
# ## Second derivatives
#
# The rules of the table are NumPy code too. Give them Tensors and the walk back is itself recorded, so it can be
# differentiated again. That is all that `create_graph=True` does. For y = tanh t: $y' = 1 - y^2$ and
# $y'' = -2 y (1 - y^2)$.


# %%
def second_derivative_of_tanh(t):
    # answer: y″ from the formula
    return -2 * np.tanh(t) * (1 - np.tanh(t) ** 2)
    # end


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
# ## Trust is good
#
# `check_grads` does to a function what you did at the start: it compares the slope that the rules give with a central
# difference, along a random direction, so that two evaluations suffice for any number of weights. Here is a rule with a
# mistake, and what it says.


# %%
@primitive(lambda g, y, x: g * 3 * x**3)
def cube(x):
    return x**3


# %%
check_grads(lambda w: np.sum((np.tanh(x @ w) @ v - y) ** 2), w, order=2)  # right: says nothing
try:
    check_grads(cube, np.array([2.0]))
except AssertionError as mistake:
    print(str(mistake).split(";")[0])

# %% [markdown]
# ## Exercises
#
# 1. *Predict.* What does the gradient of `np.maximum(0, t)` say at t = 0? Ask the engine, then `check_grads`.
# 2. *Write.* A function `exponential(a)` for the machine, and `log(a)`; check both by `difference`.
# 3. *Break.* In `backward`, replace `parent.grad + passed_on(…)` by `passed_on(…)`. Which ✓ notices, and which do not?
#    In `autograd/engine.py` the claim E-3 holds it.
#
# ## The same in this project
#
# | here | the engine | held by |
# |---|---|---|
# | `Node` | `Tensor` in `autograd/tensor.py` | E-7, E-9 |
# | the functions that pass g on | the rules in `autograd/rules/` | E-1 |
# | `order`, `backward` | `graph_behind`, `differentiate` in `autograd/engine.py` | E-3, E-4 |
# | `difference` | `check_grads` in `autograd/check.py` | E-5 |
#
# `docs/engine.md` tells the rest in half an hour.
