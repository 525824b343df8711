"""`--device cuda`: the same demos on the device, here on the stand-in for CuPy; refused where there is none."""

import pytest

from autograd import backend
from demos import common, gan_digits, recipes, vae
from demos.__main__ import main
from tests import standin

SMALL = ["--epochs", "2", "--hidden", "8"]
DEMOS = {
    "nade": SMALL,
    "vae": [*SMALL, "--latent", "2", "--draws", "20", "--scored", "20"],
    "aae": [*SMALL, "--prior", "flower", "--labels", "all"],
    "aae ": [*SMALL, "--encoder", "gaussian"],
    "aae  ": [*SMALL, "--semi-supervised", "50"],
    "gan_digits": [*SMALL, "--latent", "3", "--samples", "50"],
    "pixelrnn": [*SMALL, "--variant", "row"],
    "independence": ["--models", "independent", "Markov"],
}


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(recipes, "JUDGE_EPOCHS", {"few": 2, "many": 1})
    monkeypatch.setattr(gan_digits, "JUDGED", 200)
    monkeypatch.setattr(vae, "SMALL", 0)  # no NADE to compare with


@pytest.mark.parametrize("demo", DEMOS)
def test_a_demo_trains_on_the_device_and_draws_what_it_draws_otherwise(demo, quick, tmp_path, monkeypatch, capsys):
    standin.install(monkeypatch)
    graphs = standin.LAUNCHED["graphs"]
    code = main([demo.strip(), *DEMOS[demo], "--device", "cuda", "--out", str(tmp_path)])
    said = capsys.readouterr().err
    assert code == 0, said
    assert "run as written" not in said
    assert (standin.LAUNCHED["graphs"] > graphs) == (demo != "independence")
    assert list(tmp_path.glob("*.svg"))
    assert backend.name() == "numpy"


def test_several_processes_are_refused_there(tmp_path, monkeypatch, capsys):
    standin.install(monkeypatch)
    monkeypatch.setattr(common.team(), "size", 2)
    with pytest.raises(SystemExit) as stopped:
        main(["nade", "--device", "cuda", "--out", str(tmp_path)])
    assert stopped.value.code == 2
    assert "leave out mpiexec or --device" in capsys.readouterr().err


@pytest.mark.skipif(backend.cuda_is_available(), reason="here is a device")
def test_without_a_device_it_is_refused_with_the_cure(tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["nade", "--device", "cuda", "--out", str(tmp_path)])
    assert stopped.value.code == 2
    assert "install minigen with its extra `cuda`" in capsys.readouterr().err
