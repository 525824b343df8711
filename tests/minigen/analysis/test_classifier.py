"""The judge of samples: a classifier whose loss, features and classes are what they say."""

import numpy as np
import pytest
from scipy.special import log_softmax

from autograd import Tensor, check_grads
from minigen.analysis.classifier import Classifier
from minigen.training.loop import fit
from minigen.training.optim import Adam


@pytest.fixture
def model(rng):
    model = Classifier(4, (6, 5), 3, rng=rng).astype(np.float64)
    model.flat[...] = rng.standard_normal(model.num_parameters)
    return model


def labelled(rng, n=8):
    return rng.standard_normal((n, 4)), np.arange(n) % 3


def test_the_loss_is_the_mean_surprise_of_the_labels(model, rng):
    """−E[ln softmax(logits)] at each label; many rows are scored in blocks."""
    batch = labelled(rng)
    log_p = log_softmax(model.logits(batch[0]).data, axis=1)
    expected = -np.mean(log_p[np.arange(8), np.arange(8) % 3])
    assert model.loss(batch, rng=rng).item() == pytest.approx(expected, rel=1e-12)
    model.block = 4
    assert model.validation_loss(batch) == pytest.approx(expected, rel=1e-12)


def test_its_gradient_is_that_of_its_loss(model, rng):
    batch = labelled(rng)
    weight = model.head.weight.data.copy()

    def loss(W):
        model.head.weight = W
        return model.loss(batch, rng=rng)

    check_grads(loss, weight)
    assert isinstance(model.head.weight, Tensor)


def test_features_are_the_last_hidden_layer(model, rng):
    """The logits are linear in them, the classes are the largest of the probabilities."""
    x = rng.standard_normal((7, 4))
    features = model.features(x)
    assert features.shape == (7, 5)
    assert (features >= 0).all()
    logits = features @ model.head.weight.data + model.head.bias.data
    np.testing.assert_allclose(np.log(model.probs(x)), log_softmax(logits, axis=1), rtol=1e-10)
    np.testing.assert_array_equal(model.classify(x), logits.argmax(axis=1))


def test_it_learns_what_can_be_told_apart(rng):
    """Three clusters, every label right."""
    labels = np.arange(60) % 3
    x = (0.1 * rng.standard_normal((60, 2)) + np.eye(3)[labels][:, :2]).astype(np.float32)
    model, data = Classifier(2, (16,), 3, rng=rng), (x, labels)
    fit(model, Adam(model, 0.01), data, data, rng=rng, epochs=40, batch_size=20, progress=False)
    np.testing.assert_array_equal(model.classify(x), labels)


def test_a_label_that_is_no_class_is_refused(model, rng):
    x, labels = labelled(rng)
    labels[0] = 3
    with pytest.raises(ValueError, match="labels must be whole numbers from 0 to 2"):
        model.loss((x, labels), rng=rng)


def test_images_without_labels_or_with_too_few_are_refused(model, rng):
    x, labels = labelled(rng)
    with pytest.raises(ValueError, match=r"Classifier takes a tuple \(images, labels\), got ndarray"):
        model.loss(x, rng=rng)
    with pytest.raises(ValueError, match=r"one row for each image, got lengths \[8, 1\]"):
        model.validation_loss((x, labels[:1]))
