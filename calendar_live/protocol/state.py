"""Defines states: a state is a position in a calendar's log, and also proves which history it belongs to."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import Malformed

# 18 digits stay below 2**63; \Z, because $ would accept a trailing newline.
_SHAPE = re.compile(r"(0|[1-9][0-9]{0,17})\.([0-9a-f]{16})\Z")


@dataclass(frozen=True, slots=True)
class State:
    """`"<revision>.<nonce>"`: the nonce is 64 random bits of the change set that made this revision (16 hex digits)."""

    revision: int
    nonce: str

    def __str__(self) -> str:
        return f"{self.revision}.{self.nonce}"

    @classmethod
    def parse(cls, token: str) -> State:
        """Return the state that a token stands for. Raises Malformed."""
        match = _SHAPE.match(token)
        if match is None:
            raise Malformed("not_state", given=token[:60])
        return cls(int(match[1]), match[2])
