"""Every public name of the engine and of the models says what it is."""

import ast
import importlib
import inspect
import re
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


# -- what a reader of one docstring alone is told


PACKAGES = ("autograd", "minigen")
every_package = pytest.mark.parametrize("package", PACKAGES)
Offenders = dict[str, list[str]]


def documented(package: str) -> list[tuple[str, ast.FunctionDef | ast.ClassDef, ast.ClassDef | None]]:
    """Every public function, class and method that has a docstring: its name, its node and the class it is in."""
    found: list = []
    for path in sorted((ROOT / package).rglob("*.py")):
        for node in filter(is_public, ast.parse(path.read_text()).body):
            found.append((f"{module_of(path)}.{node.name}", node, None))
            for method in filter(is_public, node.body if isinstance(node, ast.ClassDef) else []):
                found.append((f"{module_of(path)}.{node.name}.{method.name}", method, node))
    return [(name, node, of_class) for name, node, of_class in found if ast.get_docstring(node)]


def parameters_of(function: ast.FunctionDef) -> list[str]:
    """Without self, cls, *args, **kwargs, names with an underscore, and `rng`, which means the same everywhere."""
    given = function.args
    names = [p.arg for p in (*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg) if p]
    return [name for name in names if name not in ("self", "cls", "args", "kwargs", "rng") and not name.startswith("_")]


def mirrors(function: ast.FunctionDef) -> bool:
    """True if `@implements(...)` puts it in place of NumPy's or SciPy's function, which documents the parameters."""
    calls = [d for d in function.decorator_list if isinstance(d, ast.Call)]
    return any(isinstance(call.func, ast.Name) and call.func.id == "implements" for call in calls)


def is_named(name: str, text: str) -> bool:
    """As a word. The name `a` counts where it cannot be the article: a letter after a space would follow that."""
    return re.search(rf"(?<!\w){name}(?!\w)" + (r"(?! [a-z])" if name == "a" else ""), text) is not None


def unnamed(names: list[str], *nodes: ast.FunctionDef | ast.ClassDef | None) -> list[str]:
    """The names that do not occur in the nodes' docstrings."""
    text = "\n".join(ast.get_docstring(node) or "" for node in nodes if node)
    return [name for name in names if not is_named(name, text)]


def unnamed_parameters(package: str) -> Offenders:
    """Of functions and methods, in their own docstring or that of their class."""
    missing = {}
    for name, node, of_class in documented(package):
        if isinstance(node, ast.FunctionDef) and not mirrors(node):
            missing[name] = unnamed(parameters_of(node), node, of_class)
    return {name: parameters for name, parameters in missing.items() if parameters}


def unnamed_fields(package: str) -> Offenders:
    """Of classes, in their own docstring: annotated attributes and the parameters of `__init__`."""
    missing = {}
    for name, node, _ in documented(package):
        if isinstance(node, ast.ClassDef):
            fields = [f.target.id for f in node.body if isinstance(f, ast.AnnAssign) and isinstance(f.target, ast.Name)]
            for method in node.body:
                if isinstance(method, ast.FunctionDef) and method.name == "__init__":
                    fields += parameters_of(method)
            missing[name] = unnamed([field for field in fields if not field.startswith("_")], node)
    return {name: fields for name, fields in missing.items() if fields}


def own_statements(function: ast.FunctionDef) -> list[ast.AST]:
    """All nodes of its body, without the functions and classes inside."""
    found: list[ast.AST] = []
    to_visit: list[ast.AST] = [*function.body]
    while to_visit:
        node = to_visit.pop()
        if not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda):
            found.append(node)
            to_visit += ast.iter_child_nodes(node)
    return found


def raised_by(function: ast.FunctionDef) -> list[str]:
    """The exceptions that its own body raises by name: `raise X(...)` and `raise module.X(...)`."""
    calls = [node.exc for node in own_statements(function) if isinstance(node, ast.Raise)]
    targets = [ast.unparse(call.func).split(".")[-1] for call in calls if isinstance(call, ast.Call)]
    return sorted({name for name in targets if name[:1].isupper()})


def unnamed_exceptions(package: str) -> Offenders:
    """Of functions and methods, in their own docstring."""
    functions = {name: node for name, node, _ in documented(package) if isinstance(node, ast.FunctionDef)}
    missing = {name: unnamed(raised_by(function), function) for name, function in functions.items()}
    return {name: exceptions for name, exceptions in missing.items() if exceptions}


@every_package
def test_every_parameter_is_named_in_its_docstring(package):
    """Or in its class's. Functions in the place of NumPy's or SciPy's have their parameters documented there."""
    assert unnamed_parameters(package) == {}


@every_package
def test_every_public_field_is_named_in_its_class_s_docstring(package):
    assert unnamed_fields(package) == {}


@every_package
def test_every_exception_that_is_raised_is_named_in_the_docstring(package):
    assert unnamed_exceptions(package) == {}


def test_the_rules_for_docstrings_find_what_breaks_them(tmp_path, monkeypatch):
    """Each of them, in a package made for it; a function that obeys them all is not found."""
    (tmp_path / "example").mkdir()
    (tmp_path / "example" / "module.py").write_text('''
def wrong(a, b, *args):
    """Return a number from b."""
    raise linalg.LinAlgError("no number")

def right(a, b, *rows, _c=0):
    """Return `a` + b + Σ rows. Raises LinAlgError."""
    def inside():
        raise ValueError
    raise linalg.LinAlgError("no number")

class Thing:
    """A thing.  size: how large it is."""
    size: int
    color: str
    def __init__(self, weight): ...
''')
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    assert unnamed_parameters("example") == {"example.module.wrong": ["a"]}
    assert unnamed_exceptions("example") == {"example.module.wrong": ["LinAlgError"]}
    assert unnamed_fields("example") == {"example.module.Thing": ["color", "weight"]}
