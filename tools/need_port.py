"""Print a clear message if a port of `make run` or `make run-cluster` is taken, before anything is started."""

import socket
import sys


def complaint(port_text: str, *, advice: str = "make run PORT=8001") -> str:
    """Return why a port of the loopback address cannot be used, and what to do. Return "" if it can be used."""
    if not port_text.isdecimal() or not 0 < int(port_text) < 65536:
        return f"PORT={port_text} is no port number."
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # ignores TIME_WAIT, as the server does
        try:
            probe.bind(("127.0.0.1", int(port_text)))
        except OSError as error:
            return f"Port {port_text} cannot be used ({error.strerror}). Try: {advice}"
    return ""


def main(port_text: str) -> int:
    """Return 0 if the port is free. Otherwise, print the reason and return 1."""
    said = complaint(port_text)
    if said:
        print(said, file=sys.stderr)
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
