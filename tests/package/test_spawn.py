"""What start="spawn" starts: a Python interpreter, or nothing."""

import os
import stat
import subprocess
import sys

import numpy as np
import pytest

import tilework as tw
from conftest import run_python


@pytest.mark.parametrize("freeze", ["sys.frozen = True", "__compiled__ = True"])
def test_a_frozen_application_is_not_started_again(freeze):
    code, out, errors = run_python(f"""
        import sys
        import tilework as tw
        {freeze}
        try:
            tw.Pool(2, start="spawn")
        except tw.PoolError as error:
            print(error)
    """)
    assert code == 0 and "pool='threads'" in out and "set_executable" in out, out + errors
    assert "this application is frozen" in out


def test_a_frozen_application_may_name_an_interpreter():
    pytest.importorskip("cloudpickle")
    code, out, errors = run_python("""
        import multiprocessing, os, sys
        import numpy as np, tilework as tw
        multiprocessing.set_executable(sys.executable)
        sys.frozen, sys.executable = True, "/no/such/application"
        with tw.Pool(2, start="spawn") as pool:
            print(pool.run(lambda y: 2 * y, "y[i] -> r[i]", np.arange(3.0)))
            print("TILEWORK_SPAWN" in os.environ, pool.run(lambda y: y + ("TILEWORK_SPAWN" in __import__("os").environ),
                                                           "y[i] -> r[i]", np.zeros(1)))
    """)
    assert (code, out) == (0, "[0. 2. 4.]\nFalse [0.]\n"), errors


def test_a_program_that_does_not_say_that_it_is_frozen_starts_itself_once(tmp_path):
    """Its sys.executable runs the program whatever the arguments are, as that of uWSGI and of many launchers does."""
    program, launcher, started = tmp_path / "program.py", tmp_path / "launcher", tmp_path / "started"
    program.write_text(f"import sys\nopen({str(started)!r}, 'a').write('once\\n')\n"
                       f"import multiprocessing\nmultiprocessing.set_executable({str(launcher)!r})\n"
                       "import tilework as tw\ntw.Pool(1, start='spawn')\n")
    launcher.write_text(f"#!/bin/sh\nexec {sys.executable} {program}\n")
    os.chmod(launcher, stat.S_IRWXU)
    done = subprocess.run([str(launcher)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1 and "is no Python interpreter" in done.stderr
    assert started.read_text() == "once\n" * 2


def test_errors_name_the_file_of_the_kernel():
    pytest.importorskip("cloudpickle")

    def inverse(y):
        return [1 // int(item) for item in y]
    with tw.Pool(1, start="spawn") as pool:
        with pytest.raises(tw.TileError, match=r"kernel .*inverse \(test_spawn.py:\d+\) failed at tile 0") as caught:
            pool.run(inverse, "y[i] -> r[i]", np.zeros(2))
    assert __file__ in caught.value.traceback and "1 // int(item)" in caught.value.traceback


def test_kernels_are_sent_where_bytes_beside_texts_are_errors():
    pytest.importorskip("cloudpickle")
    code = ("import numpy as np, tilework as tw\n"
            "with tw.Pool(1, start='spawn') as pool:\n"
            "    print(pool.run(lambda y: 2 * y, 'y[i] -> r[i]', np.arange(3.0)))")
    done = subprocess.run([sys.executable, "-bb", "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "[0. 2. 4.]\n"), done.stderr
