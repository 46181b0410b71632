"""What is installed is told as the library for it tells, and by that where folders cannot."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from mmcheck.installed import named_by, version


def test_versions_are_those_of_the_library() -> None:
    names = {name for each in metadata.distributions() if (name := each.metadata["Name"])}
    assert len(names) > 20
    assert {name: version(name) for name in names} == {name: metadata.version(name) for name in names}
    assert version("no-such-distribution") is None


def test_the_first_on_the_path_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place, its in (("one", "1.0"), ("two", "2.0")):
        (tmp_path / place / f"Odd.Name-{its}.dist-info").mkdir(parents=True)
    monkeypatch.setattr(sys, "path", [str(tmp_path / "no"), str(tmp_path / "one"), str(tmp_path / "two"), *sys.path])
    assert version("odd-name") == "1.0"


def test_what_comes_from_an_archive_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "site.zip", "w") as site:
        site.writestr("odd-3.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: odd\nVersion: 3.0\n")
        site.writestr("odd-3.0.dist-info/entry_points.txt", "[mmcheck.odd]\nours = odd.formats\n")
    assert version("odd") is None and named_by("mmcheck.odd") == []
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "site.zip")])
    assert version("odd") == "3.0" and named_by("mmcheck.odd") == ["odd.formats"]
    assert version("no-such-distribution") is None


def test_where_nobody_names_formats_the_library_is_not_imported() -> None:
    program = "import sys, mmcheck.format as f; print(f.installed(), 'importlib.metadata' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "() False\n"
