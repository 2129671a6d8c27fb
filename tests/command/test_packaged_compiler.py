"""The C compiler that `pip install 'tilework[compiler]'` brings: found beside the command, called as `zig cc`, and its files kept in the cache."""

import os
import shutil
import subprocess

import numpy
import pytest

# Stands for the compiler: notes how it was called, and calls the real one.
STAND_IN = """#!{shell}
echo "$*" >>{folder}/calls.txt
echo "$ZIG_GLOBAL_CACHE_DIR $ZIG_LOCAL_CACHE_DIR" >>{folder}/folders.txt
[ "$1" = cc ] || exit 9
shift
for word; do
    shift
    [ "$word" = -fno-sanitize=all ] || set -- "$@" "$word"
done
PATH={path} exec {compiler} "$@"
"""


def write_stand_in(folder, path):
    path.parent.mkdir(parents=True)
    path.write_text(STAND_IN.format(shell=shutil.which("sh"), folder=folder.path, path=os.environ["PATH"],
                                    compiler=shutil.which("gcc") or shutil.which("cc")))
    path.chmod(0o755)
    return path


@pytest.fixture(name="command")
def copy_command(folder):
    """The command as an environment of Python has it: in bin, beside lib."""
    folder.save("y", numpy.arange(10.0))
    (folder / "env" / "bin").mkdir(parents=True)
    (folder / "empty").mkdir()
    return shutil.copy(os.environ["TILEWORK_BIN"], folder / "env" / "bin" / "tilework")


def run(folder, command, *arguments, **env):
    words = [command, *(arguments or ("run", "r[i] = 2 * y[i]", "y=y.npy", "-o", "r=r.npy"))]
    environment = {**os.environ, "PATH": str(folder / "empty"), "XDG_CACHE_HOME": str(folder / "cache"), **env}
    return subprocess.run(words, cwd=folder.path, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("site", ["lib/python3.99/site-packages", "lib64/python3.10/site-packages",
                                  "lib/python3/dist-packages"])  # fmt: skip
def test_the_packages_compiler_is_used_where_path_has_none(folder, command, site):
    zig = write_stand_in(folder, folder / "env" / site / "ziglang" / "zig")
    result = run(folder, command)
    assert result.returncode == 0, result.stderr
    assert (folder.load() == 2 * numpy.arange(10.0)).all()
    assert str(zig) + " cc" in run(folder, command, "info").stdout


def test_a_compiler_on_path_comes_first(folder, command):
    write_stand_in(folder, folder / "env" / "lib" / "python3.99" / "site-packages" / "ziglang" / "zig")
    assert run(folder, command, PATH=os.environ["PATH"]).returncode == 0
    assert not (folder / "calls.txt").exists()


def test_zig_on_path_is_a_compiler_and_works_in_the_cache_folder(folder, command):
    write_stand_in(folder, folder / "programs" / "zig")
    assert run(folder, command, PATH=str(folder / "programs")).returncode == 0
    zig = str(folder / "cache" / "tilework" / "zig")
    assert set((folder / "folders.txt").read_text().splitlines()) == {f"{zig} {zig}"}
    assert "-fno-sanitize=all" in (folder / "calls.txt").read_text()


def test_the_folders_that_the_environment_names_are_kept(folder, command):
    zig = write_stand_in(folder, folder / "programs" / "zig")
    assert run(folder, command, TILEWORK_CC=f"{zig} cc", ZIG_GLOBAL_CACHE_DIR="/g").returncode == 0
    assert set((folder / "folders.txt").read_text().splitlines()) == {f"/g {folder / 'cache' / 'tilework' / 'zig'}"}


def test_another_version_of_the_compiler_compiles_again(folder, command):
    zig = write_stand_in(folder, folder / "programs" / "zig")
    again = ("run", "r[i] = 2 * y[i]", "y=y.npy", "-o", "r=r.npy")
    for compilations in (1, 1, 2):
        if compilations == 2:
            zig.write_text(zig.read_text().replace("[ \"$1\" = cc ]", "[ $2 = --version ] && echo 2.0; [ \"$1\" = cc ]"))
        result = run(folder, command, *again, PATH=str(folder / "programs"))
        assert result.returncode == 0, result.stderr
        assert (folder / "calls.txt").read_text().count("-shared") == compilations
