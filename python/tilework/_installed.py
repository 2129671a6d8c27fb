"""Where the parts of the package that are no Python lie: the command, and what C programs are compiled with."""

import os
import pathlib
import shutil
import sysconfig
from importlib import metadata
from typing import Optional

_HERE = pathlib.Path(__file__).resolve().parent


def get_include() -> str:
    """The folder with `tilework/tilework.h`, for `cc -I`."""
    for folder in (_HERE / "include", _HERE.parents[1] / "include"):  # installed; used in place
        if (folder / "tilework" / "tilework.h").is_file():
            return str(folder)
    raise FileNotFoundError(f"tilework.h is not beside {_HERE}: this installation has no headers")


def get_pkgconfig() -> str:
    """The folder with `tilework.pc`, for PKG_CONFIG_PATH: `pkg-config --cflags --libs tilework` then names the headers and the library of this package."""
    folder = _HERE / "lib" / "pkgconfig"
    if not (folder / "tilework.pc").is_file():
        raise FileNotFoundError(f"tilework.pc is not in {folder}: this installation has no library for C programs")
    return str(folder)


def command() -> Optional[str]:
    """The command of this package, else the one on PATH; None: there is none."""
    try:
        files = metadata.files("tilework") or []
    except metadata.PackageNotFoundError:
        files = []
    places = [str(file.locate()) for file in files if file.name == "tilework" and file.parent.name == "bin"]
    places.append(os.path.join(sysconfig.get_path("scripts"), "tilework"))
    return next((place for place in places if os.access(place, os.X_OK)), None) or shutil.which("tilework")
