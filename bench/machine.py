"""The machine that is measured: a description for who reads the figures, and memory that is ready to be measured."""

import mmap
import os
import pathlib
import platform
import re
import subprocess

MADV_HUGEPAGE = 14
MADV_POPULATE_WRITE = 23  # Linux 5.14


def first_line(*command):
    try:
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip().split("\n")[0]


def text_of(path):
    try:
        return pathlib.Path(path).read_text()
    except OSError:
        return ""


def memory(name):
    """Bytes, from /proc/meminfo."""
    found = re.search(rf"^{name}:\s+(\d+) kB", text_of("/proc/meminfo"), re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def cores():
    return len(os.sched_getaffinity(0))


def system():
    found = re.search(r'^PRETTY_NAME="?([^"\n]*)', text_of("/etc/os-release"), re.MULTILINE)
    return found[1] if found else "Linux"


def describe(tilework, versions):
    """Lines; `versions` are those of the peers, (name, version)."""
    model = re.search(r"^model name\s*:\s*(.*)$", text_of("/proc/cpuinfo"), re.MULTILINE)
    virtual = " (virtual machine)" if re.search(r"^flags.*\bhypervisor\b", text_of("/proc/cpuinfo"), re.M) else ""
    huge = re.search(r"\[(\w+)\]", text_of("/sys/kernel/mm/transparent_hugepage/enabled"))
    shared = re.search(r"\[(\w+)\]", text_of("/sys/kernel/mm/transparent_hugepage/shmem_enabled"))
    return [
        f"processor: {model[1] if model else platform.machine()}, {cores()} cores allowed{virtual}",
        f"memory: {memory('MemTotal') / 2 ** 30:.1f} GiB; huge pages: {huge[1] if huge else 'none'}, "
        f"shared: {shared[1] if shared else 'none'}",
        f"system: {system()}, Linux {platform.release()}, {first_line('cc', '--version')}",
        f"measured: {first_line(tilework, '--version')}; Python {platform.python_version()}"
        + "".join(f", {name} {version}" for name, version in versions),
    ]


def fetch_memory(size):
    """Takes `size` bytes from the system and gives them back at once. The host of a virtual machine takes back memory that
    has been free for a second or two, and the next to touch it waits for the host, a hundred times longer than for the
    page itself. So whoever is measured next meets memory that the host has just given, whichever side it is."""
    try:
        with mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
            memory.madvise(MADV_HUGEPAGE)
            memory.madvise(MADV_POPULATE_WRITE)
    except (OSError, ValueError):
        pass  # an older kernel: the measurement then has the host's time in it, on both sides
