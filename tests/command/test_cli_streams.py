"""Inputs that are read once: standard input, pipes, sockets; whole ones and ones that end too early."""

import os
import re
import signal
import socket
import subprocess
import threading

import numpy
import pytest

DOUBLE = ["run", "r[i] = 2 * x[i]", "-o", "r=r.npy"]


@pytest.fixture
def content(folder):
    folder.save("x.npy", numpy.arange(6.0))
    return (folder / "x.npy").read_bytes()


def piped(folder, content, *arguments):
    """The command with these bytes on a pipe as its standard input."""
    process = subprocess.Popen(folder.command(*arguments), cwd=folder.path, env=folder.environment, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    said = process.communicate(content, timeout=60)
    return process.returncode, said[0].decode(), said[1].decode()


@pytest.mark.parametrize("name", ["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"])
def test_standard_input_is_read_from_a_pipe_and_from_a_file(folder, content, name):
    assert piped(folder, content, *DOUBLE, f"x={name}")[0] == 0
    assert folder.load().tolist() == [0, 2, 4, 6, 8, 10]
    (folder / "r.npy").unlink()
    with open(folder / "x.npy", "rb") as file:
        assert folder.call(*DOUBLE, f"x={name}", input=None, stdin=file).returncode == 0
    assert folder.load().tolist() == [0, 2, 4, 6, 8, 10]


def test_a_named_pipe_a_socket_and_other_layouts_are_read(folder, content):
    os.mkfifo(folder / "pipe")
    writer = threading.Thread(target=(folder / "pipe").write_bytes, args=(content,))
    writer.start()
    assert folder.call(*DOUBLE, "x=pipe").returncode == 0
    writer.join()
    assert folder.load().tolist() == [0, 2, 4, 6, 8, 10]
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(content)
        assert folder.call(*DOUBLE, "x=-", input=None, stdin=theirs).returncode == 0
    folder.save("f.npy", numpy.asfortranarray(numpy.arange(6.0).reshape(2, 3)).astype(">f8"))
    code, _, _ = piped(folder, (folder / "f.npy").read_bytes(), "run", "r[i,j] = x[i,j]", "x=-", "-o", "r=r.npy")
    assert code == 0 and folder.load().tolist() == [[0, 1, 2], [3, 4, 5]]
    assert piped(folder, content, "show", "-")[1].splitlines()[1] == "dtype   float64"


def test_no_more_is_read_than_the_header_promises(folder, content):
    large = numpy.arange(300000.0)
    folder.save("x.npy", large)
    assert piped(folder, (folder / "x.npy").read_bytes() + bytes(1 << 20), *DOUBLE, "x=-")[0] in (0, -13)
    assert (folder.load() == 2 * large).all()


@pytest.mark.parametrize("count,says", [
    (0, "/dev/stdin: is empty, not a .npy file"),
    (5, "/dev/stdin: ends after 5 bytes, inside the header of a .npy file"),
    (50, "/dev/stdin: ends after 50 of the 128 bytes of its header"),
    (150, "/dev/stdin: ends after 22 of the 48 bytes of its data"),
])
def test_input_that_ends_too_early_is_refused_and_nothing_is_written(folder, content, count, says):
    code, _, errors = piped(folder, content[:count], *DOUBLE, "x=-")
    assert (code, errors) == (3, f"tilework: {says}\n") and not (folder / "r.npy").exists()


def test_input_larger_than_memory_is_refused_before_it_is_read(folder, content):
    huge = re.sub(rb"\(6,\), }(\s+)", lambda found: b"(100000000000000,), }".ljust(len(found[0]) - 1) + b"\n", content)
    code, _, errors = piped(folder, huge, *DOUBLE, "x=-")
    assert code == 4 and "an array of 100000000000000 float64 needs 745058.0 GiB" in errors


def test_what_can_be_read_only_once_is_not_two_inputs(folder, content):
    code, _, errors = piped(folder, content, "run", "r[i] = x[i] + y[i]", "x=-", "y=/dev/stdin", "-o", "r=r.npy")
    assert code == 2 and "can be read only once" in errors


def test_an_output_is_no_stream(folder, content):
    folder.refused(2, "run", "r[i] = 2 * x[i]", "x=x.npy", "-o", "r=-", says="output 'r' cannot be standard output")


def test_a_resume_knows_a_stream_by_its_contents(folder, kernels, content):
    (folder / "k.c").write_text("""
#include <tilework/tilework.h>
#include <unistd.h>
int f(const tw_tile *tile)
{
    TW_VIEW(double, x, tile->operand[0]);
    TW_VIEW(double, r, tile->operand[1]);
    if (tile->number == 5 && access("well", F_OK) != 0) return tw_tile_fail(tile, 1, "not yet");
    for (int64_t i = 0; i < r.shape[0]; i++) TW_AT(r, i) = 2 * TW_AT(x, i);
    return 0;
}
""")
    command = ["run", "k.c:f", "-s", "x[i] -> r[i]", "x=-", "-o", "r=r.npy", "--tile", "i=1", "--pool", "serial"]
    assert piped(folder, content, *command)[0] == 1
    (folder / "well").touch()
    other = content[:-8] + numpy.array([7.0]).tobytes()
    code, _, errors = piped(folder, other, *command, "--resume")
    assert code == 2 and "contents" in errors
    assert piped(folder, content, *command, "--resume")[0] == 0
    assert folder.load().tolist() == [0, 2, 4, 6, 8, 10]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_wait_for_what_a_pipe_never_brings(folder, content, number):
    os.mkfifo(folder / "pipe")
    before = folder.contents()
    process = folder.start(*DOUBLE, "x=pipe")
    with open(folder / "pipe", "wb", buffering=0) as pipe:  # which waits for the reader
        pipe.write(content[:100])
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, b"tilework: interrupted before the first tile\n")
    assert folder.contents() == before
