"""The simulator of jobs on many nodes: every job ends with all tiles recorded, and few are computed twice, whoever dies."""

import dataclasses
import pathlib
import re
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools" / "simulate"))
from costs import measure, text_of  # noqa: E402
import nodes  # noqa: E402
from nodes import LOCAL, ROUND_TRIPS, TOP, Job, Simulation, compiled, simulate  # noqa: E402


@pytest.fixture(name="library", scope="module")
def fixture_library(tmp_path_factory):
    return compiled(tmp_path_factory.mktemp("portion"))


@pytest.mark.parametrize("name, unit", [("LEAST_ROUND", 1e9), ("MOST_LEAST_ROUND", 1e9), ("LOOKS", 1), ("READ_AT_ONCE", 1),
                                        ("PAUSE", 1), ("LEAST_PAUSE", 1e9), ("MOST_PAUSE", 1e9), ("LEAST_PATIENCE", 1e9),
                                        ("LEAST_WAIT", 1), ("MOST_WAIT", 1)])
def test_constants_are_those_of_the_nodes(name, unit):
    """The nodes have nanoseconds where the simulator has seconds."""
    text = "".join((TOP / "src" / "node" / file).read_text() for file in ("rounds.c", "pace.h", "pace.c"))
    found = re.search(rf"^#define (?:TW__)?{name} (?:INT64_C\()?([0-9.]+)", text, re.M)
    assert float(found[1]) / unit == getattr(nodes, name)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_ten_nodes_cost_little(seed, library):
    found = simulate(Job(10, 4000, seed=seed), library)
    assert found["overhead"] < 0.02 and found["twice"] < 0.02, found


def test_nodes_that_come_two_at_a_time_share_the_work(library):
    found = simulate(Job(16, 4000, together=2), library)
    assert found["overhead"] < 0.05 and found["twice"] < 0.02, found


def test_a_slow_node_does_not_keep_the_others(library):
    found = simulate(Job(8, 4000, slow=0.2, seed=2), library)
    assert found["overhead"] < 0.2 and found["twice"] < 0.02, found


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("requeued", [-1.0, 20.0])
def test_a_run_ends_whoever_dies(seed, requeued, library):
    simulation = Simulation(Job(20, 2000, deaths=0.6, requeued=requeued, round_trip=0.0003, seed=seed), library, LOCAL)
    found = simulation.run()
    assert found["dead"] > 0 and simulation.left == 0 and max(simulation.recorded) < float("inf")
    assert found["twice"] < 0.1, found
    assert found["seconds"] < 4 * found["ideal"], found


def test_the_same_seed_gives_the_same_job(library):
    job = Job(30, 3000, deaths=0.3, slow=0.1, seed=7)
    assert simulate(job, library) == simulate(job, library)
    assert simulate(job, library) != simulate(dataclasses.replace(job, seed=8), library)


def test_a_server_that_is_asked_for_too_much_is_said_so(library):
    found = simulate(Job(300, 3000, round_trip=0.0003, server=1000), library)
    assert found["saturated"] and found["demand"] > 1000 and found["cycle"] > 10


def test_costs_are_measured(tmp_path):
    costs = measure(tmp_path, times=20, listed=50)
    assert set(costs) == set(LOCAL) == set(ROUND_TRIPS) and all(seconds > 0 for seconds in costs.values())
    assert text_of(costs).count("us") == len(costs) and not list(tmp_path.iterdir())
