"""What the command finds around it: closed descriptors, full devices, files in its way, kernels that exit."""

import fcntl
import json
import os
import resource
import subprocess

import pytest

POOLS = ["serial", "threads", "processes"]
NINE = ["-s", "-> r[i]", "--length", "i=9", "--tile", "i=1", "-o", "r=r.npy"]


def shell(folder, redirection, *arguments):
    """Called by a shell with descriptors as given."""
    return subprocess.run(
        ["sh", "-c", f'exec "$0" "$@" {redirection}', *folder.command(*arguments)],
        cwd=folder.path, env=folder.environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip


# ---- standard descriptors ----


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("redirection", ["2>&-", "1>&- 2>&-", "0>&- 1>&- 2>&-", "0<&-"])
def test_closed_descriptors_do_not_become_output_files(folder, pool, redirection):
    result = shell(folder, redirection, "run", "kernels.c:prints", *NINE, "--report", "report.json", "--pool", pool)
    lost = "1>&-" in redirection and pool != "processes"  # what the kernel printed
    assert result.returncode == (3 if lost else 0), result.stderr
    assert (folder / "r.npy").stat().st_size == 128 + 9 * 8
    assert folder.load().tobytes() == bytes(9 * 8)
    json.loads((folder / "report.json").read_text())


@pytest.mark.parametrize("pool", POOLS)
def test_what_a_kernel_prints_is_seen_once(folder, pool):
    result = shell(folder, "", "run", "kernels.c:prints", *NINE, "--pool", pool)
    assert result.returncode == 0, result.stderr
    assert result.stdout == "printed on standard output\n" * 9
    assert result.stderr.count("printed on standard error\n") == 9


@pytest.mark.parametrize("arguments", [
    ["show", "y.npy"], ["info"], ["--help"], ["run", "--help"], ["--version"],
    ["run", "kernels.c:zeros", *NINE, "-v"], ["run", "kernels.c:zeros", *NINE, "--report", "-"],
])  # fmt: skip
def test_output_that_cannot_be_written_is_an_error_with_its_reason(folder, arguments):
    result = shell(folder, "1>&-", *arguments)
    assert result.returncode == 3
    assert result.stderr.endswith("tilework: standard output: cannot be written: it is closed\n")
    result = shell(folder, "1>/dev/full", *arguments)
    assert result.returncode == 4
    assert result.stderr.endswith("tilework: standard output: cannot be written: No space left on device\n")


def test_long_output_keeps_the_reason_of_its_failure(folder):
    job = ["run", "kernels.c:zeros", "-s", "-> r[i]", "--length", "i=3000", "--tile", "i=1", "-o", "r=r.npy"]
    for more in (["-v"], ["--report", "-"]):
        result = shell(folder, "1>/dev/full", *job, *more)
        assert result.returncode == 4
        assert "standard output: cannot be written: No space left on device" in result.stderr


# ---- the report's file ----


@pytest.mark.parametrize("tiles", ["1", "3000"])
def test_report_on_a_full_device_names_file_and_reason(folder, tiles):
    job = ["kernels.c:zeros", "-s", "-> r[i]", "--length", "i=3000", "--parts", f"i={tiles}", "-o", "r=r.npy"]
    result = folder.call("run", *job, "--report", "/dev/full", "--quiet")
    assert result.returncode == 4
    assert result.stderr == "tilework: /dev/full: cannot be written: No space left on device\n"


def test_report_does_not_empty_what_has_another_name(folder):
    (folder / "precious").write_text("precious")
    os.link(folder / "precious", folder / "report.json.part")
    folder.refused(3, "run", "kernels.c:zeros", *NINE, "--report", "report.json", says="report.json.part: is another file's name")
    (folder / "report.json.part").unlink()
    os.symlink("precious", folder / "report.json.part")
    folder.refused(3, "run", "kernels.c:zeros", *NINE, "--report", "report.json", says="symbolic link")
    assert (folder / "precious").read_text() == "precious"


def test_report_that_another_run_writes_is_refused(folder):
    with open(folder / "report.json.part", "w") as other:
        other.write("half of another run's report")
        other.flush()
        fcntl.flock(other, fcntl.LOCK_EX)
        folder.refused(3, "run", "kernels.c:zeros", *NINE, "--report", "report.json",
                       says="report.json.part: is being written by another run")  # fmt: skip
    folder.run_ok("kernels.c:zeros", *NINE, "--report", "report.json")  # one that was left behind is taken over
    json.loads((folder / "report.json").read_text())
    assert not (folder / "report.json.part").exists()


# ---- outputs ----


@pytest.mark.parametrize("kernel, b, says", [
    ("makes_folder", "b.npy", "b.npy: has become a folder"),
    ("moves_folder", "folder/b.npy", "folder/b.npy.part: was removed"),
])  # fmt: skip
def test_no_output_gets_its_name_where_one_cannot(folder, kernel, b, says):
    (folder / "folder").mkdir()
    result = folder.call("run", f"kernels.c:{kernel}", "-s", "-> a[i], b[i]", "--length", "i=5", "-o", "a=a.npy", "-o",
                         f"b={b}")  # fmt: skip
    assert result.returncode == 3
    assert result.stderr.startswith(f"tilework: {says}") and result.stderr.count("\n") == 2
    assert "\ntilework: 5 of 5 tiles are done and kept in a.npy.part; to continue: tilework run --resume " in result.stderr
    assert not (folder / "a.npy").exists() and (folder / "a.npy.part").exists()
    assert not (folder / "b.npy").is_file()


# ---- kernels ----


@pytest.mark.parametrize("pool", ["serial", "threads"])
def test_kernel_that_exits_is_a_failure_and_can_be_gone_on_with(folder, pool):
    before = folder.contents()
    result = folder.call("run", "kernels.c:exits", *NINE, "--pool", pool, "--report", "report.json")
    first, second = result.stderr.splitlines()
    assert result.returncode == 1 and result.stdout == ""
    assert "the kernel ended the program" in first and "--pool processes" in first
    assert second == "tilework: tiles that were recorded are kept in r.npy.part; add --resume to continue"
    folder.forget()
    assert folder.contents() == before
    folder.refused(1, "run", "kernels.c:exits", *NINE, "--pool", pool, "--no-journal", says="the kernel ended the program")


def test_kernel_that_exits_in_a_process_costs_its_worker_alone(folder):
    folder.failed(1, "run", "kernels.c:exits", *NINE, "--pool", "processes", says="exited with code 0 at tile 3", kept=8,
                  warnings=[r"\(pid \d+\) exited with code 0 at tile 3; the tile is "])  # fmt: skip


def test_library_that_exits_when_it_is_opened(folder):
    (folder / "early.c").write_text(
        "#include <stdlib.h>\n#include <tilework/tilework.h>\n"
        "__attribute__((constructor)) static void early(void) { exit(0); }\n"
        "int early_kernel(const tw_tile *tile) { return tile->noperands < 0; }\n"
    )
    folder.refused(1, "run", "early.c:early_kernel", *NINE, says="the kernel ended the program")


# ---- a small stack ----


@pytest.mark.parametrize("pool", POOLS)
def test_a_stack_of_64_kib_is_enough(folder, pool):
    job = ["run", "kernels.c:where", "-s", "-> r[i,j]", "--length", "i=9", "--length", "j=9", "-o", "r=r.npy"]
    folder.run_ok(*job[1:])  # compiles: compilers need more
    expected = folder.load().tolist()
    (folder / "r.npy").unlink()
    result = folder.call(*job, "--pool", pool, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_STACK, (1 << 16,) * 2))
    assert result.returncode == 0, result.stderr
    assert folder.load().tolist() == expected


# ---- names ----


def test_control_characters_do_not_reach_the_terminal(folder):
    name = "a\x1b]0;title\x07\n\x7f\u009b31m\u00e4.npy"
    result = folder.refused(3, "show", name, says="a?]0;title?????31m\u00e4.npy: ")
    assert all(character == "\n" or character.isprintable() for character in result.stderr)
    folder.refused(2, "run", "kernels.c:zeros", name, *NINE, says="should be NAME=FILE")
    os.rename(folder / "y.npy", folder / name)
    result = folder.call("show", name)
    assert result.returncode == 0 and "\x1b" not in result.stdout and "\x07" not in result.stdout


def test_compiler_keeps_its_lines_but_gives_no_orders(folder):
    (folder / "bad.c").write_text("int bad(void) { return \x1bnothing; }\n")
    result = folder.call("run", "bad.c:bad", *NINE)
    assert result.returncode == 2
    assert result.stderr.count("\n") > 2 and "\x1b" not in result.stderr and "bad.c:1:" in result.stderr
