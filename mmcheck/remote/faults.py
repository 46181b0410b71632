"""What remote storage answers when it does not give a file, in words for people: no addresses with secrets in them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mmcheck.errors import OpenError

_ACCOUNTS = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; for a public bucket FSSPEC_S3_ANON=true",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS or `gcloud auth application-default login`; for a public bucket "
    "FSSPEC_GS_TOKEN=anon",
    "hf": "HF_TOKEN or `hf auth login`",
}
_TRANSIENT = frozenset(
    ("TimeoutError", "ConnectionError", "ClientConnectionError", "ClientPayloadError", "TransportError",
     "HTTPClientError", "IncompleteReadError", "ResponseStreamingError", "ContentLengthError", "TransferEncodingError",
     "Short")
)  # fmt: skip
_CREDENTIALS = frozenset(("NoCredentialsError", "PartialCredentialsError", "DefaultCredentialsError", "RefreshError"))
_TIMEOUTS = frozenset(("TimeoutError", "ConnectTimeoutError", "ReadTimeoutError", "TimeoutException"))
_BROKEN = frozenset(
    ("ClientPayloadError", "IncompleteReadError", "ResponseStreamingError", "ServerDisconnectedError", "Short",
     "ConnectionResetError", "ConnectionClosedError", "ContentLengthError", "RemoteProtocolError", "ReadError")
)  # fmt: skip


_UNREACHED = frozenset(
    ("ConnectionRefusedError", "ClientConnectorError", "EndpointConnectionError", "gaierror", "ConnectError")
)


class Short(Exception):
    """The storage gave fewer bytes than it said there are."""


class Refused(Exception):
    """The server answered with a status that is no success."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def is_missing(error: BaseException) -> bool:
    """Whether the storage says that there is no such file."""
    return isinstance(error, FileNotFoundError) or _status(error) in (404, 410)


def is_passing(error: BaseException) -> bool:
    """Whether it is worth asking again."""
    status, kinds = _status(error), _kinds(error)
    if status:
        return status >= 500 or status == 429
    return not _CREDENTIALS & kinds and bool(_TRANSIENT & kinds)


def told(error: BaseException, url: str) -> OpenError:
    """The error that is for the user; `url` has no secrets."""
    protocol = url.partition(":")[0]
    kinds, status = _kinds(error), _status(error)
    if kinds & _CREDENTIALS or status == 401:
        return OpenError(f"{url}: no credentials that fit were found{_account(protocol)}")
    if isinstance(error, PermissionError) or status == 403:
        return OpenError(f"{url}: access is denied{_account(protocol)}")
    if kinds & _TIMEOUTS:
        return OpenError(f"{url}: no answer in time; the server may be slow or out of reach")
    if kinds & _BROKEN:
        return OpenError(f"{url}: the connection broke before the file was read to its end")
    if status:
        return OpenError(f"{url}: the server answers with status {status}")
    if kinds & _UNREACHED:
        return OpenError(f"{url}: the server cannot be reached ({_words(error)})")
    return OpenError(f"{url} cannot be read: {_words(error)}")


def _account(protocol: str) -> str:
    return f": {_ACCOUNTS[protocol]}" if protocol in _ACCOUNTS else ""


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen = 0
    while error is not None and seen < 10:
        yield error
        error, seen = error.__cause__ or error.__context__, seen + 1


def _kinds(error: BaseException) -> frozenset[str]:
    """The names of the classes of an error and of those that led to it: the libraries need not be there to be named."""
    return frozenset(kind.__name__ for each in _chain(error) for kind in type(each).__mro__)


def _status(error: BaseException) -> int:
    """The status that a server answered with, 0 for none."""
    for each in _chain(error):
        response = getattr(each, "response", None)
        told = response.get("ResponseMetadata", {}).get("HTTPStatusCode") if isinstance(response, dict) else None
        for value in (getattr(each, "status", None), told, getattr(response, "status_code", None)):
            if isinstance(value, int):
                return value
    return 0


def _words(error: BaseException) -> str:
    """What the last cause says, in one line, without queries and credentials of addresses."""
    causes = list(_chain(error))
    cause = next((each for each in reversed(causes) if getattr(each, "strerror", None)), causes[0])
    text = str(getattr(cause, "strerror", None) or cause or type(cause).__name__).strip().splitlines()[0]
    return re.sub(r"//[^/\s@]*@", "//", re.sub(r"\?[^\s'\"]*", "", text))[:300]
