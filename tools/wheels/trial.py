"""Runs what was built, as its users get it: in new environments, in a bare Debian, and under qemu-user."""

import os
import re
import shutil
import subprocess
import sys

import build
import debian
from targets import GLIBC

README = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
NO_COMPILER = """
import numpy as np, tilework as tw
r = tw.run(lambda y: y * 2, "y[i] -> r[i]", np.arange(1000.0), workers=2)
assert (r == np.arange(1000.0) * 2).all()
try:
    tw.evaluate("r[i] = 2 * y[i]", y=np.arange(10.0))
except tw.CompileError as error:
    assert "gcc" in str(error) and "tilework[compiler]" in str(error), error
else:
    raise SystemExit("evaluate found a compiler")
"""
FIRST = "import tilework, subprocess, sys; print(tilework.__version__); sys.exit(subprocess.call([sys.executable, '-m', 'tilework', '--version']))"
PLAIN = "/usr/sbin:/usr/bin:/sbin:/bin"


def readme():
    return README.search((debian.TOP / "README.md").read_text())[1]


def brought(target, *packages):
    """A folder with wheels of these packages for a target."""
    folder = debian.WORK / "downloads" / f"{target.tag}-{target.architecture}"
    if not folder.exists():
        platforms = [f"--platform=manylinux_2_{minor}_{target.architecture}" for minor in (17, 27, 28)]
        abi = target.tag.split("-")[1]
        build.call(debian.WORK / "logs" / "downloads.txt", sys.executable, "-m", "pip", "download", "--quiet", "--dest", folder, *platforms,
                   f"--python-version={target.number}", f"--abi={abi}", "--abi=abi3", "--abi=none", "--only-binary=:all:", "--implementation=cp", *packages)
    return folder


def in_environment(target, wheel):
    """A new environment of an interpreter that is here, without a compiler on PATH."""
    folder = debian.WORK / "environments" / target.tag
    shutil.rmtree(folder, ignore_errors=True)
    log = debian.WORK / "logs" / f"trial-{target.tag}.txt"
    log.unlink(missing_ok=True)
    build.call(log, target.interpreter, "-m", "venv", folder)
    python = folder / "bin" / "python"
    build.call(log, python, "-m", "pip", "install", "--quiet", wheel, "--find-links", brought(target, "numpy"))
    cache = {"XDG_CACHE_HOME": str(folder / "cache")}
    build.call(log, python, "-c", NO_COMPILER, PATH="/nonexistent", **cache)
    build.call(log, python, "-c", readme(), **cache)
    build.call(log, python, "-c", FIRST, **cache)


def enter(root, log, *words, **more):
    """Runs a command in a system's folder, with this machine's /proc and /dev."""
    mounted = 'mount --rbind /proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$0" "$@"'
    with open(log, "a", encoding="utf-8") as output:
        done = subprocess.run(["unshare", "--mount", "sh", "-c", mounted, str(root), *words], stdout=output, stderr=subprocess.STDOUT, check=False,
                              env={"PATH": PLAIN, "HOME": "/root", "LANG": "C.UTF-8", **more})
    if done.returncode != 0:
        raise debian.NotHere(f"chroot {' '.join(words[:3])} ended with code {done.returncode}: all it said is in {log}")


def in_bare_debian(target, wheel):
    """A Debian with Python and nothing more: without a compiler, then with the one of tilework[compiler]."""
    root = debian.system("bare", debian.STABLE, "amd64", "python3", "python3-venv")
    log = debian.WORK / "logs" / "bare.txt"
    log.unlink(missing_ok=True)
    for name in ("wheels", "env"):
        shutil.rmtree(root / name, ignore_errors=True)
    shutil.copytree(brought(target, "numpy"), root / "wheels")
    build.call(log, sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", root / "wheels",
               f"--platform=manylinux_2_12_{target.architecture}", f"--platform=manylinux_2_17_{target.architecture}", "--only-binary=:all:", "ziglang==0.17.1")
    shutil.copy(wheel, root / "wheels")
    for name, text in (("none.py", NO_COMPILER), ("readme.py", readme()), ("first.py", FIRST)):
        (root / "wheels" / name).write_text(text)
    pip = ("/env/bin/pip", "install", "--quiet", "--no-index", "--find-links", "/wheels")
    enter(root, log, "python3", "-m", "venv", "/env")
    enter(root, log, *pip, "tilework")
    enter(root, log, "/env/bin/python", "/wheels/none.py")
    enter(root, log, "/env/bin/python", "/wheels/first.py")
    enter(root, log, *pip, "tilework[compiler]")
    enter(root, log, "/env/bin/python", "/wheels/readme.py")
    enter(root, log, "/env/bin/tilework", "info")


def emulated():
    """The words that run a program of aarch64, and a Debian for it."""
    if shutil.which("qemu-aarch64-static") is None:
        raise debian.NotHere("there is no qemu-aarch64-static")
    root = debian.system("aarch64", debian.STABLE, "arm64", "python3", "libcmocka-dev", "libc6", "libgcc-s1", "libstdc++6", bare=True)
    return ["qemu-aarch64-static", "-L", str(root)], root


def with_compiler():
    """A PATH on which cc, gcc and clang compile for aarch64, on this machine; -march=native would mean this machine."""
    folder = debian.WORK / "tools" / "aarch64" / "bin"
    folder.mkdir(exist_ok=True)
    for name in ("cc", "gcc", "clang"):
        (folder / name).write_text('#!/bin/sh\nfor word; do\n    shift\n    [ "$word" = -march=native ] || set -- "$@" "$word"\ndone\n'
                                   f'exec {folder.parent}/aarch64-zig-clang -fno-sanitize=all "$@"\n')
        (folder / name).chmod(0o755)
    return f"{folder}:{build.environment()['PATH']}"


def wheel_in_emulator(target, wheel):
    """The wheel of aarch64 under qemu-user, its statements compiled by zig on this machine."""
    emulator, root = emulated()
    site, log = debian.WORK / "site-aarch64", debian.WORK / "logs" / "emulated.txt"
    shutil.rmtree(site, ignore_errors=True)
    log.unlink(missing_ok=True)
    build.call(log, sys.executable, "-m", "pip", "install", "--quiet", "--target", site, "--no-deps", "--no-index", f"--find-links={brought(target, 'numpy')}",
               f"--platform=manylinux_{GLIBC.replace('.', '_')}_aarch64", "--platform=manylinux_2_27_aarch64", "--platform=manylinux_2_17_aarch64", f"--python-version={target.number}",
               "--only-binary=:all:", "numpy", wheel)
    more = {"PYTHONPATH": str(site), "PATH": with_compiler(), "XDG_CACHE_HOME": str(debian.WORK / "cache-aarch64")}
    python = root / "usr" / "bin" / f"python{target.number}"
    build.call(log, *emulator, python, "-c", readme(), **more)
    build.call(log, *emulator, site / "bin" / "tilework", "--version", **more)


# What fails under qemu-user 7.2 and not on a processor: it has limits and faults of its own.
NOT_EMULATED = {
    "guard_finds_a_read_past_the_halo": "the address of a fault",
    "names_and_flags_are_never_commands": "the stand-in for cc is a shell script around zig",
    "address_space_limits_the_heap": "RLIMIT_AS",
    "little_address_space_leaves_little_to_spare": "RLIMIT_AS",
    "a_missing_program_is_said_so": "posix_spawn's errors",
    "ignored_ends_of_children_are_seen": "clone without a new stack",
    "stolen_ends_of_children_are_seen": "clone without a new stack",
    "threads_may_run_programs_together": "clone without a new stack",
    "closed_standard_descriptors_do_no_harm": "the emulator's own descriptors",
    "a_library_cut_short_never_kills": "SIGBUS in a mapping",
    "a_threads_stack_of_ours_is_large_whatever_the_limit": "RLIMIT_STACK",
    "the_limit_of_the_first_thread_is_followed": "RLIMIT_STACK",
}


def c_tests_in_emulator():
    """The C test suite of aarch64 under qemu-user."""
    emulator, root = emulated()
    log, folder = debian.WORK / "logs" / "tests-aarch64.txt", debian.WORK / "meson" / "tests-aarch64"
    log.unlink(missing_ok=True)
    if not (folder / "build.ninja").exists():
        # cmocka alone: the other headers are zig's, for an older C library than Debian's.
        cmocka = debian.WORK / "cmocka"
        shutil.rmtree(cmocka, ignore_errors=True)
        cmocka.mkdir()
        for file in (*(root / "usr" / "include").glob("cmocka*.h"), *(root / "usr" / "lib" / "aarch64-linux-gnu").glob("libcmocka.so*")):
            shutil.copy(file, cmocka)
        (cmocka / "cmocka.pc").write_text(f"Name: cmocka\nDescription: tests\nVersion: 1.1.5\nCflags: -I{cmocka}\nLibs: -L{cmocka} -lcmocka\n")
        file = build.machine_file("aarch64", emulator)
        file.write_text(file.read_text().replace("pkg-config = 'false'", "pkg-config = 'pkg-config'")
                        + f"[properties]\npkg_config_libdir = '{cmocka}'\n")
        build.call(log, "meson", "setup", folder, f"--cross-file={file}", "--buildtype=release", "--force-fallback-for=jansson,libxxhash")
    build.call(log, "ninja", "-C", folder)
    results = folder / "meson-logs" / "testlog.txt"
    results.unlink(missing_ok=True)
    try:
        build.call(log, "meson", "test", "-C", folder, "--no-rebuild", "--timeout-multiplier", "10", PATH=with_compiler())
    except debian.NotHere:
        pass  # which failed is read from what they said
    text = results.read_text(errors="replace")
    failed = set(re.findall(r"^not ok \d+ - (\w+)", text, re.MULTILINE)) | set(re.findall(r"listed below:\n\[  FAILED  \] (\w+)", text))
    passed = len(re.findall(r"^ok \d+ - ", text, re.MULTILINE))
    other = sorted(failed - set(NOT_EMULATED))
    # A test that ends without saying which of its cases failed: an example, or one that crashed.
    for part in re.split(r"^=+ \d+/\d+ =+$", text, flags=re.MULTILINE)[1:]:
        if not re.search(r"^result: +exit status 0", part, re.MULTILINE) and not re.search(r"^not ok |listed below", part, re.MULTILINE):
            other.append(re.search(r"^test: +(.*)", part, re.MULTILINE)[1])
    if other or passed < 500:
        raise debian.NotHere(f"{passed} passed, {len(other)} failed: {', '.join(other)}: all they said is in {results}")
    return f"{passed} passed, {len(failed)} left out as qemu-user cannot do what they need"


def baseline(wheel):
    """Whether the wheel runs on every x86-64: wider instructions stand only where the processor is asked first."""
    import zipfile
    folder = debian.WORK / "unpacked"
    shutil.rmtree(folder, ignore_errors=True)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    wide = [name for library in folder.glob("tilework/*.so") for name in build.instructions(library)]
    if len(wide) > 8:
        raise debian.NotHere(f"functions with instructions that not every x86-64 has: {', '.join(wide[:12])}")


def try_all(step, wheels, source):
    """Tries all wheels that can run here; gives a line for each that cannot."""
    missing, bare, emulated_one = [], None, None
    for target, wheel in wheels:
        if target.architecture == "x86_64":
            if target.interpreter:
                step(f"{target.tag} runs in a new environment", in_environment, target, wheel)
            else:
                missing.append(f"{target.tag}-x86_64: built and audited; not run: there is no interpreter here")
            bare = (target, wheel) if target.version == "3.11" else bare
        elif target.version == "3.11":
            emulated_one = (target, wheel)
        else:
            missing.append(f"{target.tag}-aarch64: built and audited; not run: Debian {debian.STABLE} has another Python for it")
    if bare:
        step("the wheel needs no instructions that some x86-64 lack", baseline, bare[1])
        if os.getuid() == 0 and shutil.which("mmdebstrap"):
            step("the wheel runs in a bare Debian, without a compiler and with pip's", in_bare_debian, *bare)
        else:
            missing.append("a bare Debian: it takes root and mmdebstrap")
    if emulated_one:
        step("the wheel of aarch64 runs under qemu-user", wheel_in_emulator, *emulated_one)
        step("the C tests of aarch64 pass under qemu-user", c_tests_in_emulator)
    return missing
