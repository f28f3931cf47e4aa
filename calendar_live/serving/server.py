"""Runs daphne, with an orderly end when it is told to stop, and without waiting for peers that are gone.

python -m calendar_live.server --port 8000 project.asgi:application

The arguments are daphne's own. By default, WebSockets stay open without a time limit.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from collections.abc import Callable
from typing import Any, Final, NoReturn

import daphne.server  # the first import of Twisted, because it chooses the event loop
from daphne.cli import CommandLineInterface
from daphne.http_protocol import HTTPFactory, WebRequest
from daphne.ws_protocol import WebSocketProtocol
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import ISSLTransport

from .. import conf
from ..live.outbox import unsent_bytes
from .logs import without_secrets

logger = logging.getLogger(__name__)

_SPREAD: Final = 0.75  # of DRAIN_SECONDS; pages leave within this time, so that even the last need not be closed
_FIRST_WORD_SECONDS: Final = 0.5  # for the request on a connection that was accepted at the last moment
_GOODBYE_SECONDS: Final = 1.5  # autobahn drops a peer that does not answer a close within 1 s
_STEP_SECONDS: Final = 0.02
_CLOSING_BYTES: Final = 200_000  # above the limit of `Outbox`, for sockets that are closing already, and for a frame
_CROWD: Final = 4_096  # connections that may wait to be accepted; all pages of a process that ended may come at once


class _Request(WebRequest):  # type: ignore[misc]  # daphne ships no types
    """daphne's request, which leaves forms to the application.

    Twisted would parse forms of any size on the event loop, and nothing would use the result.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._parsePOSTFormSubmission = False

    def process(self) -> Any:
        # In daphne, a proxy can say with this header where the site is mounted. Here only clients could send it, and a
        # value that is not ASCII caused a 500.
        self.requestHeaders.removeHeader(b"daphne-root-path")
        return super().process()


class _Factory(HTTPFactory):  # type: ignore[misc]  # daphne ships no types
    """daphne's factory, with a limit on how long a request may take to arrive.

    Twisted's own limit starts over at each byte.
    """

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self.timeOut = conf.app.SILENCE_SECONDS

    def buildProtocol(self, addr: Any) -> Any:
        protocol = super().buildProtocol(addr)
        protocol.requestFactory = _Request
        protocol._channel.resetTimeout = _let_time_pass
        return protocol


def _let_time_pass() -> None:
    """Do nothing, in place of a method that would give a connection more time whenever part of a request arrives."""


class Server(daphne.server.Server):  # type: ignore[misc]  # daphne ships no types
    """daphne with an orderly end: SIGTERM and SIGINT make it drain.

    Requests that end within DRAIN_SECONDS are still answered.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._ports: list[Any] = []
        self._draining = False

    def listen_success(self, port: Any) -> None:
        super().listen_success(port)
        self._ports.append(port)
        port.socket.listen(_CROWD)
        _bound_silence(port)

    def log_action(self, protocol: str, action: str, details: dict[str, Any]) -> None:
        if "path" in details:
            details = {**details, "path": without_secrets(str(details["path"]))}
        super().log_action(protocol, action, details)

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        if self._draining:
            _end_with_answer(protocol)
        if isinstance(protocol, WebSocketProtocol) and ISSLTransport.providedBy(protocol.transport):
            scope["scheme"] = "wss"  # daphne does not set it, and the origin of the page is compared with it
        return super().create_application(protocol, scope)

    def timeout_checker(self) -> None:
        """Every two seconds, drop the sockets that read too slowly.

        Pongs are written without the socket's consumer, and so without the limit of its outbox.
        """
        for protocol in _slow_readers(conf.app.MAX_BACKLOG_BYTES + _CLOSING_BYTES):
            protocol.dropConnection(abort=True)
        super().timeout_checker()

    def kill_all_applications(self) -> Deferred[None]:
        """Drain. This is called when the reactor is told to stop, and the reactor runs until the drain has ended."""
        return Deferred.fromFuture(asyncio.ensure_future(self._drain_and_tell()))

    async def _drain_and_tell(self) -> None:
        try:
            await self._drain()
        except Exception:  # the process ends anyway, and Twisted would not report the failure
            logger.exception("The process could not end in order")

    async def _drain(self) -> None:
        """Accept nothing more, send the pages elsewhere, let requests end, and close the sockets that remain (4001)."""
        from ..live.hub import get_hub  # noqa: PLC0415 - imports models, for which the application sets up Django

        seconds = conf.app.DRAIN_SECONDS
        logger.info("Stopping: %d connections have %g s to end", len(self._busy()), seconds)
        self._draining = True
        for port in self._ports:
            _accept_the_last(port)
        for protocol in self._busy():
            _end_with_answer(protocol)
        get_hub().end(spread_ms=int(seconds * _SPREAD * 1_000))
        await asyncio.sleep(min(seconds, _FIRST_WORD_SECONDS))
        await _wait_until(lambda: not self._busy() and not _unsent(), seconds - _FIRST_WORD_SECONDS)
        await self._close_the_rest()

    async def _close_the_rest(self) -> None:
        from ..live.consumer import GOING_AWAY  # noqa: PLC0415 - as above

        for protocol in self._busy():
            if isinstance(protocol, WebSocketProtocol):
                protocol.handle_reply({"type": "websocket.close", "code": GOING_AWAY})
            else:
                logger.warning("A request was cut off: it took longer than DRAIN_SECONDS")
        await _wait_until(lambda: not any(isinstance(one, WebSocketProtocol) for one in self._busy()), _GOODBYE_SECONDS)

    def _busy(self) -> list[Any]:
        """Return the connections that are open, or whose application has not ended."""
        return [
            protocol
            for protocol, details in self.connections.items()
            if not details.get("disconnected") or not _has_ended(details.get("application_instance"))
        ]


def _accept_the_last(port: Any) -> None:
    """Accept the connections that are waiting, and close the port at once.

    A connection that came in between would be cut off.
    """
    port.numberAccepts = _CROWD  # otherwise Twisted accepts about as many as the last time, which may be one
    port.doRead()
    port.connectionLost(None)  # `stopListening` would do this only at the reactor's next turn


def _slow_readers(bytes_allowed: int) -> list[Any]:
    """Return the WebSockets with a backlog above the limit. Only those with any backlog are examined."""
    slow = []
    for transport in reactor.getWriters():  # type: ignore[misc]  # as in `_unsent`
        protocol = getattr(transport, "protocol", None)
        protocol = getattr(protocol, "wrappedProtocol", protocol)  # under TLS
        if isinstance(protocol, WebSocketProtocol) and unsent_bytes(transport) > bytes_allowed:
            slow.append(protocol)
    return slow


def _has_ended(application: asyncio.Future[None] | None) -> bool:
    return application is None or application.done()


def _unsent() -> bool:
    """Whether the kernel has not taken all answers yet."""
    return bool(reactor.getWriters())  # type: ignore[misc]  # Twisted puts an object in its place


def _end_with_answer(protocol: Any) -> None:
    """End an HTTP connection with its answer. If it stayed open for another request, this process could not end."""
    channel = getattr(protocol, "channel", None)  # Twisted removes it from a request that is answered
    if isinstance(protocol, WebRequest) and channel is not None:
        channel.persistent = False
        if not protocol.startedWriting:
            protocol.responseHeaders.setRawHeaders(b"connection", [b"close"])


def _bound_silence(port: Any) -> None:
    """Have the kernel cut each connection of this port whose peer takes none of the sent bytes for SILENCE_SECONDS.

    A WebSocket without a peer is noticed by its pings and its silence. But the rest of an answer over HTTP would wait
    for a peer that is gone, or that reads no more, for a quarter of an hour or for ever.
    """
    if hasattr(socket, "TCP_USER_TIMEOUT") and port.socket.family in (socket.AF_INET, socket.AF_INET6):
        milliseconds = conf.app.SILENCE_SECONDS * 1_000
        port.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)


async def _wait_until(condition: Callable[[], bool], seconds: float) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    while not condition() and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110 - daphne announces no end
        await asyncio.sleep(_STEP_SECONDS)


class Command(CommandLineInterface):  # type: ignore[misc]  # daphne ships no types
    """daphne's command line."""

    description = "daphne with an orderly end"
    server_class = Server

    def __init__(self) -> None:
        super().__init__()
        daphne.server.HTTPFactory = _Factory  # daphne takes the class from its own module, so there is no other way
        self.parser.set_defaults(websocket_timeout=-1)  # sockets end by their silence, or with their users' rights


def main() -> NoReturn:
    """Serve until the process is told to stop. The exit code is 0 after an orderly end.

    daphne exits with 1 if there is nothing to listen on.
    """
    Command().run(sys.argv[1:])
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    # Python would join every thread first, and a thread in `async_to_sync` waits for ever for an event loop that has
    # ended.
    os._exit(0)


if __name__ == "__main__":
    main()
