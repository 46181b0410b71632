"""Options of the command line, and how their values are read."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NoReturn

from mmcheck.errors import RequestError, nearest
from mmcheck.reporters import KINDS, writer
from mmcheck.storage import given, is_remote

ENGINES = ("local", "ray")
PROBES = ("auto", "none", "exists", "header", "decode")
FAIL_ON = ("error", "warning", "info", "never")
FORMAT_PATH = "a folder of your own formats: rules/ and schemas/"


class Parser(argparse.ArgumentParser):
    """The parser of one command: a mistake is a RequestError with the nearest right spelling."""

    def __init__(self, command: str, takes: str, summary: str, epilog: str | None = None) -> None:
        usage = f"mmcheck {command} [OPTION]… {takes}".rstrip()
        super().__init__(f"mmcheck {command}", usage, summary, epilog, allow_abbrev=False)
        self.command = command
        self.add_argument("--debug", action="store_true", help="show the traceback of what goes wrong")

    def error(self, message: str) -> NoReturn:
        """Raise what argparse found."""
        raise RequestError(f"{message}; `mmcheck {self.command} --help` lists the options")

    def values(self, arguments: list[str]) -> dict[str, object]:
        """The values of the options by name; positions and options may alternate."""
        namespace, extra = self.parse_known_intermixed_args(arguments)
        if extra:
            odd = next((each for each in extra if each.startswith("-")), extra[0])
            name = odd.partition("=")[0]
            if name.startswith("-"):
                raise RequestError(
                    f"mmcheck {self.command} has no option {name}{nearest(name, self._option_string_actions)}"
                )
            self.error(f"{odd!r} is one argument too many")
        values: dict[str, object] = vars(namespace)
        del values["debug"]
        return values


def many(
    group: argparse._ActionsContainer, *names: str, metavar: str, help: str, type: Callable[[str], object] = str
) -> None:
    """An option that may be repeated."""
    group.add_argument(*names, action="append", default=[], metavar=metavar, help=f"{help}; repeatable", type=type)


def local(text: str) -> Path:
    """A path that is written to, which is never remote."""
    path = given(text)
    if is_remote(path):
        raise RequestError(f"{path} cannot be written: mmcheck only reads what is remote")
    return path


def here(text: str) -> Path:
    """A dataset on a local disk: what is written of it refers to media where they lie."""
    path = given(text)
    if is_remote(path):
        raise RequestError(f"{path} is remote: only local datasets are written anew or compared; fetch it first")
    return path


def one_of(*choices: str) -> Callable[[str], str]:
    """A type that lets only `choices` pass."""

    def chosen(value: str) -> str:
        if value not in choices:
            raise argparse.ArgumentTypeError(
                f"{value!r} is not a choice{nearest(value, choices)}: {', '.join(choices)}"
            )
        return value

    return chosen


def number_from(least: int) -> Callable[[str], int]:
    """A type that takes whole numbers of at least `least`."""

    def number(value: str) -> int:
        if not value.isdecimal() or int(value) < least:
            raise argparse.ArgumentTypeError(f"{value!r} is not a whole number from {least} up")
        return int(value)

    return number


def check_options(parser: Parser) -> None:
    """The options of `mmcheck check`."""
    text = "a file, a folder or a URL (s3, gs, hf, https); several are datasets of their own"
    parser.add_argument("paths", nargs="*", type=given, metavar="PATH", help=f"{text}; without any, all configured")

    group = parser.add_argument_group("what is checked")
    add = group.add_argument
    add("--format", metavar="NAME[@VERSION]", help="the format; found out if not given")
    add("-m", "--modality", metavar="KIND", help="look only at media of this kind: image, video, audio, …")
    add("--media-root", type=given, metavar="DIR", help="where media paths start")
    text = "what stands for a medium in the text"
    many(group, "--placeholder", "--attachment-token", metavar="[KIND=]TOKEN", help=text)
    add("--split", metavar="NAME", help="only this split")
    many(group, "--allow-root", metavar="DIR", type=given, help="a further folder that media may be read from")
    add("--as-one", action="store_true", help="all paths together are one dataset")
    add("--sample", metavar="N|P%", help="check only so many records, drawn evenly")
    text = "how closely media are looked at"
    add("--probe", default="auto", metavar="|".join(PROBES), type=one_of(*PROBES), help=text)

    group = parser.add_argument_group("rules")
    many(group, "--rules", metavar="FILE", type=Path, help="a rules file of your own")
    many(group, "--format-path", metavar="DIR", type=Path, help=FORMAT_PATH)
    many(group, "--select", metavar="CODE,…", help="only these rules: codes, or how they begin")
    many(group, "--ignore", metavar="CODE,…", help="not these rules")
    add = group.add_argument
    add("--profile", metavar="NAME", help="rules for one model or purpose: qwen2-vl, release, …")
    many(group, "--param", metavar="NAME=VALUE", help="a parameter of the rules")
    add("--allow-python", action="store_true", help="run what rules name in Python: python: and pandera:")
    text = "the configuration; without it, mmcheck.yaml or [tool.mmcheck] in pyproject.toml, nearest upward"
    add("--config", metavar="FILE", type=Path, help=text)
    add("--baseline", metavar="FILE", type=Path, help="a file of known findings, which do not count")
    add("--write-baseline", metavar="FILE", type=Path, help="write all findings to a file of known findings")
    add("--prune-baseline", action="store_true", help="take out of the baseline what was not found again")

    group = parser.add_argument_group("what comes out")
    add = group.add_argument
    text = f"{', '.join(KINDS)}; to standard output without FILE"
    many(group, "-o", "--output", metavar="KIND[=FILE]", help=text)
    add("--attest", metavar="FILE", help="write an in-toto statement of files and result, to be signed")
    add("--digest-media", action="store_true", help="digests of all media files go into the result, too")
    add("--no-thumbnails", action="store_true", help="no image of the dataset in the html report")
    text = "list at most N findings a rule (default 100); jsonl and parquet list all"
    add("--max-findings", metavar="N", type=number_from(0), default=100, help=text)
    text = "exit 1 from this severity up (default error)"
    add("--fail-on", metavar="|".join(FAIL_ON), type=one_of(*FAIL_ON), help=text)
    add("-q", "--quiet", action="store_true", help="no progress, and of the report only the verdict")
    add("-j", "--jobs", "--num-proc", metavar="N", type=number_from(1), help="how many jobs at once")
    text = "where results are kept that need not be found again (default: the user's cache directory)"
    add("--cache", metavar="DIR", type=Path, help=text)
    add("--no-cache", action="store_true", help="find everything anew, and keep nothing")
    add("--resume", action="store_true", help="go on with a check that was ended, and tell how much is taken over")
    text = "where the work is done: processes of this machine, or a Ray cluster"
    add("--engine", default="local", metavar="|".join(ENGINES), type=one_of(*ENGINES), help=text)
    add("--address", metavar="ADDR", help="the Ray cluster; without it RAY_ADDRESS, or one on this machine alone")


def request_options(parser: Parser) -> None:
    """What is checked, and by which rules: as `mmcheck check` has them."""
    group = parser.add_argument_group("what is checked, and by which rules, as for `mmcheck check`")
    add = group.add_argument
    add("--format", metavar="NAME[@VERSION]", help="the format; found out if not given")
    add("--media-root", type=given, metavar="DIR", help="where media paths start")
    many(group, "--allow-root", metavar="DIR", type=given, help="a further folder that media may be read from")
    text = "what stands for a medium in the text"
    many(group, "--placeholder", "--attachment-token", metavar="[KIND=]TOKEN", help=text)
    text = "how closely media are looked at"
    add("--probe", default="auto", metavar="|".join(PROBES), type=one_of(*PROBES), help=text)
    many(group, "--rules", metavar="FILE", type=Path, help="a rules file of your own")
    many(group, "--format-path", metavar="DIR", type=Path, help=FORMAT_PATH)
    many(group, "--select", metavar="CODE,…", help="only these rules: codes, or how they begin")
    many(group, "--ignore", metavar="CODE,…", help="not these rules")
    add("--profile", metavar="NAME", help="rules for one model or purpose: qwen2-vl, release, …")
    many(group, "--param", metavar="NAME=VALUE", help="a parameter of the rules")
    add("--allow-python", action="store_true", help="run what rules name in Python: python: and pandera:")
    text = "the configuration; without it, mmcheck.yaml or [tool.mmcheck] in pyproject.toml, nearest upward"
    add("--config", metavar="FILE", type=Path, help=text)
    add("-j", "--jobs", "--num-proc", metavar="N", type=number_from(1), help="how many jobs at once")


def codes(values: Iterable[str]) -> list[str]:
    """`CODE,CODE` and repeated options as one list."""
    return [code.strip() for value in values for code in value.split(",") if code.strip()]


def assignments(values: Iterable[str]) -> dict[str, str]:
    """`NAME=VALUE` options as a dict."""
    pairs: dict[str, str] = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not name or not equals:
            raise RequestError(f"--param {value!r} is not NAME=VALUE")
        pairs[name.strip()] = text
    return pairs


def outputs(values: Iterable[str]) -> list[tuple[str, Path | None]]:
    """`KIND[=FILE]` options as kinds and targets; without any, the report for people on standard output.

    Raises RequestError before anything is checked where a kind is unknown or a file could not be written.
    """
    wanted: list[tuple[str, Path | None]] = []
    for value in values:
        kind, equals, name = value.partition("=")
        writer(kind)
        if equals and not name:
            raise RequestError(f"--output {value!r} names no file")
        target = local(name) if name else None
        if target is not None and (target.is_dir() or not target.parent.is_dir()):
            what = "is a directory" if target.is_dir() else f"cannot be written: there is no directory {target.parent}"
            raise RequestError(f"--output {value}: {target} {what}")
        if any(target == other for _, other in wanted):
            raise RequestError(f"two outputs go to {target or 'standard output'}: name a file with -o {kind}=FILE")
        if kind == "parquet" and target is None and sys.stdout.isatty():
            raise RequestError("parquet is not text: name a file with -o parquet=FILE")
        wanted.append((kind, target))
    return wanted or [("rich", None)]
