#!/usr/bin/env python3
"""Jobs on nodes through everything that can happen to a node: `nodes.py BUILD-FOLDER NEW-FOLDER [--long] [NAME]`.

Nodes are killed, stopped and made to fail at every point of src/os/fault.c, started twice, removed from under, given
other kernels, inputs, numbers and clocks. After each case the outputs must have the right bytes, one start more must
find the job finished, and nothing may be left behind: no file, no process. Writes TAP, and how many cases there are.
"""

import collections
import concurrent.futures
import os
import pathlib
import random
import resource
import shutil
import signal
import subprocess
import sys
import time

import node_calls
import node_disks
from case import ROWS, npy
from matrix import table
from node_case import JOBS, RUN, NodeCase

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "tests"))
from tap import Tap  # noqa: E402

WRONG_CLOCK = TOP / "tests" / "faults" / "wrong_clock.c"
SEED = 13
# Points that a node passes and that other jobs pass too; those that only nodes pass are in the table.
SHARED_POINTS = ("kernel.before", "kernel.after", "sum.after", "done.before", "done.after", "inout.computed", "job.leave",
                 "part.created", "part.allocated", "output.sync", "output.magic", "output.magic-sync", "output.rename",
                 "output.renamed", "partials.created", "partials.allocated", "partials.sync", "step.before")
OF_OTHER_MACHINES = ("node.read-back",)  # passed where a file system is not known to be coherent
OF_STEPS = ("partials.created", "partials.allocated", "partials.sync", "step.before")
ANY = (0, 1, 2, 3, 4)  # exit codes of a command that ends by itself


class Suite:
    def __init__(self, build, folder, is_long):
        self.build = build
        self.folder = folder
        self.is_long = is_long
        self.cases = collections.Counter()
        self.met = set()
        self.jobs = []

    def add(self, group, name, function, job="step"):
        self.jobs.append((group, name, function, job))

    def run_one(self, number, group, name, function, job):
        case = NodeCase(self.folder / f"{number}", self.build, job)
        try:
            function(case)
        except OSError as error:
            case.wrong(f"{type(error).__name__}: {error}")
        finally:
            case.close()
        for node in case.nodes:
            self.met |= {line.split()[1] for line in node.faults() if line.startswith("met ")}
        if not case.faults:
            shutil.rmtree(case.folder)
            shutil.rmtree(case.notes)
        return case.faults

    def run(self, tap):
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
            futures = [pool.submit(self.run_one, number, *job) for number, job in enumerate(self.jobs)]
            faults = collections.defaultdict(list)
            for (group, name, _, _), future in zip(self.jobs, futures):
                self.cases[group] += 1
                faults[group] += [f"{name}: {fault}" for fault in future.result()]
        for group in dict.fromkeys(job[0] for job in self.jobs):
            tap.check(f"{group}: {self.cases[group]} cases", faults[group][:20])


# ---- points ----

def action_text(point, action, number=1):
    distrusts = "filesystem.known:error:0," if point in OF_OTHER_MACHINES else ""
    return f"{distrusts}{point}:{action}:{number}"


def is_killed(node):
    return node.process.returncode == -signal.SIGKILL


def strike_alone(point, action, pool):
    """A node alone has the fault; another one comes later."""
    def case(case):
        first = case.start("0/2", fault=action_text(point, action), pool=pool)
        case.end(first, None, "the node with the fault")
        if action == "kill-parent" and first.met(point) and not is_killed(first):
            case.wrong(f"it was not killed: {first.said()}")
        if action != "kill-parent" and first.process.returncode not in ANY:
            case.wrong(f"exit code {first.process.returncode}: {first.said()}")
        case.check_outputs("after the fault")
        case.run("1/2", what="the other node")
        case.finish()
    return case


def strike_together(point, action, number, pool):
    """Two nodes at once, of which one has the fault. The other one finishes the job alone, unless a tile has failed."""
    def case(case):
        case.note("pace", 4)
        nodes = [case.start(f"{k}/2", fault=action_text(point, action, number) if k == 0 else "", pool=pool)
                 for k in (0, 1)]
        case.end(nodes[0], None, "the node with the fault")
        case.end(nodes[1], (0,) if action != "error" else ANY, "the other node")
        case.finish()
    return case


def add_points(suite, points):
    generator = random.Random(SEED)
    for name, point in points.items():
        if not point.has("nodes") and name not in SHARED_POINTS:
            continue
        job = "reduction" if name in OF_STEPS else "statement" if name == "node.kernel" else "step"
        worker = not point.has("supervisor")
        actions = ["kill-parent", *(["error"] if point.takes_error else [])]
        for action in actions:
            suite.add("a node is killed or fails at each point, then another one comes", f"{name} {action}",
                      strike_alone(name, action, "threads"), job)
            numbers = (1, 2, 5) if suite.is_long else (generator.choice((1, 2, 3)),)
            for number in numbers:
                suite.add("the same beside another node", f"{name} {action} {number}",
                          strike_together(name, action, number, "threads"), job)
        if worker or suite.is_long:
            action = "kill-worker" if worker else "kill-parent"
            suite.add("the same with worker processes", f"{name} {action}", strike_alone(name, action, "processes"), job)
            if suite.is_long:
                suite.add("the same with worker processes", f"{name} delay", strike_together(name, "delay", 0, "processes"),
                          job)


# ---- SIGKILL at any moment ----

def killed_at_random(seed, job_nodes, later):
    """All nodes are killed, each at a moment of its own; then another number of nodes."""
    def case(case):
        generator = random.Random(seed)
        case.note("pace", 3)
        nodes = [case.start(f"{k}/{job_nodes}", pool=generator.choice(("threads", "processes"))) for k in range(job_nodes)]
        began = time.monotonic()
        for moment, k in sorted((generator.random() * 0.12, k) for k in range(job_nodes)):
            time.sleep(max(0, began + moment - time.monotonic()))
            nodes[k].signal(signal.SIGKILL)
        for node in nodes:
            case.end(node, (0, -signal.SIGKILL), "a node that is killed")
        case.check_outputs("after the kills")
        recorded = case.recorded()
        before = len(case.tiles_run())
        others = [case.start(f"{k}/{later}") for k in range(later)]
        for node in others:
            case.end(node, (0,), f"one of {later} nodes")
        ran = case.tiles_run()[before:]
        again = recorded & set(ran)
        if len(again) > 1:  # the last record of a node may be torn
            case.wrong(f"tiles that were recorded ran again: {sorted(again)}")
        case.finish()
    return case


def killed_again_and_again(seed):
    """A job that gets on only by what its nodes recorded before they were killed."""
    def case(case):
        generator = random.Random(seed)
        case.note("pace", 12)
        for _ in range(40):
            nodes = [case.start(f"{k}/3", workers=1) for k in range(generator.choice((1, 2, 3)))]
            time.sleep(0.15 + generator.random() * 0.5)
            for node in nodes:
                node.signal(signal.SIGKILL)
            for node in nodes:
                case.end(node, (0, -signal.SIGKILL), "a node that is killed")
            case.check_outputs("on the way")
            if case.is_finished():
                break
        else:
            case.wrong("40 starts of half a second did not finish a job of 0.3 s")
        case.finish()
    return case


# ---- stopped nodes ----

def stopped_in_a_tile(tile, ending, pool):
    """A node is stopped between the zeroing of a tile and the adding to it; others finish and commit; then it continues, or
    is killed. What it does then must not be seen."""
    def case(case):
        case.note("hold", tile)
        slow = case.start("0/2", pool=pool, workers=1)
        if not case.await_((case.folder / "held").exists, "the tile that holds"):
            return
        slow.signal(signal.SIGSTOP)
        case.forget("hold")
        case.run("1/2", what="the other node")
        case.check_outputs("while a node is stopped")
        if not case.is_finished():
            case.wrong(f"a stopped node blocks the end: {sorted(case.names())}")
        slow.signal(signal.SIGCONT if ending == "continued" else signal.SIGKILL)
        case.end(slow, (0,) if ending == "continued" else (-signal.SIGKILL,), f"the node that was {ending}")
        case.forget("held")
        case.finish()
    return case


def begun_anew_while_stopped(case):
    """A node is stopped in a tile while the job is begun anew and finished. It finds the result of the same job: its own part
    has not got that tile, which says nothing of the result."""
    case.note("hold", 5)
    slow = case.start("0/2", workers=1)
    if not case.await_((case.folder / "held").exists, "the tile that holds"):
        return
    slow.signal(signal.SIGSTOP)
    case.forget("hold")
    case.run("1/2", "--restart", what="the job begun anew")
    slow.signal(signal.SIGCONT)
    case.end(slow, (0,), "the node whose job was begun anew and finished")
    case.forget("held")
    case.finish()


def differs_after_the_end(case):
    """A node is stopped in a tile while the others finish the job, and then computes other bytes than they: it says so, and
    the result stays what it was. Here the input changes meanwhile, and with it what the node reads."""
    tile = 5
    case.note("hold", tile)
    slow = case.start("0/2", workers=1)
    if not case.await_((case.folder / "held").exists, "the tile that holds"):
        return
    slow.signal(signal.SIGSTOP)
    case.forget("hold")
    case.run("1/2", what="the other node")
    given = case.folder / "x.npy"
    before, times = given.read_bytes(), given.stat()
    with open(given, "r+b") as file:
        file.seek(-8 * (ROWS - tile), os.SEEK_END)
        file.write(b"\x40" * 8)
    slow.signal(signal.SIGCONT)
    case.end(slow, (1,), "the node that computed other bytes")
    if f"tile {tile}: the job was finished by other nodes" not in slow.said():
        case.wrong(f"what was said of other bytes: {slow.said()}")
    given.write_bytes(before)
    os.utime(given, ns=(times.st_atime_ns, times.st_mtime_ns))
    case.forget("held")
    case.finish()


def stopped_before_a_write(number, fault):
    """A node has seen that its part has its name, and is stopped before it writes the tile; when it continues, the file is
    finished. It looks again: the file is not even dated anew."""
    def case(case):
        slow = case.start("0/2", fault=f"{fault}shared.piece:stop:{number}", workers=1)
        if not case.await_(lambda: "did shared.piece stop" in slow.faults(), "the write that stops"):
            return
        case.run("1/2", fault=fault.rstrip(","), what="the other node")
        case.check_outputs("while a node is stopped")
        if not case.is_finished():
            case.wrong(f"a stopped node blocks the end: {sorted(case.names())}")
        before = {name: (case.folder / name).stat().st_mtime_ns for name in case.expected}
        time.sleep(0.05)
        slow.signal(signal.SIGCONT)
        case.end(slow, (0,), "the node that was continued")
        after = {name: (case.folder / name).stat().st_mtime_ns for name in case.expected}
        if after != before:
            case.wrong(f"written to after the end: {before}, {after}")
        case.finish()
    return case


def stopped_in_matmul(seed, ending):
    """The same with examples/kernels/matmul.c, at some moment."""
    rows, inner, columns = 48, 220, 220

    def case(case):
        generator = random.Random(seed)
        a = [float((i * 7 + k * 3) % 11) for i in range(rows) for k in range(inner)]
        b = [float((k * 5 + j) % 13) for k in range(inner) for j in range(columns)]
        (case.folder / "a.npy").write_bytes(npy((rows, inner), a))
        (case.folder / "b.npy").write_bytes(npy((inner, columns), b))
        words = [str(case.build / "cli" / "tilework"), "run", f"{TOP}/examples/kernels/matmul.c:matmul", "-s",
                 "a[i,k], b[k,j] -> r[i,j]", "a=a.npy", "b=b.npy", "--tile", "i=2", "--tile", "j=110"]
        case.run("", words=[*words, "-o", "r=alone.npy"], what="one process")
        alone = (case.folder / "alone.npy")
        right = alone.read_bytes()[-rows * columns * 8:] if alone.exists() else b""
        case.forget("alone.npy")
        nodes = [case.start("", words=[*words, "-o", "r=r.npy", "--node", f"{k}/2", "-w", "1"]) for k in (0, 1)]
        case.await_(lambda: (case.folder / RUN).exists() or case.is_done("r.npy"), "the run folder")
        time.sleep(generator.random() * 0.05)
        nodes[0].signal(signal.SIGSTOP)
        case.end(nodes[1], (0,), "the other node")
        if not (case.folder / "r.npy").exists():  # the run folder may be there, if it was stopped while it removed that
            case.wrong(f"a stopped node blocks the end: {sorted(case.names())}\n{nodes[1].said()}")
        nodes[0].signal(signal.SIGCONT if ending == "continued" else signal.SIGKILL)
        case.end(nodes[0], (0, -signal.SIGKILL), f"the node that was {ending}")
        case.run("", words=[*words, "-o", "r=r.npy", "--node", "0/1"], what="once more")
        if not case.is_done("r.npy") or (case.folder / "r.npy").read_bytes()[-rows * columns * 8:] != right:
            case.wrong("other bytes than those of one process")
        strange = case.names() - {"a.npy", "b.npy", "r.npy", "x.npy", "r0.npy"}
        if strange:
            case.wrong(f"left behind: {sorted(strange)}")
        case.check_nobody("at the end")
    return case


# ---- the same node twice, two that finish at once ----

def same_node_twice(seed, nodes):
    def case(case):
        generator = random.Random(seed)
        case.note("pace", generator.choice((0, 1, 3)))
        started = [case.start(k) for k in nodes]
        for node in started:
            case.end(node, (0,), "one of the nodes")
        case.finish()
    return case


def finish_at_once(seed):
    """Nodes whose commits are made to meet."""
    def case(case):
        generator = random.Random(seed)
        delays = ",".join(f"{point}:delay:0" for point in generator.sample(
            ["node.commit", "output.sync", "output.magic", "output.mark", "output.rename", "output.renamed", "node.remove"], 4))
        nodes = [case.start(f"{k}/3", fault=delays if k else "") for k in range(3)]
        for node in nodes:
            case.end(node, (0,), "one of three nodes")
        case.finish()
    return case


# ---- things that are taken away, and others that come ----

def folder_removed(case):
    case.note("pace", 20)
    node = case.start("0/2", workers=1)
    if not case.await_folder():
        return
    time.sleep(0.1)
    shutil.rmtree(case.folder / RUN, ignore_errors=True)
    case.end(node, (1, 3), "the node whose folder was removed")
    if (case.folder / RUN).exists() or (case.folder / "r.npy").exists():
        case.wrong(f"it made something again: {sorted(case.names())}")
    case.note("pace", 0)
    case.finish()


def restarted_under_a_node(case):
    case.note("pace", 20)
    node = case.start("0/2", workers=1)
    if not case.await_folder():
        return
    time.sleep(0.1)
    case.note("pace", 2)
    case.run("1/2", "--restart", what="the node that begins anew")
    case.end(node, (0, 1, 3), "the node whose job was begun anew")
    case.finish()


def other_kernel(case):
    case.note("pace", 10)
    node = case.start("0/2")
    if not case.await_folder():
        return
    words = [word.replace(":step", ":difference") if word.endswith(":step") else word for word in
             case.words(["--node", "1/2"])]
    words[words.index(JOBS["step"][0][2])] = "x[i], r[i,j] -> s[i,j]"
    position = words.index("r=r.npy")
    del words[position - 1:position + 1]
    words[words.index("s=s.npy")] = "s=r.npy"
    other = case.run("", words=words, codes=(2, 3), what="a node with another kernel")
    if "r.npy" not in other.said():
        case.wrong(f"what was said to a node with another kernel: {other.said()}")
    case.end(node)
    after = case.run("", words=words, codes=(2, 3), what="a node with another kernel, after the end")
    if "restart" not in after.said():
        case.wrong(f"what was said of another job's file: {after.said()}")
    case.finish()


def other_input(case):
    case.note("pace", 10)
    node = case.start("0/2")
    if not case.await_folder():
        return
    (case.folder / "y.npy").write_bytes(npy((ROWS,), [1.0] * ROWS))
    words = [word if word != "x=x.npy" else "x=y.npy" for word in case.words(["--node", "1/2"])]
    other = case.run("", words=words, codes=(2, 3), what="a node with another input")
    if "x" not in other.said():
        case.wrong(f"what was said to a node with another input: {other.said()}")
    case.forget("y.npy")
    case.end(node)
    case.finish()


def other_cuts(case):
    case.note("pace", 10)
    node = case.start("0/2")
    if not case.await_folder():
        return
    words = [word if word != "i=1" else "i=2" for word in case.words(["--node", "1/2"])]
    case.run("", words=words, codes=(2, 3), what="a node with other tiles")
    case.end(node)
    case.finish()


def other_number(case):
    """3 nodes of 3, and one each of 1, 2 and 100: all take part."""
    case.note("pace", 4)
    for node in [case.start(k) for k in ("0/3", "1/3", "0/1", "1/2", "99/100", "2/3")]:
        case.end(node)
    case.finish()


def tile_fails(case):
    """A tile fails on one node: all end with that, and later starts try it again."""
    case.note("fail", 20)
    nodes = [case.start(f"{k}/2") for k in (0, 1)]
    for node in nodes:
        case.end(node, (1,), "a node of a job that fails")
        if "asked to fail" not in node.said():
            case.wrong(f"the failure is not reported: {node.said()}")
    case.forget("fail")
    case.finish()


# ---- disks and clocks ----

def limit_files():
    """Files of this process are shorter than a part: as on a disk that is full for it alone."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))


def no_room_for_one(case):
    """One node has no room, the other one has."""
    case.note("pace", 5)
    good = case.start("0/2")
    if not case.await_folder():
        return
    bad = case.start("1/2", before=limit_files, fault=None)
    case.end(bad, (0, 1, 3, 4), "the node without room")
    case.end(good, ANY, "the node with room")
    case.finish()


def no_room_at_all(case):
    """Neither node can make the parts: nothing is left, and with room all is as ever."""
    nodes = [case.start(f"{k}/2", before=limit_files, fault=None) for k in (0, 1)]
    for node in nodes:
        case.end(node, (4,), "a node without room")
    if case.names() != {"x.npy", "r0.npy"}:
        case.wrong(f"left behind: {sorted(case.names())}")
    case.finish()


def wrong_clocks(hours):
    def case(case):
        shim = case.notes / "clock.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", shim, WRONG_CLOCK, "-ldl"], check=True, capture_output=True)
        case.note("pace", 4)
        nodes = [case.start(f"{k}/3", environment={"LD_PRELOAD": str(shim), "CLOCK_OFFSET": str(3600 * offset)})
                 for k, offset in enumerate(hours)]
        time.sleep(0.03)
        nodes[0].signal(signal.SIGKILL)
        for k, node in enumerate(nodes):
            case.end(node, (0, -signal.SIGKILL) if k == 0 else (0,), "a node with a wrong clock")
        case.finish()
    return case


# ---- all of them ----

def add_scenarios(suite):
    times = 10 if suite.is_long else 1
    for k in range(6 * times):
        suite.add("all nodes are killed, then another number comes", f"seed {k}",
                  killed_at_random(k, 1 + k % 4, 1 + (k + 1) % 3), ("step", "reduction")[k % 2])
    for k in range(2 * times):
        suite.add("a job whose nodes are killed again and again gets on", f"seed {k}", killed_again_and_again(k),
                  ("step", "reduction")[k % 2])
    for ending in ("continued", "killed"):
        for k, pool in enumerate(("threads", "processes")):
            suite.add("a node is stopped between zeroing and adding, and continues after the end", f"{ending} {pool}",
                      stopped_in_a_tile(3 + k, ending, pool), "add")
            suite.add("a node is stopped before it writes a tile, and continues after the end", f"{k} {ending}",
                      stopped_before_a_write(1 + 2 * k, "" if ending == "killed" else "filesystem.known:error:0,"))
        for k in range(2 * times):
            suite.add("the same in the middle of examples/kernels/matmul.c", f"{ending} {k}", stopped_in_matmul(k, ending))
    suite.add("a node computes other bytes after the end", "step", differs_after_the_end, "add")
    suite.add("a node finds that its job was begun anew, and is finished", "add", begun_anew_while_stopped, "add")
    for k in range(3 * times):
        nodes = (["0/1", "0/1"], ["0/2", "0/2"], ["1/2", "1/2", "0/2", "0/2"])[k % 3]
        suite.add("the same node twice at once", f"seed {k}", same_node_twice(k, nodes), ("step", "reduction")[k % 2])
    for k in range(4 * times):
        suite.add("nodes that finish at once", f"seed {k}", finish_at_once(k), ("step", "reduction")[k % 2])
    strange = "a node with another kernel, input, cuts or number of nodes"
    for function in (other_kernel, other_input, other_cuts, other_number):
        suite.add(strange, function.__name__, function)
    taken = "the run folder is removed or begun anew under a node; a tile fails"
    for function in (folder_removed, restarted_under_a_node, tile_fails):
        suite.add(taken, function.__name__, function)
    for function in (no_room_for_one, no_room_at_all):
        suite.add("a disk that is full for a node or for all", function.__name__, function)
    for hours in ((5, -3, 0), (-100000, 0, 100000))[:1 + suite.is_long]:
        suite.add("clocks that are hours apart", str(hours), wrong_clocks(hours))


def main():
    words = [word for word in sys.argv[1:] if word != "--long"]
    build, folder = pathlib.Path(words[0]).resolve(), pathlib.Path(words[1]).resolve()
    suite = Suite(build, folder, "--long" in sys.argv)
    points = table(build)
    add_points(suite, points)
    add_scenarios(suite)
    node_disks.add(suite)
    node_calls.add(suite)
    if len(words) > 2:
        suite.jobs = [job for job in suite.jobs if words[2] in f"{job[0]} {job[1]}"]
    tap = Tap()
    suite.run(tap)
    if len(words) <= 2:
        tap.check("every point of jobs on nodes was passed",
                  sorted(name for name, point in points.items() if point.has("nodes") and name not in suite.met))
    passed = sum(point.has("nodes") or name in SHARED_POINTS for name, point in points.items())
    groups = "; ".join(f"{count} {name}" for name, count in suite.cases.items())
    print(f"# nodes {sum(suite.cases.values())} cases at {passed} points: {groups}")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
