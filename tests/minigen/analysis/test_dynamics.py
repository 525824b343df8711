"""The smallest of games, and how it moves: claim G-9. Eigenvalues and trajectories, no network and no chance."""

import numpy as np
import pytest
from scipy.special import expit

from autograd import Tensor, check_grads
from minigen.analysis.dynamics import CURVATURES, DiracGAN

START = (0.6, -0.8)
ETAS = [0.01, 0.3, 1.0]

FIELDS = {
    "minimax": lambda t, p: (p * expit(p * t), -t * expit(p * t)),
    "non-saturating": lambda t, p: (p * expit(-p * t), -t * expit(p * t)),
    "least-squares": lambda t, p: (p * (1 - p * t), -(t**2) * p),
    "hinge": lambda t, p: (p, -t * (p * t > -1)),
    "wasserstein": lambda t, p: (p, -t),
}
"""v(θ, ψ) of each objective, differentiated by hand."""


def field(game, theta, psi):
    return [v.item() for v in game.field(Tensor(theta, requires_grad=True), Tensor(psi, requires_grad=True))]


def sorted_eigenvalues(matrix):
    return np.sort_complex(np.linalg.eigvals(matrix))


@pytest.mark.parametrize("name", CURVATURES)
def test_g9_the_field_is_what_the_losses_say(name, rng):
    """G-9: v = (−∂L_G/∂θ, −∂L_D/∂ψ), by hand, anywhere; −γψ more for the critic with r1.

    Planted: a critic that climbs its own loss.
    """
    for theta, psi in rng.uniform(-2, 2, (10, 2)):
        expected = np.array(FIELDS[name](theta, psi))
        np.testing.assert_allclose(field(DiracGAN(name), theta, psi), expected, atol=1e-14)
        with_r1 = field(DiracGAN(name, "r1", 0.7), theta, psi)
        np.testing.assert_allclose(with_r1, expected - [0, 0.7 * psi], atol=1e-14)
        with_slope_1 = field(DiracGAN(name, "gradient", 0.7), theta, psi)
        np.testing.assert_allclose(with_slope_1, expected - [0, 1.4 * (psi - np.sign(psi))], atol=1e-13)


@pytest.mark.parametrize("penalty", [(None, 0.0), ("r1", 0.3), ("r1", 1.7), ("r1", 5.0)])
@pytest.mark.parametrize("name", CURVATURES)
def test_g9_the_jacobian_and_its_eigenvalues_are_the_predicted_ones(name, penalty):
    """G-9: J = [[0, g], [−d, −γ]], and −γ/2 ± √(γ²/4 − dg): imaginary without penalty, with a negative real part with
    it, but for least squares, whose critic does not answer.

    Planted: a root of γ²/4 + dg; curvatures of the hinge that are half of what they are.
    """
    game, (d, g) = DiracGAN(name, *penalty), CURVATURES[name]
    gamma = penalty[1]
    J = game.jacobian()
    np.testing.assert_allclose(J, [[0, g], [-d, -gamma]], atol=1e-14)
    predicted = np.array(game.predicted())
    np.testing.assert_allclose(sorted_eigenvalues(J), np.sort_complex(predicted), atol=1e-12)
    assert predicted.sum() == pytest.approx(-gamma, abs=1e-14)
    assert predicted.prod() == pytest.approx(d * g, abs=1e-14)
    if name != "least-squares":
        assert np.all(predicted.real < 0) if gamma else np.all((predicted.real == 0) & (predicted.imag != 0))


@pytest.mark.parametrize("eta", ETAS)
def test_g9_simultaneous_descent_on_xy_grows_by_1_and_eta_squared(eta):
    """G-9: (θ, ψ) ← (θ + ηψ, ψ − ηθ), so θ² + ψ² is multiplied by 1 + η² exactly, at each step and from anywhere.

    Planted: players that take turns when they should move at once.
    """
    states = DiracGAN("wasserstein").trajectory(START, eta, 40)
    assert states.shape == (41, 2)
    np.testing.assert_array_equal(states[0], START)
    squares = np.sum(states**2, axis=1)
    np.testing.assert_allclose(squares[1:] / squares[:-1], 1 + eta**2, rtol=1e-14)
    M = DiracGAN("wasserstein").step_matrix(eta, alternating=False)
    np.testing.assert_allclose(M, [[1, eta], [-eta, 1]], atol=1e-15)
    np.testing.assert_allclose(abs(np.linalg.eigvals(M)), np.sqrt(1 + eta**2), rtol=1e-14)


@pytest.mark.parametrize("eta", ETAS)
def test_g9_alternating_descent_on_xy_keeps_areas(eta):
    """G-9: ψ ← ψ − ηθ, then θ ← θ + ηψ: determinant 1, eigenvalues of modulus 1, and θ² + ψ² − ηθψ never changes.

    Planted: a generator that answers the critic of before.
    """
    game = DiracGAN("wasserstein")
    M = game.step_matrix(eta, alternating=True)
    np.testing.assert_allclose(M, [[1 - eta**2, eta], [-eta, 1]], atol=1e-15)
    assert np.linalg.det(M) == pytest.approx(1, abs=1e-14)
    np.testing.assert_allclose(abs(np.linalg.eigvals(M)), 1, rtol=1e-14)
    theta, psi = game.trajectory(START, eta, 250, alternating=True).T
    kept = theta**2 + psi**2 - eta * theta * psi
    np.testing.assert_allclose(kept, kept[0], rtol=1e-11)
    assert (theta**2 + psi**2).max() <= kept[0] / (1 - eta / 2) * (1 + 1e-11)
    assert (theta**2 + psi**2).min() > 0.3  # and does not come closer


@pytest.mark.parametrize("eta", ETAS)
@pytest.mark.parametrize("name", CURVATURES)
def test_g9_steps_without_penalty_multiply_by_the_predicted_moduli(name, eta):
    """G-9: simultaneous steps by √(1 + η² dg), outwards; alternating ones have determinant 1 and, while η² dg < 4, the
    modulus 1.

    Planted: a generator that answers the critic of before.
    """
    game, (d, g) = DiracGAN(name), CURVATURES[name]
    at_once, in_turn = (game.step_matrix(eta, alternating) for alternating in (False, True))
    np.testing.assert_allclose(at_once, np.eye(2) + eta * game.jacobian(), atol=1e-15)
    np.testing.assert_allclose(abs(np.linalg.eigvals(at_once)), np.sqrt(1 + eta**2 * d * g), rtol=1e-13)
    np.testing.assert_allclose(in_turn, [[1 - eta**2 * d * g, eta * g], [-eta * d, 1]], atol=1e-15)
    assert np.linalg.det(in_turn) == pytest.approx(1, abs=1e-14)
    np.testing.assert_allclose(abs(np.linalg.eigvals(in_turn)), 1, rtol=1e-13)


@pytest.mark.parametrize("gamma", [0.5, 1.7, 4.0])
@pytest.mark.parametrize("name", CURVATURES)
def test_g9_with_r1_every_step_contracts_at_the_predicted_rate(name, gamma):
    """G-9: simultaneous steps multiply by 1 + ηλ, λ the predicted eigenvalues; alternating ones have the determinant
    1 − ηγ. Near the end a trajectory is the power of that matrix; from afar it falls by the larger modulus at last.

    Planted: a root of γ²/4 + dg.
    """
    eta, game = 0.2, DiracGAN(name, "r1", gamma)
    M = game.step_matrix(eta, alternating=False)
    predicted = 1 + eta * np.array(game.predicted())
    np.testing.assert_allclose(sorted_eigenvalues(M), np.sort_complex(predicted), atol=1e-12)
    assert np.linalg.det(game.step_matrix(eta, alternating=True)) == pytest.approx(1 - eta * gamma, abs=1e-14)

    start = 1e-6 * np.array(START)
    states = game.trajectory(start, eta, 60)
    powers = np.stack([np.linalg.matrix_power(M, t) @ start for t in range(61)])
    np.testing.assert_allclose(states, powers, atol=1e-15)
    if name != "least-squares":
        sizes = np.linalg.norm(game.trajectory(START, eta, 150), axis=1)
        assert 0.1 < sizes[-1] / abs(predicted).max() ** 150 < 1


@pytest.mark.parametrize("alternating", [False, True])
@pytest.mark.parametrize("name", CURVATURES)
def test_g9_with_r1_the_players_reach_the_equilibrium_unless_the_critic_does_not_react(name, alternating):
    """G-9: in 250 steps from (1, 0.5) to (0, 0) within 1e-6. The least-squares critic has d = 0: ψ falls to 0 and θ
    stays away."""
    assert CURVATURES["least-squares"][0] == 0
    theta, psi = DiracGAN(name, "r1", 1.0).trajectory((1.0, 0.5), 0.2, 250, alternating)[-1]
    assert abs(psi) < 1e-6
    assert (abs(theta) > 1) if name == "least-squares" else (abs(theta) < 1e-6)


@pytest.mark.parametrize("name", CURVATURES)
def test_g9_without_penalty_simultaneous_players_leave_the_end(name):
    """G-9: from a place near it, however small the step; the distance grows by √(1 + η² dg) a step, and for least
    squares along a straight line.

    Planted: players that take turns when they should move at once.
    """
    steps, (d, g) = 100, CURVATURES[name]
    start = 1e-5 * np.array(START)
    theta, psi = DiracGAN(name).trajectory(start, 0.2, steps).T
    if d:
        grown = (theta**2 * d + psi**2 * g) / (theta[0] ** 2 * d + psi[0] ** 2 * g)
        np.testing.assert_allclose(grown, (1 + 0.2**2 * d * g) ** np.arange(steps + 1), rtol=1e-6)
    else:
        np.testing.assert_allclose(theta, theta[0] + 0.2 * psi[0] * np.arange(steps + 1), rtol=1e-6)


@pytest.mark.parametrize("name", CURVATURES)
def test_g9_each_player_may_have_its_own_learning_rate(name):
    """G-9: the matrix of a step with R1, by hand: the generator's row has η_G, the critic's row η_D.

    Planted: the rates of the two players exchanged.
    """
    game, (d, g), (eta_G, eta_D), gamma = DiracGAN(name, "r1", 0.7), CURVATURES[name], (0.3, 0.1), 0.7
    at_once, in_turn = (game.step_matrix((eta_G, eta_D), alternating) for alternating in (False, True))
    of_critic = [-eta_D * d, 1 - eta_D * gamma]
    np.testing.assert_allclose(at_once, [[1, eta_G * g], of_critic], atol=1e-15)
    np.testing.assert_allclose(in_turn, [np.array([1, 0]) + eta_G * g * np.array(of_critic), of_critic], atol=1e-15)
    paths = [game.trajectory(START, eta, 20) for eta in (0.2, (0.2, 0.2))]
    np.testing.assert_array_equal(*paths)


def test_g9_a_player_does_not_foresee_the_others_answer():
    """G-9: after the critic's answer ψ′ = ψ − ηθ the generator's slope is ψ′, not the ψ′ − ηθ of one that
    differentiates the answer too.

    Planted: a generator that looks through the critic's answer.
    """
    state = DiracGAN("wasserstein").step(np.array([0.5, 0.25]), 0.1, alternating=True)
    np.testing.assert_allclose(state.data, [0.5 + 0.1 * 0.2, 0.2], rtol=1e-14)


@pytest.mark.parametrize("name", CURVATURES)
def test_g9_the_gradient_penalty_has_no_prediction(name):
    """G-9: 0 is no end of the game with it: it pulls the slope to ±1 and keeps the generator moving.

    Planted: a prediction that does not look which penalty it is.
    """
    game = DiracGAN(name, "gradient", 1.0)
    with pytest.raises(ValueError, match="the gradient penalty wants a slope of 1"):
        game.predicted()
    if name == "wasserstein":
        late = game.trajectory((0.01, 0.01), 0.1, 150, alternating=True)[-75:]
        assert np.linalg.norm(late, axis=1).min() > 0.1


def test_the_eigenvalues_speak_of_the_neighbourhood_alone(rng):
    """Without penalty ½ d/dt (θ² + ψ²) = ⟨v, (θ, ψ)⟩ is 0 anywhere for minimax and Wasserstein, whose players turn on
    circles; non-saturating ones come closer by −θψ tanh(θψ/2), of fourth order: slower than any rate."""
    for theta, psi in rng.uniform(-2, 2, (10, 2)):
        inwards = lambda name, at=(theta, psi): np.dot(field(DiracGAN(name), *at), at)
        assert inwards("minimax") == pytest.approx(0, abs=1e-14)
        assert inwards("wasserstein") == pytest.approx(0, abs=1e-14)
        assert inwards("non-saturating") == pytest.approx(-theta * psi * np.tanh(theta * psi / 2), abs=1e-14)


@pytest.mark.parametrize("alternating", [False, True])
@pytest.mark.parametrize("name", ["minimax", "non-saturating", "least-squares", "wasserstein"])
def test_a_step_can_be_differentiated(name, alternating, rng):
    """What `step_matrix` does at the end, anywhere."""
    check_grads(lambda s: DiracGAN(name, "r1", 0.7).step(s, 0.3, alternating), rng.standard_normal(2))


@pytest.mark.parametrize("names", [("magic", None), ("hinge", "r2")])
def test_a_game_of_another_name_is_refused(names):
    with pytest.raises(ValueError, match="objective must be one of minimax, non-saturating"):
        DiracGAN(*names)
