"""The checks of tools/check find what they are there to find: each is shown a planted fault, and a tree without any."""

import pathlib
import re
import shutil
import subprocess
import sys

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
TOOLS = TOP / "tools"
sys.path[:0] = [str(TOOLS), str(TOP / "tests")]

from check import manual as check_manual  # noqa: E402
from check import symbols as check_symbols  # noqa: E402
from check import tree as check_tree  # noqa: E402
import harness  # noqa: E402


def check(name, *arguments):
    """Runs a check; gives its exit code and what it wrote."""
    done = subprocess.run([sys.executable, TOOLS / "check" / f"{name}.py", *map(str, arguments)], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def tree(tmp_path):
    """A small tree that keeps the rules of inclusion."""
    for layer in ("base", "os", "heap", "array", "store", "grid", "kernel", "notation", "pool", "job", "record", "run"):
        (tmp_path / "src" / layer).mkdir(parents=True)
        (tmp_path / "src" / layer / f"{layer}.h").write_text("#include <tilework/tilework.h>\n")
    for client in ("cli", "examples", "bench"):
        (tmp_path / client).mkdir()
        (tmp_path / client / "own.h").write_text("#include <tilework/tilework.h>\n#include <unistd.h>\n")
        (tmp_path / client / "main.c").write_text('#include "own.h"\n')
    (tmp_path / "include" / "tilework").mkdir(parents=True)
    (tmp_path / "include" / "tilework" / "tilework.h").write_text("#include <stdint.h>\n")
    (tmp_path / "src" / "run" / "good.c").write_text('#include "pool/pool.h"\n#include "base/base.h"\n')
    (tmp_path / "src" / "os" / "good.c").write_text("#include <sys/mman.h>\n")
    return tmp_path


def test_includes_that_go_down_are_accepted(tree):
    code, text = check("includes", tree)
    assert code == 0, text
    assert "not ok" not in text


@pytest.mark.parametrize("path, include", [
    ("src/base/bad.c", '"os/os.h"'),
    ("src/os/bad.c", '"heap/heap.h"'),
    ("src/heap/bad.c", '"array/array.h"'),
    ("src/array/bad.c", '"pool/pool.h"'),
    ("src/array/bad.c", '"store/store.h"'),
    ("src/store/bad.c", '"grid/grid.h"'),
    ("src/store/bad.c", '"job/step.h"'),
    ("src/store/bad.c", '"store/npy/npy.h"'),
    ("src/record/bad.c", '"store/npy/npy_write.h"'),
    ("src/pool/bad.c", "<jansson.h>"),
    ("src/grid/bad.c", "<xxhash.h>"),
    ("src/pool/bad.c", '"store/store.h"'),
    ("src/notation/bad.c", '"store/store.h"'),
    ("src/grid/bad.c", '"os/os.h"'),
    ("src/grid/bad.c", '"array/array.h"'),
    ("src/kernel/bad.h", '"heap/heap.h"'),
    ("src/pool/bad.c", '"array/array.h"'),
    ("src/pool/bad.c", '"grid/grid.h"'),
    ("src/pool/bad.c", '"run/run.h"'),
    ("src/pool/bad.c", '"pool.h"'),
    ("src/run/bad.c", '"../pool/pool.h"'),
    ("src/run/bad.c", "<unistd.h>"),
    ("src/pool/bad.c", "<pthread.h>"),
    ("src/base/bad.c", "<locale.h>"),
    ("cli/bad.c", '"base/base.h"'),
    ("cli/bad.c", '"../src/base/base.h"'),
    ("examples/bad.c", '"run/run.h"'),
    ("bench/bad.c", '"src/run/run.h"'),
    ("examples/bad.c", "<tilework/other.h>"),
    ("include/tilework/bad.h", "<unistd.h>"),
    ("include/tilework/bad.h", '"base/base.h"'),
])
def test_include_that_breaks_a_rule_is_named(tree, path, include):
    (tree / path).write_text(f"\n  #  include {include}\n")
    code, text = check("includes", tree)
    assert code == 1
    assert re.search(rf"{re.escape(path)}:2: .*{re.escape(include.strip(chr(34) + '<>'))}", text), text


@pytest.mark.parametrize("path, include, fault", [
    ("value/bad.h", "read/token.h", "value may not know notation/read"),
    ("read/bad.h", "type/tree.h", "read may not know notation/type"),
    ("type/bad.h", "loop/loop.h", "type may not know notation/loop"),
    ("loop/bad.h", "print/emitter.h", "loop may not know notation/print"),
    ("loop/bad.h", "notation.h", "loop may not know notation/notation.h"),
    ("print/bad.h", "math/exp_f64.h", "print may not know notation/math"),
    ("other/bad.h", "value/kind.h", "the folder other is not among the phases"),
])
def test_phase_that_knows_a_later_one_is_named(tree, path, include, fault):
    good = tree / "src" / "notation" / "print" / "good.h"
    good.parent.mkdir()
    good.write_text('#include "notation/loop/loop.h"\n#include "notation/value/kind.h"\n#include "notation/print/own.h"\n')
    assert check("includes", tree)[0] == 0
    bad = tree / "src" / "notation" / path
    bad.parent.mkdir(exist_ok=True)
    bad.write_text(f'#include "notation/{include}"\n')
    code, text = check("includes", tree)
    assert code == 1
    assert f"src/notation/{path}" in text and fault in text, text


def test_folder_that_is_no_layer_is_named(tree):
    (tree / "src" / "util").mkdir()
    code, text = check("includes", tree)
    assert code == 1
    assert "src/util" in text


def build_libraries(folder, source):
    """libtilework.so and libtilework.a from one C source."""
    (folder / "all.c").write_text(source)
    for command in (["gcc", "-fPIC", "-fvisibility=hidden", "-c", "all.c"], ["ar", "rcs", "libtilework.a", "all.o"],
                    ["gcc", "-shared", "all.o", "-o", "libtilework.so"]):
        subprocess.run(command, cwd=folder, check=True)


HEADER = """
/* TW_API int tw_only_in_a_comment(void); */
#define TW_API
TW_API int tw_one(void);
TW_API const struct tw_two *
tw_two(int (*with)(void *),
       int more);
static inline int tw_inline(void) { return 0; }
"""
VISIBLE = '__attribute__((visibility("default")))'
GOOD = f"{VISIBLE} int tw_one(void) {{ return 1; }}\n{VISIBLE} void *tw_two(void) {{ return 0; }}\n" \
       "int tw__own(void) { return 2; }\n"


@pytest.mark.parametrize("source, fault", [
    (GOOD, None),
    (GOOD + f"{VISIBLE} int tw_three(void) {{ return 3; }}\n", "tw_three: exported, not declared"),
    (GOOD.replace("tw_two", "tw__two"), "tw_two: declared, not exported"),
    (GOOD + f"{VISIBLE} int tw__four(void) {{ return 4; }}\n", "tw__four: exported, not declared"),
    (GOOD + "int helper(void) { return 5; }\n", "helper: clashes"),
    (GOOD + "int tw_hidden(void) { return 5; }\n", "tw_hidden: clashes"),
])
def test_exported_names_equal_the_header(tmp_path, source, fault):
    (tmp_path / "header.h").write_text(HEADER)
    build_libraries(tmp_path, source)
    code, text = check("symbols", tmp_path, tmp_path / "header.h")
    if fault is None:
        assert code == 0, text
    else:
        assert code == 1
        assert fault in text


@pytest.fixture
def calling(tmp_path):
    """Builds a library of src/ files that are given by their names and texts, as Meson names its objects."""
    def build(**texts):
        build = tmp_path / "build"
        shutil.rmtree(build, ignore_errors=True)
        build.mkdir()
        (tmp_path / "src" / "base").mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (tmp_path / "src" / "base" / f"{name}.c").write_text(text)
            subprocess.run(["gcc", "-c", f"src/base/{name}.c", "-o", f"build/base_{name}.c.o"], cwd=tmp_path, check=True)
        subprocess.run(["ar", "rcs", "libtilework.a", *(f"base_{name}.c.o" for name in texts)], cwd=build, check=True)
        return build, tmp_path
    return build


def test_files_that_call_each_other_in_a_circle_are_named(calling):
    down = "int c(void);\nint b(void) { return c(); }\n"
    built = calling(a="int b(void);\nint a(void) { return b(); }\n", b=down, c="int c(void) { return 1; }\n")
    code, text = check("circles", *built)
    assert code == 0, text
    built = calling(a="int b(void);\nint a(void) { return b(); }\n", b=down,
                    c="int a(void), abs(int);\nint c(void) { return abs(a()); }\n")
    code, text = check("circles", *built)
    assert code == 1
    for fault in ("src/base/a.c calls b of src/base/b.c", "src/base/b.c calls c of src/base/c.c",
                  "src/base/c.c calls a of src/base/a.c"):
        assert f"{fault}, which leads back to it" in text, text


def test_circles_of_the_command_are_named(calling):
    build, top = calling(a="int a(void) { return 1; }\n")
    (top / "cli" / "look").mkdir(parents=True)
    (build / "cli" / "tilework.p").mkdir(parents=True)

    def compiled(name, text):
        (top / "cli" / f"{name}.c").write_text(text)
        subprocess.run(["gcc", "-c", f"cli/{name}.c", "-o", build / "cli" / "tilework.p" / f"{name.replace('/', '_')}.c.o"],
                       cwd=top, check=True)
    compiled("d", "int e(void);\nint d(void) { return e(); }\n")
    compiled("look/e", "int e(void) { return 1; }\n")
    assert check("circles", build, top)[0] == 0
    compiled("look/e", "int d(void);\nint e(void) { return d(); }\n")
    code, text = check("circles", build, top)
    assert code == 1 and "cli/d.c calls e of cli/look/e.c, which leads back to it" in text, text


def test_circles_of_no_library_are_a_fault(tmp_path):
    code, text = check("circles", tmp_path, tmp_path)
    assert code == 1
    assert "not ok 1 - the static library was built" in text


def test_folder_without_libraries_is_a_fault(tmp_path):
    (tmp_path / "header.h").write_text(HEADER)
    code, text = check("symbols", tmp_path, tmp_path / "header.h")
    assert code == 1
    assert "no libtilework.so" in text


def test_public_header_declares_what_the_check_believes():
    """The check's reading of the headers finds every name that stands at a TW_API."""
    headers = sorted((TOP / "include" / "tilework").glob("*.h"))
    text = "".join(check_symbols.COMMENT.sub(" ", header.read_text()) for header in headers)
    uses = len(re.findall(r"^TW_API\b", text, re.MULTILINE))
    assert uses > 50
    assert len(check_symbols.declared(headers)) == uses


@pytest.fixture
def manual_tree(tmp_path):
    """The headers and the sources of their manual pages."""
    for folder in ("include", "docs"):
        shutil.copytree(TOP / folder, tmp_path / folder)
    return tmp_path


def change(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_manual_pages_of_this_tree_are_right(manual_tree):
    code, text = check("manual", manual_tree)
    assert code == 0, text


@pytest.mark.parametrize("path, old, new, fault", [
    ("docs/man/tilework_run.in", "tw_replay ", "", "tw_replay: in no page"),
    ("docs/man/tilework_report.in", "calls: ", "calls: tw_run ", "tw_run: in tilework_report.3 and tilework_run.3"),
    ("docs/man/tilework_pool.in", "tw_pool_*", "tw_pool_* tw_pond", "no header has a call tw_pond"),
    ("docs/man/tilework_pool.in", "Opening one", ".Fn tw_pool_drain\nOpening one", "tilework_pool.3: tw_pool_drain is in no header"),
    ("docs/man/tilework_run.in", "tw_stall", "", "tilework.h: no page shows tw_stall"),
    ("docs/man/tilework_run.in", "tilework_grid", "tilework_grids", "tilework_run.3: there is no page tilework_grids(3)"),
    ("docs/tilework.3", ".It Xr tilework_run 3", ".It run", "docs/tilework.3: does not list tilework_run(3)"),
    ("include/tilework/tilework.h", "TW_API void tw_pool_close", "TW_API int tw_pool_dry(tw_pool *pool);\nTW_API void tw_pool_close",
     "tilework.h: tw_pool_close has no comment that says what it does"),
    ("include/tilework/tilework.h", "TW_API tw_status tw_run(", "TW_API tw_status tw_walk(void);\n\nTW_API tw_status tw_run(",
     "tw_walk: in no page"),
    ("include/tilework/tilework.h", "Errors: TW_ERROR_ARGUMENT (workers < 0", "TW_ERROR_ARGUMENT (workers < 0",
     "tilework.h: the comment of tw_pool_open has no errors"),
])
def test_manual_page_that_differs_from_the_header_is_named(manual_tree, path, old, new, fault):
    change(manual_tree / path, old, new)
    code, text = check("manual", manual_tree)
    assert code == 1
    assert fault in text


def test_prototype_that_is_not_the_headers_is_named(manual_tree):
    page = {"x.3": '.Ft "int"\n.Fo tw_pool_workers\n.Fa "tw_pool *pool"\n.Fc\n'}
    faults = check_manual.prototypes(manual_tree, page)
    assert "x.3: tw_pool_workers is not in the headers like this: int tw_pool_workers(tw_pool *pool);" in faults


@pytest.fixture
def text_tree(tmp_path):
    """A small tree for the checks of texts, laid out well."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "architecture.md").write_text("`base/error.c`, `text.h` and src/os/map.c\n")
    for name in ("src/base/error.c", "src/base/error.h", "src/base/text.h", "src/os/map.c"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("int a;\n")
    return tmp_path


def paths(tree):
    return check_tree.files(tree)


def test_good_tree_has_no_fault(text_tree):
    found = paths(text_tree)
    assert len(found) == 5
    assert check_tree.too_long(text_tree, found) == []
    assert check_tree.words(text_tree, found, check_tree.UNFINISHED) == []
    assert check_tree.words(text_tree, found, check_tree.ONE_MACHINE) == []
    assert check_tree.habits(text_tree, found) == []
    assert check_tree.doubled_names(text_tree, found) == []
    assert check_tree.undocumented(text_tree, found) == []


def test_long_source_is_named(text_tree):
    (text_tree / "src/os/map.c").write_text("int a;\n" * 601)
    assert check_tree.too_long(text_tree, paths(text_tree)) == ["src/os/map.c: 601 lines, at most 600"]


def test_long_function_is_named(text_tree):
    body = "    f();\n" * 80
    source = text_tree / "src/base/text.h"
    source.write_text(f"static void g(void)\n{{\n{body}}}\n\nstruct s {{\n{body}{body}}};\n")
    assert check_tree.long_functions(text_tree, paths(text_tree)) == []
    source.write_text(f"int a;\n\nstatic void g(void)\n{{\n{body}    f();\n}}\n\nint h(void)\n{{\n    return 1;\n}}\n")
    assert check_tree.long_functions(text_tree, paths(text_tree)) == [
        "src/base/text.h:4: a function of 81 lines, at most 80"]


@pytest.mark.parametrize("word", ["TO" + "DO", "FIX" + "ME", "XX" + "X"])
def test_word_of_unfinished_work_is_named(text_tree, word):
    (text_tree / "src/os/map.c").write_text(f"int a;\nint b; /* {word}: more */\n")
    faults = check_tree.words(text_tree, paths(text_tree), check_tree.UNFINISHED)
    assert [fault.split(": ")[0] for fault in faults] == ["src/os/map.c:2"]


@pytest.mark.parametrize("line, bad", [
    ("see /" + "home/ann/data.npy", True),
    ("'/" + "root/x'", True),
    ("build/" + "work/x", False),
    ("$DIR/" + "home/x", False),
    ("https://example.org/" + "work/x", False),
])
def test_path_of_one_machine_is_named(text_tree, line, bad):
    (text_tree / "docs" / "note.md").write_text(line + "\n")
    assert bool(check_tree.words(text_tree, paths(text_tree), check_tree.ONE_MACHINE)) == bad


@pytest.mark.parametrize("line, instead", [
    ("The caller is to" + "ld of it.", "reported, asked"),
    ("2, unless to" + "ld otherwise", "reported, asked"),
    ("what progress is to" + "ld", "reported, asked"),
    ("A run can be gone on" + " with.", "resume, continue"),
    ("No thread can" + "not be had.", "is available, is not available"),
    ("It waits for" + " ever.", "forever"),
    ("The text is to" + " be freed.", "must be, should be"),
    ("the tiles in" + " hand", "running, current"),
    (" * the tiles that are in" + "\n * hand", "running, current"),
    ("claims.c - who" + " has which tile", "which worker runs, no process has"),
    ("The caller told it to stop; it goes on, and whoever has it, for everybody, is to begin.", None),
    ("for" + " ever in (False, True):", None),
])
def test_habit_of_another_language_is_named(text_tree, line, instead):
    (text_tree / "docs" / "note.md").write_text(f"One.\n{line}\n")
    faults = check_tree.habits(text_tree, paths(text_tree))
    if instead is None:
        assert faults == []
    else:
        assert len(faults) == 1 and faults[0].startswith("docs/note.md:2: ") and faults[0].endswith(f": write {instead}")


def test_doubled_name_is_named(text_tree):
    (text_tree / "src/os/error.c").write_text("int a;\n")
    assert check_tree.doubled_names(text_tree, paths(text_tree)) == [
        "src/os/error.c: src/base/error.c has the same name"]


def test_source_missing_from_the_architecture_is_named(text_tree):
    (text_tree / "src/os/ap.c").write_text("int a;\n")
    (text_tree / "src/base/err.c").write_text("int a;\n")
    assert check_tree.undocumented(text_tree, paths(text_tree)) == [
        f"docs/architecture.md: does not name {name}; run tools/generate/list_files.py"
        for name in ("src/base/err.c", "src/os/ap.c")]


def test_list_of_files_that_is_out_of_step_is_named(tmp_path):
    (tmp_path / "tools/generate").mkdir(parents=True)
    (tmp_path / "docs").mkdir()
    (tmp_path / "src/os/new").mkdir(parents=True)
    (tmp_path / "docs/architecture.md").write_text("<!-- files:begin -->\n<!-- files:end -->\n")
    script = tmp_path / "tools/generate/list_files.py"
    script.write_text((TOP / "tools/generate/list_files.py").read_text())
    (tmp_path / "src/os/new/map.c").write_text("/* map.c - address space. Knows no pools. */\n")
    assert check_tree.listed(tmp_path) == [
        "docs/architecture.md: the list of files is out of step; run tools/generate/list_files.py"]
    subprocess.run([sys.executable, script], check=True)
    assert check_tree.listed(tmp_path) == []
    page = (tmp_path / "docs/architecture.md").read_text()
    assert "**src/os/new/**" in page and "| `map.c` | address space |" in page


def test_layout_that_differs_is_named(tmp_path):
    if not list((TOP / "build").glob("venv/lib/python3*/site-packages/clang_format")):
        pytest.skip("there is no build/venv")
    shutil.copytree(TOOLS, tmp_path / "tools")
    shutil.copy(TOP / ".clang-format", tmp_path)
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "venv").symlink_to(TOP / "build" / "venv")
    for folder in ("include", "src", "cli", "python", "tests", "bench", "reliability", "fuzz", "examples"):
        (tmp_path / folder).mkdir()
    source = tmp_path / "src" / "a.c"
    source.write_text("int a;\n")
    assert check_tree.layout(tmp_path) == []
    source.write_text("int   a;\n")
    assert check_tree.layout(tmp_path) == ["src/a.c: not as `make format` would have it"]


TAP = "1..4\nok 1 - a\nnot ok 2 - b\n# why\nok 3 - c # SKIP none\nok 4\n"


@pytest.mark.parametrize("text, bad, counts", [
    (TAP, True, (2, 1, 1)),
    ("1..2\nok 1 - a\nnot ok 2 # SKIP b\n", False, (1, 0, 1)),
    ("1..3\nok 1 - a\nok 2 - b\n", False, (2, 1, 0)),
    ("ok 1 - a\n", True, (1, 1, 0)),
    ("ok 1 - a\n", False, (1, 0, 0)),
    ("notok 1\nokay\n", False, (0, 0, 0)),
])
def test_tap_is_counted(text, bad, counts):
    outcome = harness.count_tap("t", text, bad)
    assert (outcome.passed, outcome.failed, outcome.skipped) == counts
    assert len(outcome.failures) == min(1, counts[1])


def test_program_that_runs_no_test_has_failed():
    outcome = harness.count_program("t", ["true"])
    assert (outcome.passed, outcome.failed) == (0, 1)


def test_program_that_dies_after_its_tests_has_failed():
    outcome = harness.count_program("t", ["sh", "-c", "echo ok 1; kill -SEGV $$"])
    assert (outcome.passed, outcome.failed) == (1, 1)


def test_program_out_of_time_is_ended_with_its_children():
    done = harness.run(["sh", "-c", "sleep 60 & wait"], seconds=0.3)
    assert done.code is None
    assert done.seconds < 30
    assert "ended after" in done.output


def test_meson_log_is_counted(tmp_path):
    log = tmp_path / "testlog.json"
    log.write_text('{"name": "a", "result": "FAIL", "returncode": 1, "stdout": "ok 1\\nnot ok 2 - b\\n"}\n'
                   '{"name": "b", "result": "ERROR", "returncode": -11, "stdout": "ok 1\\n", "stderr": "boom"}\n'
                   '{"name": "c", "result": "OK", "returncode": 0, "stdout": "hello\\n"}\n'
                   '{"name": "d", "result": "SKIP", "returncode": 77, "stdout": ""}\n')
    outcome = harness.count_meson(log, "v")
    assert (outcome.passed, outcome.failed, outcome.skipped) == (3, 2, 1)
    assert [title.split(" ")[1] for title, _ in outcome.failures] == ["a", "b"]
    assert "boom" in outcome.failures[1][1]


def test_junit_is_counted(tmp_path):
    (tmp_path / "test_x.py").write_text("import pytest\n"
                                        "def test_a(): pass\n"
                                        "def test_b(): assert 0\n"
                                        "def test_c(): pytest.skip('no')\n"
                                        "def test_d(missing_fixture): pass\n")
    done = harness.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=x.xml", "."],
                       cwd=tmp_path)
    outcome = harness.count_junit(tmp_path / "x.xml", "python", done.output)
    assert (outcome.passed, outcome.failed, outcome.skipped) == (1, 2, 1)


def rows_of(page):
    table = (TOP / page).read_text().partition("<!-- bench:begin -->")[2].partition("<!-- bench:end -->")[0]
    return [line for line in table.splitlines() if line.startswith("| ")][2:], re.findall(r"^- left out: (.*)", table, re.M)


def test_benchmarks_of_the_readme_are_ten_rows_of_the_whole_table():
    """And what the whole table says was left out is not among its rows."""
    shown, _ = rows_of("README.md")
    rows, left_out = rows_of("docs/benchmarks.md")
    assert len(shown) == 10 and set(shown) <= set(rows)
    measured = [f"{what} beside {beside.rpartition(': ')[0]}" if beside else what
                for what, beside in ([cell.strip() for cell in row.split("|")[1:4:2]] for row in rows)]
    assert [line for line in left_out if line.rpartition(": ")[0] in measured] == []


def test_benchmarks_are_written_again_without_measuring(tmp_path):
    page = tmp_path / "benchmarks.md"
    page.write_text((TOP / "docs" / "benchmarks.md").read_text().replace(
        "\n\n| what", "\n- left out: exp(-a*a) * sin(b) beside numexpr: none\n- left out: y beside z: no z\n\n| what", 1))
    shutil.copy(TOP / "README.md", tmp_path)
    subprocess.run([sys.executable, TOP / "bench" / "bench.py", "--from", page, "--markdown", page, "--readme", tmp_path / "README.md"],
                   check=True)
    assert (tmp_path / "README.md").read_text() == (TOP / "README.md").read_text()
    text = page.read_text()
    assert "- left out: y beside z: no z\n" in text and "beside numexpr: none" not in text
    assert text.replace("- left out: y beside z: no z\n", "") == (TOP / "docs" / "benchmarks.md").read_text()
