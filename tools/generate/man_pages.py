#!/usr/bin/env python3
"""Makes the manual pages of the library, section 3: `man_pages.py FOLDER` writes them all there.

A page docs/man/PAGE.in names its calls and types and says in general what they are for; the headers say the rest: a call's
prototype, its comment, its errors, its thread rule. docs/man/PAGE.c is its example. Each call gets a page of its own that
leads to the topic (`man tw_run`). Without a folder, installs below $MESON_INSTALL_DESTDIR_PREFIX, as meson calls it."""

import fnmatch
import os
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
DATE = "November 29, 2026"
CALL = re.compile(r"(?:TW_API|static inline|TW_RANDOM_INLINE) (?P<type>[^;(){}]*?)(?P<name>tw_(?!_)\w+)\((?P<arguments>[^;{}]*?)\)\s*(?:;|(?=\{))"
                  r"(?P<after>[ \t]*/\*.*?\*/)?", re.DOTALL)
COMMENT = re.compile(r"/\*(.*?)\*/", re.DOTALL)
TYPE = r"((?:/\*(?:(?!\*/).)*\*/\n)?typedef (?:struct|enum) {name} \{{.*?\}} {name};|^typedef [^;{{}}]*\(\*{name}\)[^;]*;)"
THREADS = "An object must be used from one thread at a time; different objects may be used from any number of threads."


class Call:
    """One public function: prototype, comment, errors, whether any thread may call it."""

    def __init__(self, header, found, comment, group):
        self.name, self.header = found["name"], header.name
        self.type = found["type"].strip()
        self.arguments = [" ".join(argument.split()) for argument in found["arguments"].split(",")]
        text = comment or group or ""
        self.any_thread = "any thread" in (text + (group or "")).lower()
        text = re.sub(r"\s*\bAny thread\.|; any thread\b", "", text)
        self.text, _, self.errors = (part.strip() for part in text.partition("Errors:"))


def plain(comment):
    """A comment's text; lines that are code keep their place, four blanks in."""
    lines = [re.sub(r"^ ?\*? ?", "", line, count=1) if number else line.lstrip() for number, line in
             enumerate(comment.splitlines())]
    return "\n".join(line.rstrip() for line in lines).strip()


def calls_of(header):
    """The calls of a header in their order. A comment above stands for the first call below it, or, where each call has one
    behind it, for all of them."""
    text = header.read_text()
    found = []
    for declaration in CALL.finditer(text):
        above = text[:declaration.start()].removesuffix("__attribute__((format(printf, 3, 4))) ")
        before = re.search(r"/\*((?:(?!\*/).)*)\*/\n((?:TW_API[^\n]*\n)*)$", above, re.DOTALL)
        behind = declaration["after"]
        own = plain(COMMENT.search(behind)[1]) if behind else None
        group = plain(before[1]) if before and (behind or not before[2]) else None
        found.append(Call(header, declaration, own, group))
    return found


def headers_of(top):
    return sorted((top / "include" / "tilework").glob("*.h"))


def every_call(top):
    return {call.name: call for header in headers_of(top) for call in calls_of(header)}


def escaped(line):
    line = line.replace("\\", "\\e")
    return "\\&" + line if line.startswith((".", "'")) else line


def marked(text):
    """A sentence with its names in bold."""
    text = escaped(text)
    return re.sub(r"`([^`]*)`|\b(tw_\w+)", lambda name: "\\fB" + (name[1] or name[2]) + "\\fP", text)


def prose(text):
    """A comment as mdoc: sentences on lines of their own, indented lines as they are."""
    out, words = [], []

    def flush():
        if words:
            sentences = re.sub(r"(?<=[A-Za-z)`\"\d][.:;]) (?=[A-Z`\"*])", "\n", " ".join(words))
            out.extend(marked(line) for line in sentences.split("\n"))
            words.clear()
    literal = False
    for line in text.splitlines():
        code = line.startswith("    ")
        if code != literal and line:
            flush()
            out.append(".Bd -literal -offset indent -compact" if code else ".Ed")
            literal = code
        if literal:
            out.append(escaped(line[4:]))
        else:
            words.append(line.strip())
    flush()
    return out + [".Ed"] * literal


def listed(macro, names, end="."):
    """A list of names, a macro each."""
    return [f".{macro} {name} {',' if k < len(names) else end}".rstrip() for k, name in enumerate(names, 1)]


def capital(text):
    return text[:1].upper() + text[1:] + ("." if text and text[-1] not in ".:" else "")


def prototype(call):
    lines = [f'.Ft "{call.type}"', f".Fo {call.name}"]
    return [*lines, *[f'.Fa "{argument}"' for argument in call.arguments], ".Fc"]


def type_of(top, name):
    for header in headers_of(top):
        found = re.search(TYPE.format(name=name), header.read_text(), re.DOTALL | re.MULTILINE)
        if found:
            return found[1]
    raise SystemExit(f"no header has a type {name} that can be shown")


def read_page(path, known):
    """The fields of docs/man/PAGE.in, and its text."""
    head, _, text = path.read_text().partition("\n\n")
    title, *fields = head.splitlines()
    fields = dict(field.split(": ", 1) for field in fields)
    calls = []
    for pattern in fields["calls"].split():
        names = [name for name in known if fnmatch.fnmatch(name, pattern) and name not in calls]
        if not names:
            raise SystemExit(f"{path.name}: no header has a call {pattern}")
        calls += names
    return title.split(" - ", 1)[1], calls, fields.get("types", "").split(), fields["see"].split(), text.strip()


def page(top, path, known):
    """A topic's page and the names of its calls."""
    title, names, types, see, text = read_page(path, known)
    calls = [known[name] for name in names]
    lines = [f".Dd {DATE}", f".Dt {path.stem.upper()} 3", ".Os", ".Sh NAME"]
    lines += listed("Nm", names, "")
    lines += [f".Nd {title}", ".Sh SYNOPSIS", ".In tilework/tilework.h"]
    for call in calls:
        lines += prototype(call)
    lines += [".Sh DESCRIPTION", text, ".Bl -tag -width Ds"]
    for call in calls:
        lines += [f".It Fn {call.name}", *prose(capital(call.text))]
    lines += [".El"]
    if types:
        lines += [".Sh TYPES"]
        for name in types:
            lines += [".Bd -literal", *map(escaped, type_of(top, name).splitlines()), ".Ed"]
    errors = [".Sh ERRORS"]
    if failing := [call for call in calls if call.errors]:
        errors += ["A call that fails fills in", ".Vt tw_error ;", "its results are untouched.", ".Bl -tag -width Ds"]
        for call in failing:
            errors += [f".It Fn {call.name}", *prose(capital(call.errors))]
        errors += [".El"]
    if safe := [call.name for call in calls if not call.errors]:
        errors += ["These do not fail:", *listed("Fn", safe)]
    lines += [".Sh THREADS", THREADS]
    if free := [call.name for call in calls if call.any_thread]:
        lines += ["Any thread may call these at any time:", *listed("Fn", free)]
    lines += [".Sh EXAMPLES", ".Bd -literal", *map(escaped, path.with_suffix(".c").read_text().rstrip().splitlines()), ".Ed"]
    lines += errors + [".Sh SEE ALSO", *listed("Xr", ["tilework 1", "tilework 3", *[f"{other} 3" for other in sorted(see)]], "")]
    return "\n".join(lines) + "\n", names


def pages(top=TOP):
    """What every file of section 3 contains, by its name."""
    known = every_call(top)
    texts = {"tilework.3": (top / "docs" / "tilework.3").read_text()}
    for path in sorted((top / "docs" / "man").glob("*.in")):
        texts[path.stem + ".3"], names = page(top, path, known)
        for name in names:
            texts[name + ".3"] = f".so man3/{path.stem}.3\n"
    return texts


def main():
    below = pathlib.Path(os.environ.get("MESON_INSTALL_DESTDIR_PREFIX", ""))
    folder = below / sys.argv[1] if len(sys.argv) > 1 else sys.exit(__doc__)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    main()
