"""What opens sockets, or waits over HTTP, leaves no thread with a connection: as in tests/live."""

from tests.live.conftest import _new_layer_and_threads

__all__ = ["_new_layer_and_threads"]
