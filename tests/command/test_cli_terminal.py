"""Ctrl-C, and the line that shows progress on a terminal."""

import os
import pty
import re
import signal
import subprocess
import time

import pytest
from conftest import session_processes
from survival import wait_for, wait_for_record, wait_until_arrived

SLOW = ["run", "kernels.c:slow", "-s", "-> r[i]", "--length", "i=2000", "--tile", "i=1", "-o", "r=r.npy"]
STUCK = ["run", "kernels.c:stuck", *SLOW[2:]]


def compile_first(folder):
    folder.run_ok(*[a if a != "i=2000" else "i=1" for a in SLOW[1:]])
    (folder / "r.npy").unlink()


def start_run(folder, arguments):
    """Started, and past its first tiles; one that gets stuck, in the middle of a tile."""
    compile_first(folder)
    process = folder.start(*arguments)
    if arguments[1] == STUCK[1]:
        wait_for((folder / "stuck").exists, "a tile", 30)
    else:
        wait_for_record(folder, 2000)
    assert process.poll() is None
    return process


@pytest.mark.parametrize("pool", ["serial", "threads", "processes"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupt_ends_after_the_tiles_in_hand(folder, pool, number):
    before = folder.contents()
    process = start_run(folder, [*SLOW, "--pool", pool, "--report", "report.json"])
    began = time.monotonic()
    os.killpg(process.pid, number)
    _, errors = process.communicate(timeout=60)
    assert time.monotonic() - began < 60  # all tiles take 100 s
    assert process.returncode == 130
    done = re.fullmatch(rb"tilework: interrupted: (\d+) of 2000 tiles are done\ntilework: (\d+) of 2000 tiles are done and "
                        rb"kept in r.npy.part; to continue: tilework run --resume [^\n]*\n", errors)  # fmt: skip
    assert done and done[1] == done[2], errors
    assert session_processes(process.pid) == []
    assert (folder / "report.json").stat().st_size > 0
    (folder / "report.json").unlink()
    folder.forget()
    assert folder.contents() == before


@pytest.mark.parametrize("pool", ["serial", "threads", "processes"])
def test_second_interrupt_ends_at_once(folder, pool):
    before = folder.contents()
    process = start_run(folder, [*STUCK, "--pool", pool, "--report", "report.json"])
    os.killpg(process.pid, signal.SIGINT)
    wait_until_arrived(process, signal.SIGINT)
    assert process.poll() is None
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors == b"tilework: tiles that were recorded are kept in r.npy.part; add --resume to continue\n"
    wait_for(lambda: session_processes(process.pid) == [], "workers gone", 30)
    folder.forget()
    (folder / "stuck").unlink()
    assert folder.contents() == before


def test_signals_close_together_count_once(folder):
    process = start_run(folder, [*SLOW, "--pool", "serial"])
    for _ in range(3):
        process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.count(b"\n") == 2


def test_interrupt_that_is_ignored_stays_ignored(folder):
    arguments = [a if a != "i=2000" else "i=20" for a in SLOW]
    folder.run_ok(*[a if a != "i=20" else "i=1" for a in arguments[1:]])
    (folder / "r.npy").unlink()
    ignoring = ["setsid", "sh", "-c", 'trap "" INT; exec "$0" "$@"', *folder.command(*arguments, "--pool", "serial")]
    process = subprocess.Popen(ignoring, cwd=folder.path, env=folder.environment, stderr=subprocess.PIPE)
    wait_for((folder / "r.npy.part").exists, "unfinished file", 30)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert (folder / "r.npy").exists()


def test_interrupt_while_the_kernel_is_compiled(folder):
    compiler = folder / "slow-compiler"
    compiler.write_text('#!/bin/sh\ncase "$*" in *--version*) echo slow 1.0 ;; *) touch started; exec sleep 60 ;; esac\n')
    compiler.chmod(0o755)
    process = folder.start(*SLOW, "--compiler", compiler, "--report", "report.json")
    wait_for((folder / "started").exists, "compiler", 30)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, b"tilework: interrupted before the first tile\n")
    assert session_processes(process.pid) == []
    assert sorted(os.listdir(folder.path)) == ["kernels.c", "slow-compiler", "started", "x.npy", "y.npy"]


@pytest.mark.parametrize("command", ["demo", "bench"])
def test_demo_and_bench_can_be_interrupted(folder, command):
    process = folder.start(command, "--rows", "5000", "--cols", "20000")
    line = process.stdout.readline()
    assert line
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors.startswith(b"tilework: ") and errors.count(b"\n") == 1, errors
    assert session_processes(process.pid) == []


@pytest.mark.parametrize("pool", ["threads", "processes"])
def test_nothing_is_left_when_the_command_is_killed(folder, pool):
    process = start_run(folder, [*STUCK, "--pool", pool])
    process.kill()
    process.communicate(timeout=60)
    wait_for(lambda: session_processes(process.pid) == [], "workers gone", 30)
    assert not (folder / "r.npy").exists()
    folder.run_ok(*[a if a != "i=2000" else "i=1" for a in SLOW[1:]])  # the .part file is in nobody's way


# ---- progress ----


def on_terminal(folder, *arguments):
    """What standard error shows where it is a terminal."""
    master, slave = pty.openpty()
    process = folder.start(*arguments, stderr=slave)
    os.close(slave)
    shown = b""
    while True:
        try:
            piece = os.read(master, 4096)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(master)
    process.communicate(timeout=60)
    assert process.returncode == 0, shown
    return shown.decode()


def test_progress_is_one_line_redrawn_on_a_terminal(folder):
    job = [a if a != "i=2000" else "i=20" for a in SLOW]
    shown = on_terminal(folder, *job, "--pool", "serial")
    assert "/20 tiles, " in shown and " tiles/s, 0:0" in shown and " left" in shown
    lines = shown.split("\n")
    assert len(lines) == 2 and lines[1] == ""
    assert lines[0].rpartition("\r\033[K")[2].startswith("tilework: 20 tiles on 1 serial worker in ")


def test_progress_can_be_left_out(folder):
    job = [a if a != "i=2000" else "i=20" for a in SLOW]
    for option in ("--no-progress", "--quiet"):
        shown = on_terminal(folder, *job, "--pool", "serial", option)
        assert "\033" not in shown and "left" not in shown


def test_progress_is_never_shown_elsewhere(folder):
    job = [a if a != "i=2000" else "i=20" for a in SLOW]
    result = folder.run_ok(*job[1:], "--progress", "--pool", "serial")
    assert "\r" not in result.stderr and "left" not in result.stderr


def test_interrupt_on_a_terminal_says_what_happens_next(folder):
    compile_first(folder)
    master, slave = pty.openpty()
    process = folder.start(*SLOW, "--pool", "serial", stderr=slave)
    os.close(slave)
    wait_for_record(folder, 2000)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    shown = os.read(master, 65536).decode()
    os.close(master)
    assert process.returncode == 130
    assert "tilework: stopping after the tiles being run; repeat to stop at once" in shown
