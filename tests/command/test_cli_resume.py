"""What is left of a run that was ended, and how it resumes: kills, Ctrl-C, journals of this and of another job, damaged
ones, other files in their places."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import time

import numpy
import pytest

from conftest import session_processes
from survival import (
    LENGTH,
    PROCESSES,
    RESULT,
    TILES,
    files,
    finished,
    held,
    interrupted,
    job,
    recorded,
    tiles_run,
    wait_for,
    wait_for_record,
    wait_until_arrived,
    wait_until_stuck,
)

# ---- the program ----


@pytest.mark.parametrize("pool", [PROCESSES, ["-w", "2"], ["--pool", "serial"]])
def test_a_killed_program_leaves_no_worker_and_is_gone_on_with(folder, kernels, pool):
    with held(folder):
        process = folder.start(*job(kernels("slow"), tiles=60, pool=pool))
        wait_for(lambda: len(tiles_run(folder)) >= 25, "tiles done")
        wait_for_record(folder, 60)
        process.kill()
        process.wait()
    wait_for(lambda: session_processes(process.pid) == [], "workers gone")
    assert files(folder) == ["r.npy.journal", "r.npy.part"]
    kept = recorded(folder)
    assert 0 < kept < 60
    (folder / "tiles.log").unlink()
    result = finished(folder, folder.call(*job(kernels("slow"), "--resume", tiles=60, pool=pool)))
    assert f"tilework: continuing: {kept} of 60 tiles were done\n" in result.stderr
    assert len(tiles_run(folder)) == len(set(tiles_run(folder))) == 60 - kept


def test_a_program_killed_at_any_moment_finishes_in_the_end(folder, kernels):
    moments = numpy.random.default_rng(7).uniform(0.01, 0.45, 12)
    command = job(kernels("slow"), "--resume", tiles=80)
    for moment in moments:
        process = folder.start(*command)
        time.sleep(moment)
        process.kill()
        process.communicate()
        wait_for(lambda: session_processes(process.pid) == [], "workers gone")
    finished(folder, folder.call(*command))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("pool", [PROCESSES, ["-w", "2"]])
def test_an_interrupted_run_says_how_to_go_on(folder, kernels, number, pool):
    process, said = interrupted(folder, kernels("slow"), number=number, pool=pool)
    assert process.returncode == 130
    first, second = said.splitlines()
    done = int(re.fullmatch(r"tilework: interrupted: (\d+) of 20 tiles are done", first)[1])
    command = re.fullmatch(
        rf"tilework: {done} of 20 tiles are done and kept in r\.npy\.part; to continue: (tilework run .*)", second
    )[1]
    finished(folder, folder.call(*shlex.split(command)[1:]))
    assert len(tiles_run(folder)) == TILES - done


def test_a_second_interrupt_ends_at_once(folder, kernels):
    process = folder.start(*job(kernels("stuck")), text=True)
    wait_until_stuck(folder)
    process.send_signal(signal.SIGINT)
    wait_until_arrived(process, signal.SIGINT)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said == "tilework: tiles that were recorded are kept in r.npy.part; add --resume to continue\n"
    wait_for(lambda: session_processes(process.pid) == [], "workers gone")


def test_the_command_to_go_on_can_be_typed_whatever_the_names(folder, kernels):
    odd = b'odd "n\'ame"\n x$HOME`id` \\ \xc3\xa9 \xc2\x85 \x1b'.decode()
    (folder / odd).mkdir()
    shutil.copy(kernels("").rstrip(":"), folder / odd / "k.c")
    with held(folder):
        process = folder.start(
            "run",
            f"{odd}/k.c:slow",
            "-s",
            "-> r[i]",
            "--length",
            "i=400",
            "--parts",
            "i=20",
            "--pool",
            "processes",
            "-w",
            "2",
            "-o",
            f"r={odd}/r.npy",
            text=True,
        )
        wait_for(lambda: len(tiles_run(folder)) >= 4, "tiles done")
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert len(said.splitlines()) == 2, said
    command = re.search(r"; to continue: tilework (.*)\n", said)[1]
    result = subprocess.run(
        ["bash", "-c", f"{shlex.quote(folder.command()[0])} {command}"],
        cwd=folder.path,
        env=folder.environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 0 and "continuing: " in result.stderr, result.stderr
    assert numpy.load(folder / odd / "r.npy").tobytes() == RESULT.tobytes()


# ---- journals ----


def test_an_unfinished_run_is_neither_lost_nor_mixed_up(folder, kernels):
    interrupted(folder, kernels("slow"))
    kept = recorded(folder)
    folder.refused(
        2,
        *job(kernels("slow")),
        says=f"r.npy.part: holds {kept} of 20 tiles of an unfinished run; add --resume to "
        "continue it or --restart to discard it",
    )
    folder.refused(2, *job(kernels("slow"), "--no-journal"), says=f"holds {kept} of 20 tiles")
    folder.refused(2, *job(kernels("slow"), "--resume", "--restart"), says="exclude each other")
    folder.refused(2, *job(kernels("slow"), "--resume", "--no-journal"), says="exclude each other")
    folder.refused(
        2, *job(kernels("slow"), "--verify"), says="--verify: reads finished tiles again, so it needs --resume"
    )
    finished(folder, folder.call(*job(kernels("slow"), "--restart")))
    assert len(tiles_run(folder)) == TILES


def test_resume_begins_where_there_is_nothing_and_again_where_all_is_done(folder, kernels):
    for _ in range(2):
        finished(folder, folder.call(*job(kernels("plain"), "--resume")))
    assert len(tiles_run(folder)) == 2 * TILES


def test_no_journal_leaves_nothing(folder, kernels):
    process, said = interrupted(folder, kernels("slow"), "--no-journal")
    assert process.returncode == 130 and files(folder) == []
    assert re.fullmatch(r"tilework: interrupted: \d+ of 20 tiles are done\n", said)


def test_a_resume_of_another_job_is_refused_with_what_differs(folder, kernels):
    source = folder / "k.c"
    shutil.copy(kernels("").rstrip(":"), source)
    interrupted(folder, "k.c:slow")
    for says, arguments in (
        ("kernel was slow of an object", job("k.c:plain")),
        ("kernel was slow of an object", job("k.c:slow", "--flags", "-O1")),
        ("axis i was length 400 in 20 tiles of 20 and is length 400 in 21 tiles", job("k.c:slow", tiles=21)),
        (
            "signature was out r[i] and is out r[j]",
            [a.replace("i=", "j=").replace("[i]", "[j]") for a in job("k.c:slow")],
        ),
        (
            "should be an unfinished output of 400 float32 and is one of {'descr': '<f8'",
            job("k.c:slow", "--dtype", "r=float32"),
        ),
        (
            "400 x 1 float64 and is one of {'descr': '<f8', 'fortran_order': False, 'shape': (400,)",
            [a.replace("-> r[i]", "-> r[i,j]") for a in job("k.c:slow", "--length", "j=1")],
        ),
    ):
        folder.refused(2, *arguments, "--resume", says=[says, "; --restart discards the unfinished run"])
    source.write_text(source.read_text() + "int more;\n")
    folder.refused(2, *job("k.c:slow"), "--resume", says="kernel was slow of an object")
    shutil.copy(kernels("").rstrip(":"), source)
    finished(folder, folder.call(*job("k.c:slow", "--resume")))


def test_a_changed_input_is_another_job(folder, kernels):
    folder.save("a.npy", RESULT)
    arguments = [
        "run",
        kernels("add_one"),
        "-s",
        "r[i] -> r[i]",
        "r=a.npy",
        "--parts",
        "i=20",
        *PROCESSES,
        "-o",
        "r=r.npy",
    ]
    with held(folder):
        process = folder.start(*arguments)
        wait_for_record(folder)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    before = (folder / "a.npy").stat()
    os.utime(folder / "a.npy", ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    folder.refused(
        2,
        *arguments,
        "--resume",
        says=[
            "'r' began as file of 3328 bytes, changed ",
            " and is file of 3328 bytes, changed ",
            "; --restart discards",
        ],
    )
    os.utime(folder / "a.npy", ns=(before.st_atime_ns, before.st_mtime_ns))
    finished(folder, folder.call(*arguments, "--resume"), RESULT + 1)


def test_two_outputs_go_on_together(folder, kernels):
    arguments = [
        "run",
        kernels("slow"),
        "-s",
        "-> r[i], s[i]",
        "--length",
        "i=400",
        "--parts",
        "i=20",
        *PROCESSES,
        "-o",
        "r=r.npy",
        "-o",
        "s=s.npy",
    ]
    with held(folder):
        process = folder.start(*arguments)
        wait_for(lambda: len(tiles_run(folder)) >= 4, "tiles done")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert sorted(p.name for p in folder.path.glob("[rs].npy*")) == ["r.npy.journal", "r.npy.part", "s.npy.part"]
    os.rename(folder / "s.npy.part", folder / "away")
    folder.refused(2, *arguments, "--resume", says="s.npy.part: there is no unfinished output to continue")
    os.rename(folder / "away", folder / "s.npy.part")
    finished(folder, folder.call(*arguments, "--resume"))
    assert folder.load("s.npy").tobytes() == (RESULT + 1000).tobytes()
    assert not list(folder.path.glob("*.part"))


def test_arrays_without_axes_and_without_items(folder, kernels):
    for more in ([], ["--resume", "--verify"], ["--guard"], ["--no-journal"]):
        pool = [] if more == ["--guard"] else PROCESSES
        folder.run_ok(kernels("scalar"), "-s", "-> r[]", *pool, "-o", "r=r.npy", *more)
        assert folder.load() == 5 and folder.load().shape == () and files(folder) == ["r.npy"]
        folder.run_ok(
            kernels("nothing"), "-s", "-> r[i,j]", "--length", "i=0", "--length", "j=7", *pool, "-o", "r=r.npy", *more
        )
        assert folder.load().shape == (0, 7) and files(folder) == ["r.npy"]


def test_verify_finds_a_byte_that_has_changed(folder, kernels):
    interrupted(folder, kernels("slow"))
    kept = recorded(folder)
    part = bytearray((folder / "r.npy.part").read_bytes())
    done = next(k for k in range(TILES) if part[128 + 160 * k + 15])  # not zero: it was written
    part[128 + 160 * done + 9] ^= 1
    (folder / "r.npy.part").write_bytes(part)
    result = finished(folder, folder.call(*job(kernels("slow"), "--resume", "--verify")))
    assert "tilework: verified: 1 finished tile is not as recorded, to be run again\n" in result.stderr
    assert f"tilework: continuing: {kept - 1} of 20 tiles were done\n" in result.stderr
    assert done in tiles_run(folder) and len(tiles_run(folder)) == TILES - kept + 1


@pytest.mark.parametrize("renamed", [False, True])
def test_a_crash_after_the_last_tile_costs_nothing(folder, kernels, renamed):
    """The magic is there, the journal still is, too. What has changed since is not written beside the magic."""
    interrupted(folder, kernels("slow"))
    kept = recorded(folder)
    part = folder / "r.npy.part"
    numpy.save(folder / "whole.npy", RESULT)
    whole = bytearray((folder / "whole.npy").read_bytes())
    with open(part, "r+b") as file:
        file.write(whole)
    journal = (folder / "r.npy.journal").read_bytes()
    if renamed:
        part = part.rename(folder / "r.npy")
    result = finished(folder, folder.call(*job(kernels("slow"), "--resume", "--verify")))
    assert "continuing: 20 of 20 tiles were done" in result.stderr and tiles_run(folder) == []
    part = (folder / "r.npy") if renamed else (folder / "r.npy").rename(part)
    (folder / "r.npy.journal").write_bytes(journal)
    assert kept > 0
    with open(part, "r+b") as file:
        for tile in range(TILES):
            file.seek(128 + 160 * tile + 8)
            file.write(b"\1")
    folder.refused(
        2,
        *job(kernels("slow")),
        "--resume",
        "--verify",
        says=["r.npy.journal: tile ", " has changed since the outputs were " "finished; --restart discards"],
    )


def test_another_file_in_the_place_of_the_output_is_not_taken_for_it(folder, kernels):
    interrupted(folder, kernels("slow"))
    part = folder / "r.npy.part"
    mine = part.read_bytes()
    inode = part.stat().st_ino
    # The first bytes are a random tag: what is put there must differ from it.
    latin = b"{\xda" if mine[3:5] != b"{\xda" else b"{\xdb"
    for other in (mine[:3] + bytes([mine[3] ^ 1]) + mine[4:], mine[:3] + latin + mine[5:], bytes(len(mine)), mine[:-1], mine + b"\0", b""):
        part.unlink()
        part.write_bytes(other)
        folder.refused(2, *job(kernels("slow")), "--resume", says="--restart discards")
    part.unlink()
    for attempt in range(20):  # most file systems give the inode of a removed file to the next one
        numpy.save(folder / "r.npy", numpy.full(LENGTH, 7.0))
        if (folder / "r.npy").stat().st_ino == inode:
            break
        (folder / "r.npy").rename(folder / f"other{attempt}")
    if not (folder / "r.npy").exists():
        numpy.save(folder / "r.npy", numpy.full(LENGTH, 7.0))
    folder.refused(2, *job(kernels("slow")), "--resume", says="does not belong to the file of output 'r'")
    (folder / "r.npy").unlink()
    part.write_bytes(mine)
    finished(folder, folder.call(*job(kernels("slow"), "--resume")))


def test_a_damaged_journal_is_never_believed(folder, kernels):
    """Any byte of it changed, or any end cut off: refused, or the tiles whose records are gone are run again."""
    interrupted(folder, kernels("slow"))
    journal, part = (folder / "r.npy.journal").read_bytes(), (folder / "r.npy.part").read_bytes()
    line_and_records = [*range(50), *range(journal.index(b"\0"), len(journal))]
    damaged = [
        (journal[:k] + bytes([journal[k] ^ 1 << k % 8]) + journal[k + 1 :], k)
        for k in sorted({*line_and_records, *range(50, len(journal), 7)})
    ]
    damaged += [(journal[:k], k) for k in range(0, len(journal), 23)]
    codes = {0: 0, 2: 0, 3: 0}
    (folder / "fast").touch()
    for contents, place in damaged:
        (folder / "r.npy.journal").write_bytes(contents)
        (folder / "r.npy.part").write_bytes(part)
        result = folder.call(*job(kernels("slow"), "--resume", "--quiet", pool=["--pool", "serial"]))
        assert result.returncode in codes, f"{place}: {result.returncode} {result.stderr}"
        codes[result.returncode] += 1
        if result.returncode == 0:
            assert folder.load().tobytes() == RESULT.tobytes(), place
            (folder / "r.npy").unlink()
        else:
            assert (folder / "r.npy.part").read_bytes() == part, place
    assert codes[0] > 20 and codes[3] > 20, codes


def test_a_journal_with_a_wrong_length_is_damaged_not_empty(folder, kernels):
    interrupted(folder, kernels("slow"))
    journal = folder / "r.npy.journal"
    contents = journal.read_bytes()
    digit = contents.index(b" 0000") + 5  # of the header's length
    for wrong in (b"9", b"1"):
        journal.write_bytes(contents[: digit + 2] + wrong + contents[digit + 3 :])
        folder.refused(
            3,
            *job(kernels("slow")),
            "--resume",
            says="r.npy.journal: is no journal, or a damaged one; --restart discards",
        )


@pytest.mark.parametrize(
    "make, says",
    [
        (lambda path: path.symlink_to("elsewhere"), "r.npy.journal: is a symbolic link, which is not followed"),
        (lambda path: path.mkdir(), "r.npy.journal: is a folder"),
        (lambda path: os.mkfifo(path), "r.npy.journal: is not a regular file"),
        (
            lambda path: path.write_text("notes of mine"),
            "r.npy.journal: is no journal, or a damaged one; --restart discards",
        ),
    ],
)
def test_what_is_in_the_journals_place_is_not_written_over(folder, kernels, make, says):
    make(folder / "r.npy.journal")
    folder.refused(3, *job(kernels("plain")), says=says)


def test_a_second_run_is_refused_with_the_process_that_writes(folder, kernels):
    process = folder.start(*job(kernels("stuck")))
    wait_until_stuck(folder)
    says = f": is being written by another run (process {process.pid})"  # r.npy.part, or the journal that should be removed
    for more in ([], ["--resume"], ["--restart"], ["--no-journal", "--restart"]):
        folder.refused(3, *job(kernels("stuck"), *more), says=says)
    process.kill()
    process.communicate()


# ---- what is said about it ----


def test_the_readme_shows_what_is_printed(folder, kernels):
    text = open(os.path.join(os.path.dirname(__file__), "..", "..", "README.md"), encoding="utf-8").read()
    example = re.search(r"## Nothing is lost\n\n```\n(.*?)```", text, re.S)[1].splitlines()
    commands = [shlex.split(line[2:])[1:] for line in example if line.startswith("$ ")]
    shown = [line for line in example if line.startswith("tilework: ")]
    assert len(commands) == 2 and len(shown) == 3
    source = open(kernels("").rstrip(":")).read()
    (folder / "render.c").write_text(
        source + "int render(const tw_tile *tile) { pause_for(0.005); return number(tile); }\n"
    )
    small = [
        [{"i=100000": "i=1000", "j=100000": "j=1", "i=100": "i=1"}.get(word, word) for word in command]
        for command in commands
    ]
    process = folder.start(*small[0], text=True)
    wait_for(lambda: len(tiles_run(folder)) >= 20, "tiles done")
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=30)[1].splitlines() + folder.call(*small[1]).stderr.splitlines()
    for line, pattern in zip(said, shown):
        pattern = re.escape(pattern).replace(r"\.\.\.", ".*")
        assert re.fullmatch(re.sub(r"\d+", r"\\d+", pattern), line), (line, pattern)
