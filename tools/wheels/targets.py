"""Which wheels are built: versions of Python, architectures, and where this machine has headers and an interpreter of each."""

import dataclasses
import os
import pathlib
import shutil
import subprocess

import debian

VERSIONS = ("3.10", "3.11", "3.12", "3.13", "3.14", "3.14t")
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}  # ours and Debian's
GLIBC = "2.28"


@dataclasses.dataclass
class Target:
    version: str  # "3.14t"
    architecture: str
    includes: list  # folders of headers
    interpreter: str  # "": none here that runs on this machine

    @property
    def number(self):
        return self.version.rstrip("t")

    @property
    def is_free(self):
        return self.version.endswith("t")

    @property
    def tag(self):
        python = "cp" + self.number.replace(".", "")
        return f"{python}-{python}{'t' if self.is_free else ''}"

    @property
    def suffix(self):
        return f".cpython-{self.version.replace('.', '')}-{self.architecture}-linux-gnu.so"


def candidates(version):
    """Interpreters of this version that may be here."""
    number, free = version.rstrip("t"), "t" if version.endswith("t") else ""
    tag = number.replace(".", "")
    yield shutil.which(f"python{number}{free}") or ""
    versions = pathlib.Path(os.environ.get("PYENV_ROOT", pathlib.Path.home() / ".pyenv")) / "versions"
    for folder in sorted(versions.glob(f"{number}.*"), reverse=True):
        if folder.name.endswith("t") == bool(free):
            yield str(folder / "bin" / f"python{number}{free}")
    yield f"/opt/python/cp{tag}-cp{tag}{free}/bin/python"


SAYS = "import sys, sysconfig; print('%d.%d' % sys.version_info[:2] + ('t' if sysconfig.get_config_var('Py_GIL_DISABLED') else '')); print(sysconfig.get_path('include')); print(sysconfig.get_path('platinclude'))"


def find(version):
    """An interpreter ("": none) and folders of headers ([]: none) on this machine."""
    interpreter = ""
    for candidate in candidates(version):
        if candidate and os.access(candidate, os.X_OK):
            done = subprocess.run([candidate, "-c", SAYS], capture_output=True, text=True, check=False)
            words = done.stdout.splitlines()
            if done.returncode == 0 and words[0] == version:
                interpreter = interpreter or candidate
                if (pathlib.Path(words[1]) / "Python.h").exists():
                    return candidate, sorted(set(words[1:3]))
    return interpreter, []


def target(version, architecture):
    """Raises debian.NotHere."""
    interpreter, includes = find(version)
    if not includes:
        number = version.rstrip("t")
        top = debian.bring_headers(number)
        # <python3.X/pyconfig.h> includes <ARCHITECTURE-linux-gnu/python3.X/pyconfig.h>.
        includes = [str(top / f"python{number}"), str(top)]
    return Target(version, architecture, includes, interpreter)
