"""What the tests of network file systems share: the machines, the two mounts, and the program that writes neighbours."""

import contextlib
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import fuse  # noqa: E402
import machines  # noqa: E402


@pytest.fixture(scope="session")
def tools(tmp_path_factory):
    """A folder with programs of the tests."""
    folder = tmp_path_factory.mktemp("tools")
    subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", folder / "neighbours", HERE / "neighbours.c"], check=True)
    return folder


@pytest.fixture(scope="session")
def running_lab(tmp_path_factory):
    lacks = machines.missing()
    if lacks:
        pytest.skip(f"NFS: {lacks}")
    lab = machines.Lab(tmp_path_factory.mktemp("nfs") / "lab")
    try:
        lab.open()
    except machines.Refused as why:
        pytest.skip(f"NFS: {why}")
    with contextlib.closing(lab):
        yield lab


@pytest.fixture
def lab(running_lab):
    """The machines, all of them at work, nothing mounted and nothing on the disk."""
    running_lab.settle()
    return running_lab


@pytest.fixture(params=["4", pytest.param("3", marks=pytest.mark.long)], ids=["NFSv4", "NFSv3"])
def share(lab, request):
    """The machines with the server's folder mounted on both clients, by each version of the protocol."""
    for client in lab.clients:
        lab.mount(client, request.param)
    lab.version = request.param
    return lab


@pytest.fixture(scope="session")
def passthrough(tools):
    lacks = fuse.missing()
    if lacks:
        pytest.skip(f"FUSE: {lacks}")
    return fuse.build(tools)
