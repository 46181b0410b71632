"""A rules file: YAML in, stanzas out, every mistake told with its file and line."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmcheck.errors import RequestError, nearest
from mmcheck.finding import Severity
from mmcheck.yaml_lines import Located, Where, load

Row = Mapping[str, Any]
#: One example: rows of each table that it needs.
Example = Mapping[str, Sequence[Row]]

#: The kinds of check, by the key that declares them. `raised_by` documents a rule that a module raises itself.
CHECKS = ("expression", "unique", "references", "aggregate", "raised_by")

_CODE = re.compile(r"[A-Z]{2,4}\d{3}$")
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*$")


@dataclass(frozen=True, slots=True)
class References:
    """A foreign key: the `columns` of the rule's table must be found in `to_columns` of the table `to_table`.

    With `once` what is found must be there once only; what is not found at all is left to a rule without it.
    """

    columns: tuple[str, ...]
    to_table: str
    to_columns: tuple[str, ...]
    once: bool = False


@dataclass(frozen=True, slots=True)
class Aggregate:
    """An expression over groups of rows of the whole dataset; an empty `by` is one group."""

    by: tuple[str, ...]
    expression: str


@dataclass(frozen=True, slots=True)
class Stanza:
    """One rule. `good` and `bad` are its examples; `where` is `FILE:LINE`."""

    code: str
    name: str
    severity: Severity
    table: str | None
    message: str
    where: str
    when: str | None = None
    expression: str | None = None
    unique: tuple[str, ...] | None = None
    references: References | None = None
    aggregate: Aggregate | None = None
    raised_by: str | None = None
    hint: str | None = None
    docs: str = ""
    source: str = ""
    per: str = "row"
    pointer: str | None = None
    value: str | None = None
    tolerate: str | None = None
    good: tuple[Example, ...] = ()
    bad: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleFile:
    """What a rules file says: stanzas, parameters, severities, and the format's own part where it is a format's."""

    located: Located
    stanzas: tuple[Stanza, ...]
    params: dict[str, Any] = field(default_factory=dict)
    severity: dict[str, Severity] = field(default_factory=dict)
    extends: tuple[str, ...] = ()
    applies_to: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self.located.path

    @property
    def data(self) -> dict[str, Any]:
        """The whole document."""
        return self.located.data or {}


TOP_KEYS = (
    "format", "version", "title", "docs", "source", "schema", "media_root", "placeholders", "foreign_placeholders",
    "stand_in", "roles", "order", "extends", "applies_to", "params", "severity", "rules",
)  # fmt: skip

STANZA_KEYS = (
    "code", "name", "severity", "table", "when", "message", "hint", "docs", "source", "per", "pointer", "value",
    "tolerate", "good", "bad", *CHECKS,
)  # fmt: skip


def read(path: Path) -> RuleFile:
    """Read a rules file. Raises RequestError naming file, line and the nearest right spelling."""
    located = load(path)
    data = located.data if located.data is not None else {}
    if not isinstance(data, dict):
        raise RequestError(f"{located.at()}: a rules file is a mapping of {', '.join(TOP_KEYS[-4:])}, …")
    _known(located, (), data, TOP_KEYS)
    stanzas = []
    for number, stanza in enumerate(_list(located, ("rules",), data.get("rules") or [])):
        stanzas.append(_stanza(located, ("rules", number), stanza))
    seen: dict[tuple[str, str | None], Stanza] = {}
    for item in stanzas:
        # One code may have a stanza a table (MM012 by slots and by recorded sizes); two for one table is a mistake.
        before = seen.setdefault((item.code, item.table), item)
        if before is not item:
            raise RequestError(f"{item.where}: the code {item.code} is already used at {before.where}")
    return RuleFile(
        located=located,
        stanzas=tuple(stanzas),
        params=dict(_mapping(located, ("params",), data.get("params") or {})),
        severity={
            code: _severity(located, ("severity", code), value)
            for code, value in _mapping(located, ("severity",), data.get("severity") or {}).items()
        },
        extends=tuple(_list(located, ("extends",), data.get("extends") or [])),
        applies_to=tuple(_list(located, ("applies_to",), data.get("applies_to") or [])),
    )


def _stanza(located: Located, where: Where, data: Any) -> Stanza:
    data = _mapping(located, where, data)
    _known(located, where, data, STANZA_KEYS)
    for key in ("code", "name", "severity"):
        if key not in data:
            raise RequestError(f"{located.at(*where)}: a rule needs {key!r}")
    code, name = str(data["code"]), str(data["name"])
    if not _CODE.match(code):
        raise RequestError(f"{located.at(*where, 'code')}: {code!r} is no code: two to four capitals and three digits")
    if not _NAME.match(name):
        raise RequestError(f"{located.at(*where, 'name')}: {name!r} is no name: lower-case words joined by '-'")
    checks = [key for key in CHECKS if key in data]
    if len(checks) != 1:
        raise RequestError(f"{located.at(*where)}: {code} needs exactly one of {', '.join(CHECKS[:4])}")
    per = str(data.get("per", "row"))
    if per not in ("row", "file", "dataset"):
        raise RequestError(f"{located.at(*where, 'per')}: per is row, file or dataset, not {per!r}")
    table = data.get("table")
    if table is None and "raised_by" not in data:
        raise RequestError(f"{located.at(*where)}: {code} needs 'table'")
    return Stanza(
        code=code,
        name=name,
        severity=_severity(located, (*where, "severity"), data["severity"]),
        table=table,
        message=str(data.get("message") or name.replace("-", " ")),
        where=located.at(*where),
        when=data.get("when"),
        expression=_text(data.get("expression")),
        unique=tuple(_list(located, (*where, "unique"), data["unique"])) if "unique" in data else None,
        references=_references(located, (*where, "references"), data.get("references")),
        aggregate=_aggregate(located, (*where, "aggregate"), data.get("aggregate")),
        raised_by=data.get("raised_by"),
        hint=data.get("hint"),
        docs=str(data.get("docs") or "").strip(),
        source=str(data.get("source") or "").strip(),
        per=per,
        pointer=data.get("pointer"),
        value=data.get("value"),
        tolerate=None if data.get("tolerate") is None else str(data["tolerate"]),
        good=_examples(located, (*where, "good"), data.get("good"), table),
        bad=_examples(located, (*where, "bad"), data.get("bad"), table),
    )


def _text(value: Any) -> str | None:
    # YAML turns a bare `true` into a boolean: an expression is text all the same.
    return None if value is None else str(value)


def _references(located: Located, where: Where, data: Any) -> References | None:
    if data is None:
        return None
    data = _mapping(located, where, data)
    _known(located, where, data, ("column", "to", "once"))
    columns = data.get("column")
    table, _, to = str(data.get("to") or "").partition(".")
    targets = tuple(part.strip() for part in to.strip("[]").split(",") if part.strip())
    columns = tuple(columns) if isinstance(columns, list) else (columns,)
    if not targets or len(targets) != len(columns) or not all(isinstance(column, str) for column in columns):
        raise RequestError(f"{located.at(*where)}: references: needs {{column: c, to: table.c}} with as many columns")
    return References(columns, table, targets, bool(data.get("once")))


def _aggregate(located: Located, where: Where, data: Any) -> Aggregate | None:
    if data is None:
        return None
    data = _mapping(located, where, data)
    _known(located, where, data, ("by", "expression"))
    if "expression" not in data:
        raise RequestError(f"{located.at(*where)}: aggregate: needs an expression")
    return Aggregate(tuple(_list(located, (*where, "by"), data.get("by") or [])), str(data["expression"]))


def _examples(located: Located, where: Where, data: Any, table: str | None) -> tuple[Example, ...]:
    """Rows of the rule's table; a map of table to rows; or a list of either, for several examples."""
    if data is None:
        return ()
    if isinstance(data, dict):
        return (data,)
    rows = _list(located, where, data)
    if rows and all(isinstance(row, list) for row in rows):
        return tuple({table or "": example} for example in rows)
    tables = [isinstance(row, dict) and bool(row) and all(isinstance(v, list) for v in row.values()) for row in rows]
    if rows and all(tables):
        return tuple(rows)
    return ({table or "": rows},)


def _severity(located: Located, where: Where, value: Any) -> Severity:
    # YAML 1.1 reads a bare `off` as false.
    word = "off" if value is False else str(value)
    if word not in list(Severity):
        known = [str(severity) for severity in Severity]
        raise RequestError(f"{located.at(*where)}: {word!r} is no severity{nearest(word, known)}: {', '.join(known)}")
    return Severity(word)


def _known(located: Located, where: Where, data: Mapping[str, Any], keys: Sequence[str]) -> None:
    for key in data:
        if key not in keys:
            raise RequestError(f"{located.at(*where, key)}: unknown key {key!r}{nearest(str(key), keys)}")


def _mapping(located: Located, where: Where, data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise RequestError(f"{located.at(*where)}: a mapping is needed here, not {type(data).__name__}")
    return data


def _list(located: Located, where: Where, data: Any) -> list[Any]:
    if not isinstance(data, list):
        raise RequestError(f"{located.at(*where)}: a list is needed here, not {type(data).__name__}")
    return data
