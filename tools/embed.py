#!/usr/bin/env python3
"""embed.py INPUT OUTPUT - writes a C source that holds the text of INPUT, terminated, as tw__header_text."""
import sys


def main(arguments):
    if len(arguments) != 3:
        sys.exit("usage: embed.py INPUT OUTPUT")
    with open(arguments[1], "rb") as file:
        data = file.read()
    if 0 in data:
        sys.exit(f"{arguments[1]}: has a zero byte, so it cannot be a text")
    # char may be signed: bytes past 127 are written as what they are in it, which is right for unsigned char as well.
    numbers = [str(byte) if byte < 128 else f"(char){byte}" for byte in data] + ["0"]
    lines = [", ".join(numbers[k:k + 24]) for k in range(0, len(numbers), 24)]
    with open(arguments[2], "w", encoding="ascii") as file:
        file.write("/* Made by tools/embed.py: the public header, which compiled kernels include. */\n")
        file.write('#include "kernel/compile.h"\n\n')
        file.write("const char tw__header_text[] = {\n    " + ",\n    ".join(lines) + "};\n\n")
        file.write(f"const size_t tw__header_length = {len(data)};\n")


if __name__ == "__main__":
    main(sys.argv)
