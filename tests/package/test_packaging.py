"""What the recipes for wheels, conda and Debian say is what the project says."""

import pathlib
import re
import sys

import tilework as tw

TOP = pathlib.Path(__file__).resolve().parents[2]


def found(path, pattern):
    return re.search(pattern, (TOP / path).read_text(), re.MULTILINE)[1]


def test_every_recipe_has_the_version_of_the_package():
    assert found("packaging/conda/meta.yaml", r'set version = "(.*?)"') == tw.__version__
    assert found("packaging/debian/changelog", r"\Atilework \((.*?)-\d+\)") == tw.__version__
    assert found("docs/install.md", r"pip install tilework-([\d.]+)-cp") == tw.__version__


def test_a_ci_service_builds_the_wheels_that_make_wheels_builds(monkeypatch):
    monkeypatch.syspath_prepend(str(TOP / "tools" / "wheels"))
    import targets

    listed = re.findall(r'"(\S+?)-\*"', found("pyproject.toml", r"^\[tool.cibuildwheel\]\nbuild = (.*)$"))
    assert listed == ["cp" + version.replace(".", "") for version in targets.VERSIONS]
    assert found("pyproject.toml", r'^manylinux-x86_64-image = "manylinux_(.*)"$') == targets.GLIBC.replace(".", "_")
    for name in ("targets", "debian"):
        sys.modules.pop(name)


def test_every_file_that_a_debian_package_installs_is_of_one_package_alone():
    names = [line for path in (TOP / "packaging" / "debian").glob("*.install") for line in path.read_text().split()]
    assert len(names) == len(set(names)) >= 8
