"""The story of a check, on datasets made here: verdicts, places, counts, exit codes of the contract."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import mmcheck
from mmcheck.errors import OpenError, RequestError
from mmcheck.report import Report
from mmcheck.verification import verify

Record = dict[str, Any]


def record(number: int, **other: Any) -> Record:
    turns = [{"from": "human", "value": "<image>\nWhat is it?"}, {"from": "gpt", "value": f"Picture {number}."}]
    return {"id": f"r{number}", "image": "a.jpg", "conversations": turns} | other


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    Image.new("RGB", (32, 24), (200, 30, 40)).save(tmp_path / "a.jpg")

    def write(records: list[Any], name: str = "train.jsonl") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(".jsonl"):
            path.write_text("".join(json.dumps(each) + "\n" for each in records))
        else:
            path.write_text(json.dumps(records))
        return path

    return write


def found(report: Report, severity: str = "error") -> list[tuple[str, str | None, int | None]]:
    return [(each.rule, each.file, each.row) for each in report.findings if each.severity == severity]


def rule(report: Report, code: str) -> Any:
    return next(each for each in report.rules if each.code == code)


def test_a_sound_dataset_passes(write: Callable[..., Path], tmp_path: Path) -> None:
    report = mmcheck.check(write([record(number) for number in range(5)]))
    assert (report.format, report.verdict, report.exit_code()) == ("llava", "pass", 0)
    assert (report.totals.records, report.totals.media, report.totals.distinct_media) == (5, 5, 1)
    assert report.findings == []
    for options in ({"probe": "none"}, {"probe": "exists"}, {"modality": "video"}):
        totals = mmcheck.check(tmp_path / "train.jsonl", **options).totals  # type: ignore[arg-type]
        assert (totals.media, totals.distinct_media) == (5, 1), options


def test_one_bad_line_never_hides_the_next(write: Callable[..., Path]) -> None:
    path = write([record(0), record(1, image=3), record(2, image=["a.jpg", "a.jpg"])])
    path.write_text(path.read_text() + "\n{broken\n" + json.dumps(record(3, image="b.jpg")) + "\n")
    report = mmcheck.check(path)
    assert found(report) == [
        ("MM001", "train.jsonl", 1),
        ("MM011", "train.jsonl", 2),
        ("MM002", "train.jsonl", 3),
        ("MM020", "train.jsonl", 4),
    ]
    lines = {each.rule: each.line for each in report.findings}
    assert lines["MM002"] == 5 and lines["MM020"] == 6  # a blank line has a line and no row
    assert (report.totals.records, report.totals.invalid_records, report.exit_code()) == (5, 2, 1)
    assert next(each for each in report.findings if each.rule == "MM001").pointer == "/image"


def test_counts_are_exact_where_findings_are_capped(write: Callable[..., Path]) -> None:
    path = write([record(number, image=["a.jpg", "a.jpg"]) for number in range(250)])
    report = mmcheck.check(path, max_findings=10)
    assert [each.row for each in report.findings] == list(range(10))
    assert (rule(report, "MM011").failed, rule(report, "MM011").capped, report.totals.errors) == (250, True, 250)
    assert len(mmcheck.check(path, max_findings=None).findings) == 250


def test_a_whole_root_that_is_absent_is_one_finding(write: Callable[..., Path], tmp_path: Path) -> None:
    path = write([record(number, image=f"coco/{number}.jpg") for number in range(7)])
    [finding] = mmcheck.check(path).findings
    assert (finding.rule, finding.count, finding.row) == ("MM020", 7, None)
    (tmp_path / "downloads" / "coco").mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(tmp_path / "downloads" / "coco" / "0.jpg")
    [finding] = mmcheck.check(path).findings
    assert str(tmp_path / "downloads") in str(finding.hint)
    assert mmcheck.check(path, probe="none").findings == []
    assert rule(mmcheck.check(path, probe="none"), "MM020").status == "skipped"


def test_media_found_only_in_a_parent_are_one_warning(write: Callable[..., Path]) -> None:
    report = mmcheck.check(write([record(0), record(1)], "annotations/train.jsonl"))
    [finding] = report.findings
    assert (finding.rule, finding.count, finding.severity) == ("MM027", 2, "warning")
    assert report.verdict == "pass" and report.exit_code("warning") == 1


def test_urls_are_told_as_not_looked_at(write: Callable[..., Path]) -> None:
    report = mmcheck.check(write([record(number, image="https://x.org/a.jpg") for number in range(3)]))
    [finding] = report.findings
    assert (finding.rule, finding.count, finding.severity, finding.file) == ("MM028", 3, "info", "train.jsonl")


def test_escapes_and_absolute_paths(write: Callable[..., Path], tmp_path: Path) -> None:
    path = write([record(0, image="../" * 12 + "etc/passwd"), record(1, image=str(tmp_path / "a.jpg"))])
    report = mmcheck.check(path)
    assert found(report) == [("MM026", "train.jsonl", 0)]
    assert found(report, "warning") == [("MM029", "train.jsonl", 1)]


def test_duplicates_are_the_later_ones_and_name_the_first(write: Callable[..., Path]) -> None:
    report = mmcheck.check(write([record(0), record(1), record(0)]))
    assert found(report, "warning") == [("MM030", "train.jsonl", 2)]
    assert found(report, "info") == [("MM031", "train.jsonl", 2)]
    assert "row 0" in next(each.message for each in report.findings if each.rule == "MM030")


def test_ids_of_broken_records_still_count(write: Callable[..., Path]) -> None:
    report = mmcheck.check(write([record(0, image=3), record(1), record(0)]))
    assert ("MM030", "train.jsonl", 2) in found(report, "warning")


def test_findings_survive_sampling_with_their_rows(write: Callable[..., Path]) -> None:
    path = write([record(number, image="b.jpg" if number % 3 == 0 else "a.jpg") for number in range(60)])
    report = mmcheck.check(path, sample="50%")
    assert report.run.sampled and report.verdict == "fail"
    assert all(each.row is not None and each.row % 3 == 0 for each in report.findings)
    assert report.findings == mmcheck.check(path, sample="50%").findings
    assert mmcheck.check(write([record(number) for number in range(40)]), sample="10").verdict == "incomplete"


def test_a_sample_of_n_takes_n(write: Callable[..., Path]) -> None:
    report = mmcheck.check(write([record(number) for number in range(40)]), sample="10")
    assert rule(report, "MM001").checked == 10
    assert rule(report, "MM030").status == "unknown"


def test_a_fingerprint_does_not_depend_on_the_row(write: Callable[..., Path]) -> None:
    bad = record(7, image="b.jpg")
    [before] = mmcheck.check(write([record(0), bad])).findings
    [after] = mmcheck.check(write([record(0), record(1), record(2), bad])).findings
    assert before.row != after.row and before.fingerprint == after.fingerprint


def test_a_rule_that_raises_is_an_error_and_the_others_still_run(write: Callable[..., Path], tmp_path: Path) -> None:
    rules = tmp_path / "ours.yaml"
    rules.write_text(
        "rules:\n"
        "  - {code: PX001, name: number-too-small, severity: error, table: turns, expression: CAST(text AS INT) > 0}\n"
        "  - {code: PX002, name: text-too-short, severity: error, table: turns, expression: LENGTH(text) > 12}\n"
    )
    report = mmcheck.check(write([record(0)]), rules=[rules])
    assert rule(report, "PX001").status == "error" and not report.run.complete and report.exit_code() == 3
    assert found(report) == [("PX002", "train.jsonl", 0)]


def test_null_is_unknown_and_neither_passed_nor_failed(write: Callable[..., Path], tmp_path: Path) -> None:
    rules = tmp_path / "ours.yaml"
    rules.write_text(
        "rules:\n  - {code: PX001, name: id-too-short, severity: error, table: samples, expression: LENGTH(id) > 1}\n"
    )
    records = [record(0), record(1, id=None), {key: value for key, value in record(2).items() if key != "id"}]
    summary = rule(mmcheck.check(write(records[:1] + records[2:]), rules=[rules]), "PX001")
    assert (summary.checked, summary.failed, summary.unknown, summary.status) == (2, 0, 1, "passed")


def test_references_aggregates_and_near_misses(write: Callable[..., Path], tmp_path: Path) -> None:
    rules = tmp_path / "ours.yaml"
    rules.write_text(
        "rules:\n"
        "  - {code: PX001, name: too-few-records, severity: error, table: samples,"
        " aggregate: {by: [file], expression: COUNT(*) >= 3}}\n"
        "  - {code: PX002, name: image-no-id, severity: error, table: media,"
        " references: {column: source, to: samples.id}}\n"
    )
    write([record(0, id="a0.jpg", image="a.jpg")], "train.jsonl")
    write([record(number, id=f"{number}") for number in range(1, 4)], "val.jsonl")
    report = mmcheck.check(tmp_path, rules=[rules])
    assert [each.file for each in report.findings if each.rule == "PX001"] == ["train.jsonl"]
    missing = [each for each in report.findings if each.rule == "PX002"]
    assert len(missing) == 4 and "a0.jpg" in str(missing[0].hint)


def test_the_same_media_in_two_splits(write: Callable[..., Path], tmp_path: Path) -> None:
    write([record(0)], "train.jsonl")
    write([record(1)], "val.jsonl")
    [finding] = mmcheck.check(tmp_path).findings
    assert (finding.rule, finding.severity) == ("MM032", "warning")
    val = mmcheck.check(tmp_path, split="val")
    assert val.findings == []
    assert val.notes == ["train.jsonl was not looked at: it is of the split train"]
    assert verify(val, tmp_path) == []
    with pytest.raises(RequestError, match="train, val"):
        mmcheck.check(tmp_path, split="vall")


@pytest.mark.parametrize(
    "content",
    [b"", b"\n\n", b"\xef\xbb\xbf", b"[]", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"],
)
@pytest.mark.parametrize("form", [None, "llava"])
def test_a_file_without_data_is_a_finding(tmp_path: Path, content: bytes, form: str | None) -> None:
    (tmp_path / "train.json").write_bytes(content)
    report = mmcheck.check(tmp_path / "train.json", format=form)
    assert found(report) == [("MM003", "train.json", None)] and report.exit_code() == 1


def test_wrong_requests_and_missing_paths(write: Callable[..., Path], tmp_path: Path) -> None:
    path = write([record(0)])
    with pytest.raises(RequestError, match="did you mean 'llava'"):
        mmcheck.check(path, format="lava")
    with pytest.raises(RequestError, match="version"):
        mmcheck.check(path, format="llava@9")
    with pytest.raises(RequestError, match="did you mean 'decode'"):
        mmcheck.check(path, probe="decoed")
    with pytest.raises(RequestError, match="no rule is called"):
        mmcheck.check(path, select=["XX"])
    with pytest.raises(RequestError, match="max_pixels"):
        mmcheck.check(path, params={"max_pixel": "3"})
    with pytest.raises(OpenError, match="does not exist"):
        mmcheck.check(tmp_path / "absent.json")


def test_several_files_and_globs_are_one_dataset(write: Callable[..., Path], tmp_path: Path) -> None:
    one, two = write([record(0)], "x/part-1.jsonl"), write([record(0), record(1, image="b.jpg")], "x/part-2.jsonl")
    for path in ([one, two], str(tmp_path / "x" / "part-*.jsonl")):
        report = mmcheck.check(path, media_root=tmp_path)
        assert [file.file for file in report.files] == ["part-1.jsonl", "part-2.jsonl"]
        assert ("MM030", "part-2.jsonl", 0) in found(report, "warning")
        assert found(report) == [("MM020", "part-2.jsonl", 1)]


def test_the_placeholder_is_the_users_to_choose(write: Callable[..., Path]) -> None:
    turns = [{"from": "human", "value": "<img> What?"}, {"from": "gpt", "value": "A thing."}]
    path = write([record(0, conversations=turns)])
    assert [each.rule for each in mmcheck.check(path).findings] == ["MM014"]
    assert mmcheck.check(path, placeholders=["<img>"]).findings == []
    assert mmcheck.check(path, placeholders=["image=<img>"]).findings == []


def test_the_same_dataset_gives_the_same_findings_for_any_number_of_jobs(write: Callable[..., Path]) -> None:
    path = write([record(number, image="b.jpg" if number % 2 else "a.jpg") for number in range(50)])
    assert mmcheck.check(path, jobs=1).findings == mmcheck.check(path, jobs=4).findings


def test_tables_keep_their_contracts(write: Callable[..., Path]) -> None:
    report = mmcheck.check(write([record(0), record(1, image=None), record(2, image=3)]), paranoid=True)
    assert report.totals.records == 3


def test_a_file_that_cannot_be_read_hides_nothing_of_the_others(
    write: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fails in the middle of a run: the run is incomplete, and the findings of the rest are all there."""
    from mmcheck import readers

    write([record(0)], "a.jsonl")
    write([record(1, image="b.jpg"), record(2), record(2)], "b.jsonl")
    original = readers.read

    def failing(path: Path, *args: Any, **options: Any) -> Any:
        if path.name == "a.jsonl" and not options.get("block"):
            raise OpenError(f"{path} cannot be read: Input/output error")
        return original(path, *args, **options)

    monkeypatch.setattr(readers, "read", failing)
    report = mmcheck.check(tmp_path, format="llava")
    assert (report.verdict, report.exit_code()) == ("fail", 3)
    assert "Input/output error" in report.notes[0]
    assert found(report) == [("MM020", "b.jsonl", 0)]
    assert ("MM030", "b.jsonl", 2) in found(report, "warning")
