"""What Debian's packages bring to the wheels: sources, headers of Python, folders that hold a whole system. Uses this machine's mirror."""

import hashlib
import os
import pathlib
import re
import shutil
import subprocess

TOP = pathlib.Path(__file__).resolve().parents[2]
WORK = TOP / "build" / "wheels"
SOURCES = {"jansson": "jansson-2.14.tar.gz", "xxhash": "xxHash-0.8.1.tar.gz"}  # Debian's name, and the wrap's
STABLE = "bookworm"
OLD_LISTS = 'Acquire::Check-Valid-Until "false";'  # a mirror may be behind; who signed its lists is checked all the same
SUITES = (STABLE, "trixie", "sid")
PLAIN = "/usr/sbin:/usr/bin:/sbin:/bin"


class NotHere(Exception):
    """Something that this machine cannot get, in a sentence."""


def run(*words, **options):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        raise NotHere(f"{pathlib.Path(words[0]).name} failed: {(done.stderr or done.stdout).strip().splitlines()[-1:]}")
    return done.stdout


def write(path, text):
    """Writes a file unless it has this text: what depends on it is not built again."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def mirror():
    """Where this machine's packages come from."""
    if shutil.which("apt-get") is None:
        raise NotHere("this is no Debian: it has no apt-get")
    for line in run("apt-get", "indextargets", "--format", "$(SITE) $(REPO_URI) $(ORIGIN) $(COMPONENT)").splitlines():
        _, address, origin, component = (line.split(" ") + ["", "", ""])[:4]
        if origin == "Debian" and component == "main" and "security" not in address:
            return address
    raise NotHere("apt-get has no lists of Debian's packages: run apt-get update")


def apt(name, line):
    """The environment of an apt-get that knows one line of sources.list and nothing of this machine."""
    root = WORK / "apt" / name
    if not (root / "ready").exists():
        for folder in ("state/lists/partial", "cache/archives/partial"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        (root / "status").touch()
        keys = "/usr/share/keyrings/debian-archive-keyring.gpg"
        (root / "sources.list").write_text(line.replace("[]", f"[signed-by={keys}]").replace("MIRROR", mirror()) + "\n")
        (root / "apt.conf").write_text(
            f'Dir::Etc::sourcelist "{root}/sources.list"; Dir::Etc::sourceparts "/dev/null"; Dir::State "{root}/state";\n'
            f'Dir::State::status "{root}/status"; Dir::Cache "{root}/cache"; APT::Sandbox::User "root";\n'
            f'APT::Architectures {{ "amd64"; "arm64"; }}; {OLD_LISTS}\n')
        run("apt-get", "-qq", "update", env={"APT_CONFIG": f"{root}/apt.conf", "PATH": PLAIN})
        (root / "ready").touch()
    return {"APT_CONFIG": f"{root}/apt.conf", "PATH": PLAIN}


def source(package, suite, folder):
    """Downloads the source of a Debian package; gives the file that its authors released."""
    folder.mkdir(parents=True, exist_ok=True)
    if not list(folder.glob(f"{package}_*.orig.tar.*[z2]")):
        run("apt-get", "-qq", "source", "--download-only", package, cwd=folder, env=apt(f"{suite}-sources", f"deb-src [] MIRROR {suite} main"))
    return next(folder.glob(f"{package}_*.orig.tar.*[z2]"))


def bring_sources():
    """Puts the sources of jansson and xxHash where Meson looks for them: Debian has the very files that their authors released."""
    cache = TOP / "subprojects" / "packagecache"
    cache.mkdir(exist_ok=True)
    for package, name in SOURCES.items():
        wrap = (TOP / "subprojects" / f"{package}.wrap").read_text()
        wanted = re.search(r"source_hash = (\w+)", wrap)[1]
        if not (cache / name).exists():
            shutil.copy(source(package, STABLE, WORK / "sources"), cache / name)
        found = hashlib.sha256((cache / name).read_bytes()).hexdigest()
        if found != wanted:
            (cache / name).unlink()
            raise NotHere(f"Debian's sources of {package} are not those that subprojects/{package}.wrap names")


def suite_of(number):
    """The first release of Debian that has this version of Python."""
    for suite in SUITES:
        try:
            if run("apt-cache", "show", f"python{number}", env=apt(suite, f"deb [] MIRROR {suite} main")):
                return suite  # a name that others only mention is shown as nothing
        except NotHere:
            pass
    raise NotHere(f"no release of Debian that can be reached has Python {number}")


def bring_headers(number):
    """/usr/include with the headers of this version of Python, from the first release of Debian that has it, unpacked."""
    suite = suite_of(number)
    folder = WORK / "headers" / f"{suite}-{number}"
    if not (folder / "ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for architecture in ("amd64", "arm64"):
            run("apt-get", "-qq", "download", f"libpython{number}-dev:{architecture}", cwd=folder, env=apt(suite, f"deb [] MIRROR {suite} main"))
            run("dpkg-deb", "--extract", next(folder.glob(f"*_{architecture}.deb")), folder)
        (folder / "ready").touch()
    return folder / "usr" / "include"


def system(name, suite, architecture, *packages, bare=False):
    """A folder with a Debian of this architecture. `bare`: unpacked alone, for qemu-user; else one that `enter` enters."""
    if shutil.which("mmdebstrap") is None:
        raise NotHere("there is no mmdebstrap")
    if not bare and os.getuid() != 0:
        raise NotHere("only root can enter a folder with another system")
    folder = WORK / "roots" / name
    if not (folder / "ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        run("mmdebstrap", "--dpkgopt=force-unsafe-io", f"--aptopt={OLD_LISTS}", f"--variant={'extract' if bare else 'apt'}", f"--architectures={architecture}",
            f"--include={','.join(packages)}", suite, folder, mirror())
        for name in ("bin", "lib"):  # newer releases have everything below /usr, and base-files leads there
            if bare and not (folder / name).exists():
                (folder / name).symlink_to(f"usr/{name}")
        (folder / "ready").touch()
    return folder


def enter(root, log, *words, **more):
    """Runs a command in a system's folder, with this machine's /proc and /dev."""
    mounted = 'mount --rbind /proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$0" "$@"'
    with open(log, "a", encoding="utf-8") as output:
        done = subprocess.run(["unshare", "--mount", "sh", "-c", mounted, str(root), *words], stdout=output, stderr=subprocess.STDOUT, check=False,
                              env={"PATH": PLAIN, "HOME": "/root", "LANG": "C.UTF-8", **more})
    if done.returncode != 0:
        raise NotHere(f"chroot {' '.join(words[:3])} ended with code {done.returncode}: all it said is in {log}")
