"""Drawings of a graph: text in the DOT language, and a picture, which is read back as boxes and arrows."""

import functools
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd import Tensor, draw, primitive
from autograd.draw import MOST
from autograd.engine import graph_behind

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def x():
    return Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)


# -- reading a picture


@dataclass
class Box:
    """An outline and its texts, in pixels."""

    left: float
    right: float
    top: float
    bottom: float
    is_leaf: bool
    texts: list[str]

    def overlaps(self, other):
        beside = self.right < other.left or other.right < self.left
        return not beside and not (self.bottom < other.top or other.bottom < self.top)


def numbers(element, *names):
    return [float(element.get(name)) for name in names]


def boxes_of(svg):
    """The boxes of a picture in the order of the Tensors, oldest first."""
    boxes = []
    for element in ElementTree.fromstring(svg).iter():
        if element.tag == SVG + "rect":
            x, y, width, height = numbers(element, "x", "y", "width", "height")
            boxes.append(Box(x, x + width, y, y + height, False, []))
        elif element.tag == SVG + "ellipse":
            x, y, rx, ry = numbers(element, "cx", "cy", "rx", "ry")
            boxes.append(Box(x - rx, x + rx, y - ry, y + ry, True, []))
        elif element.tag == SVG + "text":
            boxes[-1].texts.append(element.text)
    return boxes


def arrows_of(svg):
    """The arrows of a picture: each is a list of points, where it starts, passes and ends."""
    arrows = []
    for element in ElementTree.fromstring(svg).iter(SVG + "path"):
        path, head, _ = element.get("d").partition(" m-6,-3 l6,3 l-6,3")
        assert head
        points = []
        for kind, words in re.findall(r"([MCH])([^MCH]+)", path):
            values = [float(word) for word in re.split("[ ,]", words.strip())]
            points.append((values[0], points[-1][1]) if kind == "H" else tuple(values[-2:]))
        arrows.append(points)
    return arrows


def at(boxes, point, side):
    """The number of the box on whose left or right side a point lies."""
    x, y = point
    found = [k for k, b in enumerate(boxes) if getattr(b, side) == x and b.top < y < b.bottom]
    assert len(found) == 1
    return found[0]


# -- any graph


@st.composite
def graphs(draw_from):
    """A Tensor made from up to 4 leaves by up to 15 operations of 1 to 4 arguments, with one argument twice or more."""
    tensors = [Tensor(np.ones(2), requires_grad=True) for _ in range(draw_from(st.integers(1, 4)))]
    for _ in range(draw_from(st.integers(0, 15))):
        chosen = draw_from(st.lists(st.sampled_from(range(len(tensors))), min_size=1, max_size=4))
        tensors.append(joined(*(tensors[i] for i in chosen)))
    return tensors[-1]


@primitive(joint=lambda g, y, *args: [g] * len(args))
def joined(*args):
    return functools.reduce(np.add, args) * 1.0


@given(graphs())
def test_a_picture_has_each_tensor_and_each_arrow_of_the_graph(y):
    """Read back from the places of boxes and arrows alone."""
    graph = graph_behind([y])
    svg = draw(y).svg
    boxes = boxes_of(svg)
    assert [box.texts[0] for box in boxes] == ["joined" if t.call else "leaf" for t in graph]
    assert [box.texts[1] for box in boxes] == [f"{t.shape} {t.dtype}" for t in graph]
    assert [box.is_leaf for box in boxes] == [t.call is None for t in graph]
    number = {id(t): k for k, t in enumerate(graph)}
    expected = [(number[id(t.call.args[i])], k) for k, t in enumerate(graph) if t.call for i in t.call.needs]
    assert [(at(boxes, a[0], "right"), at(boxes, a[-1], "left")) for a in arrows_of(svg)] == expected


@given(graphs())
def test_no_boxes_overlap_and_arrows_run_to_the_right_beside_the_boxes(y):
    svg = draw(y).svg
    boxes, arrows = boxes_of(svg), arrows_of(svg)
    assert not [pair for pair in combinations(boxes, 2) if pair[0].overlaps(pair[1])]
    for points in arrows:
        assert all(a[0] < b[0] for a, b in pairwise(points))
        for (left, y0), (right, y1) in pairwise(points):
            if y0 == y1 and any(box.left == left for box in boxes):  # along a column
                crossed = Box(left, right, y0, y1, False, [])
                assert not any(box.overlaps(crossed) for box in boxes)
            else:  # between two columns
                assert not any(left < box.right and box.left < right for box in boxes)
    width, height = numbers(ElementTree.fromstring(svg), "width", "height")
    assert all(0 < box.left < box.right < width and 0 < box.top < box.bottom < height for box in boxes)


def test_arguments_stand_and_their_arrows_arrive_in_order(x):
    """Also where the order of the arguments is not the order in which they were made, or one comes twice."""
    a, b = (Tensor(np.ones((2, 2)), requires_grad=True) for _ in range(2))
    svg = draw(joined(b, a, x, a)).svg
    assert [arrow[-1][1] for arrow in arrows_of(svg)] == sorted({arrow[-1][1] for arrow in arrows_of(svg)})
    of_x, of_a, of_b, _ = (box.top for box in boxes_of(svg))
    assert of_b < of_a < of_x


def test_two_operations_are_as_far_above_as_below_the_one_that_they_lead_to(x):
    tops = {box.texts[0]: box.top for box in boxes_of(draw(joined(np.exp(x), np.tanh(x))).svg)}
    assert tops["np.exp"] < tops["joined"] < tops["np.tanh"]
    assert tops["np.exp"] + tops["np.tanh"] == 2 * tops["joined"]


def test_the_arrow_of_an_only_argument_arrives_in_the_middle(x):
    svg = draw(np.exp(x)).svg
    (arrow,), box = arrows_of(svg), boxes_of(svg)[-1]
    assert arrow[-1][1] == (box.top + box.bottom) / 2


def test_an_arrow_that_passes_many_columns_is_straight(x):
    skip = max(arrows_of(draw(np.tanh(np.tanh(np.tanh(x))) + x).svg), key=len)
    assert len(skip) == 2 + 2 * 3
    assert len({y for _, y in skip[1:-1]}) == 1


def test_chains_beside_one_another_are_straight(x):
    leaf = Tensor(np.ones((2, 2)), requires_grad=True)
    boxes = boxes_of(draw(joined(np.exp(-x), leaf, np.exp(-(x * 1.0)))).svg)
    tops = {name: [box.top for box in boxes if box.texts[0] == name] for name in ("np.negative", "np.exp")}
    assert tops["np.negative"] == tops["np.exp"] == sorted({*tops["np.exp"]})
    assert len(tops["np.exp"]) == 2


def test_a_chain_of_operations_is_straight_and_each_leaf_stands_before_its_operation(x):
    h, W, b = x, *(Tensor(np.ones((2, 2)), requires_grad=True) for _ in range(2))
    y = np.sum(np.tanh(h @ W) * b)
    boxes = boxes_of(draw(y).svg)
    assert len({box.top for box in boxes if not box.is_leaf}) == 1
    by_left = sorted({box.left for box in boxes})
    columns = [by_left.index(box.left) for box in boxes]
    assert columns == [0, 0, 2, 1, 2, 3, 4]  # h, W, b, matmul, tanh, multiply, sum


def test_texts_fit_into_their_boxes(x):
    """A letter of the font is 0.6 · 11 pixels wide. The lower line of an ellipse ends 13 pixels below its middle."""
    boxes = boxes_of(draw(np.sum(np.linalg.inv(x) @ x)).svg)
    assert {box.texts[0] for box in boxes} == {"leaf", "np.linalg.inv", "np.matmul", "np.sum"}
    for box in boxes:
        there = (box.right - box.left) * (np.sqrt(1 - (13 / 19) ** 2) if box.is_leaf else 1)
        assert 6.6 * max(map(len, box.texts)) < there


def test_a_name_with_signs_of_xml_or_dot_is_written_as_it_is(x):
    class Odd:
        __name__ = '<a & "b">\\'

        def __call__(self, t):
            return t * 1.0

    y = primitive(lambda g, y, t: g)(Odd())(x)
    drawing = draw(y)
    assert boxes_of(drawing.svg)[1].texts[0] == '<a & "b">\\'
    assert r'[label="<a & \"b\">\\\n(2, 2) float64", shape=box]' in drawing.dot


# -- text, files, limits


def test_the_text_names_every_operation_and_leaf(x):
    y = np.sum(np.exp(x) @ x)
    text = str(draw(y))
    for label in ("np.exp", "np.matmul", "np.sum", "leaf", "(2, 2) float64"):
        assert label in text
    assert text.count("->") == 1 + 2 + 1
    assert text.count("ellipse") == 1
    assert repr(draw(y)) == "<Drawing: 4 Tensors>"


def test_a_file_has_the_format_of_its_name_without_graphviz(x, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    for name in ("graph.dot", "graph.gv", "graph.svg"):
        drawing = draw(x * 2, tmp_path / name)
        text = drawing.svg if name == "graph.svg" else drawing.dot
        assert (tmp_path / name).read_text(encoding="utf-8") == text
    assert drawing._repr_svg_() == drawing.svg
    with pytest.raises(RuntimeError, match=r"graph\.png needs graphviz's program `dot`.*write graph\.svg instead"):
        draw(x * 2, tmp_path / "graph.png")


@pytest.mark.skipif(os.name != "posix", reason="the program is a script of a shell")
def test_other_formats_are_asked_of_the_program_dot(x, tmp_path, monkeypatch):
    """One that writes the text of the graph into the file."""
    program = tmp_path / "dot"
    program.write_text('#!/bin/sh\n[ "$1 $2" = "-Tpng -o" ] && /bin/cat > "$3"\n')
    program.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    drawing = draw(x * 2, tmp_path / "graph.png")
    assert (tmp_path / "graph.png").read_text(encoding="utf-8") == drawing.dot
    program.write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(subprocess.CalledProcessError):
        drawing.save(tmp_path / "graph.pdf")


@pytest.mark.skipif(shutil.which("dot") is None, reason="graphviz is not installed")
def test_graphviz_makes_other_pictures(x, tmp_path):
    draw(x * 2, tmp_path / "graph.png")
    assert (tmp_path / "graph.png").read_bytes().startswith(b"\x89PNG")


def test_a_leaf_alone_is_a_drawing(x):
    assert [box.texts for box in boxes_of(draw(x).svg)] == [["leaf", "(2, 2) float64"]]


def test_a_graph_too_large_for_a_picture_is_text_alone(x, tmp_path):
    """The text has any depth: far more operations than Python may recurse."""
    y = x
    for _ in range(MOST - 1):
        y = -y
    assert len(boxes_of(draw(y)._repr_svg_())) == MOST
    for _ in range(5000):
        y = -y
    drawing = draw(y)
    assert drawing._repr_svg_() is None
    assert repr(drawing) == "<Drawing: 5300 Tensors, too many for a picture; print(…) shows the text>"
    assert str(drawing).count("->") == 5299
    with pytest.raises(ValueError, match=r"the graph has 5300 Tensors, an \.svg at most 300: write a \.dot file"):
        draw(y, tmp_path / "graph.svg")


def test_a_graph_that_a_backward_pass_freed_is_refused_with_the_cure(x):
    y = np.sum(x * x)
    y.backward()
    with pytest.raises(RuntimeError, match=r"already differentiated.*compute the output again"):
        draw(y)
