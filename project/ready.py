"""Ask a process of this machine whether it is ready, for health checks and for the start of a service.

    python -m project.ready 8001 [SECONDS]

This exits with 0 as soon as the process is ready, and with 1 if it is not ready within that many seconds (default: 0).
"""

import http.client
import os
import sys
import time


def is_ready(port: int) -> bool:
    """Whether the process at a port of BIND (by default, of the loopback address) answers and reaches its database."""
    bind = os.environ.get("BIND", "")
    address = bind if bind not in {"", "0.0.0.0", "::"} else "127.0.0.1"  # noqa: S104 - this binds nothing
    host = os.environ.get("ALLOWED_HOSTS", "").partition(",")[0].strip().lstrip(".")
    connection = http.client.HTTPConnection(address, port, timeout=5)
    try:
        # A host name that the site accepts. It refuses others.
        connection.request(
            "GET",
            f"{os.environ.get('FORCE_SCRIPT_NAME', '').rstrip('/')}/readyz",
            headers={"Host": host if host not in {"", "*"} else "127.0.0.1"},
        )
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def main(port: str, seconds: str = "0") -> int:
    """Return 0 if the process is ready in time, otherwise 1."""
    deadline = time.monotonic() + float(seconds)
    while not is_ready(int(port)):
        if time.monotonic() >= deadline:
            return 1
        time.sleep(0.2)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
