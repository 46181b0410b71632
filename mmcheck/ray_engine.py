"""Shards are mapped over a Ray cluster as plain tasks; the results of neighbours are combined there, too."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from mmcheck import __version__
from mmcheck.errors import MmcheckError, OpenError, RequestError
from mmcheck.local import Done, Work, lost
from mmcheck.plan import Plan, Shard
from mmcheck.results import ShardResult, combined
from mmcheck.shard import check_shard

#: How often a shard is tried again whose worker or node died.
_RETRIES = 3
#: Shards a core that are given out before the first result is there.
_AHEAD = 4
#: Neighbouring shards whose results become one before they reach the driver.
NEIGHBOURS = 8
#: The object store of a cluster of our own: results of shards are small.
_STORE = 256 << 20
#: Seconds in which a cluster answers, or is not there.
_PATIENCE = 10.0


@dataclass(slots=True)
class _Group:
    """Consecutive shards of one file; `whole` is where their results become one."""

    shards: list[Shard] = field(default_factory=list)
    parts: list[Any] = field(default_factory=list)
    whole: Any = None

    def takes(self, shard: Shard, most: int) -> bool:
        """Whether the shard goes on where the group ends."""
        return not self.shards or (len(self.shards) < most and self.shards[-1].number == shard.number)

    def span(self) -> Shard:
        """The shards as one."""
        first, last = self.shards[0], self.shards[-1]
        if first.part is None or last.part is None:
            return first
        return replace(last, part=replace(first.part, stop=last.part.stop))


def distributed(work: Work, plan: Plan, neighbours: int = NEIGHBOURS) -> Generator[Done, None, None]:
    """Judge the shards on the cluster that this process is connected with.

    The results come in the order of the shards, those of up to so many `neighbours` of one file as one. A shard whose
    worker dies each time is told, and nothing else is lost.
    """
    import ray

    judge = ray.remote(num_cpus=1, max_retries=_RETRIES)(_judge)
    join = ray.remote(num_cpus=1, max_retries=_RETRIES)(_join)
    # In a list: Ray would fetch an argument of its own for every task, and hand each a copy.
    plans = [ray.put(plan)]
    most = max(_AHEAD * int(ray.cluster_resources().get("CPU", 1)), 2 * neighbours)
    groups: deque[_Group] = deque()
    given = 0
    interrupts = _Interrupts()
    try:
        while True:
            interrupts.heed()
            while given < most and (shard := work()) is not None:
                if not groups or not groups[-1].takes(shard, neighbours):
                    _close(groups, join, plan.max_findings)
                    groups.append(_Group())
                groups[-1].shards.append(shard)
                groups[-1].parts.append(judge.remote(shard, plans, __version__))
                given += 1
            if not groups:
                return
            if len(groups) == 1:
                _close(groups, join, plan.max_findings)
            yield Done(groups[0].span(), _result(ray, groups[0], plan))
            given -= len(groups.popleft().shards)
    finally:
        interrupts.close()
        for group in groups:
            for reference in (*group.parts, *([group.whole] if group.whole is not None else [])):
                with contextlib.suppress(Exception):  # the connection may be what went wrong
                    ray.cancel(reference, force=True)


class _Interrupts:
    """Ctrl-C, which is lost where it comes while Ray calls back into Python: the exception then ends the call alone."""

    def __init__(self) -> None:
        self._heard = False
        mine = threading.current_thread() is threading.main_thread()
        self._hears = mine and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if self._hears:
            signal.signal(signal.SIGINT, self._hear)

    def _hear(self, number: int, frame: Any) -> None:
        self._heard = True
        signal.default_int_handler(number, frame)

    def heed(self) -> None:
        """Raise KeyboardInterrupt if there was one that did not come through."""
        if self._heard:
            raise KeyboardInterrupt

    def close(self) -> None:
        """Have Python's own handler again."""
        if self._hears:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def _close(groups: deque[_Group], join: Any, most: int | None) -> None:
    """Have the results of the last group joined; that of a single shard is as it is."""
    if groups and groups[-1].whole is None:
        parts = groups[-1].parts
        groups[-1].whole = parts[0] if len(parts) == 1 else join.remote(most, *parts)


def _result(ray: Any, group: _Group, plan: Plan) -> ShardResult:
    """What the shards of a group say together; one by one, where joining them failed for one that was lost."""
    if len(group.parts) > 1:
        with contextlib.suppress(ray.exceptions.RayError):
            whole: ShardResult = ray.get(group.whole)
            return whole
    return combined(
        (_fetched(ray, plan, *each) for each in zip(group.shards, group.parts, strict=True)), plan.max_findings
    )


def _fetched(ray: Any, plan: Plan, shard: Shard, reference: Any) -> ShardResult:
    try:
        result: ShardResult = ray.get(reference)
        return result
    except ray.exceptions.RayTaskError as error:
        raise _raised(error) from None
    except ray.exceptions.WorkerCrashedError:
        return lost(shard, plan, f"died, {_RETRIES + 1} times")
    except ray.exceptions.OutOfMemoryError:
        return lost(shard, plan, "ran out of memory")
    except ray.exceptions.RayError as error:
        return lost(shard, plan, f"was lost ({type(error).__name__})")


def _raised(error: Any) -> Exception:
    """What a task raised, as it would have been raised here."""
    if isinstance(error.cause, MmcheckError | OSError):
        return error.cause
    if "No module named 'mmcheck" in str(error):
        return OpenError(
            f"a node of the cluster has no mmcheck: install mmcheck-datasets {__version__} in the Python of every node"
        )
    return RuntimeError(str(error))


_PLANS: dict[Any, Plan] = {}


def _plan(reference: Any) -> Plan:
    """The plan, fetched once in each worker: what is made for it, schemas and looks into media, is kept as well."""
    import ray

    if reference not in _PLANS:
        _PLANS.clear()
        _PLANS[reference] = ray.get(reference)
    return _PLANS[reference]


def _judge(shard: Shard, plans: list[Any], version: str) -> ShardResult:
    """What a worker does with a shard."""
    if version != __version__:
        raise OpenError(f"a node of the cluster has mmcheck {__version__}, not {version}: install the same everywhere")
    return check_shard(shard, _plan(plans[0]))


def _join(most: int | None, *results: ShardResult) -> ShardResult:
    """What a worker does with the results of neighbours."""
    return combined(results, most)


@contextlib.contextmanager
def connected(address: str | None, jobs: int) -> Iterator[None]:
    """Connect with the cluster at `address`, `RAY_ADDRESS`, or one of `jobs` cores that is started here and ended.

    A connection that is there is used as it is, and stays. Raises RequestError where Ray is not installed, OpenError
    where no cluster answers.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Else each start warns of what a later version will do with accelerators, of which none is used.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ImportError:
        raise RequestError("Ray is not installed: pip install 'mmcheck-datasets[ray]'") from None
    if ray.is_initialized():
        yield
        return
    address = address or os.environ.get("RAY_ADDRESS") or "local"
    own = {"num_cpus": jobs, "include_dashboard": False, "object_store_memory": _STORE, "_node_ip_address": "127.0.0.1"}
    try:
        with _same_signals():
            _reach(address)
            ray.init(
                address, log_to_driver=False, logging_level=logging.CRITICAL, **(own if address == "local" else {})
            )
    except Exception as error:
        ray.shutdown()
        what = "Ray cannot be started here" if address == "local" else f"no Ray cluster answers at {address}"
        why = getattr(error, "strerror", None) or str(error).strip().partition("\n")[0] or repr(error)
        raise OpenError(f"{what}: {why}") from None
    try:
        with _quiet():
            yield
    finally:
        ray.shutdown()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Ray writes of workers and nodes that died to standard output, whatever it was asked for."""
    from ray._private import worker

    printing = getattr(worker, "print_to_stdstream", None)
    worker.print_to_stdstream = lambda *_, **__: None
    try:
        yield
    finally:
        worker.print_to_stdstream = printing


def _reach(address: str) -> None:
    """Raise OSError where nothing listens at an address with a port: Ray itself would wait for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), _PATIENCE).close()


@contextlib.contextmanager
def _same_signals() -> Iterator[None]:
    """Ray puts a handler of its own in the place of the caller's."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before: Callable[[int, Any], Any] | int | None = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
