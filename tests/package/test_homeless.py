"""Programs without a home folder: statements run, and one warning says where their objects are."""

import os

from conftest import run_python


def test_one_warning_says_where_objects_are_kept(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    code, out, err = run_python("""
    import warnings
    import numpy as np
    import tilework as tw

    x = np.arange(5.0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for text in ("r[i] = 2 * x[i]", "r[i] = sqrt(x[i])", "r[i] = 2 * x[i]"):
            r = tw.evaluate(text, x=x)
            assert r.tolist() == (2 * x if "2" in text else np.sqrt(x)).tolist()
    print(len(caught), caught[0].category.__name__, caught[0].filename, caught[0].message)
    """)
    assert code == 0, err
    assert out.startswith("1 RuntimeWarning <string> compiled kernels are kept in /")
    assert f"since cache folder {tmp_path}/file/tilework cannot be used" in out
    assert not [name for name in os.listdir(tmp_path) if name.startswith("tilework-of-process")]
