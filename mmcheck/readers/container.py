"""Says what a file is: by its content first, by its name second, and why where it cannot be read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import msgspec

from mmcheck.readers.batch import Fault
from mmcheck.readers.source import BOM, Stream, StreamError

_HEAD = 64 << 10
_FIRST_LINE = 16 << 20
_BLANK = b" \t\r\n"

NAMES = {
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".jsonlines": "jsonl", ".json": "json", ".csv": "csv", ".tsv": "csv",
    ".parquet": "parquet", ".pq": "parquet", ".arrow": "arrow", ".feather": "arrow", ".ipc": "arrow",
    ".yaml": "yaml", ".yml": "yaml",
}  # fmt: skip
COMPRESSIONS = {".gz": "gz", ".gzip": "gz", ".zst": "zst", ".zstd": "zst"}
WORDS = {
    "jsonl": "JSON lines", "json": "JSON", "csv": "CSV", "parquet": "Parquet", "arrow": "Arrow", "yaml": "YAML",
    "gz": "gzip", "zst": "zstd",
}  # fmt: skip
_COLUMNAR = {b"PAR1": "parquet", b"PARE": "parquet", b"ARROW1": "arrow", b"\xff\xff\xff\xff": "arrow"}
_COMPRESSED = {b"\x1f\x8b": "gz", b"\x28\xb5\x2f\xfd": "zst"}
_STRANGERS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "a PNG image"), (0, b"\xff\xd8\xff", "a JPEG image"), (0, b"GIF8", "a GIF image"),
    (8, b"WEBP", "a WebP image"), (8, b"WAVE", "a WAV sound"), (4, b"ftyp", "an MP4 video"),
    (0, b"ID3", "an MP3 sound"),
    (0, b"OggS", "an Ogg sound"), (0, b"fLaC", "a FLAC sound"), (0, b"\x1aE\xdf\xa3", "a Matroska video"),
    (0, b"%PDF", "a PDF document"), (0, b"PK\x03\x04", "a ZIP archive"), (257, b"ustar", "a tar archive"),
    (0, b"BZh", "a bzip2 archive"), (0, b"\xfd7zXZ\0", "an xz archive"), (0, b"7z\xbc\xaf", "a 7z archive"),
    (0, b"\x89HDF", "an HDF5 file"), (0, b"SQLite format 3\0", "an SQLite database"),
    (0, b"\x93NUMPY", "a NumPy array"),
    (0, b"ORC", "an ORC file"), (0, b"Obj\x01", "an Avro file"), (0, b"\x80\x04\x95", "a Python pickle"),
)  # fmt: skip
_LFS = b"version https://git-lfs.github.com/spec/"
_MARKUP = re.compile(rb"\s*<(?:!doctype|html|head|body|\?xml|script|!--)", re.IGNORECASE)
_CONTROL = bytes(c for c in range(32) if c not in b"\t\n\r\f\x1b")


@dataclass(frozen=True, slots=True)
class Container:
    """What a file is: `name` is one of the values of `NAMES` ("" for none of them), `compression` "", "gz" or "zst".

    `fault` says why the file cannot be read at all; None where a reader can try.
    """

    name: str
    compression: str = ""
    fault: Fault | None = None


def named(path: Path) -> tuple[str, str]:
    """The container and the compression that a file's name claims, "" for none."""
    suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
    compression = COMPRESSIONS.get(suffixes[-1], "") if suffixes else ""
    if compression:
        suffixes.pop()
    return (NAMES.get(suffixes[-1], "") if suffixes else ""), compression


def container(path: Path) -> Container:
    """What the file at `path` is. Raises OpenError where it is missing or may not be opened."""
    claimed, claimed_compression = named(path)
    compression = ""
    with Stream(path, keep_bom=True) as stream:
        head = stream.read(_HEAD)
    if not head:
        return _unread(claimed, claimed_compression, "the file is empty (0 bytes)", "write it again or fetch it again")
    if head.startswith(_LFS):
        return _unread(
            claimed,
            claimed_compression,
            "the file is a Git LFS pointer, not the data",
            "fetch the data with `git lfs pull`",
        )
    for magic, kind in _COMPRESSED.items():
        if head.startswith(magic):
            compression = kind
    if compression != claimed_compression:
        return _misnamed(
            path, WORDS.get(compression, "not compressed"), WORDS.get(claimed_compression, "plain"), claimed
        )
    if compression:
        try:
            with Stream(path, compression, keep_bom=True) as stream:
                head = stream.read(_HEAD)
        except StreamError as error:
            return Container(claimed, compression, Fault("MM002", error.message, hint=error.hint))
        if not head:
            return _unread(
                claimed, compression, "the file is empty once decompressed", "write it again or fetch it again"
            )
    return _judge(path, head, claimed, compression)


def _judge(path: Path, head: bytes, claimed: str, compression: str) -> Container:
    columnar = next((kind for magic, kind in _COLUMNAR.items() if head.startswith(magic)), "")
    if columnar:
        if compression:
            message = f"the file is {WORDS[columnar]} inside {WORDS[compression]}, which no loader reads"
            return _unread(columnar, compression, message, f"decompress it and name it .{columnar}")
        return (
            Container(columnar)
            if claimed in ("", columnar)
            else _misnamed(path, WORDS[columnar], WORDS[claimed], claimed)
        )
    stranger = _stranger(head)
    if stranger:
        return _misnamed(path, stranger, WORDS.get(claimed, "a dataset"), claimed, compression)
    wide = _wide_text(head)
    if wide:
        hint = f"convert it to UTF-8: iconv -f {wide} -t UTF-8 FILE > NEW"
        return Container(claimed, compression, Fault("MM002", f"the text is {wide}, not UTF-8", hint=hint))
    if claimed == "parquet":
        return _misnamed(path, "not Parquet (it does not start with PAR1)", "Parquet", claimed)
    if claimed == "arrow":
        if _is_text(head):
            return _misnamed(path, "text", "Arrow", claimed)
        return Container("arrow")
    whole = len(head) < _HEAD
    body = head.removeprefix(BOM).lstrip(_BLANK)
    if whole and not body:
        message = "the file holds only a byte order mark" if head == BOM else "the file holds only blank lines"
        return _unread(claimed, compression, message, "write it again or fetch it again")
    if not _is_text(head):
        return _misnamed(path, "binary data", WORDS.get(claimed, "a dataset"), claimed, compression)
    if claimed == "yaml":
        return Container("yaml", compression)
    if claimed == "csv":
        line = body.partition(b"\n")[0]
        if line[:1] in (b"{", b"[") and _decodes(line):
            return _misnamed(path, "JSON", "CSV", claimed, compression)
        return Container("csv", compression)
    if claimed or body[:1] in (b"{", b"["):
        return Container(_json_or_lines(path, head, claimed, compression), compression)
    return _unread(
        "", compression, "the file is text of no container that mmcheck reads", "name it .jsonl, .json, .csv or .yaml"
    )


def _json_or_lines(path: Path, head: bytes, claimed: str, compression: str) -> str:
    """One JSON document, or JSON lines? Many files are named for the one and hold the other."""
    body = head.removeprefix(BOM).lstrip(_BLANK)
    if b"\n" not in body and len(head) == _HEAD:
        try:
            with Stream(path, compression) as stream:
                body = stream.read(_FIRST_LINE).lstrip(_BLANK)
        except StreamError:
            pass
    line, newline, rest = body.partition(b"\n")
    line, rest = line.rstrip(_BLANK), rest.lstrip(_BLANK)
    if claimed == "jsonl":
        if line[:1] != b"[":
            return "jsonl"
        if not rest:
            return "json" if (not newline and len(body) >= _FIRST_LINE) or _holds_objects(line) else "jsonl"
        return "json" if not _decodes(line) and line[-1:] in b"[{," else "jsonl"
    followed = rest[:1] in (b"{", b"[") and ((line.endswith(b"}") and rest[:1] == b"{") or _decodes(line))
    return "jsonl" if rest and followed else "json"


def _holds_objects(line: bytes) -> bool:
    try:
        value = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return True
    return isinstance(value, list) and all(isinstance(element, dict) for element in value)


def _decodes(line: bytes) -> bool:
    try:
        msgspec.json.decode(line, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _stranger(head: bytes) -> str:
    for offset, magic, words in _STRANGERS:
        if head[offset : offset + len(magic)] == magic:
            return words
    if _MARKUP.match(head.removeprefix(BOM)):
        return "a web page or XML"
    return "nothing but zero bytes" if not head.strip(b"\0") else ""


def _wide_text(head: bytes) -> str:
    """UTF-16 or UTF-32 with or without its mark, "" where the text is neither."""
    for mark, name in (
        (b"\xff\xfe\0\0", "UTF-32LE"),
        (b"\0\0\xfe\xff", "UTF-32BE"),
        (b"\xff\xfe", "UTF-16LE"),
        (b"\xfe\xff", "UTF-16BE"),
    ):
        if head.startswith(mark):
            return name
    even, odd = head[0:4096:2], head[1:4096:2]
    if odd and odd.count(0) >= 0.6 * len(odd) and even.count(0) <= 0.1 * len(even):
        return "UTF-16LE"
    if odd and even.count(0) >= 0.6 * len(even) and odd.count(0) <= 0.1 * len(odd):
        return "UTF-16BE"
    return ""


def _is_text(head: bytes) -> bool:
    """Lenient on purpose: a few stray control bytes are a broken record, not another kind of file."""
    share = (len(head) - len(head.translate(None, _CONTROL))) / len(head)
    if len(head) < 32 or share < 0.02:
        return True
    return share < 0.2 and len(head.decode(errors="ignore").encode()) > 0.95 * len(head)


def _unread(name: str, compression: str, message: str, hint: str) -> Container:
    return Container(name, compression, Fault("MM003", message, hint=hint))


def _misnamed(path: Path, what: str, claim: str, name: str, compression: str = "") -> Container:
    hint = "give it the name that fits, or put the right file in its place"
    if what.startswith("a web page"):
        hint = "the download failed and saved an error page: fetch the file again"
    return _unread(name, compression, f"the file is {what}, and its name ({path.name}) says {claim}", hint)
