"""Figures of a test stay in it."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest


@pytest.fixture
def own_figures():
    """The test starts without figures and leaves matplotlib as it was."""
    with mpl.rc_context():
        yield
    plt.close("all")
