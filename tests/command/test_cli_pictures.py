"""`tilework run --report FILE.html` and --trace: what is written, also of runs that fail or are resumed, and what a browser
makes of it."""

import json
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
REFUSES = """
#include <unistd.h>
#include <tilework/tile.h>
int f(const tw_tile *tile) /* -> r[rows] */
{
    TW_VIEW(double, r, tile->operand[0]);
    for (int64_t i = 0; i < r.shape[0]; i++) {
        TW_AT(r, i) = 1;
    }
    return tile->number == 2 && access("ready", F_OK) != 0 ? tw_tile_fail(tile, 3, "no") : 0;
}
"""
REFUSED = ("run", "refuses.c:f", "-s", "-> r[rows]", "--length", "rows=400", "--tile", "rows=10", "-o", "r=r.npy", "--keep-going", "-w", "2")


@pytest.fixture
def refuses(folder):
    """A folder with a kernel whose tile 2 fails until there is a file `ready`."""
    (folder / "refuses.c").write_text(REFUSES)
    return folder


# The Trace Event Format as its document says it, for the phases that are written: which keys an event must have, and may have.
PHASES = {
    "M": ({"ph", "pid", "tid", "name", "args"}, set()),
    "X": ({"ph", "pid", "tid", "name", "ts", "dur", "cat"}, {"args", "cname"}),
    "i": ({"ph", "pid", "tid", "name", "ts", "s", "cat"}, {"args"}),
}
METADATA = {"process_name": ("name", str), "thread_name": ("name", str), "thread_sort_index": ("sort_index", int)}
COLOURS = {"good", "bad", "terrible", "yellow", "olive", "black", "grey", "white"}  # of its reserved names


def refuse(constant):
    raise AssertionError(f"{constant} is no JSON")


def check_event(event):
    must, may = PHASES[event["ph"]]
    assert must <= set(event) <= must | may, event
    assert type(event["pid"]) is int and type(event["tid"]) is int and type(event["name"]) is str, event
    if event["ph"] == "M":
        key, kind = METADATA[event["name"]]
        assert set(event["args"]) == {key} and type(event["args"][key]) is kind, event
        return
    assert all(type(event[key]) in (int, float) and event[key] >= 0 for key in ("ts", "dur") if key in event), event
    assert type(event["cat"]) is str and event.get("s", "t") == "t" and event.get("cname", "bad") in COLOURS, event
    assert isinstance(event.get("args", {}), dict), event


def trace_of(path):
    """A trace, which must be as the format says: microseconds, a name for each track, along each track one slice after the other."""
    trace = json.loads(path.read_text(), parse_constant=refuse)
    assert set(trace) == {"traceEvents", "displayTimeUnit", "otherData"} and trace["displayTimeUnit"] in ("ms", "ns")
    ends, names = {}, {}
    for event in trace["traceEvents"]:
        check_event(event)
        if event["ph"] == "X":
            begin = round(event["ts"] * 1000)
            assert begin >= ends.get(event["tid"], 0)
            ends[event["tid"]] = begin + round(event["dur"] * 1000)
        if event["ph"] == "M":
            assert names.setdefault((event["tid"], event["name"]), event["args"]) is event["args"]
    assert (0, "process_name") in names and {event["tid"] for event in trace["traceEvents"] if event["ph"] != "M"} <= {
        tid for tid, name in names if name == "thread_name"}
    assert max(ends.values()) <= trace["otherData"]["seconds"] * 1e9 * 1.001 + 1000  # ends are in nanoseconds
    return trace


def tiles_of(trace):
    return [event for event in trace["traceEvents"] if event.get("cat", "").split(",")[0] == "tile"]


def test_a_trace_has_each_tile_on_the_track_of_its_worker(folder):
    folder.save("y.npy", np.arange(60.0))
    folder.save("x.npy", np.arange(60.0))
    result = folder.run_ok("r[i,j] = y[i] * x[j]", "y=y.npy", "x=x.npy", "-o", "r=r.npy", "--tile", "i=10", "--tile", "j=30", "-w", 2, "--trace", "t.json")
    assert "advice: " in result.stderr
    trace = trace_of(folder / "t.json")
    tiles = tiles_of(trace)
    assert sorted(event["args"]["tile"] for event in tiles) == list(range(12))
    assert {event["tid"] for event in tiles} <= {1, 2}
    assert {tuple(event["args"]["ranges"].items()) for event in tiles} == \
        {(("i", f"{i}:{i + 10}"), ("j", f"{j}:{j + 30}")) for i in range(0, 60, 10) for j in (0, 30)}
    names = {event["tid"]: event["args"]["name"] for event in trace["traceEvents"] if event["name"] == "thread_name"}
    assert names == {1: "worker 0", 2: "worker 1"}
    assert not list(folder.path.glob("*.part"))


def test_a_trace_of_several_steps_shows_the_steps(folder):
    folder.save("a.npy", np.ones((4000, 3)))
    folder.run_ok("s[j] = sum(i: a[i,j])", "a=a.npy", "-o", "s=s.npy", "--tile", "i=400", "--trace", "t.json", "--report", "r.html")
    steps = [event for event in trace_of(folder / "t.json")["traceEvents"] if event.get("cat") == "step"]
    assert [event["name"] for event in steps] == [f"step {k} of {len(steps)}" for k in range(1, len(steps) + 1)] and len(steps) > 1
    assert "parts of" in steps[0]["args"]["step"] and "Step 1 of 2" in (folder / "r.html").read_text()


def test_a_trace_on_standard_output_is_alone_there(folder):
    job = ("r[i] = 2 * y[i]", "y=y.npy", "-o", "r=r.npy", "--tile", "i=500")
    result = folder.run_ok(*job, "-v", "--trace", "-")
    assert len(tiles_of(json.loads(result.stdout))) == 2 and " did " in result.stderr
    (folder / "r.npy").unlink()
    folder.refused(2, "run", *job, "--trace", "-", "--report", "-", says="exclude each other on standard output")


@pytest.mark.parametrize("name", ["r.npy", "y.npy", "./r.npy", "r.npy.part", "r.npy.journal", "t.json", "kernels.c"])
def test_a_trace_is_written_over_no_other_file(folder, mult, name):
    folder.refused(2, "run", *mult, "--trace", name, "--report", "t.json", says="the trace")


def test_a_bad_place_of_a_trace_is_known_before_the_run(folder, mult):
    folder.refused(3, "run", *mult, "--trace", "no/such.json", says="no/such.json")


def test_a_run_that_fails_leaves_its_page_and_its_trace(refuses):
    assert refuses.call(*REFUSED, "--report", "r.HTML", "--trace", "t.json").returncode == 1
    page = (refuses / "r.HTML").read_text()
    assert "39 of 40 tiles done" in page and page.count('class="tw-failed"') == 3 and "FAILED on worker" in page
    failed = [event for event in trace_of(refuses / "t.json")["traceEvents"] if "failed" in event.get("cat", "")]
    assert [event["name"] for event in failed] == ["failed tile 2", "tile 2 failed"]
    assert {path.name for path in refuses.path.glob("*.part")} == {"r.npy.part"}


def test_a_resumed_run_shows_what_an_earlier_one_had_done(refuses):
    assert refuses.call(*REFUSED).returncode == 1
    (refuses / "ready").touch()
    assert refuses.call(*REFUSED, "--resume", "--report", "r.html", "--trace", "t.json").returncode == 0
    page = (refuses / "r.html").read_text()
    assert page.count("done by an earlier run</title>") == 39 and "tiles that an earlier run had done" in page
    assert [event["args"]["tile"] for event in tiles_of(trace_of(refuses / "t.json"))] == [2]


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed: the package chromium is not available")
def test_a_browser_shows_the_page_and_asks_for_nothing(refuses):
    refuses.call(*REFUSED, "--report", "r.html")
    page, log = f"file://{refuses / 'r.html'}", refuses / "net.json"
    quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run", "--disable-default-apps",
             "--disable-features=NetworkTimeServiceQuerying,OptimizationHints", "--host-resolver-rules=MAP * ~NOTFOUND"]
    shown = subprocess.run([BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", *quiet,
                            f"--user-data-dir={refuses / 'profile'}", f"--log-net-log={log}", "--dump-dom", page],
                           capture_output=True, text=True, timeout=120, check=True, env={**os.environ, "HOME": str(refuses.path)}).stdout
    svg = "{http://www.w3.org/2000/svg}"
    pictures = [ElementTree.fromstring(text) for text in re.findall(r"<svg.*?</svg>", shown, re.DOTALL)]
    texts = {text.text for picture in pictures for text in picture.iter(f"{svg}text")}
    assert len(pictures) == 3 and {"worker 0", "worker 1", "idle", "failed", "rows", "400"} <= texts
    assert sum(len(list(picture.iter(f"{svg}rect"))) for picture in pictures) > 80
    # The browser notes each request, and makes some of its own to its maker.
    hosts = set(re.findall(r'"url":"(?:https?|wss?)://([^/":]+)', log.read_text()))
    assert all(host.endswith((".google.com", ".googleapis.com", ".gvt1.com")) for host in hosts), hosts


def test_the_time_of_a_process_that_died_is_lost(folder):
    (folder / "dies.c").write_text("#include <stdlib.h>\n#include <unistd.h>\n" + REFUSES.replace("TW_VIEW(double, r, tile->operand[0]);", """TW_VIEW(double, r, tile->operand[0]);
    usleep(20000);
    if (tile->number == 1 && tile->attempt == 0) {
        abort();
    }""").replace("tile->number == 2", "tile->number < 0"))
    folder.run_ok("dies.c:f", "-s", "-> r[rows]", "--length", "rows=40", "--tile", "rows=10", "-o", "r=r.npy", "--pool", "processes", "-w", 1, "--trace", "t.json",
                  "--report", "r.html")
    events = trace_of(folder / "t.json")["traceEvents"]
    lost = [event for event in events if event.get("cat") == "lost"]
    assert len(lost) == 1 and lost[0]["dur"] >= 20000
    assert [event["name"] for event in events if "retried" in event.get("cat", "")] == ["tile 1 again"]
    assert [event["name"].split()[-1] for event in events if event.get("cat") == "death"] == ["died"]
    assert "a process ended, and another took its place" in (folder / "r.html").read_text()
