"""The story of a repair: report → the repairs that rules declare → a repaired copy → a report on what is left."""

from __future__ import annotations

import difflib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmcheck import expression, rulefile
from mmcheck.checking import check
from mmcheck.dataset import Dataset, open_dataset
from mmcheck.duplicates import duplicate_keys
from mmcheck.errors import RequestError, nearest
from mmcheck.file_facts import refuse_changed, stamps
from mmcheck.finding import Finding
from mmcheck.repairs import REPAIRS, Bench, Repair
from mmcheck.report import Report
from mmcheck.resources import folder
from mmcheck.rewriting import Copy, batches, record_files

SHOWN = 100
"""How many changed records a dry run shows."""


@dataclass(slots=True)
class Fixed:
    """What was repaired: by rule, records changed; `left` is the report on the copy, None for a dry run.

    `doubled` counts records that stay as they are since a key stands twice in them; `paths` those of media by what
    became of them. `passed_over` says of files that are not in the copy why.
    """

    records: int = 0
    changed: int = 0
    by_rule: dict[str, int] = field(default_factory=dict)
    unsafe: dict[str, int] = field(default_factory=dict)
    doubled: int = 0
    paths: dict[str, int] = field(default_factory=dict)
    passed_over: dict[str, str] = field(default_factory=dict)
    diffs: list[str] = field(default_factory=list)
    left: Report | None = None


@dataclass(slots=True)
class _Plan:
    """Repairs: by file and row, at a pointer; and of whole records, everywhere."""

    at: dict[tuple[str, int], list[tuple[str, Repair, Finding]]]
    everywhere: list[tuple[str, Repair]]


def fix(
    path: str | Path,
    output: str | Path | None,
    *,
    unsafe: bool = False,
    overwrite: bool = False,
    dry_run: bool = False,
    **request: Any,
) -> Fixed:
    """Write a repaired copy of a dataset to `output`; `dry_run`, or no output, only shows what would change.

    `unsafe` also runs repairs that change what a model learns. `request` is what `check` takes; `select` says whose
    repairs run. The source is never modified. Raises RequestError and OpenError as `check` does.
    """
    known = {name: request[name] for name in ("format_path", "splits") if name in request}
    before = stamps(open_dataset(path, format=request.get("format"), **known).files)
    report = check(path, **request, max_findings=None)
    dataset = open_dataset(path, format=f"{report.format}@{report.version}", **known)
    result = Fixed()
    plan = _planned(report, declared(dataset, request.get("rules", ())), unsafe, result)
    media_root = Path(request["media_root"]) if request.get("media_root") else None
    bench = Bench(dataset.root, dataset.root, media_root, prefix=Path(output or path).stem + "_media/")
    output = None if dry_run else output
    with ExitStack() as stack:
        target = None
        if output is not None:
            target = Copy(dataset, Path(output), stack, overwrite=overwrite, media_root=media_root, placed=bench.placed)
            if any(repair is REPAIRS["extension"] for each in plan.at.values() for _, repair, _ in each):
                bench.copies, bench.prefix = target.media
        for file in record_files(dataset):
            bench.naming = file.path
            for batch in batches(file):
                if target is not None and batch.faults:
                    fault = batch.faults[0]
                    apart = ": `mmcheck split` sets such records apart" if fault.row is not None else ""
                    raise RequestError(f"{file.file}: {fault.message}{apart}")
                doubled = duplicate_keys(batch.raws, batch.values) if batch.raws else {}
                values, raws = [], []
                for number, (row, record) in enumerate(zip(batch.rows, batch.values, strict=True)):
                    if number in doubled and (file.file, row) in plan.at:
                        result.doubled += 1
                        made = record
                    else:
                        made = _repaired(record, file.file, row, plan, bench, result)
                    values.append(made)
                    raws.append(batch.raws[number] if batch.raws and made is record else None)
                result.records += len(values)
                if target is not None:
                    target.write(file, values, batch.keys, raws)
        if target is not None:
            target.close()
            result.paths = dict(target.paths)
            result.passed_over = dataset.beside(record_files(dataset))
        refuse_changed(before)
    if output is not None:
        result.left = check(output, **{**request, "format": f"{report.format}@{report.version}"})
    return result


def declared(dataset: Dataset, rules: Iterable[str | Path]) -> dict[str, Repair]:
    """The repair of each rule that declares one. Raises RequestError for a repair that nobody knows."""
    files = [rulefile.read(folder("rules") / "common.yaml"), dataset.format.rules]
    files += [rulefile.read(Path(each)) for each in rules]
    found: dict[str, Repair] = {}
    for file in files:
        for number, stanza in enumerate((file.located.data or {}).get("rules") or ()):
            if stanza.get("fix") is not None:
                found[stanza["code"]] = _repair(stanza["fix"], file.located.at("rules", number, "fix"))
    return found


def _repair(told: Any, where: str) -> Repair:
    if isinstance(told, str):
        if told not in REPAIRS:
            raise RequestError(f"{where}: there is no repair {told!r}{nearest(told, REPAIRS)}: {', '.join(REPAIRS)}")
        return REPAIRS[told]
    columns = [key for key in told if key != "safe"] if isinstance(told, Mapping) else []
    if len(columns) != 1 or not isinstance(told[columns[0]], str):
        raise RequestError(
            f"{where}: a repair is a name, or one column with its SQL expression and safe: true or false"
        )
    column, sql = columns[0], told[columns[0]]
    try:
        expression.vet(sql)
        odd = expression.columns_of(sql) - {column}
    except RequestError as error:
        raise RequestError(f"{where}: {error}") from None
    if odd:
        raise RequestError(f"{where}: the repair of {column} reads another column: {', '.join(sorted(odd))}")

    def change(value: Any, at: Bench) -> Any:
        import polars as pl

        if not isinstance(value, str):
            return value
        return pl.DataFrame({column: [value]}).select(expression.to_polars(sql).alias("fixed"))["fixed"][0]

    return Repair(change, sql, safe=bool(told.get("safe", False)))


def _planned(report: Report, repairs: Mapping[str, Repair], unsafe: bool, result: Fixed) -> _Plan:
    plan = _Plan(defaultdict(list), [])
    for finding in report.findings:
        repair = repairs.get(finding.rule)
        if repair is None:
            continue
        if not repair.safe and not unsafe:
            result.unsafe[finding.rule] = result.unsafe.get(finding.rule, 0) + (finding.count or 1)
        elif finding.file is not None and finding.row is not None and (finding.count or 1) == 1:
            plan.at[finding.file, finding.row].append((finding.rule, repair, finding))
        elif repair.whole and (finding.rule, repair) not in plan.everywhere:
            plan.everywhere.append((finding.rule, repair))
    return plan


def _repaired(record: Any, file: str, row: int, plan: _Plan, bench: Bench, result: Fixed) -> Any:
    """The record with its repairs, counted; the record itself where there are none."""
    before = record
    here = [*plan.at.get((file, row), ()), *((rule, repair, None) for rule, repair in plan.everywhere)]
    for rule, repair, finding in here:
        if repair.whole:
            changed = repair.change(record, bench)
        else:
            assert finding is not None
            changed = record
            for steps in _places(record, finding):
                changed = _change(changed, steps, lambda value, each=repair: each.change(value, bench))
        if changed != record:
            result.by_rule[rule] = result.by_rule.get(rule, 0) + 1
            record = changed
    if record != before:
        result.changed += 1
        if len(result.diffs) < SHOWN:
            result.diffs.append(_diff(before, record, f"{file}, record {row}"))
    return record


def _places(record: Any, finding: Finding) -> list[list[str]]:
    """Where the faulty value is: at the finding's pointer, or the strings below it that the finding shows."""
    steps = [step.replace("~1", "/").replace("~0", "~") for step in (finding.pointer or "").split("/")[1:]]
    if isinstance(record, str):
        return [[]]
    found = record
    for step in steps:
        try:
            found = found[int(step)] if isinstance(found, list) else found[step]
        except (KeyError, IndexError, TypeError, ValueError):
            return [steps]
    shown = (finding.value or "").rstrip("…")
    if isinstance(found, dict) and shown:
        below = [key for key, value in found.items() if isinstance(value, str) and value.startswith(shown)]
        return [[*steps, below[0]]] if below else [steps]
    if isinstance(found, list) and shown:
        # media of one key: each that is the faulty one
        same = [str(n) for n, value in enumerate(found) if isinstance(value, str) and value.startswith(shown)]
        return [[*steps, number] for number in same] or [steps]
    return [steps]


def _change(value: Any, steps: Sequence[str], change: Any) -> Any:
    """The value with what is at the end of the steps changed; the rest is shared with the original."""
    if not steps:
        return change(value)
    first, *rest = steps
    if isinstance(value, list) and first.isdigit() and int(first) < len(value):
        number = int(first)
        return [*value[:number], _change(value[number], rest, change), *value[number + 1 :]]
    if isinstance(value, dict) and first in value:
        return {key: _change(each, rest, change) if key == first else each for key, each in value.items()}
    return value


def _diff(before: Any, after: Any, where: str) -> str:
    one, other = (json.dumps(each, ensure_ascii=False, indent=1, default=str).splitlines() for each in (before, after))
    return "\n".join(difflib.unified_diff(one, other, where, where + " (repaired)", lineterm="", n=1))
