"""Say plainly when the port of `make run` is taken, before anything is started."""

import socket
import sys


def main(port_text: str) -> int:
    """Return 0 when the port of the loopback address is free, 1 (and say why) when it is not."""
    if not port_text.isdecimal() or not 0 < int(port_text) < 65536:
        print(f"PORT={port_text} is no port number.", file=sys.stderr)
        return 1
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does: ignore TIME_WAIT
        try:
            probe.bind(("127.0.0.1", int(port_text)))
        except OSError as error:
            print(f"Port {port_text} cannot be used ({error.strerror}). Try: make run PORT=8001", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
