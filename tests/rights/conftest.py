"""Uses the fixture of tests/live, so that tests with sockets or waiting requests leave no thread with a connection."""

from tests.live.conftest import _new_layer_and_threads

__all__ = ["_new_layer_and_threads"]
