#!/usr/bin/env python3
"""Checks of the tree as text: `tree.py [TOP]`. Lengths, names, words, layout, and that the documents keep up."""

import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests"))
from tap import Tap  # noqa: E402

LONGEST = 600  # lines of a file
LONGEST_FUNCTION = 80  # lines between its braces
SOURCES = {".c", ".h", ".py", ".sh"}
TEXTS = SOURCES | {".md", ".build", ".1", ".3", ".txt", ""}
# Put together here so that this file does not find itself.
UNFINISHED = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")) + r")\b")
ONE_MACHINE = re.compile(r"(?<![\w.$}/<])/(" + "|".join(("wo" + "rk", "ro" + "ot", "ho" + "me")) + r")/\w")
# Habits of another language, with the words to use instead; also put together here.
HABITS = {
    r"(?:is|are|was|were|be|been|being|not|unless) to" + "ld": "reported, asked",
    "told" + " (?:of|otherwise)": "reported, by default",
    "(?:go|goes|going|gone|went) on" + " with": "resume, continue",
    "(?:can|cannot|could|could not) be" + " had": "is available, is not available",
    "for" + " ever(?! in )": "forever",
    "(?:is|are|was|were) to" + " be": "must be, should be",
    "in" + " hand": "running, current",
    "(?:who|nobody)" + " has": "which worker runs, no process has",
}
BLANK = r"(?:\s+(?:[*#] *)?)"  # also where a comment continues on the next line
HABIT = re.compile(r"\b(?:" + "|".join(HABITS).replace(" ", BLANK) + r")\b", re.IGNORECASE)
SKIPPED = {".git", "build", "__pycache__", "corpus"}


def files(top):
    """Every file of the tree, as Git sees it where there is Git."""
    listing = ["git", "-C", str(top), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    found = list(top.rglob("*"))
    if (top / ".git").exists() and shutil.which("git"):
        listed = subprocess.run(listing, capture_output=True, check=False)
        if listed.returncode == 0:
            found = [top / name for name in listed.stdout.decode().split("\0") if name]
    return sorted(path for path in found if path.is_file() and not SKIPPED & set(path.relative_to(top).parts))


def text_of(path):
    try:
        return path.read_text()
    except UnicodeDecodeError:
        return ""


def too_long(top, paths):
    counted = ((path, len(text_of(path).splitlines())) for path in paths if path.suffix in SOURCES)
    return [f"{path.relative_to(top)}: {lines} lines, at most {LONGEST}" for path, lines in counted if lines > LONGEST]


def functions(text):
    """(line, lines between its braces) of each function of a C source as clang-format lays it out: a brace that opens a
    function stands alone at the beginning of its line, and so does the one that closes it. `#define` lines and what is
    indented are none of these."""
    opened = None
    for number, line in enumerate(text.splitlines(), 1):
        if line == "{":
            opened = number
        elif opened is not None and line.startswith("}"):
            yield opened, number - opened - 1
            opened = None


def long_functions(top, paths):
    return [f"{path.relative_to(top)}:{line}: a function of {lines} lines, at most {LONGEST_FUNCTION}"
            for path in paths if path.suffix in {".c", ".h"} for line, lines in functions(text_of(path))
            if lines > LONGEST_FUNCTION]


def words(top, paths, pattern):
    return [f"{path.relative_to(top)}:{number}: {line.strip()[:100]}" for path in paths if path.suffix in TEXTS
            for number, line in enumerate(text_of(path).splitlines(), 1) if pattern.search(line)]


def habits(top, paths):
    """Phrases that an engineer who writes plain English would not use, each with what to write."""
    faults = []
    for path in paths:
        text = text_of(path) if path.suffix in TEXTS | {".in", ".pml"} else ""
        for found in HABIT.finditer(text):
            phrase = " ".join(re.sub(r"\s[*#] ", " ", found[0]).split())
            instead = next(words for pattern, words in HABITS.items() if re.match(pattern, phrase, re.IGNORECASE))
            number = text.count("\n", 0, found.start()) + 1
            faults.append(f"{path.relative_to(top)}:{number}: '{phrase}': write {instead}")
    return faults


def doubled_names(top, paths):
    seen, faults = {}, []
    for path in paths:
        if path.suffix in {".c", ".h"} and path.relative_to(top).parts[0] == "src":
            if path.name in seen:
                faults.append(f"{path.relative_to(top)}: {seen[path.name].relative_to(top)} has the same name")
            seen[path.name] = path
    return faults


def undocumented(top, paths):
    """Sources that the architecture does not name, as `file.c`, `file.h` or folder/file."""
    document = top / "docs" / "architecture.md"
    if not document.exists():
        return ["docs/architecture.md: missing"]
    text = document.read_text()
    faults = []
    for path in paths:
        parts = path.relative_to(top).parts
        if path.suffix not in {".c", ".h"} or parts[0] not in {"src", "cli"}:
            continue
        stem = path.stem
        known = rf"(?<![\w/])({stem}\.[ch]|{parts[-2]}/{stem})(?!\w)|/{stem}\.[ch]"
        if not re.search(known, text):
            faults.append(f"docs/architecture.md: does not name {'/'.join(parts)}; run tools/generate/list_files.py")
    return faults


def listed(top):
    """The architecture's list of files says of each what its opening comment says."""
    script = top / "tools" / "generate" / "list_files.py"
    if not script.exists():
        return []
    done = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).splitlines() if done.returncode != 0 else []


def layout(top):
    script = top / "tools" / "build" / "format.sh"
    if not script.exists():
        return ["tools/build/format.sh: missing"]
    done = subprocess.run([str(script), "--check"], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return []
    faults = sorted(set(re.findall(r"^(\S+?):\d+:\d+: error", done.stderr, re.MULTILINE)))
    return [f"{name}: not as `make format` would have it" for name in faults] or [done.stderr or "it did not run"]


def main():
    top = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    paths = files(top)
    tap = Tap()
    tap.check("the tree has files", [] if paths else [f"nothing found below {top}"])
    tap.check(f"no source is longer than {LONGEST} lines", too_long(top, paths))
    tap.check(f"no function is longer than {LONGEST_FUNCTION} lines", long_functions(top, paths))
    tap.check("no word marks unfinished work", words(top, paths, UNFINISHED))
    tap.check("no path of one machine", words(top, paths, ONE_MACHINE))
    tap.check("no phrase is a habit of another language", habits(top, paths))
    tap.check("names of sources are unique", doubled_names(top, paths))
    tap.check("docs/architecture.md names every source", undocumented(top, paths))
    tap.check("the list of files in docs/architecture.md agrees with their opening comments", listed(top))
    tap.check("C sources are laid out as .clang-format says", layout(top))
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
