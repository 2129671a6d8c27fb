#!/usr/bin/env python3
"""Runs a command in a network and among processes of its own: `enter.py COMMAND ...`, exits with its code.

Whatever the command starts, daemons too, ends with it, and nothing that it starts can be reached from outside. If this
machine does not allow that, the command runs all the same, without TILEWORK_NODES_OWN_NETWORK. Standard library alone.
"""

import fcntl
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys

INSIDE = "TILEWORK_NODES_OWN_NETWORK"
UNSHARE = ("unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")
SIOCSIFFLAGS, SIOCSIFADDR, IFF_UP = 0x8914, 0x8916, 1


def make_network():
    """A new network has a loopback device, which is down. It gets an address beside 127.0.0.1 (from a range that is kept for
    examples), since getaddrinfo finds no name on a machine that has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", IFF_UP))
        address = struct.pack("=HH4s8x", socket.AF_INET, 0, socket.inet_aton("192.0.2.1"))
        fcntl.ioctl(any_socket, SIOCSIFADDR, struct.pack("16s16s8x", b"lo:0", address))


def be_first(command):
    """The first process of a set of its own: starts the command, and reaps whatever loses its parent until that ends."""
    make_network()
    child = os.spawnvpe(os.P_NOWAIT, command[0], command, {**os.environ, INSIDE: "1"})
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: os.kill(child, number))
    while True:
        pid, status = os.wait()
        if pid == child:
            return os.waitstatus_to_exitcode(status) & 0xff


def can_unshare():
    if not shutil.which("unshare"):
        return False
    return subprocess.run([*UNSHARE, "true"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0


def main():
    if sys.argv[1] == "--first":
        sys.exit(be_first(sys.argv[2:]))
    if can_unshare():
        os.execvp("unshare", [*UNSHARE, sys.executable, __file__, "--first", *sys.argv[1:]])
    os.execvp(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
