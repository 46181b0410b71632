"""The containers that a probe knows: what each one holds, how people call it, which suffixes fit it."""

from __future__ import annotations

from typing import NamedTuple


class Container(NamedTuple):
    """`kind` is what it usually holds, `words` names it in a sentence."""

    kind: str
    words: str
    suffixes: tuple[str, ...]


_MP4 = (".mp4", ".m4v", ".m4a", ".m4b", ".mov", ".qt", ".3gp", ".3g2", ".f4v")
_OGG = (".ogg", ".opus", ".oga", ".ogv", ".spx", ".ogx")
_MKV = (".mkv", ".webm", ".mka", ".mk3d")
_JPEG = (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo")

CONTAINERS: dict[str, Container] = {
    "jpeg": Container("image", "a JPEG picture", _JPEG),
    "mpo": Container("image", "a JPEG of several pictures (MPO)", _JPEG),
    "png": Container("image", "a PNG picture", (".png", ".apng")),
    "gif": Container("image", "a GIF picture", (".gif",)),
    "webp": Container("image", "a WebP picture", (".webp",)),
    "bmp": Container("image", "a BMP picture", (".bmp", ".dib")),
    "tiff": Container("image", "a TIFF picture", (".tif", ".tiff")),
    "ico": Container("image", "an icon", (".ico",)),
    "cur": Container("image", "a cursor", (".cur",)),
    "icns": Container("image", "an Apple icon", (".icns",)),
    "ppm": Container("image", "a PNM picture", (".ppm", ".pgm", ".pbm", ".pnm", ".pfm", ".pam")),
    "jp2": Container("image", "a JPEG 2000 picture", (".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx")),
    "avif": Container("image", "an AVIF picture", (".avif", ".avifs")),
    "heif": Container("image", "a HEIF picture", (".heic", ".heif", ".hif")),
    "jxl": Container("image", "a JPEG XL picture", (".jxl",)),
    "svg": Container("image", "an SVG drawing", (".svg",)),
    "eps": Container("image", "a PostScript drawing", (".eps", ".ps")),
    "psd": Container("image", "a Photoshop document", (".psd",)),
    "dds": Container("image", "a DDS texture", (".dds",)),
    "qoi": Container("image", "a QOI picture", (".qoi",)),
    "xbm": Container("image", "an X bitmap", (".xbm",)),
    "xpm": Container("image", "an X pixmap", (".xpm",)),
    "pcx": Container("image", "a PCX picture", (".pcx",)),
    "sgi": Container("image", "an SGI picture", (".sgi", ".rgb", ".rgba", ".bw")),
    "tga": Container("image", "a TGA picture", (".tga", ".icb", ".vda", ".vst")),
    "exr": Container("image", "an OpenEXR picture", (".exr",)),
    "hdr": Container("image", "a Radiance HDR picture", (".hdr",)),
    "wav": Container("audio", "a WAV recording", (".wav", ".wave")),
    "w64": Container("audio", "a Wave64 recording", (".w64",)),
    "flac": Container("audio", "a FLAC recording", (".flac",)),
    "mp3": Container("audio", "an MP3 recording", (".mp3", ".mp2", ".mpga")),
    "aac": Container("audio", "an AAC recording", (".aac", ".adts")),
    "aiff": Container("audio", "an AIFF recording", (".aif", ".aiff", ".aifc")),
    "au": Container("audio", "an AU recording", (".au", ".snd")),
    "caf": Container("audio", "a CAF recording", (".caf",)),
    "amr": Container("audio", "an AMR recording", (".amr",)),
    "ape": Container("audio", "a Monkey's Audio recording", (".ape",)),
    "wavpack": Container("audio", "a WavPack recording", (".wv",)),
    "midi": Container("audio", "a MIDI score", (".mid", ".midi")),
    "ogg": Container("audio", "an Ogg file", _OGG),
    "mp4": Container("video", "an MP4 file", _MP4),
    "matroska": Container("video", "a Matroska or WebM file", _MKV),
    "avi": Container("video", "an AVI file", (".avi",)),
    "flv": Container("video", "an FLV file", (".flv",)),
    "asf": Container("video", "a Windows Media file", (".wmv", ".wma", ".asf")),
    "mpeg": Container("video", "an MPEG file", (".mpg", ".mpeg", ".mpe", ".vob", ".m1v", ".m2v")),
    "mpegts": Container("video", "an MPEG transport stream", (".ts", ".mts", ".m2ts", ".m2t")),
    "npy": Container("array", "a NumPy array", (".npy",)),
    "npz": Container("array", "an archive of NumPy arrays", (".npz",)),
    "nifti": Container("array", "a NIfTI volume", (".nii", ".nii.gz")),
    "hdf5": Container("array", "an HDF5 file", (".h5", ".hdf5", ".hdf")),
    "dicom": Container("array", "a DICOM file", (".dcm", ".dicom")),
}

#: Containers that may hold either sound or pictures that move: only their streams tell which.
STREAMS = frozenset({
    "ogg", "mp4", "matroska", "avi", "flv", "asf", "mpeg", "mpegts", "flac", "mp3", "aac", "aiff", "au", "caf", "amr",
    "ape", "wavpack", "w64",
})  # fmt: skip

#: Pictures that may move, and so may stand where a video is wanted.
ANIMATIONS = frozenset({"gif", "webp", "png", "avif"})

#: What no decoder of ours reads; said so, never called damaged.
UNREADABLE = frozenset({"heif", "jxl", "svg", "eps", "exr", "hdr", "midi", "hdf5", "dicom"})

_KNOWN = {suffix for container in CONTAINERS.values() for suffix in container.suffixes}


def suffix_of(name: str) -> str:
    """The suffix of a file's name, in lower case; `.nii.gz` is one."""
    base = name.replace("\\", "/").rsplit("/", 1)[-1].lower()
    if base.endswith(".nii.gz"):
        return ".nii.gz"
    stem, dot, suffix = base.rpartition(".")
    return dot + suffix if stem and dot else ""


def suffix_fits(name: str | None, container: str | None) -> bool | None:
    """Whether a name's suffix fits what the file holds; None where the suffix or the content says nothing."""
    known = CONTAINERS.get(container or "")
    suffix = suffix_of(name) if name else ""
    if known is None or suffix not in _KNOWN:
        return None
    return suffix in known.suffixes
