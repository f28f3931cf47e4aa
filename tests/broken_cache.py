"""A cache backend whose server is gone and whose client raises. The site must work without it."""

from __future__ import annotations

from typing import Any, NoReturn

from django.core.cache.backends.base import BaseCache


class BrokenCache(BaseCache):
    """Raises ConnectionError in every operation."""

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)

    def _fail(self, *args: object, **kwargs: object) -> NoReturn:
        raise ConnectionError("the cache is gone")

    add = get = set = delete = touch = clear = has_key = incr = get_many = set_many = _fail
