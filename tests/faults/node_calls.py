"""The k-th call of the C library fails in a node of a job, once or forever after; then others come. Cases for nodes.py,
which runs them; tests/faults/refuse.c, preloaded, refuses the calls."""

import errno
import pathlib
import struct

COUNTS_SIZE = 4096  # bytes of the file in which refuse.so keeps its counts
KINDS = {  # kind: errno, how many calls of it are tried at most
    "open": (errno.EMFILE, 90),
    "write": (errno.ENOSPC, 90),
    "sync": (errno.EIO, 30),
    "rename": (errno.EIO, 12),
    "read": (errno.EIO, 60),
    "mmap": (errno.ENOMEM, 40),
    "malloc": (errno.ENOMEM, 900),
    "thread": (errno.EAGAIN, 4),
}
GROUP = "the k-th call of the C library fails in a node"


def refused(kind, number, forever):
    """A node whose call is refused ends by itself, with a sentence if not with success; the next ones finish."""
    def case(case):
        counts = case.notes / "counts"
        counts.write_bytes(bytes(COUNTS_SIZE))
        environment = {"LD_PRELOAD": str(case.build / "tests" / "faults" / "refuse.so"),
                       "TILEWORK_REFUSE": f"{kind}:{number}:{'forever' if forever else 'once'}:{KINDS[kind][0]}",
                       "TILEWORK_REFUSE_COUNTS": str(counts)}
        node = case.run("0/2", environment=environment, fault=None, codes=(0, 1, 3, 4), what="the node with the refusal")
        met, resynced, _ = struct.unpack_from("<QQQ", counts.read_bytes())
        said = node.said()
        if node.process.returncode != 0 and not any(line.startswith("tilework: ") for line in said.splitlines()):
            case.wrong(f"it failed and did not say why: {said}")
        if met == 0 and node.process.returncode != 0:
            case.wrong(f"exit code {node.process.returncode} with nothing refused: {said}")
        if resynced:
            case.wrong("a file was synced again after a sync of it had failed")
        case.is_disturbed = met > 0  # what it could not remove, a later start does
        case.check_outputs("after the refusal")
        case.finish()
    return case


def add(suite):
    if not (pathlib.Path(suite.build) / "tests" / "faults" / "refuse.so").exists():
        return
    for kind, (_, most) in KINDS.items():
        step = max(1, most // (90 if suite.is_long else 4))
        for number in range(1, most + 1, step):
            for forever in (False, True) if suite.is_long else (number // step % 2 == 1,):
                suite.add(GROUP, f"{kind} {number} {'forever' if forever else 'once'}", refused(kind, number, forever),
                          ("step", "reduction")[number // step % 2])
