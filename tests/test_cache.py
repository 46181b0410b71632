"""What was found before is taken over while it still holds, and never otherwise."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import mmcheck
from mmcheck import judging
from mmcheck.cache import Cache, identity, key
from mmcheck.probe.apart import Medium, Pool

Check = Callable[..., Any]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two LLaVA files with images of their own, old enough to be told from what comes after."""
    root = tmp_path / "data"
    (root / "images").mkdir(parents=True)
    for name in ("a", "b"):
        records = []
        for number in range(6):
            image = f"images/{name}{number}.png"
            Image.new("RGB", (40 + number, 30), (number, 7, 9)).save(root / image)
            turns = [{"from": "human", "value": "<image>\nWhat is it?"}, {"from": "gpt", "value": f"{name} {number} "}]
            records.append({"id": f"{name}{number}", "image": image, "conversations": turns})
        (root / f"{name}.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    settle()
    return root


def settle() -> None:
    """Files that were written a moment ago are not trusted to be told from their next version."""
    time.sleep(0.08)


@pytest.fixture
def checked(folder: Path, tmp_path: Path) -> Check:
    def check(**given: Any) -> Any:
        return mmcheck.check(folder, format="llava", cache=tmp_path / "cache", jobs=1, **given)

    return check


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The media that were looked into, by file name."""
    names: list[str] = []
    look = Pool.look

    def noting(self: Pool, media: Sequence[Medium]) -> Any:
        names.extend(Path(str(medium.source)).name for medium in media)
        return look(self, media)

    monkeypatch.setattr(Pool, "look", noting)
    return names


def told(report: Any) -> dict[str, Any]:
    found: dict[str, Any] = report.to_dict()
    found.pop("run")
    return found


def test_a_second_check_judges_nothing(checked: Check, asked: list[str]) -> None:
    first = checked()
    assert first.remembered == (0, 2) and len(asked) == 12
    second = checked()
    assert second.remembered == (2, 2) and len(asked) == 12
    assert told(second) == told(first)
    assert first.totals.infos, "edge whitespace is told both times"


def test_without_a_cache_nothing_is_kept(folder: Path, tmp_path: Path) -> None:
    assert mmcheck.check(folder, format="llava").remembered is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]


def test_only_the_file_that_changed_is_judged(checked: Check, folder: Path, asked: list[str]) -> None:
    checked()
    with (folder / "b.jsonl").open("a") as file:
        file.write("{broken\n")
    settle()
    asked.clear()
    report = checked()
    assert report.remembered == (1, 2) and asked == []
    assert [(each.rule, each.file, each.row, each.line) for each in report.findings if each.rule == "MM002"] == [
        ("MM002", "b.jsonl", 6, 7)
    ]


def test_a_medium_that_changed_is_looked_into(checked: Check, folder: Path, asked: list[str]) -> None:
    checked()
    before = os.stat(folder / "images/a3.png")
    (folder / "images/a3.png").write_bytes((folder / "images/a3.png").read_bytes()[:-20])
    os.utime(folder / "images/a3.png", ns=(before.st_atime_ns, before.st_mtime_ns))
    settle()
    asked.clear()
    report = checked()
    assert asked == ["a3.png"] and report.remembered == (1, 2)
    assert [(each.rule, each.row) for each in report.findings if each.rule == "MM021"] == [("MM021", 3)]


def test_a_medium_that_went_and_came_back(checked: Check, folder: Path) -> None:
    checked()
    (folder / "images/b1.png").rename(folder / "away.png")
    assert [each.rule for each in checked().findings if each.severity == "error"] == ["MM020"]
    (folder / "away.png").rename(folder / "images/b1.png")
    assert not [each for each in checked().findings if each.severity == "error"]


def test_what_is_missing_is_known_to_be(checked: Check, folder: Path) -> None:
    (folder / "images/b1.png").unlink()
    first = checked()
    assert [each.rule for each in first.findings if each.severity == "error"] == ["MM020"]
    assert checked().remembered == (2, 2)


def test_a_medium_that_turns_up_nearer(tmp_path: Path) -> None:
    """Found below the dataset's root so far, then, broken, beside the annotations, where it is looked for first."""
    (tmp_path / "data/sub").mkdir(parents=True)
    (tmp_path / "data/a").mkdir()
    Image.new("RGB", (40, 30)).save(tmp_path / "data/a/1.png")
    turns = [{"from": "human", "value": "<image>"}, {"from": "gpt", "value": "x"}]
    record = {"id": "1", "image": "a/1.png", "conversations": turns}
    (tmp_path / "data/sub/train.jsonl").write_text(json.dumps(record) + "\n")
    settle()

    def check() -> Any:
        return mmcheck.check(tmp_path / "data", format="llava", cache=tmp_path / "cache")

    assert check().verdict == "pass" and check().remembered == (1, 1)
    (tmp_path / "data/sub/a").mkdir()
    (tmp_path / "data/sub/a/1.png").write_bytes(b"no picture")
    settle()
    report = check()
    assert report.remembered == (0, 1) and [each.rule for each in report.findings if each.severity == "error"] == [
        "MM021"
    ]


def test_a_folder_that_becomes_a_link_out_of_the_roots(checked: Check, folder: Path, tmp_path: Path) -> None:
    checked()
    away = tmp_path.parent / f"{tmp_path.name}-away"
    (folder / "images").rename(away)
    (folder / "images").symlink_to(away)
    report = checked(allow_roots=[])
    assert report.remembered == (0, 2)


def test_media_are_known_before_their_batch_is_judged(folder: Path, tmp_path: Path) -> None:
    """A check that is ended in the middle of a batch has not looked in vain."""
    cache = Cache(tmp_path / "cache")
    from mmcheck.locate import Roots
    from mmcheck.media import Prober, Probing

    probing = Probing(Roots(folder), "decode", identify=True)
    pool = probing.pool(1)
    assert pool is not None
    prober = Prober(probing, pool, cache)
    import polars as pl

    names = [f"images/a{number}.png" for number in range(6)]
    none = pl.Series([None] * 6)
    media = pl.DataFrame({"source": names, "storage": "path", "kind": "image"}).with_columns(
        none.cast(pl.Int64).alias("_blob"), none.cast(pl.String).alias("_name")
    )
    prober.look(media, [], folder)  # and never asked what was found
    for _ in range(100):
        time.sleep(0.05)
        with contextlib.closing(sqlite3.connect(_database(tmp_path))) as base:
            if base.execute("SELECT COUNT(*) FROM found").fetchone() == (6,):
                break
    else:
        pytest.fail("nothing was kept")
    pool.close()


def test_what_comes_within_a_second_is_kept_together(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")

    def kept() -> list[str]:
        with contextlib.closing(sqlite3.connect(_database(tmp_path))) as base:
            return [bytes(name).decode() for (name,) in base.execute("SELECT key FROM found ORDER BY key")]

    cache.put({b"a": 1}, soon=True)
    assert kept() == ["a"], "nothing was written a moment ago"
    cache.put({b"b": 2}, soon=True)
    assert kept() == ["a"]
    cache.put({b"c": 3})
    assert kept() == ["a", "b", "c"]
    cache.put({b"d": 4}, soon=True)
    cache.put({b"%05d" % number: number for number in range(4_000)}, soon=True)
    assert len(kept()) == 4_004
    cache.put({b"e": 5}, soon=True)
    cache.close()
    assert len(kept()) == 4_005 and Cache(tmp_path / "cache").get([b"d", b"e"]) == {b"d": 4, b"e": 5}


def test_other_rules_judge_anew_and_open_nothing(checked: Check, asked: list[str]) -> None:
    checked()
    asked.clear()
    report = checked(profile="qwen2-vl")
    assert report.remembered == (0, 2) and asked == []
    assert report.to_dict()["rules"] != checked().to_dict()["rules"]


@pytest.mark.parametrize("given", [{"probe": "header"}, {"params": {"max_pixels": 900}}, {"max_findings": 2}])
def test_another_request_is_another_result(checked: Check, given: dict[str, Any]) -> None:
    checked()
    assert checked(**given).remembered == (0, 2)
    assert checked(**given).remembered == (2, 2)


def test_a_sample_is_not_kept(checked: Check) -> None:
    assert checked(sample="3").remembered is None


def _database(tmp_path: Path) -> Path:
    (found,) = (tmp_path / "cache").glob("*.sqlite")
    return found


@pytest.mark.parametrize("damage", ["garbage", "cut", "empty", "values"])
def test_a_damaged_cache_is_written_again(checked: Check, tmp_path: Path, damage: str) -> None:
    first = checked()
    database = _database(tmp_path)
    data = database.read_bytes()
    if damage == "values":
        with contextlib.closing(sqlite3.connect(database)) as base, base:
            base.execute("UPDATE found SET value = substr(value, 1, length(value) - 1) || x'00'")
    else:
        database.write_bytes({"garbage": b"no database" * 500, "cut": data[: len(data) // 3], "empty": b""}[damage])
        for suffix in ("-wal", "-shm"):
            Path(f"{database}{suffix}").unlink(missing_ok=True)
    again = checked()
    assert told(again) == told(first)
    if damage != "cut":  # of a database that is cut, some entries may be left
        assert again.remembered == (0, 2)
    assert told(checked()) == told(first)


class _Trap:
    """Writes a file as soon as it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_what_a_stranger_wrote_is_not_even_decoded(checked: Check, tmp_path: Path) -> None:
    first = checked()
    trap = pickle.dumps(_Trap(tmp_path / "sprung"))
    with contextlib.closing(sqlite3.connect(_database(tmp_path))) as base, base:
        base.execute("UPDATE found SET value = ?", (bytes(32) + trap,))
    again = checked()
    assert not (tmp_path / "sprung").exists()
    assert again.remembered == (0, 2) and told(again) == told(first)


def test_an_entry_of_another_key_does_not_count(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.put({b"one": "first", b"two": "second"})
    with contextlib.closing(sqlite3.connect(next(tmp_path.glob("*.sqlite")))) as base, base:
        base.execute("UPDATE found SET value = (SELECT value FROM found WHERE key = ?) WHERE key = ?", (b"one", b"two"))
    assert cache.get([b"one", b"two", b"three"]) == {b"one": "first"}


def test_a_cache_of_another_user_does_not_count(
    checked: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "other"))
    assert checked().remembered == (0, 2)


def test_a_key_that_others_can_read_is_none(checked: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    checked()
    (tmp_path / "state/mmcheck/key").chmod(0o644)
    assert not Cache(tmp_path / "cache").works
    assert checked().remembered is None


def test_a_cache_that_cannot_be_written_costs_nothing(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    report = mmcheck.check(folder, format="llava", cache=tmp_path / "file" / "cache")
    assert report.remembered is None and report.run.complete
    with pytest.raises(mmcheck.RequestError, match="not a folder"):
        mmcheck.check(folder, format="llava", cache=tmp_path / "file")


def test_keys_tell_circumstances_apart(tmp_path: Path) -> None:
    assert key("a", 1) != key("a", "1") != key("a1")
    assert key("a", 1) == key("a", 1)
    fresh = tmp_path / "fresh"
    fresh.write_text("x")
    assert identity(fresh) is None, "it may be written again within the same tick"
    settle()
    assert identity(fresh) == identity(fresh) is not None
    assert identity(tmp_path / "absent") is None


def _command(folder: Path, cache: Path, *more: str) -> list[str]:
    where = ["--cache", str(cache), "-j", "2", "--quiet", "-o", "json"]
    return [sys.executable, "-m", "mmcheck", "check", str(folder), "--format", "llava", *where, *more]


def _result(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(done.stdout)
    found.pop("run")
    return found


def test_two_checks_at_once(folder: Path, tmp_path: Path) -> None:
    command = _command(folder, tmp_path / "cache")
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    one, other = (json.loads(process.communicate()[0]) for process in both)
    one.pop("run"), other.pop("run")
    third = subprocess.run([*command, "--resume"], capture_output=True, text=True)
    assert one == other == _result(third)
    assert "2 of 2 parts were judged before" in third.stderr


@pytest.mark.fault("SIGKILL during a check with a cache, resumed", "lost findings")
def test_a_killed_check_goes_on(folder: Path, tmp_path: Path) -> None:
    whole = _result(subprocess.run(_command(folder, tmp_path / "other"), capture_output=True, text=True))
    chance = random.Random(7)
    for _ in range(4):
        process = subprocess.Popen(_command(folder, tmp_path / "cache"), stdout=subprocess.DEVNULL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(chance.uniform(0.3, 1.2))
        process.send_signal(signal.SIGKILL)
        process.wait()
    done = subprocess.run(_command(folder, tmp_path / "cache", "--resume"), capture_output=True, text=True)
    assert _result(done) == whole
    assert "parts were judged before" in done.stderr or "no part was judged before" in done.stderr


def test_resuming_needs_a_cache(folder: Path) -> None:
    command = [sys.executable, "-m", "mmcheck", "check", str(folder), "--no-cache", "--resume"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and "--resume" in done.stderr


def test_a_check_that_is_known_imports_no_engine(folder: Path, tmp_path: Path) -> None:
    checks = f"import sys, mmcheck; report = mmcheck.check({str(folder)!r}, format='llava', cache={str(tmp_path)!r})"
    program = f"{checks}; print(report.remembered, 'polars' in sys.modules, 'mmcheck.gathering' in sys.modules)"
    lines = [subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout for _ in range(2)]
    assert lines == ["(0, 2) True True\n", "(2, 2) False False\n"]


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The datasets that were judged, and not known as a whole."""
    found: list[str] = []
    judge = judging.judge

    def noting(dataset: Any, *rest: Any, **more: Any) -> Any:
        found.append(dataset.path)
        return judge(dataset, *rest, **more)

    monkeypatch.setattr(judging, "judge", noting)
    return found


def test_a_whole_check_is_known(checked: Check, folder: Path, judged: list[str]) -> None:
    seen: list[Any] = []
    first, second = checked(), checked(progress=seen.append)
    assert [(each.bytes_done == each.bytes_total > 0, each.records) for each in seen] == [(True, 12)]
    assert judged == [str(folder)] and told(second) == told(first)
    assert second.run.started >= first.run.started
    assert replace(second.run, started="", seconds=0) == replace(first.run, started="", seconds=0)
    checked(probe="header"), checked(select=["MM"]), checked(max_findings=1), checked(params={"min_side": 9})
    assert len(judged) == 5, "another request is another check"
    (folder / "notes.txt").write_text("no file of the dataset")
    (folder / "c.json").write_text('{"other": 1}')
    settle()
    assert [each.file for each in checked().files if each.role == "ignored"] == ["c.json"]
    (folder / "c.json").write_text('{"other": 12}')
    assert [each.bytes for each in checked().files if each.role == "ignored"] == [13]
    assert len(judged) == 7


def test_rules_that_changed_are_judged_by(checked: Check, tmp_path: Path) -> None:
    base, ours = tmp_path / "base.yaml", tmp_path / "ours.yaml"
    ours.write_text("extends: [base]\nrules: []\n")
    rule = (
        "rules:\n- {code: PX001, name: text-too-long, severity: error, table: turns, docs: d,\n"
        "   expression: LENGTH(text) < %d, good: [{text: a}], bad: [{text: %s}]}\n"
    )
    for most, verdict in ((500, "pass"), (3, "fail"), (500, "pass")):
        base.write_text(rule % (most, "a" * most))
        assert checked(rules=[ours]).verdict == checked(rules=[ours]).verdict == verdict


def test_what_lies_beside_the_files_is_looked_at_each_time(checked: Check, folder: Path) -> None:
    def without_licence() -> int:
        return next(rule.failed for rule in checked(profile="release").rules if "licen" in rule.name)

    assert without_licence() == without_licence() == 1
    (folder / "LICENSE").write_text("free")
    assert without_licence() == 0


def test_a_hint_tells_where_media_are_now(checked: Check, folder: Path) -> None:
    (folder / "images").rename(folder.parent / "elsewhere")

    def hint() -> str:
        return next(each.hint for each in checked().findings if each.rule == "MM020")

    assert "below" not in hint() and "below" not in hint()
    (folder / "deeper").mkdir()
    (folder.parent / "elsewhere").rename(folder / "deeper/images")
    assert f"below {folder / 'deeper'}" in hint()


def test_a_media_root_that_went_is_told(checked: Check, folder: Path) -> None:
    (folder.parent / "root").mkdir()
    checked(media_root=folder.parent / "root")
    (folder.parent / "root").rmdir()
    with pytest.raises(mmcheck.RequestError, match="is not a folder"):
        checked(media_root=folder.parent / "root")
