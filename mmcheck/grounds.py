"""What a result that is kept rests on: it counts for as long as all of that is as it was."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from mmcheck.cache import unchanged


@dataclass(frozen=True, slots=True)
class Grounds:
    """Every medium by what tells that it is what it was, every folder by where it really is, and the places where a
    medium was looked for in vain.

    A folder that became a link moves its files to where they may not be read, and changes none of them.
    """

    media: Mapping[str, tuple[int, ...]]
    folders: Mapping[str, str]
    absent: frozenset[str]

    @classmethod
    def of(cls, media: Mapping[str, tuple[int, ...]], absent: set[str]) -> Grounds:
        """The grounds of what was found in these media, as they are now."""
        folders = {os.path.dirname(path) for path in media}
        return cls(media, {folder: os.path.realpath(folder) for folder in folders}, frozenset(absent))

    def hold(self) -> bool:
        """Whether nothing has changed."""
        return (
            all(os.path.realpath(folder) == real for folder, real in self.folders.items())
            and unchanged(self.media)
            and not any(map(os.path.lexists, self.absent))
        )
