#!/usr/bin/env python3
"""embed.py OUTPUT HEADER... - writes a C source that holds the texts of the public headers as tw__headers."""
import pathlib
import sys


def characters(path):
    """The file as the numbers of a C array, terminated, and its length."""
    data = path.read_bytes()
    if 0 in data:
        sys.exit(f"{path}: has a zero byte, so it cannot be a text")
    # char may be signed: bytes past 127 are written as what they are in it, which is right for unsigned char as well.
    numbers = [str(byte) if byte < 128 else f"(char){byte}" for byte in data] + ["0"]
    return ",\n    ".join(", ".join(numbers[k:k + 24]) for k in range(0, len(numbers), 24)), len(data)


def main(arguments):
    if len(arguments) < 3:
        sys.exit("usage: embed.py OUTPUT HEADER...")
    texts, rows = [], []
    for number, path in enumerate(map(pathlib.Path, arguments[2:])):
        text, length = characters(path)
        texts.append(f"static const char text_{number}[] = {{\n    {text}}};\n\n")
        rows.append(f'    {{"{path.name}", text_{number}, {length}}},\n')
    with open(arguments[1], "w", encoding="ascii") as file:
        file.write("/* Made by tools/generate/embed.py: the public headers, which compiled kernels include. */\n")
        file.write('#include "kernel/compile.h"\n\n')
        file.writelines(texts)
        file.write("const struct tw__header tw__headers[TW__HEADERS] = {\n" + "".join(rows) + "};\n")


if __name__ == "__main__":
    main(sys.argv)
