"""The benchmarks compute what they say, all libraries the same, and print and write what was measured.

The peers are not installed for tests: where they are, they are compared too.
"""

import csv
import importlib
import importlib.util
import json
import re
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import benchmarks.__main__ as command
from autograd import backend
from benchmarks import device, epochs, growth, likelihood, minigen_graphs_steps, minigen_steps, sampling, worker
from benchmarks.device_memory import most_on_device
from benchmarks.problems import STEPS
from benchmarks.process import Process, environment
from demos.common import load
from demos.recipes import RECIPES, recipe_of, variational
from minigen.analysis import evidence, quadrature
from minigen.nade import NADE
from minigen.pixelrnn import PixelRNN
from minigen.training.files import save_weights
from tests import standin
from tests.conftest import heeding_ctrl_c

SMALL = {
    "nade": {"D": 9, "H": 5, "batch": 4},
    "tiny": {"batch": 10},
    "lstm": {"T": 6, "batch": 3, "H": 4},
    "gru": {"T": 6, "batch": 3, "H": 4},
    "diagonal": {"side": 5, "batch": 2, "H": 3},
    "vae": {"D": 12, "hidden": 8, "d": 3, "batch": 5, "noise": False},
    "gan": {"D": 10, "batch": 6, "noise": False},
    "wgan_gp": {"D": 10, "batch": 6, "noise": False},
}


def losses(library, name, steps=3):
    """Of the first steps, from the same data and weights."""
    made = importlib.import_module(f"benchmarks.{library}_steps").STEPS[name]
    step = made(**STEPS[name].arrays(**SMALL[name]))
    return [step() for _ in range(steps)]


@pytest.mark.parametrize("name", STEPS)
def test_a_step_goes_down(name):
    found = losses("minigen", name, 20)
    assert np.all(np.isfinite(found))
    assert found[-1] < found[0]


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("library", ["torch", "jax"])
def test_the_peers_take_the_same_steps(library, name):
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    if name not in importlib.import_module(f"benchmarks.{library}_steps").STEPS:
        pytest.skip(f"there is no such step in {library}")
    np.testing.assert_allclose(losses(library, name), losses("minigen", name), rtol=2e-4)


@pytest.mark.parametrize("name", ["lstm", "gru", "vae", "gan", "wgan_gp"])
def test_the_floor_takes_its_shapes_from_the_same_arrays(name):
    assert losses("floor", name, 2) == [0, 0]


class Answers:
    """A worker that took 2 ms a step as minigen, 4 in JAX, and 8 in any other library."""

    def __init__(self, arguments, environment, until):
        library = arguments[2]
        self.seconds = {"minigen": 0.002, "jax": 0.004}.get(library, 0.008)
        missing = {"missing": "has no such step"} if library == "floor" else {"loss": 1.0, "version": "1"}
        self.first = json.dumps(missing)

    def ask(self, question):
        return json.dumps({"seconds": [self.seconds] * int(question), "mib": 5.0})

    def close(self):
        pass


def test_on_a_device_cudnn_is_named_and_the_fastest_peer_is_the_measure(monkeypatch, tmp_path, capsys):
    """A graph of minigen is no peer. A library that is late is left out, and so are turns beyond the limit."""

    class Late(Answers):
        @property
        def first(self):
            if self.library == "torch_graph":
                raise RuntimeError("ended with -9")
            return json.dumps({"loss": 1.0, "version": "1"})

        def __init__(self, arguments, environment, until):
            self.library = arguments[2]
            self.seconds = {"minigen_graphs": 0.001, "minigen": 0.002, "jax": 0.004}.get(self.library, 0.008)
            self.asked = 0

        def ask(self, question):
            self.asked += 1
            assert self.asked <= 2  # the warm-up and one turn
            return super().ask(question)

    monkeypatch.setattr(command, "Process", Late)
    monkeypatch.setattr(command.backend, "cuda_is_available", lambda: True)
    monkeypatch.setattr(command.importlib.util, "find_spec", lambda name: True)
    command.main(["lstm", "--device", "cuda", "--limit", "1e-9", "--out", str(tmp_path)])
    assert "torch_graph was not ready in time" in capsys.readouterr().out
    with open(tmp_path / "steps.csv", newline="") as file:
        rows = {row["library"]: float(row["to_fastest"]) for row in csv.DictReader(file)}
    assert rows == {"minigen": 0.5, "minigen_graphs": 0.25, "torch (cuDNN)": 2, "jax": 1}


def test_a_worker_that_is_late_is_killed(tmp_path):
    late = Process([sys.executable, "-c", "import time; time.sleep(60)"], until=time.monotonic() + 0.1)
    with pytest.raises(RuntimeError, match="ended with -9"):
        _ = late.first
    late.close()


def test_a_part_that_is_late_is_stopped_and_what_it_found_is_kept(capfd, monkeypatch):
    """By Ctrl-C, and killed where it does not listen; the lines of the pattern are those of the table."""
    for ignored, grace, ended in (("", 20, "-2"), ("; signal.signal(signal.SIGINT, signal.SIG_IGN)", 0.3, "-9")):
        monkeypatch.setattr(device, "GRACE", grace)
        code = f"import signal, time; print('7 passed\\nother', flush=True){ignored}; time.sleep(60)"
        monkeypatch.setattr(device, "PYTHON", [sys.executable, "-c", code])
        with heeding_ctrl_c():
            found = device.run("tests", [], r"\d+ passed", 4)
        assert found.lines == ["7 passed"]
        assert found.ended == f"stopped at its limit (ended with {ended})"
        assert found.seconds < 30
    assert "other" in capfd.readouterr().out


def test_the_parts_on_a_device_are_run_in_turn_and_shown_last(monkeypatch, capsys):
    """The training lasts as long as the epochs that were measured allow."""
    ran = []

    def run(name, command, kept, limit):
        ran.append((name, command, limit))
        return device.Found(name, 1, "done", ["mnist   NADE          2.000 s an epoch"] if name == "epochs" else [])

    monkeypatch.setattr(device, "run", run)
    monkeypatch.setattr(device.backend, "cuda_is_available", lambda: True)
    device.main(["--minutes", "1", "--data-folder", "there"])
    assert [name for name, _, _ in ran] == ["tests", "steps", "sampling", "epochs", "tour", "training"]
    assert sum(limit for *_, limit in ran) == pytest.approx(60)
    assert ran[-1][1][-2:] == ["--epochs", "2"]
    assert "2.000 s an epoch" in capsys.readouterr().out.partition("== all parts")[2]


def test_without_a_device_the_parts_run_on_the_standin_and_the_rest_is_listed(monkeypatch, capsys):
    monkeypatch.setattr(device, "run", lambda name, *_: device.Found(name, 1, "done", []))
    device.main(["--dry"])
    parts, _, unseen = capsys.readouterr().out.partition("== all parts")[2].partition("== to be seen on a device")
    assert [line.split()[0] for line in parts.split("\n") if line] == ["tests", "steps", "sampling", "epochs"]
    expected = ["tests", "steps", "sampling", "epochs", "tour", "training"]
    assert [line.split()[0] for line in unseen.split("\n") if line] == expected
    monkeypatch.setattr(device.backend, "cuda_is_available", lambda: False)
    with pytest.raises(SystemExit):
        device.main([])
    assert "finds no CUDA device; --dry runs on the stand-in" in capsys.readouterr().err


def test_an_epoch_of_some_batches_is_scaled_to_all(monkeypatch):
    """Every recipe has a learner. The second epoch is the measure."""
    digits, epochs_run = load("digits"), []

    def fit(model, step, images, validation, **others):
        epochs_run.append((len(images), others["epochs"]))
        return SimpleNamespace(epochs=[SimpleNamespace(seconds=s) for s in (5.0, 7.0)])

    monkeypatch.setattr(epochs, "fit", fit)
    for name, data in RECIPES:
        if data == "digits":
            size = recipe_of(name, data).batch_size
            expected = 2 * len(digits.train) / (2 * size)
            assert epochs.seconds_of_an_epoch(name, data, digits, 2) == expected
            assert epochs_run.pop() == (2 * size, 2)


def test_the_comparison_prints_ratios_and_writes_them(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(command, "Process", Answers)
    monkeypatch.setattr(command.importlib.util, "find_spec", lambda name: name in ("minigen", "numpy", "jax") or None)
    command.main(["tiny", "vae", "--rounds", "2", "--threads", "1", "--out", str(tmp_path)])
    printed = capsys.readouterr().out
    assert "torch is left out: not installed, or not given" in printed
    assert "hips is left out" in printed
    assert "floor has no such step" in printed
    assert "VAE 784-500-500-20, batch 128, Adam" in printed
    with open(tmp_path / "steps.csv", newline="") as file:
        rows = {(row["step"], row["library"]): row for row in csv.DictReader(file)}
    assert set(rows) == {(step, library) for step in ("tiny", "vae") for library in ("minigen", "jax")}
    assert float(rows["vae", "jax"]["ratio"]) == 0.5
    assert float(rows["vae", "minigen"]["median"]) == 2
    assert (tmp_path / "steps.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize("name", growth.CURVES)
def test_a_growth_curve_measures_its_smallest_size(name, capsys):
    curve = growth.CURVES[name]
    assert sum(size >= curve.fitted_from for size in curve.sizes) >= 3
    loss = curve.made(min(curve.sizes[0], 50))()
    loss.backward()
    assert np.isfinite(loss.item())


def test_minigen_has_every_step():
    assert minigen_steps.STEPS.keys() == STEPS.keys() == SMALL.keys()


@pytest.mark.parametrize("name", minigen_graphs_steps.STEPS)
def test_steps_that_are_recorded_on_the_device_are_the_same(name, monkeypatch):
    """Of the first steps, of which the second is recorded and the third repeated."""
    expected = losses("minigen", name)
    standin.install(monkeypatch)
    with backend.use("cupy"):
        np.testing.assert_allclose(losses("minigen_graphs", name), expected, rtol=2e-4)
        graphs = standin.LAUNCHED["graphs"]
        losses("minigen", name)
        assert standin.LAUNCHED["graphs"] == graphs > 0


def test_memory_of_the_device_is_the_most_that_arrays_hold_at_once(monkeypatch):
    """Of arrays made meanwhile: an array that is gone makes room for another."""
    standin.install(monkeypatch)
    with backend.use("cupy"):
        before = backend.to_device(np.zeros(4096))

        def work():
            a = before[:1024] + 1
            b = a * 2
            del a
            return b - 1

        result, most = most_on_device(work)
        del result
    assert most == 2 * 8 * 1024 / (1 << 20)


@pytest.mark.parametrize("library", ["minigen", "minigen_graphs"])
def test_a_worker_says_the_memory_of_the_device(library, monkeypatch, capsys):
    """That of the first steps, for all later turns: at least the parameters, their gradients and the batch."""
    standin.install(monkeypatch)
    problem = STEPS["vae"]
    monkeypatch.setitem(STEPS, "vae", replace(problem, sizes=SMALL["vae"]))
    monkeypatch.setattr(sys, "stdin", ["2", "1"])
    with backend.use("cupy"):
        worker.main(library, "vae", "cuda")
        begun, *turns = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert backend.name() == "cupy"
    arrays = problem.arrays(**SMALL["vae"])
    numbers = arrays["x"].size + 2 * sum(a.size for net in ("encoder", "decoder") for pair in arrays[net] for a in pair)
    assert np.isfinite(begun["loss"])
    assert [len(turn["seconds"]) for turn in turns] == [2, 1]
    assert 4 * numbers < turns[0]["mib"] * (1 << 20) == turns[1]["mib"] * (1 << 20) < 100 * 4 * numbers


def test_drawing_on_the_device_is_measured_beside_drawing_on_the_host(monkeypatch):
    """A line for each number of images; the images are the same."""
    standin.install(monkeypatch)
    small = {"NADE": lambda: NADE(6, 5, rng=0), "raster": lambda: PixelRNN((2, 3), "raster", 4, rng=0)}
    lines = list(sampling.compare(small, (1, 3)))
    assert [(line.split()[0], line.split()[1], line.split()[-1]) for line in lines] == [
        (name, n, "1.0000") for name in small for n in ("1", "3")
    ]
    for name, make in sampling.MODELS.items():
        assert str(make().H) in name
        assert make().D == 784


def test_without_a_device_there_is_no_comparison_on_it(monkeypatch, capsys):
    monkeypatch.setattr(command.backend, "cuda_is_available", lambda: False)
    for main, arguments in ((command.main, ["--device", "cuda"]), (sampling.main, [])):
        with pytest.raises(SystemExit):
            main(arguments)
        assert "CuPy is not installed or finds no CUDA device" in capsys.readouterr().err


def test_workers_choose_their_kernels_and_hips_does_not_meet_our_engine(monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.setenv("KEPT", "yes")
    ours, hips = environment(), environment("hips")
    assert "OPENBLAS_CORETYPE" not in ours
    assert ours["KEPT"] == "yes"
    assert (Path(ours["PYTHONPATH"]) / "autograd").is_dir()
    assert hips["PYTHONPATH"] == ""


def test_the_bounds_on_the_likelihood_of_a_vae_are_beside_the_truth(tmp_path, capsys):
    """With two latent numbers quadrature gives ln p(x). q(z|x) is far from the posterior, so 500 draws of it are more
    than 50 nats too high; annealing is right to its random error of 0.05 nats. The second table encloses the truth."""
    digits, sizes = load("digits"), {"hidden": 8, "layers": 1, "latent": 2}
    model = variational(replace(recipe_of("VAE", "digits"), **sizes), digits, np.random.default_rng(0))
    model.flat[...] *= 3
    save_weights(model, tmp_path / "weights.npz")
    given = {"weights": tmp_path / "weights.npz", "images": 6, "own": 10, "draws": "500 5"}
    given |= {"steps": "40 5", "chains": 32}
    likelihood.main(" ".join(f"--{name} {value}" for name, value in given.items()).split())
    first, second = capsys.readouterr().out.split("\n\n")
    assert first.startswith("digits 8×8, grey level ≥ 8, the first 6 of 300 test images")
    names, numbers = [], []
    for row in [*first.splitlines()[2:], *second.splitlines()[2:]]:
        names.append(row[:24].strip())
        numbers.append([float(mean) for mean in re.findall(r"(\S+) ± ", row)])
    annealed = ["32 chains of 5 steps", "32 chains of 40 steps"]
    assert names == ["5 draws", "500 draws", *annealed, *annealed]

    five, most, few, last, _, (lower, upper, gap) = numbers
    truth = evidence.log_evidence(model, digits.test.images[:6], quadrature.grid(8, 120)).mean()
    assert five[0] > most[0] > -truth + 50
    assert abs(last[0] + truth) < 0.2
    differences = [(five, most), (most, five), (few, most), (few, most), (last, few), (last, most)]
    found = [*five[1:], *most[1:], *few[1:], *last[1:]]
    np.testing.assert_allclose(found, [row[0] - other[0] for row, other in differences], atol=0.002)

    own = evidence.log_evidence(model, model.sample(10, rng=0), quadrature.grid(8, 120)).mean()  # the same images
    assert lower - 0.2 < own < upper + 0.4
    assert abs(gap - (upper - lower)) < 0.002
    assert gap < 0.5
