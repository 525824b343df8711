"""The recorded graph as a picture: boxes are operations, ellipses are leaves, arrows point the way of computation."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from autograd.engine import graph_behind
from autograd.table import name_of
from autograd.tensor import Tensor


def draw(tensor: Tensor, path: str | Path | None = None) -> str:
    """Return the graph of operations behind `tensor`, as text in the DOT language. Write it to `path` if that is given.

    It shows only Tensors that require a gradient. path: a file whose name ends in .dot or .gv gets the text. Any other,
    such as .svg or .png, gets a picture made by the program `dot` of graphviz. Raises RuntimeError if that program is
    not installed.
    """
    lines = ["digraph {", "  rankdir=LR", '  node [fontname="sans-serif"]']
    for t in graph_behind([tensor]):
        label = f"{name_of(t.call.function) if t.call else 'leaf'}\\n{t.shape} {t.dtype}"
        lines.append(f'  t{t.order} [label="{label}", shape={"box" if t.call else "ellipse"}]')
        if t.call:
            lines += [f"  t{t.call.args[i].order} -> t{t.order}" for i in t.call.needs]
    text = "\n".join([*lines, "}"]) + "\n"
    if path is not None:
        _write(text, Path(path))
    return text


def _write(text: str, path: Path) -> None:
    if path.suffix in (".dot", ".gv"):
        path.write_text(text, encoding="utf-8")
        return
    program = shutil.which("dot")
    if program is None:
        raise RuntimeError(
            f"a picture such as {path.name} needs graphviz's program `dot`, which is not installed; "
            f"write {path.with_suffix('.dot').name} instead"
        )
    subprocess.run([program, f"-T{path.suffix[1:]}", "-o", str(path)], input=text, text=True, check=True)
