"""How two values differ, by class: the type of an id, whitespace, a missing key, the order of keys, media, the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from mmcheck.errors import RequestError, nearest

#: Classes of difference, in the order in which they are told.
CLASSES: Final = (
    "id type", "whitespace", "missing key", "extra turn keys", "key order", "media order", "media path", "media bytes",
    "number type", "length", "value",
)  # fmt: skip

#: What `--normalize` passes over, and the classes that it means.
NORMAL: Final[Mapping[str, tuple[str, ...]]] = {
    "ids": ("id type",),
    "whitespace": ("whitespace",),
    "key-order": ("key order",),
    "missing-keys": ("missing key",),
    "turn-keys": ("extra turn keys",),
    "media-paths": ("media path",),
    "numbers": ("number type",),
}

_IDS = ("id", "video_id", "sen_id", "youtube_id")
_MEDIA = ("image", "images", "video", "videos", "audio", "audios", "image_name", "image_ids", "path", "value",
          "video_id:FILE", "clip_name:FILE", "bytes", "image_bytes")  # fmt: skip

Digest = Callable[[str, int], str | None]
"""Gives the digest of the file that a path means in the first (0) or second (1) dataset; None where there is none."""


def passed_over(normalize: Iterable[str]) -> frozenset[str]:
    """The classes that `--normalize` names. Raises RequestError with the nearest name."""
    found: set[str] = set()
    for name in normalize:
        if name not in NORMAL:
            raise RequestError(f"nothing is normalized by {name!r}{nearest(name, NORMAL)}: {', '.join(NORMAL)}")
        found.update(NORMAL[name])
    return frozenset(found)


def differences(one: Any, other: Any, digest: Digest | None = None) -> dict[str, str]:
    """The classes in which two records differ, each with the JSON pointer of its first place."""
    found: dict[str, str] = {}
    _compare(one, other, "", "", found, digest)
    return found


def _compare(one: Any, other: Any, key: str, at: str, found: dict[str, str], digest: Digest | None) -> None:
    if isinstance(one, dict) and isinstance(other, dict):
        _objects(one, other, at, found, digest)
    elif isinstance(one, list) and isinstance(other, list):
        if key in _MEDIA and one != other and Counter(map(repr, one)) == Counter(map(repr, other)):
            found.setdefault("media order", at)
            return
        if len(one) != len(other):
            found.setdefault("length", at)
        for number, (left, right) in enumerate(zip(one, other, strict=False)):
            _compare(left, right, key, f"{at}/{number}", found, digest)
    else:
        name = _scalars(one, other, key, digest)
        if name:
            found.setdefault(name, at)


def _objects(one: Mapping[str, Any], other: Mapping[str, Any], at: str, found: dict[str, str], digest: Any) -> None:
    both = [key for key in one if key in other]
    for key in (*one, *other):
        if key not in one or key not in other:
            found.setdefault("extra turn keys" if at else "missing key", f"{at}/{_step(key)}")
    if both != [key for key in other if key in one]:
        found.setdefault("key order", at)
    for key in both:
        _compare(one[key], other[key], key, f"{at}/{_step(key)}", found, digest)


def _scalars(one: Any, other: Any, key: str, digest: Digest | None) -> str | None:
    """The class in which two values differ; None where they are the same."""
    if type(one) is type(other) and one == other and repr(one) == repr(other):
        if digest is not None and key in _MEDIA and isinstance(one, str):
            left, right = digest(one, 0), digest(one, 1)
            return "media bytes" if left is not None and right is not None and left != right else None
        return None
    if isinstance(one, bytes) or isinstance(other, bytes):
        return "media bytes"
    if key in _IDS and _text(one) == _text(other):
        return "id type"
    if isinstance(one, str) and isinstance(other, str):
        if one.strip() == other.strip():
            return "whitespace"
        if digest is not None and key in _MEDIA:
            left, right = digest(one, 0), digest(other, 1)
            if left is not None and left == right:
                return "media path"
        return "value"
    numbers = all(isinstance(each, int | float) and not isinstance(each, bool) for each in (one, other))
    return "number type" if numbers and one == other else "value"


def _text(value: Any) -> str | None:
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None


def _step(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
