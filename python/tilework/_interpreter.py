"""The program that is a fresh Python interpreter, whatever program this one is."""

from __future__ import annotations

import os
import sys
from typing import Optional

from ._errors import PoolError

STARTED = "TILEWORK_SPAWN"  # set in the environment of an interpreter until it serves


def _of_host() -> Optional[str]:
    """In a server or an application that has Python in it (uWSGI, mod_wsgi), sys.executable is the host or empty. The
    interpreter of the same installation and version is where it is installed; None if it is not."""
    name = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    for folder in dict.fromkeys((sys.prefix, sys.exec_prefix, sys.base_prefix)):
        path = os.path.join(folder, "bin", name)
        if os.access(path, os.X_OK):
            return path
    return None


def interpreter() -> str:
    """The program that runs Python. In a frozen application sys.executable is the application: it would start again, open
    its own pool, and so on without end."""
    from multiprocessing import spawn
    chosen = os.fsdecode(spawn.get_executable() or b"")
    frozen = getattr(sys, "frozen", False) or hasattr(sys.modules.get("__main__"), "__compiled__")
    named = chosen != (sys.executable or "")  # by multiprocessing.set_executable
    if not frozen and not named and not os.path.basename(chosen).startswith(("python", "pypy")):
        chosen = _of_host() or chosen
    if STARTED in os.environ or not chosen or (frozen and chosen == sys.executable):
        what = "this application is frozen" if frozen else f"{chosen or 'this program'} is no Python interpreter"
        raise PoolError(f"start='spawn' needs a fresh Python interpreter, but {what}, so it would start itself again; use "
                        "start='fork' or pool='threads', or name an interpreter that has tilework with "
                        "multiprocessing.set_executable")
    return chosen
