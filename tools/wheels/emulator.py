"""Runs what was built for aarch64 under qemu-user: the wheels, and the tests in C."""

import re
import shutil
import sys

import build
import debian
from targets import GLIBC


def emulated(suite, number):
    """The words that run a program of aarch64, and a Debian with this Python for it."""
    if shutil.which("qemu-aarch64-static") is None:
        raise debian.NotHere("there is no qemu-aarch64-static")
    root = debian.system(f"aarch64-{suite}", suite, "arm64", f"python{number}", "libcmocka-dev", "libc6", "libgcc-s1", "libstdc++6", bare=True)
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


def wheel_runs(target, wheel, suite, numpy, readme):
    """A wheel under qemu-user, its statements compiled by zig on this machine."""
    words, root = emulated(suite, target.number)
    site, log = debian.WORK / "environments" / target.name, build.log_file(f"trial-{target.name}")
    shutil.rmtree(site, ignore_errors=True)
    build.call(log, sys.executable, "-m", "pip", "install", "--quiet", "--target", site, "--no-deps", "--no-index", f"--find-links={numpy}",
               *(f"--platform=manylinux_2_{minor}_aarch64" for minor in (17, 27, 28)), f"--python-version={target.number}", "--only-binary=:all:", "--ignore-requires-python", "numpy", wheel)
    more = {"PYTHONPATH": str(site), "PATH": with_compiler(), "XDG_CACHE_HOME": str(site / "cache")}
    build.call(log, *words, root / "usr" / "bin" / f"python{target.number}", "-c", readme, **more)
    build.call(log, *words, site / "bin" / "tilework", "--version", **more)


def try_one(step, target, wheel, brought, readme):
    """Runs a wheel of aarch64 on the Python of a Debian. Gives why not."""
    if target.is_free:
        return "Debian has no free-threaded Python"
    try:
        suite = debian.suite_of(target.number)
    except debian.NotHere as reason:
        return str(reason)
    step(f"{target.name} runs under qemu-user", lambda: wheel_runs(target, wheel, suite, brought(target, "numpy", "numpy"), readme))
    return None


# What fails under qemu-user 7.2 and not on a processor: it has limits and faults of its own.
NOT_EMULATED = {
    "guard_finds_a_read_past_the_halo": "the address of a fault",
    "names_and_flags_are_never_commands": "the stand-in for cc is a shell script around zig",
    "address_space_limits_the_heap": "RLIMIT_AS",
    "little_address_space_leaves_little_to_spare": "RLIMIT_AS",
    "what_is_kept_goes_when_an_allocation_would_fail": "RLIMIT_AS",
    "a_missing_program_is_said_so": "posix_spawn's errors",
    "ignored_ends_of_children_are_seen": "clone without a new stack",
    "stolen_ends_of_children_are_seen": "clone without a new stack",
    "threads_may_run_programs_together": "clone without a new stack",
    "closed_standard_descriptors_do_no_harm": "the emulator's own descriptors",
    "a_library_cut_short_never_kills": "SIGBUS in a mapping",
    "a_threads_stack_of_ours_is_large_whatever_the_limit": "RLIMIT_STACK",
    "the_limit_of_the_first_thread_is_followed": "RLIMIT_STACK",
}


def c_tests():
    """The C test suite of aarch64 under qemu-user."""
    words, root = emulated(debian.STABLE, "3")
    log, folder = build.log_file("tests-aarch64"), debian.WORK / "meson" / "tests-aarch64"
    if not (folder / "build.ninja").exists():
        # cmocka alone: the other headers are zig's, for an older C library than Debian's.
        cmocka = debian.WORK / "cmocka"
        shutil.rmtree(cmocka, ignore_errors=True)
        cmocka.mkdir()
        for file in (*(root / "usr" / "include").glob("cmocka*.h"), *(root / "usr" / "lib" / "aarch64-linux-gnu").glob("libcmocka.so*")):
            shutil.copy(file, cmocka)
        (cmocka / "cmocka.pc").write_text(f"Name: cmocka\nDescription: tests\nVersion: 1.1.5\nCflags: -I{cmocka}\nLibs: -L{cmocka} -lcmocka\n")
        file = build.machine_file("aarch64", words)
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
