"""The command line: what was asked for, the exit code, and one clear sentence where it cannot be done."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Annotated

import typer
from typer import TyperException

from mmcheck import __version__
from mmcheck.cli import check, demo, show
from mmcheck.cli.options import DEBUG
from mmcheck.cli.say import say
from mmcheck.errors import MmcheckError

EPILOG = "Exit codes: 0 sound, 1 faults found, 2 wrong request, 3 could not be opened or not complete, 130 interrupted."

app = typer.Typer(
    name="mmcheck",
    help="Is a multimodal training dataset sound, where is it not and why, before a GPU finds out?",
    epilog=EPILOG,
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
)

#: Every command, in the order of the help.
COMMANDS: dict[str, Callable[..., int | None]] = {
    "check": check.check,
    "detect": show.detect,
    "formats": show.formats,
    "schema": show.schema,
    "tables": show.tables,
    "rules": show.rules,
    "explain": show.explain,
    "demo": demo.demo,
}
for _name, _function in COMMANDS.items():
    app.command(_name, epilog=EPILOG if _name == "check" else None)(_function)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"mmcheck {__version__}")
        raise typer.Exit()


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: DEBUG = False,
) -> None:
    pass


def run(arguments: Sequence[str]) -> int:
    """Run one command line; the exit code. Prints one sentence on standard error where the request cannot be met."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # names of files need not fit the terminal's encoding
    debug = "--debug" in arguments
    try:
        code = app(list(arguments) or ["--help"], prog_name="mmcheck", standalone_mode=False)
    except TyperException as error:
        say(_sentence(error))
        return 2
    except MmcheckError as error:
        if debug:
            raise
        say(str(error))
        return error.exit_code
    except typer.Abort:
        return 130
    except Exception as error:
        if debug:
            raise
        say(itself(error))
        return 3
    if code == 130:
        say("interrupted")
    return code if isinstance(code, int) else 0


def itself(error: Exception) -> str:
    """The sentence for a fault of mmcheck's own."""
    words = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return f"mmcheck itself failed: {words}; run again with --debug"


def _sentence(error: TyperException) -> str:
    """What the parser says, as one sentence with the nearest right spelling."""
    near = getattr(error, "possibilities", None)
    message = error.message if near else error.format_message()
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return " ".join(message.split()).rstrip(".") + hint
