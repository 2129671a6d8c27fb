"""Where the parts of the package that are no Python lie: the command, and what C programs are compiled with."""

import os
import pathlib
import sys
from typing import Optional

_HERE = pathlib.Path(__file__).resolve().parent


def get_include() -> str:
    """The folder with `tilework/tilework.h`, for `cc -I`."""
    # Of the wheel; of the sources, used in place; of a distribution's package.
    for folder in (_HERE / "include", _HERE.parents[1] / "include", pathlib.Path(sys.prefix) / "include"):
        if (folder / "tilework" / "tilework.h").is_file():
            return str(folder)
    raise FileNotFoundError(f"tilework.h is not beside {_HERE}: this installation has no headers")


def get_pkgconfig() -> str:
    """The folder with `tilework.pc`, for PKG_CONFIG_PATH: `pkg-config --cflags --libs tilework` then names the headers and the library of this package."""
    ours = _HERE / "lib" / "pkgconfig"
    library = pathlib.Path(sys.prefix) / "lib"
    for folder in (ours, library / "pkgconfig", *sorted(library.glob("*/pkgconfig"))):
        if (folder / "tilework.pc").is_file():
            return str(folder)
    raise FileNotFoundError(f"tilework.pc is not in {ours}: this installation has no library for C programs")


def command() -> Optional[str]:
    """The command of this package, else the one on PATH; None: there is none."""
    import shutil
    import sysconfig
    from importlib import metadata
    try:
        files = metadata.files("tilework") or []
    except metadata.PackageNotFoundError:
        files = []
    places = [str(file.locate()) for file in files if file.name == "tilework" and file.parent.name == "bin"]
    places.append(os.path.join(sysconfig.get_path("scripts"), "tilework"))
    return next((place for place in places if os.access(place, os.X_OK)), None) or shutil.which("tilework")
