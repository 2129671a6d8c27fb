"""Requests that make no sense and files that are not what they say: one sentence, the right exit code, no file left."""

import os
import pathlib
import re
import resource
import subprocess
import tempfile

import numpy
import pytest

from conftest import Folder

JOB = ["-s", "y[i], x[j] -> r[i,j]", "y=y.npy", "x=x.npy", "-o", "r=r.npy"]


def npy(header, data=b"", version=(1, 0), length=None):
    """A file with this header, right or wrong."""
    text = header.encode("latin1") if isinstance(header, str) else header
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    size = len(text) if length is None else length
    return b"\x93NUMPY" + bytes(version) + size.to_bytes(2 if version[0] == 1 else 4, "little") + text + data


def header(descr="'<f8'", order="False", shape="(4,)"):
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}"


# ---- files ----


def test_file_truncated_at_every_byte(folder):
    whole = pathlib.Path(folder / folder.save("whole.npy", numpy.arange(3.0))).read_bytes()
    (folder / "cut.npy").write_bytes(whole)
    assert folder.call("show", "cut.npy").returncode == 0
    for length in range(len(whole)):
        (folder / "cut.npy").write_bytes(whole[:length])
        folder.refused(3, "show", "cut.npy", says="cut.npy: ")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a npy file at all, but long enough to hold a header" * 4,
        npy(header(), b"\0" * 32, version=(9, 0)),
        npy(header(shape="(5,)"), b"\0" * 32),
        npy(header(shape="(-4,)"), b"\0" * 32),
        npy(header(shape="(4294967296, 4294967296, 4294967296)"), b"\0" * 32),
        npy(header(shape="(9223372036854775807, 2)"), b"\0" * 32),
        npy(header(shape="(99999999999999999999999,)"), b"\0" * 32),
        npy(header(shape="(" + "1, " * 33 + ")"), b"\0" * 32),
        npy(header(shape="4"), b"\0" * 32),
        npy(header(shape="(4.0,)"), b"\0" * 32),
        npy(header(order="0"), b"\0" * 32),
        npy(header(descr="'<f9'"), b"\0" * 32),
        npy(header(descr="'<i99999999999999999999'"), b"\0" * 32),
        npy("{'descr': '<f8', 'fortran_order': False, }", b"\0" * 32),
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (4,), 'more': 1, }", b"\0" * 32),
        npy("{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': (4,), }", b"\0" * 32),
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (4,)", b"\0" * 32),
        npy("[1, 2]", b"\0" * 32),
        npy(header(), b"\0" * 32, length=65535),
        npy(header(), b"\0" * 32, version=(2, 0), length=0xFFFFFFFF),
    ],
)
def test_header_that_lies(folder, content):
    (folder / "y.npy").write_bytes(content)
    folder.refused(3, "run", "kernels.c:mult", *JOB, says="y.npy: ")
    folder.refused(3, "show", "y.npy", says="y.npy: ")


def test_pickled_objects_are_refused_with_the_reason(folder):
    numpy.save(folder / "y.npy", numpy.array([{}, None], dtype=object), allow_pickle=True)
    folder.refused(3, "run", "kernels.c:mult", *JOB, says=["y.npy: ", "object"])


def test_missing_file_folder_and_wrong_kind(folder):
    (folder / "y.npy").unlink()
    folder.refused(3, "run", "kernels.c:mult", *JOB, says="y.npy: ")
    (folder / "y.npy").mkdir()
    folder.refused(3, "run", "kernels.c:mult", *JOB, says="y.npy: ")
    folder.refused(3, "show", "no/such.npy", says="no/such.npy: ")


def test_no_permission(environment):
    as_nobody = {"user": 65534, "group": 65534} if os.geteuid() == 0 else {}
    with tempfile.TemporaryDirectory() as path:
        os.chmod(path, 0o777)
        folder = Folder(pathlib.Path(path), environment)
        folder.save("y.npy", numpy.arange(3.0))
        os.chmod(folder / "y.npy", 0o644)
        try:
            if folder.call("show", "y.npy", **as_nobody).returncode != 0:
                pytest.skip("another user cannot start the command under test")
        except PermissionError:
            pytest.skip("another user cannot start the command under test")
        os.chmod(folder / "y.npy", 0)
        result = folder.call("show", "y.npy", **as_nobody)
        assert (result.returncode, result.stdout) == (3, "")
        assert result.stderr.startswith("tilework: y.npy: ") and result.stderr.count("\n") == 1


# ---- outputs ----


def test_output_that_is_an_input_by_any_name(folder):
    os.symlink("y.npy", folder / "symbolic.npy")
    os.link(folder / "y.npy", folder / "hard.npy")
    os.symlink(".", folder / "here")
    for name in ("y.npy", "./y.npy", "symbolic.npy", "hard.npy", "here/y.npy", str(folder / "y.npy")):
        folder.refused(2, "run", "kernels.c:mult", *JOB[:-1], f"r={name}", says=["input 'y'", "output 'r'"])
    folder.refused(2, "run", "kernels.c:mult", *JOB[:-1], "r=kernels.c", says="the kernel")


def test_output_whose_part_file_is_an_input(folder):
    os.rename(folder / "y.npy", folder / "r.npy.part")
    folder.refused(2, "run", "kernels.c:mult", "-s", JOB[1], "y=r.npy.part", "x=x.npy", "-o", "r=r.npy",
                   says=["input 'y'", "output 'r'"])  # fmt: skip


def test_two_outputs_in_one_file(folder):
    job = ["kernels.c:zeros", "-s", "-> a[i], b[i]", "--length", "i=5", "-o", "a=one.npy", "-o"]
    for name in ("one.npy", "./one.npy", "one.npy.part"):
        folder.refused(2, "run", *job, f"b={name}", says="output 'a'")


def test_report_that_is_another_file(folder):
    for name in ("y.npy", "r.npy", "r.npy.part", "kernels.c"):
        folder.refused(2, "run", "kernels.c:mult", *JOB, "--report", name, says="report")


def test_output_where_no_file_can_be(folder):
    (folder / "folder.npy").mkdir()
    folder.refused(3, "run", "kernels.c:mult", *JOB[:-1], "r=folder.npy", says="folder.npy: is a folder")
    folder.refused(3, "run", "kernels.c:mult", *JOB[:-1], "r=/dev/null", says="/dev/null: ")
    folder.refused(3, "run", "kernels.c:mult", *JOB[:-1], "r=no/such.npy", says="no/such.npy")
    folder.refused(3, "run", "kernels.c:mult", *JOB, "--report", "no/such.json", says="no/such.json")


# ---- operands, axes, cuts ----


def test_axis_lengths_that_disagree(folder):
    folder.save("x.npy", numpy.arange(10.0))
    folder.refused(2, "run", "kernels.c:zeros", "-s", "y[i], x[i] -> r[i]", *JOB[2:], says=["'i'", "1000", "10"])
    folder.refused(2, "run", "kernels.c:mult", *JOB, "--length", "i=7", says=["'i'", "1000", "7"])


def test_wrong_number_of_dimensions(folder):
    folder.refused(2, "run", "kernels.c:mult", "-s", "y[i,k], x[j] -> r[i,j]", *JOB[2:], says="'y'")


def test_axis_without_a_length(folder):
    folder.refused(2, "run", "kernels.c:zeros", "-s", "-> r[i,j]", "--length", "i=3", "-o", "r=r.npy", says="'j'")


@pytest.mark.parametrize(
    "split, says",
    [
        (["--cut", "i=1000"], "'i'"),
        (["--cut", "i=0"], "'i'"),
        (["--cut", "i=5000"], "'i'"),
        (["--cut", "i=666,333"], "'i'"),
        (["--cut", "i=333,333"], "'i'"),
        (["--cut", "i=333,,666"], "'i'"),
        (["--cut", "i=3 3"], "'i'"),
        (["--cut", "i=-3"], "'i'"),
        (["--cut", "i=99999999999999999999"], "axis 'i': '99999999999999999999' has a number past 2^63 - 1"),
        (["--cut", "i="], "--cut: 'i=' should be AXIS=N,N,..."),
        (["--cut", "i=1e3"], "--cut: axis 'i': '1e3' is not N,N,... from column 2 on"),
        (["--cut", "=5"], "--cut"),
        (["--cut", "333"], "--cut"),
        (["--cut", "q=5"], "'q'"),
        (["--tile", "q=5"], "'q'"),
        (["--tile", "i=0"], "--tile"),
        (["--tile", "i="], "--tile: 'i=' should be AXIS=N"),
        (["--tile", "i=9223372036854775808"], "--tile: 9223372036854775808 is out of range"),
        (["--parts", "i=99999999999999999999"], "--parts: 99999999999999999999 is out of range"),
        (["--tile", "i=0x10"], "--tile"),
        (["--parts", "i=0"], "--parts"),
        (["--parts", "i=2.5"], "--parts"),
        (["--parts", "i=1001"], "'i'"),
        (["--cut", "i=5", "--tile", "i=7"], "'i' is divided twice"),
        (["--tile", "i=5,i=7"], "--tile: axis 'i' is divided twice"),
        (["--cut", "i=5,7,i=9"], "--cut: axis 'i' is divided twice"),
        (["--tile", "i=5,,j=7"], "--tile: 'i=5,,j=7' contains an empty item"),
        (["--parts", "i=5,"], "--parts: 'i=5,' contains an empty item"),
        (["--tile", ",i=5"], "--tile: ',i=5' contains an empty item"),
        (["--cut", "i=5,,j=7"], "--cut: axis 'i': '5,' is not N,N,... from column 3 on"),
        (["--cut", "5,i=7"], "--cut: '5' should be AXIS=N,N,..."),
        (["--tile", "i=5,7"], "--tile: '7' should be AXIS=N"),
        (["--tile", "i=5,j"], "--tile: 'j' should be AXIS=N"),
        (["--tile", "i=5,j="], "--tile: 'j=' should be AXIS=N"),
        (["--tile", "i=5,q=7"], "'q'"),
        (["--tile", "i=5 ,j=7"], "--tile: '5 ' is not a number"),
    ],
)
def test_cuts_that_make_no_sense(folder, split, says):
    folder.refused(2, "run", "kernels.c:mult", *JOB, *split, says=says)


def test_cut_axis_that_an_output_lacks(folder):
    job = ["kernels.c:zeros", "-s", "y[i], x[j] -> a[i,j], b[i]", "y=y.npy", "x=x.npy", "-o", "a=a.npy", "-o", "b=b.npy"]
    folder.refused(2, "run", *job, "--cut", "j=5", says=["'j'", "'b'"])
    folder.save("a.npy", numpy.zeros((3, 4)))
    folder.save("b.npy", numpy.zeros((4, 5)))
    folder.refused(2, "run", "kernels.c:matmul", "-s", "a[i,k], b[k,j] -> r[i,j]", "a=a.npy", "b=b.npy", "-o", "r=r.npy",
                   "--cut", "k=2", says="'k'")  # fmt: skip


@pytest.mark.parametrize(
    "signature, column",
    [("y[i], x[j] > r[i,j]", 12), ("y[i, x[j] -> r[i,j]", 7), ("y[i], x[j] -> -> r[i,j]", 15), ("y[1] -> r[i]", 3), ("", 1)],
)
def test_signature_syntax_errors_name_the_column(folder, signature, column):
    folder.refused(2, "run", "kernels.c:mult", "-s", signature, *JOB[2:], says=f"column {column}")


@pytest.mark.parametrize("signature", ["y[i], x[j] ->", "y[i], x[j]"])
def test_a_result_of_a_signature_without_outputs_is_refused(folder, signature):
    folder.refused(2, "run", "kernels.c:mult", "-s", signature, *JOB[2:], says="'r' is not an operand: the signature has inputs y, x and no output")


@pytest.mark.parametrize(
    "names, says",
    [
        (["y=y.npy", "-o", "r=r.npy"], "input 'x' has no file"),
        (["y=y.npy", "x=x.npy"], "output 'r' has no file"),
        (["y=y.npy", "x=x.npy", "z=y.npy", "-o", "r=r.npy"], "'z' is not an operand: the signature has inputs y, x and"),
        (["y=y.npy", "y=x.npy", "x=x.npy", "-o", "r=r.npy"], "input 'y' is given twice"),
        (["y=y.npy", "x=x.npy", "-o", "r=a.npy", "-o", "r=b.npy"], "output 'r' is given twice"),
        (["y=y.npy", "x=x.npy", "r=y.npy"], "'r' is an output"),
        (["y=y.npy", "x=x.npy", "-o", "r=r.npy", "-o", "y=q.npy"], "'y' is an input"),
        (["y.npy", "x=x.npy", "-o", "r=r.npy"], "'y.npy' should be NAME=FILE"),
        (["=y.npy", "x=x.npy", "-o", "r=r.npy"], "'=y.npy' should be NAME=FILE"),
        (["y=", "x=x.npy", "-o", "r=r.npy"], "'y=' should be NAME=FILE"),
    ],
)
def test_operands_that_do_not_fit_the_signature(folder, names, says):
    folder.refused(2, "run", "kernels.c:mult", "-s", JOB[1], *names, says=says)


# ---- kernels ----


def test_kernel_that_does_not_compile_shows_file_and_line(folder):
    (folder / "bad.c").write_text("#include <tilework/tilework.h>\nint bad(const tw_tile *tile)\n{ return nothing; }\n")
    before = folder.contents()
    result = folder.call("run", "bad.c:bad", *JOB)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("tilework: bad.c")
    assert "bad.c:3:" in result.stderr and "nothing" in result.stderr
    assert folder.contents() == before


def test_kernel_that_cannot_be_found(folder):
    folder.refused(2, "run", "kernels.c:nothing", *JOB, says="nothing")
    folder.refused(2, "run", "kernels.c", *JOB, says="kernels.c")
    folder.refused(2, "run", "kernels.txt:mult", *JOB, says="kernels.txt")
    folder.refused(3, "run", "missing.c:mult", *JOB, says="missing.c")
    folder.refused(3, "run", "missing.so:mult", *JOB, says="missing.so")
    (folder / "junk.so").write_bytes(b"junk")
    folder.refused(3, "run", "junk.so:mult", *JOB, says="junk.so")


def test_library_without_the_symbol(folder):
    (folder / "empty.c").write_text("int other;\n")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", "lib.so", "empty.c"], cwd=folder.path, check=True)
    folder.refused(2, "run", "lib.so:mult", *JOB, says=["lib.so", "mult"])


def test_no_compiler(folder):
    (folder / "new.c").write_text("#include <tilework/tilework.h>\nint k(const tw_tile *t) { return t->noperands < 0; }\n")
    folder.refused(2, "run", "new.c:k", *JOB, says="no-such-compiler", env={"TILEWORK_CC": "no-such-compiler"})
    folder.refused(2, "run", "new.c:k", *JOB, "--compiler", "no-such-compiler", says="no-such-compiler")


@pytest.mark.parametrize("pool", ["serial", "threads", "processes"])
def test_kernel_error_names_tile_and_ranges(folder, pool):
    job = ["run", "kernels.c:fails", *JOB, "--cut", "i=333,666", "--cut", "j=1000", "--pool", pool]
    folder.failed(1, *job, says=["tile 2", "y[333:666], x[0:1000]", "no root below 0.5", "7"], kept=2)


# ---- resources and options ----


def test_numbers_of_workers(folder):
    for number in ("0", "100000", "-1", "two", "1e3", " 2", "99999999999999999999", ""):
        folder.refused(2, "run", "kernels.c:mult", *JOB, f"--workers={number}", says="--workers")
    folder.refused(2, "run", "kernels.c:mult", *JOB, "--pool", "serial", "-w", "2", says="--workers")


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["--pool", "fibres"], "'fibres' is not a pool"),
        (["--no-such-option"], "unrecognized option"),
        (["--scratch", "2Q"], "--scratch: '2Q' is not a size: give digits, then K, M, G, T or nothing"),
        (["--scratch", "2MB"], "K, M, G, T or nothing"),
        (["--scratch", "M"], "K, M, G, T or nothing"),
        (["--scratch", "9999999999G"], "--scratch: 9999999999G is out of range"),
        (["--length", "i=9223372036854775808"], "--length: 9223372036854775808 is out of range"),
        (["--length", "i="], "--length: 'i=' should be AXIS=N"),
        (["--dtype", "r"], "--dtype: 'r' should be NAME=DTYPE"),
        (["--retries", "-1"], "--retries"),
        (["--length", "q=5"], "'q'"),
        (["--length", "i=1e3"], "--length"),
        (["--length", "i=3,,j=4"], "--length: 'i=3,,j=4' contains an empty item"),
        (["--length", "i=3,j=x"], "--length: 'x' is not a number"),
        (["--workers"], "requires an argument"),
        (["-s", "-> r[i]"], "--signature: given twice"),
    ],
)
def test_options_that_make_no_sense(folder, arguments, says):
    result = folder.refused(2, "run", "kernels.c:mult", *JOB, *arguments, says=says)
    if arguments != ["--length", "q=5"]:
        assert result.stderr.endswith("\ntry 'tilework run --help'\n")


def test_kernel_or_signature_left_out(folder):
    folder.refused(2, "run", says="missing kernel")
    folder.refused(2, "run", *JOB[2:], says="missing kernel before 'y=y.npy'")
    folder.refused(2, "run", "kernels.c:mult", *JOB[2:], says="missing signature")


def test_more_than_the_machine_has(folder):
    job = ["run", "kernels.c:where", "-o", "r=r.npy"]
    folder.refused(4, *job, "-s", "-> r[i,j]", "--length", "i=1000000", "--length", "j=100000000000", says="r.npy")
    folder.refused(2, *job, "-s", "-> r[i,j]", "--length", "i=9000000000", "--length", "j=9000000000")
    folder.refused(2, *job, "-s", "-> r[i]", "--length", "i=9223372036854775807",
                   says=["output 'r', r.npy,", "2^63 bytes", "(9223372036854775807,) of float64"])  # fmt: skip
    folder.refused(4, "demo", "--rows", "100000000", "--cols", "1000000", says="not enough memory")
    folder.refused(4, "bench", "--serve", "mult-threads-new", "--rows", "100000000", "--cols", "1000000",
                   says="not enough memory")  # fmt: skip


def test_scratch_larger_than_memory(folder):
    job = ["run", "kernels.c:mult", *JOB]
    folder.refused(4, *job, "--scratch", "900T", says=["--scratch: not enough memory for 900 TiB each", "; available"])
    folder.refused(4, *job, "--scratch", "2000000T", "-w", "4095", says="each for 4095 workers")
    folder.refused(4, *job, "--scratch", "900T", "--pool", "serial", says="each for 1 worker;")
    # Enough for one, not for many:
    folder.run_ok(*job[1:], "--scratch", "300M", "--pool", "serial")
    (folder / "r.npy").unlink()
    folder.refused(4, *job, "--scratch", "300M", "-w", "4096", says="300 MiB each for 4096 workers")


def test_file_size_limit(folder):
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))  # noqa: E731
    folder.run_ok("kernels.c:mult", *JOB)  # compiled, for the limit is the compiler's too
    (folder / "r.npy").unlink()
    result = folder.refused(4, "run", "kernels.c:mult", *JOB, says="r.npy", preexec_fn=limit)
    assert result.stderr.endswith(" more than a file may have here (limit of file size)\n")


def test_disk_too_small(folder):
    small = folder / "small"
    small.mkdir()
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", small], capture_output=True).returncode != 0:
        pytest.skip("a small disk cannot be mounted here")
    try:
        folder.refused(4, "run", "kernels.c:mult", *JOB[:-1], "r=small/r.npy", says="small/r.npy")
        assert list(small.iterdir()) == []
    finally:
        subprocess.run(["umount", small], check=True)


@pytest.mark.parametrize("option, instead", [
    ("--chunks=100", "--tile AXIS=N"), ("--tiles=4", "--tile AXIS=N"), ("--n_jobs=2", "--workers N"),
    ("--threads=2", "--workers N"), ("--processes", "--workers N"), ("--shape=3,4", "--length AXIS=N"),
    ("--backend=loky", "--pool POOL"), ("--input=x.npy", "inputs are arguments, NAME=FILE"), ("--define=c=2", "--param NAME=NUMBER")])
def test_options_of_other_tools_name_what_to_write(folder, option, instead):
    folder.refused(2, "run", "r[i] = x[i]", "x=x.npy", "-o", "r=r.npy", option,
                   says=f"there is no option {option}: {instead}")
    assert not re.search(option.split("=")[0] + r"(?![-\w])", folder.call("run", "--help").stdout)


@pytest.mark.parametrize("text,says", [
    ("", "expected a statement such as r[i] = 2 * x[i]"),
    ("r = y + x", "expected '[' after r"),
    ("y + x", "expected '[' after y"),
    ("2*y[i]", "expected a result such as r[i], and '='"),
    ("r(i) = y(i)", "expected '[' after r"),
    ("é[i] = y[i]", "'é' is none of ASCII's letters"),
    ("ij,jk->ik", "expected '[' after ij"),
    ("y[i], x[j] -> r[i,j]", "this is a signature, which goes with a kernel"),
])
def test_what_is_meant_as_a_statement_is_answered_as_one(folder, text, says):
    folder.save("y.npy", numpy.arange(3.0))
    before = folder.contents()
    for command in (["run", text, "y=y.npy", "-o", "r=r.npy"], ["replay", "0", text, "y=y.npy"], ["explain", text]):
        result = folder.call(*command)
        assert result.returncode == 2 and says in result.stderr, (command, result.stderr)
    assert folder.contents() == before
