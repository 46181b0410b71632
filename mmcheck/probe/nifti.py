"""NIfTI volumes, plain or gzipped: what the header claims against what is there."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from typing import NamedTuple

from mmcheck.probe.containers import suffix_of
from mmcheck.probe.facts import Facts
from mmcheck.probe.medium import Medium
from mmcheck.probe.verdict import flawed

_TYPES = {  # number → (name, bytes a voxel)
    2: ("uint8", 1), 4: ("int16", 2), 8: ("int32", 4), 16: ("float32", 4), 32: ("complex64", 8), 64: ("float64", 8),
    128: ("rgb24", 3), 256: ("int8", 1), 512: ("uint16", 2), 768: ("uint32", 4), 1024: ("int64", 8),
    1280: ("uint64", 8), 1792: ("complex128", 16), 2304: ("rgba32", 4),
}  # fmt: skip
_HEAD = 544  # bytes; a NIfTI-1 header is shorter
_PIECE = 1 << 20


class _Header(NamedTuple):
    shape: tuple[int, ...]
    datatype: int
    offset: int
    single: bool  # false: the voxels are in a file of their own (.img)


def look_nifti(medium: Medium, packed: bool) -> Facts | None:
    """A volume; `packed` if gzipped. None where a gzip archive holds something else.

    `mode` is the type of a voxel, `width`, `height` and `frames` are the first three axes (x, y, z).
    """
    facts = medium.facts("nifti")
    with medium.stream() as stream:
        if not packed:
            return _judge(facts, stream.read(_HEAD), medium.size, medium.depth == "decode")
        head = b""
        try:
            with gzip.GzipFile(fileobj=stream) as source:
                head = source.read(_HEAD)
                header = _read(head)
                if header is None or medium.depth == "header":
                    return _judge(facts, head, None, False)
                held = len(head)
                while (piece := len(source.read(_PIECE))) and held <= _wanted(header) + _PIECE:
                    held += piece
                    if medium.late:
                        return flawed(
                            facts, "bomb", f"unpacking was given up after {medium.limits.max_media_seconds:g} s"
                        )
                return _judge(facts, head, held, True)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            if not head and suffix_of(medium.name or "") != ".nii.gz":
                return None
            if isinstance(error, EOFError):
                return flawed(facts, "truncated", "the gzipped volume ends before its data do")
            return flawed(facts, "corrupt", "the gzipped volume is damaged")


def _judge(facts: Facts, head: bytes, held: int | None, decoded: bool) -> Facts | None:
    """A header against the bytes that there are (None: not known)."""
    header = _read(head)
    if header is None:
        return None
    known = _TYPES.get(header.datatype)
    axes = (*header.shape[:3], None, None, None)
    facts = facts._replace(width=axes[0], height=axes[1], frames=axes[2], mode=known and known[0])
    if not header.shape or min(header.shape) < 1:
        return flawed(facts, "corrupt", f"the volume's shape {header.shape} makes no sense")
    if known is None:
        return flawed(facts, "unsupported", f"the volume has voxels of an unknown type ({header.datatype})")
    if held is not None and header.single and held < _wanted(header):
        needs = f"needs {_wanted(header):,} bytes, {held:,} are there"
        return flawed(facts, "truncated", f"the volume of {header.shape} {needs}")
    return facts._replace(decoded=decoded)


def _wanted(header: _Header) -> int:
    return header.offset + math.prod(header.shape) * _TYPES.get(header.datatype, ("", 0))[1]


def _read(head: bytes) -> _Header | None:
    """A NIfTI-1 or -2 header of either byte order, if this is one."""
    if len(head) < 348:
        return None
    for order in "<>":
        (length,) = struct.unpack_from(order + "i", head)
        if length == 348 and head[344:348] in (b"n+1\0", b"ni1\0"):
            dim = struct.unpack_from(order + "8h", head, 40)
            (datatype,) = struct.unpack_from(order + "h", head, 70)
            (offset,) = struct.unpack_from(order + "f", head, 108)
        elif length == 540 and head[4:8] in (b"n+2\0", b"ni2\0"):
            (datatype,) = struct.unpack_from(order + "h", head, 12)
            dim = struct.unpack_from(order + "8q", head, 16)
            (offset,) = struct.unpack_from(order + "q", head, 168)
        else:
            continue
        if not 0 <= dim[0] <= 7 or not 0 <= offset < 1 << 40:
            return _Header((), datatype, 0, True)
        return _Header(tuple(dim[1 : dim[0] + 1]), datatype, int(offset), b"n+" in (head[344:346], head[4:6]))
    return None
