"""Where outputs go and what they keep: symbolic links, modes, owners, access lists, and the causes of what cannot be."""

import os
import resource
import stat
import struct

import numpy
import pytest

from survival import RESULT, files, finished, interrupted, job, wait_for

DOUBLE = ["run", "r[i] = 2 * x[i]", "x=x.npy"]
IS_ROOT = os.geteuid() == 0
ACCESS_LIST = "system.posix_acl_access"


def access_list(*entries):
    """An access list as the kernel keeps it; an entry is (tag, permissions, id)."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", tag, bits, number) for tag, bits, number in entries)


# user rw, user 4242 r, group none, mask r, others none
SHARED = access_list((1, 6, 2**32 - 1), (2, 4, 4242), (4, 0, 2**32 - 1), (16, 4, 2**32 - 1), (32, 0, 2**32 - 1))


@pytest.fixture
def inputs(folder):
    folder.save("x.npy", numpy.arange(6.0))
    folder.save("r.npy", numpy.zeros(6))
    return folder


@pytest.fixture
def nobody(inputs):
    """How to call the command as a user of no privileges, who may enter the folder and has a cache of their own."""
    for parent in [inputs.path, *list(inputs.path.parents)[:-2]]:
        os.chmod(parent, os.stat(parent).st_mode | 0o055)
    (inputs / "cache").mkdir()
    os.chown(inputs / "cache", 65534, 65534)
    return {"user": 65534, "group": 65534, "extra_groups": [], "env": {"XDG_CACHE_HOME": str(inputs / "cache")}}


def doubled(folder, name="r.npy"):
    return folder.load(name).tolist() == [0, 2, 4, 6, 8, 10]


def mode(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


def set_attribute(path, name, value):
    try:
        os.setxattr(path, name, value)
    except OSError as error:
        pytest.skip(f"{name} cannot be set here: {error.strerror}")


# ---- what is kept ----


@pytest.mark.parametrize("bits", [0o600, 0o640, 0o606, 0o664, 0o777])
def test_a_result_has_the_mode_of_the_file_that_it_replaces(inputs, bits):
    os.chmod(inputs / "r.npy", bits)
    assert inputs.run_ok(*DOUBLE[1:], "-o", "r=r.npy", "--report", "r.json").stderr.count("note:") == 0
    assert doubled(inputs) and mode(inputs / "r.npy") == bits
    os.chmod(inputs / "r.json", bits)
    inputs.run_ok(*DOUBLE[1:], "-o", "r=r.npy", "--report", "r.json")
    assert mode(inputs / "r.json") == bits


def test_a_part_is_private_before_it_has_contents(folder, kernels):
    folder.save("r.npy", numpy.zeros(3))
    os.chmod(folder / "r.npy", 0o600)
    (folder / "r.npy.part").write_bytes(b"left by a crash, open to all")
    os.chmod(folder / "r.npy.part", 0o666)
    with open(folder / "r.npy.part", "rb") as stranger:  # a process that has it open from before must not see what follows
        interrupted(folder, kernels("slow"))
        assert mode(folder / "r.npy.part") == 0o600 and mode(folder / "r.npy.journal") == 0o600
        assert stranger.read() == b"left by a crash, open to all"
    finished(folder, folder.call(*job(kernels("slow"), "--resume")))
    assert mode(folder / "r.npy") == 0o600


def test_the_mode_that_a_file_has_when_the_run_ends_counts(folder, kernels):
    interrupted(folder, kernels("slow"))
    folder.save("r.npy", numpy.zeros(3))
    os.chmod(folder / "r.npy", 0o600)
    finished(folder, folder.call(*job(kernels("slow"), "--resume")))
    assert mode(folder / "r.npy") == 0o600


@pytest.mark.skipif(not IS_ROOT, reason="only root gives files away")
def test_owner_and_group_are_kept(folder, kernels):
    folder.save("r.npy", numpy.zeros(3))
    os.chown(folder / "r.npy", 4242, 4343)
    os.chmod(folder / "r.npy", 0o640)
    interrupted(folder, kernels("slow"))
    for name in ("r.npy.part", "r.npy"):
        about = os.stat(folder / name)
        assert (about.st_uid, about.st_gid, stat.S_IMODE(about.st_mode)) == (4242, 4343, 0o640)
    finished(folder, folder.call(*job(kernels("slow"), "--resume")))
    about = os.stat(folder / "r.npy")
    assert (about.st_uid, about.st_gid, stat.S_IMODE(about.st_mode)) == (4242, 4343, 0o640)


@pytest.mark.skipif(not IS_ROOT, reason="needs two users")
def test_what_an_ordinary_user_cannot_keep_is_said(inputs, nobody):
    os.chmod(inputs.path, 0o777)
    os.chmod(inputs / "r.npy", 0o666)
    os.chown(inputs / "r.npy", 4242, 4343)
    result = inputs.call(*DOUBLE, "-o", "r=r.npy", **nobody)
    assert result.returncode == 0 and doubled(inputs)
    assert ("tilework: note: r.npy: of the file that is replaced, this cannot be kept: its owner (user 4242), "
            "its group (4343)\n") in result.stderr
    assert os.stat(inputs / "r.npy").st_uid == 65534
    # A group that is another one gets no more than everybody.
    os.chown(inputs / "r.npy", 4242, 4343)
    os.chmod(inputs / "r.npy", 0o672)
    assert inputs.call(*DOUBLE, "-o", "r=r.npy", **nobody).returncode == 0
    assert mode(inputs / "r.npy") == 0o622


def test_an_access_list_is_kept_and_one_of_the_folder_is_not_taken(inputs):
    set_attribute(inputs / "r.npy", ACCESS_LIST, SHARED)
    inputs.run_ok(*DOUBLE[1:], "-o", "r=r.npy")
    assert os.getxattr(inputs / "r.npy", ACCESS_LIST) == SHARED and mode(inputs / "r.npy") == 0o640
    os.removexattr(inputs / "r.npy", ACCESS_LIST)
    os.chmod(inputs / "r.npy", 0o600)
    os.setxattr(inputs.path, "system.posix_acl_default", SHARED)
    inputs.run_ok(*DOUBLE[1:], "-o", "r=r.npy")
    assert ACCESS_LIST not in os.listxattr(inputs / "r.npy") and mode(inputs / "r.npy") == 0o600
    inputs.run_ok(*DOUBLE[1:], "-o", "r=new.npy")
    assert ACCESS_LIST in os.listxattr(inputs / "new.npy")


def test_attributes_are_kept(inputs):
    set_attribute(inputs / "r.npy", "user.origin", b"run 7")
    inputs.run_ok(*DOUBLE[1:], "-o", "r=r.npy")
    assert doubled(inputs) and os.getxattr(inputs / "r.npy", "user.origin") == b"run 7"


def test_further_names_keep_the_old_file_which_is_said(inputs):
    os.link(inputs / "r.npy", inputs / "other.npy")
    result = inputs.run_ok(*DOUBLE[1:], "-o", "r=r.npy")
    assert "tilework: note: r.npy: has a further name (hard link), which keeps the old file\n" in result.stderr
    assert doubled(inputs) and not inputs.load("other.npy").any()


# ---- symbolic links ----


def test_a_result_is_written_where_a_link_leads(inputs):
    (inputs / "data").mkdir()
    inputs.save("data/there.npy", numpy.zeros(6))
    os.chmod(inputs / "data/there.npy", 0o600)
    os.symlink("data/there.npy", inputs / "one.npy")
    os.symlink("one.npy", inputs / "two.npy")
    os.symlink(inputs / "data" / "none.npy", inputs / "dangling.npy")
    os.symlink("data", inputs / "also")
    os.symlink("../x.npy", inputs / "data" / "back.npy")
    inputs.run_ok(*DOUBLE[1:], "-o", "r=two.npy")
    assert doubled(inputs, "data/there.npy") and mode(inputs / "data/there.npy") == 0o600
    inputs.run_ok(*DOUBLE[1:], "-o", "r=dangling.npy", "--report", "dangling.json")
    assert doubled(inputs, "data/none.npy")
    inputs.run_ok(*DOUBLE[1:], "-o", "r=also/new.npy")
    assert doubled(inputs, "data/new.npy")
    os.symlink("data/report.json", inputs / "report.json")
    inputs.run_ok(*DOUBLE[1:], "-o", "r=two.npy", "--report", "report.json")
    assert (inputs / "data/report.json").read_text().startswith("{")
    assert all((inputs / name).is_symlink() for name in ("one.npy", "two.npy", "dangling.npy", "report.json"))
    assert sorted(os.listdir(inputs / "data")) == ["back.npy", "new.npy", "none.npy", "report.json", "there.npy"]
    inputs.refused(2, *DOUBLE, "-o", "r=also/back.npy", says="an output needs its own file")


@pytest.mark.parametrize("first,second", [("link.npy", "data/r.npy"), ("data/r.npy", "link.npy")])
def test_a_run_is_resumed_through_the_link_and_through_its_target(folder, kernels, first, second):
    (folder / "data").mkdir()
    os.symlink("data/r.npy", folder / "link.npy")
    command = job(kernels("slow"), output=first)
    process, said = interrupted(folder, kernels("slow"), output=first)
    assert process.returncode == 130 and "kept in data/r.npy.part" in said
    assert sorted(os.listdir(folder / "data")) == ["r.npy.journal", "r.npy.part"]
    assert folder.call(*command).returncode == 2
    result = folder.call(*job(kernels("slow"), "--resume", output=second))
    assert result.returncode == 0 and "tiles were done" in result.stderr
    assert folder.load("data/r.npy").tolist() == RESULT.tolist()
    assert os.listdir(folder / "data") == ["r.npy"] and (folder / "link.npy").is_symlink()


def test_two_runs_do_not_write_one_file_by_two_names(folder, kernels):
    (folder / "data").mkdir()
    os.symlink("data/r.npy", folder / "link.npy")
    process = folder.start(*job(kernels("stuck"), output="link.npy"))
    try:
        wait_for((folder / "data/r.npy.journal").exists, "a journal")
        result = folder.call(*job(kernels("plain"), output="data/r.npy"))
        assert result.returncode == 3 and f"is being written by another run (process {process.pid})" in result.stderr
        inputs = folder.call("run", "-> a[i], b[i]", "-o", "a=link.npy", "-o", "b=data/r.npy", "--length", "i=3")
        assert inputs.returncode == 2
    finally:
        process.kill()
        process.wait()


# ---- causes ----


LONG = "n" * 250


@pytest.mark.parametrize("output,says", [
    ("x.npy/r.npy", "x.npy/r.npy: cannot be written: x.npy is not a folder"),
    ("no/r.npy", "no/r.npy: cannot be written: its folder no does not exist"),
    ("here/no/deep/r.npy", "here/no/deep/r.npy: cannot be written: its folder here/no does not exist"),
    ("here", "here: is a folder; give the name of a file"),
    ("here/", "here/: is a folder; give the name of a file"),
    ("lost/r.npy", "lost/r.npy: cannot be written: its folder lost is a symbolic link that leads nowhere"),
    ("round", "round: cannot be written: it is a symbolic link that leads back to itself"),
    ("away.npy", "away.npy leads to no/r.npy: cannot be written: its folder no does not exist"),
    ("/dev/null", "/dev/null: is a pipe or a device"),
    ("pipe", "pipe: is a pipe or a device"),
    (LONG, f"{LONG}: cannot be written: its name is too long, since with .journal it has 258 bytes and 255 are allowed"),
    (LONG + LONG, "cannot be written: File name too long (500 bytes, 255 are allowed)"),
])
def test_an_output_that_cannot_be_is_refused_with_its_path_and_cause(inputs, output, says):
    (inputs / "here").mkdir()
    os.symlink("nowhere", inputs / "lost")
    os.symlink("round", inputs / "round")
    os.symlink("no/r.npy", inputs / "away.npy")
    os.mkfifo(inputs / "pipe")
    inputs.refused(3, *DOUBLE, "-o", f"r={output}", says=says)
    if output not in ("/dev/null", "pipe"):  # which a report may be
        inputs.refused(3, *DOUBLE, "-o", "r=q.npy", "--report", output, says=says)


@pytest.mark.parametrize("source,says", [
    ("x.npy/y.npy", "x.npy/y.npy: cannot be opened: x.npy is not a folder"),
    ("no/y.npy", "no/y.npy: cannot be opened: its folder no does not exist"),
    ("lost.npy", "lost.npy: cannot be opened: it is a symbolic link to nowhere, where there is nothing"),
    ("round", "round: cannot be opened: it is a symbolic link that leads back to itself"),
    ("here", "here: is a folder, not a .npy file"),
    (LONG + LONG, "cannot be opened: File name too long (500 bytes, 255 are allowed)"),
])
def test_an_input_that_cannot_be_is_refused_with_its_path_and_cause(inputs, source, says):
    (inputs / "here").mkdir()
    os.symlink("nowhere", inputs / "lost.npy")
    os.symlink("round", inputs / "round")
    inputs.refused(3, "run", "r[i] = 2 * x[i]", f"x={source}", "-o", "r=q.npy", says=says)


@pytest.mark.parametrize("kernel,says", [
    ("no/k.c:f", "no/k.c: cannot be read: its folder no does not exist"),
    ("x.npy/k.so:f", "x.npy/k.so: cannot be opened: x.npy is not a folder"),
])
def test_a_kernel_that_cannot_be_is_refused_with_its_path_and_cause(inputs, kernel, says):
    inputs.refused(3, "run", kernel, "-s", "x[i] -> r[i]", "x=x.npy", "-o", "r=q.npy", says=says)


@pytest.mark.skipif(not IS_ROOT, reason="needs two users")
def test_what_another_user_may_not_write_is_refused_with_its_path_and_cause(inputs, nobody):
    (inputs / "closed").mkdir(mode=0o700)
    (inputs / "sticky").mkdir()
    os.chmod(inputs / "sticky", 0o1777)
    inputs.save("sticky/r.npy", numpy.zeros(3))
    os.chmod(inputs / "sticky/r.npy", 0o666)
    for output, says in [
            ("closed/r.npy", "closed/r.npy: cannot be written: its folder closed may not be entered: Permission denied"),
            ("q.npy", "q.npy: cannot be written: no files can be made in its folder: Permission denied"),
            ("r.npy", "r.npy: exists and may not be replaced: Permission denied"),
            ("sticky/r.npy", "sticky/r.npy: exists and may not be replaced: Operation not permitted")]:
        result = inputs.call(*DOUBLE, "-o", f"r={output}", **nobody)
        assert result.returncode == 3 and says in result.stderr


def test_too_many_open_files_names_the_limit(inputs):
    inputs.run_ok(*DOUBLE[1:], "-o", "r=r.npy")  # so that there is nothing to compile
    result = inputs.call(*DOUBLE, "-o", "r=q.npy",
                         preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (4, 4)))
    assert result.returncode == 4 and "Too many open files (this process may have 4, ulimit -n)" in result.stderr
