"""How the project is laid out: imports run one way, and a foreign `autograd` is recognised."""

import ast
import configparser
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import minigen

ROOT = Path(__file__).parents[1]
LAYERS = ("autograd", "minigen", "demos")


def imported_packages(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add((node.module or "").split(".")[0])
    return names


@pytest.mark.parametrize("layer", LAYERS)
def test_imports_run_one_way(layer):
    """autograd → minigen → demos."""
    above = set(LAYERS[LAYERS.index(layer) + 1 :]) | {"tests", "benchmarks"}
    files = sorted((ROOT / layer).rglob("*.py"))
    assert files
    assert {str(f): imported_packages(f) & above for f in files if imported_packages(f) & above} == {}


def run_in(folder: Path, code: str, packages: Path) -> subprocess.CompletedProcess:
    """Run code in a folder, as a notebook does, with the packages of another folder behind it on Python's path."""
    code = f"import sys; sys.path[1:1] = [{str(packages)!r}]; {code}"
    return subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def hips(tmp_path):
    """A folder of packages with a foreign autograd, and the folder of a clone."""
    (tmp_path / "packages" / "autograd").mkdir(parents=True)
    (tmp_path / "packages" / "autograd" / "__init__.py").write_text("")
    (tmp_path / "clone").mkdir()
    for layer in LAYERS:
        (tmp_path / "clone" / layer).symlink_to(ROOT / layer)
    return tmp_path / "packages", tmp_path / "clone"


def test_a_foreign_autograd_is_named_with_the_cure(hips):
    """Here minigen is installed, and the other package is found first."""
    packages, _ = hips
    (packages / "minigen").symlink_to(ROOT / "minigen")
    run = run_in(packages, "import minigen", packages)
    assert run.returncode == 1
    assert f"Python found another one, {packages / 'autograd' / '__init__.py'}" in run.stderr
    assert "make a fresh environment (python3 -m venv .venv)" in run.stderr
    assert f"restart the session, install nothing, and begin with %cd {packages}" in run.stderr


def test_in_the_folder_of_the_clone_a_foreign_autograd_does_not_matter(hips):
    packages, clone = hips
    run = run_in(clone, "import minigen, autograd; print(autograd.__file__, autograd.IS_MINIGEN_ENGINE)", packages)
    assert run.stdout == f"{clone / 'autograd' / '__init__.py'} True\n"


def test_a_foreign_autograd_that_was_imported_before_is_told_as_such(hips):
    packages, clone = hips
    run = run_in(packages, f"import os, autograd; os.chdir({str(clone)!r}); import minigen", packages)
    assert run.returncode == 1
    assert "this session has imported another one" in run.stderr
    assert f"%cd {clone}" in run.stderr


def test_a_clone_called_minigen_does_not_hide_the_package_in_the_folder_above(tmp_path):
    """Installed by `pip install -e .`, whose line on Python's path is the clone (`package_dir` in setup.cfg)."""
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    assert settings["options"]["package_dir"].split() == ["=", "."]
    clone = tmp_path / "minigen"
    clone.mkdir()
    for layer in LAYERS:
        (clone / layer).symlink_to(ROOT / layer)
    run = run_in(tmp_path, "from minigen import NADE; import minigen; print(minigen.__file__)", clone)
    assert run.stdout == f"{clone / 'minigen' / '__init__.py'}\n"


def test_short_names_are_those_of_the_modules():
    """`from minigen import NADE` is `from minigen.nade import NADE`; `import minigen` alone imports none of them."""
    for name, module in minigen._HOME.items():
        assert getattr(minigen, name) is getattr(importlib.import_module(module), name)
    assert {"NADE", "VAE", "GAN", "Adam", "fit"} <= set(dir(minigen))
    with pytest.raises(ImportError, match="NoSuchModel"):
        from minigen import NoSuchModel  # noqa: F401
    code = "import sys, minigen; sys.exit('minigen.nade' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


ON_CUDA = {
    "autograd/__init__.py",  # it names the module
    "autograd/backend.py",
    "autograd/cublas.py",
    "autograd/cuda.py",
    "minigen/nn/draws.py",
    "minigen/nn/kernels.py",
    "minigen/nn/walks.py",
    "minigen/training/capture.py",
}
"""The files that know CUDA: all others compute on whatever device their arrays are."""


def test_no_other_file_knows_cuda():
    files = [path for layer in ("autograd", "minigen") for path in (ROOT / layer).rglob("*.py")]
    found = {path.relative_to(ROOT).as_posix() for path in files if re.search(r"\bcuda\b", path.read_text(), re.I)}
    assert found == ON_CUDA


def test_one_module_makes_progress_bars():
    """It knows terminals and notebooks; all others ask it."""
    files = [path for layer in LAYERS for path in (ROOT / layer).rglob("*.py")]
    found = {path.relative_to(ROOT).as_posix() for path in files if re.search(r"\btqdm\(|tqdm\.", path.read_text())}
    assert found == {"minigen/progress.py"}


# -- minigen's folders


SHARED_BY_MODELS = {"minigen.training.steps", "minigen.training.optim"}
"""What a model may know of training: the steps and the optimizers, where it brings a step of its own."""
BY_NAME = {
    ("minigen.data.sets", "minigen.plot"): "a notebook shows the images of a data set; imported where it draws",
    ("minigen.training.history", "minigen.plot"): "a notebook shows a learning curve; imported where it draws",
    ("minigen.plot", "minigen.training.history"): "an annotation, for the type checker alone",
    ("minigen.training.files", "minigen.saved"): "a file of weights describes its model; imported where it is written",
}


def modules() -> dict[str, Path]:
    """Every module of minigen by name; a folder's own `__init__` re-exports and is left out."""
    found = {}
    for path in (ROOT / "minigen").rglob("*.py"):
        if path.name != "__init__.py":
            found[".".join(path.relative_to(ROOT).with_suffix("").parts)] = path
    return found


def imports_of(name: str, path: Path, everywhere: bool) -> set[str]:
    """The modules of minigen that a module imports; at its top alone, unless `everywhere`."""
    tree = ast.parse(path.read_text())
    found = set()
    for node in ast.walk(tree) if everywhere else tree.body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("minigen"):
            of_folder = {f"{node.module}.{alias.name}" for alias in node.names} & set(modules())
            found |= of_folder or ({node.module} & set(modules()))
    return found - {name}


def folder_of(module: str) -> str:
    """The folder that a module is in; an empty name for the models and what they share."""
    parts = module.split(".")
    return parts[1] if len(parts) > 2 else ""


KNOWS_ALL = "minigen.saved"
"""The table of every class that a file of weights may hold."""


def may_know(module: str, other: str) -> bool:
    """Whether the direction of imports allows it."""
    here, there = folder_of(module), folder_of(other)
    if here == there or here == "analysis" or module == KNOWS_ALL:
        return True
    if other in ("minigen.errors", "minigen.atomic", "minigen.progress"):
        return True
    if here == "training":
        return there == "nn"
    return here == "" and (there == "nn" or other in SHARED_BY_MODELS)


def test_folders_of_minigen_know_what_stands_before_them():
    """nn and data know no model, training knows nn, a model knows nn and the steps, analysis may know all."""
    wrong = {
        (name, other)
        for name, path in modules().items()
        for other in imports_of(name, path, everywhere=True)
        if not may_know(name, other)
    }
    assert wrong == set(BY_NAME)


def test_no_module_of_minigen_is_imported_in_a_circle():
    graph = {name: imports_of(name, path, everywhere=False) for name, path in modules().items()}
    while graph:
        free = {name for name, needs in graph.items() if not needs & set(graph)}
        assert free, f"a circle among {sorted(graph)}"
        graph = {name: needs for name, needs in graph.items() if name not in free}


# -- minigen's classes


NEITHER = {
    "minigen.nn.module.Module": "the base of all that has parameters; to call it is refused in words",
    "minigen.priors.Prior": "a subclass has `distribution`, from which `sample` follows, or `sample` alone",
}
"""Bases that are abstract though no method of theirs raises NotImplementedError."""
IS_ONE = {
    "minigen.aae.SemiSupervisedSteps": "all three steps of `Steps`, and a fourth after them",
    "minigen.conditional.LabelledGame": "the moves of `Game`, of players who are told the labels of the batch",
}
"""Classes that override a method of a concrete class, and still are one of those in every method."""


def full_name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def classes() -> list[type]:
    """Every class that a module of minigen defines, but for exceptions, of which any may be the base of others."""
    found = (vars(importlib.import_module(name)).values() for name in modules())
    every = {full_name(c): c for values in found for c in values if isinstance(c, type)}
    return [c for n, c in sorted(every.items()) if n.startswith("minigen.") and not issubclass(c, BaseException)]


def is_abstract(cls: type) -> bool:
    """Whether a method of the class raises NotImplementedError, for a subclass to say what it does."""
    codes = (getattr(getattr(cls, name), "__code__", None) for name in dir(cls))
    return any("NotImplementedError" in code.co_names for code in codes if code)


def overridden(cls: type, base: type) -> set[str]:
    """The methods and properties of the base that a class replaces; each may be made in its own way."""
    own = {name for name, value in vars(cls).items() if callable(value) or isinstance(value, property | staticmethod)}
    return {name for name in own - {"__init__"} if name in dir(base)}


def test_a_class_is_abstract_or_final_unless_its_subclass_is_one():
    """No class changes what a method of a concrete one does: who holds a Linear may count on what a Linear does."""
    wrong, found = set(), classes()
    for cls in found:
        for base in cls.__bases__:
            if base in found and full_name(base) not in NEITHER and not is_abstract(base) and overridden(cls, base):
                wrong.add(full_name(cls))
    assert wrong == set(IS_ONE)
    assert {full_name(c) for c in found} >= set(NEITHER)
