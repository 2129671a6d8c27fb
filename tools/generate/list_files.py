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
# Below these every folder that has sources is listed: a folder before those in it, and those in the order of ORDER, the
# others behind them by name.
TOPS = ["include", "src", "cli", "python", "examples", "tests", "fuzz", "bench", "reliability", "tools"]
ORDER = {
    "src": ["base", "os", "heap", "array", "store", "grid", "kernel", "notation", "pool", "job", "record", "run"],
    "notation": ["value", "read", "type", "loop", "print", "math"],
    "tests": ["unit", "helpers", "faults", "math", "differential", "command", "package"],
    "tools": ["check", "generate", "build"],
}
SOURCES = (".c", ".h", ".py", ".sh")
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


def rank(folder):
    """By what folders are sorted."""
    parts = pathlib.Path(folder).parts
    orders = [ORDER.get(above, []) for above in parts[:-1]]
    places = [order.index(name) if name in order else len(order) for order, name in zip(orders, parts[1:])]
    return TOPS.index(parts[0]), list(zip(places, parts[1:]))


def folders():
    found = {str(path.parent.relative_to(ROOT)) for top in TOPS for path in (ROOT / top).rglob("*") if path.suffix in SOURCES}
    return sorted(found, key=rank)


def listing():
    lines = []
    for folder in folders():
        files = sorted(p for p in (ROOT / folder).glob("*") if p.suffix in SOURCES)
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
