"""Changed records of every shipped format: the validator against the reference, and the engine against surprises."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from fuzzing import EXAMPLES, LONG, ROOT, changed

import mmcheck
from mmcheck import readers
from mmcheck.format import load, names
from mmcheck.reporters import render
from mmcheck.schema import without_bytes

ROLES = [(name, role) for name in names() for role in load(name).roles]


def records(name: str, role: str) -> list[Any]:
    """Records of the format's own test datasets that are, or may be, of the role."""
    wanted = load(name).roles[role]
    found: list[Any] = []
    for path in sorted((ROOT / "tests" / "datasets" / name / "good").rglob("*")):
        if path.is_file() and wanted.fits_name(path.name) and len(found) < 60:
            for at in wanted.at:
                for batch in readers.read(path, at, document=wanted.document):
                    found += [without_bytes(value) for value in batch.values[:5]]
    return found


@pytest.mark.threat("mutated records: the judge against jsonschema", "lost findings")
@pytest.mark.parametrize(("name", "role"), ROLES, ids=lambda value: str(value))
def test_both_validators_agree(name: str, role: str, tried: Any) -> None:
    judge = load(name).judge(role)
    reference = jsonschema.Draft202012Validator(judge.schema)
    seeds = records(name, role)
    assert seeds, "no test dataset has records of this role"
    rng = random.Random(None if LONG else f"{name}/{role}")
    verdicts: set[bool] = set()
    for number in range(max(EXAMPLES, len(seeds))):
        seed = seeds[number % len(seeds)]
        value = seed if number < len(seeds) // 4 else changed(seed, rng)
        verdict = judge.holds(value)
        assert verdict == reference.is_valid(value), value
        assert bool(judge.faults(value, 0, 1)) != verdict, value
        tried(1)
        verdicts.add(verdict)
    assert True in verdicts


@pytest.mark.threat("mutated records through every rule")
@pytest.mark.parametrize(("name", "role"), ROLES, ids=lambda value: str(value))
def test_the_engine_takes_any_record(name: str, role: str, tmp_path: Path, tried: Any) -> None:
    """Whatever a record holds, it is judged: no rule raises, and every table keeps its contract."""
    form = load(name)
    wanted = form.roles[role]
    suffix = next((pattern for pattern in wanted.files if pattern.endswith((".json", ".jsonl"))), None)
    if suffix is None:
        pytest.skip("records of this role are in no JSON file")
    seeds = records(name, role)
    rng = random.Random(None if LONG else f"{name}/{role}")
    made = [changed(rng.choice(seeds), rng, 3) for _ in range(4 * EXAMPLES)]
    tried(len(made))
    at = wanted.at[0].strip("/*")
    path = tmp_path / suffix.replace("*", "fuzz")
    if suffix.endswith(".jsonl"):
        path.write_text("".join(json.dumps(each) + "\n" for each in made))
    else:
        items: Any = {str(number): each for number, each in enumerate(made)} if wanted.at[-1] == "*" else made
        path.write_text(json.dumps({at: items} if at else items))
    for probe in ("auto", "none"):
        report = mmcheck.check(path, format=name, paranoid=True, jobs=1, probe=probe)
        assert not [(rule.code, rule.reason) for rule in report.rules if rule.status == "error"]
        assert report.run.complete
        for kind in ("json", "markdown"):
            render(report, kind, tmp_path / "out")
