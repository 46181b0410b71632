"""What is compared with what: groups of cases on the same data."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.data import Data

Seen = dict[str, Any]
#: Off the network, whatever a library would look for there.
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_DATASETS_DISABLE_PROGRESS_BARS": "1"}


class Unavailable(Exception):
    """A case that cannot be run here; its text says why."""


@dataclass(frozen=True, slots=True)
class Case:
    """A command, and what it must have seen: `see` reads that from the folder for its outputs and what it printed.

    `before` is done before each run and not timed. `count` things are looked at. `base` is the key of the case of
    ratio 1, where it is not that of the group.
    """

    name: str
    key: str
    command: list[str]
    see: Callable[[Path, str], Seen]
    wanted: Seen
    count: int
    before: Callable[[], None] | None = None
    ours: bool = False
    base: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Cases on the same data, run in turns. `unit` is what is counted, `base` the key of the case of ratio 1.

    `missing` are cases that cannot be run: names and reasons.
    """

    key: str
    title: str
    about: str
    unit: str
    base: str
    cases: list[Case]
    missing: dict[str, str] = field(default_factory=dict)


def processes() -> list[int]:
    """Numbers of jobs that are tried: 1, 2, and on to the number of cores."""
    cores = len(os.sched_getaffinity(0))
    return sorted({1, 2, *(2**n for n in range(cores.bit_length()) if 2**n <= cores), cores})


@cache
def _options() -> str:
    """The help of `mmcheck check`: options that this version has."""
    command = [sys.executable, "-m", "mmcheck", "check", "--help"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def check(
    name: str, key: str, path: Path, scratch: Path, wanted: Seen, *options: str, cache: bool = False, **more: Any
) -> Case:
    """A case of `mmcheck check`."""
    count: int = more.pop("count", wanted["records"])
    if not cache and "--no-cache" in _options():
        options = (*options, "--no-cache")
    command = [sys.executable, "-m", "mmcheck", "check", str(path), *options, "--quiet"]
    command += ["-o", f"json={scratch / 'result.json'}"]
    return Case(name, key, command, _result, wanted, count, ours=True, **more)


def _result(scratch: Path, _: str) -> Seen:
    path = scratch / "result.json"
    result = json.loads(path.read_text(encoding="utf-8"))
    path.unlink()
    totals = result["totals"]
    complete = result["run"]["complete"]
    return {"records": totals["records"], "media": totals["media"], "bad": totals["errors"], "complete": complete}


def rival(name: str, function: str, path: Path, wanted: Seen, **more: Any) -> Case:
    """A case of `rivals.py`; its key is the function's name."""
    command = [sys.executable, "-m", "benchmarks.rivals", function, str(path)]
    count = wanted.get("records", wanted.get("media", 0))
    return Case(name, more.pop("key", function), command, lambda _, out: json.loads(out), wanted, count, **more)


def _tao(folder: Path, count: int) -> Case:
    program = Path(sys.executable).with_name("tao-daft")
    if not program.exists():
        raise Unavailable("nvidia-tao-daft is not installed")

    def see(_: Path, out: str) -> Seen:
        return {"passed": "VALIDATION PASSED" in out}

    command = [str(program), "validate", "tao-vl-reason-v1.0", "--path", str(folder)]
    return Case("`tao-daft validate` on the same records in its format", "tao", command, see, {"passed": True}, count)


def shown(command: list[str], data: Data, scratch: Path) -> str:
    """A command as one would type it, without the folders of this machine."""
    program, *words = command
    if words[:2] == ["-m", "mmcheck"]:
        program, *words = words[1:]
    elif program == sys.executable:
        program = "python"
    text = shlex.join([Path(program).name, *words])
    return text.replace(f"{data.folder}/", "").replace(f"{scratch}/", "")


def _jobs(number: int) -> str:
    return f"{number} job{'s' * (number > 1)}"


def _sound(count: int, media: int) -> Seen:
    return {"records": count, "media": media, "bad": 0}


def text(data: Data, scratch: Path) -> Group:
    """Records alone."""
    count = data.size.records
    path, seen = data.text(count), {"records": count}
    cases = [rival("bare `json.loads` loop", "json_loads", path, seen)]
    cases += [
        check(
            f"**mmcheck**, {_jobs(jobs)}",
            f"mmcheck-{jobs}",
            path,
            scratch,
            _sound(count, count),
            *("--format", "llava", "--probe", "none", "--jobs", str(jobs)),
        )
        for jobs in processes()
    ]
    cases += [
        rival("loop with compiled `jsonschema`", "jsonschema_loop", path, seen),
        rival("pyarrow reads, judges nothing", "pyarrow_json", path, seen),
    ]
    about = f"{count:,} LLaVA records, {path.stat().st_size / 1e6:,.0f} MB of JSON lines, media left alone: all rules."
    return Group("text", "Text records", about, "records", "json_loads", cases)


def named(data: Data, scratch: Path) -> Group:
    """Records and whether the files that they name are there."""
    count, folder, missing = data.size.named_files, data.named(), {}
    path = folder / "llava" / "train.jsonl"
    options = ("--format", "llava", "--probe", "exists", "--jobs", "1")
    cases = [
        rival("`json.loads` and `os.path.exists`", "json_exists", path, {"records": count, "media": count}),
        check("**mmcheck** `--probe exists`, 1 job", "mmcheck-1", path, scratch, _sound(count, count), *options),
    ]
    try:
        cases.append(_tao(folder / "tao", count))
    except Unavailable as error:
        missing["`tao-daft validate`"] = str(error)
    about = f"{count:,} records, and whether each one's image is there (what NVIDIA's validator looks at)."
    return Group("named", "Records and the files that they name", about, "records", "json_exists", cases, missing)


def rule(data: Data, scratch: Path) -> Group:
    """The same rule in mmcheck and in pandera; one rule and fifty."""
    count = data.size.records
    path = data.text(count)
    same = ("--format", "llava", "--probe", "none", "--jobs", "1")
    cases = [
        check("**mmcheck**, these rules", "mmcheck-1", path, scratch, _sound(count, count), *same, *PANDERA_RULES),
        rival("pandera over a Polars frame", "pandera_rule", path, {"records": count}),
    ]
    for number in (1, 50):
        rules = ("--rules", str(data.rules(number)), "--select", "PX")
        name = f"**mmcheck**, {number} rule{'s' * (number > 1)} of one's own"
        cases.append(check(name, f"rules-{number}", path, scratch, _sound(count, count), *same, *rules))
    about = f"Known roles and texts that are not empty, over the turns of {count:,} records, the file read included."
    return Group("rule", "The same rules over a frame", about, "records", "mmcheck-1", cases)


PANDERA_RULES = ("--select", "MM040,MM041")


def media(data: Data, scratch: Path) -> Group:
    """Distinct JPEGs, each decoded once."""
    count, folder = data.size.images, data.photos()
    path, seen = folder / "train.jsonl", {"records": count, "media": count, "bad": 0}
    cases = [rival("bare simplejpeg loop, 2 threads", "simplejpeg_loop", path, {"media": count})]
    for jobs in processes():
        options = ("--format", "llava", "--probe", "decode", "--jobs", str(jobs))
        name = f"**mmcheck**, {_jobs(jobs)}"
        cases.append(check(name, f"mmcheck-{jobs}", path, scratch, _sound(count, count), *options))
    cases += [
        rival("loop with `jsonschema` and Pillow `load`", "jsonschema_pillow_load", path, seen),
        rival("loop with `jsonschema` and Pillow `verify`", "jsonschema_pillow_verify", path, seen),
        rival("bare `Image.open` loop (headers)", "image_open", path, {"media": count}),
    ]
    options = ("--format", "llava", "--probe", "header", "--jobs", "2")
    cases.append(check("**mmcheck** `--probe header`", "header", path, scratch, _sound(count, count), *options))
    missing = {}
    if "--cache" in _options():
        cases += list(_cached(path, scratch, count))
    else:
        missing["**mmcheck**, second run with a cache"] = "this version has no option `--cache`"
    size = sum(entry.stat().st_size for entry in os.scandir(folder / "images"))
    about = f"{count:,} distinct JPEGs of some 640 × 480 pixels, {size / 1e6:,.0f} MB, one a record."
    return Group("media", "Images", about, "images", "simplejpeg_loop", cases, missing)


def _cached(path: Path, scratch: Path, count: int) -> Iterator[Case]:
    """The first run with a cache that is empty, and the second with what the first left."""
    folder = scratch / "cache"
    options = ("--format", "llava", "--probe", "decode", "--jobs", "2", "--cache", str(folder))

    def empty() -> None:
        shutil.rmtree(folder, ignore_errors=True)

    wanted = _sound(count, count)
    yield check(
        "**mmcheck**, 2 jobs, an empty cache", "cache-1", path, scratch, wanted, *options, cache=True, before=empty
    )
    yield check("**mmcheck**, 2 jobs, second run", "cache-2", path, scratch, wanted, *options, cache=True)


def arrow(data: Data, scratch: Path) -> Group:
    """A MultiMeditron dataset with the images inside."""
    count = data.size.arrow_rows
    try:
        path = data.arrow()
    except ImportError:
        reason = {"all": "the data are made with `datasets`, which is not installed"}
        return Group("arrow", "MultiMeditron, Arrow", "", "records", "", [], reason)
    seen = {"records": count, "media": count, "bad": 0}
    cases = [
        rival("`datasets.map`, the same checks, 1 process", "datasets_map", path, seen),
        rival("`datasets.map`, the same checks, 2 processes", "datasets_map_2", path, seen),
    ]
    for jobs in processes():
        options = ("--format", "multimeditron", "--probe", "decode", "--jobs", str(jobs))
        name = f"**mmcheck**, {_jobs(jobs)}"
        cases.append(check(name, f"mmcheck-{jobs}", path, scratch, _sound(count, count), *options))
    cases.append(rival("pyarrow reads, judges nothing", "pyarrow_stream", path, {"records": count}))
    size = sum(file.stat().st_size for file in path.glob("*.arrow"))
    about = f"{count:,} conversations with an image each, {size / 1e6:,.0f} MB, every image decoded."
    return Group("arrow", "MultiMeditron, Arrow", about, "records", "datasets_map", cases)


def row_group(data: Data, scratch: Path) -> Group:
    """One large row group."""
    count, path = data.size.images, data.row_group()
    options = ("--format", "multimeditron", "--probe", "decode", "--jobs", "2")
    cases = [
        rival("pyarrow reads, judges nothing", "pyarrow_parquet", path, {"records": count}),
        check("**mmcheck**, 2 jobs", "mmcheck-2", path, scratch, _sound(count, count), *options),
    ]
    about = f"{count:,} records with an image each in one row group of {path.stat().st_size / 1e9:.2f} GB."
    return Group("row-group", "Parquet, one row group", about, "records", "pyarrow_parquet", cases)


def length(data: Data, scratch: Path) -> Group:
    """Cost against the number of records."""
    cases = []
    for count in data.size.lengths:
        path, base = data.text(count), f"json_loads-{count}"
        cases.append(
            rival(f"{count:,}: `json.loads` loop", "json_loads", path, {"records": count}, key=base, base=base)
        )
        for jobs in (1, 2):
            options = ("--format", "llava", "--probe", "none", "--jobs", str(jobs))
            name, key = f"{count:,}: **mmcheck**, {_jobs(jobs)}", f"mmcheck-{jobs}-{count}"
            cases.append(check(name, key, path, scratch, _sound(count, count), *options, base=base))
    return Group("length", "Cost against size", "The text records, fewer and more.", "records", "", cases)


def start(data: Data, scratch: Path) -> Group:
    """What start-up costs."""
    folder = data.few()
    module = [sys.executable, "-m", "mmcheck"]

    def version(_: Path, out: str) -> Seen:
        return {"told": out.startswith("mmcheck ")}

    ten = ("--format", "llava", "--probe", "none")
    cases = [
        Case("`python -c pass`", "python", [sys.executable, "-c", "pass"], lambda _, out: {}, {}, 1),
        Case("**mmcheck** `--version`", "version", [*module, "--version"], version, {"told": True}, 1, ours=True),
        check("**mmcheck**, ten text files", "ten", folder, scratch, _sound(200, 200), *ten, count=1),
    ]
    return Group(
        "start",
        "Start-up",
        "What the smallest things take; the ten files have 20 records each.",
        "runs",
        "python",
        cases,
    )


def convert(data: Data, scratch: Path) -> Group:
    """Conversion there and back."""
    count = data.size.records
    path, there, back = data.text(count), scratch / "there.jsonl", scratch / "back.jsonl"
    cases = [rival("bare `json.loads` loop", "json_loads", path, {"records": count})]
    for key, source, target, to in (("there", path, there, "data-juicer"), ("back", there, back, "llava")):

        def see(_: Path, __: str, target: Path = target) -> Seen:
            with target.open("rb") as lines:
                return {"records": sum(1 for _ in lines)}

        command = [sys.executable, "-m", "mmcheck", "convert", str(source), str(target), "--to", to]
        command += ["--overwrite", "--quiet"]
        name = f"**mmcheck** `convert --to {to}`"
        cases.append(Case(name, key, command, see, {"records": count}, count, ours=True))
    about = f"{count:,} LLaVA records to Data-Juicer's format, and from there back."
    return Group("convert", "Conversion", about, "records", "json_loads", cases)


GROUPS: Mapping[str, Callable[[Data, Path], Group]] = {
    "start": start,
    "text": text,
    "named": named,
    "rule": rule,
    "media": media,
    "arrow": arrow,
    "row-group": row_group,
    "convert": convert,
    "length": length,
}
