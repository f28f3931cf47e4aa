"""Writes a run as text: a table, the ratios, and what you need to know to judge or repeat them."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Final

from bench.figures import Round, Row, row_of
from bench.run import OURS, TEXTBOOK, Result

GOAL: Final = 4.0
PROMISED_MS: Final = 1500  # even without a channel layer
_LAYERS: Final = {"redis": "Redis pub/sub", "memory": "in-memory", "none": "-"}
_HEADINGS: Final = (
    ("server", 14),
    ("layer", 14),
    ("first", 8),
    ("p50", 8),
    ("p99", 8),
    ("last", 8),
    ("p99 min-max", 16),
    ("answer", 8),
    ("alone", 7),
    ("CPU-s/M", 9),
    ("KiB/socket", 11),
    ("idle CPU", 9),
    ("lost", 5),
)
_NAMES: Final = 2  # columns of text; the others are numbers
_EXPLANATION: Final = """\
first, p50, p99, last: ms from the moment the DELETE request is handed to the kernel until that share of the sockets \
has the
  frame: each the median over the rounds. answer: until the deleter has the response. alone: the same without any \
socket.
CPU-s/M: CPU seconds (user + system, all threads) of the server process per million deliveries, from the DELETE to the \
last
  frame or the answer, whichever is later; it includes the request itself. idle CPU: of one core, with all sockets open.
KiB/socket: growth of the resident memory from the first sockets to all of them.
What is the same: machine, run, database rows (a copy each), settings, people (a session for each socket), CSRF
  and Origin checks, channel layer, daphne with the flags of the Procfile, the event. No compression, no TLS, no proxy.
What differs: calendar_live keeps a log and a state of each calendar, checks If-Match, takes a subscribe frame after the
  handshake, sends heads and checks rights every 25 s, has one channel a process, writes idle sockets at once, spares
  requests most of their threads, and its site tunes the garbage collector; daphne is started by \
calendar_live.server. The textbook
  deletes the row, joins its group in connect, has one channel a socket, and runs as Django, Channels and daphne come. \
The
  bare sockets know no HTTP, checks or database: they bound what this load generator can show."""


def text_of(result: Result) -> str:
    """Return the report of a run."""
    options = result.options
    lines = [
        f"One deletion to {options.sockets} sockets, {options.rounds} rounds each in turns, {result.seconds:.0f} s",
        *result.machine,
        f"load average before: {result.load_before:.2f}; during the rounds everything else (Redis too) used "
        f"{result.others_share:.0%} of the machine",
        "",
        _cells([heading for heading, _ in _HEADINGS]),
        *(_line(row) for row in result.rows),
        "",
        *(_ratios(result, layer) for layer in options.layers),
        *_head_check(result.without_redis),
        "",
        _EXPLANATION,
        "",
        f"Repeat: make bench, or python -m bench --sockets {options.sockets} --rounds {options.rounds}",
    ]
    return "\n".join(lines)


def _cells(values: Sequence[str]) -> str:
    widths = [width for _, width in _HEADINGS]
    names = "".join(value.ljust(width) for value, width in zip(values[:_NAMES], widths[:_NAMES], strict=True))
    return names + "".join(value.rjust(width) for value, width in zip(values[_NAMES:], widths[_NAMES:], strict=True))


def _line(row: Row) -> str:
    low, high = row.p99_range
    values = (
        row.name,
        _LAYERS[row.layer],
        f"{row.first:.1f}",
        f"{row.p50:.1f}",
        f"{row.p99:.1f}",
        f"{row.last:.1f}",
        f"{low:.1f}-{high:.1f}",
        f"{row.answer:.1f}",
        f"{row.alone_ms:.1f}",
        f"{row.cpu_seconds_per_million:.0f}",
        f"{row.kib_per_socket:.1f}",
        f"{row.idle_cpu_share:.1%}",
        str(row.lost),
    )
    return _cells(values)


def _head_check(rounds: Sequence[Round]) -> list[str]:
    if not rounds:
        return []
    last = [one.last for one in rounds]
    lost = sum(one.sockets - one.delivered for one in rounds)
    return [
        f"Redis killed: {len(rounds)} deletions at calendar_live; "
        f"the last socket had each after {median(last):.0f} ms (median), "
        f"{max(last):.0f} ms (worst; promised {PROMISED_MS}); "
        f"the answer took {median(one.answer for one in rounds):.0f} ms; lost {lost}"
    ]


def p99_ratio(result: Result, layer: str) -> float:
    """Return how many times longer the textbook's p99 is than ours."""
    return row_of(result.rows, TEXTBOOK, layer).p99 / row_of(result.rows, OURS, layer).p99


def _ratios(result: Result, layer: str) -> str:
    ours, textbook = row_of(result.rows, OURS, layer), row_of(result.rows, TEXTBOOK, layer)
    ratio = p99_ratio(result, layer)
    cpu = textbook.cpu_seconds_per_million / ours.cpu_seconds_per_million
    return (
        f"{_LAYERS[layer]}: the textbook's p50 is {textbook.p50 / ours.p50:.1f}x, p99 {ratio:.1f}x, last "
        f"{textbook.last / ours.last:.1f}x, CPU {cpu:.1f}x, memory "
        f"{textbook.kib_per_socket / ours.kib_per_socket:.1f}x ours; frames of {ours.frame_bytes} and "
        f"{textbook.frame_bytes} bytes; p99 at most 1/{GOAL:.0f}: {'met' if ratio >= GOAL else 'NOT met'}"
    )
