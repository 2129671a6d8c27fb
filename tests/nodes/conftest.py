"""What the tests on nodes share: the job, the cluster, and which tests `make test` leaves to `make test-long`."""

import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import slurm  # noqa: E402
from job import Job  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "long: only in make test-long")


def pytest_collection_modifyitems(items):
    if os.environ.get("TILEWORK_NODES_LONG"):
        return
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(pytest.mark.skip(reason="in make test-long"))


@pytest.fixture
def job(tmp_path):
    one = Job(tmp_path / "job")
    yield one
    one.close()


@pytest.fixture(scope="session")
def shared_cluster(tmp_path_factory):
    """Two nodes with two processors each. Started once: a test that stops a part of it starts that again."""
    lacks = slurm.missing()
    if lacks:
        pytest.skip(f"Slurm: {lacks}")
    with slurm.Cluster(tmp_path_factory.mktemp("slurm"), nodes=2, cpus=2) as running:
        yield running


@pytest.fixture
def cluster(shared_cluster):
    """The cluster, idle before and after."""
    yield shared_cluster
    shared_cluster.settle()
