"""Provides a bare HTTP/1.1 connection, on which the test decides when each byte is sent and what is read."""

from __future__ import annotations

import json
import socket

import httpx

from testbed.cluster import Node
from testbed.servers import LOOPBACK
from testbed.serving import connections_to, cookie_of


class Raw:
    """A connection to a process, for the requests of a signed-in user."""

    def __init__(self, node: Node, client: httpx.Client, *, receive_bytes: int | None = None) -> None:
        self._node, self._host = node, f"{LOOPBACK}:{node.port}"
        self._headers = f"Cookie: {cookie_of(client)}\r\nX-CSRFToken: {client.headers['X-CSRFToken']}\r\n"
        self.socket = socket.socket()
        if receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.settimeout(20)
        self.socket.connect((LOOPBACK, node.port))
        self.port = self.socket.getsockname()[1]

    def request(self, method: str, path: str, body: object = None) -> bytes:
        """Return a request as bytes."""
        content = b"" if body is None else json.dumps(body).encode()
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {self._host}\r\n{self._headers}"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        return head.encode() + content

    def ask(self, path: str) -> None:
        self.socket.sendall(self.request("GET", path))

    def post(self, path: str, body: object) -> None:
        self.socket.sendall(self.request("POST", path, body))

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Return the status, headers and body of the next answer. Raises ConnectionError if it is cut off."""
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._more()
        head, _, body = received.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        while len(body) < int(headers["content-length"]):
            body += self._more()
        return int(lines[0].split()[1]), headers, body

    def _more(self) -> bytes:
        received = self.socket.recv(65_536)
        if not received:
            raise ConnectionError("the answer was cut off")
        return received

    def is_open(self) -> bool:
        """Return whether the process still has the connection."""
        return self.port in connections_to(self._node)

    def close(self) -> None:
        self.socket.close()
