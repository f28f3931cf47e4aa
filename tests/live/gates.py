"""Provides gates in the reader, which hold a page's query while the test does something else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from calendar_live.live import reader


class Gate:
    """Holds one call of a function of the reader, before or after its query of the database, until it is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str, *, after: bool) -> None:
        self.reached, self.opened = asyncio.Event(), asyncio.Event()
        real = getattr(reader, name)

        async def gated(*args: Any, **kwargs: Any) -> Any:
            monkeypatch.setattr(reader, name, real)
            answer = await real(*args, **kwargs) if after else None
            self.reached.set()
            await self.opened.wait()
            return answer if after else await real(*args, **kwargs)

        monkeypatch.setattr(reader, name, gated)


@asynccontextmanager
async def held(work: Coroutine[Any, Any, None], *, at: Gate) -> AsyncIterator[None]:
    """Run `work` up to a gate, then the block, then the rest of `work`. Fails if `work` ends before the gate."""
    task, passing = asyncio.ensure_future(work), asyncio.ensure_future(at.reached.wait())
    try:
        await asyncio.wait({task, passing}, return_when=asyncio.FIRST_COMPLETED)
        assert at.reached.is_set(), "it ended before it came to the gate"
        yield
    finally:
        passing.cancel()
        at.opened.set()
        await task
