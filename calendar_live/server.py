"""Starts the server of a host site: `python -m calendar_live.server project.asgi:application`."""

from .serving.server import main

if __name__ == "__main__":
    main()
