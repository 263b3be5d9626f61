"""A real PostgreSQL for the tests of what is read from one."""

import os

import pytest

from tests.conftest import start_postgres


@pytest.fixture(scope="module")
def postgres(tmp_path_factory):
    """A real PostgreSQL, started for this module."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
    server = start_postgres(tmp_path_factory.mktemp("postgres"), "delete")
    yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    server.cleanup()
