"""File systems that are not known to be coherent, and those without attributes, as a fault at a named point makes them of
any other one. Cases for nodes.py, which runs them."""

import random
import signal
import struct
import time

from case import COLUMNS, ROWS
from node_case import RUN

GROUP = "a file system that is not known to be coherent"


def incoherent(seed):
    """The file system is taken for one that is not coherent: nothing is lost, and a damaged part is found before the end."""
    def case(case):
        generator = random.Random(seed)
        case.note("pace", 2)
        nodes = [case.start(f"{k}/3", fault="filesystem.known:error:0") for k in range(3)]
        if generator.random() < 0.5:
            time.sleep(generator.random() * 0.1)
            nodes[2].signal(signal.SIGKILL)
        for node in nodes:
            case.end(node, (0, -signal.SIGKILL), "a node that distrusts its disk")
        case.finish()
    return case


def damaged(name, count):
    """Bytes that another machine has overwritten, in an output or in what a step leaves for the next: they are read back
    before anything is made of them, and computed again; with several nodes, by whichever reads that tile."""
    def case(case):
        case.note("pace", 15)
        nodes = [case.start(f"{k}/{count}", fault="filesystem.known:error:0", workers=1) for k in range(count)]
        if not case.await_(lambda: len(case.recorded()) >= 5, "records"):
            return
        with open(case.folder / RUN / name, "r+b") as file:
            file.seek(4096 + 2 * COLUMNS * 8)
            file.write(struct.pack("<d", -1.5))
        for node in nodes:
            case.end(node, (0,), f"a node whose {name} was damaged")
        if len(case.tiles_run()) <= ROWS:
            case.wrong(f"the damaged tile was not computed again: {case.tiles_run()}")
        case.finish()
    return case


def damaged_at_the_end(name):
    """Bytes of an earlier step that are overwritten when all is recorded: no node can compute them again in that run. The next
    one does, though it takes the file system for coherent, as a file server does."""
    def case(case):
        node = case.start("0/1", fault="filesystem.known:error:0,node.read-back:stop:1", workers=1)
        if not case.await_(lambda: "did node.read-back stop" in node.faults(), "the reading back"):
            return
        with open(case.folder / RUN / name, "r+b") as file:
            file.seek(-8, 2)
            file.write(struct.pack("<d", -1.5))
        node.signal(signal.SIGCONT)
        case.end(node, (4,), f"a node whose {name} was damaged at the end")
        case.run("0/1", what="a node that trusts the file system")
        case.finish()
    return case


def no_attributes(case):
    """A file system without attributes: the mark is a file beside the result."""
    nodes = [case.start(f"{k}/2", fault="mark.attribute:error:0") for k in (0, 1)]
    for node in nodes:
        case.end(node)
    marks = [name for name in case.expected if not (case.folder / f".{name}.job").exists()]
    if marks:
        case.wrong(f"without a mark: {marks}")
    case.finish()
    result = case.folder / "r.npy"
    whole = result.read_bytes()
    result.write_bytes(whole)  # later, the same bytes: as a client of NFS does that sends them once more
    for what in ("a file that was written to", "the mark that was made anew"):
        again = case.run("0/2", fault="mark.attribute:error:0", what=f"a node that finds {what}")
        if "already finished" not in again.said():
            case.wrong(f"what was said of {what}: {again.said()}")
    result.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))  # as long, and not the same file any more
    again = case.run("0/2", codes=(2,), what="a node that finds another file")
    if "restart" not in again.said():
        case.wrong(f"what was said of another file: {again.said()}")


def written_between_names(point, damages):
    """Without attributes: a node dies at the end, and an output that has its name is written to before others come: the same
    bytes, or others. They read it before the rest gets its names."""
    def case(case):
        first = case.start("0/2", fault=f"mark.attribute:error:0,{point}:kill-parent:1")
        case.end(first, (-signal.SIGKILL,), "the node that dies at the end")
        result = case.folder / "r.npy"
        whole = result.read_bytes()
        result.write_bytes(whole[:-1] + bytes([whole[-1] ^ damages]))
        if damages:
            other = case.run("1/2", fault="mark.attribute:error:0", codes=(2, 4), what="a node that finds another file")
            if "restart" not in other.said():
                case.wrong(f"what was said of another file: {other.said()}")
            case.run("1/2", "--restart", fault="mark.attribute:error:0", what="the job begun anew")
        else:
            case.run("1/2", fault="mark.attribute:error:0", what="a node that finds a file that was written to")
        case.finish()
    return case


def other_file_in_its_place(case):
    """A mark as an attribute stays with a file whatever is copied into it: another shape, or another type."""
    case.run("0/2")
    result = case.folder / "r.npy"
    whole = result.read_bytes()
    for what, data in (("type", whole.replace(b"<f8", b"<i8", 1)), ("shape", (case.folder / "x.npy").read_bytes())):
        result.write_bytes(data)
        again = case.run("0/2", codes=(2,), what=f"a node that finds another {what}")
        if "restart" not in again.said():
            case.wrong(f"what was said of another {what}: {again.said()}")
    case.run("0/2", "--restart", what="the job begun anew")
    case.finish()


def cuts_of_short_pieces(case):
    """Columns of a few bytes on such a file system: refused before there is anything."""
    words = [word if word != "i=1" else "i=4,j=8" for word in case.words(["--node", "0/1"])]
    node = case.run("", words=words, fault="filesystem.known:error:0", codes=(2,), what="cuts of short pieces")
    if "in pieces of 64 bytes" not in node.said() or "cut along i alone" not in node.said():
        case.wrong(f"what was said of cuts of short pieces: {node.said()}")
    if case.names() != {"x.npy", "r0.npy"}:
        case.wrong(f"left behind: {sorted(case.names())}")
    case.finish()


def add(suite):
    for k in range(20 if suite.is_long else 2):
        suite.add(GROUP, f"seed {k}", incoherent(k), ("step", "reduction")[k % 2])
    for name, count in (("1.npy", 1), ("partials", 1), ("1.npy", 2), ("1.npy", 3)):
        suite.add(GROUP, f"damage {name} {count}", damaged(name, count), "reduction")
    for name in ("0.npy", "1.npy"):
        suite.add(GROUP, f"damage at the end {name}", damaged_at_the_end(name), "reduction")
    suite.add(GROUP, "marks", no_attributes)
    for point in ("output.renamed", "node.committed"):
        for damages in (0, 1):
            suite.add(GROUP, f"written to after {point} {damages}", written_between_names(point, damages))
    suite.add(GROUP, "another file", other_file_in_its_place)
    suite.add(GROUP, "cuts", cuts_of_short_pieces)
