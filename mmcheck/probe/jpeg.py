"""JPEG: the markers in Python, the scan by libjpeg-turbo at an eighth of the size, where its warnings tell most.

Pillow's full decode does not see zeroed blocks or flipped bits. libjpeg-turbo warns of them, simplejpeg in strict mode
raises on the first warning, and entropy decoding costs the same at any scale while the rest costs a 64th.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from mmcheck.probe.facts import Facts
from mmcheck.probe.image import look_image
from mmcheck.probe.medium import Bytes, Medium
from mmcheck.probe.verdict import bomb, flawed

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
#: Segments that say nothing of what is asked here: tables, and what applications write.
_PASSED = (frozenset((0xDB, 0xC4, *range(0xE0, 0xF0), 0xFE))) - {0xE2}
_MODES = {1: "L", 3: "RGB", 4: "CMYK"}
_PADDING = 3
_MAX_SCANS = 500  # a progressive picture has some ten; libjpeg's advice against bombs made of scans


class Header(NamedTuple):
    """What the markers before the scan say. `scan` is where the entropy-coded bytes begin (0: there is no scan)."""

    width: int = 0
    height: int = 0
    components: int = 0
    restart: int = 0
    scan: int = 0
    progressive: bool = False
    several: bool = False
    junk: bool = False
    complete: bool = False


def look_jpeg(medium: Medium) -> Facts:
    """A JPEG; of several pictures in one file (MPO) the first, which is the one that everybody loads."""
    header = read_header(medium.head)
    for more in (1 << 17, medium.size):
        # Thumbnails and colour profiles stand before the scan.
        if not header.complete and len(medium.head) < medium.size:
            header = read_header(medium.part(0, more))
    facts = medium.facts(
        "mpo" if header.several else "jpeg",
        width=header.width or None,
        height=header.height or None,
        mode=_MODES.get(header.components),
        frames=1,
        decoded=medium.depth == "decode",  # until it turns out otherwise
    )
    if header.width * header.height > medium.limits.max_pixels:
        return bomb(facts, header.width, header.height, medium.limits)
    if not header.scan:
        return flawed(facts, "truncated", "the JPEG ends before its picture begins")
    if medium.depth == "header":
        return facts
    return _decode(medium, header, facts)


def read_header(data: Bytes) -> Header:
    """The markers of a JPEG up to its first scan; `complete` is false where `data` ends before it."""
    width = height = components = restart = 0
    progressive = several = junk = False
    at, end = 2, len(data)
    while at + 4 <= end:
        marker = data[at + 1]
        if marker in _PASSED and data[at] == 0xFF:
            at += 2 + (data[at + 2] << 8 | data[at + 3])
            continue
        if data[at] != 0xFF:
            # Something between two segments: decoders look for the next marker.
            junk = True
            at += 1
            continue
        if marker == 0xFF:
            at += 1
            continue
        if marker <= 0x01 or 0xD0 <= marker <= 0xD8:
            at += 2
            continue
        if marker == 0xD9:
            return Header(width, height, components, complete=True)
        after = at + 2 + (data[at + 2] << 8 | data[at + 3])
        if marker in _FRAMES and at + 10 <= end:
            height, width = data[at + 5] << 8 | data[at + 6], data[at + 7] << 8 | data[at + 8]
            components = data[at + 9]
            progressive = marker == 0xC2
        elif marker == 0xE2 and bytes(data[at + 4 : at + 8]) == b"MPF\0":
            several = True
        elif marker == 0xDD and at + 6 <= end:
            restart = data[at + 4] << 8 | data[at + 5]
        elif marker == 0xDA and after <= end:
            return Header(width, height, components, restart, after, progressive, several, junk, complete=True)
        at = after
    return Header(width, height, components)


def _decode(medium: Medium, header: Header, facts: Facts) -> Facts:
    from simplejpeg import decode_jpeg

    data = medium.whole()
    if header.progressive and bytes(data).count(b"\xff\xda") > _MAX_SCANS:
        return flawed(facts, "bomb", f"the JPEG is made of more than {_MAX_SCANS} scans")
    try:
        decode_jpeg(data, "GRAY", min_height=1, min_width=1, strict=True)
    except ValueError as error:
        return _judge(medium, header, facts, str(error))
    return facts


def _judge(medium: Medium, header: Header, facts: Facts, said: str) -> Facts:
    """What libjpeg-turbo's complaint (the first, if there are several) means for the picture."""
    if said.startswith("Premature end of JPEG"):
        scan = medium.size - header.scan
        return flawed(facts, "truncated", f"the JPEG ends after {scan:,} bytes of its scan, before the picture does")
    if said.startswith("Corrupt JPEG data") and not _harmless(said, medium.whole(), header):
        return flawed(facts, "corrupt", f"the JPEG is damaged: {_explain(said)}")
    # A complaint about a header (an odd version, an unusual sampling), which says nothing about the picture.
    plain = look_image(medium, "jpeg")
    return plain._replace(container=facts.container, width=facts.width, height=facts.height)


def _harmless(said: str, data: Bytes, header: Header) -> bool:
    """Whether a complaint about bytes too many is about an odd writer, and not about damage."""
    found = re.search(r"(\d+) extraneous bytes before marker 0x([0-9a-f]{2})", said)
    if found is None:
        return False
    if found[2] == "d9":
        # Padding to a multiple of four at the end of a picture is common on the web.
        return int(found[1]) <= _PADDING
    if "d0" <= found[2] <= "d7":
        return _written_so(data, header)
    return header.junk


def _explain(said: str) -> str:
    if "extraneous" in said:
        return "its picture is complete before its data end"
    if "premature end" in said:
        return "its data end before its picture is complete"
    return "its data make no sense from some point on"


def _written_so(data: Bytes, header: Header) -> bool:
    """Whether every restart interval holds more bytes than the picture needs: an odd writer, not damage.

    Damage is local. So the first interval is taken out and the second put in its place: where that one is complained
    about just so, the file was written that way, and every loader shows it alike.
    """
    from simplejpeg import decode_jpeg

    scan = bytes(data[header.scan :])
    first = re.search(rb"\xff[\xd0-\xd7]", scan)
    if first is None:
        return False
    # The markers count modulo eight, from 0 on.
    rest = re.sub(rb"\xff([\xd0-\xd7])", lambda found: bytes((0xFF, 0xD0 | (found[1][0] - 1) & 7)), scan[first.end() :])
    try:
        decode_jpeg(bytes(data[: header.scan]) + rest, "GRAY", min_height=1, min_width=1, strict=True)
    except ValueError as error:
        return bool(re.search(r"extraneous bytes before marker 0xd0", str(error)))
    return False
