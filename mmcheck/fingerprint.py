"""One fingerprint for a dataset: the root of a Merkle tree (RFC 6962) over its files' names, sizes and digests."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mmcheck.report import FileSummary
from mmcheck.storage import RemotePath, path_of

#: What keeps a leaf from being taken for a node.
LEAF, NODE = b"\x00", b"\x01"


def dataset_fingerprint(files: Iterable[FileSummary]) -> str:
    """`sha256:` and the root over all files that are not ignored, in the order of their names' bytes.

    A file that was read in several roles is one leaf. docs/fingerprint.md describes the bytes.
    """
    leaves = {_leaf(file) for file in files if file.role != "ignored"}
    return "sha256:" + _root([hashlib.sha256(LEAF + leaf).digest() for leaf in sorted(leaves)]).hex()


def digest_of(path: Path) -> tuple[int, str]:
    """Size and `sha256:` digest of a regular file. Raises OSError, for what is no regular file too, and OpenError."""
    if isinstance(path, RemotePath):
        return path.digest()
    with open(path, "rb", opener=_not_waiting) as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise OSError(f"{path} is not a regular file")
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return stream.tell(), f"sha256:{digest}"


def _not_waiting(path: str, flags: int) -> int:
    """Open without waiting for somebody to write to a pipe."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def size_of(path: Path) -> int:
    """Size in bytes; 0 for what cannot be looked at."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def media_files(paths: Sequence[str], root: Path, threads: int) -> list[FileSummary]:
    """Media files with size and digest, named relative to `root`; one that cannot be read has no digest."""

    def summary(path: str) -> FileSummary:
        file = Path(os.path.relpath(path, root)).as_posix()
        try:
            size, digest = digest_of(path_of(path))
        except OSError:
            return FileSummary(file, "media", size_of(path_of(path)), 0)
        return FileSummary(file, "media", size, 0, digest)

    with ThreadPoolExecutor(max(1, threads)) as pool:
        return list(pool.map(summary, paths))


def _leaf(file: FileSummary) -> bytes:
    """Name, size and digest, with a zero byte between: none of them can hold one."""
    name = file.file.encode("utf-8", "backslashreplace")
    return b"\x00".join((name, str(file.bytes).encode(), (file.digest or "").encode()))


def _root(hashes: Sequence[bytes]) -> bytes:
    """The tree's root; odd ends are carried up as RFC 6962 has it, by splitting at the largest power of two."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    level = list(hashes)
    while len(level) > 1:
        pairs = [hashlib.sha256(NODE + level[at] + level[at + 1]).digest() for at in range(0, len(level) - 1, 2)]
        level = pairs + level[len(pairs) * 2 :]
    return level[0]
