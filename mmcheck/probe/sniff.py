"""First bytes to container; and what a file is that is no medium at all."""

from __future__ import annotations

import re
from typing import NamedTuple

#: How much of a file `sniff` wants to see.
HEAD = 4096


class Sniffed(NamedTuple):
    """`container` is a key of CONTAINERS, or a word for what is no medium; `fault` is (defect, sentence) of those."""

    container: str | None
    fault: tuple[str, str] | None = None


_PREFIXES: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),
    (b"MM\0+", "tiff"),
    (b"icns", "icns"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "jp2"),
    (b"\xff\x4f\xff\x51", "jp2"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "jxl"),
    (b"\xff\x0a", "jxl"),
    (b"/* XPM */", "xpm"),
    (b"8BPS", "psd"),
    (b"DDS ", "dds"),
    (b"qoif", "qoi"),
    (b"\x01\xda", "sgi"),
    (b"v/1\x01", "exr"),
    (b"#?RADIANCE", "hdr"),
    (b"%!PS", "eps"),
    (b"fLaC", "flac"),
    (b"ID3", "mp3"),
    (b"OggS", "ogg"),
    (b".snd", "au"),
    (b"caff", "caf"),
    (b"#!AMR", "amr"),
    (b"MAC ", "ape"),
    (b"wvpk", "wavpack"),
    (b"MThd", "midi"),
    (b"riff\x2e\x91\xcf\x11", "w64"),
    (b"\x1aE\xdf\xa3", "matroska"),
    (b"FLV\x01", "flv"),
    (b"0&\xb2u\x8e\x66\xcf\x11", "asf"),
    (b"\0\0\x01\xba", "mpeg"),
    (b"\0\0\x01\xb3", "mpeg"),
    (b"\x93NUMPY", "npy"),
    (b"\x89HDF\r\n\x1a\n", "hdf5"),
)

_FORMS = {  # the kind of a RIFF, RIFX, RF64 or BW64 file, or of an IFF FORM
    b"WAVE": "wav", b"WEBP": "webp", b"AVI ": "avi", b"AIFF": "aiff", b"AIFC": "aiff",
}  # fmt: skip

_BRANDS = {
    b"avif": "avif", b"avis": "avif", b"heic": "heif", b"heix": "heif", b"hevc": "heif", b"mif1": "heif",
    b"msf1": "heif", b"heim": "heif", b"heis": "heif",
}  # fmt: skip

_ICONS = {b"\0\0\x01\0": "ico", b"\0\0\x02\0": "cur"}
_BMP_HEADERS = frozenset((12, 40, 52, 56, 64, 108, 124))  # the lengths that its second header comes in

_BOXES = frozenset((b"ftyp", b"moov", b"mdat", b"moof", b"styp", b"free", b"skip", b"wide", b"pnot"))

_FOREIGN: tuple[tuple[bytes, str, str], ...] = (
    (b"%PDF-", "pdf", "a PDF document"),
    (b"PK\x03\x04", "zip", "a ZIP archive"),
    (b"\x1f\x8b", "gzip", "a gzip archive"),
    (b"\x28\xb5\x2f\xfd", "zstd", "a Zstandard archive"),
    (b"7z\xbc\xaf\x27\x1c", "7z", "a 7-Zip archive"),
    (b"Rar!", "rar", "a RAR archive"),
    (b"BZh", "bzip2", "a bzip2 archive"),
    (b"\xfd7zXZ\0", "xz", "an XZ archive"),
    (b"PAR1", "parquet", "a Parquet file"),
    (b"ARROW1", "arrow", "an Arrow file"),
    (b"SQLite format 3\0", "sqlite", "an SQLite database"),
    (b"\x7fELF", "elf", "a program"),
    (b"\x80\x04\x95", "pickle", "a Python pickle"),
)

_LFS = b"version https://git-lfs.github.com/spec/"
_XBM = re.compile(rb"\s*#define\s+\w+_width\s+\d+")
_HTML = re.compile(rb"(?is)(<!--.*?-->\s*)*<(!doctype\s+html|html|head|body|title|script)\b")
_SVG = re.compile(rb"(?is)(<\?xml.*?\?>\s*)?((<!--.*?-->|<!doctype.*?>)\s*)*<svg\b")


def sniff(head: bytes, size: int) -> Sniffed:
    """What a file of `size` bytes is, by its first bytes `head` (at least HEAD of them, if it has so many)."""
    for prefix, container in _PREFIXES:
        if head.startswith(prefix):
            return Sniffed(container)
    if head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64", b"FORM") and head[8:12] in _FORMS:
        return Sniffed(_FORMS[head[8:12]])
    if head[4:8] in _BOXES:
        return Sniffed(_BRANDS.get(head[8:12], "mp4") if head[4:8] == b"ftyp" else "mp4")
    if size >= 188 and (_synchronous(head, 0, 188) or _synchronous(head, 4, 192)):
        return Sniffed("mpegts")
    if head[:1] == b"P" and head[1:2] in b"1234567fF" and head[2:3] in (b" ", b"\n", b"\r", b"\t", b"#"):
        return Sniffed("ppm")
    if head[344:348] in (b"n+1\0", b"ni1\0") or head[4:8] in (b"n+2\0", b"ni2\0"):
        return Sniffed("nifti")
    if head[128:132] == b"DICM":
        return Sniffed("dicom")
    if head[:4] in _ICONS and head[4:6] not in (b"", b"\0\0"):
        # (Of no icons at all it is the beginning of a TGA.)
        return Sniffed(_ICONS[head[:4]])
    # Short magics last: they are right by chance once in a while.
    if head[:2] == b"BM" and size >= 18 and head[15:18] == b"\0\0\0" and head[14] in _BMP_HEADERS:
        return Sniffed("bmp")
    if len(head) >= 128 and head[0] == 10 and head[1] in (0, 2, 3, 4, 5) and head[2] == 1 and head[3] in (1, 2, 4, 8):
        return Sniffed("pcx")
    if _XBM.match(head):
        return Sniffed("xbm")
    # FF FE is also the byte order mark of a UTF-16 text, of which every second byte is then mostly zero.
    if len(head) >= 4 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and not (head[1] == 0xFE and head[3] == 0):
        return _mpeg_audio(head)
    return _foreign(head, size)


def _synchronous(head: bytes, start: int, packet: int) -> bool:
    """Whether the packets of a transport stream, each of which begins with a G, stand in these places."""
    return set(head[start : start + 8 * packet : packet]) == {0x47}


def _mpeg_audio(head: bytes) -> Sniffed:
    layer, version = head[1] >> 1 & 3, head[1] >> 3 & 3
    if layer == 0 and head[1] & 0xF0 == 0xF0 and head[2] >> 2 & 15 < 13:
        return Sniffed("aac")
    if layer and version != 1 and head[2] >> 4 != 15 and head[2] >> 2 & 3 != 3:
        return Sniffed("mp3")
    return _foreign(head, len(head))


def _foreign(head: bytes, size: int) -> Sniffed:
    """What is no medium that we know: named as well as can be, because that tells what went wrong."""
    if head.startswith(_LFS):
        return Sniffed("lfs-pointer", ("lfs-pointer", "a Git-LFS pointer, not the file itself: run `git lfs pull`"))
    damaged = _text_mode(head)
    if damaged:
        return Sniffed(None, ("not-media", damaged))
    for prefix, container, words in _FOREIGN:
        if head.startswith(prefix):
            return Sniffed(container, ("not-media", words))
    if not head.strip(b"\0"):
        words = f"{size:,} bytes that begin with nothing but zeros, as of a download that was never filled"
        return Sniffed("zeros", ("not-media", words))
    return _text(head, size)


def _text_mode(head: bytes) -> str | None:
    """A medium that was transferred as if it were text."""
    if head.startswith((b"\x89PNG", b"\x09PNG", b"\xc2\x89PNG", b"\xef\xbf\xbdPNG", b"PNG\r\n")) or _near(head[:8]):
        return "a PNG whose first bytes are damaged, as by a text-mode transfer (which changes line ends or high bytes)"
    if head.startswith((b"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", b"\xc3\xbf\xc3\x98\xc3\xbf")):
        return "a JPEG whose bytes were read and stored as text, which cannot be undone"
    return None


def _near(signature: bytes) -> bool:
    """Whether all but two of the bytes of a PNG's signature are there."""
    return sum(a == b for a, b in zip(signature, b"\x89PNG\r\n\x1a\n", strict=False)) >= 6


def _text(head: bytes, size: int) -> Sniffed:
    body = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if _SVG.match(body):
        return Sniffed("svg")
    if _HTML.match(body):
        return Sniffed("html", ("not-media", "an HTML page"))
    if body.startswith((b"<?xml", b"<Error>")):
        return Sniffed("xml", ("not-media", "an XML document" + _code(body)))
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Sniffed("text", ("not-media", "a UTF-16 text"))
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        # The head may end inside a character of up to four bytes.
        if len(head) == size or error.start < len(head) - 3:
            return _nameless(head)
        text = head[: error.start].decode("utf-8")
    if any(ord(character) < 32 and character not in "\t\n\r\f\x1b" for character in text):
        return _nameless(head)
    if body[:1] in (b"{", b"["):
        return Sniffed("json", ("not-media", "a JSON document"))
    return Sniffed("text", ("not-media", f"a text that begins “{' '.join(text[:60].split())[:40]}”"))


def _nameless(head: bytes) -> Sniffed:
    return Sniffed(None, ("not-media", f"data of no known container (they begin with {head[:8].hex(' ')})"))


def _code(body: bytes) -> str:
    # What object stores send in place of a file that they do not have.
    code = re.search(rb"<Code>(\w{1,40})</Code>", body)
    return f" (an error message: {code[1].decode()})" if code else ""
