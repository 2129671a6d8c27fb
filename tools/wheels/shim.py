#!/usr/bin/env python3
"""Answers Meson in the name of a Python that may not be here: `shim.py SCRIPT` with TILEWORK_WHEEL, the answers that differ, as JSON."""

import json
import os
import subprocess
import sys


def main():
    words = sys.argv[1:]
    if not words or not words[0].endswith("python_info.py"):
        os.execv(sys.executable, [sys.executable, *words])
    answers = json.loads(subprocess.run([sys.executable, *words], capture_output=True, text=True, check=True).stdout)
    differ = json.loads(os.environ["TILEWORK_WHEEL"])
    answers["variables"].update(differ.pop("variables"))
    answers.update(differ)
    for kind in ("paths", "sysconfig_paths", "install_paths"):
        answers[kind].update({"platlib": "/site", "purelib": "/site", "include": differ["include"], "platinclude": differ["include"]})
    print(json.dumps(answers))


if __name__ == "__main__":
    main()
