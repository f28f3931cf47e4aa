"""daphne, which ends in order when it is told to stop, and gives up on peers that are gone.

python -m calendar_live.server --port 8000 project.asgi:application      (daphne's own arguments; sockets stay open without limit)
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from collections.abc import Callable
from typing import Any, Final, NoReturn

import daphne.server  # the first of Twisted: it chooses the event loop
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

_SPREAD: Final = 0.75  # of DRAIN_SECONDS: pages leave within it, so that the last of them need not be closed
_FIRST_WORD_SECONDS: Final = 0.5  # for the request of a connection that came in the last moment
_GOODBYE_SECONDS: Final = 1.5  # autobahn drops who does not answer a close within 1 s
_STEP_SECONDS: Final = 0.02
_CLOSING_BYTES: Final = 200_000  # beyond the bound of `Outbox`: for what closes already, and a frame
_CROWD: Final = 4_096  # connections that may wait to be accepted: all pages of a process that ended may come at once


class _Request(WebRequest):  # type: ignore[misc]  # daphne ships no types
    """daphne's, that leaves forms to the application: Twisted would take them apart on the event loop, for nobody, of any size."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._parsePOSTFormSubmission = False

    def process(self) -> Any:
        # daphne lets a proxy say so where it is mounted. Here it could only be a client's, and was a 500 when not ASCII.
        self.requestHeaders.removeHeader(b"daphne-root-path")
        return super().process()


class _Factory(HTTPFactory):  # type: ignore[misc]  # daphne ships no types
    """daphne's, with a bound on how long a request may take to arrive: Twisted's own begins anew with each byte."""

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self.timeOut = conf.app.SILENCE_SECONDS

    def buildProtocol(self, addr: Any) -> Any:
        protocol = super().buildProtocol(addr)
        protocol.requestFactory = _Request
        protocol._channel.resetTimeout = _let_time_pass
        return protocol


def _let_time_pass() -> None:
    """Stand in for what would give a connection more time because some of a request has come."""


class Server(daphne.server.Server):  # type: ignore[misc]  # daphne ships no types
    """daphne with an orderly end: SIGTERM and SIGINT make it drain, and cost no request that ends within DRAIN_SECONDS."""

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
            scope["scheme"] = "wss"  # daphne does not tell, and the origin of the page is compared with it
        return super().create_application(protocol, scope)

    def timeout_checker(self) -> None:
        """Look, every two seconds, at those who read too little: a socket's pongs are written past its consumer, and its bound."""
        for protocol in _slow_readers(conf.app.MAX_BACKLOG_BYTES + _CLOSING_BYTES):
            protocol.dropConnection(abort=True)
        super().timeout_checker()

    def kill_all_applications(self) -> Deferred[None]:
        """Drain: called when the reactor is to stop, which goes on until the answer is there."""
        return Deferred.fromFuture(asyncio.ensure_future(self._drain_and_tell()))

    async def _drain_and_tell(self) -> None:
        try:
            await self._drain()
        except Exception:  # the end comes anyway, and Twisted would keep it to itself
            logger.exception("The process could not end in order")

    async def _drain(self) -> None:
        """Accept nothing more, send the pages elsewhere, let requests end, then close the sockets that are left with 4001."""
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
    """Take in whoever has connected, and close the port in the same breath: who comes between the two would be cut off."""
    port.numberAccepts = _CROWD  # Twisted takes as many at once as the last time: one, where it is quiet
    port.doRead()
    port.connectionLost(None)  # `stopListening` would do this only at the reactor's next turn


def _slow_readers(bytes_allowed: int) -> list[Any]:
    """Return the WebSockets for which more waits than may. Only those for which anything waits are examined."""
    slow = []
    for transport in reactor.getWriters():  # type: ignore[misc]  # as in `_unsent`
        protocol = getattr(transport, "protocol", None)
        protocol = getattr(protocol, "wrappedProtocol", protocol)  # TLS lies between
        if isinstance(protocol, WebSocketProtocol) and unsent_bytes(transport) > bytes_allowed:
            slow.append(protocol)
    return slow


def _has_ended(application: asyncio.Future[None] | None) -> bool:
    return application is None or application.done()


def _unsent() -> bool:
    """Whether some answer is not with the kernel yet."""
    return bool(reactor.getWriters())  # type: ignore[misc]  # the module stands for the object that Twisted puts in its place


def _end_with_answer(protocol: Any) -> None:
    """Have an HTTP connection end with its answer: kept for the next request, it would keep this process too."""
    channel = getattr(protocol, "channel", None)  # Twisted takes it from a request that is answered
    if isinstance(protocol, WebRequest) and channel is not None:
        channel.persistent = False
        if not protocol.startedWriting:
            protocol.responseHeaders.setRawHeaders(b"connection", [b"close"])


def _bound_silence(port: Any) -> None:
    """Have the kernel cut whoever takes nothing of what was sent for SILENCE_SECONDS, on each connection this port accepts.

    A WebSocket is told by its pings and its silence; but the rest of an answer over HTTP would wait for a peer that is gone, or
    that reads no more, for a quarter of an hour or for ever.
    """
    if hasattr(socket, "TCP_USER_TIMEOUT") and port.socket.family in (socket.AF_INET, socket.AF_INET6):
        milliseconds = conf.app.SILENCE_SECONDS * 1_000
        port.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)


async def _wait_until(condition: Callable[[], bool], seconds: float) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    while not condition() and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110 - daphne tells nobody of an end
        await asyncio.sleep(_STEP_SECONDS)


class Command(CommandLineInterface):  # type: ignore[misc]  # daphne ships no types
    """daphne's command line."""

    description = "daphne with an orderly end"
    server_class = Server

    def __init__(self) -> None:
        super().__init__()
        daphne.server.HTTPFactory = _Factory  # daphne names the class in its own module: there is no other seam
        self.parser.set_defaults(websocket_timeout=-1)  # sockets end by silence, and by what their users may see


def main() -> NoReturn:
    """Serve until told to stop. The exit code is 0 after an orderly end; daphne's is 1 when there is nothing to listen on."""
    Command().run(sys.argv[1:])
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    # Python would join every thread first; one in `async_to_sync` waits for an event loop that has ended, for ever.
    os._exit(0)


if __name__ == "__main__":
    main()
