"""Every public name of the engine and of the models says what it is."""

import ast
import importlib
import inspect
from pathlib import Path

import numpy as np
import pytest

from autograd import Tensor

ROOT = Path(__file__).parents[1]
FILES = sorted(path for package in ("autograd", "minigen") for path in (ROOT / package).rglob("*.py"))


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def is_public(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")


def explained(of_class: type, name: str) -> bool:
    """Whether a method without a docstring inherits one, or is a member of `Tensor` that an ndarray has too: that one
    means what NumPy says it means."""
    return bool(inspect.getdoc(getattr(of_class, name))) or (of_class is Tensor and hasattr(np.ndarray, name))


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_every_public_name_has_a_docstring(path):
    """Modules, classes, functions and methods; lambdas have no name, names with an underscore are nobody's business.
    What a dataclass or a named tuple writes for itself does not count: the source is read."""
    tree = ast.parse(path.read_text())
    module = importlib.import_module(module_of(path))
    missing = [] if ast.get_docstring(tree) else ["the module"]
    for node in filter(is_public, tree.body):
        if not ast.get_docstring(node):
            missing.append(node.name)
        for method in filter(is_public, node.body if isinstance(node, ast.ClassDef) else []):
            if not ast.get_docstring(method) and not explained(getattr(module, node.name), method.name):
                missing.append(f"{node.name}.{method.name}")
    assert missing == []
