"""Sound and video: sound ones in every usual container, and what is missing or broken in damaged ones."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mmcheck.probe import DEFECTS, Limits, probe

av = pytest.importorskip("av")

RNG = np.random.default_rng(11)


def video(path: Path, codec: str = "libx264", frames: int = 40, sound: bool = False, **options: str) -> None:
    """A clip of noise, with a key frame every ten frames."""
    with av.open(str(path), "w", options=options) as file:
        stream = file.add_stream(codec, rate=20)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = 96, 64, "yuv420p", 10
        voice = file.add_stream("aac", rate=16000, layout="mono") if sound else None
        for _ in range(frames):
            picture = RNG.integers(0, 255, (64, 96, 3)).astype("uint8")
            file.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        file.mux(stream.encode())
        if voice is not None:
            speak(file, voice, 16000, frames / 20)


def audio(path: Path, codec: str, rate: int = 16000, seconds: float = 1.5, kind: str | None = None) -> None:
    with av.open(str(path), "w", format=kind) as file:
        speak(file, file.add_stream(codec, rate=rate, layout="mono"), rate, seconds)


def speak(file: object, stream: object, rate: int, seconds: float) -> None:
    wanted = stream.codec_context  # type: ignore[attr-defined]
    fit = av.AudioResampler(wanted.format.name, "mono", rate, frame_size=wanted.frame_size or None)
    sound = RNG.integers(-5000, 5000, (1, int(rate * seconds))).astype("int16")
    for at in range(0, sound.shape[1], 4000):
        frame = av.AudioFrame.from_ndarray(sound[:, at : at + 4000], format="s16", layout="mono")
        frame.rate, frame.pts = rate, at
        for each in fit.resample(frame):
            file.mux(stream.encode(each))  # type: ignore[attr-defined]
    for each in fit.resample(None):
        file.mux(stream.encode(each))  # type: ignore[attr-defined]
    file.mux(stream.encode())  # type: ignore[attr-defined]


FRAGMENTS = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}

VIDEOS: dict[str, Callable[[Path], None]] = {
    "plain.mp4": video,
    "index_first.mp4": lambda path: video(path, movflags="faststart"),
    "fragments.mp4": lambda path: video(path, **FRAGMENTS),
    "spoken.mp4": lambda path: video(path, sound=True),
    "old.mov": lambda path: video(path, "mpeg4"),
    "plain.mkv": video,
    "plain.webm": lambda path: video(path, "libvpx-vp9", 20),
    "plain.avi": lambda path: video(path, "mpeg4"),
    "plain.ts": video,
    "plain.flv": video,
}

SOUNDS: dict[str, Callable[[Path], None]] = {
    "plain.flac": lambda path: audio(path, "flac"),
    "plain.mp3": lambda path: audio(path, "libmp3lame"),
    "plain.opus": lambda path: audio(path, "libopus", 48000),
    "plain.m4a": lambda path: audio(path, "aac"),
    "plain.aac": lambda path: audio(path, "aac", kind="adts"),
    "plain.aiff": lambda path: audio(path, "pcm_s16be"),
    "plain.au": lambda path: audio(path, "pcm_s16be"),
    "packed.wav": lambda path: audio(path, "adpcm_ima_wav"),
}

ALL = VIDEOS | SOUNDS


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("media")
    for name, make in ALL.items():
        make(folder / name)
    return {name: folder / name for name in ALL}


@pytest.mark.parametrize("name", VIDEOS)
def test_sound_videos(name: str, samples: dict[str, Path]) -> None:
    facts = probe(samples[name], kind="video")
    assert (facts.defect, facts.decoded, facts.kind, facts.extension_matches) == (None, True, "video", True), facts
    assert (facts.width, facts.height) == (96, 64)
    assert facts.frames == (20 if name.endswith(".webm") else 40)
    assert facts.duration == pytest.approx(facts.frames / 20, abs=0.15)
    assert probe(samples[name].read_bytes(), name=name, kind="video") == facts
    header = probe(samples[name], kind="video", depth="header")
    assert (header.defect, header.decoded, header.width, header.height) == (None, False, 96, 64)


@pytest.mark.parametrize("name", SOUNDS)
def test_sound_recordings(name: str, samples: dict[str, Path]) -> None:
    facts = probe(samples[name], kind="audio")
    assert (facts.defect, facts.decoded, facts.kind, facts.extension_matches) == (None, True, "audio", True), facts
    assert facts.sample_rate == (48000 if name.endswith(".opus") else 16000)
    assert facts.duration == pytest.approx(1.5, abs=0.15)
    header = probe(samples[name], kind="audio", depth="header")
    assert (header.defect, header.sample_rate) == (None, facts.sample_rate)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("share", [0.3, 0.75, 0.95])
def test_a_cut_file_is_truncated(name: str, share: float, samples: dict[str, Path]) -> None:
    data = samples[name].read_bytes()
    facts = probe(data[: int(len(data) * share)], name=name)
    assert facts.defect == "truncated", facts
    assert facts.detail


@pytest.mark.parametrize("name", [name for name in VIDEOS if not name.endswith((".webm", "spoken.mp4"))])
def test_a_hole_in_a_video_is_corrupt(name: str, samples: dict[str, Path]) -> None:
    data = bytearray(samples[name].read_bytes())
    # As large as some frames: of a small hole most codecs make something.
    data[len(data) // 2 : len(data) // 2 + 12_000] = bytes(12_000)
    facts = probe(bytes(data))
    assert facts.defect == "corrupt", facts


@pytest.mark.parametrize("name", ["plain.flac", "plain.mp3", "plain.opus"])
def test_a_hole_in_a_recording_is_corrupt(name: str, samples: dict[str, Path]) -> None:
    data = bytearray(samples[name].read_bytes())
    data[len(data) // 2 : len(data) // 2 + 300] = bytes(300)
    assert probe(bytes(data)).defect == "corrupt"


def test_the_head_of_a_stream_has_no_samples(samples: dict[str, Path]) -> None:
    data = samples["fragments.mp4"].read_bytes()
    facts = probe(data[: data.index(b"moof") - 4])
    assert facts.defect == "no-samples"
    # And a segment without its head is not whole.
    assert probe(data[data.index(b"moof") - 4 :]).defect == "truncated"


def test_a_clip_with_an_edit_list_is_fine(samples: dict[str, Path], tmp_path: Path) -> None:
    """What `ffmpeg -ss … -c copy` makes: packets before the first frame to show are kept and hidden."""
    target = tmp_path / "clip.mp4"
    with av.open(str(samples["plain.mp4"])) as source, av.open(str(target), "w") as file:
        stream = source.streams.video[0]
        copy = file.add_stream_from_template(stream)
        shift = int(0.8 / stream.time_base)
        for packet in source.demux(stream):
            if packet.dts is not None and packet.pts >= shift * 5 // 8:
                packet.pts, packet.dts, packet.stream = packet.pts - shift, packet.dts - shift, copy
                file.mux(packet)
    assert probe(target).defect is None


def test_a_film_too_long_to_decode_is_no_defect(samples: dict[str, Path]) -> None:
    facts = probe(samples["plain.mkv"], limits=Limits(max_frames=10))
    assert (facts.defect, facts.decoded) == (None, False)
    assert facts.detail == "only the first 10 of 40 frames were decoded"
    data = samples["plain.mp4"].read_bytes()
    assert probe(data, limits=Limits(max_frames=10)).decoded is False
    assert probe(data, limits=Limits(max_pixels=1000)).defect == "bomb"


def test_another_kind_than_expected(samples: dict[str, Path]) -> None:
    for name, kind, words in (
        ("plain.mp4", "image", "an MP4 file, not an image"),
        ("plain.mp4", "audio", "holds no sound, not a sound file"),
        ("plain.m4a", "video", "holds sound and no pictures, not a video"),
        ("plain.flac", "image", "a FLAC recording, not an image"),
    ):
        facts = probe(samples[name], kind=kind)
        assert facts.defect == "not-media"
        assert words in (facts.detail or "")
    facts = probe(samples["spoken.mp4"], kind="audio")
    assert (facts.defect, facts.kind, facts.sample_rate) == (None, "audio", 16000)
    assert probe(samples["spoken.mp4"]).kind == "video"
    assert probe(samples["plain.mp4"], kind="our_own_kind").defect is None


def test_a_playlist_opens_nothing(tmp_path: Path, samples: dict[str, Path]) -> None:
    for text in (
        f"#EXTM3U\n#EXTINF:1,\n{samples['plain.ts']}\n",
        f"ffconcat version 1.0\nfile {samples['plain.mp4']}\n",
    ):
        path = tmp_path / "list.mp4"
        path.write_text(text)
        assert probe(path, kind="video").defect == "not-media"


def test_without_pyav_it_says_what_to_install(samples: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    for name in ("plain.mp4", "plain.opus"):
        facts = probe(samples[name])
        assert facts.defect == "unsupported"
        assert "mmcheck-datasets[av]" in (facts.detail or "")
        assert probe(samples[name].read_bytes()[:-100]).defect == "truncated"
    assert probe(samples["plain.m4a"], kind="audio").defect == "unsupported"


def test_nothing_is_printed(samples: dict[str, Path], capfd: pytest.CaptureFixture[str]) -> None:
    data = samples["plain.mp4"].read_bytes()
    probe(data[:400] + bytes(400) + data[800:])
    probe(samples["plain.mp3"].read_bytes()[:3000])
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ALL)
def test_nothing_raises(name: str, samples: dict[str, Path]) -> None:
    data, dice = samples[name].read_bytes(), random.Random(name)
    damaged = [data[:cut] for cut in (8, 30, 100, 500)]
    for flips in (1, 4, 16):
        changed = bytearray(data)
        for _ in range(flips):
            changed[dice.randrange(len(data) if dice.random() < 0.5 else min(400, len(data)))] ^= 1 << dice.randrange(8)
        damaged.append(bytes(changed))
    for each in damaged:
        facts = probe(each, name=name, limits=Limits(max_media_seconds=5))
        assert facts.defect is None or (facts.defect in DEFECTS and facts.detail)
        assert not (facts.decoded and facts.defect)
