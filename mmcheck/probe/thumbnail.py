"""A small picture of an image that decodes, for reports: encoded anew, so that only the pixels of the file are kept."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

#: Longest side in pixels, and what is too large to be looked at for a thumbnail.
SIDE, MOST_BYTES, MOST_PIXELS = 144, 64 * 2**20, 50_000_000
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")


def serve(path: Path) -> Iterator[bytes | None]:
    """What a light child process does with a path."""
    yield thumbnail(path)


def thumbnail(path: Path) -> bytes | None:
    """The first frame as JPEG, at most `SIDE` pixels on a side; None where it does not decode or is too large."""
    try:
        if not path.is_file() or path.stat().st_size > MOST_BYTES:
            return None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=FORMATS) as image:
                if image.width * image.height > MOST_PIXELS:
                    return None
                image.draft("RGB", (SIDE * 2, SIDE * 2))
                image.thumbnail((SIDE, SIDE))
                small = Image.new("RGB", image.size, "white")
                rgba = image.convert("RGBA")
                small.paste(rgba, mask=rgba.getchannel("A"))
                out = io.BytesIO()
                small.save(out, "JPEG", quality=70, optimize=True)
    except Exception:  # Pillow raises many kinds; an image that does not decode has no thumbnail
        return None
    return out.getvalue()
