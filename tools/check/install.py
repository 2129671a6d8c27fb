#!/usr/bin/env python3
"""Does what a new user does: installs into an empty folder, asks the command its version, reads the manual, compiles
the README's C example with pkg-config and runs it. `install.py FOLDER` (it is emptied first)."""

import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[2] / folder) for folder in ("tests", "tools/generate")]
import man_pages  # noqa: E402
from tap import Tap  # noqa: E402

TOP = pathlib.Path(__file__).resolve().parents[2]
PREFIX = "/usr/local"
EXAMPLE = re.compile(r"^```c\n(.*?)^```", re.DOTALL | re.MULTILINE)
STRICT = ["-Wall", "-Wextra", "-Werror", "-pedantic"]


def attempt(command, env=None, cwd=None):
    """Runs a command; gives its faults (none: it went well) and what it wrote."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, cwd=cwd,
                          env={**os.environ, **{key: str(value) for key, value in (env or {}).items()}})
    text = done.stdout + done.stderr
    if done.returncode == 0:
        return [], text
    return [f"{shlex.join(map(str, command))}: exit code {done.returncode}", *text.splitlines()], text


def compiled(program, source, pkg_config, options, environment):
    """Compiles an example against what was installed and runs it; gives the faults."""
    faults, flags = attempt(["pkg-config", *options, "--cflags", "--libs", "tilework"], pkg_config)
    static = ["-static-libgcc"] if "--static" in options else []
    if not faults:
        flags = shlex.split(flags)
        if static:  # the archive itself, as the linker prefers the shared library that lies beside it
            flags = [":".join(["-l", "libtilework.a"]) if flag == "-ltilework" else flag for flag in flags]
        faults, _ = attempt(["cc", "-O2", *STRICT[:3], source, "-o", program, *flags, *static])
    return faults or attempt([program], environment, program.parent)[0]


def parts_alone(work, prefix):
    """Compiles each header as the only one of a file; gives the faults."""
    faults = []
    for path in sorted((prefix / "include" / "tilework").glob("*.h")):
        alone = work / f"alone_{path.stem}.c"
        alone.write_text(f"#include <tilework/{path.name}>\n")
        faults += attempt(["cc", "-std=c11", *STRICT, "-I", prefix / "include", "-fsyntax-only", alone])[0]
    return faults


def main():
    folder = pathlib.Path(sys.argv[1]).resolve()
    shutil.rmtree(folder, ignore_errors=True)
    work = folder / "work"
    work.mkdir(parents=True)
    root = folder / "root"
    tap = Tap()

    faults, _ = attempt(["make", "-s", "-C", TOP, "install", f"DESTDIR={root}", f"PREFIX={PREFIX}"])
    tap.check("make install into an empty folder", faults)
    if faults:
        return tap.end()
    prefix = root / PREFIX.lstrip("/")
    command = prefix / "bin" / "tilework"
    library = next(iter(prefix.rglob("libtilework.so")), prefix / "lib" / "libtilework.so").parent
    environment = {"LD_LIBRARY_PATH": library, "XDG_CACHE_HOME": work / "cache"}

    faults, text = attempt([command, "--version"])
    version = re.search(r"version: '([^']+)'", (TOP / "meson.build").read_text())[1]
    tap.check("the installed command runs and prints its version",
              faults or ([] if version in text else [f"{version} expected in: {text}"]))

    manual = prefix / "share" / "man"
    names = ["man1/tilework.1", *[f"man3/{name}" for name in man_pages.pages()]]
    pages = [manual / name for name in names if not name.startswith("man3/tw_")]
    missing = [f"{name}: missing" for name in names if not (manual / name).exists()]
    tap.check("the manual pages are installed, and a name for each call", missing)
    if shutil.which("mandoc"):
        tap.check("the manual pages are well formed",
                  missing or [fault for page in pages for fault in attempt(["mandoc", "-T", "lint", "-W", "warning",
                                                                            page])[0]])
    else:
        tap.skip("the manual pages are well formed", "there is no mandoc")

    alone = work / "alone.c"
    alone.write_text("#include <tilework/tilework.h>\n")
    for compiler in (["gcc", "-std=c11"], ["clang", "-std=c11"], ["clang", "-x", "c++", "-std=c++17"]):
        rule = f"the installed header compiles alone with {' '.join(compiler)}"
        if shutil.which(compiler[0]):
            tap.check(rule, attempt([*compiler, *STRICT, "-I", prefix / "include", "-fsyntax-only", alone])[0])
        else:
            tap.skip(rule, f"there is no {compiler[0]}")
    tap.check("each installed header may be included first", parts_alone(work, prefix))

    readme = TOP / "README.md"
    example = EXAMPLE.search(readme.read_text()) if readme.exists() else None
    source = work / "example.c"
    source.write_text(example[1] if example else "#error the README has no C example\n")
    pkg_config = {"PKG_CONFIG_PATH": library / "pkgconfig", "PKG_CONFIG_SYSROOT_DIR": root}
    for kind, options in (("shared", []), ("static", ["--static"])):
        tap.check(f"the README's C example compiles with pkg-config and runs, {kind} library",
                  compiled(work / f"example-{kind}", source, pkg_config, options, environment))
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
