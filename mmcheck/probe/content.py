"""What one medium holds: its container tells which decoder looks into it, and nothing in it makes that raise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mmcheck.errors import OpenError
from mmcheck.probe.av import look_av
from mmcheck.probe.containers import ANIMATIONS, CONTAINERS, STREAMS, UNREADABLE, suffix_of
from mmcheck.probe.facts import Depth, Facts, Limits
from mmcheck.probe.image import look_image
from mmcheck.probe.jpeg import look_jpeg
from mmcheck.probe.medium import Bytes, Medium, NotAFile
from mmcheck.probe.nifti import look_nifti
from mmcheck.probe.npy import look_npy, look_npz
from mmcheck.probe.png import look_png
from mmcheck.probe.riff import look_wav
from mmcheck.probe.sniff import sniff
from mmcheck.probe.verdict import flawed, the, words_of

_WANTED = {"image": "an image", "audio": "a sound file", "video": "a video"}

_VOLUMES = frozenset({"image_3d", "3d_volume"})

_WORDS = {
    "image": "{} holds a still picture", "audio": "{} holds sound and no pictures", "video": "{} holds no sound",
    "array": "{} holds numbers",
}  # fmt: skip

#: Decoders of containers; everything else that is known is Pillow's.
_DECODERS: dict[str, Callable[[Medium, str], Facts]] = {
    "jpeg": lambda medium, _: look_jpeg(medium),
    "png": lambda medium, _: look_png(medium),
    "wav": lambda medium, _: look_wav(medium),
    "npy": lambda medium, _: look_npy(medium),
    "nifti": lambda medium, _: (
        look_nifti(medium, False) or flawed(medium.facts("nifti"), "corrupt", "the volume's header makes no sense")
    ),
}


def look(source: Path | str | Bytes, kind: str | None, name: str | None, depth: Depth, limits: Limits) -> Facts:
    """What one medium tells. A text is the path of a local file. Raises OpenError where remote storage is silent."""
    size: int | None = None
    try:
        with Medium(source, name, depth, limits) as medium:
            size = medium.size
            return _look(medium, kind)
    except NotAFile:
        return Facts(defect="not-media", detail="not a file: a directory, a pipe or a device, which is not opened")
    except FileNotFoundError:
        return Facts(defect="missing", detail="there is no such file")
    except OpenError:  # remote storage that does not answer tells nothing of the medium
        raise
    except Exception as error:
        # Whatever a decoder throws at content that nobody foresaw is a fact about the content.
        defect, words = ("missing", "cannot be opened") if size is None else ("corrupt", "cannot be decoded")
        reason = getattr(error, "strerror", None) or words_of(error)
        return Facts(bytes=size, defect=defect, detail=f"{words} ({reason})")


def _look(medium: Medium, kind: str | None) -> Facts:
    if not medium.size:
        return Facts(bytes=0, defect="empty", detail="0 bytes")
    found = sniff(medium.head, medium.size)
    if found.fault is not None:
        hidden = _without_magic(medium, found.container)
        return (
            _expected(hidden, kind)
            if hidden
            else _foreign(medium.facts(found.container), found.fault, kind, medium.name)
        )
    container = found.container or ""
    usual, words, _ = CONTAINERS[container]
    if not _acceptable(container, usual, kind):
        return _mismatch(medium.facts(container), words, kind)
    if container in STREAMS:
        return _expected(look_av(medium, container, kind), kind)
    if container in UNREADABLE:
        return flawed(medium.facts(container), "unsupported", f"{words}, which is not decoded here")
    return _expected(_DECODERS.get(container, look_image)(medium, container), kind)


def _without_magic(medium: Medium, container: str | None) -> Facts | None:
    """What first bytes cannot tell: media inside archives, and TGA, which only its suffix gives away."""
    if container == "gzip":
        return look_nifti(medium, True)
    if container == "zip":
        return look_npz(medium)
    if container is None and medium.name and suffix_of(medium.name) in CONTAINERS["tga"].suffixes:
        return look_image(medium, "tga")
    return None


def _foreign(facts: Facts, fault: tuple[str, str], kind: str | None, name: str | None) -> Facts:
    """What is no medium that we know. A kind of the user's own may be something that only the user knows."""
    defect, words = fault
    if defect == "lfs-pointer":
        return flawed(facts, defect, words)
    if kind is not None and kind not in _WANTED and not _is_no_array(facts, kind, name):
        return flawed(facts, "unsupported", f"{words}, which is not looked into")
    return _mismatch(facts, words, kind)


def _is_no_array(facts: Facts, kind: str, name: str | None) -> bool:
    """Whether numbers are wanted, by the kind or by the name, and the content is a document."""
    wanted = kind in _VOLUMES or (name is not None and suffix_of(name) in (".npy", ".npz", ".nii", ".nii.gz"))
    return wanted and facts.container in ("text", "json", "html", "xml", "pdf")


def _acceptable(container: str, usual: str, kind: str | None) -> bool:
    """Whether something in a container may be of the kind that is expected, as far as the container alone tells."""
    if kind is None or kind not in _WANTED or kind == usual:
        return True
    if kind == "video":
        return container in STREAMS or container in ANIMATIONS
    return kind == "audio" and container in STREAMS


def _expected(facts: Facts, kind: str | None) -> Facts:
    """Facts of a medium, of which by now the kind is known, where `kind` was expected."""
    if kind is None or kind == facts.kind or kind not in _WANTED:
        return facts
    if kind == "video" and facts.container in ANIMATIONS and not (facts.container == "png" and facts.frames == 1):
        return facts
    if facts.container in STREAMS and facts.defect is not None:
        # What could not be opened may have been what was expected.
        return facts
    return _mismatch(facts, _WORDS[facts.kind or "array"].format(the(facts.container)), kind)


def _mismatch(facts: Facts, words: str, kind: str | None) -> Facts:
    return flawed(facts, "not-media", f"{words}, not {_WANTED.get(kind or '', 'a medium')}")
