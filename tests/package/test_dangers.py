"""The warning about a fork in a program with threads: when there is one, where it points, how often it comes."""

import pytest

from conftest import run_python

PROGRAM = """
    import sys, threading, time, warnings
    import numpy as np, tilework as tw
    from tilework import _dangers
    y = np.arange(4.0)
    def run():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            tw.run(lambda y: y, "y[i] -> r[i]", y, tiles={"i": 1}, workers=2, pool="processes"); line = sys._getframe().f_lineno
        for warning in caught:
            print(warning.category.__name__, warning.filename, warning.lineno == line, warning.message)
        return caught
    _dangers.SECONDS = 0  # each fork is looked at, however soon it follows another
    ended = threading.Event()
    def waits():
        ended.wait()
"""


def warned(code):
    exit_code, out, errors = run_python(PROGRAM + code + "\n    ended.set()\n")
    assert exit_code == 0, errors
    return out


def test_a_thread_of_the_program_is_named_once_on_the_user_s_line():
    out = warned("""
    threading.Thread(target=waits, name="my logger").start()
    assert len(run()) == 1 and not run()
    """)
    assert out.startswith("RuntimeWarning <string> True ") and "my logger" in out
    assert 'start="spawn"' in out and 'pool="threads"' in out


def test_a_pool_that_is_opened_says_it_too_and_as_an_error_it_arrives_as_itself():
    assert warned("""
    threading.Thread(target=waits).start()
    warnings.simplefilter("error")
    try:
        tw.Pool(2)
    except RuntimeWarning as warning:
        print("raised")
    with tw.Pool(2) as pool:
        print(pool.run(lambda y: y, "y[i] -> r[i]", y))
    """) == "raised\n[0. 1. 2. 3.]\n"


def test_a_thread_that_starts_between_two_runs_of_a_pool_is_named_when_it_forks_again():
    out = warned("""
    with tw.Pool(2) as pool, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        pool.run(lambda y: y, "y[i] -> r[i]", y)
        assert not caught
        threading.Thread(target=waits, name="late").start()
        pool.run(lambda y: y + 1, "y[i] -> r[i]", y)
        print(caught[0].message)
    """)
    assert "late" in out


def test_threads_of_dask_are_named():
    pytest.importorskip("dask.array")
    out = warned("""
    import dask.array as da
    da.ones((1000, 1000), chunks=100).sum().compute(scheduler="threads", num_workers=2)
    run()
    """)
    assert "ThreadPoolExecutor" in out


@pytest.mark.parametrize("start", [
    "pass",  # the threads of BLAS alone
    "np.ones((500, 500)) @ np.ones((500, 500))",
    "tw.run(lambda y: y, 'y[i] -> r[i]', y, tiles={'i': 1}, workers=3, pool='threads')",
    "import tqdm; bar = tqdm.tqdm(range(3), file=open('/dev/null', 'w'), miniters=1); next(iter(bar))",
    "waits.__module__ = 'ipykernel.iostream'; threading.Thread(target=waits).start()",
    "import multiprocessing.pool as mp; pool = mp.Pool(1); pool.map(abs, [1])",
    "import asyncio; loop = asyncio.new_event_loop(); loop.run_until_complete(loop.run_in_executor(None, abs, 1))",
])
def test_harmless_threads_are_not_named(start):
    assert warned(f"""
    {start}
    assert not run()
    """) == ""


def test_a_main_thread_that_waits_is_harmless_and_one_that_works_is_not():
    out = warned("""
    main = threading.main_thread().ident
    def stands_in(name):
        frame = sys._current_frames()[main]
        while frame is not None and frame.f_code.co_name != name:
            frame = frame.f_back
        return frame is not None
    def run_while(name):
        while not stands_in(name):
            time.sleep(0.001)
        run()
        ends.append(name)
    ends = []
    def works(thread):
        while "works" not in ends:
            time.sleep(0.1)
        thread.join()
    for work in (threading.Thread.join, works):
        thread = threading.Thread(target=run_while, args=(work.__name__,))
        thread.start()
        work(thread)
        print("-")
    """)
    first, second = out.split("-\n")[:2]
    assert first == "" and "MainThread" in second
