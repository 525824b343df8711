"""How the project is laid out: imports run one way, and a foreign `autograd` is recognised."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

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


def test_a_foreign_autograd_is_named_with_the_cure(tmp_path):
    (tmp_path / "autograd").mkdir()
    (tmp_path / "autograd" / "__init__.py").write_text("")
    (tmp_path / "minigen").symlink_to(ROOT / "minigen")
    run = subprocess.run(
        [sys.executable, "-c", "import minigen"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert run.returncode == 1
    assert str(tmp_path / "autograd" / "__init__.py") in run.stderr
    assert "make a fresh one (python3 -m venv .venv)" in run.stderr
