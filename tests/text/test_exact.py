"""Exponentials and logarithms of every processor."""

import hashlib
import os
import subprocess
import sys
from decimal import Decimal

import numpy as np
import pytest

from benchmarks.processor import imitations
from chatkit.text.exact import exp, expit, log, log_softmax, softmax
from tests.conftest import ROOT

RNG = np.random.default_rng(0)
POWERS = np.concatenate([RNG.uniform(-40, 5, 2000), RNG.uniform(-1e-3, 1e-3, 500), RNG.uniform(-708, 708, 500)])
POSITIVE = np.concatenate(
    [RNG.uniform(0, 1, 2000), np.ldexp(RNG.uniform(0, 1, 500), RNG.integers(-900, 900, 500)), np.arange(1.0, 500)]
)
# The same values on another processor: numpy's own functions, BLAS and the C library are not asked.
ELSEWHERE = """
import hashlib
from tests.text.test_exact import results
print(hashlib.sha256(results()).hexdigest())
"""


def results():
    """Bytes of all functions on all numbers."""
    margins = POWERS.reshape(-1, 5)
    found = exp(POWERS), log(POSITIVE), expit(POWERS), softmax(margins), log_softmax(margins)
    return b"".join(values.tobytes() for values in found)


@pytest.mark.parametrize(
    ("ours", "exactly", "numbers", "units"), [(exp, Decimal.exp, POWERS, 2), (log, Decimal.ln, POSITIVE, 3)]
)
def test_they_are_near_the_true_value(ours, exactly, numbers, units):
    """Within two or three units of the last place, by arithmetic with 28 digits."""
    for number, value in zip(numbers.tolist(), ours(numbers).tolist(), strict=True):
        wrong = abs(Decimal(value) - exactly(Decimal(number)))
        assert wrong <= units * Decimal(float(np.spacing(abs(value)))), number


def test_ends_of_the_scale():
    """Nothing, infinity, what is no number."""
    np.testing.assert_array_equal(
        exp(np.array([-np.inf, -709, 0, 709, np.inf, np.nan])), [0, 0, 1, np.inf, np.inf, np.nan]
    )
    np.testing.assert_array_equal(log(np.array([0, 1, np.inf, -1, np.nan])), [-np.inf, 0, np.inf, np.nan, np.nan])
    np.testing.assert_array_equal(softmax(np.array([[0.0, -1e9], [-2e9, 0.0]])), [[1, 0], [0, 1]])


# Of `results`, wherever it was computed: the C library's own exponentials would give another one here or there.
DIGEST = "640d55bcea5accd73961b9fb6acbae5bcdda283ba4cdfe530f8a3524859267f8"


def test_the_bits_are_those_of_every_processor():
    """Neither of this one, nor of the C library that is installed."""
    assert hashlib.sha256(results()).hexdigest() == DIGEST


def test_the_bits_are_those_of_a_processor_of_2008(tmp_path):
    """Computed without AVX and FMA, by numba, numpy and the C library, and so the same on one that has them."""
    older = os.environ | imitations()[0].environment
    older |= {"NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", ELSEWHERE], env=older, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == hashlib.sha256(results()).hexdigest()
