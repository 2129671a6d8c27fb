"""Forks of a program whose other threads hold locks at that moment: the workers find none of them held."""

import pytest

from conftest import run_python

# A thread does `work` without an end, the kernel does it too. Ends with the number of runs that went well.
PROGRAM = """
import io, logging, os, sys, threading, time
import numpy as np, tilework as tw
folder = sys.argv[1]
{prepare}
def loop():
    while True:
        work()
for _ in range(2):
    threading.Thread(target=loop, daemon=True).start()
def kernel(y):
    work()
    return 2 * y
y, runs = np.arange(4.0), 0
for _ in range(10):
    r = tw.run(kernel, "y[i] -> r[i]", y, tiles={{"i": 1}}, workers=2, pool="processes", timeout=20, retries=0)
    runs += r.tolist() == (2 * y).tolist()
open(folder + "/runs", "w").write(str(runs))
os._exit(0)
"""

WORK = {
    "logging to a file": """
log = logging.getLogger("own")
log.addHandler(logging.FileHandler(folder + "/log"))
def work():
    log.warning("a line %d", 3)
""",
    "logging to standard error": """
logging.basicConfig(level=logging.INFO)
def work():
    logging.info("a line " * 50)
""",
    "two handlers": """
log = logging.getLogger("own")
for name in ("first", "second"):
    log.addHandler(logging.FileHandler(f"{folder}/{name}"))
def work():
    log.warning("a line %d", 3)
""",
    "print": """
def work():
    print("a line " * 200, flush=True)
    time.sleep(0.0005)
""",
    "print without a pause": """
sys.stdout = open(os.open(folder + "/out", os.O_WRONLY | os.O_CREAT | os.O_SYNC), "w", buffering=1)
def work():
    print("a line")
""",
    "numpy.random": """
def work():
    np.random.random(50000)
""",
    "strptime": """
def work():
    time.strptime("2020-02-29", "%Y-%m-%d")
""",
    "tempfile": """
import tempfile
def work():
    os.close(tempfile.mkstemp(dir=folder)[0])
""",
    "warnings": """
import warnings
warnings.simplefilter("always")
def work():
    warnings.warn("a line")
    time.sleep(0.0005)
""",
}


@pytest.mark.parametrize("what", WORK)
def test_a_worker_never_waits_for_what_a_thread_of_the_program_holds(what, tmp_path):
    code, _, errors = run_python(PROGRAM.replace("{prepare}", WORK[what]).replace("{{", "{").replace("}}", "}"),
                                 str(tmp_path), seconds=120)
    assert code == 0, errors[-2000:]
    assert (tmp_path / "runs").read_text() == "10"


def test_a_worker_never_waits_for_an_import_that_a_thread_had_begun(tmp_path):
    (tmp_path / "slowly.py").write_text("import time\ntime.sleep(0.3)\nvalue = 3\n")
    code, out, errors = run_python("""
        import sys, threading, time
        import numpy as np, tilework as tw
        sys.path.insert(0, sys.argv[1])
        def importing():
            import slowly
        thread = threading.Thread(target=importing)
        thread.start()
        while "slowly" not in sys.modules:
            time.sleep(0.001)
        def kernel(y):
            import slowly
            return y + slowly.value
        print(tw.run(kernel, "y[i] -> r[i]", np.zeros(2), tiles={"i": 1}, workers=2, pool="processes", timeout=20,
                     retries=0))
    """, str(tmp_path))
    assert (code, out) == (0, "[3. 3.]\n"), errors


def test_a_thread_that_never_gives_its_lock_back_delays_a_fork_but_does_not_keep_it(tmp_path):
    code, out, errors = run_python("""
        import logging, os, threading, sys
        import numpy as np, tilework as tw
        handler = logging.FileHandler(sys.argv[1] + "/log")
        held = threading.Event()
        def holds():
            with handler.lock:
                held.set()
                threading.Event().wait()
        threading.Thread(target=holds, daemon=True).start()
        held.wait()
        print(tw.run(lambda y: y, "y[i] -> r[i]", np.zeros(2), tiles={"i": 1}, workers=2, pool="processes"), flush=True)
        os._exit(0)  # logging would wait for the lock
    """, str(tmp_path))
    assert (code, out) == (0, "[0. 0.]\n"), errors


def test_locks_are_given_back_after_a_fork(tmp_path):
    code, out, errors = run_python("""
        import logging, threading, sys, tempfile
        import numpy as np, tilework as tw
        from tilework import _forks
        handler = logging.FileHandler(sys.argv[1] + "/log")
        other = threading.Thread(target=threading.Event().wait, daemon=True)
        other.start()
        def free(_=None):
            found = []
            def look():
                for lock in _forks._locks():
                    found.append(lock.acquire(timeout=5))
                    lock.release()
            thread = threading.Thread(target=look)
            thread.start()
            thread.join()
            return all(found) and len(found) > 3
        r = tw.run(lambda y: y + free(), "y[i] -> r[i]", np.zeros(2), tiles={"i": 1}, workers=2, pool="processes",
                   timeout=20, retries=0)
        print(r, free())
    """, str(tmp_path))
    assert (code, out) == (0, "[1. 1.] True\n"), errors


LATE = """
import os, sys, threading
import numpy as np, tilework as tw
assert "logging" not in sys.modules
def late():  # as another thread would
    import logging
os.register_at_fork(before=late)
end = threading.Event()
threading.Thread(target=end.wait, daemon=True).start()
assert tw.run(lambda y: y, "y[i] -> r[i]", np.arange(4.0), tiles={"i": 1}, workers=2, pool="processes").sum() == 6
"""


def test_logging_may_be_imported_in_the_middle_of_a_fork():
    code, _, err = run_python(LATE)
    assert code == 0 and "un-acquired lock" not in err, err
