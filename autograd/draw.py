"""The recorded graph as a picture: boxes are operations, ellipses are leaves, arrows point the way of computation.

The picture is an SVG, drawn in columns. In the last column is the output; a Tensor whose longest way to the output has
c arrows is c columns before it. An arrow that passes a column has a place of its own there, so it crosses no box.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from html import escape
from pathlib import Path

from autograd.engine import graph_behind, refuse_if_released
from autograd.table import name_of
from autograd.tensor import Tensor

MOST = 300
"""The largest number of Tensors in an SVG."""
HEIGHT, GAP, AISLE, LETTER = 38, 16, 44, 6.7
"""In pixels: the height of a box, the space between boxes of a column, between columns, and the width of a letter."""
TEXT = 'stroke="none" fill="#1f2a44" text-anchor="middle" font-family="monospace" font-size="11"'
LINES = 'stroke="#1f2a44" fill="white"'


def draw(tensor: Tensor, path: str | Path | None = None) -> Drawing:
    """Return the graph of operations behind `tensor` as a `Drawing`, which a notebook shows as a picture.

    It has only Tensors that require a gradient. print(draw(tensor)) prints it as text in the DOT language.
    path: the file to which the drawing is written, see `Drawing.save`. Raises RuntimeError if a backward pass has freed
    the graph, and as `Drawing.save` does.
    """
    graph = graph_behind([tensor])
    refuse_if_released(graph)
    number = {t: k for k, t in enumerate(graph)}
    drawing = Drawing([
        Node(name_of(t.call.function), f"{t.shape} {t.dtype}", [number[t.call.args[i]] for i in t.call.needs])
        if t.call
        else Node("leaf", f"{t.shape} {t.dtype}", [])
        for t in graph
    ])  # fmt: skip
    if path is not None:
        drawing.save(path)
    return drawing


@dataclass(frozen=True)
class Node:
    """A Tensor in a drawing.

    name: the operation that made the Tensor, or "leaf". facts: its shape and dtype.
    parents: the numbers of the Tensors from which the operation computed it, in the order of the arguments.
    """

    name: str
    facts: str
    parents: list[int]


@dataclass(frozen=True)
class Drawing:
    """The graph behind a Tensor, for people to look at: a picture (`svg`) or text in the DOT language (`dot`).

    nodes: the Tensors, oldest first: parents come before what was computed from them, and the output is the last.
    """

    nodes: list[Node]

    def __repr__(self) -> str:
        hint = ", too many for a picture; print(…) shows the text" if len(self.nodes) > MOST else ""
        return f"<Drawing: {len(self.nodes)} Tensors{hint}>"

    def __str__(self) -> str:
        return self.dot

    @property
    def dot(self) -> str:
        """The graph as text in the DOT language."""
        lines = ["digraph {", "  rankdir=LR", '  node [fontname="sans-serif"]']
        for k, node in enumerate(self.nodes):
            name, facts = (text.replace("\\", r"\\").replace('"', r"\"") for text in (node.name, node.facts))
            lines.append(f'  t{k} [label="{name}\\n{facts}", shape={"box" if node.parents else "ellipse"}]')
            lines += [f"  t{parent} -> t{k}" for parent in node.parents]
        return "\n".join([*lines, "}"]) + "\n"

    @property
    def svg(self) -> str:
        """The graph as a picture, the text of an SVG file. Raises ValueError for more than 300 (MOST) Tensors."""
        if len(self.nodes) > MOST:
            raise ValueError(f"the graph has {len(self.nodes)} Tensors, an .svg at most {MOST}: write a .dot file")
        return _Picture(self.nodes).svg()

    def _repr_svg_(self) -> str | None:
        """The picture, which a notebook shows; None for a graph that has too many Tensors."""
        return self.svg if len(self.nodes) <= MOST else None

    def save(self, path: str | Path) -> None:
        """Write the graph to a file in the format that the end of its name tells: .svg, .dot or .gv.

        path: the file. For any other format, such as .png or .pdf, graphviz's program `dot` makes the picture. Raises
        RuntimeError if that program is not installed, and ValueError for an .svg of more than 300 (MOST) Tensors.
        """
        path = Path(path)
        if path.suffix in (".svg", ".dot", ".gv"):
            path.write_text(self.svg if path.suffix == ".svg" else self.dot, encoding="utf-8")
            return
        program = shutil.which("dot")
        if program is None:
            raise RuntimeError(
                f"a picture such as {path.name} needs graphviz's program `dot`, which is not installed; "
                f"write {path.with_suffix('.svg').name} instead"
            )
        subprocess.run([program, f"-T{path.suffix[1:]}", "-o", str(path)], input=self.dot, text=True, check=True)


# -- the picture


class _Picture:
    """The places of the nodes and the text of the SVG file, all lengths in pixels.

    own, last: the columns of each node, see `_columns`. y: the heights, see `_heights`, counted from the top.
    left, right: the sides of each column.
    """

    def __init__(self, nodes: list[Node]):
        self.nodes = nodes
        self.own, last = _columns(nodes)
        heights = _heights(nodes, self.own, last)
        top = min(heights.values()) - HEIGHT
        self.y = {place: y - top for place, y in heights.items()}
        self.left, self.right, x = {}, {}, GAP
        for column in range(max(self.own), -1, -1):
            self.left[column] = x
            self.right[column] = x + max(_width(n) for n, own in zip(nodes, self.own, strict=True) if own == column)
            x = self.right[column] + AISLE

    def svg(self) -> str:
        """A box or an ellipse for each node, and an arrow for each of its parents."""
        size = f'width="{self.right[0] + GAP}" height="{max(self.y.values()) + HEIGHT:.0f}"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} style="background:white">'
        arrows = [self.arrow(k, i) for k, node in enumerate(self.nodes) for i in range(len(node.parents))]
        boxes = [self.box(k) for k in range(len(self.nodes))]
        return "\n".join([head, f"<g {LINES}>", *arrows, *boxes, "</g>", "</svg>"]) + "\n"

    def box(self, k: int) -> str:
        """Node k: two lines of text in an outline."""
        node, column, y = self.nodes[k], self.own[k], self.y[k, self.own[k]]
        left, width = self.left[column], self.right[column] - self.left[column]
        x = left + width / 2
        outline = (
            f'<rect x="{left}" y="{y - HEIGHT / 2:.1f}" width="{width}" height="{HEIGHT}" rx="3"/>'
            if node.parents
            else f'<ellipse cx="{x}" cy="{y:.1f}" rx="{width / 2}" ry="{HEIGHT / 2}" fill="#e8ecf4"/>'
        )
        name, facts = (f'<text x="{x}" y="{y + down:.1f}" {TEXT}>{escape(line)}</text>'
                       for down, line in ((-4, node.name), (11, node.facts)))  # fmt: skip
        return outline + name + facts

    def arrow(self, k: int, i: int) -> str:
        """From the right side of parent i of node k, through its place in each column between, to the node's left."""
        parents, own = self.nodes[k].parents, self.own[k]
        parent = parents[i]
        x, y = self.right[self.own[parent]], self.y[parent, self.own[parent]]
        path = f"M{x},{y:.1f}"
        for column in range(self.own[parent] - 1, own - 1, -1):
            passes, end = column > own, self.left[column]
            to = self.y[parent, column] if passes else self.y[k, own] + HEIGHT * ((i + 1) / (len(parents) + 1) - 1 / 2)
            bend = (x + end) / 2
            path += f" C{bend},{y:.1f} {bend},{to:.1f} {end},{to:.1f}"
            path += f" H{self.right[column]}" if passes else " m-6,-3 l6,3 l-6,3"
            x, y = self.right[column], to
        return f'<path d="{path}" fill="none"/>'


def _width(node: Node) -> int:
    """The width of a node's box in pixels; an ellipse is wider, because its text must not reach the curve."""
    return 14 + round(LETTER * max(len(node.name), len(node.facts)) * (1 if node.parents else 1.4))


def _columns(nodes: list[Node]) -> tuple[list[int], list[int]]:
    """Return two columns of each node, counted from the output back: its own, and the last one before an arrow ends.

    An arrow passes all columns from the second to the first; it passes none if the two are the same.
    """
    own, last = [0] * len(nodes), [len(nodes)] * len(nodes)
    for k in reversed(range(len(nodes))):
        for parent in nodes[k].parents:
            own[parent] = max(own[parent], own[k] + 1)
            last[parent] = min(last[parent], own[k] + 1)
    last[-1] = 0
    return own, last


def _heights(nodes: list[Node], own: list[int], last: list[int]) -> dict[tuple[int, int], float]:
    """Return the height y of each node, and of its arrows where they pass a column, by (number of the node, column).

    own, last: of `_columns`. Column by column, from the output back, each place is near the mean height of the places
    that it leads to; of two with the same mean, the first argument is higher. The operations of a column are on average
    at that height, so that a chain of operations is a straight line.
    """
    y: dict[tuple[int, int], float] = {}
    for column in range(max(own) + 1):
        here = [k for k in range(len(nodes)) if last[k] <= column <= own[k]]
        leads_to = {k: [y[k, column - 1]] if last[k] < column else [] for k in here}
        argument: dict[int, int] = {}
        for k, node in enumerate(nodes):
            for i, parent in enumerate(node.parents if own[k] == column - 1 else ()):
                leads_to[parent].append(y[k, column - 1])
                argument.setdefault(parent, i)
        wish = {k: sum(heights) / len(heights) if heights else 0.0 for k, heights in leads_to.items()}
        free = float("-inf")
        for k in sorted(here, key=lambda k: (wish[k], argument.get(k, 0))):
            half = (HEIGHT * (own[k] == column) + GAP) / 2
            y[k, column] = max(wish[k], free + half)
            free = y[k, column] + half
        straight = [k for k in here if nodes[k].parents] or here
        shift = sum(wish[k] - y[k, column] for k in straight) / len(straight)
        y.update({(k, column): y[k, column] + shift for k in here})
    return y
