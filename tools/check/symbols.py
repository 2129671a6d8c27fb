#!/usr/bin/env python3
"""Checks that what the libraries export is what the public header declares: `symbols.py BUILD-FOLDER [HEADER]`."""

import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests"))
from tap import Tap  # noqa: E402

HEADERS = sorted((pathlib.Path(__file__).resolve().parents[2] / "include" / "tilework").glob("*.h"))
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
DECLARATION = re.compile(r"\bTW_API\b[^;{]*?\b(tw_\w+)\s*\(")
# What compilers and sanitizers add of their own.
FOREIGN = re.compile(r"^(_init|_fini|_edata|_end|__bss_start|__(asan|ubsan|tsan|odr|sanitizer|start|stop)_.*)$")


def declared(headers):
    """Names of the functions that the headers declare with TW_API."""
    return {name for header in headers for name in DECLARATION.findall(COMMENT.sub(" ", header.read_text()))}


def defined(library, *options):
    """Global names that a library defines."""
    text = subprocess.run(["nm", "--defined-only", "--extern-only", *options, library], check=True,
                          capture_output=True, text=True).stdout
    names = {fields[-1] for fields in map(str.split, text.splitlines()) if len(fields) >= 3}
    return {name for name in names if not FOREIGN.match(name)}


def main():
    if len(sys.argv) < 2:
        sys.exit("usage: symbols.py BUILD-FOLDER [HEADER]")
    folder = pathlib.Path(sys.argv[1])
    public = declared([pathlib.Path(sys.argv[2])] if len(sys.argv) > 2 else HEADERS)
    shared = sorted(folder.rglob("libtilework.so"))
    static = sorted(folder.rglob("libtilework.a"))
    tap = Tap()
    tap.check("the header declares functions", [] if public else ["no TW_API function was found in it"])
    tap.check("both libraries were built", [f"no {name} below {folder}" for name, found in
                                            (("libtilework.so", shared), ("libtilework.a", static)) if not found])
    for library in shared[:1]:
        exported = defined(library, "--dynamic")
        tap.check("every declared function is exported", [f"{name}: declared, not exported"
                                                          for name in sorted(public - exported)])
        tap.check("every exported name is declared", [f"{name}: exported, not declared with TW_API"
                                                      for name in sorted(exported - public)])
    for library in static[:1]:
        strange = sorted(name for name in defined(library) - public if not name.startswith("tw__"))
        tap.check("internal names of the static library begin with tw__", [f"{name}: clashes with a user's names"
                                                                           for name in strange])
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
