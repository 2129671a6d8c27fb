#!/usr/bin/env python3
"""Checks the NumPy package as its users get it: source distribution, wheel, types. `package.py PYTHON FOLDER`."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests"))
from tap import Tap  # noqa: E402

TOP = pathlib.Path(__file__).resolve().parents[2]
EXAMPLE = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
SYSTEM = re.compile(r"^(libc|libm|libpthread|libdl|librt|ld-linux.*)\.so")
TYPED = """
import numpy as np, tilework as tw
def operate(y: np.ndarray, x: np.ndarray, r: np.ndarray) -> None:
    r[...] = y[:, None] * x
with tw.Pool(workers=2) as pool:
    report: tw.Report = pool.run(operate, "y[i], x[j] -> r[i,j]", np.ones(3), np.ones(2), report=True)[1]
try:
    tw.run(operate, "y[i], x[j] -> r[i,j]", np.ones(3), np.ones(2), cuts={"i": [1]}, workers=2)
except tw.TileError as error:
    print(error.tile, error.ranges["i"].start, error.traceback)
shared: tw.SharedArray = tw.zeros((2, 3), "f4")
"""
PROGRAM = """
#include <string.h>
#include <tilework/tilework.h>
int main(void)
{
    tw_pool *pool = NULL;
    const tw_status status = tw_pool_open(&pool, NULL, NULL);
    tw_pool_close(pool);
    return status == TW_OK && strcmp(tw_version(), "0.1.0") == 0 ? 0 : 1;
}
"""
WRONG = "import tilework as tw\ntw.Pool(workers='two')\n"


def attempt(command, **options):
    """Runs a command; gives its faults (none: it went well) and what it wrote."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **options)
    text = done.stdout + done.stderr
    return ([] if done.returncode == 0 else [f"exit code {done.returncode}", *text.splitlines()[-30:]]), text


def needed(library):
    """Libraries that a shared object needs, other than the system's own."""
    text = subprocess.run(["readelf", "-d", library], capture_output=True, text=True, check=True).stdout
    faults = [f"needs {name}" for name in re.findall(r"\(NEEDED\).*\[(.*)\]", text) if not SYSTEM.match(name)]
    return faults + (["relocations in its code"] if "TEXTREL" in text else [])


def exported(library):
    text = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True, check=True).stdout
    names = {line.split()[-1] for line in text.splitlines() if " T " in line or " D " in line or " B " in line}
    return [f"exports {name}" for name in sorted(names - {"PyInit__tilework"})]


def check_wheel(tap, python, wheel, folder):
    site = folder / "site"
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extractall(site)
    beside = r"tilework-[^/]*\.data/(scripts/tilework|data/share/man/man1/tilework\.1)$"
    strange = [name for name in names if not re.match(rf"tilework(-[^/]*\.dist-info)?/|{beside}", name)]
    tap.check("the wheel has the package, the command, its manual page and nothing else",
              strange + ["not both of the command and its page"] * (sum(re.match(beside, name) is not None for name in names) != 2))
    wanted = {path.name for path in (TOP / "python" / "tilework").iterdir() if path.suffix in (".py", ".pyi", ".typed")}
    tap.check("the wheel has every file of the package", sorted(wanted - {name.split("/")[-1] for name in names}))
    library = next(site.glob("tilework/_tilework*.so"))
    tap.check("the extension needs no library but the system's", needed(library))
    tap.check("the extension exports its own name alone", exported(library))
    command = next(site.glob("tilework-*.data/scripts/tilework"))
    command.chmod(0o755)
    tap.check("the command is in the wheel, runs, and needs no library but the system's",
              attempt([command, "--version"])[0] + needed(command))
    (folder / "program.c").write_text(PROGRAM)
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "tilework"], capture_output=True, text=True, check=False,
                           env={**os.environ, "PKG_CONFIG_PATH": str(site / "tilework" / "lib" / "pkgconfig")}).stdout.split()
    tap.check("a C program compiles and runs with the wheel's headers, library and file for pkg-config",
              attempt(["cc", "-o", folder / "program", folder / "program.c", *flags])[0] or attempt([folder / "program"])[0])
    example = EXAMPLE.search((TOP / "README.md").read_text())
    environment = {**os.environ, "PYTHONPATH": str(site)}
    tap.check("the README's Python example runs with the wheel alone",
              attempt([python, "-c", example[1]], env=environment, cwd=folder)[0] if example else
              ["the README has no Python example"])


def main():
    python, folder = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    tap = Tap()
    # The tools of the environment are found first.
    os.environ["PATH"] = f"{pathlib.Path(python).parent}:{os.environ['PATH']}"
    if (TOP / ".git").exists():
        faults, _ = attempt([python, "-m", "build", "--no-isolation", "--sdist", "--outdir", folder, TOP])
        tap.check("a source distribution can be made", faults)
        source = next(folder.glob("*.tar.gz"), None)
    else:
        tap.skip("a source distribution can be made", "this is no Git checkout")
        source = TOP
    if source is not None:
        faults, _ = attempt([python, "-m", "pip", "wheel", "--quiet", "--no-build-isolation", "--no-deps", "-w", folder,
                             source])
        tap.check("the source distribution makes a wheel", faults)
        wheel = next(folder.glob("*.whl"), None)
        if wheel is not None:
            check_wheel(tap, python, wheel, folder)
    mypy = [python, "-m", "mypy", "--strict", "--config-file", TOP / "pyproject.toml", "--cache-dir", folder / "mypy"]
    tap.check("mypy --strict finds nothing in the package", attempt([*mypy, TOP / "python" / "tilework"])[0])
    (folder / "typed.py").write_text(TYPED)
    (folder / "wrong.py").write_text(WRONG)
    tap.check("mypy --strict finds nothing in a program that uses it", attempt([*mypy, "typed.py"], cwd=folder)[0])
    tap.check("mypy finds a wrong type in a program that uses it",
              [] if attempt([*mypy, "wrong.py"], cwd=folder)[0] else ["it found nothing"])
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
