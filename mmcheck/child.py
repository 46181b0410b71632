"""Child processes: started from a clean interpreter, spoken to over a pipe; how one died is told in words.

`multiprocessing` would start the caller's `__main__` again in every child, and a script that checks datasets at its top
level would check them there once more; hence a program of our own, with the parent's module path and nothing else.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from multiprocessing.connection import Connection, Pipe
from typing import Any

from mmcheck.errors import MmcheckError

#: `-I`: neither the working directory, which may be a stranger's dataset, nor the environment says what is imported.
_PROGRAM = (
    "import sys, json; told = json.loads(sys.argv[1]); sys.path[:] = told['path']; "
    "from mmcheck.child import main; main(told['pipe'], told['serve'])"
)
_CRASHES = frozenset(
    number for name in ("SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE") if (number := getattr(signal, name, None))
)
#: Arrow's own allocators keep what is free again: in each of several processes that is too much.
_OWN = {"ARROW_DEFAULT_MEMORY_POOL": "system"}
#: What changes in the environment and means nothing to a child: Polars sets the one at its import, pytest the other.
_PASSING = frozenset(("_RJEM_MALLOC_CONF", "PYTEST_CURRENT_TEST"))
_PATIENCE = 2.0
#: Seconds that a child without work waits for more, so that the next check need not start one again.
_IDLE = 10.0


class Died(MmcheckError):
    """The child ended before it answered. `crashed` tells that what it was given made it crash."""

    def __init__(self, words: str, *, crashed: bool) -> None:
        super().__init__(words)
        self.crashed = crashed

    def __reduce__(self) -> tuple[Callable[[str, bool], Died], tuple[str, bool]]:
        return _died, (str(self), self.crashed)


def _died(words: str, crashed: bool) -> Died:
    return Died(words, crashed=crashed)


class Child:
    """A process that runs `serve`, a `module:function` of one argument: answers are yielded for what it is sent."""

    def __init__(self, serve: str) -> None:
        self.serve, self.surroundings = serve, _surroundings()
        self._since = time.monotonic()
        self.connection, theirs = Pipe()
        told = json.dumps({"path": [each for each in sys.path if each], "pipe": theirs.fileno(), "serve": serve})
        # Standard output carries what was asked for, and nothing that a decoder may have to say.
        self._process = (
            _starter(os.getpid())
            .submit(
                subprocess.Popen,
                [sys.executable, "-I", *(["-B"] if sys.dont_write_bytecode else []), "-c", _PROGRAM, told],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={**_OWN, **os.environ, "POLARS_MAX_THREADS": "1"},  # the children are the threads
                stderr=None if os.environ.get("MMCHECK_DEBUG") else subprocess.DEVNULL,
            )
            .result()
        )
        theirs.close()

    @property
    def alive(self) -> bool:
        """Whether the process runs, as far as is known."""
        return self._process.poll() is None and not self.connection.closed

    def rested(self) -> bool:
        """Whether the child waits for work, and will for a while."""
        return time.monotonic() - self._since < _IDLE / 2

    def send(self, message: Any) -> None:
        """Give the child something to do. Raises Died."""
        try:
            self.connection.send(message)
        except (BrokenPipeError, ConnectionResetError):
            raise self._death() from None

    def receive(self, seconds: float | None = None) -> Any:
        """The next answer. Raises Died, also where none comes for so many seconds, and what the child raised."""
        try:
            if seconds is not None and not self.connection.poll(seconds):
                self._process.kill()
                raise Died(f"gave no answer for {seconds:.0f} seconds", crashed=True)
            answer = self.connection.recv()
        except (EOFError, ConnectionResetError):
            raise self._death() from None
        self._since = time.monotonic()
        if isinstance(answer, _Raised):
            raise answer.error
        return answer

    def ask(self, message: Any, seconds: float | None = None) -> Any:
        """Send and receive."""
        self.send(message)
        return self.receive(seconds)

    def kill(self) -> None:
        """End the process; who waits for its answer is told that it died."""
        if self._process.poll() is None:
            self._process.kill()

    def close(self) -> None:
        """End the process, and what it has left behind."""
        self.connection.close()
        self.kill()
        self._process.wait()

    def _death(self) -> Died:
        try:
            code = self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:  # it closed its pipe and goes on: nothing more will come from it
            self._process.kill()
            code = self._process.wait()
        if code >= 0:
            return Died(f"ended with exit status {code}", crashed=False)
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        if -code in _CRASHES:
            return Died(f"crashed ({name})", crashed=True)
        return Died(f"was killed ({name}), perhaps for want of memory", crashed=False)


@cache
def _starter(process: int) -> ThreadPoolExecutor:
    """The thread of this process that starts children: on Linux they die with the thread that started them."""
    return ThreadPoolExecutor(1, "mmcheck-children")


def _surroundings() -> Any:
    """What a child has from its parent at its start: credentials may come with it, and the folder of relative paths."""
    return tuple(sys.path), os.getcwd(), frozenset(each for each in os.environ.items() if each[0] not in _PASSING)


_IDLERS: dict[Any, list[Child]] = {}
_LOCK = threading.Lock()


def hire(serve: str) -> Child:
    """A child that runs `serve`: one that has nothing to do, or a new one."""
    with _LOCK:
        idlers = _IDLERS.setdefault((serve, _surroundings()), [])
        while idlers:
            child = idlers.pop()
            if child.alive and child.rested():
                return child
            child.close()
    return Child(serve)


def ready(serve: str, count: int) -> None:
    """Start so many children that will be hired soon, and are busy with their imports until then."""
    for _ in range(count):
        dismiss(Child(serve))


def dismiss(child: Child) -> None:
    """Let a child go that has answered everything; it ends by itself if nobody hires it soon."""
    with contextlib.suppress(Died):
        child.send(None)
    with _LOCK:
        _IDLERS.setdefault((child.serve, child.surroundings), []).append(child)


@atexit.register
def _end() -> None:
    for idlers in _IDLERS.values():
        for child in idlers:
            child.close()


class _Raised:
    """What the work raised in the child, on its way to the parent."""

    def __init__(self, error: BaseException) -> None:
        trace = "".join(traceback.format_exception(error))
        plain = isinstance(error, MmcheckError | OSError)
        self.error: Exception = error if plain else RuntimeError(f"{error!r}\n{trace}")  # type: ignore[assignment]


def main(pipe: int, serve: str) -> None:
    """What the child runs: `serve` is called with each message, and every answer that it yields is sent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is for the parent, which ends its children
    _die_with_parent()
    module, _, name = serve.partition(":")
    function: Callable[[Any], Iterator[Any]] = getattr(importlib.import_module(module), name)
    connection = Connection(pipe)
    patience = None
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while connection.poll(patience):
            message = connection.recv()
            patience = _IDLE if message is None else None
            if message is None:
                continue
            try:
                for answer in function(message):
                    connection.send(answer)
            except (BrokenPipeError, ConnectionResetError):
                raise
            except Exception as error:
                connection.send(_Raised(error))
            del message


def _die_with_parent() -> None:
    """Where the system can: a child at work does not read its pipe, and would outlive a parent that is killed."""
    if sys.platform == "linux":
        import ctypes

        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)
