"""Interpreters that no package brings: a free-threaded Python, made from Debian's copy of its source."""

import os
import shutil
import tarfile

import build
import debian


STAND_IN = "3.13t"  # made where the source of the newest is not there: a release of Debian keeps its own


def include(version):
    return debian.WORK / "pythons" / version / "include" / f"python{version}"


def from_source(version):
    """The interpreter of a free-threaded version ("3.14t"), made once, without much optimization: three minutes on two cores."""
    number = version.rstrip("t")
    prefix, log = debian.WORK / "pythons" / version, build.log_file(f"python-{version}")
    interpreter = prefix / "bin" / f"python{version}"
    if not interpreter.exists():
        archive = debian.source(f"python{number}", debian.suite_of(number), debian.WORK / "sources")
        folder = debian.WORK / "pythons" / f"source-{version}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        with tarfile.open(archive) as files:
            files.extractall(folder, filter="data")
        top = next(folder.glob("*/configure")).parent
        compiler = "ccache gcc" if shutil.which("ccache") else "gcc"
        build.call(log, "sh", "-c", f'cd "$0" && ./configure --quiet --disable-gil --disable-test-modules --with-ensurepip=no --prefix="$1" OPT="-O1 -DNDEBUG -w" CC="{compiler}" '
                   f"&& make --silent -j{os.cpu_count()} && make --silent install", top, prefix)
        shutil.rmtree(folder)
    return str(interpreter)
