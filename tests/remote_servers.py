"""Servers on loopback that count what they are asked for: one that speaks S3, one for the web."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass
class Request:
    """A request that came in: its path with the query, and how many bytes of a body were sent."""

    method: str
    path: str
    sent: int = 0


@dataclass
class Server:
    """An address, and the log of what was asked for there."""

    url: str
    requests: list[Request] = field(default_factory=list)

    def of(self, text: str) -> list[Request]:
        """The requests for paths that hold a text; listings are none."""
        return [each for each in self.requests if text in each.path.partition("?")[0]]

    def sent(self) -> int:
        """The bytes of all bodies."""
        return sum(each.sent for each in self.requests)


@contextmanager
def s3() -> Iterator[Server]:
    """A server that speaks S3."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        def log_request(self, *_: Any) -> None:
            pass

    inner = DomainDispatcherApplication(create_backend_app)

    def counted(environ: dict[str, Any], start: Any) -> Iterator[bytes]:
        request = Request(environ["REQUEST_METHOD"], environ["PATH_INFO"] + "?" + environ["QUERY_STRING"])
        server.requests.append(request)
        for part in inner(environ, start):
            request.sent += len(part)
            yield part

    listener = make_server("127.0.0.1", 0, counted, threaded=True, request_handler=Quiet)
    server = Server(f"http://127.0.0.1:{listener.server_port}")
    with _served(listener):
        yield server


@contextmanager
def web(folder: Path, *, ranges: bool = True, breaks: str | None = None) -> Iterator[Server]:
    """A web server of a folder; without `ranges` it gives whole files only, files named `breaks` end too early."""

    class Handler(SimpleHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(folder))

        def log_message(self, *_: Any) -> None:
            pass

        def do_HEAD(self) -> None:
            self._answer()

        def do_GET(self) -> None:
            self._answer()

        def _answer(self) -> None:
            request = Request(self.command, self.path)
            server.requests.append(request)
            path = Path(self.translate_path(self.path))
            if not path.is_file():
                self.send_response(404)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            data = path.read_bytes()
            start, end = 0, len(data)
            asked = re.match(r"bytes=(\d+)-(\d+)", self.headers.get("Range", "")) if ranges else None
            if asked:
                start, end = int(asked[1]), min(len(data), int(asked[2]) + 1)
            self.send_response(206 if asked else 200)
            if asked:
                self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(data)}")
            self.send_header("Content-Length", str(end - start))
            self.end_headers()
            if self.command == "GET":
                if path.name == breaks:
                    end = start + (end - start) // 2
                    self.close_connection = True
                request.sent = end - start
                self.wfile.write(data[start:end])

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server = Server(f"http://127.0.0.1:{listener.server_port}")
    with _served(listener):
        yield server


@contextmanager
def _served(listener: Any) -> Iterator[None]:
    thread = threading.Thread(target=listener.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        listener.shutdown()
        thread.join()
        listener.server_close()
