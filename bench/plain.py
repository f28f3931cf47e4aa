"""Shows the limit of the load generator: a server of bare sockets in Python, which sends each deletion once per socket.

It uses no Django and checks nothing.

python -m bench.plain <port>
"""

from __future__ import annotations

import json
import re
import selectors
import socket
import sys
from typing import Final

from testbed.websocket import ACCEPT, TEXT, unmasked

_ITEM: Final = re.compile(rb"DELETE /api/calendars/([0-9a-f-]+)/items/([0-9a-f-]+)/")
_UPGRADE: Final = (
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    f"Sec-WebSocket-Accept: {ACCEPT}\r\n\r\n"
).encode()
_STATE: Final = "100.0123456789abcdef"


class Plain:
    """Accepts listeners, and sends each deletion to all of them."""

    def __init__(self, port: int) -> None:
        self._selector = selectors.DefaultSelector()
        self._server = socket.create_server(("127.0.0.1", port), backlog=1024)
        self._listeners: set[socket.socket] = set()
        self._selector.register(self._server, selectors.EVENT_READ)

    def serve(self) -> None:
        """Serve until the process is killed."""
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._server:
                    self._selector.register(self._server.accept()[0], selectors.EVENT_READ)
                elif isinstance(key.fileobj, socket.socket):
                    self._read(key.fileobj)

    def _read(self, connection: socket.socket) -> None:
        received = connection.recv(65536)
        if received.startswith(b"GET /ws/"):
            connection.sendall(_UPGRADE)
            self._listeners.add(connection)
        elif received.startswith(b"DELETE"):
            self._tell(received)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        elif received.startswith(b"GET /healthz"):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        elif not received:
            self._selector.unregister(connection)
            self._listeners.discard(connection)
            connection.close()

    def _tell(self, request: bytes) -> None:
        match = _ITEM.match(request)
        assert match is not None
        frame = unmasked(TEXT, _content(match[1].decode(), match[2].decode()))
        for listener in self._listeners:
            listener.send(frame)


def _content(calendar: str, item: str) -> bytes:
    """Return an event as large as those of the other servers."""
    event = {
        "type": "changes",
        "calendar": calendar,
        "oldState": _STATE,
        "newState": _STATE,
        "more": False,
        "upserted": [],
        "destroyed": [item],
        "actor": {"id": "1", "name": "owner"},
        "mutationId": item,
    }
    return json.dumps(event, separators=(",", ":")).encode()


if __name__ == "__main__":
    Plain(int(sys.argv[1])).serve()
