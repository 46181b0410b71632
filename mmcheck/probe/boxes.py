"""The outer structure of files: where their boxes, pages and chunks end, against where the file does.

libav opens a file whose end is missing and plays what there is; only the lengths in its structure show the loss. Pillow
says of many such pictures that it does not know them.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Literal

from mmcheck.probe.medium import Medium

#: So much of a file's end is searched for the last page of an Ogg stream: a page is at most 65,307 bytes.
_PAGE = 66_000

_MIRROR = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))

Fault = tuple[str, str]


def structure_fault(medium: Medium, container: str) -> Fault | None:
    """(defect, sentence) where the outer structure alone shows that something is missing."""
    walk = _WALKS.get(container)
    return walk(medium) if walk else None


def _mp4(medium: Medium) -> Fault | None:
    seen: set[bytes] = set()
    fault = _boxes(medium, seen)
    if fault is not None:
        return fault
    if b"moov" not in seen:
        if b"moof" in seen:
            return "truncated", "a segment of a stream without the part that describes it ('moov')"
        return "truncated", "the file ends before its index (the 'moov' box), as of a recording or a download cut short"
    if not seen & {b"mdat", b"moof"}:
        return "no-samples", "the file has an index and nothing else: the head of a stream without its segments"
    return None


def _boxes(medium: Medium, seen: set[bytes]) -> Fault | None:
    """The boxes of an ISO file, added to `seen`."""
    at = 0
    while at + 8 <= medium.size:
        head = medium.part(at, 16)
        length, tag = int.from_bytes(head[:4], "big"), head[4:8]
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        elif length == 0:
            length = medium.size - at
        if length < 8 or not tag.isascii():
            break
        seen.add(tag)
        if at + length > medium.size:
            held = f"{medium.size - at:,} of {length:,} bytes are there"
            return "truncated", f"the file ends within its {tag.decode()!r} box: {held}"
        at += length
    return None


def _avif(medium: Medium) -> Fault | None:
    return _boxes(medium, set())


def _tiff(medium: Medium) -> Fault | None:
    # The directory often stands at the end.
    order: Literal["little", "big"] = "little" if medium.head.startswith(b"II") else "big"
    at = int.from_bytes(medium.head[4:8], order)
    if medium.head[2:4] in (b"*\0", b"\0*") and at + 2 > medium.size:
        return "truncated", f"the file ends before its directory, which is at byte {at:,}"
    return None


def _webp(medium: Medium) -> Fault | None:
    missing = int.from_bytes(medium.head[4:8], "little") + 8 - medium.size
    return ("truncated", f"the file ends {missing:,} bytes before its header says") if missing > 0 else None


def _matroska(medium: Medium) -> Fault | None:
    at = _element(medium, 0)[1]
    if at is None:
        return None
    tag, after, length = _head(medium, at)
    if tag == 0x18538067 and length is not None and after + length > medium.size:
        return "truncated", f"the file ends {after + length - medium.size:,} bytes before its segment does"
    return None


def _element(medium: Medium, at: int) -> tuple[int, int | None]:
    """The tag of an EBML element and where it ends."""
    tag, after, length = _head(medium, at)
    return tag, None if length is None else after + length


def _head(medium: Medium, at: int) -> tuple[int, int, int | None]:
    """Tag, begin of the content and its length (None: unknown, as in live streams) of an EBML element."""
    head = medium.part(at, 12)
    if len(head) < 2 or not head[0]:
        return 0, at, None
    wide = 9 - head[0].bit_length()
    tag, rest = int.from_bytes(head[:wide], "big"), head[wide:]
    if not rest or not rest[0]:
        return tag, at + wide, None
    size = 9 - rest[0].bit_length()
    length = int.from_bytes(rest[:size], "big") & ((1 << 7 * size) - 1)
    return tag, at + wide + size, None if length == (1 << 7 * size) - 1 else length


def _avi(medium: Medium) -> Fault | None:
    at = 0
    # Beyond a gigabyte an AVI goes on in a second RIFF chunk.
    while medium.part(at, 4) == b"RIFF":
        length = int.from_bytes(medium.part(at + 4, 4), "little")
        if length and at + 8 + length > medium.size:
            return "truncated", f"the file ends {at + 8 + length - medium.size:,} bytes before its header says"
        at += 8 + length + (length & 1)
    return None


def _ogg(medium: Medium) -> Fault | None:
    """Every page with its checksum, which libav does not look at; without decoding only the last page's length."""
    data = memoryview(medium.whole() if medium.depth == "decode" else medium.part(max(0, medium.size - _PAGE), _PAGE))
    at = 0 if medium.depth == "decode" else bytes(data).rfind(b"OggS")
    while at >= 0 and at < len(data):
        if data[at : at + 4] != b"OggS"[: len(data) - at]:
            # A tag at the very end is somebody's habit; anything between two pages was one.
            between = bytes(data[at:]).find(b"OggS")
            return ("corrupt", f"a page of the stream is damaged, at byte {at:,}") if between >= 0 else None
        segments = data[at + 26] if at + 27 <= len(data) else 0
        stop = at + 27 + segments + sum(data[at + 27 : at + 27 + segments])
        if stop > len(data):
            return "truncated", "the file ends within a page of its stream"
        if medium.depth == "decode" and not _sums_up(bytes(data[at:stop])):
            return "corrupt", f"the checksum of a page of the stream is wrong, at byte {at:,}"
        at = stop
    return None


def _sums_up(page: bytes) -> bool:
    """Whether a page's checksum is right: the CRC-32 of zlib, but with all bits the other way round, and plain."""
    mirrored = (page[:22] + bytes(4) + page[26:]).translate(_MIRROR)
    sum_ = zlib.crc32(mirrored, 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{sum_:032b}"[::-1], 2) == int.from_bytes(page[22:26], "little")


def _iff(medium: Medium) -> Fault | None:
    missing = int.from_bytes(medium.head[4:8], "big") + 8 - medium.size
    return ("truncated", f"the file ends {missing:,} bytes before its header says") if missing > 0 else None


def _au(medium: Medium) -> Fault | None:
    begin, length = int.from_bytes(medium.head[4:8], "big"), int.from_bytes(medium.head[8:12], "big")
    if length != 0xFFFFFFFF and begin + length > medium.size:
        return "truncated", f"the file claims {length:,} bytes of samples and holds {max(0, medium.size - begin):,}"
    return None


def xing(medium: Medium) -> bytes:
    """What an MP3's first frame says about all of them, if it does: flags, then numbers of four bytes."""
    skip = _id3(medium)
    frame = medium.part(skip, 256)
    at = max(frame.find(b"Xing"), frame.find(b"Info"))
    return frame[at + 4 : at + 16] if at >= 0 else b""


def _id3(medium: Medium) -> int:
    """Where an MP3 begins: after a tag, of which the length is in four bytes of seven bits."""
    if not medium.head.startswith(b"ID3"):
        return 0
    return 10 + sum((byte & 0x7F) << shift for byte, shift in zip(medium.head[6:10], (21, 14, 7, 0), strict=False))


def _mp3(medium: Medium) -> Fault | None:
    said = xing(medium)
    if len(said) < 12 or said[3] & 3 != 3:
        return None
    missing = _id3(medium) + int.from_bytes(said[8:12], "big") - medium.size
    return ("truncated", f"the file ends {missing:,} bytes before its first frame says") if missing > 0 else None


_WALKS: dict[str, Callable[[Medium], Fault | None]] = {
    "avif": _avif, "tiff": _tiff, "webp": _webp,
    "mp4": _mp4, "matroska": _matroska, "avi": _avi, "ogg": _ogg, "mp3": _mp3, "aiff": _iff, "au": _au,
}  # fmt: skip
