"""What Debian's packages bring to the wheels: sources, headers of Python, folders that hold a whole system. Uses this machine's mirror."""

import hashlib
import pathlib
import re
import shutil
import subprocess

TOP = pathlib.Path(__file__).resolve().parents[2]
WORK = TOP / "build" / "wheels"
SOURCES = {"jansson": "jansson-2.14.tar.gz", "xxhash": "xxHash-0.8.1.tar.gz"}  # Debian's name, and the wrap's
STABLE = "bookworm"


class NotHere(Exception):
    """Something that this machine cannot get, in a sentence."""


def run(*words, **options):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        raise NotHere(f"{pathlib.Path(words[0]).name} failed: {(done.stderr or done.stdout).strip().splitlines()[-1:]}")
    return done.stdout


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
            'APT::Architectures { "amd64"; "arm64"; };\n')
        run("apt-get", "-qq", "update", env={"APT_CONFIG": f"{root}/apt.conf", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
        (root / "ready").touch()
    return {"APT_CONFIG": f"{root}/apt.conf", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}


def bring_sources():
    """Puts the sources of jansson and xxHash where Meson looks for them: Debian has the very files that their authors released."""
    cache = TOP / "subprojects" / "packagecache"
    cache.mkdir(exist_ok=True)
    for package, name in SOURCES.items():
        wrap = (TOP / "subprojects" / f"{package}.wrap").read_text()
        wanted = re.search(r"source_hash = (\w+)", wrap)[1]
        if not (cache / name).exists():
            folder = WORK / "sources"
            folder.mkdir(parents=True, exist_ok=True)
            run("apt-get", "-qq", "source", "--download-only", package, cwd=folder,
                env=apt("sources", f"deb-src [] MIRROR {STABLE} main"))
            shutil.copy(next(folder.glob(f"{package}_*.orig.tar.gz")), cache / name)
        found = hashlib.sha256((cache / name).read_bytes()).hexdigest()
        if found != wanted:
            (cache / name).unlink()
            raise NotHere(f"Debian's sources of {package} are not those that subprojects/{package}.wrap names")


def bring_headers(version):
    """The include folder of this version of Python, from the first release of Debian that has it: /usr/include, unpacked."""
    for suite in (STABLE, "trixie", "sid"):
        folder = WORK / "headers" / f"{suite}-{version}"
        if not folder.exists():
            environment = apt(suite, f"deb [] MIRROR {suite} main")
            for architecture in ("amd64", "arm64"):
                got = subprocess.run(["apt-get", "-qq", "download", f"libpython{version}-dev:{architecture}"], cwd=WORK,
                                     env=environment, capture_output=True, check=False)
                package = next(WORK.glob(f"libpython{version}-dev_*_{architecture}.deb"), None)
                if got.returncode != 0 or package is None:
                    break
                folder.parent.mkdir(parents=True, exist_ok=True)
                run("dpkg-deb", "--extract", package, folder)
                package.unlink()
        if (folder / "usr/include" / f"python{version}" / "Python.h").exists():
            return folder / "usr/include"
    raise NotHere(f"no release of Debian that can be reached has headers of Python {version}")


def system(name, suite, architecture, *packages, bare=False):
    """A folder with a Debian of this architecture. `bare`: unpacked alone, for qemu-user; else one that chroot enters."""
    folder = WORK / "roots" / name
    if not (folder / "ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        run("mmdebstrap", f"--variant={'extract' if bare else 'apt'}", f"--architectures={architecture}",
            f"--include={','.join(packages)}", suite, folder, mirror())
        (folder / "ready").touch()
    return folder
