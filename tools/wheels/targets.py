"""Which wheels are built: versions of Python, architectures, and where this machine has headers and an interpreter of each."""

import dataclasses
import os
import pathlib
import re
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
    include: str  # the folder of headers
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
    def name(self):
        return f"{self.tag}-{self.architecture}"

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


SAYS = "import sys, sysconfig; print('%d.%d' % sys.version_info[:2] + ('t' if sysconfig.get_config_var('Py_GIL_DISABLED') else '')); print(sysconfig.get_path('include'))"


def find(version):
    """An interpreter ("": none) and a folder of headers (None: none) on this machine."""
    interpreter = ""
    for candidate in candidates(version):
        if candidate and os.access(candidate, os.X_OK):
            done = subprocess.run([candidate, "-c", SAYS], capture_output=True, text=True, check=False)
            words = done.stdout.splitlines()
            if done.returncode == 0 and words[0] == version:
                interpreter = interpreter or candidate
                if (pathlib.Path(words[1]) / "Python.h").exists():
                    return candidate, pathlib.Path(words[1])
    return interpreter, None


def configuration(folder, number, architecture):
    """The text of pyconfig.h for an architecture, from one of this machine's or Debian's folders; None: the folder has none for it.

    Debian keeps a file for each architecture. Elsewhere there is one, of x86-64; what it says of the sizes of types and of
    the interpreter's options is the same on aarch64."""
    text = (folder / "pyconfig.h").read_text()
    if not re.search(r"include <[\w-]+linux-gnu[\w-]*/python", text):
        return text
    file = folder.parent / f"{architecture}-linux-gnu" / f"python{number}" / "pyconfig.h"
    return file.read_text() if file.exists() else None


def headers(version, architecture, here):
    """A folder with the headers of Python for this target alone. Raises debian.NotHere."""
    number = version.rstrip("t")
    text = configuration(here, number, architecture) if here else None
    if text is None:
        here = debian.bring_headers(number) / f"python{number}"
        text = configuration(here, number, architecture)
    if version.endswith("t") and "#define Py_GIL_DISABLED 1" not in text:
        text += "\n#define Py_GIL_DISABLED 1\n"  # the headers of a free-threaded Python differ in this alone
    folder = debian.WORK / "include" / f"{version}-{architecture}"
    folder.mkdir(parents=True, exist_ok=True)
    for file in here.iterdir():
        link = folder / file.name
        if file.name != "pyconfig.h" and (not link.is_symlink() or link.readlink() != file):
            link.unlink(missing_ok=True)
            link.symlink_to(file)
    debian.write(folder / "pyconfig.h", text)
    return str(folder)


def target(version, architecture):
    """Raises debian.NotHere."""
    interpreter, here = find(version)
    return Target(version, architecture, headers(version, architecture, here), interpreter)
