import numpy as np

from algos.common.value_norm import RunningNorm


def test_one_update_gives_the_samples_statistics():
    norm = RunningNorm(decay=0.9)
    norm.update(np.array([1.0, 3.0], np.float32))
    assert np.isclose(norm.mean, 2)  # without the correction of the start it would be 0.2
    assert np.isclose(norm.std, 1)


def test_two_updates_by_hand():
    norm = RunningNorm(decay=0.5)
    norm.update(np.array([0.0]))
    norm.update(np.array([3.0]))
    # weights 0.25 and 0.5 of 0.75: mean 2, mean square 6, variance 2
    assert np.isclose(norm.mean, 2)
    assert np.isclose(norm.std, np.sqrt(2))


def test_plain_mean_over_everything():
    rng = np.random.default_rng(0)
    samples = rng.normal(3, 2, (1000, 2)).astype(np.float32)
    norm = RunningNorm((2,), decay=0)
    for part in np.split(samples, 10):
        norm.update(part)
    np.testing.assert_allclose(norm.mean, samples.mean(0), rtol=1e-5)
    np.testing.assert_allclose(norm.std, samples.std(0), rtol=1e-5)


def test_inverse_and_untouched_before_the_first_update():
    norm = RunningNorm()
    x = np.array([1.0, -2.0], np.float32)
    np.testing.assert_array_equal(norm.normalise(x), x)
    norm.update(np.zeros(0))
    np.testing.assert_array_equal(norm.normalise(x), x)
    norm.update(np.array([10.0, 14.0]))
    np.testing.assert_allclose(norm.denormalise(norm.normalise(x)), x, rtol=1e-6)


def test_state_goes_through():
    norm, other = RunningNorm(), RunningNorm()
    norm.update(np.array([10.0, 14.0]))
    other.load_state_dict(norm.state_dict())
    assert (other.mean, other.std, other.weight) == (norm.mean, norm.std, norm.weight)
