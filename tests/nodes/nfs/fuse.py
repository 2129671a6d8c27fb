"""One folder mounted twice by FUSE, each mount with pages of its own, as two machines have them: libfuse's example
`passthrough_ll`, built from Debian's libfuse3-dev. The mounts end with the tests (../enter.py). Standard library alone."""

import gzip
import os
import pathlib
import shutil
import subprocess

import machines

EXAMPLES = pathlib.Path("/usr/share/doc/libfuse3-dev/examples")
SOURCES = ("passthrough_ll.c", "passthrough_helpers.h")


def missing():
    """Why nothing can be mounted here: one line, or nothing."""
    if not all(found(name) for name in SOURCES):
        return "passthrough_ll.c not found (Debian: libfuse3-dev)"
    if subprocess.run(["pkg-config", "--exists", "fuse3"], check=False).returncode != 0:
        return "libfuse3 not found (Debian: libfuse3-dev)"
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "/dev/fuse cannot be opened"
    if os.environ.get(machines.INSIDE) != "1":
        return "no network and processes of their own (tests/nodes/enter.py)"
    return ""


def found(name):
    return next((EXAMPLES / f"{name}{end}" for end in ("", ".gz") if (EXAMPLES / f"{name}{end}").exists()), None)


def build(folder):
    """The program, in this folder."""
    for name in SOURCES:
        source = found(name)
        data = source.read_bytes()
        (folder / name).write_bytes(gzip.decompress(data) if source.suffix == ".gz" else data)
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "fuse3"], capture_output=True, text=True, check=True).stdout.split()
    program = folder / "passthrough_ll"
    subprocess.run(["cc", "-O2", "-w", "-o", program, folder / "passthrough_ll.c", *flags], check=True)
    return program


class Twice:
    """A context: `places` are two mounts of `back`. `back` is in memory if `memory` says so, else where `folder` is."""

    def __init__(self, program, folder, writeback, memory):
        self.program, self.folder, self.memory = program, folder, memory
        self.how = ["-o", "writeback" if writeback else "no_writeback", "-o", "cache=auto", "-o", "timeout=1"]
        self.back = folder / "back"
        self.places = [folder / f"mount{i}" for i in range(2)]

    def __enter__(self):
        for place in (self.back, *self.places):
            place.mkdir(parents=True)
        if self.memory:
            subprocess.run(["mount", "-t", "tmpfs", "tmpfs", self.back], check=True)
        for place in self.places:
            subprocess.run([self.program, "-o", f"source={self.back}", *self.how, place], check=True, stdout=subprocess.DEVNULL, timeout=20)
        return self

    def __exit__(self, *_):
        for place in self.places:
            subprocess.run(["umount", "-l", place], check=False)
        if self.memory:
            subprocess.run(["umount", "-l", self.back], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)
