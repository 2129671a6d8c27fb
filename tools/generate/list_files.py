#!/usr/bin/env python3
"""Writes the list of files in docs/architecture.md from the first sentence of each file's opening comment.

    list_files.py            rewrite the list
    list_files.py --check    say what is out of step, exit 1
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "architecture.md"
FOLDERS = ["include/tilework", "src/base", "src/os", "src/heap", "src/array", "src/store", "src/store/npy", "src/grid", "src/kernel",
           "src/notation", "src/notation/value", "src/notation/read", "src/notation/type", "src/notation/loop", "src/notation/print",
           "src/notation/math", "src/pool", "src/job", "src/job/access", "src/record", "src/run", "cli", "cli/look", "python/src", "python/tilework", "examples",
           "examples/kernels", "examples/python", "tests", "tests/unit", *sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("tests/unit/**/") if path != ROOT / "tests" / "unit"), "tests/helpers", "tests/faults",
           "tests/math", "tests/command", "tests/package", "fuzz", "bench", "reliability", "tools/check", "tools/generate", "tools/build"]
BEGIN, END = "<!-- files:begin -->\n", "<!-- files:end -->\n"


def first_sentence(path):
    """What the file says of itself: the first sentence of its opening comment or docstring."""
    text = path.read_text()
    if path.suffix in (".c", ".h"):
        match = re.match(r"/\*+(.*?)\*/", text, re.S)
        words = re.sub(r"\n\s*\*", "\n", match.group(1)) if match else ""
    elif path.suffix == ".py":
        match = re.search(r'^"""(.*?)"""', text, re.S | re.M)
        words = match.group(1) if match else ""
    else:
        match = re.search(r"(?:^#[^!].*\n?)+", text, re.M)
        words = re.sub(r"^# ?", "", match.group(0), flags=re.M) if match else ""
    words = " ".join(words.split())
    words = re.sub(r"^\S+\.\w+ ?(?:-|:) ", "", words)
    sentence = re.match(r".*?[.](?= |$)", words)
    return (sentence.group(0) if sentence else words).rstrip(".")


def listing():
    lines = []
    for folder in FOLDERS:
        files = sorted(p for p in (ROOT / folder).glob("*") if p.suffix in (".c", ".h", ".py", ".sh"))
        if not files:
            continue
        lines += [f"**{folder}/**", "", "| file | what it owns |", "|---|---|"]
        done = set()
        for path in files:
            if path.stem in done and path.suffix in (".c", ".h"):
                continue
            pair = path.with_suffix(".h") if path.suffix == ".c" else None
            name = f"`{path.name}`" + (f", `{pair.name}`" if pair and pair.exists() else "")
            lines.append(f"| {name} | {first_sentence(path).replace('|', chr(92) + '|')} |")
            done.add(path.stem)
        lines.append("")
    return "\n".join(lines)


def main():
    page = PAGE.read_text()
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    wanted = before + BEGIN + listing() + END + after
    if "--check" in sys.argv:
        if wanted != page:
            print("docs/architecture.md: the list of files is out of step; run tools/generate/list_files.py")
            return 1
        return 0
    PAGE.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
