"""Shows that the tests of the claims notice wrong code: plants faults in a copy of the project, runs the tests there.

python -m tests.planted                            plant all faults, one by one (about 10 minutes)
python -m tests.planted N-4 minigen/vae.py         the faults of a claim, and those of a file
python -m tests.planted --tests minigen/vae.py     only print the tests, for pytest: run them after you changed the file

The docstring of each test says in words which fault is planted for it. The faults of minigen/nn/walks.py and
draws.py need g++ on Linux, which runs their kernels.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from autograd import console

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Fault:
    """A wrong implementation: with `new` in the place of `old`, which `file` has once, `test` must fail.

    claim: the id of the claim. test: a file of tests/minigen, or of another folder of tests/, and a name in the file.
    """

    claim: str
    test: tuple[str, str]
    file: str
    old: str
    new: str

    @property
    def test_file(self) -> str:
        return f"tests/{self.test[0] if '/' in self.test[0] else f'minigen/{self.test[0]}'}"

    @property
    def test_id(self) -> str:
        return f"{self.test_file}.py::{self.test[1]}"


EXPLICIT, TABLE, MARKOV, AR = "test_explicit_models", "test_table", "test_markov", "test_ar"
GAUSSIAN, NADE, USES = "test_gaussian_ar", "test_nade", "test_uses"
BLOCKS, CONDITIONAL = "test_nade_blocks", "test_conditional"
OPTIM = "minigen/training/test_optim"
SETS = "minigen/data/test_sets"
MODULE, NORMALISATION = "minigen/nn/test_module", "minigen/nn/test_normalisation"
RECURRENCE, PIXELRNN, CHARRNN = "minigen/nn/test_bptt", "test_pixelrnn", "test_charrnn"
WALKS = "minigen/nn/test_walks"
DRAWS = "minigen/nn/test_draws"
DISTRIBUTIONS, VAE = "test_distributions", "test_vae"
PPCA, SURGERY = "minigen/analysis/test_ppca", "minigen/analysis/test_surgery"
LATENT, GIVEN, SAMPLE = "minigen/analysis/test_latent", "minigen/data/test_given", "demos/test_sample_demo"
AIS = "minigen/analysis/test_ais"
AAE = "test_aae"
GAN, PENALTIES, DYNAMICS = "test_gan", "test_penalties", "minigen/analysis/test_dynamics"
DIVERGENCES, LEDGER = "test_divergences", "minigen/analysis/test_ledger"

ONE_KERNEL = "test_r1_one_kernel_is_the_walk_of_numpy[standin-{}-float64-5]"
PRODUCT = "        of_x[j] = z_of_x;\n      }"
STATES = "      c[next * H + j] = c_now;\n    }"
NO_STEP = "        for (int k = 0; k < G; k += H) d[row * G + k + j] = 0;\n    }\n    if (runs) {"
PARTS = "if (j < G) part[j] = product(kept, V_j, H, d_of_h + gate);"

LAYERS, ONE_DRAW = "lstm-shape2-33-2", "test_{}_one_kernel_draws_the_images_of_the_walk[standin-{}-float64]"
OWN, OF_PART = "each[threadIdx.x] = own;", "    part[threadIdx.x] = sum;\n  }"
BEGUN, OF_GATES = "STATES == 2 ? start[H + j] : 0;\n    }", "product(kept, U + j, G, h);\n      }"
STEPPED = "step(of_x + j, of_h + j, of_x + j, h[l * H + j], c[l * H + j]);"

AT_ONCE = "yield (of_discriminator, of_generator) if self.simultaneous else (of_generator,)"
IN_TURN = "yield (of_discriminator,)\n        yield (of_generator,)"

OTHER_LABELS = "Told(network, e) for", 'Told(network, e[:: -1 if name == "generator" else 1]) for'

SILENT, FORWARD, COVERAGE = "autograd/test_nothing_silent", "autograd/test_forward", "autograd/test_coverage"
SAVED = "test_saved"
CHECK, CUBLAS = "autograd/test_check", "autograd/test_cublas"
CAPTURE = "minigen/training/test_capture"

FAULTS = [
    Fault("E-1", (SILENT, "test_einsum_sums_over_what_it_stretched"), "autograd/rules/products.py",
          "met = [n is not None and (n == m or m != 1) for n, m in zip(lengths, x.shape, strict=True)]",
          "met = [n is not None for n in lengths]"),
    Fault("E-1", (SILENT, "test_a_stack_of_matrices_solved_for_a_vector"), "autograd/rules/linalg.py",
          "solve(transpose(a), g[..., None])[..., 0] if b.ndim == 1 else solve(transpose(a), g)",
          "solve(transpose(a), g)"),
    Fault("E-1", (SILENT, "test_a_second_derivative_that_is_not_known_is_nan"), "autograd/rules/elementwise.py",
          "return np.where(b == 0, np.nan, g) / np.where(b == 0, 1, b)",
          "return np.where(b == 0, 0, g) / np.where(b == 0, 1, b)"),
    Fault("E-1", (SILENT, "test_a_gradient_is_a_number_where_there_is_one"), "autograd/rules/elementwise.py",
          "lambda g, y, a, b: g * exp_of_difference(a, y),", "lambda g, y, a, b: g * np.exp(a - y),"),
    Fault("E-6", (CUBLAS, "test_a_recorded_product_is_numpys"), "autograd/cublas.py",
          "self._handle, b_transposed, a_transposed, n", "self._handle, a_transposed, b_transposed, n"),
    Fault("E-6", (CUBLAS, "test_a_recorded_product_is_numpys"), "autograd/cublas.py",
          "for x in (b, a)]", "for x in (a, b)]"),
    *(Fault("E-6", (CAPTURE, f"test_after_a_step_that_fails_nothing_moves[standin-{j}]"), file, old, new)
      for j, file, old, new in [
          (9, "minigen/training/guarded.py", "move.optimizer.update(numbers, go)", "move.optimizer.update(numbers)"),
          (9, "minigen/training/guarded.py", "                move.optimizer.t += 1\n            yield losses",
              "                move.optimizer.t += 2\n            yield losses"),
          (9, "minigen/training/guarded.py", "self.found[self.count - steps : self.count]",
              "self.found[self.count - steps - 1 : self.count - 1]"),
          (9, "minigen/training/capture.py", "unread[len(known)]", "unread[-1]"),
          (0, "minigen/training/capture.py", "        rows.go[...] = go\n", ""),
      ]),
    Fault("E-6", ("test_kernels", "test_the_guard_ends_with_the_first_number_that_is_not_finite"),
          "minigen/nn/kernels.py", "go = go & isfinite(loss) & isfinite(square)", "go = go & isfinite(square)"),
    Fault("E-6", (CAPTURE, "test_which_of_two_players_fails[standin-1-True-5]"), "minigen/training/guarded.py",
          """            GUARD(loss, square, go, kept[0], kept[1])
        for move, (_, square), (numbers, _) in zip(at_once, found, slots, strict=True):
""", """            pass
        for move, (loss, square), (numbers, kept) in zip(at_once, found, slots, strict=True):
            GUARD(loss, square, go, kept[0], kept[1])
"""),
    Fault("E-6", (CAPTURE, "test_rates_that_fall_and_clipping_are_those_of_numpy"), "minigen/training/guarded.py",
          "g *= move.max_norm / np.maximum(move.max_norm, np.sqrt(square))", "pass"),
    Fault("E-6", (CAPTURE, "test_rates_that_fall_and_clipping_are_those_of_numpy"), "minigen/training/guarded.py",
          "steps[optimizer] = steps.get(optimizer, optimizer.t) + 1",
          "steps[optimizer] = steps.get(optimizer, optimizer.t - 1) + 1"),
    Fault("E-6", (CAPTURE, "test_a_game_is_that_of_numpy"), "minigen/training/guarded.py",
          "plan = [[x for o in self.optimizers for x in numbers(o)] for _ in range(AHEAD)]",
          "plan = [[x for o in self.optimizers for x in o.numbers(o.t + 1 + k)] for k in range(AHEAD)]"),
    Fault("E-7", (FORWARD, "test_functions_say_what_numpy_says[np.ptp]"), "autograd/rules/options.py",
          "np.min(a, axis, keepdims=keepdims))", "np.min(a, axis))"),
    Fault("E-7", (FORWARD, "test_functions_say_what_numpy_says[np.average]"), "autograd/rules/statistics.py",
          "return (mean, np.broadcast_to(total, mean.shape)) if returned else mean", "return mean"),
    Fault("E-7", (FORWARD, "test_functions_say_what_numpy_says[np.argmax]"), "autograd/tensor.py",
          "**{name: plain(value) for name, value in kwargs.items()}", "**{}"),
    Fault("E-7", (FORWARD, "test_functions_say_what_numpy_says[np.take_along_axis]"), "autograd/rules/shapes.py",
          "for b in range(arr.ndim)]) for a, n in enumerate(arr.shape)]",
          "for b in range(arr.ndim)]) for a, n in enumerate(indices.shape)]"),
    Fault("E-7", (FORWARD, "test_functions_say_what_numpy_says[np.tensordot]"), "autograd/rules/products.py",
          "if sizes_a != sizes_b:", "if len(sizes_a) != len(sizes_b):"),
    Fault("E-8", (COVERAGE, "test_every_public_name_of_numpy_has_its_kind"), "autograd/rules/queries.py",
          "np.spacing, ", ""),
    Fault("E-9", (SILENT, "test_a_gradient_is_not_dropped_where_python_asks_for_a_number"), "autograd/tensor.py",
          "return float(self._number())", "return float(self.data)"),
    Fault("E-9", (SILENT, "test_ctrl_c_while_a_mode_begins_changes_nothing"), "autograd/modes.py",
          "            MODE.set(outer)\n            raise", "            raise"),
    Fault("E-5", (CHECK, "test_the_report_names_both_slopes_and_the_likely_cause"), "autograd/check.py",
          "abs(ratio + 1) < 1e-4", "abs(ratio + 1) < 1e-1"),
    Fault("E-10", (MODULE, "test_e10_initialisers_keep_the_variance_they_promise"), "minigen/nn/layers.py",
          "return scale * rng.standard_normal(shape)", "return scale**2 * rng.standard_normal(shape)"),
    Fault("E-10", (NORMALISATION, "test_e10_the_epsilon_of_batch_normalisation_is_far_below_the_variance_of_a_batch"),
          "minigen/nn/normalisation.py", "eps: float = 1e-5", "eps: float = 1e-2"),
    Fault("E-11", (SAVED, "test_a_loaded_model_is_the_saved_one[Linear]"), "minigen/nn/layers.py",
          "self.n_in, self.n_out = n_in, n_out", "self.n_in, self.n_out = n_out, n_in"),
    Fault("E-11", (SAVED, "test_a_description_that_is_wrong_is_refused_quickly_and_without_memory[a product]"),
          "minigen/saved.py", "if self.left < 0:", "if False:"),
    Fault("E-11", (SAVED, "test_a_description_that_is_wrong_is_refused_quickly_and_without_memory[an import path]"),
          "minigen/saved.py", "        if name not in TABLE:\n",
          "        if '.' in name:\n            return getattr(__import__(name.split('.')[0]), name.split('.')[1])\n"
          "        if name not in TABLE:\n"),
    Fault("E-11", (SAVED, "test_the_dtype_is_the_files_and_a_mixture_or_another_is_refused"), "minigen/saved.py",
          "if of_parameters == {np.dtype(np.float64)}:", "if not of_parameters:"),
    Fault("E-11", (SAVED, "test_arrays_that_claim_more_than_the_file_has_are_refused"), "minigen/training/files.py",
          "if any(info.compress_type != ZIP_STORED for info in self.archive.infolist()):", "if False:"),
    Fault("E-11", (SAVED, "test_what_the_sizes_give_is_not_taken_from_the_file"), "minigen/training/files.py",
          "or (rule is FIXED and (found[name] != backend.to_numpy(here[name])).any())", "or rule is None"),
    Fault("I-1", (EXPLICIT, "test_i1_probabilities_sum_to_one_untrained_and_trained"), "minigen/distributions.py",
          "np.minimum(sign * logits, 0)", "np.minimum(logits, 0)"),
    Fault("I-1", (DIVERGENCES, "test_i1_a_table_of_probabilities_sums_to_one_but_for_rounding"),
          "minigen/divergences.py", "abs(total - 1) < 1e-4", "abs(total - 1) < 1e-2"),
    Fault("I-1", (SETS, "test_i1_real_pixels_of_all_parts_have_one_unit"), "minigen/data/sets.py",
          "part.levels / most", "part.levels / part.levels.max()"),
    Fault("I-2", (TABLE, "test_i2_the_two_ends_have_n_and_2_to_the_n_less_one_parameters"), "minigen/table.py",
          "super().__init__(D, order=D - 1)", "super().__init__(D, order=max(D - 2, 0))"),
    Fault("I-2", (MARKOV, "test_i2_parameters_of_a_chain_of_order_k"), "minigen/markov.py",
          "states ** min(i, order) for i in range(tables)", "states**order for i in range(tables)"),
    Fault("I-3", (EXPLICIT, "test_i3_the_conditionals_are_those_of_the_enumerated_table"), "minigen/markov.py",
          "[:, ::-1].astype(int)", ".astype(int)"),
    Fault("I-3", (EXPLICIT, "test_i3_bayes_rule_on_the_enumerated_joint"), "minigen/uses.py",
          "axis=1) + self.log_prior", "axis=1)"),
    Fault("I-3", (EXPLICIT, "test_i3_conditional_independence_and_what_is_not_independent"), "minigen/markov.py",
          "max(0, i - self.order) : i]", "max(0, i - self.order - 1) : max(0, i - 1)]"),
    Fault("I-4", (TABLE, "test_i4_laplace_smoothing_is_the_mean_of_the_beta_posterior"), "minigen/table.py",
          "zeros = (1 - x).sum(axis=0) + smoothing", "zeros = (1 - x).sum(axis=0)"),
    Fault("I-4", (MARKOV, "test_i4_the_fit_is_the_conditional_frequencies_and_the_gradient_vanishes_there"),
          "minigen/markov.py", "max(0, i - self.order) : i]", "i + 1 : i + 1 + min(i, self.order)]"),
    Fault("I-4", (OPTIM, "test_i4_near_the_maximum_adam_takes_the_steps_of_its_formula"),
          "minigen/training/optim.py", "FLUSH_EVERY, NOTHING = 32, 1e-25", "FLUSH_EVERY, NOTHING = 32, 1e-9"),
    Fault("I-5", (LEDGER, "test_i5_nested_models_differ_by_total_correlation_and_conditional_information"),
          "minigen/markov.py", "counts + counted(smoothing)", "counts + max(counted(smoothing), 1)"),
    Fault("I-5", (LEDGER, "test_i5_every_step_of_the_ledger_equals_its_quantity"),
          "minigen/analysis/ledger.py", "rel_entr(q_i, r_i)", "q_i * q_i / r_i"),
    Fault("I-6", (EXPLICIT, "test_i6_the_expected_loss_is_the_entropy"), "minigen/model.py",
          "-np.mean(self.log_prob(x))", "-np.sum(self.log_prob(x))"),
    Fault("I-6", (EXPLICIT, "test_i6_the_score_has_mean_zero_and_its_covariance_is_the_curvature"),
          "minigen/distributions.py", "g * (x - sigmoid(logits))", "g * (x / 2 - sigmoid(logits))"),
    Fault("A-1", (AR, "test_a1_without_weights_the_pixels_are_independent"), "minigen/ar.py",
          "np.transpose(w), self.b)", "np.transpose(w), self.b + self.b)"),
    Fault("A-1", (AR, "test_a1_a_pixel_depends_on_the_n_before_it_and_on_no_other"), "minigen/ar.py",
          "np.arange(max(0, i - self.order), i)", "np.arange(max(0, i - self.order - 1), i)"),
    Fault("A-2", (GAUSSIAN, "test_a2_the_moments_of_ar1"), "minigen/gaussian_ar.py",
          "np.exp(self.log_var.astype(float))", "np.exp(self.log_var.astype(float) / 2)"),
    Fault("A-2", (GAUSSIAN, "test_a2_the_exact_likelihood_is_that_of_the_joint_gaussian"), "minigen/gaussian_ar.py",
          "covariance, dtype = self.autocovariance()[lag]", "covariance, dtype = np.eye(self.order)"),
    Fault("A-3", (GAUSSIAN, "test_a3_least_squares_are_the_conditional_maximum_likelihood"), "minigen/gaussian_ar.py",
          "np.mean(residuals**2)", "np.sum(residuals**2) / x.size"),
    Fault("A-3", (GAUSSIAN, "test_a3_yule_walker_gives_the_process_the_autocovariances_of_the_data"),
          "minigen/gaussian_ar.py", "axis=1)) / T for k", "axis=1)) / (T - k) for k"),
    Fault("A-3", (GAUSSIAN, "test_a3_a_wave_is_refused_and_a_wave_in_a_hundred_thousandth_of_noise_is_fitted"),
          "minigen/gaussian_ar.py", "variance > 1e-12 * np.var(x)", "variance > 0 * np.var(x)"),
    Fault("A-3", (GAUSSIAN, "test_a3_a_wave_is_refused_and_a_wave_in_a_hundred_thousandth_of_noise_is_fitted"),
          "minigen/gaussian_ar.py", "variance > 1e-12 * np.var(x)", "variance > 1e-6 * np.var(x)"),
    Fault("A-3", (GAUSSIAN, "test_a3_stationary_where_the_companion_matrix_shrinks"), "minigen/gaussian_ar.py",
          "np.eye(max(self.order, 1), k=-1)", "np.eye(max(self.order, 1), k=1)"),
    Fault("A-4", (GAUSSIAN, "test_a4_the_probability_integral_transforms_are_independent_and_uniform"),
          "minigen/gaussian_ar.py", "* np.exp(-self.log_var.data / 2)", "* np.exp(-self.log_var.data)"),
    Fault("A-4", (GAUSSIAN, "test_a4_the_transforms_are_those_of_the_joint_gaussian_one_value_after_the_other"),
          "minigen/gaussian_ar.py", "start = np.linalg.solve(plain(first.scale_tril), z[:, : self.order].T).T",
          "start = z[:, : self.order] / np.linalg.norm(plain(first.scale_tril), axis=1)"),
    Fault("N-1", (NADE, "test_n1_the_recursion_is_the_naive_form"), "minigen/nade.py",
          "np.square(t[on])", "np.abs(t[on])"),
    Fault("N-1", (NADE, "test_n1_the_recursion_is_the_naive_form"), "minigen/nade.py",
          "d[on], waiting[on] = d_on, 0", "d[on] = d_on"),
    Fault("N-1", (NADE, "test_n1_the_recursion_is_the_naive_form"), "minigen/nade.py",
          "        d += np.dot(waiting, V_block) * (1 - t * t)\n", ""),
    Fault("N-1", (BLOCKS, "test_n1_a_product_for_each_block_is_the_walk"), "minigen/nade_blocks.py",
          "shape=(K, K)), -1)", "shape=(K, K)))"),
    Fault("N-1", (BLOCKS, "test_n1_a_product_for_each_block_is_the_walk"), "minigen/nade_blocks.py",
          "        a += np.dot(x[:, block], W[block])\n", ""),
    Fault("N-1", (BLOCKS, "test_n1_a_product_for_each_block_is_the_walk"), "minigen/nade_blocks.py",
          " + np.dot(x_block.T, d)", ""),
    Fault("N-1", (BLOCKS, "test_n1_a_product_for_each_block_is_the_walk"), "minigen/nade_blocks.py",
          "d += d_block.sum(axis=0)", "d = d_block.sum(axis=0)"),
    Fault("N-2", (NADE, "test_n2_the_number_of_parameters"), "minigen/nade.py",
          "self.c = Parameter(np.zeros(H))", "self.c = Parameter(np.zeros((D, H)))"),
    Fault("N-3", (NADE, "test_n3_without_output_weights_the_pixels_are_independent"), "minigen/nade.py",
          "logits[i] = np.dot(t, V[i])", "logits[i] = np.dot(t, V[i] + 1)"),
    Fault("N-4", (NADE, "test_n4_a_pixel_depends_on_all_before_it_and_on_none_after"), "minigen/nade.py",
          "return logits.T + (b + V.sum(axis=1))", "return logits.T + (b + V.sum(axis=1)) + 1e-3 * x"),
    Fault("N-5", (NADE, "test_n5_the_sampler_draws_from_the_density_it_is_scored_by"), "minigen/nade.py",
          "a += x[:, pixel, None] * W[i]", "a += x[:, self.order[i - 1], None] * W[i - 1]"),
    *(Fault("N-5", (DRAWS, ONE_DRAW.format("n5", "9-33")), "minigen/nn/draws.py", old, new) for old, new in (
        (f"{OWN}\n  __syncthreads();", OWN),
        (f"{OF_PART}\n  __syncthreads();", OF_PART),
        ("M[(size_t)i * H + unit]", "M[(size_t)i * THREADS + unit]"),
        ("for (int i = 0; i < D; i++) {\n    real part", "for (int i = 0; i < D - 1; i++) {\n    real part"),
        ("for (int i = 0; i < D; i++) {\n    real part", "for (int i = 1; i < D; i++) {\n    real part"),
        ("i < k ? real(number) :", "i < k - 1 ? real(number) :"),
        ("i < k ? real(number) :", "i <= k ? real(number) :"),
        ("i < k ? real(number) :", "false ? real(number) :"),
        ("i < k ? *x : uniform", "uniform"),
        ("(size_t)(i - k) * gridDim.x + blockIdx.x", "(size_t)(i - k) * gridDim.x"),
        ("(size_t)(i - k) * gridDim.x", "(size_t)i * gridDim.x"),
        ("* D + order[i];", "* D + i;"),
        ("a[u] += value * w[u]", "a[u] += w[u]"),
        ("load(V, i + 1, D, v)", "load(V, i, D, v)"),
    )),
    Fault("N-6", (NADE, "test_n6_samples_have_the_enumerated_probabilities"), "minigen/nade.py",
          "enumerate(self.sequence)", "enumerate(np.sort(self.sequence))"),
    Fault("N-7", (NADE, "test_n7_the_conditionals_are_those_of_the_enumerated_table"), "minigen/nade.py",
          "ordered[:, np.argsort(order)]", "ordered[:, order]"),
    Fault("N-7", (NADE, "test_n7_completions_follow_the_exact_conditional"), "minigen/nade.py",
          "if i >= k:", "if i >= k - 1:"),
    Fault("N-8", (NADE, "test_n8_predictable_pixels_cost_nothing"), "minigen/nade.py",
          "bernoulli_log_prob(x, self.logits(x))",
          "bernoulli_log_prob(x, sigmoid(self.logits(x)))"),
    Fault("N-8", (SETS, "test_n8_white_and_black_are_no_chance"), "minigen/data/sets.py",
          "binarise_by_chance(levels, 255", "binarise_by_chance(levels, 256"),
    Fault("N-9", ("test_ensemble", "test_n9_an_ensemble_over_orders_averages_probabilities_and_sums_to_one"),
          "minigen/nn/functions.py", "logsumexp(x, axis=axis) - math.log(x.shape[axis])", "np.mean(x, axis=axis)"),
    Fault("R-1", (RECURRENCE, "test_r1_the_hand_written_walk_is_the_unrolled_cell"), "minigen/nn/bptt.py",
          "dc *= self.f[k]", "dc *= 1"),
    Fault("R-1", (RECURRENCE, "test_r1_gradients_equal_the_complex_step"), "minigen/nn/bptt.py",
          "np.subtract(1, h * h, out=d)", "np.subtract(1, h, out=d)"),
    Fault("R-1", (RECURRENCE, "test_r1_second_derivatives_go_through_the_reference"), "minigen/nn/cells.py",
          "n = np.tanh(xn + r * hn)", "n = np.tanh(xn + hn)"),
    # the kernels of the whole walk
    *(Fault("R-1", (WALKS, ONE_KERNEL.format("lstm")), "minigen/nn/walks.py", old, new) for old, new in (
        (f"{PRODUCT}\n      __syncthreads();", PRODUCT),
        (f"{STATES}\n    __syncthreads();", STATES),
        (f"{NO_STEP}\n      __syncthreads();", NO_STEP),
        (f"{PARTS}\n      __syncthreads();", PARTS),
        ("of_h[j] = product(kept, U + j, G, h_now);", "of_h[j] = product(kept, U + j, H, h_now);"),
        ("for (int t = 0; t < T; t++)", "for (int t = 0; t < T - 1; t++)"),
        ("for (int t = T - 1; t >= 0; t--)", "for (int t = T - 1; t > 0; t--)"),
        ("dc += dh * o * (1 - tanh_c * tanh_c);", "dc += dh * o * (1 - h_next * h_next);"),
        ("if (t && t % truncate == 0)", "if (t % truncate == 0)"),
        ("const bool runs = !mask || mask[row];", "const bool runs = true;"),
    )),
    Fault("R-1", (WALKS, ONE_KERNEL.format("rnn")), "minigen/nn/walks.py",
          "dh * (1 - h_next * h_next)", "dh * (1 - h * h)"),
    Fault("R-1", (WALKS, ONE_KERNEL.format("gru")), "minigen/nn/walks.py",
          "d_of_h[2 * H] = d[2 * H] * r;", "d_of_h[2 * H] = d[2 * H];"),
    *(Fault("R-6", (DRAWS, ONE_DRAW.format("r6", LAYERS)), "minigen/nn/draws.py", old, new) for old, new in (
        (f"{BEGUN}\n  __syncthreads();", BEGUN),
        (f"{OF_GATES}\n      __syncthreads();", OF_GATES),
        (f"{STEPPED}\n      __syncthreads();", STEPPED),
        ("[(1 + q) * G + j]", "[q * G + j]"),
        ("W + j, G, h + (l - 1) * H)", "W + j, G, h + l * H)"),
        ("h[l * H + j] = start[j];", "h[l * H + j] = start[(STATES - 1) * H + j];"),
        ("before * W[j]", "W[j]"),
        ("before = pixel(", "pixel("),
    )),
    Fault("R-2", (RECURRENCE, "test_r2_an_lstm_that_forgets_nothing_and_takes_nothing_in_carries_its_cell"),
          "minigen/nn/bptt.py", "c += i * g", "c += g"),
    Fault("R-2", (RECURRENCE, "test_r2_the_gradient_along_the_cell_is_the_product_of_the_forget_gates"),
          "minigen/nn/bptt.py", "dc *= self.f[k]", "dc *= 1"),
    Fault("R-2",
          (PIXELRNN, "test_r2_an_untrained_lstm_over_a_map_keeps_its_cell_by_the_bias_of_its_forget_gate"),
          "minigen/nn/maps.py", "[0.0, 0.0, 1.0, 0.0]", "[0.0, 1.0, 0.0, 0.0]"),
    Fault("R-2", (PIXELRNN, "test_r2_at_first_the_states_that_a_gate_reads_enter_as_one_state_would"),
          "minigen/nn/maps.py", "orthogonal((H, H), rng=rng) / np.sqrt(neighbours)", "orthogonal((H, H), rng=rng)"),
    Fault("R-3", ("minigen/nn/test_conv", "test_a_masked_convolution_sees_its_window_before_the_place"),
          "minigen/nn/maps.py",
          '(tap == self.centre and self.mask == "B")', "tap == self.centre"),
    Fault("R-3", (PIXELRNN, "test_r3_each_pixel_depends_on_exactly_the_predicted_ones"), "minigen/nn/maps.py",
          "np.pad(from_right, [(0, 0), (1, 0), (0, 0), (0, 0)])[:, :-1]", "from_right"),
    Fault("R-3", (PIXELRNN, "test_r3_raster_and_diagonal_see_all_that_came_before"), "minigen/pixelrnn.py",
          'int(variant == "diagonal")', "0"),
    Fault("R-3", (PIXELRNN, "test_r3_the_row_lstm_sees_a_triangle_and_the_cnn_is_blind_to_the_upper_right"),
          "minigen/nn/maps.py", "neighbours=(-1, 1)", "neighbours=(-1, -1)"),
    Fault("R-4", (PIXELRNN, "test_r4_skew_is_undone_exactly_and_makes_columns_of_diagonals"), "minigen/nn/maps.py",
          "flat.reshape(B, n, width + 1, C)[:, :, : width + 1 - n]", "x[:, :, : width + 1 - n]"),
    Fault("R-5", (PIXELRNN, "test_r5_the_512_images_of_3_by_3_pixels_sum_to_one"), "minigen/pixelrnn.py",
          'mask="A", rng=rng)', 'mask="B", rng=rng)'),
    Fault("R-5", (PIXELRNN, "test_r5_grey_levels_sum_to_one"), "minigen/pixelrnn.py",
          "else maps.reshape(-1, self.D, self.levels)",
          "else maps.reshape(-1, self.D, self.levels) + x[..., None] * np.arange(self.levels)"),
    Fault("R-5", (SETS, "test_r5_each_shade_of_grey_covers_as_many_levels"), "minigen/data/sets.py",
          "* levels // (most + 1)", "* (levels - 1) // most"),
    Fault("R-6", (PIXELRNN, "test_r6_the_sampler_draws_from_the_density_it_is_scored_by"), "minigen/nn/maps.py",
          'state["left"] = value', 'state["left"] = state["left"]'),
    Fault("R-6", (PIXELRNN, "test_r6_completions_keep_what_was_given_and_follow_the_density"), "minigen/pixelrnn.py",
          "if p >= k:", "if p >= k - 1:"),
    Fault("R-5", (CHARRNN, "test_r5_the_probabilities_of_all_texts_sum_to_one"), "minigen/charrnn.py",
          "logits, state = self.logits(now, state)", "logits, state = self.logits(following, state)"),
    Fault("R-6", (CHARRNN, "test_r6_writing_reads_every_character_with_the_state_that_scoring_has"),
          "minigen/charrnn.py", "self.recurrent(one_hot, state)", "self.recurrent(one_hot, None)"),
    Fault("R-6", (CHARRNN, "test_r6_written_texts_have_the_probabilities_of_scoring"), "minigen/charrnn.py",
          "plain(logits)[-1, 0] / temperature", "plain(logits)[0, 0] / temperature"),
    Fault("R-6", (CHARRNN, "test_r6_written_texts_have_the_probabilities_of_scoring"), "minigen/charrnn.py",
          "self.logits(np.array([[written[-1]]]), state)", "self.logits(np.array([[written[-1]]]))"),
    Fault("R-1", (CHARRNN, "test_a_step_goes_on_from_the_state_of_the_step_before_as_a_constant"), "minigen/charrnn.py",
          "self.model.log_prob(*batch, self.text_state)", "self.model.log_prob(*batch)"),
    Fault("R-1", (CHARRNN, "test_fit_reads_a_text_piece_after_piece_and_learns_it"), "minigen/charrnn.py",
          "now, following = codes[: length * count], codes[1 : length * count + 1]",
          "now, following = codes[: length * count], codes[: length * count]"),
    Fault("V-1", (DISTRIBUTIONS, "test_v1_the_divergence_of_gaussians_is_its_integral_and_the_mean_over_their_samples"),
          "minigen/distributions.py", "np.exp(0.5 * self.log_var) * noise", "np.exp(self.log_var) * noise"),
    Fault("V-1", (DISTRIBUTIONS, "test_v1_the_divergence_is_positive_zero_at_equality_and_not_symmetric"),
          "minigen/distributions.py", "(self.mean - other.mean) * np.exp(-0.5 * other.log_var)", "0 * self.mean"),
    Fault("V-1", (DISTRIBUTIONS, "test_v1_the_divergences_of_a_batch_of_discrete_variables_are_scipys_one_by_one"),
          "minigen/distributions.py", "log_softmax(other.logits, axis=-1)", "log_softmax(other.logits, axis=0)"),
    Fault("V-2", (DISTRIBUTIONS, "test_v2_densities_integrate_to_one_in_two_dimensions"), "minigen/distributions.py",
          "z.shape[-1] * LOG_TWO_PI", "z.shape[-1] ** 2 * LOG_TWO_PI"),
    Fault("V-2", (DISTRIBUTIONS, "test_v2_densities_integrate_to_one_in_two_dimensions"), "minigen/distributions.py",
          "return logsumexp(log_softmax(self.logits, axis=-1)", "return logsumexp(log_softmax(self.logits, axis=0)"),
    Fault("V-2", (DISTRIBUTIONS, "test_v2_each_mixture_of_a_batch_is_drawn_by_its_own_weights"),
          "minigen/distributions.py", "np.broadcast_to(plain(self.logits), (",
          "np.broadcast_to(plain(self.logits).reshape(-1, np.shape(self.logits)[-1])[0], ("),
    Fault("V-3", (VAE, "test_v3_the_evidence_is_the_elbo_and_the_divergence_from_the_posterior_over_a_discrete_z"),
          "minigen/vae.py", "q.kl_divergence(p))", "p.kl_divergence(q))"),
    Fault("V-3", (VAE, "test_v3_the_evidence_is_the_elbo_and_the_divergence_from_the_posterior_in_the_plane"),
          "minigen/distributions.py", "sigma = np.exp(0.5 * log_var)", "sigma = np.exp(log_var)"),
    Fault("V-4", (VAE, "test_v4_the_two_forms_of_the_elbo_agree_over_a_discrete_z"), "minigen/vae.py",
          "lambda z: q.log_prob(z) - p.log_prob(z)", "lambda z: -p.log_prob(z)"),
    Fault("V-4", (VAE, "test_v4_the_two_forms_of_the_elbo_agree_in_the_plane"), "minigen/vae.py",
          "self.decoder(z).log_prob(x) + self.prior.distribution().log_prob(z)", "self.decoder(z).log_prob(x)"),
    Fault("V-5", (PPCA, "test_v5_its_density_is_scipys"), "minigen/analysis/ppca.py",
          "(self.D - self.d) * self.log_var", "self.D * self.log_var"),
    Fault("V-5", (PPCA, "test_v5_with_the_exact_posterior_every_weight_is_the_evidence"), "minigen/analysis/ppca.py",
          "-self.mean.data @ weight[:, :d]", "0"),
    Fault("V-5", (PPCA, "test_v5_the_gap_of_the_best_diagonal_posterior"), "minigen/analysis/ppca.py",
          "np.log(variance / np.diagonal(M))", "np.log(variance * np.diagonal(np.linalg.inv(M)))"),
    Fault("V-5", (PPCA, "test_v5_the_closed_form_is_the_maximum_of_the_likelihood"), "minigen/analysis/ppca.py",
          "values[self.d :].mean()", "values[self.d :].sum() / self.D"),
    Fault("V-5", (PPCA, "test_v5_little_noise_is_fitted_and_none_is_refused"), "minigen/analysis/ppca.py",
          "self.D * np.finfo(float).eps * values[0]", "1e-3 * values[0]"),
    Fault("V-5", (PPCA, "test_v5_the_encoder_has_the_whole_posterior_of_four_latent_numbers"), "minigen/encoders.py",
          "row * (row - 1) // 2 + column", "row * (row - 1) // 2 + row - 1 - column"),
    Fault("V-5", (PPCA, "test_v5_training_on_the_elbo_finds_the_principal_components"), "minigen/distributions.py",
          "np.sum(self.base.kl_divergence(other.base), axis=-1)",
          "np.mean(self.base.kl_divergence(other.base), axis=-1)"),
    Fault("V-5", (PPCA, "test_v5_components_with_no_more_variance_than_the_noise_collapse"), "minigen/vae.py",
          "model.encode(images).var(axis=0)", "model.encode(images).std(axis=0)"),
    Fault("V-6", (VAE, "test_v6_the_reparameterised_gradient_of_a_square_is_that_of_its_closed_form"), "minigen/vae.py",
          "np.mean(f(z), axis=-2)", "np.mean(f(plain(z) + 0 * z), axis=-2)"),
    Fault("V-6", (VAE, "test_v6_the_score_function_has_the_same_mean_and_a_larger_variance"), "minigen/vae.py",
          "value + plain(value) * (log_q", "value - plain(value) * (log_q"),
    Fault("V-6", (VAE, "test_v6_the_score_function_needs_no_derivative_by_z"), "minigen/vae.py",
          "value + plain(value) * (log_q", "plain(value) + plain(value) * (log_q"),
    Fault("V-7", (VAE, "test_v7_the_bounds_rise_with_the_number_of_draws"), "minigen/nn/functions.py",
          "logsumexp(x, axis=axis) - math.log(x.shape[axis])", "np.mean(x, axis=axis)"),
    Fault("V-7", (VAE, "test_v7_the_gradient_weighs_each_draw_by_its_share"), "minigen/vae.py",
          'log_mean_exp(self.log_weights(self.checked(x), whole(k, 1, "k"), rng=rng), axis=0)',
          "(lambda l: np.sum(plain(np.exp(-l) / np.sum(np.exp(-l), axis=0)) * l, axis=0))("
          "self.log_weights(self.checked(x), k, rng=rng))"),
    Fault("V-7", (VAE, "test_v7_the_gradient_weighs_each_draw_by_its_share"), "minigen/vae.py",
          'log_mean_exp(self.log_weights(self.checked(x), whole(k, 1, "k"), rng=rng), axis=0)',
          "(lambda l: np.sum(np.exp(l) / np.sum(np.exp(l), axis=0) * l, axis=0))("
          "self.log_weights(self.checked(x), k, rng=rng))"),
    Fault("V-7", (VAE, "test_v7_importance_sampling_finds_the_evidence_with_an_error_that_holds"), "minigen/vae.py",
          "error / mean", "np.sqrt(k) * error / mean"),
    Fault("V-7", (VAE, "test_v7_the_error_of_two_weights_is_that_of_their_mean"), "minigen/divergences.py",
          "values.std(ddof=1)", "values.std()"),
    Fault("V-7", (AIS, "test_v7_annealing_finds_the_evidence_where_draws_of_q_miss_it"), "minigen/analysis/ais.py",
          "        log_w += (after - before) * _log_likelihood(model, x, z)\n"
          "        z, _ = move(partial(log_density, model, x, beta=after), z, size, rng=rng)\n",
          "        z, _ = move(partial(log_density, model, x, beta=after), z, size, rng=rng)\n"
          "        log_w += (after - before) * _log_likelihood(model, x, z)\n"),
    Fault("V-7", (AIS, "test_v7_annealing_finds_the_density_of_probabilistic_pca"), "minigen/analysis/ais.py",
          "beta * model.decoder(z).log_prob(x)", "model.decoder(z).log_prob(x)"),
    Fault("V-7", (AIS, "test_v7_a_hamiltonian_step_keeps_its_density"), "minigen/analysis/ais.py",
          "rng.random(probability.shape) < probability", "probability > 0"),
    Fault("V-7", (AIS, "test_v7_the_bounds_of_the_models_own_images_enclose_the_truth"), "minigen/analysis/ais.py",
          "np.repeat(z[None], chains, axis=0)", "_start(model, x, chains, rng)"),
    Fault("V-8", (SURGERY, "test_v8_the_prior_fitting_is_information_and_the_divergence_of_the_aggregate"),
          "minigen/distributions.py", "shift * shift - 0.5 * (1 + difference)", "shift * shift - 0.5 * difference"),
    Fault("V-8", (SURGERY, "test_v8_the_three_terms_are_estimated_with_errors_that_hold"),
          "minigen/analysis/surgery.py",
          "in_blocks(everyone.log_prob,", "in_blocks(lambda z: plain(q.log_prob(z[:, None])).mean(axis=1),"),
    Fault("V-8", (SURGERY, "test_v8_the_information_lies_between_none_and_all"), "minigen/analysis/surgery.py",
          "log_q_given_x - log_q, log_q - log_p", "log_q_given_x - log_q - np.log(N), log_q + np.log(N) - log_p"),
    Fault("V-8", (SURGERY, "test_v8_the_squared_error_is_on_average_the_variance_of_the_estimate"),
          "minigen/analysis/surgery.py", "ddof=1", "ddof=0"),
    Fault("U-1", (USES, "test_u1_posteriors_sum_to_one"), "minigen/uses.py",
          "log_joint - logsumexp(log_joint, axis=1, keepdims=True)", "log_joint - np.max(log_joint, axis=1)[:, None]"),
    Fault("U-1", (USES, "test_u1_the_log_odds_of_independent_pixels_are_linear"), "minigen/uses.py",
          "for model in self.models]", "for model in self.models[::-1]]"),
    Fault("U-1", (USES, "test_u1_no_rule_errs_less_often_than_bayes"), "minigen/uses.py",
          ".argmax(axis=1)", ".argmin(axis=1)"),
    Fault("U-1", (USES, "test_u1_a_classifier_draws_from_the_mixture_that_it_is"), "minigen/uses.py",
          "rng.choice(len(self.models), n, p=np.exp(self.log_prior))", "rng.choice(len(self.models), n)"),
    Fault("U-1", (LATENT, "test_u1_the_chain_arrives_at_the_posterior_of_all_z"), "minigen/analysis/latent.py",
          "np.log(backend.beside(rng.random(n), x)) < new - old", "backend.beside(rng.random(n), x) < 2"),
    Fault("U-1", (LATENT, "test_u1_the_chain_arrives_at_the_posterior_of_all_z"), "minigen/analysis/latent.py",
          "model.log_weight(x, np.stack([proposed, z]), q)", "model.log_joint(x, np.stack([proposed, z]))"),
    Fault("U-1", (LATENT, "test_u1_draws_of_the_prior_are_weighed_by_what_is_seen[aae]"), "minigen/analysis/latent.py",
          "plain(each) * known", "plain(each)"),
    Fault("U-1", (LATENT, "test_u1_draws_of_the_prior_are_weighed_by_what_is_seen[aae]"), "minigen/analysis/latent.py",
          "rng.choice(len(codes), p=row)", "rng.choice(len(codes))"),
    Fault("U-1", (GIVEN, "test_u1_the_rule_makes_the_images_of_a_data_set_again"), "minigen/data/sets.py",
          "binarise(ink, self.threshold / self.white)", "binarise(ink, 0.5)"),
    Fault("U-1", (SAMPLE, "test_u1_a_score_is_the_log_probability_to_the_last_bit"), "demos/sample.py",
          "1 / np.log(2) / model.D", "1 / np.log(2)"),
    Fault("U-1", (USES, "test_u1_the_estimates_are_means_over_the_second_half_of_the_sweeps"), "minigen/uses.py",
          "kept = sweeps - sweeps // 2", "kept = sweeps"),
    Fault("U-1", (SETS, "test_u1_a_label_stays_beside_its_image"), "minigen/data/sets.py",
          "part(*(a[cut:] for a in others))", "part(others[0][cut:], others[1][: len(others[0]) - cut])"),
    Fault("U-2", (USES, "test_u2_auc_is_the_mann_whitney_statistic_with_ties_one_half"), "minigen/uses.py",
          "np.trapezoid(detections, false_alarms)", "np.sum(detections[1:] * np.diff(false_alarms))"),
    Fault("U-2", (USES, "test_u2_conformal_p_values_are_super_uniform"), "minigen/uses.py",
          "(1 + at_least) / (1 + len(ordered))", "at_least / len(ordered)"),
    Fault("U-2", (USES, "test_u2_the_law_of_the_share_of_false_alarms_is_that_of_all_orders"), "minigen/uses.py",
          "law = betabinom(m, a, n + 1 - a)", "law = betabinom(m, 1e9 * a, 1e9 * (n + 1 - a))"),
    Fault("AA-1", (AAE, "test_aa1_each_step_changes_its_own_part_and_all_of_it"), "minigen/aae.py",
          "self.deceive = Adam(model.autoencoder.encoder,", "self.deceive = Adam(model,"),
    Fault("AA-1", (AAE, "test_aa1_with_some_labels_the_fourth_step_changes_the_encoder_alone"), "minigen/aae.py",
          "self.supervise = Adam(model.autoencoder.encoder,", "self.supervise = Adam(model,"),
    Fault("AA-1", (AAE, "test_aa1_a_step_of_training_is_these_one_after_the_other"), "minigen/aae.py",
          "Move(self.discriminate, model.discriminator_loss(x, labels, rng=rng)",
          "Move(self.deceive, model.adversarial_loss(x, labels, rng=rng)"),
    Fault("AA-2", (AAE, "test_aa2_where_the_codes_have_the_prior_no_discriminator_beats_log_4"), "minigen/gan.py",
          "real)) + np.mean(bernoulli_log_prob(0, fake))", "real)) + np.mean(bernoulli_log_prob(1, real))"),
    Fault("AA-2", (AAE, "test_aa2_shifted_by_delta_the_loss_falls_short_of_log_4_by_twice_the_jsd"), "minigen/gan.py",
          "real)) + np.mean(bernoulli_log_prob(0, fake))", "real)) + np.mean(bernoulli_log_prob(1, fake))"),
    Fault("AA-2", (AAE, "test_aa2_the_encoder_goes_back_to_the_prior"), "minigen/gan.py",
          "return -np.mean(bernoulli_log_prob(1, fake))", "return -np.mean(bernoulli_log_prob(0, fake))"),
    Fault("AA-2", (AAE, "test_aa2_each_draw_is_from_the_part_of_its_own_label"), "minigen/aae.py",
          "sample_given(told[known], rng=rng)", "sample_given(told[known][::-1], rng=rng)"),
    Fault("AA-2", (AAE, "test_aa2_semi_supervised_images_are_made_of_uniform_classes_and_styles_of_the_prior"),
          "minigen/aae.py", "y = one_hot(rng.integers(self.classes, size=n)", "y = one_hot(np.zeros(n, int)"),
    Fault("AA-2", (AAE, "test_aa2_semi_supervised_images_are_made_of_uniform_classes_and_styles_of_the_prior"),
          "minigen/aae.py", "lambda rng: one_hot(rng.integers(self.classes, size=n)",
          "lambda rng: one_hot(np.zeros(n, int)"),
    Fault("AA-2", (AAE, "test_aa2_semi_supervised_images_are_made_of_uniform_classes_and_styles_of_the_prior"),
          "minigen/aae.py", "np.concatenate([y, self.prior.sample(n, rng=rng)]",
          "np.concatenate([y, 0 * self.prior.sample(n, rng=rng)]"),
    Fault("AA-2", (AAE, "test_aa2_semi_supervised_images_are_made_of_uniform_classes_and_styles_of_the_prior"),
          "minigen/aae.py", "drawn(lambda rng: self.prior.sample(n, rng=rng)",
          "drawn(lambda rng: 0 * self.prior.sample(n, rng=rng)"),
    Fault("AA-2", (AAE, "test_aa2_semi_supervised_images_are_made_of_uniform_classes_and_styles_of_the_prior"),
          "minigen/aae.py", "np.concatenate([one_hot(labels, self.classes), z]",
          "np.concatenate([one_hot(labels, self.classes)[:, ::-1], z]"),
    Fault("AA-2", (AAE, "test_aa2_images_are_made_of_draws_of_the_prior"), "minigen/aae.py",
          "code = self.placed(self.prior_code(n, rng=rng))",
          "code = self.placed(self.prior_code(1, rng=rng).repeat(n, axis=0))"),
    Fault("AA-2", (AAE, "test_aa2_images_are_made_of_draws_of_the_prior"), "minigen/aae.py",
          "code = self.placed(self.prior_code(n, rng=rng))", "code = self.placed(0 * self.prior_code(n, rng=rng))"),
    Fault("AA-3", (AAE, "test_aa3_what_the_discriminator_says_depends_on_the_code_alone"), "minigen/aae.py",
          "self.logits(self.code(x, rng=rng), labels)", "self.logits(self.code(x, rng=rng) + x[:, :1], labels)"),
    Fault("AA-3", (AAE, "test_aa3_the_discriminator_reads_as_many_numbers_as_the_code_has"), "minigen/aae.py",
          "one_hot(told + 1, self.classes + 1)", "one_hot(told, self.classes)"),
    Fault("AA-3", (AAE, "test_aa3_a_label_stands_beside_its_code_and_beside_its_draw"), "minigen/aae.py",
          "fake=self.logits(codes, labels)", "fake=self.logits(codes)"),
    Fault("AA-3", (AAE, "test_aa3_a_label_stands_beside_its_code_and_beside_its_draw"), "minigen/aae.py",
          "self.draws(len(codes), labels, rng=rng), labels)", "self.draws(len(codes), labels, rng=rng))"),
    Fault("AA-3", (AAE, "test_aa3_a_label_stands_beside_its_code_and_beside_its_draw"), "minigen/aae.py",
          "self.logits(self.code(x, rng=rng), labels)", "self.logits(self.code(x, rng=rng))"),
    Fault("AA-3", (AAE, "test_aa3_nor_do_the_two_of_the_semi_supervised_form_see_more"), "minigen/aae.py",
          "non_saturating_loss(self.discriminator.of_z(z))", "non_saturating_loss(self.discriminator.of_y(y))"),
    Fault("N-1", (NADE, "test_n1_the_recursion_is_the_naive_form"), "minigen/nade.py",
          "d.sum(axis=0) if c.ndim == 1 else d", "d.sum(axis=0)"),
    Fault("N-1", (BLOCKS, "test_n1_a_product_for_each_block_is_the_walk"), "minigen/nade_blocks.py",
          "d.sum(axis=0) if c.ndim == 1 else d", "d.sum(axis=0)"),
    Fault("C-1", (CONDITIONAL, "test_c1_each_label_has_probabilities_that_sum_to_one"), "minigen/conditional.py",
          "e, parameters = self.encoded(y)", "e, parameters = self.encoded(0 * np.asarray(y))"),
    Fault("C-1", (CONDITIONAL, "test_c1_a_label_is_a_row_of_each_table_and_nothing_else"), "minigen/conditional.py",
          ".data[int(y)]", ".data[int(y) - 1]"),
    Fault("C-1", (CONDITIONAL, "test_c1_every_image_of_a_batch_has_its_own_label"), "minigen/conditional.py",
          "np.dot(e, parameters[name])", "np.dot(np.roll(e, 1, axis=0), parameters[name])"),
    Fault("C-1", (CONDITIONAL, "test_c1_every_image_of_a_batch_has_its_own_label[row]"), "minigen/nn/maps.py",
          "np.broadcast_to(s, (L, B, self.H)).reshape", "np.broadcast_to(s[..., :1, :], (L, B, self.H)).reshape"),
    Fault("C-1", (CONDITIONAL, "test_c1_the_sampler_draws_from_the_density_it_is_scored_by"), "minigen/nn/maps.py",
          "s.data.reshape(-1, 1, 1, self.H)", "s.data.reshape(-1, 1, 1, self.H)[:1]"),
    Fault("C-1", (CONDITIONAL, "test_c1_draws_of_a_label_have_its_enumerated_probabilities"), "minigen/conditional.py",
          "np.array_split(labels,", "np.array_split(np.sort(labels),"),
    Fault("C-2", (CONDITIONAL, "test_c2_the_mixture_and_the_posterior_are_those_of_the_enumerated_joint"),
          "minigen/uses.py", "axis=1) + self.log_prior", "axis=1) - np.log(len(self.models))"),
    Fault("C-2", (CONDITIONAL, "test_c2_without_a_label_the_draws_are_those_of_the_mixture"), "minigen/conditional.py",
          "y = rng.choice(self.classes, size=n, p=p / p.sum())", "y = rng.choice(self.classes, size=n)"),
    Fault("C-3", (CONDITIONAL, "test_c3_the_evidence_of_a_label_is_the_elbo_and_the_divergence_from_its_posterior"),
          "minigen/conditional.py", "(turns, n, classes))", "(turns, n, classes)) ** (x.shape[-1] > 2)"),
    Fault("C-3", (CONDITIONAL, "test_c3_the_evidence_of_a_label_is_the_elbo_and_the_divergence_from_its_posterior"),
          "minigen/conditional.py", "(turns, n, classes))", "(turns, n, classes)) * (x.shape[-1] < 3)"),
    Fault("C-3", (CONDITIONAL, "test_c3_by_hand_both_networks_read_the_label"), "minigen/conditional.py",
          "(turns, n, classes))", "(turns, n, classes)) * (x.shape[-1] < 3)"),
    Fault("C-3", (CONDITIONAL, "test_c3_draws_of_a_label_have_its_probabilities"), "minigen/conditional.py",
          "np.array_split(labels,", "np.array_split(np.sort(labels),"),
    Fault("C-4", (CONDITIONAL, "test_c4_real_images_and_fakes_have_the_same_labels_row_by_row"),
          "minigen/conditional.py", "(turns, n, classes))", "(turns, n, classes))[:: -1 if turns > 1 else 1, ::-1]"),
    Fault("C-4", (CONDITIONAL, "test_c4_real_images_and_fakes_have_the_same_labels_row_by_row"),
          "minigen/conditional.py", *OTHER_LABELS),
    Fault("C-4", (CONDITIONAL, "test_c4_the_losses_are_those_by_hand"),
          "minigen/conditional.py", *OTHER_LABELS),
    Fault("C-4", (CONDITIONAL, "test_c4_a_label_decides_what_is_generated"),
          "minigen/conditional.py", *OTHER_LABELS),
    Fault("G-1", (DIVERGENCES, "test_g1_the_optimal_discriminator_is_the_share_of_the_data"), "minigen/divergences.py",
          "p_data / np.where(total == 0, 1, total)", "p_G / np.where(total == 0, 1, total)"),
    Fault("G-1", (DIVERGENCES, "test_g1_it_is_the_one_maximum_of_the_value_over_free_logits"), "minigen/divergences.py",
          "_weighted(p_G, bernoulli_log_prob(0, logits))", "_weighted(p_G, bernoulli_log_prob(1, logits))"),
    Fault("G-1", (DIVERGENCES, "test_g1_between_gaussians_of_one_covariance_its_logit_is_linear"),
          "minigen/divergences.py", "p_data / np.where(total == 0, 1, total)", "p_G / np.where(total == 0, 1, total)"),
    Fault("G-1", (GAN, "test_g1_the_best_logits_of_a_batch_are_those_of_its_table"), "minigen/gan.py",
          "real)) + np.mean(bernoulli_log_prob(0, fake))", "real)) + np.mean(bernoulli_log_prob(1, fake))"),
    Fault("G-2", (DIVERGENCES, "test_g2_the_value_at_the_optimum_is_twice_the_jsd_less_log_4"),
          "minigen/divergences.py", "m = 0.5 * (p + q)", "m = p + q"),
    Fault("G-2", (DIVERGENCES, "test_g2_the_value_at_the_optimum_is_twice_the_jsd_less_log_4"),
          "minigen/divergences.py", "rel_entr(p_G, p_data + p_G))", "rel_entr(p_G, p_G + p_G))"),
    Fault("G-2", (DIVERGENCES, "test_g2_so_it_is_for_densities_on_the_line"), "minigen/divergences.py",
          "m = 0.5 * (p + q)", "m = p + q"),
    Fault("G-2", (GAN, "test_g2_the_best_discriminator_of_a_batch_loses_log_4_less_twice_the_jsd"), "minigen/gan.py",
          "real)) + np.mean(bernoulli_log_prob(0, fake))", "real)) + np.mean(bernoulli_log_prob(1, fake))"),
    Fault("G-3", (DIVERGENCES, "test_g3_the_least_value_is_that_of_equality_alone"), "minigen/divergences.py",
          "rel_entr(p_data, p_data + p_G) + rel_entr(p_G, p_data + p_G)", "rel_entr(p_data, p_data + p_G)"),
    Fault("G-3", (DIVERGENCES, "test_g3_the_least_value_is_that_of_equality_alone"), "minigen/divergences.py",
          "rel_entr(p_data, p_data + p_G) + rel_entr(p_G, p_data + p_G)",
          "rel_entr(p_data, p_data + p_G) + rel_entr(p_data, p_data + p_G)"),
    Fault("G-3", (DIVERGENCES, "test_g3_a_generator_that_descends_on_it_becomes_the_data"), "minigen/divergences.py",
          "rel_entr(p_data, p_data + p_G) + rel_entr(p_G, p_data + p_G)", "rel_entr(p_data, p_data + p_G)"),
    Fault("G-3", (DIVERGENCES, "test_g3_supports_that_share_no_state_give_0"), "minigen/divergences.py",
          "rel_entr(p_data, p_data + p_G) + rel_entr(p_G, p_data + p_G)",
          "rel_entr(p_data, (p_data + p_G) / 2) + rel_entr(p_G, (p_data + p_G) / 2)"),
    Fault("G-4", (DIVERGENCES, "test_g4_the_jsd_is_the_square_of_a_distance_and_at_most_log_2"),
          "minigen/divergences.py", "0.5 * kl_divergence(p, m) + 0.5 * kl_divergence(q, m)", "kl_divergence(p, m)"),
    Fault("G-4", (DIVERGENCES, "test_g4_the_jsd_is_what_a_state_tells_of_its_label"), "minigen/divergences.py",
          "0.5 * kl_divergence(p, m) + 0.5 * kl_divergence(q, m)", "kl_divergence(p, m)"),
    Fault("G-4", (DIVERGENCES, "test_g4_the_jsd_is_what_a_state_tells_of_its_label"), "minigen/divergences.py",
          "h(a + z) + h(b + z)", "h(a + z) + h(a + z)"),
    Fault("G-5", (DIVERGENCES, "test_g5_the_generators_gradient_at_the_optimal_discriminator"),
          "minigen/divergences.py", "p_data / np.where(total == 0, 1, total)", "p_G / np.where(total == 0, 1, total)"),
    Fault("G-5", (DIVERGENCES, "test_g5_the_generators_gradient_at_the_optimal_discriminator"),
          "minigen/divergences.py", "m = 0.5 * (p + q)", "m = np.sqrt(p * q)"),
    Fault("G-5", (GAN, "test_g5_in_logits_the_two_losses_pull_by_d_and_by_1_less_d"), "minigen/gan.py",
          "return np.mean(bernoulli_log_prob(0, fake))", "return -np.mean(bernoulli_log_prob(0, fake))"),
    Fault("G-5", (GAN, "test_g5_in_logits_the_two_losses_pull_by_d_and_by_1_less_d"), "minigen/gan.py",
          "return -np.mean(bernoulli_log_prob(1, fake))", "return np.mean(bernoulli_log_prob(0, fake))"),
    Fault("G-5", (GAN, "test_g5_through_the_optimal_critic_the_generator_descends_on_divergences"), "minigen/gan.py",
          "return np.mean(bernoulli_log_prob(0, fake))", "return -np.mean(bernoulli_log_prob(0, fake))"),
    Fault("G-5", (GAN, "test_g5_through_the_optimal_critic_the_generator_descends_on_divergences"), "minigen/gan.py",
          "return -np.mean(bernoulli_log_prob(1, fake))", "return np.mean(bernoulli_log_prob(0, fake))"),
    Fault("G-6", (PENALTIES, "test_g6_the_gradient_penalty_of_a_linear_critic"), "minigen/penalties.py",
          "fake), axis=1)", "fake), axis=0)"),
    Fault("G-6", (PENALTIES, "test_g6_the_gradient_penalty_of_a_linear_critic"), "minigen/penalties.py",
          ".reshape(len(x), -1)", ".reshape(-1, x.shape[-1])"),
    Fault("G-6", (PENALTIES, "test_g6_the_gradient_penalty_of_a_linear_critic"), "minigen/penalties.py",
          "create_graph=True)", "create_graph=False)"),
    Fault("G-6", (PENALTIES, "test_g6_r1_of_a_linear_critic"), "minigen/penalties.py",
          "np.mean(np.sum(slopes(critic, real) ** 2, axis=1))", "np.mean(slopes(critic, real) ** 2)"),
    Fault("G-6", (PENALTIES, "test_g6_each_image_has_its_own_slope_and_norm"), "minigen/penalties.py",
          "fake), axis=1)", "fake), axis=0)"),
    Fault("G-6", (PENALTIES, "test_g6_x_hat_is_a_random_place_between_an_image_and_a_fake"), "minigen/penalties.py",
          "(len(real), *[1] * (real.ndim - 1))", "real.shape"),
    Fault("G-6", (PENALTIES, "test_g6_where_the_slope_is_0_value_and_gradient_are_finite"), "minigen/penalties.py",
          "norm = np.linalg.norm(slopes(critic, u * real + (1 - u) * fake), axis=1)",
          "norm = np.sqrt(np.sum(slopes(critic, u * real + (1 - u) * fake) ** 2, axis=1))"),
    Fault("G-6", (PENALTIES, "test_g6_so_they_are_where_every_unit_is_dead"), "minigen/penalties.py",
          "norm = np.linalg.norm(slopes(critic, u * real + (1 - u) * fake), axis=1)",
          "norm = np.sqrt(np.sum(slopes(critic, u * real + (1 - u) * fake) ** 2, axis=1))"),
    Fault("G-6", (PENALTIES, "test_g6_second_derivatives_reach_every_weight"), "minigen/penalties.py",
          "create_graph=True)", "create_graph=False)"),
    Fault("G-6", (PENALTIES, "test_g6_so_it_is_for_a_discriminator_of_convolutions"), "minigen/penalties.py",
          "create_graph=True)", "create_graph=False)"),
    Fault("G-6", (PENALTIES, "test_g6_the_whole_loss_of_a_discriminator_is_differentiated"), "minigen/penalties.py",
          "create_graph=True)", "create_graph=False)"),
    Fault("G-6", (PENALTIES, "test_g6_descent_on_the_penalty_ends_at_a_slope_of_1"), "minigen/penalties.py",
          "create_graph=True)", "create_graph=False)"),
    Fault("G-7", (GAN, "test_g7_both_gradients_are_those_of_the_losses_by_hand"), "minigen/gan.py",
          "self.objective.generator(self.discriminator(fake))",
          "self.objective.generator(self.discriminator(plain(fake)))"),
    Fault("G-7", (GAN, "test_g7_both_gradients_are_those_of_the_losses_by_hand"), "minigen/gan.py",
          "return -np.mean(fake)", "return np.mean(fake)"),
    Fault("G-7", (GAN, "test_g7_a_small_step_lowers_a_players_own_loss"), "minigen/gan.py",
          "self.objective.generator(self.discriminator(fake))", "-self.objective.generator(self.discriminator(fake))"),
    Fault("G-7", (GAN, "test_g7_each_step_changes_its_own_network_and_all_of_it"), "minigen/gan.py",
          "self.generator = Adam(gan.generator,", "self.generator = Adam(gan,"),
    Fault("G-7", (GAN, "test_g7_who_moves_when"), "minigen/gan.py",
          AT_ONCE, IN_TURN),
    Fault("G-7", (GAN, "test_g7_on_the_smallest_of_games_the_order_turns_the_generator_around"), "minigen/gan.py",
          AT_ONCE, IN_TURN),
    Fault("G-8", (DIVERGENCES, "test_g8_the_wasserstein_distance_is_scipys"), "minigen/divergences.py",
          "np.abs(np.sort(x) - np.sort(y))", "np.abs(x - y)"),
    Fault("G-8", (DIVERGENCES, "test_g8_the_best_critic_of_slope_1_loses_minus_the_distance"), "minigen/gan.py",
          "return np.mean(fake) - np.mean(real)", "return np.mean(real) - np.mean(fake)"),
    Fault("G-8", (NORMALISATION, "test_g8_so_it_does_whatever_the_size_of_its_weight"), "minigen/nn/normalisation.py",
          "float(np.finfo(v.dtype).tiny)", "1e-3"),
    Fault("G-8", (DIVERGENCES, "test_g8_its_gradient_sends_every_point_to_its_partner"), "minigen/divergences.py",
          "np.abs(np.sort(x) - np.sort(y))", "np.abs(x - y)"),
    Fault("G-9", (DYNAMICS, "test_g9_the_field_is_what_the_losses_say"), "minigen/analysis/dynamics.py",
          "return -of_generator, -of_critic", "return -of_generator, of_critic"),
    Fault("G-9", (DYNAMICS, "test_g9_the_jacobian_and_its_eigenvalues_are_the_predicted_ones"),
          "minigen/analysis/dynamics.py",
          "gamma**2 / 4 - d * g", "gamma**2 / 4 + d * g"),
    Fault("G-9", (DYNAMICS, "test_g9_the_jacobian_and_its_eigenvalues_are_the_predicted_ones"),
          "minigen/analysis/dynamics.py",
          '"hinge": (1.0, 1.0)', '"hinge": (0.5, 0.5)'),
    Fault("G-9", (DYNAMICS, "test_g9_simultaneous_descent_on_xy_grows_by_1_and_eta_squared"),
          "minigen/analysis/dynamics.py",
          "if alternating:", "if True:"),
    Fault("G-9", (DYNAMICS, "test_g9_alternating_descent_on_xy_keeps_areas"), "minigen/analysis/dynamics.py",
          "toward_theta, _ = self.field(theta, new_psi)", "toward_theta, _ = self.field(theta, psi)"),
    Fault("G-9", (DYNAMICS, "test_g9_steps_without_penalty_multiply_by_the_predicted_moduli"),
          "minigen/analysis/dynamics.py",
          "toward_theta, _ = self.field(theta, new_psi)", "toward_theta, _ = self.field(theta, psi)"),
    Fault("G-9", (DYNAMICS, "test_g9_with_r1_every_step_contracts_at_the_predicted_rate"),
          "minigen/analysis/dynamics.py",
          "gamma**2 / 4 - d * g", "gamma**2 / 4 + d * g"),
    Fault("G-9", (DYNAMICS, "test_g9_without_penalty_simultaneous_players_leave_the_end"),
          "minigen/analysis/dynamics.py",
          "if alternating:", "if True:"),
    Fault("G-9", (DYNAMICS, "test_g9_each_player_may_have_its_own_learning_rate"), "minigen/analysis/dynamics.py",
          "eta_G, eta_D = np.broadcast_to(eta, 2)", "eta_D, eta_G = np.broadcast_to(eta, 2)"),
    Fault("G-9", (DYNAMICS, "test_g9_a_player_does_not_foresee_the_others_answer"), "minigen/analysis/dynamics.py",
          "theta, psi = theta * 1, psi * 1", "theta, psi = theta, psi * 1"),
    Fault("G-9", (DYNAMICS, "test_g9_the_gradient_penalty_has_no_prediction"), "minigen/analysis/dynamics.py",
          'if self.penalty == "gradient":', 'if self.penalty == "wgan-gp":'),
    Fault("G-10", ("minigen/analysis/test_mixtures", "test_g10_a_ring_has_distinct_modes_at_equal_angles"),
          "minigen/analysis/mixtures.py",
          "2 * np.pi * np.arange(K) / K", "np.linspace(0, 2 * np.pi, K)"),
    Fault("N-1", ("demos/test_canvas", "test_the_likelihoods_maps_and_influences_are_those_of_python"),
          "demos/tour/play/models.js",
          "if (i > 0 && x[i - 1])", "if (i > 1 && x[i - 1])"),
    Fault("R-6", ("demos/test_canvas", "test_the_likelihoods_maps_and_influences_are_those_of_python"),
          "demos/tour/play/models.js",
          "o[k] * Math.tanh(cell)", "Math.tanh(cell)"),
    Fault("N-1", ("demos/test_canvas", "test_an_image_is_drawn_from_the_model_and_the_same_seed_draws_it_again"),
          "demos/tour/play/models.js",
          "x[i] = pick(i, sigmoid(logits[i]))", "x[i] = pick(i, 1 - sigmoid(logits[i]))"),
    Fault("V-3", ("demos/test_posterior", "test_v3_the_numbers_are_the_integrals_of_python_wherever_q_is_dragged"),
          "demos/tour/play/posterior.js",
          "logLikelihood(decoder(z), x) + logPrior(z) - evidence", "logLikelihood(decoder(z), x) - evidence"),
    Fault("V-3", ("demos/test_scrubber", "test_the_values_at_each_moment_are_those_of_the_file"),
          "demos/tour/play/scrubber.js",
          "const number = value.numbers[k];", "const number = value.numbers[last - k];"),
    Fault("G-1", ("demos/test_scrubber", "test_curves_have_the_heights_of_the_file"), "demos/tour/play/scrubber.js",
          "bottom - (y / scene.top) * (bottom - 8)", "bottom - y * (bottom - 8)"),
    Fault("G-10", ("demos/test_scrubber", "test_points_lie_where_the_file_says_and_those_outside_are_counted"),
          "demos/tour/play/scrubber.js",
          "h / 2 - y * scale", "h / 2 + y * scale"),
    Fault("V-3", ("demos/test_posterior", "test_v3_the_digit_of_the_canvas_goes_through_encoder_and_decoder"),
          "demos/tour/play/posterior.js",
          "s1: Math.exp(v1 / 2), s2: Math.exp(v2 / 2)", "s1: Math.exp(v1), s2: Math.exp(v2)"),
    Fault("AA-1", ("demos/test_codes", "test_aa1_codes_and_reconstructions_are_those_of_python"),
          "demos/tour/play/codes.js",
          "const relu = (a) => Math.max(a, 0);", "const relu = (a) => a;"),
    Fault("U-2", ("demos/test_alarm", "test_u2_score_and_p_value_are_those_of_python_and_follow_the_canvas"),
          "demos/tour/play/alarm.js",
          "(1 + higher) / (1 + data.calibration.length)", "higher / data.calibration.length"),
    Fault("G-2", ("demos/test_game", "test_g2_a_dragged_p_g_has_the_value_of_the_theory"), "demos/tour/play/game.js",
          "best: left + right - Math.log(4)", "best: left + right - Math.log(2)"),
    Fault("G-7", ("demos/test_game", "test_g7_the_hand_written_gradients_and_adam_are_those_of_the_engine"),
          "demos/tour/play/game.js",
          "(l) => sigmoid(l) - 1", "(l) => 1 - sigmoid(l)"),
    Fault("I-5", ("demos/test_joint", "test_i5_each_assumption_loses_what_the_theory_says"),
          "demos/tour/play/joint.js",
          "xy[k] * ratio(yz[k], y[k])", "xy[k] * ratio(xz[k], x[k])"),
    Fault("I-3", ("demos/test_joint", "test_i5_each_assumption_loses_what_the_theory_says"),
          "demos/tour/play/joint.js",
          "((both / one) * one) / other", "((both / other) * one) / other"),
    Fault("I-3", ("demos/test_joint", "test_every_preset_sets_its_state_and_shows_its_finding"),
          "demos/tour/play/joint.js",
          "xz[X | k] / z[k]", "xz[X | k] / y[k]"),
    Fault("I-5", ("demos/test_joint", "test_a_bar_is_dragged_or_moved_by_the_keyboard_and_the_rest_is_scaled"),
          "demos/tour/play/joint.js",
          "(q * (1 - value)) / rest", "q"),
    Fault("G-9", ("demos/test_dirac", "test_g9_paths_and_eigenvalues_are_those_of_python"), "demos/tour/play/dirac.js",
          "move(game, t, p + ofD)[0]", "move(game, t, p)[0]"),
    Fault("G-9", ("demos/test_dirac", "test_g9_paths_and_eigenvalues_are_those_of_python"), "demos/tour/play/dirac.js",
          "const keeps = 1 - etaD * gamma", "const keeps = 1"),
    Fault("G-9", ("demos/test_dirac", "test_g9_paths_and_eigenvalues_are_those_of_python"), "demos/tour/play/dirac.js",
          "[p * sigmoid(-p * t), -t * sigmoid(p * t)]", "[p * sigmoid(p * t), -t * sigmoid(p * t)]"),
    Fault("G-9", ("demos/test_dirac", "test_a_path_that_is_not_finite_stops_and_says_so"), "demos/tour/play/dirac.js",
          "if (!next.every(Number.isFinite)) break;", ""),
]  # fmt: skip


def fails(test: str, copy: Path) -> bool:
    """Run a test in the copy and return whether it fails. Raises RuntimeError if the test cannot be run."""
    command = [sys.executable, "-B", "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", test]
    run = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    if run.returncode > 1:
        raise RuntimeError(f"{test} could not be run:\n{run.stdout[-2000:]}")
    return run.returncode == 1


def planted(fault: Fault, copy: Path) -> str:
    """Plant a fault in the copy, run its test and take the fault out again. Returns the result in a word or two."""
    path = copy / fault.file
    source = path.read_text()
    if source.count(fault.old) != 1:  # the source was changed: there is nothing to replace
        return f"NOT PLANTED: {fault.file} no longer has {fault.old!r}"
    path.write_text(source.replace(fault.old, fault.new))
    try:
        return "noticed" if fails(fault.test_id, copy) else "UNNOTICED"
    finally:
        path.write_text(source)


def chosen(names: list[str]) -> list[Fault]:
    """Return the faults of these claims or files; all faults if nothing is named.

    Raises SystemExit with the known names if one is unknown.
    """
    known = {fault.claim for fault in FAULTS} | {fault.file for fault in FAULTS}
    if unknown := [name for name in names if name not in known]:
        raise SystemExit(f"no fault is planted for {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    return [fault for fault in FAULTS if not names or {fault.claim, fault.file} & set(names)]


def main(arguments: list[str]) -> int:
    if {"-h", "--help"} & set(arguments):
        print(__doc__)
        return 0
    faults = chosen([name for name in arguments if name != "--tests"])
    if "--tests" in arguments:
        print(*dict.fromkeys(fault.test_id for fault in faults))
        return 0
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for part in ("autograd", "minigen", "demos", "tests"):
            shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "setup.cfg", copy)
        for test in dict.fromkeys(fault.test_id for fault in faults if arguments):
            if fails(test, copy):  # then a planted fault would show nothing
                wrong += 1
                print(f"{test} fails before any fault is planted", flush=True)
        for fault in faults if not wrong else ():
            said = planted(fault, copy)
            wrong += said != "noticed"
            print(f"{fault.claim}  {said:<10}{fault.test[1]}", flush=True)
    print("every planted fault was noticed" if not wrong else f"{wrong} of {len(faults)} went wrong")
    return min(wrong, 1)


if __name__ == "__main__":
    console.run(lambda: main(sys.argv[1:]))
