"""What `probe` says of pictures, WAVs, arrays and things that are no media; and that nothing makes it raise."""

from __future__ import annotations

import gzip
import io
import os
import random
import struct
import warnings
import wave
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmcheck.probe import DEFECTS, Facts, Limits, probe

RNG = np.random.default_rng(7)


def picture(width: int = 96, height: int = 64, mode: str = "RGB") -> Image.Image:
    """Something like a photograph: smooth, with some noise."""
    ramp = np.linspace(0, 200, width)[None, :, None] + np.linspace(0, 40, height)[:, None, None]
    pixels = ramp + np.array([0, 8, 15]) + RNG.integers(-9, 10, (height, width, 3))
    return Image.fromarray(pixels.clip(0, 255).astype("uint8")).convert(mode)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)  # type: ignore[arg-type]
    return buffer.getvalue()


def animated(kind: str, frames: int = 4) -> bytes:
    first, *rest = [picture(40 + 0 * n, 30) for n in range(frames)]
    return saved(first, kind, save_all=True, append_images=rest, duration=100)


def wav(seconds: float = 0.1, rate: int = 8000) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(RNG.integers(-9000, 9000, int(seconds * rate)).astype("<i2").tobytes())
    return buffer.getvalue()


def npy(array: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def nifti() -> bytes:
    head = bytearray(352)
    struct.pack_into("<i", head, 0, 348)
    struct.pack_into("<8h", head, 40, 3, 5, 6, 7, 1, 1, 1, 1)
    struct.pack_into("<hh", head, 70, 16, 32)
    struct.pack_into("<f", head, 108, 352)
    head[344:348] = b"n+1\0"
    return bytes(head) + bytes(5 * 6 * 7 * 4)


def chunk(tag: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + tag + data + struct.pack(">I", zlib.crc32(tag + data))


def chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    found, at = [], 8
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        found.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    return found


def assembled(parts: list[tuple[bytes, bytes]]) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*each) for each in parts)


SAMPLES: dict[str, Callable[[], bytes]] = {
    "photo.jpg": lambda: saved(picture(), "JPEG"),
    "progressive.jpg": lambda: saved(picture(), "JPEG", progressive=True),
    "restarts.jpg": lambda: saved(picture(), "JPEG", restart_marker_rows=1),
    "grey.jpeg": lambda: saved(picture(mode="L"), "JPEG"),
    "cmyk.jpg": lambda: saved(picture(mode="CMYK"), "JPEG"),
    "several.jpg": lambda: saved(picture(), "MPO", save_all=True, append_images=[picture()]),
    "plain.png": lambda: saved(picture(), "PNG"),
    "palette.png": lambda: saved(picture(mode="P"), "PNG"),
    "bits.png": lambda: saved(picture(mode="1"), "PNG"),
    "deep.png": lambda: saved(Image.fromarray(np.arange(6000, dtype="uint16").reshape(60, 100)), "PNG"),
    "moving.png": lambda: animated("PNG"),
    "still.gif": lambda: saved(picture(), "GIF"),
    "moving.gif": lambda: animated("GIF"),
    "still.webp": lambda: saved(picture(), "WEBP"),
    "moving.webp": lambda: animated("WEBP"),
    "plain.bmp": lambda: saved(picture(), "BMP"),
    "plain.tiff": lambda: saved(picture(), "TIFF"),
    "packed.tif": lambda: saved(picture(), "TIFF", compression="tiff_lzw"),
    "pages.tiff": lambda: animated("TIFF"),
    "icon.ico": lambda: saved(picture(64, 64), "ICO"),
    "plain.ppm": lambda: saved(picture(), "PPM"),
    "plain.tga": lambda: saved(picture(), "TGA"),
    "plain.jp2": lambda: saved(picture(), "JPEG2000"),
    "plain.avif": lambda: saved(picture(), "AVIF"),
    "tone.wav": wav,
    "volume.npy": lambda: npy(np.ones((4, 5, 6), "float32")),
    "volume.nii": nifti,
    "volume.nii.gz": lambda: gzip.compress(nifti()),
}


@pytest.fixture(scope="module")
def samples() -> dict[str, bytes]:
    return {name: make() for name, make in SAMPLES.items()}


def verdict(facts: Facts) -> str:
    if facts.defect is None and facts.later_defect is not None:
        return "fine-first-frame"
    return facts.defect or "fine"


@pytest.mark.parametrize("name", SAMPLES)
def test_sound_media_are_fine_from_files_and_from_bytes(name: str, samples: dict[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(samples[name])
    facts = probe(path)
    assert verdict(facts) == "fine", facts
    assert facts.decoded
    assert facts.extension_matches is True
    assert facts.bytes == len(samples[name])
    assert probe(samples[name], name=name) == facts
    assert probe(memoryview(samples[name]), name=name) == facts
    header = probe(path, depth="header")
    assert (header.defect, header.decoded) == (None, False)
    assert (header.container, header.width, header.height) == (facts.container, facts.width, facts.height)


@pytest.mark.parametrize(
    ("name", "container", "mode", "frames"),
    [
        ("photo.jpg", "jpeg", "RGB", 1),
        ("grey.jpeg", "jpeg", "L", 1),
        ("cmyk.jpg", "jpeg", "CMYK", 1),
        ("several.jpg", "mpo", "RGB", 1),
        ("plain.png", "png", "RGB", 1),
        ("deep.png", "png", "I;16", 1),
        ("moving.png", "png", "RGB", 4),
        ("moving.gif", "gif", "P", 4),
        ("moving.webp", "webp", "RGB", 4),
        ("pages.tiff", "tiff", "RGB", 4),
        ("tone.wav", "wav", "pcm16", 800),
        ("volume.npy", "npy", "float32", 4),
        ("volume.nii.gz", "nifti", "float32", 7),
    ],
)
def test_facts(name: str, container: str, mode: str, frames: int, samples: dict[str, bytes]) -> None:
    facts = probe(samples[name])
    assert (facts.container, facts.mode, facts.frames) == (container, mode, frames)


def test_an_animation_has_a_duration(samples: dict[str, bytes]) -> None:
    assert probe(samples["moving.gif"]).duration == pytest.approx(0.4)
    assert probe(samples["still.gif"]).duration is None


@pytest.mark.parametrize("name", [name for name in SAMPLES if not name.endswith((".jp2", ".tga"))])
def test_a_file_cut_in_the_middle_is_truncated(name: str, samples: dict[str, bytes]) -> None:
    data = samples[name]
    facts = probe(data[: len(data) // 2], name=name)
    if name == "several.jpg":
        facts = probe(data[: len(data) // 4], name=name)
    if name.startswith(("moving", "pages")) and not name.endswith(".webp"):
        assert verdict(facts) in ("fine-first-frame", "truncated"), facts
    else:
        assert facts.defect == "truncated", facts
    assert facts.detail or facts.later_defect


def test_the_second_picture_of_an_mpo_may_be_missing(samples: dict[str, bytes]) -> None:
    data = samples["several.jpg"]
    assert verdict(probe(data[: len(data) - 300])) == "fine"


@pytest.mark.parametrize("name", ["photo.jpg", "progressive.jpg", "restarts.jpg"])
def test_a_jpeg_says_how_much_of_it_is_there(name: str, samples: dict[str, bytes]) -> None:
    facts = probe(samples[name][:-2])
    assert facts.defect == "truncated"
    assert "bytes of its scan" in (facts.detail or "")
    assert probe(samples[name] + b"anything may follow").defect is None


def test_zeroed_blocks_in_a_jpeg_are_corrupt() -> None:
    data = bytearray(saved(picture(480, 360), "JPEG"))
    data[len(data) // 2 : len(data) // 2 + 512] = bytes(512)
    assert probe(bytes(data)).defect == "corrupt"


def test_damage_in_one_restart_interval_is_corrupt() -> None:
    data = bytearray(saved(picture(480, 360), "JPEG", restart_marker_rows=1))
    data[len(data) // 2 : len(data) // 2 + 300] = bytes(300)
    assert probe(bytes(data)).defect == "corrupt"


def test_a_little_padding_before_the_end_of_a_jpeg_is_fine(samples: dict[str, bytes]) -> None:
    data = samples["photo.jpg"]
    assert probe(data[:-2] + bytes(2) + data[-2:]).defect is None
    assert probe(data[:-2] + bytes(200) + data[-2:]).defect == "corrupt"


def test_bad_exif_is_fine() -> None:
    exif = b"Exif\0\0II*\0" + bytes(range(200))
    assert probe(saved(picture(), "JPEG", exif=exif)).defect is None


class TestPng:
    def test_a_wrong_checksum_is_corrupt(self, samples: dict[str, bytes]) -> None:
        data = bytearray(samples["plain.png"])
        data[-13] ^= 1  # within the checksum of the last IDAT
        facts = probe(bytes(data))
        assert facts.defect == "corrupt"
        assert "checksum" in (facts.detail or "")

    def test_without_its_end_it_is_truncated(self, samples: dict[str, bytes]) -> None:
        assert probe(samples["plain.png"][:-12]).defect == "truncated"

    def test_a_picture_with_too_few_rows_is_corrupt(self, samples: dict[str, bytes]) -> None:
        parts = chunks(samples["plain.png"])
        pixels = zlib.decompress(b"".join(data for tag, data in parts if tag == b"IDAT"))
        short = [(tag, data) for tag, data in parts if tag != b"IDAT"]
        short.insert(-1, (b"IDAT", zlib.compress(pixels[:-50])))
        assert probe(assembled(short)).defect == "corrupt"

    def test_an_unknown_row_filter_is_corrupt(self) -> None:
        head = struct.pack(">IIBBBBB", 10, 10, 8, 2, 0, 0, 0)
        for bad in range(10):
            rows = b"".join(bytes([9 if row == bad else row % 5]) + bytes(30) for row in range(10))
            data = assembled([(b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")])
            assert probe(data).defect == "corrupt"

    @pytest.mark.parametrize("size", [(1, 1), (3, 2), (8, 8), (13, 7), (64, 33)])
    def test_interlaced_pictures_are_measured_as_pillow_does(self, size: tuple[int, int]) -> None:
        # Pillow writes no interlaced PNG; it reads them, so an all-zero one shows that the passes add up.
        width, height = size
        steps = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
        rows = b""
        for left, top, right, down in steps:
            columns, lines = len(range(left, width, right)), len(range(top, height, down))
            rows += (bytes(1 + columns * 3) * lines) if columns else b""
        head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 1)
        data = assembled([(b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")])
        Image.open(io.BytesIO(data)).load()
        assert probe(data).defect is None
        short = assembled([(b"IHDR", head), (b"IDAT", zlib.compress(rows[:-1])), (b"IEND", b"")])
        assert probe(short).defect == "corrupt"

    def test_a_huge_chunk_claimed_by_a_small_file(self, samples: dict[str, bytes]) -> None:
        data = samples["plain.png"][:33] + struct.pack(">I", 0x7FFFFFFF) + b"tEXt" + bytes(12)
        for depth in ("header", "decode"):
            facts = probe(data, depth=depth)  # type: ignore[arg-type]
            assert facts.defect == "truncated"
            assert "2,147,483,647" in (facts.detail or "")

    @pytest.mark.parametrize("tag", [b"zTXt", b"iCCP", b"iTXt"])
    @pytest.mark.parametrize("after", [1, -1])
    def test_texts_and_profiles_that_unfold_are_bombs(self, tag: bytes, after: int, samples: dict[str, bytes]) -> None:
        packed = zlib.compress(bytes(40 << 20))
        body = b"k\0\1\0\0\0" + packed if tag == b"iTXt" else b"k\0\0" + packed
        parts = chunks(samples["plain.png"])
        parts.insert(after, (tag, body))
        assert probe(assembled(parts)).defect == "bomb"

    def test_a_broken_later_frame(self, samples: dict[str, bytes]) -> None:
        parts = chunks(samples["moving.png"])
        last = max(n for n, (tag, _) in enumerate(parts) if tag == b"fdAT")
        whole = assembled(parts)
        damaged = whole[:-30] + bytes([whole[-30] ^ 255]) + whole[-29:]
        facts = probe(damaged)
        assert verdict(facts) == "fine-first-frame"
        assert "checksum" in (facts.later_defect or "")
        assert verdict(probe(assembled(parts[:last] + parts[last + 1 :]))) == "fine-first-frame"

    @pytest.mark.parametrize("damage", [b"\x89PNG\n\x1a\n", b"\x89PNG\r\r\n\x1a\r\n", b"\xef\xbf\xbdPNG\r\n\x1a\n"])
    def test_a_text_mode_transfer_is_named(self, damage: bytes, samples: dict[str, bytes]) -> None:
        facts = probe(damage + samples["plain.png"][8:], kind="image")
        assert facts.defect == "not-media"
        assert "text-mode transfer" in (facts.detail or "")


def test_a_broken_later_frame_of_a_gif(samples: dict[str, bytes]) -> None:
    facts = probe(samples["moving.gif"][:-800])
    assert verdict(facts) == "fine-first-frame"
    assert probe(samples["moving.gif"][:-1]).later_defect is not None  # its trailer is missing
    assert probe(samples["still.gif"][:-1]).later_defect is None


class TestBombs:
    LIMITS = Limits(max_pixels=1000)

    @pytest.mark.parametrize("name", [name for name in SAMPLES if not name.endswith((".wav", ".npy", ".nii", ".gz"))])
    @pytest.mark.parametrize("depth", ["header", "decode"])
    def test_more_pixels_than_the_limit(self, name: str, depth: str, samples: dict[str, bytes]) -> None:
        facts = probe(samples[name], name=name, limits=self.LIMITS, depth=depth)  # type: ignore[arg-type]
        assert facts.defect == "bomb"
        assert "1,000" in (facts.detail or "")

    def test_only_the_second_frame_is_one(self) -> None:
        data = saved(picture(20, 20), "TIFF", save_all=True, append_images=[picture(60, 60)])
        assert probe(data, limits=self.LIMITS).defect == "bomb"

    def test_a_gif_of_a_few_bytes(self) -> None:
        data = b"GIF89a" + struct.pack("<HH", 65535, 65535) + b"\0\0\0" + b",\0\0\0\0\1\0\1\0\0\2\2D\1\0;"
        assert probe(data).defect == "bomb"
        assert probe(data, depth="header").defect == "bomb"

    def test_too_many_frames(self, samples: dict[str, bytes]) -> None:
        for name in ("moving.gif", "moving.png", "moving.webp", "pages.tiff"):
            assert probe(samples[name], limits=Limits(max_frames=3)).defect == "bomb"
            assert probe(samples[name], limits=Limits(max_frames=4)).defect is None

    def test_no_time(self, samples: dict[str, bytes]) -> None:
        facts = probe(samples["moving.gif"], limits=Limits(max_media_seconds=-1))
        assert (facts.defect, "given up" in (facts.detail or "")) == ("bomb", True)

    def test_pillow_is_left_as_it_was(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
        data = saved(picture(), "GIF")
        before = list(warnings.filters)
        assert probe(data).defect is None  # more than Pillow would take, but not more than the limit
        assert Image.MAX_IMAGE_PIXELS == 1000
        assert list(warnings.filters) == before


class TestWav:
    def test_a_header_that_claims_more(self) -> None:
        data = wav()
        facts = probe(data[:-100])
        assert facts.defect == "truncated"
        assert "1,600" in (facts.detail or "")
        assert probe(data[:-100], depth="header").defect == "truncated"
        assert probe(data[:4] + struct.pack("<I", 9999) + data[8:]).defect == "truncated"

    def test_a_header_alone(self) -> None:
        data = wav(0)
        assert len(data) == 44
        assert probe(data).defect == "no-samples"

    def test_a_stream_of_unknown_length_is_fine(self) -> None:
        data = wav()
        data = data[:4] + b"\xff" * 4 + data[8:40] + b"\xff" * 4 + data[44:]
        assert (probe(data).defect, probe(data).frames) == (None, 800)

    @pytest.mark.parametrize(
        ("tag", "bits", "expected"), [(1, 24, None), (3, 32, None), (6, 8, None), (7, 8, None), (1, 36, "unsupported")]
    )
    def test_codecs(self, tag: int, bits: int, expected: str | None) -> None:
        form = struct.pack("<HHIIHH", tag, 1, 8000, 8000, -(-bits // 8), bits)
        body = b"WAVEfmt \x10\0\0\0" + form + b"data" + struct.pack("<I", 720) + bytes(720)
        assert probe(b"RIFF" + struct.pack("<I", len(body)) + body).defect == expected

    def test_big_endian_and_64_bits(self) -> None:
        form = struct.pack(">HHIIHH", 1, 1, 8000, 16000, 2, 16)
        body = b"WAVEfmt \0\0\0\x10" + form + b"data" + struct.pack(">I", 100) + bytes(100)
        facts = probe(b"RIFX" + struct.pack(">I", len(body)) + body)
        assert (facts.defect, facts.frames, facts.sample_rate) == (None, 50, 8000)
        form = struct.pack("<HHIIHH", 1, 1, 8000, 16000, 2, 16)
        long = struct.pack("<QQQI", 1000, 300, 150, 0)
        body = (
            b"WAVEds64" + struct.pack("<I", 28) + long + b"fmt \x10\0\0\0" + form + b"data\xff\xff\xff\xff" + bytes(100)
        )
        facts = probe(b"RF64\xff\xff\xff\xff" + body)
        assert (facts.defect, "300" in (facts.detail or "")) == ("truncated", True)


class TestArrays:
    def test_shapes_and_types(self) -> None:
        facts = probe(npy(np.zeros((2, 3, 4, 5), "float32")), kind="3d_volume")
        assert (facts.kind, facts.frames, facts.height, facts.width, facts.mode) == ("array", 3, 4, 5, "float32")
        facts = probe(npy(np.zeros(9, "float32")), kind="signal")
        assert (facts.height, facts.width) == (None, 9)

    def test_flaws(self) -> None:
        data = npy(np.zeros((30, 40), "float32"))
        assert probe(data[:-1]).defect == "truncated"
        assert probe(data[:60]).defect == "truncated"
        assert probe(npy(np.zeros((0, 4), "float32"))).defect == "no-samples"
        assert probe(data[:10] + b"(" + data[11:]).defect == "corrupt"
        buffer = io.BytesIO()
        np.save(buffer, np.array([{}], dtype=object), allow_pickle=True)
        assert probe(buffer.getvalue()).defect == "unsupported"

    def test_archives_of_arrays(self) -> None:
        buffer = io.BytesIO()
        np.savez_compressed(buffer, a=np.ones((30, 40)), b=np.arange(7))
        data = buffer.getvalue()
        facts = probe(data, kind="signal", name="x.npz")
        assert (facts.container, facts.defect, facts.extension_matches) == ("npz", None, True)
        assert probe(data[:-200]).defect == "truncated"
        damaged = data[:100] + bytes(30) + data[130:]
        assert probe(damaged).defect == "corrupt"

    def test_volumes(self) -> None:
        facts = probe(nifti(), kind="image_3d", name="a.nii")
        assert (facts.width, facts.height, facts.frames) == (5, 6, 7)
        assert probe(nifti()[:-4]).defect == "truncated"
        assert probe(gzip.compress(nifti()[:-4])).defect == "truncated"
        assert probe(gzip.compress(nifti())[:-20], name="a.nii.gz").defect == "truncated"


class TestWhatIsNoMedium:
    @pytest.mark.parametrize(
        ("data", "words"),
        [
            (b"<!DOCTYPE html>\n<html><title>404</title>", "an HTML page, not an image"),
            (b'{"error": "not found"}', "a JSON document, not an image"),
            (b"just words, nothing else", "a text that begins “just words, nothing else”"),
            (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "AccessDenied"),
            (b"%PDF-1.7\n%\xe2\xe3", "a PDF document, not an image"),
            (b"PK\x03\x04" + bytes(60), "ZIP archive"),
            (b"\x1f\x8b\x08" + bytes(60), "gzip archive"),
            (bytes(3000), "zeros"),
            (b"\x01\x99\x88\x77\x66\x55", "no known container"),
            ("Grüße ".encode() * 2000, "a text that begins"),
        ],
    )
    def test_it_is_named(self, data: bytes, words: str) -> None:
        facts = probe(data, kind="image", name="a.jpg")
        assert facts.defect == "not-media"
        assert words in (facts.detail or "")
        assert probe(data, kind="image", depth="header").defect == "not-media"
        assert probe(data, kind="our_own_kind").defect == "unsupported"

    def test_a_pointer_of_git_lfs(self) -> None:
        data = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"
        for kind in ("image", "our_own_kind", None):
            facts = probe(data, kind=kind)
            assert (facts.defect, "git lfs pull" in (facts.detail or "")) == ("lfs-pointer", True)

    def test_empty_missing_and_not_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "empty.jpg").write_bytes(b"")
        os.mkfifo(tmp_path / "pipe.jpg")
        assert probe(tmp_path / "empty.jpg").defect == "empty"
        assert probe(b"").defect == "empty"
        assert probe(tmp_path / "absent.jpg").defect == "missing"
        assert probe(Path("nul\0byte.jpg")).defect == "missing"
        assert probe(tmp_path / "absent.jpg" / "x").defect == "missing"
        for name in ("pipe.jpg", "."):
            facts = probe(tmp_path / name)
            assert (facts.defect, "not a file" in (facts.detail or "")) == ("not-media", True)
        assert probe(Path("/dev/zero")).defect == "not-media"

    def test_another_kind_than_expected(self, samples: dict[str, bytes]) -> None:
        for name, kind, words in (
            ("tone.wav", "image", "a WAV recording, not an image"),
            ("photo.jpg", "audio", "a JPEG picture, not a sound file"),
            ("photo.jpg", "video", "a JPEG picture, not a video"),
            ("plain.png", "video", "not a video"),
            ("volume.npy", "image", "a NumPy array, not an image"),
        ):
            facts = probe(samples[name], kind=kind)
            assert facts.defect == "not-media"
            assert words in (facts.detail or "")
        for name in ("moving.gif", "moving.png", "moving.webp", "still.gif"):
            assert probe(samples[name], kind="video").defect is None
        for name in ("photo.jpg", "tone.wav", "volume.npy"):
            assert probe(samples[name], kind="our_own_kind").defect is None

    def test_what_pillow_does_not_read_is_unsupported(self) -> None:
        assert probe(b"<svg xmlns='http://www.w3.org/2000/svg'/>", kind="image").defect == "unsupported"
        assert probe(b"\0\0\0\x18ftypheic" + bytes(40), kind="image").defect == "unsupported"


@pytest.mark.parametrize(
    ("sample", "name", "matches"),
    [
        ("photo.jpg", "a.JPEG", True),
        ("photo.jpg", "a.png", False),
        ("plain.png", "a.jpg", False),
        ("several.jpg", "a.jpg", True),
        ("plain.tiff", "a.tif", True),
        ("photo.jpg", "a", None),
        ("photo.jpg", "a.b/c", None),
        ("photo.jpg", ".jpg", None),
        ("photo.jpg", "a.dat", None),
        ("volume.nii.gz", "a.nii.gz", True),
        ("tone.wav", "dir.mp3/a.wav", True),
    ],
)
def test_suffixes(sample: str, name: str, matches: bool | None, samples: dict[str, bytes]) -> None:
    assert probe(samples[sample], name=name).extension_matches is matches


def test_a_page_saved_as_a_picture_has_no_wrong_suffix() -> None:
    assert probe(b"<html>", name="a.jpg").extension_matches is None


@pytest.mark.parametrize("name", SAMPLES)
def test_nothing_raises(name: str, samples: dict[str, bytes]) -> None:
    """Cuts and flipped bits: always facts, always with words, and the same at every try."""
    data, dice = samples[name], random.Random(name)
    damaged = [data[:cut] for cut in (1, 2, 5, 12, 20, 40, 60, len(data) // 3, len(data) - 1)]
    for flips in (1, 1, 1, 2, 4, 8, 16, 64):
        changed = bytearray(data)
        for _ in range(flips):
            # Headers are short, and more of a file depends on them.
            end = len(data) if dice.random() < 0.5 else min(120, len(data))
            changed[dice.randrange(end)] ^= 1 << dice.randrange(8)
        damaged.append(bytes(changed))
    limits = Limits(max_pixels=2_000_000, max_frames=50, max_media_seconds=5)
    for each in damaged:
        for depth in ("header", "decode"):
            facts = probe(each, name=name, depth=depth, limits=limits)  # type: ignore[arg-type]
            assert facts.defect is None or facts.defect in DEFECTS
            assert (facts.defect is None) or facts.detail
            assert not (facts.decoded and facts.defect)
            assert "Traceback" not in (facts.detail or "") + (facts.later_defect or "")
