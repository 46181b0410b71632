"""Where media are looked for, and where never."""

import os
from pathlib import Path

import pytest

from mmcheck.locate import Location, Locator, Roots
from mmcheck.storing import find


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """a/b/c/d/data with media in several of the folders, and a secret out of reach."""
    data = tmp_path / "a" / "b" / "c" / "d" / "data"
    (data / "images").mkdir(parents=True)
    (data / "images" / "x.jpg").write_bytes(b"x")
    (data.parent / "up.jpg").write_bytes(b"x")
    (tmp_path / "secret.jpg").write_bytes(b"x")
    return data


def look(project: Path, source: str, *, is_id: bool = False, kind: str = "image", **roots: object) -> Location:
    return Locator(Roots(project, **roots)).locate(source, project, is_id=is_id, kind=kind)  # type: ignore[arg-type]


def test_a_path_below_the_annotation_file_is_found(project: Path) -> None:
    assert look(project, "images/x.jpg") == Location(str(project / "images" / "x.jpg"), True)
    assert look(project, "images/y.jpg") == Location(found=False)


@pytest.mark.parametrize("source", ["images/x.jpg/", "images/x.jpg/.", "images//x.jpg/"])
def test_a_file_is_no_folder(project: Path, source: str) -> None:
    assert look(project, source) == Location(found=False)  # open() says "not a directory"
    assert look(project, f"{project}/{source}").found is False
    assert find(source, project / "a.json", project, None) is None


def test_a_hit_only_in_a_parent_names_it(project: Path) -> None:
    assert look(project, "up.jpg").in_parent == str(project.parent)
    assert look(project, "../up.jpg") == Location(str(project.parent / "up.jpg"), True)


def test_a_loader_that_fixes_the_root_does_not_find_it_in_a_parent(project: Path) -> None:
    place = look(project, "up.jpg", fixed=True)
    assert (place.found, place.in_parent) == (False, str(project.parent))


@pytest.mark.parametrize("source", ["../../../../../secret.jpg", "images/../../../../../../secret.jpg"])
def test_a_path_out_of_all_roots_escapes(project: Path, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    for name in ("lexists", "exists", "isfile"):
        original = getattr(os.path, name)
        monkeypatch.setattr(
            os.path, name, lambda path, original=original: (looked.append(os.path.normpath(path)), original(path))[1]
        )
    assert look(project, source) == Location(escapes=True)
    assert not [path for path in looked if path.endswith("secret.jpg") and "/a/" not in path]


def test_a_link_out_of_all_roots_escapes(project: Path, tmp_path: Path) -> None:
    (project / "images" / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    (project / "out").symlink_to(tmp_path)
    assert look(project, "images/link.jpg").escapes
    assert look(project, "out/secret.jpg").escapes
    allowed = look(project, "images/link.jpg", allowed=(tmp_path,))
    assert allowed.found and not allowed.escapes


def test_absolute_paths_are_read_only_inside_allowed_roots(project: Path, tmp_path: Path) -> None:
    inside = look(project, str(project / "images" / "x.jpg"))
    assert (inside.found, inside.absolute) == (True, True)
    outside = look(project, str(tmp_path / "secret.jpg"))
    assert (outside.found, outside.absolute, outside.skipped) == (None, True, "outside the allowed roots")
    assert look(project, str(tmp_path / "secret.jpg"), allowed=(tmp_path,)).found


@pytest.mark.parametrize(
    "source", ["https://a.org/x.jpg", "s3://bucket/x.jpg", "file:///etc/passwd", "data:image/png;base64,AA"]
)
def test_urls_are_not_looked_at(project: Path, source: str) -> None:
    assert look(project, source).skipped == "a URL"


def test_ids_are_looked_up_below_a_media_root_only(project: Path) -> None:
    (project / "clips").mkdir()
    (project / "clips" / "v_1.mkv").write_bytes(b"x")
    assert look(project, "v_1", is_id=True, kind="video").skipped == "no media root is given"
    found = look(project, "v_1", is_id=True, kind="video", media_root=project / "clips")
    assert found.path == str(project / "clips" / "v_1.mkv")
    assert look(project, "v_2", is_id=True, kind="video", media_root=project / "clips").found is False


def test_a_media_root_stands_in_for_all_other_places(project: Path) -> None:
    root = project / "images"
    assert look(project, "x.jpg", media_root=root).found
    assert look(project, "images/x.jpg", media_root=root).found is False


def test_odd_names_do_no_harm(project: Path) -> None:
    assert look(project, "a\0b.jpg").found is False
    assert look(project, "x" * 5000).found is False
    assert look(project, "").found is None
