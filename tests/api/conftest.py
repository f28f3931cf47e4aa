"""What waits over HTTP reads by the live side's threads: as there, none outlives its test with a connection."""

from tests.live.conftest import _new_layer_and_threads

__all__ = ["_new_layer_and_threads"]
