"""Users without a home folder, or with one that cannot be used: statements and C kernels run, and a note says where
their objects are."""

import os
import pathlib
import subprocess

import numpy
import pytest

NOTE = "tilework: note: compiled kernels are kept in "


@pytest.fixture
def place(folder):
    """A folder that every user may write to, below which nothing is kept: as services find it."""
    numpy.save(folder / "x.npy", numpy.arange(100.0))
    (folder / "twice.c").write_text("#include <tilework/tilework.h>\n"
                                    "int twice(const tw_tile *tile)\n{\n"
                                    "    TW_VIEW(const double, x, tile->operand[0]);\n"
                                    "    TW_VIEW(double, r, tile->operand[1]);\n"
                                    "    for (int64_t i = 0; i < r.shape[0]; i++) {\n"
                                    "        TW_AT(r, i) = 2 * TW_AT(x, i);\n"
                                    "    }\n"
                                    "    return 0;\n}\n")
    (folder / "tmp").mkdir(mode=0o700)
    return folder


def run(folder, environment, *kernel, user=None):
    """Standard error of a run, which must give 2 * x, with this environment alone."""
    command = [str(word) for word in folder.command("run", *kernel, "x=x.npy", "-o", "r=r.npy", "--pool", "processes")]
    done = subprocess.run(command, cwd=folder.path, env={"PATH": os.environ["PATH"], **environment}, capture_output=True,
                          text=True, timeout=120, check=False, **({"user": user, "group": user, "extra_groups": []} if user else {}))
    assert done.returncode == 0, done.stderr
    assert (folder.load() == 2 * numpy.arange(100.0)).all()
    return done.stderr


KERNELS = [("r[i] = 2 * x[i]",), ("twice.c:twice", "-s", "x[i] -> r[i]")]


@pytest.mark.parametrize("kernel", KERNELS, ids=["statement", "source"])
@pytest.mark.parametrize("home", ["/proc/no/home", "unwritable"])
def test_a_cache_folder_that_cannot_be_made_has_a_stand_in(place, kernel, home):
    base = str(place / "x.npy") if home == "unwritable" else home  # nothing can be made below a file
    said = run(place, {"XDG_CACHE_HOME": base, "TMPDIR": str(place / "tmp")}, *kernel)
    assert said.count(NOTE) == 1 and f"{base}/tilework cannot be used" in said


@pytest.mark.parametrize("environment", [{}, {"HOME": ""}, {"HOME": "relative"}, {"HOME": "/nonexistent"}], ids=str)
def test_without_a_home_the_record_or_a_temporary_folder_serves(place, environment):
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody without a home")
    for name in (".", "tmp"):
        os.chown(place / name, 65534, 65534)
    for parent in pathlib.Path(place.path).parents:
        if parent.stat().st_mode & 0o005 != 0o005:
            os.chmod(parent, parent.stat().st_mode | 0o055)
    said = run(place, {**environment, "TMPDIR": str(place / "tmp")}, *KERNELS[0], user=65534)
    assert said.count(NOTE) == 1 and "tmp/tilework-65534, since this user has no home folder" in said
    kept = sorted(os.listdir(place / "tmp" / "tilework-65534"))
    assert any(name.endswith(".so") for name in kept)
    (place / "r.npy").unlink()
    run(place, {**environment, "TMPDIR": str(place / "tmp")}, *KERNELS[0], user=65534)
    assert sorted(os.listdir(place / "tmp" / "tilework-65534")) == kept  # found, not compiled again
