#!/usr/bin/env python3
"""Checks that #include goes down the layers only: `includes.py [TOP]`.

A file of src/ includes from its own folder, from those that LAYERS allows it, and the public header. Headers of the
operating system are used in src/os alone. Command, examples, tests of the public kind and benchmarks know the public
header and nothing of src/.
"""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests"))
from tap import Tap  # noqa: E402

LAYERS = {
    "base": set(),
    "os": {"base"},
    "heap": {"os", "base"},
    "array": {"heap", "os", "base"},
    "store": {"array", "heap", "os", "base"},
    "grid": {"base"},
    "kernel": {"os", "base"},
    "notation": {"kernel", "grid", "os", "base"},
    "pool": {"heap", "os", "base"},
    "job": {"pool", "kernel", "grid", "store", "array", "heap", "os", "base"},
    "record": {"job", "pool", "kernel", "grid", "store", "array", "heap", "os", "base"},
    "node": {"record", "job", "pool", "kernel", "grid", "store", "array", "heap", "os", "base"},
    "run": {"node", "record", "job", "pool", "kernel", "grid", "store", "array", "heap", "os", "base"},
    "plan": {"run", "node", "record", "job", "pool", "kernel", "grid", "store", "array", "heap", "os", "base"},
}

# The folders within a layer: a statement goes through those of the notation from top to bottom, and what the phases
# share, numbers and the table of operations, is below them all. Files of the layer itself may use every folder; a folder
# uses no file of the layer itself.
PHASES = {
    "notation": {
        "value": set(),
        "read": {"value"},
        "type": {"read", "value"},
        "loop": {"type", "read", "value"},
        "print": {"loop", "type", "read", "value"},
        "steps": {"loop", "type", "read", "value"},
        "math": set(),  # texts of generated C
    },
}

# What a layer other than src/os may take from the C library: nothing that depends on the locale or the system.
C_HEADERS = {
    "assert.h", "complex.h", "errno.h", "fenv.h", "float.h", "inttypes.h", "limits.h", "math.h", "stdalign.h", "stdarg.h",
    "stdatomic.h", "stdbool.h", "stddef.h", "stdint.h", "stdio.h", "stdlib.h", "string.h",
}
LIBRARIES = {"xxhash.h": {"array", "kernel", "node", "record"}, "jansson.h": {"node", "plan", "record", "run"}}  # and the layers that use them

# Kinds of stores, a folder each, and the one file outside that opens what a path names. All others know store/store.h.
KINDS = {"store/npy": {"job/pooled.c"}}
PUBLIC = "tilework/tilework.h"
PARTS = {"tilework/axes.h", "tilework/node.h", "tilework/outputs.h", "tilework/picture.h", "tilework/plan.h", "tilework/prepared.h", "tilework/random.h",
         "tilework/random_tile.h", "tilework/shared.h", "tilework/tile.h", "tilework/statement.h"}  # of it
CLIENTS = ("cli", "examples", "bench", "reliability", "python")

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


def includes(path):
    """(line, bracket, name) of each #include of a file."""
    text = path.read_text()
    for match in INCLUDE.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, match[1], match[2]


def sources(folder):
    return sorted(path for path in folder.rglob("*.[ch]"))


def layer_faults(top, layer):
    """Faults of one folder of src/, direction and operating system apart."""
    direction, system = [], []
    for path in sources(top / "src" / layer):
        for line, bracket, name in includes(path):
            where = f"{path.relative_to(top)}:{line}"
            if bracket == "<":
                if name in LIBRARIES:
                    if layer not in LIBRARIES[name]:
                        system.append(f"{where}: <{name}> belongs in {', '.join(sorted(LIBRARIES[name]))}")
                elif name not in {PUBLIC, *PARTS} and layer != "os" and name not in C_HEADERS:
                    system.append(f"{where}: <{name}> belongs in src/os")
                continue
            folder = name.split("/")[0]
            if "/" not in name or folder not in LAYERS:
                direction.append(f'{where}: "{name}" must be written as "LAYER/FILE.h"')
            elif folder != layer and folder not in LAYERS[layer]:
                direction.append(f'{where}: "{name}": {layer} may not know {folder}')
    return direction, system


def phase_faults(top, layer):
    """Faults of the folders of one layer: what they include of each other."""
    faults, phases = [], PHASES[layer]
    for path in sources(top / "src" / layer):
        parts = path.relative_to(top / "src" / layer).parts
        if len(parts) < 2:
            continue
        own = parts[0]
        if own not in phases:
            faults.append(f"{path.relative_to(top)}: the folder {own} is not among the phases of {layer}")
            continue
        for line, _, name in includes(path):
            names = name.split("/")
            if names[0] != layer:
                continue
            phase = names[1]
            if phase != own and phase not in phases[own]:
                faults.append(f'{path.relative_to(top)}:{line}: "{name}": {own} may not know {layer}/{phase}')
    return faults


def kind_faults(top, kind):
    """Files outside of a kind of store that include its headers."""
    faults = []
    for path in sources(top / "src"):
        own = str(path.relative_to(top / "src"))
        for line, _, name in includes(path):
            if name.startswith(kind + "/") and not own.startswith(kind + "/") and own not in KINDS[kind]:
                faults.append(f'{path.relative_to(top)}:{line}: "{name}": only {kind} knows its files')
    return faults


def client_faults(top, client):
    """Faults of a folder that is a client of the public header."""
    faults = []
    for path in sources(top / client):
        for line, bracket, name in includes(path):
            where = f"{path.relative_to(top)}:{line}"
            if bracket == "<":
                if name.startswith("tilework/") and name not in {PUBLIC, *PARTS}:
                    faults.append(f"{where}: <{name}> is not a public header")
            elif name == PUBLIC:
                faults.append(f"{where}: the public header is included as <{PUBLIC}>")
            elif (top / "src" / name).exists() or ".." in name or name.split("/")[0] in {"src", *LAYERS}:
                faults.append(f'{where}: "{name}": {client} may know <{PUBLIC}> alone')
    return faults


def main():
    top = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    tap = Tap()
    found = {path.name for path in (top / "src").iterdir() if path.is_dir()}
    tap.check("every folder of src/ is a layer", [f"src/{name}: not among the layers" for name in sorted(found)
                                                   if name not in LAYERS])
    for layer in LAYERS:
        direction, system = layer_faults(top, layer)
        tap.check(f"src/{layer} includes from {', '.join(sorted(LAYERS[layer])) or 'itself'} alone", direction)
        if layer != "os":
            tap.check(f"src/{layer} includes no header of the operating system", system)
    for layer, phases in PHASES.items():
        tap.check(f"the folders of src/{layer} include in the order {', '.join(phases)}", phase_faults(top, layer))
    for kind in KINDS:
        tap.check(f"{kind} is known by its operations", kind_faults(top, kind))
    for client in CLIENTS:
        tap.check(f"{client} includes the public header alone", client_faults(top, client))
    public = [f"{path.relative_to(top)}:{line}: \"{name}\"" for path in sources(top / "include")
              for line, bracket, name in includes(path) if bracket == '"' or name not in C_HEADERS | {PUBLIC, *PARTS}]
    tap.check("the public header includes the C library alone", public)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
