"""The HTTP server on loopback, and `Standin`, which tests and the demonstration start."""

from __future__ import annotations

import json
import secrets
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from core.base.text import add_catalogue
from deploy.standins.stripe import hosted, refunds
from deploy.standins.stripe.api import Api, Call
from deploy.standins.stripe.control import Control
from deploy.standins.stripe.faults import ANSWERS, Fault, Faults
from deploy.standins.stripe.params import decode_form
from deploy.standins.stripe.webhooks import Courier, body_of, signature
from deploy.standins.stripe.world import Obj, World

LARGEST_BODY = 1_000_000


class _Server(ThreadingHTTPServer):
    request_queue_size = 256  # the default of 5 resets connections when many call at once
    daemon_threads = True
    standin: Standin


class Standin:
    """One running stand-in.

    `port` 0 takes a free one; `data` keeps everything in a file (None: in memory). Events go to `webhook` by
    themselves, signed with `secret`; without one they wait for `deliver`. Refunds that a wallet settles later
    settle by themselves after `settle_after` seconds (None: when told to).
    """

    def __init__(
        self,
        *,
        port: int = 0,
        webhook: str | None = None,
        secret: str = "whsec_standin",  # noqa: S107 (it guards nothing: the stand-in is on loopback)
        data: Path | None = None,
        settle_after: float | None = None,
    ) -> None:
        add_catalogue(Path(__file__).with_name("locale"))
        self.world = World(data)
        self.faults = Faults()
        self.calls: list[Call] = []
        self.settle_after = settle_after
        self._http = _Server(("127.0.0.1", port), _Handler)
        self._http.standin = self
        self.base = f"http://127.0.0.1:{self._http.server_port}"
        self.api = Api(self.world, self.base)
        self.courier = Courier(self.world, webhook, secret)
        self.control = Control(self)
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._http.serve_forever, args=(0.1,), daemon=True)]
        if settle_after is not None:
            self._threads.append(threading.Thread(target=self._settle_refunds, args=(settle_after,), daemon=True))

    def start(self) -> Self:
        for thread in self._threads:
            thread.start()
        self.courier.start()
        return self

    def stop(self) -> None:
        self._stopping.set()
        self._http.shutdown()
        self._http.server_close()
        self.courier.stop()
        with self.world.lock:
            self.world.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # -- for tests -------------------------------------------------------------------------------------------

    def fault(self, kind: str, path: str, *, method: str = "POST", times: int = 1, seconds: float = 3.0) -> None:
        """Break the next `times` calls whose path matches `path` (an expression)."""
        self.faults.arm(Fault(kind, method, path, times, seconds))

    def advance(self, *, days: float = 0, seconds: float = 0) -> None:
        """Move the stand-in's clock forward."""
        self.act("clock", {"advance": days * 86400 + seconds})

    def act(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Do what `POST /_control/{path}` does. Raises ValueError with its message when it refuses."""
        status, found = self.control.answer("POST", "/_control/" + path, body or {})
        if status != 200:
            raise ValueError(found["error"]["message"])
        return found

    def deliver(self, event_id: str) -> int:
        """Send one event to the webhook now. Returns the receiver's status, 0 when nobody answered."""
        found: int = self.act(f"events/{event_id}/deliver")["status"]
        return found

    def events(self, kind: str | None = None) -> list[Obj]:
        """All events so far, oldest first."""
        with self.world.lock:
            found = [o for o in self.world.objects.values() if o["object"] == "event"]
            return [self.world.public(e) for e in found if kind in (None, e["type"])]

    def signed(self, event_id: str, *, secret: str | None = None, at: int | None = None) -> tuple[bytes, str]:
        """Body and Stripe-Signature of an event, to be handed to a receiver in any order and number."""
        with self.world.lock:
            body = body_of(self.world, self.world.objects[event_id])
        return body, signature(body, secret or self.courier.secret, int(time.time()) if at is None else at)

    def _settle_refunds(self, after: float) -> None:
        while not self._stopping.wait(0.5):
            with self.world.lock:
                waiting = [
                    o
                    for o in self.world.objects.values()
                    if o["object"] == "refund" and o["status"] == "pending" and o["created"] + after <= self.world.now()
                ]
                for refund in waiting:
                    refunds.settle(self.world, refund, True)
                self.world.save()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: what was called is in Standin.calls."""

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def do_DELETE(self) -> None:
        self._answer("DELETE")

    def _answer(self, method: str) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > LARGEST_BODY:
            self.close_connection = True
            return self._send(413, b"", "text/plain")
        raw = self.rfile.read(length).decode("utf-8", "replace")
        address = urllib.parse.urlsplit(self.path)
        if address.path.startswith("/v1/"):
            return self._api(method, address, raw)
        if address.path.startswith("/_control/"):
            status, found = self.server.standin.control.answer(method, address.path, _json(raw))
            return self._send(status, json.dumps(found, ensure_ascii=False).encode(), "application/json")
        if address.path.startswith("/pay/"):
            return self._page(method, address.path.removeprefix("/pay/"), raw)
        if address.path == "/health":
            return self._send(200, b'{"ok": true}', "application/json")
        return self._send(404, b"", "text/plain")

    def _api(self, method: str, address: urllib.parse.SplitResult, raw: str) -> None:
        standin = self.server.standin
        call = Call(
            method=method,
            path=address.path,
            params=decode_form(raw if method == "POST" else address.query),
            authorization=self.headers.get("Authorization") or "",
            account=self.headers.get("Stripe-Account") or self.headers.get("Stripe-Context"),
            key=self.headers.get("Idempotency-Key"),
            version=self.headers.get("Stripe-Version"),
        )
        standin.calls.append(call)
        fault = standin.faults.take(method, address.path)
        if fault and fault.kind in ("drop_before", "hang"):
            if fault.kind == "hang":
                time.sleep(fault.seconds)
            return self._drop()
        if fault and fault.kind in ("429", "409", "500_before"):
            status, body = ANSWERS[fault.kind]
            return self._send(status, json.dumps(body).encode(), "application/json")
        status, body, headers = standin.api.answer(call)
        if fault and fault.kind == "drop_after":
            return self._drop()
        if fault:
            status, body = ANSWERS[fault.kind]
            headers = {}
        return self._send(status, json.dumps(body).encode(), "application/json", headers)

    def _page(self, method: str, session: str, raw: str) -> None:
        standin = self.server.standin
        with standin.world.lock:
            standin.api.expire_due()
            goes: str | None = None
            if method == "POST":
                status, html, goes = hosted.act(standin.world, session, dict(urllib.parse.parse_qsl(raw)))
            else:
                status, html = hosted.page(standin.world, session)
            standin.world.save()
        self._send(status, html.encode(), "text/html; charset=utf-8", {"Location": goes} if goes else {})

    def _drop(self) -> None:
        self.close_connection = True
        self.connection.close()

    def _send(self, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Request-Id", "req_" + secrets.token_hex(7))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _json(raw: str) -> dict[str, Any]:
    try:
        found = json.loads(raw or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
