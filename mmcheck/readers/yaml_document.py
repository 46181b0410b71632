"""Reads YAML: a document is a record of plain values, with what the file spells beside what YAML makes of it."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

from mmcheck.limits import Limits
from mmcheck.readers.batch import Batch, Fault
from mmcheck.readers.jsonl import told
from mmcheck.readers.source import Stream, StreamError

_MERGE = "tag:yaml.org,2002:merge"
_PLAIN = "tag:yaml.org,2002:"


class _Refused(Exception):
    def __init__(self, message: str, line: int, hint: str, pointer: str | None = None) -> None:
        super().__init__(message)
        self.fault = Fault(
            "MM002", f"not readable YAML at line {line}: {message}", line=line, pointer=pointer, hint=hint
        )


def read(stream: Stream, limits: Limits = Limits()) -> Iterator[Batch]:  # noqa: B008  # frozen
    """The documents of a YAML stream."""
    import yaml

    from mmcheck.readers.yaml_bounds import TooMuch, bound

    batch = Batch(lines=[], texts=[])
    assert batch.lines is not None and batch.texts is not None
    try:
        text = stream.read(limits.max_yaml_bytes + 1)
        if len(text) > limits.max_yaml_bytes:
            hint = "YAML is for configurations: use JSON lines"
            raise _Refused(f"the file is larger than {told(limits.max_yaml_bytes)}", 1, hint)
        chars = text.decode()
        loader_type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        bound(chars, limits.max_nesting, limits.max_yaml_values)
        loader = loader_type(chars)
        while loader.check_node():
            node: Any = loader.get_node()
            document = _Document(loader, batch.faults, limits)
            value = document.value(node, "", 0)
            if value is not None:
                batch.rows.append(len(batch.rows))
                batch.lines.append(node.start_mark.line + 1)
                batch.values.append(value)
                batch.texts.append(document.texts)
    except _Refused as error:
        batch.faults.append(error.fault)
    except TooMuch as error:
        batch.faults.append(_Refused(error.message, error.line, error.hint).fault)
    except StreamError as error:
        batch.faults.append(Fault("MM002", error.message, hint=error.hint))
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        message = f"byte 0x{text[error.start]:02X} at line {line} is not UTF-8"
        batch.faults.append(Fault("MM002", message, line=line, hint="convert the file to UTF-8"))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        batch.faults.append(_syntax(error, chars))
    if not batch.rows and not batch.faults:
        batch.faults.append(Fault("MM003", "the file holds no YAML document", hint="write it again or fetch it again"))
    yield batch


def _syntax(error: Exception, chars: str) -> Fault:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    position = getattr(error, "position", None)
    line = mark.line + 1 if mark else chars.count("\n", 0, position) + 1 if isinstance(position, int) else None
    words = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error).splitlines()[0]
    where = f" at line {line}, column {mark.column + 1}" if mark else f" at line {line}" if line else ""
    hint = "check the indentation, and quote texts that hold a colon, a hash or a bracket"
    if "\\t" in words:
        hint = "indent with spaces, not tabs"
    return Fault("MM002", f"not YAML{where}: {words}", line=line, hint=hint)


class _Document:
    """Makes values of nodes. Keys are texts, as in JSON; dates are ISO text."""

    def __init__(self, loader: Any, faults: list[Fault], limits: Limits) -> None:
        self._limits = limits
        self._loader = loader
        self._faults = faults
        self._nodes = 0
        self._open: set[int] = set()
        self._told: set[tuple[int, str]] = set()
        self.texts: dict[str, str] = {}

    def value(self, node: Any, pointer: str, depth: int) -> Any:
        """The value of a node; `texts` learns what its plain scalars look like in the file."""
        import yaml

        line = node.start_mark.line + 1
        self._nodes += 1
        if self._nodes > self._limits.max_yaml_values:
            raise _Refused(
                "its aliases unfold to too many values", line, "write the values out, or use fewer aliases", pointer
            )
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, pointer)
        if id(node) in self._open or depth > self._limits.max_nesting:
            raise _Refused("an alias holds itself", line, "write the value out", pointer)
        if node.tag not in (_PLAIN + "seq", _PLAIN + "map"):
            raise _Refused(f"the tag {node.tag} is not allowed", line, "use plain lists and mappings", pointer)
        self._open.add(id(node))
        found: Any
        if isinstance(node, yaml.SequenceNode):
            found = [self.value(item, f"{pointer}/{index}", depth + 1) for index, item in enumerate(node.value)]
        else:
            found = self._mapping(node, pointer, depth)
        self._open.discard(id(node))
        return found

    def _mapping(self, node: Any, pointer: str, depth: int) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        first: dict[str, int] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node.value, str):
                raise _Refused("a key that is itself a list or a mapping", line, "use a text as the key", pointer)
            if key_node.tag == _MERGE:
                merged = {**self._merged(value_node, pointer, depth), **merged}
                continue
            key = key_node.value
            below = f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"
            if key in own:
                self._twice(key, first[key], line, below)
            first.setdefault(key, line)
            own[key] = self.value(value_node, below, depth + 1)
        return {**merged, **own}

    def _merged(self, node: Any, pointer: str, depth: int) -> dict[str, Any]:
        """What `<<` brings in: a mapping, or a list of them of which the first wins."""
        import yaml

        line = node.start_mark.line + 1
        nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
        found: dict[str, Any] = {}
        for one in nodes:
            brought = self.value(one, pointer, depth + 1)
            if not isinstance(brought, dict):
                raise _Refused("<< brings in something that is no mapping", line, "merge mappings only", pointer)
            found = {**brought, **found}
        return found

    def _twice(self, key: str, first: int, line: int, pointer: str) -> None:
        if (line, key) in self._told:
            return
        self._told.add((line, key))
        message = f"the key {key!r} at line {line} stands already at line {first}"
        hint = "YAML keeps only the last of them: rename or remove one"
        self._faults.append(Fault("MM002", message, row=None, line=line, pointer=pointer, value=key, hint=hint))

    def _scalar(self, node: Any, pointer: str) -> Any:
        line = node.start_mark.line + 1
        if not node.style:
            self.texts[pointer] = node.value
        if node.tag not in self._loader.yaml_constructors:
            raise _Refused(f"the tag {node.tag} is not allowed", line, "mmcheck reads plain values only", pointer)
        try:
            found = self._loader.construct_object(node)
        except (ValueError, OverflowError) as error:
            raise _Refused(
                f"{node.value[:80]!r} is not readable ({error})", line, "put it in quotes", pointer
            ) from None
        if isinstance(found, datetime.date | datetime.datetime):
            return found.isoformat()
        return found
