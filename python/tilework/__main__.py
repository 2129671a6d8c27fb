"""`python -m tilework ...` is the command `tilework ...` of this package."""

import os
import sys

from ._installed import command


def main() -> None:
    """Becomes the command, with the arguments of this process."""
    program = command()
    if program is None:
        sys.exit("tilework: the command is not part of this installation: pip install it, or build it with make")
    os.execv(program, [program, *sys.argv[1:]])


if __name__ == "__main__":
    main()
