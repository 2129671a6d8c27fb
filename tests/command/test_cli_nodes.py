"""`tilework run --node` and `tilework status`: which node, what is refused, what is said, and which exit codes there are."""

import contextlib
import json
import os
import re
import signal
import subprocess
import time

import numpy
import pytest

STATEMENT = ["r[i,j] = y[i] * x[j]", "y=y.npy", "x=x.npy", "-o", "r=r.npy"]


@pytest.fixture
def inputs(folder):
    folder.save("y.npy", numpy.arange(40.0))
    folder.save("x.npy", numpy.arange(50.0))
    for name in list(folder.environment):
        if name.startswith(("SLURM_", "OMPI_", "PMI", "PBS_", "SGE_", "LSB_", "JOB_COMPLETION")):
            del folder.environment[name]
    return folder


def refused(folder, arguments, code, message):
    before = folder.contents()
    result = folder.call(*arguments)
    assert (result.returncode, result.stdout) == (code, "")
    assert result.stderr.splitlines()[0] == "tilework: " + message
    assert folder.contents() == before


def test_what_makes_no_sense_with_nodes_is_refused(inputs):
    for option, message in (
        ("--no-journal", "--no-journal and --node exclude each other: nodes learn from their journals what is done"),
        ("--check", "--check and --node exclude each other: no node computes everything; use --check without --node"),
    ):
        refused(inputs, ["run", *STATEMENT, "--node", "0/2", option], 2, message)
    refused(inputs, ["run", *STATEMENT, "--node", "0/2", "--resume", "--verify"], 2,
            "--verify and --node exclude each other: nodes compare the checksums of tiles done twice; to compute all tiles again, "
            "use --restart")  # fmt: skip
    refused(inputs, ["run", *STATEMENT, "--node", "0/2", "--node", "1/2"], 2, "--node: given twice: '0/2' and '1/2'")


def test_a_node_that_cannot_be_is_refused(inputs):
    refused(inputs, ["run", *STATEMENT, "--node", "2/2"], 2,
            "node: '2/2' does not exist: nodes are counted from 0, so the last one is '1/2'")  # fmt: skip
    refused(inputs, ["run", *STATEMENT, "--node", "two"], 2,
            "node: 'two' is not a node: give 'K/N' (node K of N, from 0 on), 'auto', or 'auto/N' where the scheduler does not say how many "
            "nodes there are")  # fmt: skip
    refused(inputs, ["run", *STATEMENT, "--node", "auto"], 2,
            "node 'auto': this process was started by no scheduler or launcher that is known (Slurm, Open MPI, MPICH, PMIx, PBS, SGE, "
            "LSF, Kubernetes); give 'K/N', for example '0/8'")  # fmt: skip
    inputs.environment["PBS_ARRAY_INDEX"] = "3"
    refused(inputs, ["run", *STATEMENT, "--node", "auto"], 2,
            "node 'auto': PBS_ARRAY_INDEX is 3, but PBS does not say of how many; give 'auto/N' with their number")  # fmt: skip


def test_status_needs_one_file_of_a_job(inputs):
    refused(inputs, ["status"], 2, "missing file: give the first output of the job, such as r.npy")
    refused(inputs, ["status", "a.npy", "b.npy"], 2, "unexpected argument 'b.npy' after the file 'a.npy'")
    refused(inputs, ["status", "a.npy", "--watch=0"], 2, "--watch: 0 is out of range: from 1 to 86400")
    for file in ("y.npy", "no.npy"):
        result = inputs.call("status", file)
        assert (result.returncode, result.stdout) == (3, "") and result.stderr.startswith(f"tilework: {file}: ")


def whole(inputs):
    return numpy.multiply.outer(inputs.load("y.npy"), inputs.load("x.npy"))


def test_one_node_computes_everything_and_a_second_start_nothing(inputs):
    result = inputs.call("run", *STATEMENT, "--tile", "i=10", "--node", "1/3")
    assert (result.returncode, result.stdout) == (0, "")
    assert re.fullmatch(r"tilework: node 1 of 3: 4 tiles on \d threads? in [^;\n]*\n", result.stderr)
    assert inputs.load().tobytes() == whole(inputs).tobytes()
    assert sorted(name for name in os.listdir(inputs.path) if name.startswith(("r.npy", ".r.npy"))) == ["r.npy"]
    before = (inputs / "r.npy").stat()
    for node in ("0/3", "1/3", "5/7"):
        result = inputs.call("run", *STATEMENT, "--tile", "i=10", "--node", node)
        assert (result.returncode, result.stdout, result.stderr) == (0, "", "tilework: r.npy: already finished\n")
    assert (inputs / "r.npy").stat().st_mtime_ns == before.st_mtime_ns


def test_another_jobs_file_is_refused_and_restart_replaces_it(inputs):
    assert inputs.call("run", *STATEMENT, "--node", "0/2").returncode == 0
    other = ["r[i,j] = y[i] + x[j]", *STATEMENT[1:]]
    result = inputs.call("run", *other, "--node", "0/2")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("tilework: r.npy: exists, and is not the result of this job")
    assert inputs.load().tobytes() == whole(inputs).tobytes()
    assert inputs.call("run", *other, "--node", "0/2", "--restart").returncode == 0
    assert inputs.load().tobytes() == numpy.add.outer(inputs.load("y.npy"), inputs.load("x.npy")).tobytes()


def test_a_file_that_no_node_made_is_refused(inputs):
    inputs.save("r.npy", numpy.zeros(3))
    result = inputs.call("run", *STATEMENT, "--node", "0/2")
    assert result.returncode == 2 and "r.npy: exists, and is not the result of this job" in result.stderr
    assert inputs.load().shape == (3,)


SLOW = """
#include <tilework/tilework.h>
#include <stdlib.h>
#include <unistd.h>
int slow(const tw_tile *tile)
{
    TW_VIEW(double, r, tile->operand[0]);
    usleep(20000);
    while (tile->number % 30 >= 20 && access("hold", F_OK) == 0) usleep(2000);
    for (int64_t i = 0; i < r.shape[0]; i++) TW_AT(r, i) = (double)(tile->start[0] + i);
    return 0;
}
int lame(const tw_tile *tile)
{
    if (getenv("LAME") != NULL) sleep(2);
    return slow(tile);
}
int fails(const tw_tile *tile)
{
    return tile->number == 7 ? tw_tile_fail(tile, 3, "no root") : slow(tile);
}
"""
KERNEL = ["-s", "-> r[i]:float64", "--length", "i=600", "--tile", "i=10", "-o", "r=r.npy", "-w", "1"]


@pytest.fixture
def slow(inputs):
    (inputs / "slow.c").write_text(SLOW)
    os.utime(inputs / "slow.c", (1e9, 1e9))  # not saved just now: what is compiled is surely what was read
    return inputs


@pytest.fixture
def held(slow):
    """Every third ten of tiles waits until the file is removed, so that nobody finishes before that."""
    (slow / "hold").write_text("")
    return slow


def start(folder, node, *more, kernel="slow", **environment):
    return subprocess.Popen([*folder.command(), "run", f"slow.c:{kernel}", *KERNEL, "--node", node, *more], cwd=folder.path,
                            env={**folder.environment, **environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def until(condition, seconds=60):
    """What condition() returns once it is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


def status_of(folder):
    result = folder.call("status", "r.npy", "--json")
    return json.loads(result.stdout) if result.returncode == 0 else None


def test_two_nodes_share_a_job_and_say_how_much_each_did(held):
    slow = held
    nodes = [start(slow, f"{k}/2") for k in range(2)]
    until(lambda: [node["done"] for node in (status_of(slow) or {"nodes": []})["nodes"]] == [20, 20])  # and each waits at its next tile
    (slow / "hold").unlink()
    done = [node.communicate(timeout=60) for node in nodes]
    assert [node.returncode for node in nodes] == [0, 0], done
    assert (slow.load() == numpy.arange(600.0)).all()
    found = [re.search(r"node (\d) of 2: (\d+) tiles? on 1 thread in .*; (\d+) tiles? by other nodes", done[k][1]) for k in range(2)]
    assert all(found) and [int(one[1]) for one in found] == [0, 1]
    assert all(int(one[2]) + int(one[3]) == 60 for one in found) and all(int(one[2]) >= 20 for one in found)


def test_status_says_what_each_node_does_and_what_made_a_finished_file(held):
    slow = held
    nodes = [start(slow, f"{k}/2") for k in range(2)]
    seen = until(lambda: (lambda s: s if s and [node["done"] > 2 for node in s["nodes"]] == [True, True] and s["rate"] > 0 else None)(status_of(slow)))
    assert seen["tiles"] == 60 and seen["rate"] > 0 and seen["seconds_left"] > 0 and seen["disagreements"] == []
    assert seen["description"] == "tilework run slow.c:slow -s '-> r[i]:float64' --length i=600 --tile i=10 -o r=r.npy -w 1"
    for k, node in enumerate(seen["nodes"]):
        assert (node["node"], node["count"], node["member"], node["failure"]) == (k, 2, 0, None)
        assert node["pid"] == nodes[k].pid and node["host"]
    assert sum(node["done"] - node["twice"] for node in seen["nodes"]) <= seen["done"] <= 60
    text = slow.call("status", "r.npy.run").stdout
    assert re.match(r"r\.npy\.run: \d+ of 60 tiles \(\d+ %\), [0-9.]+ tiles/s, .* left\nmade by: tilework run slow\.c:slow ", text)
    assert re.search(rf"^0/2 +\S+:{nodes[0].pid} +\d+ +\d+ +\d+ +.* ago$", text, re.M)
    (slow / "hold").unlink()
    assert [(node.communicate(timeout=60), node.returncode)[1] for node in nodes] == [0, 0]
    text = slow.call("status", "r.npy").stdout
    assert text == f"r.npy: finished, 60 tiles\nmade by: {seen['description']}\n"
    assert status_of(slow)["finished"] is True


def test_watch_ends_with_the_job(held):
    slow = held
    node = start(slow, "0/1")
    until(lambda: status_of(slow))
    watch = subprocess.Popen([*slow.command(), "status", "r.npy", "--watch=1"], cwd=slow.path, env=slow.environment, stdout=subprocess.PIPE, text=True)
    first = watch.stdout.readline()
    assert re.match(r"r\.npy: \d+ of 60 tiles ", first)
    (slow / "hold").unlink()
    rest = watch.communicate(timeout=60)[0]
    assert watch.returncode == 0 and "\nr.npy: finished, 60 tiles\n" in rest
    assert (node.communicate(timeout=60), node.returncode)[1] == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU])
def test_a_signal_ends_a_node_and_another_start_continues(held, number):
    slow = held
    node = start(slow, "0/2")
    until(lambda: (status_of(slow) or {"done": 0})["done"] > 3)
    node.send_signal(number)
    time.sleep(0.1)  # it may come while the tile below ends: then it counts a moment later
    (slow / "hold").unlink()
    errors = node.communicate(timeout=20)[1]
    assert node.returncode == 130
    kept = int(re.search(r"tilework: (\d+) of 60 tiles are done and kept in r\.npy\.run; the same command continues\n", errors)[1])
    node = start(slow, "1/2")
    errors = node.communicate(timeout=60)[1]
    assert node.returncode == 0 and errors.startswith(f"tilework: joining: {kept} of 60 tiles were done\n"), errors
    assert f"; {kept} tiles by other nodes" in errors
    assert (slow.load() == numpy.arange(600.0)).all()


def test_a_failed_tile_is_reported_by_every_node_and_by_status(slow):
    nodes = [start(slow, f"{k}/2", kernel="fails") for k in range(2)]
    done = [node.communicate(timeout=60)[1] for node in nodes]
    assert [node.returncode for node in nodes] == [1, 1], done
    assert all("at tile 7, -> r[70:80] (10), on worker 0: no root" in errors for errors in done)
    assert not (slow / "r.npy").exists()
    text = slow.call("status", "r.npy").stdout
    assert re.search(r"^failed: node \d/2, tile 7: .*no root", text, re.M)


def test_keep_going_does_the_rest_and_says_which_tile_failed(slow):
    node = start(slow, "0/1", "--keep-going", kernel="fails")
    errors = node.communicate(timeout=60)[1]
    assert node.returncode == 1 and "tilework: kernel slow.c:fails returned 3 at tile 7, -> r[70:80] (10), on worker 0: no root\n" in errors
    text = slow.call("status", "r.npy").stdout
    assert text.startswith("r.npy: 59 of 60 tiles ") and re.search(r"^failed: node 0/1, tile 7: .*no root", text, re.M)


def test_restart_begins_anew_once_for_all_tasks_of_an_array(held):
    slow = held
    first = start(slow, "0/2")
    until(lambda: (status_of(slow) or {"done": 0})["done"] > 3)
    first.kill()
    first.communicate()
    nodes = [start(slow, "0/2", "--restart", SLURM_ARRAY_JOB_ID="71", SLURM_JOB_ID="72")]
    until(lambda: (status_of(slow) or {"nodes": []})["nodes"] != [])
    nodes.append(start(slow, "1/2", "--restart", SLURM_ARRAY_JOB_ID="71", SLURM_JOB_ID="73"))
    until(lambda: len((status_of(slow) or {"nodes": []})["nodes"]) == 2)
    (slow / "hold").unlink()
    done = [node.communicate(timeout=60)[1] for node in nodes]
    assert [node.returncode for node in nodes] == [0, 0], done
    assert all(re.search(r"node \d of 2: \d+ tiles .*; \d+ tiles by other nodes", errors) for errors in done)
    again = start(slow, "1/2", "--restart", SLURM_ARRAY_JOB_ID="71", SLURM_JOB_ID="73")
    assert again.communicate(timeout=60)[1] == "tilework: r.npy: already finished\n" and again.returncode == 0
    another = start(slow, "1/2", "--restart", SLURM_ARRAY_JOB_ID="74", SLURM_JOB_ID="75")
    assert ": 60 tiles on 1 thread in " in another.communicate(timeout=60)[1] and another.returncode == 0


def test_a_run_alone_does_not_take_the_output_from_under_nodes(held):
    node = start(held, "0/2")
    until(lambda: (status_of(held) or {"done": 0})["done"] > 0)
    alone = ["run", "slow.c:slow", *KERNEL]
    for more in ([], ["--resume"], ["--no-journal"]):
        result = held.call(*alone, *more)
        assert result.returncode == 2 and re.search(r"r\.npy\.run: holds an unfinished job on nodes, which writes \S*r\.npy;", result.stderr)
    node.kill()
    node.communicate()
    (held / "hold").unlink()
    assert held.call(*alone, "--restart").returncode == 0
    assert (held.load() == numpy.arange(600.0)).all()
    assert [name for name in os.listdir(held.path) if name.startswith(("r.npy", ".r.npy"))] == ["r.npy"]


def test_the_folder_of_another_job_is_refused_with_what_differs(held):
    first = start(held, "0/2")
    until(lambda: (status_of(held) or {"done": 0})["done"] > 3)
    other = start(held, "1/2", kernel="fails")
    errors = other.communicate(timeout=60)[1]
    assert other.returncode == 2 and re.match(r"tilework: \S*r\.npy\.run: is of another job: kernel was slow .*; restart begins anew\n$", errors), errors
    (held / "hold").unlink()
    assert (first.communicate(timeout=60), first.returncode)[1] == 0
    assert (held.load() == numpy.arange(600.0)).all()


@pytest.mark.parametrize("restart", [False, True])
def test_a_file_that_came_while_the_job_ran_is_replaced_by_restart_alone(held, restart):
    node = start(held, "0/1", *["--restart"] * restart)
    until(lambda: (status_of(held) or {"done": 0})["done"] > 0)
    theirs = numpy.arange(7.0)
    held.save("r.npy", theirs)
    (held / "hold").unlink()
    errors = node.communicate(timeout=60)[1]
    if restart:
        assert node.returncode == 0 and (numpy.load(held / "r.npy") == numpy.arange(600.0)).all(), errors
        return
    assert node.returncode != 0 and "r.npy: exists, and is not the result of this job; restart replaces it" in errors
    assert (numpy.load(held / "r.npy") == theirs).all() and (held / "r.npy.run").is_dir()
    (held / "r.npy").unlink()
    again = start(held, "0/1")  # nothing of it was lost
    errors = again.communicate(timeout=60)[1]
    assert again.returncode == 0 and (numpy.load(held / "r.npy") == numpy.arange(600.0)).all(), errors


def test_auto_is_what_the_environment_says(slow):
    node = start(slow, "auto", SLURM_JOB_ID="9", SLURM_ARRAY_TASK_ID="3", SLURM_ARRAY_TASK_MIN="1", SLURM_ARRAY_TASK_MAX="5",
                 SLURM_ARRAY_TASK_STEP="2", SLURM_ARRAY_TASK_COUNT="3", SLURM_CPUS_PER_TASK="1")  # fmt: skip
    errors = node.communicate(timeout=60)[1]
    assert node.returncode == 0 and errors.startswith("tilework: node 1 of 3: 60 tiles on 1 thread in ")


def test_the_pool_has_as_many_workers_as_the_scheduler_leaves(inputs):
    inputs.environment.update(SLURM_JOB_ID="9", SLURM_CPUS_PER_TASK="1")
    result = inputs.call("run", *STATEMENT, "--tile", "i=10", "--node", "0/2")
    assert "node 0 of 2: 4 tiles on 1 thread in " in result.stderr


def test_a_kernel_without_outputs_has_no_nodes(slow):
    result = slow.call("run", "slow.c:slow", "-s", "y[i]", "y=y.npy", "--node", "0/2")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("tilework: --node: the signature has no output, so there is no journal of what is done\n")


DIFFERS = """
#include <tilework/tilework.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
static void wait_for(const char *hold)
{
    close(open(getenv("MARK"), O_CREAT | O_WRONLY, 0600));
    while (access(hold, F_OK) == 0) usleep(1000);
}
int differs(const tw_tile *tile)
{
    TW_VIEW(double, r, tile->operand[0]);
    if (tile->number == 0) wait_for("hold0");
    if (tile->number == 3) wait_for("hold3");
    TW_AT(r, 0) = tile->number == 0 ? atof(getenv("VALUE")) : 1;
    return 0;
}
"""


def compute_tile_0_twice(folder):
    """Two starts of node 0 compute other bytes for tile 0, while node 1 keeps the job from its end."""
    (folder / "hold0").write_text("")
    (folder / "hold3").write_text("")
    kernel = ["differs.c:differs", "-s", "-> r[i]:float64", "--length", "i=4", "--tile", "i=1", "-o", "r=r.npy", "-w", "1"]
    nodes = []
    for node, mark, value in (("0/2", "one", "1"), ("1/2", "two", "1"), ("0/2", "three", "3")):
        nodes.append(subprocess.Popen(folder.command("run", *kernel, "--node", node), cwd=folder.path,
                                      env={**folder.environment, "MARK": mark, "VALUE": value}, stderr=subprocess.PIPE, text=True))  # fmt: skip
        until(lambda mark=mark: (folder / mark).exists())
    (folder / "hold0").unlink()
    with contextlib.suppress(AssertionError):  # it found the tile done
        until(lambda: sum(node["done"] for node in status_of(folder)["nodes"]) == 4, 5)
    (folder / "hold3").unlink()
    return [(node.communicate(timeout=60)[1], node.returncode) for node in nodes]


def test_different_bytes_for_a_tile_fail_the_job_and_only_restart_is_advised(inputs):
    (inputs / "differs.c").write_text(DIFFERS)
    os.utime(inputs / "differs.c", (1e9, 1e9))
    for _ in range(5):  # a node that is kept waiting for long may find tile 0 done
        ends = compute_tile_0_twice(inputs)
        if all(code == 1 for _, code in ends):
            break
        for name in ("one", "two", "three", "r.npy"):
            (inputs / name).unlink()
    for errors, code in ends:
        assert code == 1 and re.fullmatch(r"tilework: tile 0: node 0 computed it twice, with different bytes: [^\n]* restart computes it again\n",
                                          errors), errors  # fmt: skip
    assert status_of(inputs)["disagreements"] == [{"tile": 0, "nodes": [0, 0]}]
    assert "different: tile 0: node 0 computed it twice, with different bytes\n" in inputs.call("status", "r.npy").stdout
    assert not (inputs / "r.npy").exists()


def test_an_output_that_was_shortened_is_not_committed(held):
    node = start(held, "0/1")
    until(lambda: (status_of(held) or {"done": 0})["done"] > 3)
    os.truncate(held / "r.npy.run" / "0.npy", 0)
    (held / "hold").unlink()
    errors = node.communicate(timeout=60)[1]
    assert node.returncode == 3 and "r.npy.run/0.npy: was shortened while it was being written; restart the job" in errors
    assert not (held / "r.npy").exists()


@pytest.mark.parametrize("what", ["link", "folder"])
def test_a_job_that_is_no_file_is_damaged(held, what):
    node = start(held, "0/1")
    until(lambda: (status_of(held) or {"done": 0})["done"] > 3)
    node.kill()
    node.communicate()
    (held / "hold").unlink()
    job = held / "r.npy.run" / "job.json"
    (held / "theirs").write_bytes(job.read_bytes())
    job.unlink()
    job.symlink_to("../theirs") if what == "link" else job.mkdir()
    for arguments in (["status", "r.npy"], ["run", "slow.c:slow", *KERNEL, "--node", "0/1"]):
        result = held.call(*arguments)
        assert result.returncode == 3 and result.stderr.endswith("r.npy.run/job.json: is damaged; restart the job\n"), result.stderr
    if what == "link":
        assert held.call("run", "slow.c:slow", *KERNEL, "--node", "0/1", "--restart").returncode == 0
        assert (held.load() == numpy.arange(600.0)).all() and (held / "theirs").exists()


def test_each_node_writes_reports_of_its_own(held):
    (held / "out.d").mkdir()
    nodes = [start(held, f"{k}/2", "--report", "out.d/report.json", "--trace", "trace") for k in range(2)]
    until(lambda: (status_of(held) or {"done": 0})["done"] > 3)
    (held / "hold").unlink()
    done = [node.communicate(timeout=60)[1] for node in nodes]
    assert [node.returncode for node in nodes] == [0, 0], done
    assert {name for name in os.listdir(held.path) if name.startswith("trace")} == {"trace.node-0", "trace.node-1"}
    assert sorted(os.listdir(held / "out.d")) == ["report.node-0.json", "report.node-1.json"]
    for k in range(2):
        report = json.loads((held / "out.d" / f"report.node-{k}.json").read_text())
        assert report["totals"]["tiles"] == 60 and len(report["tile_records"]) == 60


def test_a_report_on_standard_output_keeps_its_place(inputs):
    done = inputs.call("run", *STATEMENT, "--node", "0/1", "--report", "-")
    assert done.returncode == 0 and json.loads(done.stdout)["totals"]["tiles"] > 0, done.stderr


def test_the_end_of_a_slow_nodes_round_is_done_by_who_has_nothing_else_to_do(slow):
    """Its first round is 8 tiles of two seconds; the other node is done with the rest before the third of them."""
    lame = start(slow, "1/2", kernel="lame", LAME="1")
    until(lambda: (slow / "r.npy.run").exists() and list((slow / "r.npy.run").glob("node-1.*")))
    other = start(slow, "0/2", kernel="lame")
    said = [node.communicate(timeout=120)[1] for node in (lame, other)]
    assert [lame.returncode, other.returncode] == [0, 0], said
    assert numpy.array_equal(slow.load(), numpy.arange(600.0))
    own = int(re.search(r"node 1 of 2: (\d+) tiles?", said[0])[1])
    assert own < 8, said
