"""Debian's packages: built by dpkg-buildpackage from the source distribution in a folder with a Debian, installed there and run."""

import gzip
import shutil
import subprocess
import tarfile

import build
import debian

SUITE = "trixie"  # the first with a NumPy and a meson-python that are new enough
NEEDED = ("build-essential", "debhelper", "dh-python", "dh-sequence-python3", "libjansson-dev", "libxxhash-dev", "meson", "pkgconf", "pybuild-plugin-pyproject",
          "python3-all-dev", "python3-mesonpy", "python3-numpy", "python3-numpy-dev", "python3-threadpoolctl")


def build_and_run(source, version):
    """The packages, below build/wheels/debian. Gives what lintian says of them, where it is here."""
    root = debian.system("packages", SUITE, "amd64", *NEEDED)
    log, work = build.log_file("packages"), root / "build"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    with tarfile.open(source) as files:
        files.extractall(work, filter="data")
    folder = work / f"tilework-{version}"
    shutil.copy(source, work / f"tilework_{version}.orig.tar.gz")
    shutil.copytree(folder / "packaging" / "debian", folder / "debian")
    debian.enter(root, log, "sh", "-c", f"cd /build/tilework-{version} && unshare --net dpkg-buildpackage -us -uc", DEB_BUILD_OPTIONS="parallel=2 noautodbgsym")
    made = debian.WORK / "debian"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir()
    for file in work.iterdir():
        if file.is_file():
            shutil.copy(file, made)
    debian.enter(root, log, "sh", "-c", "dpkg -i /build/*.deb")
    if "python3-numpy2-abi" not in debian.run("dpkg-deb", "--field", next(made.glob("python3-tilework_*.deb")), "Depends"):
        raise debian.NotHere("python3-tilework does not depend on the ABI of NumPy that it was built for")
    for words in (("tilework", "--version"), ("python3", "-m", "tilework", "info"), ("python3", f"/build/tilework-{version}/debian/tests/readme")):
        debian.enter(root, log, "sh", "-c", 'cd "$0" && exec "$@"', f"/build/tilework-{version}", *words)
    (work / "program.c").write_text('#include <stdio.h>\n#include <tilework/tilework.h>\nint main(void) { return puts(tw_version()) < 0; }\n')
    debian.enter(root, log, "sh", "-c", "cd /build && cc program.c $(python3 -c 'import tilework; print(\"-I\" + tilework.get_include())') $(pkg-config --cflags --libs tilework) && ./a.out")
    for page in ("man1/tilework.1", "man3/tw_run.3"):
        if b"tilework" not in gzip.decompress((root / "usr/share/man" / f"{page}.gz").read_bytes()):
            raise debian.NotHere(f"the package has no manual page {page}")
    return lint(next(made.glob("*.changes")))


# No bug of Debian's asks for the package; this machine's lintian may know an older policy and the ABI of NumPy 1 alone, so `build_and_run` checks that.
NOT_OURS = "initial-upload-closes-no-bugs,newer-standards-version,missing-dependency-on-numpy-abi"


def lint(changes):
    if shutil.which("lintian") is None:
        return "lintian is not here"
    done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning", "--suppress-tags", NOT_OURS, changes], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise debian.NotHere(f"lintian says: {done.stdout.strip()}")
    return "lintian finds nothing"
