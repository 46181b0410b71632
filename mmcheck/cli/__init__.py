"""The command line: what was asked for, the exit code, and one clear sentence where it cannot be done."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from mmcheck import __version__
from mmcheck.cli import options
from mmcheck.cli import say as told
from mmcheck.cli.say import columns, exit_code, say, sentence, trace
from mmcheck.errors import RequestError, nearest

SUMMARY = "Is a multimodal training dataset sound, where is it not and why, before a GPU finds out?"
EXIT_CODES = (
    "Exit codes: 0 sound, 1 faults found, 2 wrong request, 3 not opened or not complete, "
    "130 interrupted, 143 terminated."
)


@dataclass(frozen=True, slots=True)
class Command:
    """A command: the function that runs it and that of its options, both `module:function`, of which the module is
    imported when the command is asked for; what it takes beside options, and what it does."""

    run: str
    options: str
    takes: str
    summary: str


#: Every command, in the order of the help.
COMMANDS = {
    "check": Command(
        "check:check", "options:check_options", "PATH…", "is each dataset sound, where is it not, and why?"
    ),
    "convert": Command(
        "convert:convert", "convert:convert_options", "SRC DST --to NAME", "a dataset as another format"
    ),
    "diff": Command("diff:diff", "diff:diff_options", "A B", "what two datasets have apart, record by record"),
    "split": Command(
        "split:split", "split:split_options", "PATH --clean A --rejected B", "sound records from unsound ones"
    ),
    "fix": Command("fix:fix", "fix:fix_options", "PATH --output DST", "a repaired copy, and what is left to do"),
    "detect": Command(
        "show:detect", "show:detect_options", "PATH", "which format a path holds, and what speaks for it"
    ),
    "formats": Command("show:formats", "show:name_options", "[NAME]", "the formats that are known, or more of one"),
    "schema": Command("show:schema", "show:schema_options", "NAME", "the JSON Schema of one record of a format"),
    "tables": Command("show:tables", "show:name_options", "[NAME]", "the tables that rules are written about"),
    "rules": Command("rules:rules", "rules:rules_options", "", "the rules"),
    "explain": Command(
        "rules:explain", "rules:explain_options", "CODE", "what a rule says and why, what passes and fails it"
    ),
    "init": Command(
        "init:init", "init:init_options", "[DIR]", "write a configuration, an example rules file, and hooks"
    ),
    "hook": Command(
        "hook:hook", "hook:hook_options", "FILE…", "check the datasets that hold changed files (pre-commit)"
    ),
    "try": Command(
        "trial:attempt",
        "trial:try_options",
        'PATH --table NAME "EXPRESSION"',
        "evaluate an expression on the first rows",
    ),
    "test": Command("test:test", "test:test_options", "FILE…", "run the good and bad examples of rules files"),
    "report": Command("report:report", "report:report_options", "RESULT.json", "render a stored result again"),
    "compare": Command(
        "compare:compare", "compare:compare_options", "OLD.json NEW.json", "what became better or worse"
    ),
    "verify": Command("verify:verify", "verify:verify_options", "RESULT.json PATH", "is it about exactly these bytes?"),
    "demo": Command(
        "demo:demo", "demo:demo_options", "", "check the example datasets, good and bad, of mmcheck itself"
    ),
}


def run(arguments: Sequence[str]) -> int:
    """Run one command line; the exit code. Prints one sentence on standard error where the request cannot be met."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # names of files need not fit the terminal's encoding
    told.debug = "--debug" in arguments
    try:
        code = _run(list(arguments))
        sys.stdout.flush()
        return code
    except KeyboardInterrupt as stop:
        say(str(stop) or "interrupted")
        return getattr(stop, "exit_code", 130)
    except BrokenPipeError:  # the reader (head, less) has seen enough
        _hush()
        return 0
    except Exception as error:
        trace(error)
        say(sentence(error))
        if isinstance(error, OSError):
            _hush()
        return exit_code(error)


def _hush() -> None:
    """Let what is still to be printed go nowhere: the interpreter would try it again at its end, and complain."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(arguments: list[str]) -> int:
    name = arguments[0] if arguments else "--help"
    if name in ("-h", "--help"):
        _help()
    elif name == "--version":
        print(f"mmcheck {__version__}")
    elif name == "--debug":
        return _run(arguments[1:])
    elif name not in COMMANDS:
        kind = "option" if name.startswith("-") else "command"
        known = ["--help", "--version", "--debug"] if kind == "option" else list(COMMANDS)
        raise RequestError(f"mmcheck has no {kind} {name}{nearest(name, known)}; `mmcheck --help` lists them")
    else:
        command = COMMANDS[name]
        parser = options.Parser(name, command.takes, command.summary, EXIT_CODES if name == "check" else None)
        _function(command.options)(parser)
        try:
            return _function(command.run)(**parser.values(arguments[1:])) or 0
        except SystemExit as done:  # argparse has printed the help
            return int(done.code or 0)
    return 0


def _function(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module("mmcheck.cli." + module), name)


def _help() -> None:
    print(f"usage: mmcheck COMMAND …\n\n{SUMMARY}\n\ncommands:")
    columns(((name, command.summary) for name, command in COMMANDS.items()), indent=2)
    print("\noptions:")
    columns((("--version", "print the version"), ("--debug", "show the traceback of what goes wrong")), indent=2)
    print(f"\n`mmcheck COMMAND --help` tells more of one. {EXIT_CODES}")
