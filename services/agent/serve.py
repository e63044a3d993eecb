"""Listen for other agents: connections go to `serving.py`, each in a thread of its own."""

from __future__ import annotations

import socket
import socketserver
import threading
from typing import Any

from services.agent.guests import STRANGERS_MAX
from services.agent.serving import Serving
from services.runtime.log import logger


class ByteServer:
    """Listens from `start` to `stop` on `address`."""

    def __init__(self, host: str, port: int, serving: Serving) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._server = _Server(family, (host, port), serving)
        self.address: tuple[str, int] = self._server.server_address[:2]  # type: ignore[assignment]
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="bytes.serve", daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Take no more connections and end those there are."""
        self._server.shutdown()
        self._server.server_close()
        self._server.serving.stop()
        self._thread.join(1.0)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = STRANGERS_MAX

    def __init__(
        self, family: socket.AddressFamily, address: tuple[str, int], serving: Serving
    ) -> None:
        self.address_family = family
        self.serving = serving
        super().__init__(address, socketserver.BaseRequestHandler)

    def service_actions(self) -> None:
        """Several times a second, beside taking connections in."""
        self.serving.guests.look()

    def process_request(self, request: Any, client_address: Any) -> None:
        self.serving.guests.welcome(request)
        super().process_request(request, client_address)

    def finish_request(self, request: Any, client_address: Any) -> None:
        self.serving.serve(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        logger.exception("bytes.broke")
