"""How a storage is reached: the library of fsspec for a protocol, with credentials from the usual environment."""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from mmcheck.errors import OpenError

#: Requests that are under way together.
AT_ONCE = 32
_LIBRARIES = {"s3": "s3fs", "gs": "gcsfs", "hf": "huggingface_hub"}
#: What these log, tracebacks of failures that are told in a sentence here, goes to stderr where nobody takes it.
_TALKATIVE = ("fsspec", "s3fs", "gcsfs", "huggingface_hub", "aiohttp", "aiobotocore", "botocore")
#: Seconds until a connection stands, and between two pieces of an answer.
_CONNECT, _ANSWER = 10, 60


def filesystem(protocol: str, user: str) -> Any:
    """The filesystem of fsspec; `user` is `name:password` for a web server. Raises OpenError without its library."""
    for library in _TALKATIVE:
        logging.getLogger(library).addHandler(logging.NullHandler())
    try:
        import fsspec

        options = _OPTIONS[protocol](user) if protocol in _OPTIONS else {}
        return fsspec.filesystem(protocol, use_listings_cache=False, **options)
    except ImportError:
        library, extra = _LIBRARIES.get(protocol, "aiohttp"), protocol if protocol in _LIBRARIES else "http"
        raise OpenError(
            f"{protocol}:// is read by {library}, which is not installed: pip install 'mmcheck-datasets[{extra}]'"
        ) from None


def ask(fs: Any, url: str) -> tuple[int, Mapping[str, str]]:
    """Status and headers with which a web server answers for a file, whose body is not fetched.

    `info` of fsspec would ask for the body of a missing file, to be sure.
    """
    from fsspec.asyn import sync

    status, headers = sync(fs.loop, _ask, fs, "HEAD", url)
    if status in (405, 501):
        status, headers = sync(fs.loop, _ask, fs, "GET", url)
    return status, headers


async def _ask(fs: Any, method: str, url: str) -> tuple[int, Mapping[str, str]]:
    headers = {"Accept-Encoding": "identity"} | ({"Range": "bytes=0-0"} if method == "GET" else {})
    session = await fs.set_session()
    async with session.request(method, fs.encode_url(url), allow_redirects=True, headers=headers) as answer:
        return answer.status, answer.headers


def _s3(user: str) -> dict[str, Any]:
    return {"config_kwargs": {"connect_timeout": _CONNECT, "read_timeout": _ANSWER, "max_pool_connections": AT_ONCE}}


def _http(user: str) -> dict[str, Any]:
    import aiohttp

    timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT, sock_read=_ANSWER)
    login = {"Authorization": f"Basic {base64.b64encode(unquote(user).encode()).decode()}"} if user else {}
    # Proxies and ~/.netrc, as any client has them.
    return {"encoded": True, "client_kwargs": {"timeout": timeout, "trust_env": True, "headers": login}}


_OPTIONS: dict[str, Callable[[str], dict[str, Any]]] = {"s3": _s3, "http": _http, "https": _http}
