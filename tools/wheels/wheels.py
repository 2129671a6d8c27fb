#!/usr/bin/env python3
"""Builds the source distribution and a wheel for each version of Python and architecture, checks them, and runs them: `wheels.py [--only TEXT]`.

What this machine lacks is left out with a line, and listed at the end: packaging/ci/wheels.yml builds those wheels."""

import argparse
import shutil
import sys

import build
import debian
import targets
import trial


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", metavar="TEXT", help="wheels with this text in their tag alone, such as cp313 or aarch64")
    parser.add_argument("--no-tests", action="store_true", help="build and check, run nothing")
    options = parser.parse_args()
    folder, raw = debian.WORK / "dist", debian.WORK / "raw"
    for place in (folder, raw):
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
    missing, failed, wheels = [], [], []

    def step(what, action, *words):
        """Does one thing and says so; None where it failed."""
        try:
            result = action(*words)
        except debian.NotHere as reason:
            failed.append(f"{what}: {reason}")
            print(f"not ok  {what}: {reason}", flush=True)
            return None
        print(f"ok      {what}{'' if result is None or not isinstance(result, str) else ': ' + result}", flush=True)
        return result if result is not None else True

    if not step("the sources of jansson and xxHash", debian.bring_sources):
        return 1
    made = step("the source distribution", build.distribution, folder)
    if made is None or not step("the source distribution names nothing of this machine", build.look_inside, made[0]):
        return 1
    for architecture in targets.ARCHITECTURES:
        for version in targets.VERSIONS:
            name = f"cp{version.rstrip('t').replace('.', '')}-cp{version.replace('.', '')}-{architecture}"
            if options.only not in name:
                continue
            try:
                target = targets.target(version, architecture)
            except debian.NotHere as reason:
                missing.append(f"{name}: not built: {reason}")
                print(f"skipped {name}: {reason}", flush=True)
                continue
            tree = step(f"{target.name} compiles", build.compile_package, target)
            wheel = tree and build.pack(target, tree, made[1], raw)
            final = wheel and step(f"{target.name} is a manylinux wheel", build.audit, wheel, target, folder)
            if final and step(f"{target.name} names nothing of this machine", build.look_inside, final):
                wheels.append((target, final))
    if not options.no_tests:
        missing += trial.try_all(step, wheels, made[0])
    print("\n".join(["", *sorted(path.name for path in folder.iterdir()), f"in {folder}"]))
    if missing:
        print("\n".join(["", "not done here (packaging/ci/wheels.yml does it on a CI service):", *missing]))
    if failed:
        print("\n".join(["", "failed:", *failed]))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
