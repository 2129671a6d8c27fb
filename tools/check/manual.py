#!/usr/bin/env python3
"""Checks the manual pages of the library against its headers: `manual.py [TOP]`. Every call stands in exactly one page, with
the header's prototype, its text and its errors; no page has a name that the headers do not have."""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(HERE / "tests"), str(HERE / "tools" / "generate"), str(HERE / "tools" / "check")]
import man_pages  # noqa: E402
import symbols  # noqa: E402
from tap import Tap  # noqa: E402

PROTOTYPE = re.compile(r'^\.Ft "(.*)"\n\.Fo (\w+)\n((?:\.Fa ".*"\n)+)\.Fc$', re.MULTILINE)
ARGUMENT = re.compile(r'^\.Fa "(.*)"$', re.MULTILINE)
ITEM = re.compile(r"^\.It Fn (\w+)\n(.*)$", re.MULTILINE)


def squeezed(text):
    """Without blanks, which may stand otherwise in the header."""
    return "".join(text.split())


def documented(topics):
    """(page, call, prototype) of every prototype that a page has."""
    return [(page, found[2], f"{found[1]} {found[2]}({','.join(ARGUMENT.findall(found[3]))});")
            for page, text in topics.items() for found in PROTOTYPE.finditer(text)]


def prototypes(top, topics):
    faults = []
    text = "".join(symbols.COMMENT.sub(" ", header.read_text()) for header in man_pages.headers_of(top))
    headers = squeezed(text)
    declared = symbols.declared(man_pages.headers_of(top))
    found = documented(topics)
    for name in sorted(declared):
        pages = [page for page, call, _ in found if call == name]
        if len(pages) != 1:
            faults.append(f"{name}: in {' and '.join(pages) or 'no page'}: name it in one docs/man/*.in")
    for page, name, prototype in found:
        if not any(before + squeezed(prototype).rstrip(";") in headers for before in ("TW_API", "inline", "TW_RANDOM_INLINE")):
            faults.append(f"{page}: {name} is not in the headers like this: {prototype}")
    return faults


def names(top, topics):
    """Words of the library in a page that no header has."""
    known = set(re.findall(r"\b(?:tw|TW)_\w+", "".join(header.read_text() for header in man_pages.headers_of(top))))
    return [f"{page}: {word} is in no header" for page, text in topics.items()
            for word in sorted(set(re.findall(r"\b(?:tw|TW)_\w+", text)) - known)]


def incomplete(top, topics):
    """Calls without a text, or that can fail and name no errors; types that no page shows."""
    faults = []
    calls = man_pages.every_call(top)
    for page, text in topics.items():
        described = dict(ITEM.findall(text.partition(".Sh DESCRIPTION")[2].partition(".Sh TYPES")[0]))
        for _, name, _ in documented({page: text}):
            if described.get(name, ".El").startswith((".It", ".El")):
                faults.append(f"{calls[name].header}: {name} has no comment that says what it does")
            if calls[name].type == "tw_status" and not calls[name].errors:
                faults.append(f"{calls[name].header}: the comment of {name} has no errors")
    whole = "".join(topics.values())
    for header in man_pages.headers_of(top):
        for name in re.findall(r"^typedef (?:struct|enum) (tw_(?!_)\w+) \{", header.read_text(), re.MULTILINE):
            if not re.search(rf"^typedef (?:struct|enum) {name} \{{", whole, re.MULTILINE):
                faults.append(f"{header.name}: no page shows {name}: name it among the types of one docs/man/*.in")
    return faults


def links(pages, topics):
    faults = [f"{page}: leads to {text.split()[1]}, which is not there" for page, text in pages.items()
              if text.startswith(".so ") and text.split()[1].split("/")[1] not in topics]
    for page, text in topics.items():
        faults += [f"{page}: there is no page {other}(3)" for other in re.findall(r"^\.(?:Xr|It Xr) (\w+) 3", text, re.MULTILINE)
                   if other + ".3" not in pages]
        if page != "tilework.3" and f"Xr {page[:-2]} 3" not in pages["tilework.3"]:
            faults.append(f"docs/tilework.3: does not list {page[:-2]}(3)")
    return faults


def malformed(topics):
    faults = []
    with tempfile.TemporaryDirectory() as folder:
        for page, text in topics.items():
            path = pathlib.Path(folder, page)
            path.write_text(text)
            done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page], cwd=folder, capture_output=True, text=True,
                                  check=False)
            faults += (done.stdout + done.stderr).splitlines() if done.returncode else []
    return faults


def main():
    top = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else HERE).resolve()
    tap = Tap()
    try:
        pages = man_pages.pages(top)
    except SystemExit as wrong:
        tap.check("the manual pages can be made", [str(wrong)])
        return tap.end()
    topics = {page: text for page, text in pages.items() if not text.startswith(".so ")}
    tap.check("every call stands in one page, with the header's prototype", prototypes(top, topics))
    tap.check("no page has a name that the headers do not have", names(top, topics))
    tap.check("every call has a text and errors, every type a page", incomplete(top, topics))
    tap.check("every page is listed, and every link leads to one", links(pages, topics))
    if shutil.which("mandoc"):
        tap.check("the manual pages are well formed", malformed(topics))
    else:
        tap.skip("the manual pages are well formed", "there is no mandoc")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
