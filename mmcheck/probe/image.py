"""Pictures by Pillow: all formats that have no decoder of their own here, and every frame of those that move."""

from __future__ import annotations

import importlib
import re
from typing import BinaryIO

from PIL import Image, ImageFile

from mmcheck.probe.boxes import structure_fault
from mmcheck.probe.calm import calm
from mmcheck.probe.facts import Depth, Facts
from mmcheck.probe.medium import Medium
from mmcheck.probe.verdict import bomb, flawed, the, words_of

# Plugins by name, not `Image.open`: that tries one driver after the other on damaged files, imports twenty of them
# for it, and judges bombs by itself.
_PLUGINS = {
    "jpeg": "Jpeg", "png": "Png", "gif": "Gif", "webp": "WebP", "bmp": "Bmp", "tiff": "Tiff", "ico": "Ico",
    "cur": "Cur", "icns": "Icns", "ppm": "Ppm", "jp2": "Jpeg2K", "avif": "Avif", "psd": "Psd", "dds": "Dds",
    "qoi": "Qoi", "pcx": "Pcx", "sgi": "Sgi", "tga": "Tga", "xbm": "Xbm", "xpm": "Xpm",
}  # fmt: skip

#: Formats that tell the number of their frames when opened; of the others it is found by walking to the end.
_COUNTED = frozenset({"webp", "png", "avif"})
_WALKED = frozenset({"gif", "tiff"})

_TRUNCATED = ("truncated", "unexpected end", "not enough", "eof", "not large enough", "no more data", "short read")
_UNSUPPORTED = ("unsupported", "not supported", "cannot handle", "not implemented", "not available")


def look_image(medium: Medium, container: str, depth: Depth | None = None) -> Facts:
    """A picture in one of the containers that Pillow reads; `depth` where it is another than the medium's."""
    depth = depth or medium.depth
    facts = medium.facts(container)
    fault = structure_fault(medium, container)
    with calm(medium.limits.max_pixels), medium.stream() as stream:
        try:
            image = _plugin(container)(stream, "")
        except Exception as error:
            return flawed(facts, *fault) if fault else failure(facts, error)
        with image:
            facts = _header(facts, image)
            if image.width * image.height > medium.limits.max_pixels:
                return bomb(facts, image.width, image.height, medium.limits)
            if fault:
                return flawed(facts, *fault)
            return facts if depth == "header" else _decode(medium, image, facts, stream)


def _plugin(container: str) -> type[ImageFile.ImageFile]:
    name = _PLUGINS[container]
    module = importlib.import_module(f"PIL.{name}ImagePlugin")
    found = getattr(module, f"{name}ImageFile", None) or module.PcxImageFile
    assert isinstance(found, type)
    return found


def _header(facts: Facts, image: ImageFile.ImageFile) -> Facts:
    frames = None if facts.container in _WALKED else 1
    if facts.container in _COUNTED:
        frames = int(getattr(image, "n_frames", 1))
    return facts._replace(width=image.width, height=image.height, mode=image.mode, frames=frames)


def _decode(medium: Medium, image: ImageFile.ImageFile, facts: Facts, stream: BinaryIO) -> Facts:
    limits, name = medium.limits, the(facts.container)
    if (facts.frames or 0) > limits.max_frames:
        return flawed(facts, "bomb", f"{name} announces {facts.frames:,} frames, more than {limits.max_frames:,}")
    loaded, milliseconds = 0, 0.0
    try:
        while not loaded or _advance(image, loaded, facts.frames):
            if image.width * image.height > limits.max_pixels:
                return bomb(facts, image.width, image.height, limits, f" in frame {loaded + 1}")
            if loaded >= limits.max_frames:
                return flawed(facts, "bomb", f"{name} has more than {limits.max_frames:,} frames")
            if medium.late:
                return flawed(facts, "bomb", f"decoding {name} was given up after {limits.max_media_seconds:g} s")
            image.load()
            loaded += 1
            milliseconds += float(image.info.get("duration") or 0)
    except Exception as error:
        broken = failure(facts, error)
        if not loaded or broken.defect == "bomb":
            return broken
        return facts._replace(later_defect=f"frame {loaded + 1}: {broken.detail}")
    later = None
    if facts.container == "gif" and loaded > 1 and _lacks_trailer(medium, stream):
        later = f"{name} ends without its trailer, after {loaded:,} frames: later ones may be missing"
    return facts._replace(
        frames=loaded, decoded=True, later_defect=later, duration=milliseconds / 1000 if loaded > 1 else None
    )


def _advance(image: ImageFile.ImageFile, frame: int, frames: int | None) -> bool:
    """Go to a frame; false where there is none. Only a walked format may end without having said when."""
    if frames is not None:
        if frame < frames:
            image.seek(frame)
        return frame < frames
    try:
        image.seek(frame)
    except EOFError:
        return False
    return True


def _lacks_trailer(medium: Medium, stream: BinaryIO) -> bool:
    # Pillow takes the end of the file for the end of the GIF: then it stands at the end, and the trailer (a semicolon)
    # was not what it read last.
    at = stream.tell()
    return at >= medium.size and medium.part(medium.size - 1, 1) != b";"


def failure(facts: Facts, error: Exception) -> Facts:
    """What an exception out of a decoder says about a picture."""
    said, name = words_of(error), the(facts.container)
    low = said.lower()
    if isinstance(error, Image.DecompressionBombError):
        pixels = re.search(r"\d+", said)
        return flawed(facts, "bomb", f"{name} claims {int(pixels[0]) if pixels else 0:,} pixels, more than the limit")
    if isinstance(error, ValueError) and ("too large for" in low or "too much memory" in low):
        return flawed(facts, "bomb", f"{name} has texts or profiles that unfold to too many bytes ({said})")
    if isinstance(error, MemoryError):
        return flawed(facts, "corrupt", f"{name} asks for more memory than there is")
    if isinstance(error, NotImplementedError) or any(word in low for word in _UNSUPPORTED):
        return flawed(facts, "unsupported", f"{name} is of a sort that Pillow does not read ({said})")
    if isinstance(error, EOFError) or any(word in low for word in _TRUNCATED):
        return flawed(facts, "truncated", f"{name} ends before its picture does ({said})")
    if not facts.width:
        return flawed(facts, "corrupt", f"{name} has no sound header ({said})")
    return flawed(facts, "corrupt", f"{name} is damaged ({said})")
