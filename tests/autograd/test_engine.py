"""E-3, E-4 and E-6: the walk over the graph: sharing, accumulation, memory, depth, on every backend."""

import gc
import tracemalloc
import weakref

import numpy as np
import pytest

from autograd import Tensor, backend, check_grads, grad, no_grad, primitive
from autograd.engine import graph_behind

pytestmark = pytest.mark.usefixtures("library")


def leaf(data):
    return Tensor(data, requires_grad=True)


def test_a_tensor_used_twice_gets_both_gradients():
    """E-3: d(x² · x + x)/dx = 3x² + 1."""
    x = leaf(3.0)
    (x * x * x + x).backward()
    assert x.grad == 28


def test_a_diamond_is_visited_once_complete():
    """E-3: the shared node's gradient must be whole before it moves on; d/dx of e²ˣ⁺⁵ˣ is 7e⁷ˣ."""
    x = leaf(0.1)
    shared = x * 1.0
    left, right = np.exp(2 * shared), np.exp(5 * shared)
    (left * right).backward()
    assert float(x.grad) == pytest.approx(7 * np.exp(0.7), rel=1e-14)


def test_a_constant_branch_is_not_recorded():
    """E-3."""
    x, c = leaf([1.0, 2.0]), Tensor([3.0, 4.0])
    constant = np.exp(c)
    assert constant.call is None
    (x * constant).sum().backward()
    np.testing.assert_array_equal(backend.to_numpy(x.grad), np.exp([3.0, 4.0]))
    assert c.grad is None


def test_a_leaf_may_be_the_output():
    """E-3."""
    x = leaf(2.0)
    x.backward()
    assert x.grad == 1


def test_a_leaf_may_also_be_an_output_among_others():
    """E-3."""
    x = leaf(2.0)
    assert grad([x, x * x], x).item() == 1 + 4


def test_gradients_accumulate_over_calls():
    """E-3."""
    x = leaf([1.0, 2.0])
    (x * x).sum().backward()
    first = x.grad
    (3 * x).sum().backward()
    np.testing.assert_array_equal(backend.to_numpy(x.grad), [5, 7])
    assert x.grad is first  # in place: whoever laid the array out keeps it


def test_accumulation_never_writes_into_a_foreign_array():
    """E-3: the rule of + hands the same array to both arguments; adding to one must not change the other."""
    x, y, z = leaf([1.0]), leaf([1.0]), leaf([1.0])
    total = x + y + z + z + z
    seed = backend.asarray([1.0])
    total.backward(seed)
    assert [float(a[0]) for a in (x.grad, y.grad, z.grad, seed)] == [1, 1, 3, 1]
    x.grad += 100
    z.grad += 100
    assert [float(a[0]) for a in (y.grad, seed)] == [1, 1]


def test_a_second_backward_is_refused_and_named():
    """E-3."""
    x = leaf(2.0)
    y = x * x
    y.backward()
    with pytest.raises(RuntimeError) as raised:
        y.backward()
    assert str(raised.value) == (
        "this graph was already differentiated and its intermediate results were freed: call backward() or grad() with "
        "retain_graph=True the first time, or compute the output again (also after an error stopped the pass)"
    )


def test_a_graph_ends_with_the_oldest_tensor_that_is_asked_for():
    x = leaf(2.0)
    middle = x * 3
    y = middle * middle
    assert graph_behind([y]) == [x, middle, y]
    assert graph_behind([y], oldest=middle.order) == [middle, y]


def test_a_retained_graph_can_be_differentiated_again():
    x = leaf(2.0)
    y = x * x
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad == 8


def test_grad_uses_only_what_lies_between():
    """`grad` of an intermediate result leaves `.grad`, and the graph behind that result, alone."""
    x = leaf(2.0)
    calls = []
    noted = primitive(lambda g, y, a: calls.append("behind") or g)(lambda a: 1 * a)
    middle = noted(x * 3)
    y = middle * middle
    assert grad(y, middle).item() == 12
    assert x.grad is None
    assert calls == []
    middle.backward()
    assert x.grad == 3


def test_grad_stops_at_an_input_whose_own_graph_was_freed():
    x = leaf(2.0)
    middle = x * x
    middle.backward()
    assert grad(middle * 3, middle).item() == 3
    with pytest.raises(RuntimeError, match="already differentiated"):
        grad(middle * 3, x)


def test_an_unused_input_leaves_the_graph_as_it_was():
    x, unused = leaf(2.0), leaf(1.0)
    y = x * x
    with pytest.raises(ValueError, match="no output depends on input 1"):
        grad(y, [x, unused])
    assert grad(y, [x, unused], allow_unused=True)[0].item() == 4


def test_an_input_that_requires_no_gradient_is_named():
    x = leaf(2.0)
    with pytest.raises(ValueError, match="input 1 does not require a gradient; create it with requires_grad=True"):
        grad(x * x, [x, Tensor(1.0)])


def test_inputs_and_weights_may_be_any_iterable_and_zero():
    x, z = leaf(3.0), leaf(2.0)
    assert [g.item() for g in grad(x * z, (t for t in [x, z]))] == [2, 3]
    assert grad([x * x], x, backend.asarray([0.0])).item() == 0


def test_gradients_that_grad_returns_are_nobody_elses():
    x, y = leaf([1.0, 2.0]), leaf([1.0, 2.0])
    seed = backend.asarray([1.0, 1.0])
    gx, gy = grad(x + y, [x, y], seed)
    gx.data[0] = 5
    assert [float(a[0]) for a in (gy.data, seed)] == [1, 1]
    grad(x.sum(), x).data[0] = 5


def test_grad_of_an_unused_input_is_an_error_unless_allowed():
    x, unused = leaf(2.0), leaf(1.0)
    with pytest.raises(ValueError, match="no output depends on input 1"):
        grad(x * x, [x, unused])
    assert grad(x * x, [x, unused], allow_unused=True)[1] is None


def test_grad_returns_one_gradient_for_each_mention_of_an_input():
    x = leaf(2.0)
    assert [g.item() for g in grad(x * x, [x, x])] == [4, 4]


def test_third_derivatives_by_asking_again():
    x = leaf(0.3)
    y = np.sin(x)
    for _ in range(3):
        y = grad(y, x, create_graph=True)
    assert y.item() == pytest.approx(-np.cos(0.3), rel=1e-15)


def test_gradients_take_the_dtype_of_their_argument():
    """E-2: the transpose of casting up is casting down."""
    x, y = (leaf(backend.to_device(np.ones(3, dtype))) for dtype in (np.float32, np.float64))
    (x * y).sum().backward()
    assert (x.grad.dtype, y.grad.dtype) == (np.float32, np.float64)


def test_no_grad_records_nothing_and_is_restored_after_an_error():
    x = leaf(2.0)
    with no_grad():
        assert not (x * x).requires_grad
    with pytest.raises(IndexError), no_grad():
        x[5]
    assert (x * x).requires_grad

    @no_grad()
    def evaluate():
        return x * x

    assert not evaluate().requires_grad
    assert not evaluate().requires_grad


DEPTH = 100_000


def test_a_chain_of_100_000_operations_is_differentiated(library):
    """E-4: no recursion, in the walk or when the graph is freed. On the stand-in, which is slow, 10,000."""
    x = leaf(1.0)
    y = x
    for _ in range(DEPTH // (10 if library == "standin" else 1)):
        y = y + 1e-5
    y.backward()
    assert x.grad == 1


def test_a_chain_of_100_000_operations_is_freed_unused(library):
    """E-4: dropping a graph that was never differentiated does not recurse either."""
    y = leaf(1.0)
    for _ in range(DEPTH // (10 if library == "standin" else 1)):
        y = y + 1e-5
    del y


def test_memory_returns_after_each_step_without_the_garbage_collector(library):
    """E-4: after 1,000 steps memory is what it was after 10: no cycle, so reference counting alone frees the graph. On
    the stand-in, which is slow, after 100."""
    w = leaf(backend.to_device(np.ones((200, 200))))

    def step():
        h = np.tanh(w * w)
        np.sum(h * h + np.exp(-h)).backward()
        w.grad.fill(0)

    gc.disable()
    tracemalloc.start()
    try:
        for _ in range(10):
            step()
        after_ten = tracemalloc.get_traced_memory()[0]
        for _ in range(90 if library == "standin" else 990):
            step()
        growth = tracemalloc.get_traced_memory()[0] - after_ten
    finally:
        tracemalloc.stop()
        gc.enable()
    assert growth < w.data.nbytes  # one array leaked a step would be 990 of these


def test_intermediate_results_are_freed_as_the_pass_goes_on():
    """E-4: when the pass reaches the first layer, every later result is gone."""
    alive = []
    look = primitive(lambda g, y, a: alive.append(sum(r() is not None for r in references)) or g)(lambda a: 1 * a)
    y = look(leaf(backend.to_device(np.ones(10))))
    references = []
    for _ in range(50):
        y = y * 1.5
        references.append(weakref.ref(y))
    y = y.sum()
    y.backward()
    assert alive == [0]


def test_gradients_of_leaves_do_not_wait_for_the_end_of_the_pass():
    """E-4: 30 weights that have room for their gradients: the pass needs memory for a few more, not for 30."""
    weights = [leaf(backend.to_device(np.full((200, 200), 1e-3))) for _ in range(30)]
    for w in weights:
        w.grad = backend.to_device(np.zeros((200, 200)))
    y = backend.to_device(np.ones((1, 200)))
    for w in weights:
        y = y @ w
    y = y.sum()
    tracemalloc.start()
    try:
        y.backward()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 5 * weights[0].data.nbytes
    assert all(backend.to_numpy(w.grad).any() for w in weights)


def test_no_grad_can_be_entered_again_and_again():
    mode = no_grad()
    for _ in range(2):
        with mode, mode:
            assert not (leaf(1.0) * 2).requires_grad
    assert (leaf(1.0) * 2).requires_grad


def test_residuals_go_from_the_function_to_its_rule_alone():
    """What a function keeps for its gradient is computed once, is no part of its value, and is freed with the graph."""
    kept = []

    def square_of_sine(x):
        sine = Residual(np.sin(x))
        kept.append(weakref.ref(sine))
        return sine.value**2, sine

    fused = primitive(
        joint=lambda g, sine, x: (2 * g * sine.value * np.cos(x),), residuals=True, reference=lambda x: np.sin(x) ** 2
    )(square_of_sine)
    assert fused(np.float64(2.0)) == np.sin(2.0) ** 2
    x = Tensor(2.0, requires_grad=True)
    y = fused(x)
    assert kept[-1]() is not None
    y.backward()
    assert float(x.grad) == pytest.approx(np.sin(4.0), rel=1e-14)
    assert [reference() for reference in kept] == [None, None]
    check_grads(fused, 2.0, order=2)


class Residual:
    def __init__(self, value):
        self.value = value


def test_residuals_need_a_reference_for_higher_orders():
    with pytest.raises(TypeError, match="residuals= goes with a joint rule and a reference"):
        primitive(joint=lambda g, kept, x: (g,), residuals=True)(lambda x: (x, x))


# -- backward to some of the leaves


def network():
    """Three weights and a scalar that depends on them all, on one by two ways."""
    x = backend.to_device(np.arange(6.0).reshape(2, 3) / 5)
    first = leaf(backend.to_device(np.linspace(-1, 1, 12).reshape(3, 4)))
    second = leaf(backend.to_device(np.linspace(1, 2, 4).reshape(4, 1)))
    shift = leaf(backend.to_device(np.ones(4)))
    return [first, second, shift], np.sum((np.tanh(x @ first + shift) @ second) ** 2) + np.sum(shift * shift)


@pytest.mark.parametrize("wanted", [(0,), (1,), (2,), (0, 2), (2, 1), (0, 1, 2), (1, 1)])
def test_backward_to_some_leaves_is_grad_by_them_and_leaves_the_others(wanted):
    leaves, y = network()
    inputs = [leaves[i] for i in wanted]
    expected = grad(y, inputs, retain_graph=True)
    y.backward(inputs=inputs)
    for t, g in zip(inputs, expected, strict=True):
        np.testing.assert_array_equal(backend.to_numpy(t.grad), backend.to_numpy(g.data))
    assert [t.grad is None for t in leaves] == [i not in wanted for i in range(3)]


def test_backward_to_some_leaves_adds_to_the_gradient_that_is_there():
    """In place, as without `inputs`; a leaf named twice gets it once."""
    x, z = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    np.sum(x * z).backward()
    first = x.grad
    np.sum(x * x * z).backward(inputs=iter([x, x]))
    np.testing.assert_array_equal(backend.to_numpy(x.grad), [3 + 6, 4 + 16])
    np.testing.assert_array_equal(backend.to_numpy(z.grad), [1, 2])
    assert x.grad is first


def test_backward_to_some_leaves_computes_only_what_lies_between():
    """The derivatives on the way to another leaf are not asked for."""
    calls = []
    noted = primitive(lambda g, y, a: calls.append("asked") or g)(lambda a: 1 * a)
    x, z = leaf(2.0), leaf(3.0)
    (x * noted(z * z)).backward(inputs=[x])
    assert (x.grad, z.grad, calls) == (9, None, [])


def test_a_leaf_that_the_output_does_not_depend_on_gets_nothing():
    x, unused = leaf(2.0), leaf(1.0)
    (x * x).backward(inputs=[unused, x])
    assert (x.grad, unused.grad) == (4, None)
    (x * x).backward(inputs=[unused])
    assert (x.grad, unused.grad) == (4, None)
    (x * x).backward(inputs=[])
    assert x.grad == 4


def test_an_output_that_is_a_leaf_gets_its_gradient_if_it_is_among_them():
    x, other = leaf(2.0), leaf(3.0)
    x.backward(inputs=[other])
    assert (x.grad, other.grad) == (None, None)
    x.backward(inputs=[other, x])
    assert (x.grad, other.grad) == (1, None)


def test_backward_to_what_is_no_leaf_is_refused_before_anything_moves():
    x, constant = leaf(2.0), Tensor(1.0)
    middle = x * x
    y = middle * constant
    for i, inputs in ((1, [x, middle]), (0, [constant, x]), (2, [x, x, y])):
        with pytest.raises(ValueError, match=f"input {i} is not a leaf that requires a gradient; grad\\(\\) diff"):
            y.backward(inputs=inputs)
    assert x.grad is None
    y.backward(inputs=[x])
    assert x.grad == 4


def test_backward_to_some_leaves_frees_the_graph_unless_it_is_retained():
    x, z = leaf(2.0), leaf(3.0)
    y = x * x * z
    y.backward(inputs=[x], retain_graph=True)
    y.backward(inputs=[z])
    assert (x.grad, z.grad) == (12, 4)
    with pytest.raises(RuntimeError, match=r"already differentiated.*retain_graph=True"):
        y.backward(inputs=[x])


def test_backward_to_some_leaves_takes_a_gradient_of_the_output():
    x, z = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    (x * z).backward(backend.asarray([10.0, 100.0]), inputs=[z])
    np.testing.assert_array_equal(backend.to_numpy(z.grad), [10, 200])
    assert x.grad is None
