"""Models everything between the server and its clients: sockets, HTTP and the channel layer.

Each of them loses, repeats, delays and reorders in its own way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.model.client import Client
from tests.model.database import Database
from tests.model.dice import Dice
from tests.model.feeds import Ask
from tests.model.hub import Hub
from tests.model.invariants import Watch
from tests.model.overlays import Mutation
from tests.model.people import remember
from tests.model.rules import Rules
from tests.model.server import CALENDARS, HUBS, USERS, FeedTask, Message, Server
from tests.model.services import Plan, Refusal
from tests.model.sockets import Socket, Task
from tests.model.stages import advance
from tests.model.values import CHUNK_ENTRIES, Answer, Changes, FeedAnswer, FeedRequest, Granted, Request


@dataclass(eq=False, slots=True)
class Exchange:
    """One HTTP request under way. `answer` is set when the server has answered."""

    client: int
    what: Ask | Mutation
    at_work: FeedTask | None = None
    planned: Plan | None = None
    answer: FeedAnswer | Answer | None = None

    def __str__(self) -> str:
        if isinstance(self.what, Ask):
            return f"feed {self.what.request.calendar}{self.what.request.within} of client {self.client}"
        return f"{self.what.request.kind} {self.what.request.key}"


@dataclass(eq=False, slots=True)
class Connection:
    socket: Socket
    hub: int


@dataclass(slots=True)
class Network:
    """The server, its clients, and what is under way between them.

    Every method is one event. The caller chooses which event happens when.
    """

    rules: Rules
    say: Callable[[str], None] = lambda text: None
    server: Server = field(init=False)
    clients: list[Client] = field(default_factory=list)
    watches: list[Watch] = field(default_factory=list)
    connections: dict[int, Connection] = field(default_factory=dict)
    http: list[Exchange] = field(default_factory=list)
    browser_cache: dict[tuple[int, FeedRequest], FeedAnswer] = field(default_factory=dict)
    first_answers: dict[str, Answer] = field(default_factory=dict)
    restored: bool = False

    def __post_init__(self) -> None:
        self.server = Server(self.rules)
        for user in USERS:
            client = Client(user, self.rules, CALENDARS)
            self.clients.append(client)
            self.watches.append(Watch(client, self.server))

    # --- sockets ---------------------------------------------------------------------------------------------

    def connect(self, number: int, hub: int) -> None:
        socket = Socket(self.clients[number].user)
        self.server.hubs[hub].sockets.append(socket)
        self.connections[number] = Connection(socket, hub)
        self.say(f"client {number} connects to hub {hub}")
        self.clients[number].opened()
        self.touched(number)

    def cut(self, number: int) -> None:
        connection = self.connections.pop(number)
        self.server.hubs[connection.hub].drop(connection.socket)
        self.say(f"client {number} is cut off; lost: {list(connection.socket.to_client)}")
        self.clients[number].closed()
        self.touched(number)

    def to_client(self, number: int) -> None:
        frame = self.connections[number].socket.to_client.popleft()
        self.say(f"client {number} gets {frame}")
        self.clients[number].take(frame)
        self.touched(number)

    def to_server(self, number: int) -> None:
        connection = self.connections[number]
        frame = connection.socket.to_server.popleft()
        self.say(f"hub {connection.hub} gets {frame} of client {number}")
        self.hub_of(number).take(connection.socket, frame)

    def hub_of(self, number: int) -> Hub:
        return self.server.hubs[self.connections[number].hub]

    def beat(self, number: int) -> None:
        """Send the heartbeat of a socket: check its rights again, and push the heads (C6)."""
        socket, hub = self.connections[number].socket, self.hub_of(number)
        hub.recheck(socket, self.server.db)
        for calendar in CALENDARS:
            if self.rules.grants_told_again and (socket.user, calendar) in self.server.db.places:
                socket.push(Granted(calendar))
        socket.push(hub.heads_of(socket))
        self.say(f"hub {self.connections[number].hub} beats for client {number}: {hub.heads_of(socket)}")

    def lose_network(self, number: int) -> None:
        socket = self.connections[number].socket
        socket.dead = True
        socket.to_client.clear()
        socket.to_server.clear()
        self.say(f"client {number} and its hub lose each other without noticing")

    def err(self, dice: Dice) -> bool:
        """Lose, repeat or delay a whole change set to one socket. No view may be wrong because a hub erred."""
        whole = [
            (number, frame)
            for number, connection in sorted(self.connections.items())
            for frame in connection.socket.to_client
            if isinstance(frame, Changes) and self._is_whole(frame)
        ]
        if not whole:
            return False
        number, frame = dice.pick(whole)
        kind = dice.pick(("lost", "repeated", "late"))
        self.say(f"client {number}: {frame} is {kind}")
        queue = self.connections[number].socket.to_client
        if kind != "repeated":
            queue.remove(frame)
        if kind != "lost":
            queue.append(frame)
        return True

    def _is_whole(self, frame: Changes) -> bool:
        """Return whether a frame is the only chunk of its change set.

        The chunks of a set arrive at a socket complete and in order, or the socket is cut.
        """
        return self.server.history.at(frame.calendar, frame.new).size <= CHUNK_ENTRIES

    def touched(self, number: int) -> None:
        """Send what a client wants to send, and check its view."""
        client, connection = self.clients[number], self.connections.get(number)
        if client.frames:
            if connection is not None and not connection.socket.dead:
                connection.socket.to_server.extend(client.frames)
            client.frames.clear()
        self.http.extend(Exchange(number, ask) for ask in client.fetches)
        self.http.extend(Exchange(number, mutation) for mutation in client.requests)
        client.fetches.clear()
        client.requests.clear()
        self.watches[number].check()

    # --- HTTP ------------------------------------------------------------------------------------------------

    def forward(self, exchange: Exchange, source: Database | None = None) -> None:
        """Advance an exchange by one step: to the server (a feed may go to a replica), through it, or to the client."""
        if exchange.answer is not None:
            self._bring(exchange)
        elif isinstance(exchange.what, Mutation):
            self._write(exchange, exchange.what.request)
        else:
            self._read(exchange, exchange.what.request, source)

    def _write(self, exchange: Exchange, request: Request) -> None:
        if not self.rules.preconditions_under_lock and exchange.planned is None:
            try:
                exchange.planned = self.server.services.plan(self.server.db, request)
            except Refusal as refusal:
                exchange.answer = Answer(refusal.status)
            return
        exchange.answer = self.server.write(request, exchange.planned)
        self.say(f"{exchange}: {exchange.answer}")
        self._check_first(request, exchange.answer)

    def _check_first(self, request: Request, answer: Answer) -> None:
        """Invariant 8: check that a mutation has only one result, unless a restore has lost the first."""
        first = self.first_answers.setdefault(request.key, answer)
        if first.status == 200 and first != answer:
            self.watches[0].check_lost(request, first, answer)
            self.first_answers[request.key] = answer

    def _read(self, exchange: Exchange, request: FeedRequest, source: Database | None) -> None:
        if exchange.at_work is not None:
            exchange.answer = self.server.end_feed(exchange.at_work)
        else:
            begun = self.server.begin_feed(self.clients[exchange.client].user, request, source)
            if isinstance(begun, FeedTask):
                exchange.at_work = begun
                return
            exchange.answer = begun
        self.browser_cache[exchange.client, request] = exchange.answer
        self.say(f"{exchange}: {exchange.answer}")

    def _bring(self, exchange: Exchange) -> None:
        self.http.remove(exchange)
        client, what = self.clients[exchange.client], exchange.what
        self.say(f"client {exchange.client} gets the answer to {exchange}")
        if isinstance(what, Mutation):
            assert isinstance(exchange.answer, Answer)
            client.answered(what, exchange.answer)
            remember(client, what.request, exchange.answer)
            self.watches[exchange.client].answered(what.request, exchange.answer)
        else:
            assert isinstance(exchange.answer, FeedAnswer)
            client.fed(what, exchange.answer)
        self.touched(exchange.client)

    def lose(self, exchange: Exchange) -> None:
        """Lose a request or its answer. The client learns that there is no answer."""
        self.http.remove(exchange)
        self.say(f"{exchange} is lost")
        client, what = self.clients[exchange.client], exchange.what
        if isinstance(what, Mutation):
            client.answered(what, None)
        else:
            client.fed(what, None)
        self.touched(exchange.client)

    def answer_from_cache(self, exchange: Exchange) -> None:
        """Let a cache on the way ignore all headers and repeat the earlier answer to the same URL."""
        if not isinstance(exchange.what, Ask) or exchange.answer is not None:
            return
        exchange.answer = self.browser_cache.get((exchange.client, exchange.what.request))
        if exchange.answer is not None:
            self.say(f"{exchange} is answered by a cache: {exchange.answer}")

    # --- the server's side -----------------------------------------------------------------------------------

    def take(self, message: Message) -> None:
        self.server.layer.remove(message)
        self.say(f"hub {message.hub} takes {message.content}")
        self.server.take(message)

    def advance(self, hub: Hub, task: Task) -> None:
        self.say(f"hub {self.server.hubs.index(hub)}, {task.socket.user}'s {task.frame}: {task.stage}")
        advance(hub, task, self.server.db)

    def restart(self, hub: int) -> None:
        for number in [one for one, connection in self.connections.items() if connection.hub == hub]:
            self.cut(number)
        self.say(f"hub {hub} restarts")
        self.server.restart(hub)

    def look(self) -> None:
        """Let every process do its head check, which real hubs do once a second."""
        for hub in range(HUBS):
            if self.rules.look:
                self.server.hubs[hub].look(self.server.db)
