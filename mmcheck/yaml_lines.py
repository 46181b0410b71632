"""YAML that a person wrote: plain data, and the line of every value, for messages that say where."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mmcheck.errors import OpenError, RequestError
from mmcheck.readers.source import open_file
from mmcheck.readers.yaml_bounds import TooMuch, bound
from mmcheck.resources import folder

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MOST_ALIASES = 100
_LONGEST = 16 << 20
_DEEPEST, _MOST_VALUES = 100, 100_000
"""Deeper, the parser takes more stack than there is; so many values hold any file that a person wrote."""

Where = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Located:
    """A YAML document: its `data`, and `lines` from the place of a value to its line (from 1)."""

    path: Path
    data: Any
    lines: dict[Where, int]

    def at(self, *where: str | int) -> str:
        """`file:line` of the nearest known place around `where`."""
        for length in range(len(where), -1, -1):
            if where[:length] in self.lines:
                return f"{self.path}:{self.lines[where[:length]]}"
        return str(self.path)


def load(path: Path) -> Located:
    """Read one YAML document with a safe loader. Raises RequestError for bad YAML, or no file."""
    try:
        with open_file(path) as file:  # a regular one: a pipe or a device has no end
            raw = file.read(_LONGEST + 1)
        if len(raw) > _LONGEST:
            raise RequestError(f"{path} is larger than {_LONGEST >> 20} MB")
        text = raw.decode("utf-8-sig")
    except OpenError as error:  # a file that the user names is part of the request
        raise RequestError(str(error)) from None
    except OSError as error:
        raise RequestError(f"{path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise RequestError(f"{path} is not UTF-8 text") from None
    loader: Any = None
    try:
        if not path.is_relative_to(folder("rules")):  # what ships with mmcheck is no attack
            bound(text, _DEEPEST, _MOST_VALUES)
        loader = _LOADER(text)
        node = loader.get_single_node()
        builder = _Builder(path, loader)
        data = builder.build(node, ()) if node is not None else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = min(mark.line, text.rstrip().count("\n")) + 1 if mark else 1
        raise RequestError(f"{path}:{line}: not YAML: {error.problem or error.context}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise RequestError(f"{path}: not YAML: {str(error).splitlines()[0]}") from None
    except ValueError as error:
        raise RequestError(f"{path}: a value is not readable: {str(error)[:200]}") from None
    except TooMuch as error:
        raise RequestError(f"{path}:{error.line}: {error.message}: {error.hint}") from None
    finally:
        if loader is not None:
            loader.dispose()
    return Located(path, data, builder.lines)


class _Builder:
    def __init__(self, path: Path, loader: Any) -> None:
        self.path, self.loader = path, loader
        self.lines: dict[Where, int] = {}
        self.seen: dict[int, int] = {}

    def build(self, node: Any, where: Where) -> Any:
        line = node.start_mark.line + 1
        self.lines.setdefault(where, line)
        if not isinstance(node, yaml.ScalarNode):
            # An alias brings the same node again: a few are handy, a "billion laughs" document is thousands.
            self.seen[id(node)] = self.seen.get(id(node), 0) + 1
            if self.seen[id(node)] > _MOST_ALIASES:
                raise RequestError(f"{self.path}:{line}: more than {_MOST_ALIASES} uses of one alias")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, where)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(child, (*where, number)) for number, child in enumerate(node.value)]
        return self.loader.construct_object(node, deep=True)

    def _mapping(self, node: Any, where: Where) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self.loader.construct_object(key_node, deep=True)
            # YAML 1.1 reads a bare `on`, `off`, `yes`, `no` as a boolean, also where it is a key.
            key = key if isinstance(key, str) else str(key_node.value)
            line = key_node.start_mark.line + 1
            if key in data:
                raise RequestError(f"{self.path}:{line}: the key {key!r} stands twice")
            self.lines[(*where, key)] = line
            data[key] = self.build(value_node, (*where, key))
        return data
