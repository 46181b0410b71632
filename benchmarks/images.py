"""JPEGs by seed: distinct pictures with the statistics of photographs, and damage of four kinds."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFile

from benchmarks.records import SEED

Pixels = np.ndarray[Any, np.dtype[np.uint8]]

#: Width and height in pixels, as COCO has them.
SIZES = ((640, 480), (640, 480), (640, 427), (480, 640), (500, 375), (612, 612))
SIDE, TEXTURES = 1024, 8


@lru_cache(1)
def _textures() -> list[np.ndarray[Any, Any]]:
    """Noise whose spectrum falls as that of photographs does; every picture is a blend of cuts from it."""
    rng = np.random.default_rng(SEED)
    radius = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE)[None, :])
    radius[0, 0] = 1
    found = []
    for number in range(TEXTURES):
        noise = rng.standard_normal(radius.shape) + 1j * rng.standard_normal(radius.shape)
        texture = np.fft.irfft2(noise / radius ** (1.1 + 0.07 * number), s=(SIDE, SIDE))
        found.append((texture / texture.std()).astype(np.float32))
    return found


def pixels(number: int) -> Pixels:
    """Picture `number`: height × width × 3, 8 bits."""
    rng = np.random.default_rng([SEED, number])
    width, height = SIZES[number % len(SIZES)]

    def cut() -> np.ndarray[Any, Any]:
        top, left = rng.integers(0, SIDE - height), rng.integers(0, SIDE - width)
        return _textures()[rng.integers(TEXTURES)][top : top + height, left : left + width]

    light, colour = cut() + 0.7 * cut()[::-1], cut()
    channels = [rng.uniform(70, 180) + rng.uniform(20, 45) * light + rng.uniform(-25, 25) * colour for _ in range(3)]
    image = Image.fromarray(np.clip(np.stack(channels, axis=-1), 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for _ in range(rng.integers(1, 5)):
        x, y, w, h = rng.integers(0, (width, height, width // 3, height // 3))
        shape = draw.ellipse if rng.random() < 0.5 else draw.rectangle
        shape([int(x), int(y), int(x + w), int(y + h)], fill=tuple(int(v) for v in rng.integers(0, 256, 3)))
    return np.asarray(image)


def jpeg(number: int) -> bytes:
    """Picture `number` as a baseline JPEG with colour at half resolution, as cameras write them."""
    out = io.BytesIO()
    Image.fromarray(pixels(number)).save(out, "JPEG", quality=(75, 80, 85, 90)[number % 4], subsampling=2)
    return out.getvalue()


#: How the sound pictures of the detection test are written, one after the other: what a web crawl brings.
WRITERS: tuple[dict[str, Any], ...] = (
    {"quality": 85},
    {"quality": 92, "subsampling": 0},
    {"quality": 80, "progressive": True},
    {"quality": 75, "optimize": True},
    {"quality": 85, "restart_marker_blocks": 16},
    {"quality": 88, "exif": b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0"},
    {"quality": 85, "mode": "L"},
    {"quality": 85, "mode": "CMYK"},
)


def sound(number: int) -> bytes:
    """A sound JPEG of one of the kinds of `WRITERS`."""
    options = dict(WRITERS[number % len(WRITERS)])
    image, out = Image.fromarray(pixels(1_000_000 + number)), io.BytesIO()
    mode = options.pop("mode", "RGB")
    image.convert(mode).save(out, "JPEG", **options)
    return out.getvalue()


def _truncated(data: bytearray, scan: int, rng: np.random.Generator) -> None:
    del data[int(rng.uniform(0.2, 0.97) * len(data)) :]


def _flipped(data: bytearray, scan: int, rng: np.random.Generator) -> None:
    for _ in range(rng.integers(1, 12)):
        data[rng.integers(scan, len(data) - 2)] ^= 1 << int(rng.integers(8))


def _zeroed(data: bytearray, scan: int, rng: np.random.Generator) -> None:
    length = int(rng.integers(256, 4096))
    start = int(rng.integers(scan, max(len(data) - length - 2, scan + 1)))
    data[start : start + length] = bytes(len(data[start : start + length]))


def _header(data: bytearray, scan: int, rng: np.random.Generator) -> None:
    for _ in range(rng.integers(1, 6)):
        data[rng.integers(2, scan)] = int(rng.integers(256))


DAMAGE: dict[str, Callable[[bytearray, int, np.random.Generator], None]] = {
    "truncated": _truncated,
    "bit flips": _flipped,
    "zeroed block": _zeroed,
    "header damage": _header,
}


def damaged(number: int, kind: str) -> tuple[bytes, bool]:
    """Picture `number` with damage of that kind, and whether one sees it."""
    whole = jpeg(2_000_000 + number)
    data = bytearray(whole)
    DAMAGE[kind](data, _scan(whole), np.random.default_rng([SEED, number, *kind.encode()]))
    return bytes(data), visibly(whole, bytes(data))


def _scan(data: bytes) -> int:
    """Where the entropy-coded bytes begin."""
    at = 2
    while data[at + 1] != 0xDA:
        at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return at + 2 + int.from_bytes(data[at + 2 : at + 4])


def visibly(whole: bytes, damaged: bytes) -> bool:
    """Whether a forgiving viewer shows another picture, or none.

    Another: other sides, or more than 0.1 % of the pixels differ by more than 16 of 255 levels in a channel.
    """
    forgiving, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, True
    try:
        with Image.open(io.BytesIO(damaged)) as image:
            shown = np.asarray(image.convert("RGB"), dtype=np.int16)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return True
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = forgiving
    with Image.open(io.BytesIO(whole)) as image:
        wanted = np.asarray(image.convert("RGB"), dtype=np.int16)
    if shown.shape != wanted.shape:
        return True
    return bool((np.abs(shown - wanted).max(axis=-1) > 16).mean() > 0.001)
