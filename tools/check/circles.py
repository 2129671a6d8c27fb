#!/usr/bin/env python3
"""Checks that no files of the library, and none of the command, call each other in a circle: `circles.py BUILD-FOLDER [TOP]`.

A file calls another if its object needs a name that the other's object defines. Files that reach each other this way
cannot be understood, tested or replaced one by one: what both need belongs into a third file below them.
"""

import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests"))
from tap import Tap  # noqa: E402

# Circles that may be: files of src/, and why.
ALLOWED = [
    ({"notation/read/expression.c", "notation/read/atom.c", "notation/read/affine.c",
      "notation/read/reduced.c"},
     "recursive descent: an expression contains atoms, which contain expressions; parser.h is the face of them all"),
]

# "LIBRARY:OBJECT:ADDRESS KIND NAME", or the same without a library
LINE = re.compile(r"^(?:.*[:/])?([^:/]+\.o):\s*(?:[0-9a-f]+)?\s+(\w) (\S+)$", re.MULTILINE)


def objects(files):
    """Names that objects define, in a static library or by themselves, and that they need: {object: (defined, needed)}."""
    text = subprocess.run(["nm", "--print-file-name", "--extern-only", *files], check=True, capture_output=True,
                          text=True).stdout
    found = {}
    for one, kind, name in LINE.findall(text):
        defined, needed = found.setdefault(one, (set(), set()))
        (needed if kind in "Uw" else defined).add(name)
    return found


def sources(folder):
    """The file of a folder that an object was made from: Meson writes a path's slashes as underscores."""
    return {str(path.relative_to(folder)).replace("/", "_") + ".o": str(path.relative_to(folder))
            for path in folder.rglob("*.c")}


def calls(found, names):
    """{file: {files that it calls: the names that it calls there}}; objects of no file of src/ are left out."""
    owner = {name: names[one] for one, (defined, _) in found.items() if one in names for name in defined}
    graph = {}
    for one, (_, needed) in found.items():
        if one in names:
            edges = graph.setdefault(names[one], {})
            for name in sorted(needed):
                if owner.get(name, names[one]) != names[one]:
                    edges.setdefault(owner[name], []).append(name)
    return graph


def circles(graph):
    """Sets of two or more files that all reach each other: strongly connected components, by Tarjan."""
    number, low, stack, found = {}, {}, [], []

    def visit(file):
        number[file] = low[file] = len(number)
        stack.append(file)
        for other in graph.get(file, ()):
            if other not in number:
                visit(other)
            if other in stack:
                low[file] = min(low[file], low[other])
        if low[file] == number[file]:
            place = stack.index(file)
            together = set(stack[place:])
            del stack[place:]
            if len(together) > 1:
                found.append(together)

    for file in sorted(graph):
        if file not in number:
            visit(file)
    return found


def faults(graph, folder):
    result = []
    for together in circles(graph):
        if any(together <= allowed for allowed, _ in ALLOWED):
            continue
        for file in sorted(together):
            for other, names in sorted(graph[file].items()):
                if other in together:
                    result.append(f"{folder}/{file} calls {', '.join(names)} of {folder}/{other}, which leads back to it")
    return result


def main():
    if len(sys.argv) < 2:
        sys.exit("usage: circles.py BUILD-FOLDER [TOP]")
    top = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else pathlib.Path(__file__).resolve().parents[2])
    libraries = sorted(pathlib.Path(sys.argv[1]).rglob("libtilework.a"))
    tap = Tap()
    names = sources(top / "src")
    graph = calls(objects(libraries[:1]), names) if libraries else {}
    tap.check("the static library was built from the files of src/", [] if graph else
              [f"no libtilework.a below {sys.argv[1]} has an object of a file of {top / 'src'}"])
    tap.check("no files of the library call each other in a circle", faults(graph, "src"))
    command = sorted(pathlib.Path(sys.argv[1]).glob("cli/tilework.p/*.o"))
    if (top / "cli").is_dir():
        graph = calls(objects(command), sources(top / "cli")) if command else {}
        tap.check("the command was built from the files of cli/", [] if graph else
                  [f"cli/tilework.p of {sys.argv[1]} has no object of a file of {top / 'cli'}"])
        tap.check("no files of the command call each other in a circle", faults(graph, "cli"))
    known = set(names.values())
    tap.check("every circle that may be is of files that are there",
              [f"src/{file}: there is no such file" for allowed, _ in ALLOWED for file in sorted(allowed - known)
               if top == pathlib.Path(__file__).resolve().parents[2]])
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
