"""Stored results: read again, rendered again, compared, and held against the bytes that were judged."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mmcheck import check
from mmcheck.cli import run
from mmcheck.comparison import compare
from mmcheck.errors import OpenError, RequestError
from mmcheck.fingerprint import dataset_fingerprint
from mmcheck.report import FileSummary, Report
from mmcheck.reporters import render
from mmcheck.resources import folder
from mmcheck.stored import from_document, read

EXAMPLES = folder("examples")
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def mmcheck(capfd: pytest.CaptureFixture[str]) -> Run:
    """One command line: exit code, standard output, standard error."""

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        code = run([str(argument) for argument in arguments])
        return code, *capfd.readouterr()

    return call


@pytest.fixture(scope="module")
def bad() -> Report:
    return check(EXAMPLES / "llava" / "bad")


@pytest.fixture(scope="module")
def good() -> Report:
    return check(EXAMPLES / "llava" / "good")


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """A copy that may be changed."""
    return Path(shutil.copytree(EXAMPLES / "llava" / "good", tmp_path / "data"))


def store(report: Report | list[Report], path: Path) -> Path:
    render(report, "json", path)
    return path


# Reading


def test_a_report_is_the_same_again(bad: Report, tmp_path: Path) -> None:
    assert read(store(bad, tmp_path / "r.json")) == bad
    assert read(store([bad, bad], tmp_path / "r.json")) == [bad, bad]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda data: data["mmcheck"].update(result=2), "version 2; this mmcheck reads version 1"),
        (lambda data: data.pop("mmcheck"), "not a result of mmcheck"),
        (lambda data: data.pop("totals"), "it has no 'totals'"),
        (lambda data: data["findings"].append({"rule": 7}), "not a whole result"),
        (lambda data: data.update(dataset=None), "not a whole result"),
        (lambda data: data.update(predicateType="x"), "its predicate is x"),
    ],
)
def test_what_is_no_result_is_told(
    change: Callable[[Any], Any], says: str, bad: Report, tmp_path: Path, mmcheck: Run
) -> None:
    data = bad.to_dict()
    change(data)
    path = tmp_path / "r.json"
    path.write_text(json.dumps(data))
    code, out, error = mmcheck("report", path, "-o", "markdown")
    assert (code, out) == (2, "")
    assert says in error
    assert str(path) in error


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "7", '{"mmcheck": {"results": 2}}', '{"mmcheck": {"results": 1}}', "[" * 9999]
)
def test_other_texts_are_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text(text)
    with pytest.raises(RequestError):
        read(tmp_path / "r.json")


def test_fields_may_be_added(bad: Report) -> None:
    data = bad.to_dict()
    data["totals"]["more"] = data["findings"][0]["more"] = data["more"] = 1
    assert from_document(data) == bad


def test_a_missing_result(mmcheck: Run, tmp_path: Path) -> None:
    with pytest.raises(OpenError):
        read(tmp_path / "none.json")
    assert mmcheck("report", tmp_path / "none.json")[0] == 3


# mmcheck report


def test_report_renders_what_check_rendered(mmcheck: Run, tmp_path: Path) -> None:
    kinds = ("json", "markdown", "sarif", "junit", "card", "badge", "html", "attest")
    wanted = [part for kind in kinds for part in ("-o", f"{kind}={tmp_path / f'first.{kind}'}")]
    assert mmcheck("check", EXAMPLES / "llava" / "bad", "--no-thumbnails", "--max-findings", "1", *wanted)[0] == 1
    wanted = [part for kind in kinds for part in ("-o", f"{kind}={tmp_path / f'again.{kind}'}")]
    code, out, error = mmcheck("report", tmp_path / "first.json", *wanted)
    assert (code, out) == (0, ""), error
    for kind in kinds:
        assert (tmp_path / f"first.{kind}").read_bytes() == (tmp_path / f"again.{kind}").read_bytes(), kind


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_report_refuses_what_is_never_capped(kind: str, bad: Report, mmcheck: Run, tmp_path: Path) -> None:
    code, _, error = mmcheck("report", store(bad, tmp_path / "r.json"), "-o", f"{kind}={tmp_path / 'x'}")
    assert code == 2
    assert "lists every finding" in error
    assert not (tmp_path / "x").exists()


def test_report_shows_thumbnails_of_a_dataset_that_is_named(bad: Report, mmcheck: Run, tmp_path: Path) -> None:
    result, page = store(bad, tmp_path / "r.json"), tmp_path / "r.html"
    for more, shown in (((), False), (("--dataset", EXAMPLES / "llava" / "bad"), True)):
        assert mmcheck("report", result, "-o", f"html={page}", *more)[0] == 0
        assert ("data:image\\/jpeg" in page.read_text()) == shown
    assert mmcheck("check", EXAMPLES / "llava" / "bad", "-o", f"html={page}")[0] == 1
    assert "data:image\\/jpeg" in page.read_text()


def test_every_output_is_written_though_one_cannot_be(mmcheck: Run, tmp_path: Path) -> None:
    kinds = ("json", "html", "sarif", "junit", "markdown", "github", "badge")
    outputs = [part for kind in kinds for part in ("-o", f"{kind}={tmp_path / kind}")]
    (tmp_path / "README.md").write_text("<!-- mmcheck:end -->\n")
    more = ("--attest", tmp_path / "attest", "-o", f"card={tmp_path / 'README.md'}")
    code, _, error = mmcheck("check", tmp_path / "none", *more, *outputs)
    assert code == 3
    assert "nothing to attest" in error
    assert "do not pair" in error
    for kind in kinds:
        text = (tmp_path / kind).read_text()
        assert "INCOMPLETE" in text.upper()
        assert "does not exist" in text or kind in ("badge", "github")
    assert not (tmp_path / "attest").exists()


# mmcheck compare


def test_compare(bad: Report, good: Report, mmcheck: Run, tmp_path: Path) -> None:
    old, new = store(good, tmp_path / "old.json"), store(bad, tmp_path / "new.json")
    code, out, _ = mmcheck("compare", old, new)
    assert code == 1
    assert out.startswith("WORSE")
    assert "PASS → FAIL" in out
    code, out, _ = mmcheck("compare", new, old)
    assert code == 0
    assert out.startswith("BETTER")
    code, out, _ = mmcheck("compare", new, new)
    assert (code, out.split()[0]) == (0, "NOT")
    assert "same bytes" in out
    assert mmcheck("compare", old, new, "--fail-on", "never")[0] == 0


def test_compare_as_json_and_markdown(bad: Report, good: Report, mmcheck: Run, tmp_path: Path) -> None:
    old, new = store(good, tmp_path / "old.json"), store(bad, tmp_path / "new.json")
    code, out, _ = mmcheck("compare", old, new, "-o", "json", "-o", f"markdown={tmp_path / 'c.md'}")
    told = json.loads(out)
    assert code == 1
    assert told["worse"] is True
    assert {rule["code"] for rule in told["rules"] if rule["change"] == "worse"} >= {"MM020", "MM021"}
    assert told["totals"]["errors"] == {"old": 0, "new": 6}
    assert told["counts"]["new_findings"] == len(bad.findings)
    assert told["statistics"]
    assert "| `MM021` |" in (tmp_path / "c.md").read_text()
    assert mmcheck("compare", old, new, "-o", "html")[0] == 2


def test_a_new_finding_is_worse_though_the_count_is_the_same(bad: Report) -> None:
    first = bad.findings[0]
    moved = replace(bad, findings=[replace(first, fingerprint="another"), *bad.findings[1:]])
    result = compare(bad, moved)
    assert result.worse
    assert [each.fingerprint for each in result.new_findings] == ["another"]
    assert result.gone_findings == [first]


def test_a_rule_that_no_longer_runs_is_told(bad: Report) -> None:
    rules = [replace(rule, status="skipped", failed=0) if rule.code == "MM021" else rule for rule in bad.rules]
    changes = {rule.code: rule.change for rule in compare(bad, replace(bad, rules=rules)).rules}
    assert changes["MM021"] == "no longer run"


def test_several_are_compared_in_their_order(bad: Report, good: Report, mmcheck: Run, tmp_path: Path) -> None:
    both, one = store([bad, good], tmp_path / "both.json"), store(bad, tmp_path / "one.json")
    assert mmcheck("compare", both, both)[0] == 0
    assert mmcheck("compare", both, one)[0] == 2


# Fingerprint and mmcheck verify


def test_the_fingerprint_is_the_merkle_tree_of_rfc_6962() -> None:
    files = [FileSummary(name, "samples", 3, 1, f"sha256:{name * 64}") for name in "cab"]
    a, b, c = (hashlib.sha256(f"\0{name}\0003\0sha256:{name * 64}".encode()).digest() for name in "abc")
    node = hashlib.sha256(b"\1" + a + b).digest()
    assert dataset_fingerprint(files) == "sha256:" + hashlib.sha256(b"\1" + node + c).hexdigest()
    assert dataset_fingerprint(files) == dataset_fingerprint([*reversed(files), FileSummary("x", "ignored", 1, 0)])
    assert dataset_fingerprint([]) == "sha256:" + hashlib.sha256(b"").hexdigest()


@pytest.mark.parametrize("kind", ["json", "attest"])
def test_verify(kind: str, dataset: Path, mmcheck: Run, tmp_path: Path) -> None:
    result = tmp_path / "result"
    option = ("--attest", result) if kind == "attest" else ("-o", f"json={result}")
    assert mmcheck("check", dataset, "--digest-media", *option)[0] == 0
    code, out, _ = mmcheck("verify", result, dataset)
    assert (code, out.split()[0]) == (0, "SAME")
    image = sorted((dataset / "images").iterdir())[0]
    image.write_bytes(image.read_bytes()[:-1] + b"x")
    sorted((dataset / "images").iterdir())[1].unlink()
    (dataset / "more.json").write_text("[]")
    code, out, _ = mmcheck("verify", result, dataset)
    assert code == 1
    assert out.startswith("DIFFERENT")
    found = {tuple(line.split()[:2]) for line in out.splitlines()[1:]}
    missing = next(name for what, name in found if what == "missing")
    assert found == {("changed", f"images/{image.name}"), ("missing", missing), ("new", "more.json")}


def test_verify_knows_an_altered_result(dataset: Path, mmcheck: Run, tmp_path: Path) -> None:
    report = check(dataset)
    report.files[0] = replace(report.files[0], records=7)  # is not part of it
    assert mmcheck("verify", store(report, tmp_path / "r.json"), dataset)[0] == 0
    other = replace(report, files=[*report.files, FileSummary("/etc/hostname", "media", 1, 0, "sha256:0")])
    code, out, _ = mmcheck("verify", store(other, tmp_path / "r.json"), dataset)
    assert code == 1
    assert "altered" in out
    assert "outside" in out


def test_verify_without_media_says_so(dataset: Path, mmcheck: Run, tmp_path: Path) -> None:
    result = store(check(dataset), tmp_path / "r.json")
    next((dataset / "images").iterdir()).unlink()
    code, out, _ = mmcheck("verify", result, dataset)
    assert code == 0
    assert "media files are not part of it" in out


def test_verify_of_other_paths(dataset: Path, mmcheck: Run, tmp_path: Path) -> None:
    result = store(check(dataset), tmp_path / "r.json")
    assert mmcheck("verify", result, tmp_path / "none")[0] == 3
    assert mmcheck("verify", result, dataset, dataset)[0] == 2
    assert mmcheck("verify", result, EXAMPLES / "llava" / "bad")[0] == 1


def test_media_digests_need_media(dataset: Path) -> None:
    with pytest.raises(RequestError, match="choose one"):
        check(dataset, probe="none", digest_media=True)
    assert any(file.role == "media" for file in check(dataset, select=["LV"], digest_media=True).files)
