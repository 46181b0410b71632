"""Media of converted datasets: paths that lead from the target's folder to where they are, bytes, clips."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from mmcheck.checking import check
from mmcheck.convert import Inexpressible
from mmcheck.converting import convert_dataset
from mmcheck.errors import RequestError
from mmcheck.relocating import Relocator

DATASETS = Path(__file__).parent / "datasets"
PICTURE = DATASETS / "llava" / "good" / "odd-but-fine-images"
TALK = [{"from": "human", "value": "<image>\nWhat?"}, {"from": "gpt", "value": "A bus."}]


def lines(path: Path) -> list[Any]:
    """The records of a JSONL file."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A LLaVA file in a folder with two pictures."""
    folder = tmp_path / "source"
    (folder / "img").mkdir(parents=True)
    picture = next(path for path in sorted(DATASETS.rglob("*.png")) if check_png(path))
    shutil.copy(picture, folder / "img" / "a.png")
    shutil.copy(picture, folder / "b.png")
    images: list[Any] = ["img/a.png", "./b.png", ["img/a.png", "b.png"]]
    records = [
        {
            "id": number,
            "image": image,
            "conversations": [{**TALK[0], "value": "<image>" * (1 + (number == 2))}, TALK[1]],
        }
        for number, image in enumerate(images)
    ]
    (folder / "train.json").write_text(json.dumps(records), "utf-8")
    return folder / "train.json"


def check_png(path: Path) -> bool:
    """Whether a picture is a plain sound one."""
    data = path.read_bytes()
    return data.startswith(b"\x89PNG") and data.endswith(b"IEND\xaeB`\x82") and len(data) < 5_000


@pytest.mark.parametrize("to", ["data-juicer", "multimeditron", "llava"])
def test_a_dataset_in_another_folder_checks_clean(to: str, source: Path, tmp_path: Path) -> None:
    assert check(source).totals.errors == 0
    target = tmp_path / "other" / "there.jsonl"
    target.parent.mkdir()
    summary = convert_dataset(source, target, to=to, paths="relative")
    assert summary.paths == {"moved": 4}
    report = check(target, format=to)
    assert (report.totals.errors, report.totals.media) == (0, 4)


def test_what_comes_back_has_its_own_paths(source: Path, tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    there, back = tmp_path / "x" / "there.jsonl", tmp_path / "back.json"
    convert_dataset(source, there, to="data-juicer")
    assert lines(there)[1]["images"] == ["../source/./b.png"]
    convert_dataset(there, back, to="llava")
    assert json.loads(back.read_text()) == json.loads(source.read_text())
    # a path that was changed in between stays changed, as the target sees it
    made = lines(there)
    made[0]["images"] = ["../source/b.png"]
    there.write_text("".join(json.dumps(each) + "\n" for each in made))
    summary = convert_dataset(there, back, to="llava", paths="relative", overwrite=True)
    assert json.loads(back.read_text())[0]["image"] == "x/../source/b.png" and summary.paths == {"moved": 4}
    assert check(back).totals.errors == 0
    kept = convert_dataset(source, there, to="data-juicer", paths="keep", overwrite=True)
    assert lines(there)[0]["images"] == ["img/a.png"] and not kept.paths


def test_paths_that_lead_nowhere_or_too_far_stay(tmp_path: Path) -> None:
    near, far = tmp_path / "a" / "near", tmp_path / "b" / "c" / "d" / "e" / "far"
    for folder in (near, far):
        folder.mkdir(parents=True)
    (near / "a.jpg").write_bytes(b"x")
    place = Relocator(near / "x.json", near, far)
    for path in ("a.jpg", "no.jpg", "/abs/a.jpg", "C:\\a.jpg", "https://x/a.jpg", "", "../../../../etc/passwd"):
        assert place(path, "image", {}) == path
    assert place.counts == {"outside": 1, "missing": 2}
    assert Relocator(near / "x.json", near, tmp_path / "a")("a.jpg", "image", {}) == "near/a.jpg"
    assert Relocator(far / "x.json", far, tmp_path / "a", near)("a.jpg", "image", {}) == "near/a.jpg"


def test_senseless_requests_are_refused(source: Path, tmp_path: Path) -> None:
    for words, options in {
        "embed writes bytes into tables of multimeditron": {"media": "embed"},
        "llava has none": {"media": "extract"},
        "llava has no": {"cut_videos": True},
        "name a folder": {"shard_size": 1000},
    }.items():
        with pytest.raises(RequestError, match=words):
            convert_dataset(source, tmp_path / "x.jsonl", to="data-juicer", **options)  # type: ignore[arg-type]


def test_bytes_are_not_embedded_in_text(source: Path, tmp_path: Path) -> None:
    for name in ("x.jsonl", "x.json"):
        with pytest.raises(RequestError, match="has no place for bytes"):
            convert_dataset(source, tmp_path / name, to="multimeditron", media="embed")


def test_an_unsound_source_is_refused_where_asked(source: Path, tmp_path: Path) -> None:
    assert convert_dataset(source, tmp_path / "a.jsonl", to="data-juicer", check=True).exit_code == 0
    (source.parent / "b.png").unlink()
    summary = convert_dataset(source, tmp_path / "b.jsonl", to="data-juicer", check=True)
    assert summary.exit_code == 1 and "2 errors: MM020" in str(summary.stopped)
    assert not (tmp_path / "b.jsonl").exists()


def _video(path: Path, seconds: int, every: int) -> None:
    """A video of 10 frames a second, with a key frame every so many, each frame as bright as its number says."""
    av = pytest.importorskip("av")
    np = pytest.importorskip("numpy")
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=10, options={"g": str(every), "keyint_min": str(every), "bf": "2"})
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for number in range(10 * seconds):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 2 * number, np.uint8), format="rgb24")
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


def _frames(path: Path) -> list[float]:
    """How bright each frame is."""
    import av

    with av.open(str(path)) as file:
        return [float(frame.to_ndarray(format="gray").mean()) for frame in file.decode(video=0)]


def test_clips_are_cut_out_of_their_videos(tmp_path: Path) -> None:
    pytest.importorskip("av")
    (tmp_path / "videos").mkdir()
    _video(tmp_path / "videos" / "v.mp4", 10, 20)
    rows = [
        ("00:00:04.000", "00:00:06.000"),
        ("00:00:04.500", "00:00:05.500"),
        ("00:00:09", "00:00:08"),
        ("0:0:50", "0:1:0"),
    ]
    records = [
        {"YoutubeID": "videos/v.mp4", "Start_timestamp": start, "End_timestamp": end, "Caption": f"c{number}", "S": 1}
        for number, (start, end) in enumerate(rows)
    ]
    source = tmp_path / "clips.jsonl"
    source.write_text("".join(json.dumps(each) + "\n" for each in records))
    target = tmp_path / "there.jsonl"
    summary = convert_dataset(
        source, target, to="data-juicer", format="internvid", cut_videos=True, on_error="quarantine"
    )
    assert summary.clips == {"copied": 1, "encoded": 1}
    assert (summary.read, summary.written, summary.rejected) == (4, 2, 2)
    assert any("starts at 00:00:09" in reason for reason in summary.reasons)
    assert any("10.000 s long" in reason for reason in summary.reasons)
    made = lines(target)
    assert made[0]["videos"] == ["there_media/v_00:00:04.000_00:00:06.000.mp4"] and made[0]["is_cut"] is True
    source_frames = _frames(tmp_path / "videos" / "v.mp4")
    for record, (first, last) in zip(made, ((40, 60), (45, 55)), strict=True):
        frames = _frames(tmp_path / record["videos"][0])
        assert frames[: last - first] == pytest.approx(source_frames[first:last], abs=3)
        assert len(frames) <= last - first + 2
    assert check(target, format="data-juicer").totals.errors == 0
    convert_dataset(target, tmp_path / "back.jsonl", to="internvid")
    assert lines(tmp_path / "back.jsonl") == records[:2]


def test_a_clip_of_a_missing_video_is_rejected(tmp_path: Path) -> None:
    from mmcheck.clipping import Cutter

    cutter = Cutter(tmp_path, "", {}, None, tmp_path / "x.jsonl", tmp_path)
    times = {"Start_timestamp": "00:00:01", "End_timestamp": "00:00:02"}
    with pytest.raises(Inexpressible, match=r"no\.mp4 is missing"):
        cutter("no.mp4", "video", times)
    with pytest.raises(Inexpressible, match="no timestamp"):
        cutter("no.mp4", "video", {**times, "End_timestamp": "soon"})
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(Inexpressible, match="cannot be cut"):
        cutter("text.mp4", "video", times)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("text_")]


def test_a_folder_that_is_listed_gives_the_same_answers(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    for number in range(60):
        (tmp_path / "p" / f"{number}.jpg").write_bytes(b"x")
    (tmp_path / "p" / "there").symlink_to("0.jpg")
    (tmp_path / "p" / "nowhere").symlink_to("lost.jpg")
    place = Relocator(tmp_path / "t.json", tmp_path, tmp_path / "out")
    moved = [f"p/{number}.jpg" for number in range(60)] + ["p/there"]
    for source in moved:
        assert place(source, "image", {}) == "../" + source
    for source in ("p/nowhere", "p/lost.jpg", "p/60.jpg"):
        assert place(source, "image", {}) == source
    (tmp_path / "p" / "60.jpg").write_bytes(b"x")
    assert place("p/60.jpg", "image", {}) == "../p/60.jpg"
    assert place.counts == {"moved": 62, "missing": 3}
