#!/usr/bin/env python3
"""embed_math.py OUTPUT TEXT... - writes a C source that holds the vector math texts, each with those that it includes.

A text's opening comment and its functions stay as they are; the include guard goes, and its #include lines of other texts become a
set of bits, so that who prints a kernel prints each text once, and those that it builds on before it.
"""
import pathlib
import re
import sys

INCLUDE = re.compile(r'^#include "notation/math/(\w+)\.h"\n', re.MULTILINE)
GUARD = re.compile(r"^#ifndef (\w+)\n#define \1\n\n?(.*)#endif\n", re.MULTILINE | re.DOTALL)


def ordered(includes):
    """The names, each after all that it includes."""
    done = []

    def add(name, above):
        if name in above:
            sys.exit(f"{name}.h includes itself by way of {', '.join(above)}")
        for other in includes[name]:
            add(other, [*above, name])
        if name not in done:
            done.append(name)

    for name in sorted(includes):
        add(name, [])
    return done


def literal(line):
    return '    "' + line.replace("\\", "\\\\").replace('"', '\\"') + '\\n"'


def main(arguments):
    if len(arguments) < 3:
        sys.exit("usage: embed_math.py OUTPUT TEXT...")
    sources = {pathlib.Path(path).stem: pathlib.Path(path).read_text(encoding="ascii") for path in arguments[2:]}
    includes = {name: INCLUDE.findall(source) for name, source in sources.items()}
    names = ordered(includes)
    if len(names) > 64:
        sys.exit("more than 64 texts: a set of them no longer fits 64 bits")
    needs = {}
    for name in names:
        needs[name] = 1 << names.index(name)
        for other in includes[name]:
            needs[name] |= needs[other]
    lines = ["/* Made by tools/generate/embed_math.py: the vector math texts, each after those that it needs. */",
             '#include "notation/print/prelude.h"', ""]
    for name in names:
        body = GUARD.sub(r"\2", INCLUDE.sub("", sources[name]))
        body = re.sub(r"\n{3,}", "\n\n", body).strip("\n")
        lines += [f"static const char {name}_text[] =", *[literal(line) for line in body.split("\n")], "    ;", ""]
    lines += ["const struct tw__prelude_text tw__prelude_texts[] = {"]
    lines += [f'    {{"{name}", {name}_text, sizeof {name}_text - 1, 0x{needs[name]:x}}},' for name in names]
    lines += ["};", "", f"const int tw__prelude_ntexts = {len(names)};"]
    pathlib.Path(arguments[1]).write_text("\n".join(lines) + "\n", encoding="ascii")


if __name__ == "__main__":
    main(sys.argv)
