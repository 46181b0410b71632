"""Arrays: NumPy's .npy and .npz. Headers against sizes; nothing is ever unpickled."""

from __future__ import annotations

import ast
import math
import zipfile
import zlib

from mmcheck.probe.facts import Facts
from mmcheck.probe.medium import Medium
from mmcheck.probe.verdict import flawed

_PIECE = 1 << 20


def look_npy(medium: Medium) -> Facts:
    """A .npy: its shape and type against its size. `mode` is the type; the last axes are frames, height, width."""
    return _npy(medium.facts("npy"), medium.part(0, 1 << 16), medium.size, medium.depth == "decode")


def _npy(facts: Facts, head: bytes, size: int, decoded: bool) -> Facts:
    wide = head[6:7] > b"\1"
    begin = 12 if wide else 10
    length = int.from_bytes(head[8:begin], "little")
    if size < begin + length:
        return flawed(facts, "truncated", f"the array ends after {size:,} bytes, within its header")
    try:
        text = head[begin : begin + length].decode("utf-8" if head[6:7] == b"\3" else "latin-1")
        described = ast.literal_eval(text.strip())
        shape, kind = tuple(int(n) for n in described["shape"]), described["descr"]
    except (ValueError, SyntaxError, KeyError, TypeError, MemoryError, RecursionError, UnicodeDecodeError):
        return flawed(facts, "corrupt", "the array's header cannot be understood")
    axes = [None] * (3 - len(shape)) + list(shape[-3:])
    facts = facts._replace(frames=axes[0], height=axes[1], width=axes[2], mode=str(kind))
    import numpy as np

    try:
        dtype = np.dtype([tuple(each) for each in kind] if isinstance(kind, list) else kind)
    except (TypeError, ValueError):
        return flawed(facts, "corrupt", f"the array's type {str(kind)[:40]} does not exist")
    facts = facts._replace(mode=str(dtype)[:40])
    if dtype.hasobject:
        return flawed(facts, "unsupported", "an array of pickled Python objects, which is not safe to load")
    if any(n < 0 for n in shape):
        return flawed(facts, "corrupt", f"the array's shape {shape} is negative")
    wanted = math.prod(shape) * dtype.itemsize
    held = size - begin - length
    if held < wanted:
        return flawed(facts, "truncated", f"the array of shape {shape} needs {wanted:,} bytes, {held:,} are there")
    if not wanted:
        return flawed(facts, "no-samples", f"the array of shape {shape} holds nothing")
    return facts._replace(decoded=decoded)


def look_npz(medium: Medium) -> Facts | None:
    """A .npz: every member's header, and its checksum when decoding. None where the ZIP archive holds no arrays."""
    if b".npy" not in medium.head[:300]:
        return None
    facts = medium.facts("npz")
    try:
        with medium.stream() as stream, zipfile.ZipFile(stream) as archive:
            members = [each for each in archive.infolist() if each.filename.endswith(".npy")]
            for member in members:
                with archive.open(member) as file:
                    found = _npy(facts, file.read(1 << 16), member.file_size, medium.depth == "decode")
                    while medium.depth == "decode" and file.read(_PIECE):
                        if medium.late:
                            words = f"unpacking was given up after {medium.limits.max_media_seconds:g} s"
                            return flawed(facts, "bomb", words)
                if found.defect is not None:
                    return found._replace(detail=f"{member.filename}: {found.detail}")
    except zipfile.BadZipFile as error:
        words = "ends before its list of members" if "not a zip file" in str(error) else f"is damaged ({error})"
        return flawed(facts, "truncated" if "not a zip" in str(error) else "corrupt", f"the archive of arrays {words}")
    except (zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        return flawed(facts, "corrupt", f"the archive of arrays is damaged ({error})")
    return found if members else None
