"""What comes with the package beside Python: the command, and what C programs are compiled with."""

import os
import pathlib
import subprocess
import sys
from importlib import metadata

import tilework as tw
from tilework import _installed


def test_the_module_is_the_command():
    result = subprocess.run([sys.executable, "-m", "tilework", "--version"], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, f"tilework {tw.__version__}\n")


def test_the_command_gives_its_exit_code_and_message():
    result = subprocess.run([sys.executable, "-m", "tilework", "rum"], capture_output=True, text=True, check=False)
    assert result.returncode == 2 and result.stderr.startswith("tilework: ")


def test_the_command_is_found_beside_python():
    program = _installed.command()
    assert program is not None and os.access(program, os.X_OK)


def test_the_headers_are_where_get_include_says():
    header = pathlib.Path(tw.get_include()) / "tilework" / "tilework.h"
    assert "tw_run(" in header.read_text()


def test_pkg_config_names_folders_that_exist():
    folder = pathlib.Path(tw.get_pkgconfig())
    assert (folder / "tilework.pc").read_text().startswith("prefix=${pcfiledir}/../..")
    assert (folder.parent / "libtilework.a").is_file()


def test_the_manual_page_of_the_command_comes_along():
    page = next(file for file in metadata.files("tilework") if file.name == "tilework.1")
    assert page.locate().resolve() == pathlib.Path(sys.prefix).resolve() / "share" / "man" / "man1" / "tilework.1"
    assert ".Nm tilework" in page.read_text()
