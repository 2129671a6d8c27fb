"""Builds wheels: Meson compiles the package for each version of Python and architecture with the compiler of the package ziglang; auditwheel checks them."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tarfile
import urllib.parse
import zipfile

import ziglang

from debian import TOP, WORK, NotHere, mirror, write
from targets import GLIBC

HERE = pathlib.Path(__file__).resolve().parent
TOOLS = pathlib.Path(sys.executable).parent
MADE = "1767225600"  # the time of all files in a wheel: 2026 begins
# Preprocessing alone refuses a version of the C library in the target.
COMPILER = """#!/bin/sh
target={architecture}-linux-gnu.{glibc}
for word; do [ "$word" = -E ] && target={architecture}-linux-gnu; done
exec {zig} cc -target "$target" "$@"
"""
MACHINE = """[binaries]
c = {compiler}
ar = '{folder}/ar'
strip = 'true'
pkg-config = 'false'
python = '{shim}'
python3 = '{shim}'
exe_wrapper = {emulator}
[built-in options]
c_args = ['-g0']
c_link_args = ['-s']
[host_machine]
system = 'linux'
cpu_family = '{architecture}'
cpu = '{architecture}'
endian = 'little'
"""


def environment():
    """That of all that is started here: the tools first, zig's files below build/."""
    path = f"{TOOLS}:{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "ZIG_GLOBAL_CACHE_DIR": str(WORK / "zig"), "ZIG_LOCAL_CACHE_DIR": str(WORK / "zig")}


def log_file(name):
    """The file that takes what a step says; new in every run."""
    path = WORK / "logs" / f"{name}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    return path


def call(log, *words, **more):
    with open(log, "a", encoding="utf-8") as output:
        done = subprocess.run([str(word) for word in words], stdout=output, stderr=subprocess.STDOUT, check=False,
                              cwd=TOP, env={**environment(), **more})
    if done.returncode != 0:
        raise NotHere(f"{' '.join(map(str, words[:2]))} ended with code {done.returncode}: all it said is in {log}")


def machine_file(architecture, emulator=None):
    """A cross file of Meson for this architecture; its compiler is zig's, for the C library of manylinux. Nothing in it differs
    from one Python to the next, so that ccache has the library after the first."""
    folder = WORK / "tools" / architecture
    folder.mkdir(parents=True, exist_ok=True)
    compiler, zig = folder / f"{architecture}-zig-clang", pathlib.Path(ziglang.__file__).parent / "zig"
    write(compiler, COMPILER.format(architecture=architecture, glibc=GLIBC, zig=zig))
    write(folder / "ar", f"#!/bin/sh\nexec {zig} ar \"$@\"\n")
    for program in (compiler, folder / "ar"):
        program.chmod(0o755)
    words = [*([shutil.which("ccache")] if shutil.which("ccache") else []), str(compiler)]
    path = folder / f"{'tests' if emulator else 'wheel'}.ini"
    write(path, MACHINE.format(compiler=words, folder=folder, shim=HERE / "shim.py", emulator=emulator or [], architecture=architecture))
    return path


def answers(target):
    """What a Python of this target says of itself: shim.py."""
    return json.dumps({
        "version": target.number, "suffix": target.suffix, "limited_api_suffix": ".abi3.so", "link_libpython": False,
        "is_freethreaded": target.is_free, "platform": f"linux-{target.architecture}", "include": target.include,
        "variables": {"EXT_SUFFIX": target.suffix, "INCLUDEPY": target.include, "LIBPC": None, "LDVERSION": target.version,
                      "Py_GIL_DISABLED": int(target.is_free)}})  # fmt: skip


def compile_package(target):
    """The tree that would be installed for this target: site/ and bin/."""
    build, tree, log = WORK / "meson" / target.name, WORK / "trees" / target.name, log_file(target.name)
    shutil.rmtree(tree, ignore_errors=True)
    more = {"TILEWORK_WHEEL": answers(target)}
    if not (build / "build.ninja").exists():
        shutil.rmtree(build, ignore_errors=True)
        call(log, "meson", "setup", build, f"--cross-file={machine_file(target.architecture)}", "--prefix=/usr",
             "--buildtype=release", "--force-fallback-for=jansson,libxxhash", "-Dpython=true", "-Dtests=false",
             "-Ddefault_library=static", "-Db_ndebug=if-release", "-Dpython.platlibdir=/usr/site",
             "-Dpython.purelibdir=/usr/site", "-Dpython.bytecompile=-1", **more)
    call(log, "meson", "install", "-C", build, "--destdir", tree, "--tags", "python-runtime", "--quiet", **more)
    if not (tree / "usr" / "site" / "tilework" / f"_tilework{target.suffix}").exists():
        raise NotHere(f"{tree} lacks the extension _tilework{target.suffix}")
    return tree / "usr"


def pack(target, tree, metadata, folder):
    """A wheel of this tree, with the tags of this target on this machine."""
    version = next(line.split(": ")[1] for line in metadata.splitlines() if line.startswith("Version: "))
    name, contents = f"tilework-{version}", WORK / "contents" / target.name
    shutil.rmtree(contents, ignore_errors=True)
    shutil.copytree(tree / "site", contents)
    info, data = contents / f"{name}.dist-info", contents / f"{name}.data"
    for file, place in [(tree / "bin" / "tilework", data / "scripts"),
                        (tree / "share" / "share" / "man" / "man1" / "tilework.1", data / "data" / "share" / "man" / "man1"),
                        *((licence, info / "licenses" / licence.parent.relative_to(TOP))
                          for licence in (TOP / "LICENSE", *(TOP / "subprojects" / "licenses").glob("*.txt")))]:
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, place)
    (info / "METADATA").write_text(metadata)
    (info / "WHEEL").write_text("Wheel-Version: 1.0\nGenerator: tilework tools/wheels\nRoot-Is-Purelib: false\n"
                                f"Tag: {target.tag}-linux_{target.architecture}\n")
    call(log_file(f"pack-{target.name}"), sys.executable, "-m", "wheel", "pack", contents, "--dest-dir", folder, SOURCE_DATE_EPOCH=MADE)
    return folder / f"{name}-{target.tag}-linux_{target.architecture}.whl"


def audit(wheel, target, folder):
    """The wheel under its final name: auditwheel finds that it needs no more than manylinux gives."""
    call(log_file(f"audit-{target.name}"), "auditwheel", "repair", "--plat", "auto", "--only-plat", "--wheel-dir", folder, wheel)
    final = next(folder.glob(f"*-{target.tag}-*{target.architecture}.whl"))
    if not any(f"manylinux_2_{minor}_{target.architecture}" in final.name for minor in range(17, int(GLIBC.split(".")[1]) + 1)):
        raise NotHere(f"{final.name} needs a newer C library than {GLIBC}")
    with zipfile.ZipFile(final) as archive:
        if any(".libs/" in name for name in archive.namelist()):
            raise NotHere(f"{final.name}: a library of this machine was taken into it")
    return final


def instructions(library):
    """Whether code outside of the functions that ask the processor first uses more than every x86-64 has."""
    text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", library], capture_output=True, text=True, check=False).stdout
    where, found = "", set()
    for line in text.splitlines():
        if line.endswith(">:"):
            where = line.split("<")[1][:-2]
        elif "%ymm" in line or "%zmm" in line:
            found.add(where)
    return sorted(found)


def private_words():
    """What no wheel may contain: folders of this machine, its name, and where its packages come from."""
    words = {str(TOP), str(pathlib.Path.home()), str(pathlib.Path(sys.prefix)), socket.gethostname()}
    try:
        words.add(urllib.parse.urlsplit(mirror()).hostname or "")
    except NotHere:
        pass
    # A word of a few letters ("/root" or "localhost" in a text of Debian's) says nothing of a machine.
    return sorted(word.encode() for word in words - {"localhost", "/root", "/"} if len(word) > 4)


def look_inside(archive):
    """A wheel or a source distribution names nothing of this machine."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as files:
            contents = {name: files.read(name) for name in files.namelist()}
    else:
        with tarfile.open(archive) as files:
            contents = {member.name: files.extractfile(member).read() for member in files if member.isfile()}
    words = private_words()
    for name, data in contents.items():
        for word in words:
            if word in data or word in name.encode():
                raise NotHere(f"{archive.name}: {name} contains {word.decode()}")


def distribution(folder):
    """The source distribution, with the sources of jansson and xxHash in it; and what it says of itself."""
    call(log_file("sdist"), sys.executable, "-m", "build", "--no-isolation", "--sdist", "--outdir", folder,
         "-Csetup-args=--force-fallback-for=jansson,libxxhash", TOP)
    archive = max(folder.glob("*.tar.gz"), key=lambda path: path.stat().st_mtime)
    with tarfile.open(archive) as files:
        names = files.getnames()
        for wanted in ("jansson-2.14/src/dump.c", "xxHash-0.8.1/xxhash.c", "licenses/jansson.txt"):
            if not any(name.endswith(f"subprojects/{wanted}") for name in names):
                raise NotHere(f"{archive.name} lacks subprojects/{wanted}")
        info = next(name for name in names if name.count("/") == 1 and name.endswith("/PKG-INFO"))
        return archive, files.extractfile(info).read().decode()
