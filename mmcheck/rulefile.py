"""A rules file: YAML in, stanzas out, every mistake told with its file and line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmcheck.errors import RequestError
from mmcheck.finding import Severity
from mmcheck.metaschema import hold
from mmcheck.resources import folder
from mmcheck.yaml_lines import Located, Where, load

Row = Mapping[str, Any]
#: One example: rows of each table that it needs.
Example = Mapping[str, Sequence[Row]]

#: The kinds of check, by the key that declares them. `raised_by` documents a rule that a module raises itself.
CHECKS = ("expression", "unique", "references", "aggregate", "python", "pandera", "raised_by")


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
    python: str | None = None
    pandera: str | None = None
    raised_by: str | None = None
    hint: str | None = None
    docs: str = ""
    source: str = ""
    per: str = "row"
    pointer: str | None = None
    value: str | None = None
    tolerate: str | None = None
    warn_above: str | None = None
    error_above: str | None = None
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
    "tolerate", "warn_above", "error_above", "fix", "good", "bad", *CHECKS,
)  # fmt: skip


def read(path: Path) -> RuleFile:
    """Read a rules file. Raises RequestError naming file, line and the nearest right spelling."""
    located = load(path)
    data = located.data if located.data is not None else {}
    if not isinstance(data, dict):
        raise RequestError(f"{located.at()}: a rules file is a mapping of {', '.join(TOP_KEYS[-4:])}, …")
    if not path.is_relative_to(folder("rules")):  # tests hold what ships with mmcheck
        hold(Located(path, data, located.lines), "rules")
    stanzas = []
    for number, stanza in enumerate(data.get("rules") or []):
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
        params=dict(data.get("params") or {}),
        severity={code: _severity(word) for code, word in (data.get("severity") or {}).items()},
        extends=tuple(data.get("extends") or ()),
        applies_to=tuple(data.get("applies_to") or ()),
    )


def _stanza(located: Located, where: Where, data: Mapping[str, Any]) -> Stanza:
    code, name, table = data["code"], data["name"], data.get("table")
    checks = [key for key in CHECKS if key in data]
    if len(checks) != 1:
        raise RequestError(f"{located.at(*where)}: {code} needs exactly one of {', '.join(CHECKS[:-1])}")
    if table is None and "raised_by" not in data:
        raise RequestError(f"{located.at(*where)}: {code} needs 'table'")
    aggregate = data.get("aggregate")
    return Stanza(
        code=code,
        name=name,
        severity=_severity(data["severity"]),
        table=table,
        message=str(data.get("message") or name.replace("-", " ")),
        where=located.at(*where),
        when=_text(data.get("when")),
        expression=_text(data.get("expression")),
        unique=tuple(data["unique"]) if "unique" in data else None,
        references=_references(located, (*where, "references"), data.get("references")),
        aggregate=Aggregate(tuple(aggregate.get("by") or ()), str(aggregate["expression"])) if aggregate else None,
        python=data.get("python"),
        pandera=data.get("pandera"),
        raised_by=data.get("raised_by"),
        hint=data.get("hint"),
        docs=(data.get("docs") or "").strip(),
        source=(data.get("source") or "").strip(),
        per=data.get("per", "row"),
        pointer=data.get("pointer"),
        value=data.get("value"),
        tolerate=_text(data.get("tolerate")),
        warn_above=_text(data.get("warn_above")),
        error_above=_text(data.get("error_above")),
        good=_examples(data.get("good"), table),
        bad=_examples(data.get("bad"), table),
    )


def _text(value: Any) -> str | None:
    # YAML turns a bare `true` into a boolean: an expression is text all the same.
    return None if value is None else str(value)


def _severity(word: Any) -> Severity:
    # YAML 1.1 reads a bare `off` as false.
    return Severity.OFF if word is False else Severity(word)


def _references(located: Located, where: Where, data: Mapping[str, Any] | None) -> References | None:
    if data is None:
        return None
    columns = data["column"]
    table, _, to = data["to"].partition(".")
    targets = tuple(part.strip() for part in to.strip("[]").split(",") if part.strip())
    columns = tuple(columns) if isinstance(columns, list) else (columns,)
    if not targets or len(targets) != len(columns):
        raise RequestError(f"{located.at(*where)}: references: needs {{column: c, to: table.c}} with as many columns")
    return References(columns, table, targets, bool(data.get("once")))


def _examples(data: Any, table: str | None) -> tuple[Example, ...]:
    """Rows of the rule's table; a map of table to rows; or a list of either, for several examples."""
    if data is None:
        return ()
    if isinstance(data, dict):
        return (data,)
    if data and all(isinstance(row, list) for row in data):
        return tuple({table or "": example} for example in data)
    if data and all(bool(row) and all(isinstance(rows, list) for rows in row.values()) for row in data):
        return tuple(data)
    return ({table or "": data},)
