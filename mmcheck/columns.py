"""Columns of a table as a format declares them: each becomes a function from elements to a list of values."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import Any

from mmcheck import paths
from mmcheck.cells import TYPE_NAMES, json_text, text
from mmcheck.contracts import Kind
from mmcheck.errors import RequestError, nearest


@dataclass(slots=True)
class Elements:
    """Elements of consecutive records, as parallel lists, in order.

    `parents` are the ordinals of their records in the batch, `ordinals` and `keys` the list ordinals and object keys
    on the way to each. `records`, `record_keys` and `texts` are those of the batch; `header` is what stands beside
    the records in their document, `context` what the file's name or its naming entry gives.
    """

    values: list[Any]
    parents: list[int]
    records: list[Any]
    ordinals: list[tuple[int, ...]] | None = None
    keys: list[tuple[str, ...]] | None = None
    record_keys: list[str] | None = None
    texts: list[dict[str, str]] | None = None
    header: Mapping[str, Any] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)


Getter = Callable[[Elements], list[Any]]


@dataclass(frozen=True, slots=True)
class Declared:
    """One declared column: its values are made by `get` and are of `kind`, null where they do not fit.

    Another process is sent what was declared, and makes the function again.
    """

    name: str
    kind: Kind
    get: Getter
    spec: Any = None

    def __reduce__(self) -> tuple[Callable[[str, Any], Declared], tuple[str, Any]]:
        return declare, (self.name, self.spec)


_KINDS: tuple[Kind, ...] = ("string", "integer", "number", "boolean")


_FORMS = ("path", "as", "type", "until", "join", "with", "count", "extra_keys", "first_of", "concat")


_ABSENT = object()


def declare(name: str, spec: Any) -> Declared:
    """The column that a format declares. Raises RequestError where the declaration is wrong."""
    return replace(_declared(name, spec), spec=spec)


def _declared(name: str, spec: Any) -> Declared:
    if isinstance(spec, str | int | float | bool) or spec is None:
        return Declared(name, "string", _simple("null" if spec is None else str(spec)))
    if not isinstance(spec, dict):
        raise RequestError(f"the column {name!r} is a path or a mapping, not {type(spec).__name__}")
    for key in spec:
        if key not in _FORMS:
            raise RequestError(f"the column {name!r} has an unknown key {key!r}{nearest(str(key), _FORMS)}")
    kind: Kind = spec.get("type", "string")
    if kind not in _KINDS:
        raise RequestError(f"the column {name!r} is of no type {kind!r}{nearest(str(kind), _KINDS)}")
    if "join" in spec:
        return Declared(name, kind, _join(paths.parse(spec["join"]), spec.get("with", "")))
    if "count" in spec:
        return Declared(name, "integer", _count(paths.parse(spec["count"])))
    if "extra_keys" in spec:
        return Declared(name, kind, _extra_keys(frozenset(spec["extra_keys"]), spec.get("path", ".")))
    if "first_of" in spec:
        return Declared(name, kind, _first_of([_simple(path) for path in spec["first_of"]]))
    if "concat" in spec:
        return Declared(name, kind, _concat([_simple(part) for part in spec["concat"]]))
    if "path" not in spec:
        raise RequestError(f"the column {name!r} needs a path")
    if "until" in spec:
        return Declared(name, kind, _until(_simple(spec["path"]), str(spec["until"])))
    if "as" in spec:
        return _as(name, str(spec["path"]), str(spec["as"]), kind)
    return Declared(name, kind, _simple(spec["path"]))


def _simple(path: str) -> Getter:
    """The getter of a path in its plain form: `key`, `.`, `$.x`, `@key`, `@0`, `@header.x`, `@file.x`, `@index`,
    `'text'`."""
    if path == "null":
        return lambda elements: [None] * len(elements.values)
    if path.startswith("'") and path.endswith("'"):
        return lambda elements: [path[1:-1]] * len(elements.values)
    if path.startswith("$"):
        return _of_record(paths.parse(path[1:].lstrip(".")))
    if path.startswith("@"):
        return _of_place(path[1:])
    steps = paths.parse(path)
    if not steps:
        return lambda elements: elements.values
    if len(steps) == 1 and steps[0].kind == "key":
        key = steps[0].key
        return lambda elements: of_key(elements.values, key)
    return lambda elements: [paths.find(value, steps) for value in elements.values]


def of_key(values: list[Any], key: str, absent: Any = None) -> list[Any]:
    """What stands at a key of each value, `absent` where there is none or the value is no object."""
    try:
        return list(map(itemgetter(key), values))  # all of them have it, as a rule: no Python code a value
    except (KeyError, TypeError):
        return [value.get(key, absent) if value.__class__ is dict else absent for value in values]


def _of_record(steps: tuple[paths.Step, ...]) -> Getter:
    if len(steps) == 1 and steps[0].kind == "key":
        key = steps[0].key

        def get_key(elements: Elements) -> list[Any]:
            found = of_key(elements.records, key)
            return [found[parent] for parent in elements.parents]

        return get_key

    def get(elements: Elements) -> list[Any]:
        found = [paths.find(record, steps) for record in elements.records]
        return [found[parent] for parent in elements.parents]

    return get


def _of_place(name: str) -> Getter:
    """What stands beside the element: an ordinal or a key on the way to it, the header, the file's context."""
    if name.isdigit():
        number = int(name)
        return lambda elements: [at[number] if number < len(at) else None for at in elements.ordinals or ()]
    if name == "key" or (name.startswith("key") and name[3:].isdigit()):
        number = int(name[3:] or -1)

        def key(elements: Elements) -> list[Any]:
            if elements.keys is not None and any(elements.keys):
                return [at[number] if -len(at) <= number < len(at) else None for at in elements.keys]
            outer = elements.record_keys
            return [outer[parent] if outer else None for parent in elements.parents]

        return key
    if name == "index":
        return _index
    origin, _, rest = name.partition(".")
    if origin not in ("header", "file") or not rest:
        raise RequestError(f"{'@' + name!r} is unknown: @key, @0, @index, @header.NAME and @file.NAME are known")
    steps = paths.parse(rest)

    def beside(elements: Elements) -> list[Any]:
        value = paths.find(dict(elements.header if origin == "header" else elements.context), steps)
        return [value] * len(elements.values)

    return beside


def _index(elements: Elements) -> list[Any]:
    """The cell of the column that pandas kept its index in."""
    name = elements.context.get("pandas_index")
    return [value.get(name) if isinstance(value, dict) else None for value in elements.values]


_SIZED = frozenset((str, list, dict))


def _as(name: str, path: str, form: str, kind: Kind) -> Declared:
    if form in _KINDS:
        return Declared(name, form, _simple(path))
    if form == "text":
        return Declared(name, "string", _simple(path))
    if form == "present":
        return Declared(name, "boolean", _present(path))
    if form == "type":
        return Declared(name, "string", _type(path))
    if form == "spelling":
        return Declared(name, "string", _spelling(path))
    if form in ("found", "found_below"):
        return Declared(name, "string", _found(_simple(path), ("found", "found_below").index(form)))
    plain = _simple(path)
    forms: dict[str, tuple[Kind, Callable[[Any], Any]]] = {
        "length": ("integer", lambda value: len(value) if value.__class__ in _SIZED else None),
        "json": ("string", lambda value: None if value is None else json_text(value)),
        "lower": ("string", lambda value: value.lower() if isinstance(value, str) else None),
        "normpath": ("string", lambda value: posixpath.normpath(value) if isinstance(value, str) and value else None),
    }
    if form not in forms:
        known = ("text", *_KINDS, "present", "type", "spelling", "found", "found_below", *forms)
        raise RequestError(f"the column {name!r} is read as {form!r}, which is unknown{nearest(form, known)}")
    kind, convert = forms[form]
    return Declared(name, kind, lambda elements: [convert(value) for value in plain(elements)])


def _or_absent(path: str) -> Getter:
    """Like a plain getter, but with `_ABSENT` where the last key is not there (null stays None)."""
    if path.startswith("@header."):
        key = path.removeprefix("@header.")
        return lambda elements: [elements.header.get(key, _ABSENT)] * len(elements.values)
    root = path.startswith("$")
    steps = paths.parse(path.lstrip("$").lstrip(".") if root else path)

    if len(steps) == 1 and steps[0].kind == "key" and not root:
        only = steps[0].key
        return lambda elements: of_key(elements.values, only, _ABSENT)

    def one(value: Any) -> Any:
        if not steps:
            return value
        parent = paths.find(value, steps[:-1])
        last = steps[-1]
        if last.kind == "key":
            return parent.get(last.key, _ABSENT) if isinstance(parent, dict) else _ABSENT
        return parent[last.number] if isinstance(parent, list) and last.number < len(parent) else _ABSENT

    def get(elements: Elements) -> list[Any]:
        if root:
            return [one(elements.records[parent]) for parent in elements.parents]
        return [one(value) for value in elements.values]

    return get


def _present(path: str) -> Getter:
    get = _or_absent(path)
    return lambda elements: [value is not _ABSENT for value in get(elements)]


def _type(path: str) -> Getter:
    get = _or_absent(path)
    return lambda elements: list(map(TYPE_NAMES.get, map(type, get(elements))))


def _spelling(path: str) -> Getter:
    """What a YAML file spells where the value stands (`010` for 8)."""
    keys = [step.key for step in paths.parse(path)]

    def get(elements: Elements) -> list[Any]:
        if elements.texts is None:
            return [None] * len(elements.values)
        spelt = []
        for number, parent in enumerate(elements.parents):
            way = (*(elements.keys[number] if elements.keys else ()), *keys)
            pointer = "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in way)
            spelt.append(elements.texts[parent].get(pointer))
        return spelt

    return get


def _found(getter: Getter, which: int) -> Getter:
    """What lies at a path that a naming file names (`file`, `directory`, null for nothing), or below which folder."""

    def get(elements: Elements) -> list[Any]:
        look = elements.context.get("look")
        places = (look(value) if look and isinstance(value, str) and value else None for value in getter(elements))
        return [place and place[which] for place in places]

    return get


def _join(steps: tuple[paths.Step, ...], separator: str) -> Getter:
    def one(value: Any) -> str | None:
        found = [place.value for place in paths.places(value, steps) if isinstance(place.value, str)]
        return separator.join(found) if found else None  # a turn of images alone has no text, not an empty one

    return lambda elements: [one(value) for value in elements.values]


def _count(steps: tuple[paths.Step, ...]) -> Getter:
    return lambda elements: [sum(1 for _ in paths.places(value, steps)) for value in elements.values]


def _extra_keys(known: frozenset[str], path: str) -> Getter:
    plain = _simple(path)

    def get(elements: Elements) -> list[Any]:
        values = plain(elements)
        if _only(known, values):
            return [None] * len(values)
        return [
            None
            if value.__class__ is not dict or value.keys() <= known
            else json_text([key for key in value if key not in known])
            for value in values
        ]

    return get


def _only(known: frozenset[str], values: list[Any]) -> bool:
    """Whether all values can be gone through and hold known keys alone: then no object has another one."""
    try:
        return set().union(*values) <= known
    except TypeError:
        return False


def _first_of(getters: list[Getter]) -> Getter:
    def get(elements: Elements) -> list[Any]:
        columns = [getter(elements) for getter in getters]
        rows = zip(*columns, strict=True)
        return [next((value for value in row if value is not None), None) for row in rows]

    return get


def _until(getter: Getter, mark: str) -> Getter:
    """The text before the first `mark`."""
    return lambda elements: [
        None if value is None else (text(value) or "").partition(mark)[0] for value in getter(elements)
    ]


def _concat(getters: list[Getter]) -> Getter:
    def get(elements: Elements) -> list[Any]:
        rows = zip(*(getter(elements) for getter in getters), strict=True)
        return [None if None in row else "".join(text(value) or "" for value in row) for row in rows]

    return get
