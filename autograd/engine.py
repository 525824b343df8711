"""The chain rule: walk the recorded graph from the outputs back to the inputs, multiplying and adding.

A tensor that a recorded call made points at that `Call`, and the call at its arguments: the graph points at parents
only. There is no reference cycle, so a graph that nobody needs any longer is freed at once.

For y = f(a, b, …) and loss L the walk holds g = ∂L/∂y and adds  (∂y/∂a)ᵀ g  to ∂L/∂a  for each argument. Tensors are
visited in reverse order of creation, so g is complete when it is used: everything made from y was made after y.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import numpy as np

from autograd.table import Rule, name_of

RELEASED = object()
"""`tensor.call` after a backward pass freed the `Call`."""

BROKEN_OFF = (
    "The backward pass stopped here. Part of the graph was freed: compute the output anew before the next pass."
)
GRADIENTS_TOO = " Some .grad contain gradients of this pass, others do not: set them all to None, or to zero."


@dataclass(slots=True, eq=False)
class Call:
    """One recorded call y = function(*args, **kwargs), with everything that its derivative needs.

    function, kwargs: as called.
    rule: how to differentiate the function.
    args: the arguments as they were given: Tensors, arrays, numbers.
    values: the same arguments with the array of each Tensor in its place.
    needs: the positions in `args` of the Tensors that require a gradient.
    residuals: results that the function kept for its joint rule; None for a rule that takes no residuals.
    watch: the `autograd.faults.Watch` of a call inside `detect_anomaly()`, else None.
    """

    function: Callable
    rule: Rule
    args: Sequence
    values: list
    kwargs: dict
    needs: list[int]
    residuals: Any
    watch: Any = None

    def gradients(self, g: Any, y: Any, positions: Sequence[int], create_graph: bool) -> Iterator[tuple[Any, Any]]:
        """Pairs (a, (∂y/∂a)ᵀ g) for the arguments a at `positions`: this call's part of ∂L/∂a, for a loss L.

        g: ∂L/∂y, an array, or a Tensor with `create_graph`.
        y: the Tensor that the call made.
        positions: which of `args`, counted from 0.
        create_graph: record the gradients as Tensors that can be differentiated again; otherwise they are arrays.
        """
        rule, kwargs = self.rule, self.kwargs
        if self.watch:
            self.watch.before(self, y)
        if create_graph and rule.reference:
            # Each argument as a Tensor of its own: two may be one Tensor, or one may be made from another.
            apart = {i: np.positive(self.args[i]) for i in positions}
            again = rule.reference(*(apart.get(i, arg) for i, arg in enumerate(self.args)), **kwargs)
            found = differentiate([again], [g], list(apart.values()), create_graph=True)
            yield from ((self.args[i], part) for i, part in zip(positions, found, strict=True))
            return
        args, y = (self.args, y) if create_graph else (self.values, y.data)
        kept = self.residuals if rule.residuals else y
        together = rule.joint(g, kept, *args, **kwargs) if rule.joint else None
        for i in positions:
            contribution = together[i] if together else rule.vjps[i](g, y, *args, **kwargs)
            value = self.values[i]
            if contribution is None or contribution.dtype is not value.dtype or contribution.shape != value.shape:
                contribution = self._fit(contribution, i)
            if self.watch:
                self.watch.after(self, g, i, contribution)
            yield self.args[i], contribution

    def _fit(self, contribution: Any, i: int) -> Any:
        """`contribution` in the shape and dtype of argument i: the transpose of broadcasting and of casting.

        Raises ValueError if the shapes differ and the function does not broadcast.
        """
        value = self.values[i]
        if contribution is None:
            raise no_derivative(self.function, [i])
        if contribution.shape != value.shape:
            if not self.rule.broadcasts:
                raise ValueError(
                    f"the rule of {name_of(self.function)} for argument {i} returned a gradient of shape "
                    f"{contribution.shape}; the argument has shape {value.shape}, and its gradient must have the same"
                )
            contribution = unbroadcast(contribution, value.shape)
        return contribution if contribution.dtype == value.dtype else contribution.astype(value.dtype)


def no_derivative(function: Callable, positions: Iterable[int]) -> TypeError:
    """Return the TypeError that says: `function` has no derivative by its arguments at `positions` (counted from 0)."""
    where = " and ".join(str(i) for i in positions)
    return TypeError(
        f"{name_of(function)} has no derivative with respect to argument {where} (from 0); pass t.detach() there"
    )


def unbroadcast(g: Any, shape: tuple[int, ...]) -> Any:
    """Sum `g` over the axes along which an array of `shape` was stretched to g's shape: broadcasting transposed."""
    new = g.ndim - len(shape)
    stretched = tuple(new + i for i, n in enumerate(shape) if n == 1 and g.shape[new + i] != 1)
    return g.sum(axis=tuple(range(new)) + stretched).reshape(shape)


def graph_behind(outputs: Iterable, oldest: int = -1) -> list:
    """List the outputs and the tensors that require a gradient from which they were computed, oldest first.

    oldest: an `order`, the running number that each Tensor gets when it is made. The search does not go on behind a
    tensor whose order is this or lower.
    """
    found = set(outputs)
    to_visit = list(found)
    while to_visit:  # a stack of our own: a graph may be deeper than Python may recurse
        tensor = to_visit.pop()
        call = tensor.call
        if call is None or call is RELEASED or tensor.order <= oldest:
            continue
        for i in call.needs:
            parent = call.args[i]
            if parent not in found:
                found.add(parent)
                to_visit.append(parent)
    return sorted(found, key=attrgetter("order"))


def made_from(inputs: Iterable, graph: list) -> set:
    """The set of the inputs and of all tensors in `graph` that were computed from one of the inputs.

    graph: tensors, oldest first, as `graph_behind` returns them.
    """
    found = set(inputs)
    for tensor in graph:
        call = tensor.call
        if call is not None and call is not RELEASED and any(call.args[i] in found for i in call.needs):
            found.add(tensor)
    return found


def refuse_if_released(graph: Iterable) -> None:
    """Raise RuntimeError if an earlier backward pass freed the call of a tensor in `graph`."""
    if any(tensor.call is RELEASED for tensor in graph):
        raise RuntimeError(
            "this graph was already differentiated and its intermediate results were freed: call backward() or grad() "
            "with retain_graph=True the first time, or compute the output again (also after an error stopped the pass)"
        )


def graph_between(inputs: Sequence, outputs: Iterable, allow_unused: bool) -> tuple[list, set]:
    """The part of the graph behind `outputs` that a walk back to `inputs` visits.

    Returns the list of the outputs and the tensors made after the oldest input, with their direct parents, oldest
    first; and the set of the inputs and of the tensors in this list that were computed from one of them. Raises
    ValueError if there is an input that no output depends on, unless `allow_unused`; RuntimeError if an earlier pass
    freed a needed part.
    """
    wanted, oldest = set(inputs), min((t.order for t in inputs), default=-1)
    graph = graph_behind(outputs, oldest)
    refuse_if_released(t for t in graph if t.order > oldest and t not in wanted)  # others lead to no input
    missing = wanted - set(graph)
    if missing and not allow_unused:
        i = next(i for i, t in enumerate(inputs) if t in missing)
        raise ValueError(f"no output depends on input {i}; leave it out, or look for a detach() on the way")
    return graph, made_from(wanted, graph)


def differentiate(
    outputs: Sequence,
    seeds: Sequence,
    inputs: Sequence | None = None,
    create_graph: bool = False,
    retain_graph: bool = False,
    allow_unused: bool = False,
    accumulate: bool = False,
) -> list:
    """Vector-Jacobian product: the gradients of Σ ⟨seed, output⟩ with respect to the inputs, in one walk back.

    outputs: Tensors.
    seeds: ∂loss/∂output for each output: arrays without `create_graph`, Tensors with it.
    inputs: Tensors. Returns a list of their gradients; only the calls between inputs and outputs are visited. None:
        adds to `.grad` of every leaf that requires a gradient, and returns an empty list. A returned array may be in
        use elsewhere, so copy it.
    create_graph: return gradients as Tensors that can be differentiated again, and keep the graph. Otherwise they are
        arrays.
    retain_graph: keep the graph. Otherwise it is freed on the way.
    allow_unused: an input that no output depends on has the gradient None. Otherwise it raises ValueError.
    accumulate: add the gradients to `.grad` of `inputs`, which are leaves. The returned list is then of no use.

    Raises RuntimeError if an earlier pass freed a part of the graph that is needed.
    """
    if inputs is None:
        graph, needed, results, accumulate = graph_behind(outputs), None, {}, True
        refuse_if_released(graph)
    else:
        graph, needed = graph_between(inputs, outputs, allow_unused)
        results = dict.fromkeys(inputs)
    pending: dict[Any, Any] = {}  # tensor → ∂L/∂tensor so far
    owned = set()  # the tensors whose pending array was made here: it may be added to in place

    def add(tensor: Any, contribution: Any) -> None:
        if tensor in owned:
            pending[tensor] += contribution
        else:
            pending[tensor] = pending[tensor] + contribution
            if not create_graph:
                owned.add(tensor)

    for output, seed in zip(outputs, seeds, strict=True):
        pending[output] = pending[output] + seed if output in pending else seed
    try:
        while graph:
            tensor = graph.pop()  # frees the result, if nobody else refers to it
            g = pending.pop(tensor, None)
            if g is None:
                continue
            if tensor in results:
                results[tensor] = g
            call = tensor.call
            if call is None:
                if accumulate and (needed is None or tensor in results):
                    tensor.accumulate(g)
                continue
            if needed is None:
                positions = call.needs
            else:
                positions = [] if call is RELEASED else [i for i in call.needs if call.args[i] in needed]
            if not positions:
                continue
            for parent, contribution in call.gradients(g, tensor, positions, create_graph):
                if parent.call is None and accumulate:
                    parent.accumulate(contribution)  # at once: its memory, still in the cache, serves the next one
                elif parent in pending:
                    add(parent, contribution)
                else:
                    pending[parent] = contribution
            if not (retain_graph or create_graph):
                tensor.call = RELEASED
    except BaseException as error:
        error.add_note(BROKEN_OFF + (GRADIENTS_TOO if accumulate else ""))
        raise
    return [results[t] for t in inputs or ()]
