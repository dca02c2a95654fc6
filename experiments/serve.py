"""`lossweep serve`: the page of a sweep on this machine, with every cell of it, also while the sweep runs."""

from __future__ import annotations

import html
import re
import sys
import threading
from dataclasses import asdict
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from lossweep.channels.errors import LossweepError
from lossweep.experiments.page_data import as_json, look
from lossweep.experiments.report import page
from lossweep.experiments.report_media import Screen
from lossweep.experiments.status import Status, read_sweep, status
from lossweep.experiments.sweep import Sweep

ADDRESS = "127.0.0.1"
CELL = re.compile(r"/cell/([0-9a-f]{12})\.json")
HTML, JSON, TEXT = "text/html; charset=utf-8", "application/json", "text/plain; charset=utf-8"
NOTHING_YET = (
    '<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="5">'
    "<title>lossweep</title><p>{}</p>"
)


class Pages:
    """What the server answers. Cells are computed one after another; figures anew when more cells are finished.

    Args:
        directory: output folder of a sweep.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._read: tuple[int, Sweep] | None = None

    def answer(self, path: str) -> tuple[HTTPStatus, str, str]:
        """Status, content type and body for a path; whatever is not one of three kinds is not found."""
        cell = CELL.fullmatch(path)
        with self._lock:
            try:
                if path == "/":
                    return HTTPStatus.OK, HTML, self._page()
                if path == "/status.json":
                    now = status(self._directory)
                    return HTTPStatus.OK, JSON, as_json({"done": now.done, "text": now.text()})
                if cell is not None:
                    return self._cell(cell[1])
            except LossweepError as error:
                return HTTPStatus.CONFLICT, TEXT, str(error)
        return HTTPStatus.NOT_FOUND, TEXT, "There is no such page."

    def _page(self) -> str:
        now = status(self._directory)
        try:
            sweep = self._sweep(now)
        except LossweepError:
            return NOTHING_YET.format(html.escape(now.text()))
        shown = Screen(no_strips="click a point of a figure")
        return page(sweep, self._directory, shown, now.text(), now.done)

    def _cell(self, name: str) -> tuple[HTTPStatus, str, str]:
        sweep = self._sweep(status(self._directory))
        if not (sweep.table["cell"] == name).any():
            return HTTPStatus.NOT_FOUND, TEXT, f"This sweep has no finished cell {name}."
        view, clip = look(sweep, name, self._directory)
        return HTTPStatus.OK, JSON, as_json({"view": asdict(view), "clip": asdict(clip)})

    def _sweep(self, now: Status) -> Sweep:
        if self._read is None or self._read[0] != now.done:
            self._read = now.done, read_sweep(self._directory)
        return self._read[1]


class Server(ThreadingHTTPServer):
    """A thread per request; a browser that goes away is no error."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Prints what went wrong, but for a closed connection."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


def server(directory: Path, port: int) -> ThreadingHTTPServer:
    """The server, bound to the loopback address; it answers GET of its own host name only.

    Args:
        port: 0 takes a free one.
    Raises:
        OSError: the port is in use.
    """
    pages = Pages(directory)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            own = made.server_port
            if self.headers.get("Host") not in (f"{ADDRESS}:{own}", f"localhost:{own}"):
                self._send(HTTPStatus.FORBIDDEN, TEXT, "This server answers this machine only.")
            else:
                self._send(*pages.answer(self.path))

        def log_message(self, *_: object) -> None:
            """Requests are not printed."""

        def _send(self, code: HTTPStatus, kind: str, text: str) -> None:
            body = text.encode()
            self.send_response(code)
            for name, value in (
                ("Content-Type", kind),
                ("Content-Length", str(len(body))),
                ("Cache-Control", "no-store"),
                ("X-Content-Type-Options", "nosniff"),
                ("Cross-Origin-Resource-Policy", "same-origin"),
            ):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    made = Server((ADDRESS, port), Handler)
    return made
