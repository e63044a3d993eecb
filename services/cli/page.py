"""`open`: the page in the browser, signed in."""

from __future__ import annotations

import os
import sys

from services.cli import screen
from services.cli.connection import HERE, Connection, find


def open_page(*, connection: Connection = HERE) -> None:
    """Open the page in the browser, signed in, and print the link.

    The link holds your token: whoever has it can do what you can.
    """
    target = find(connection)
    link = f"{target.url}/#{target.token}"
    screen.say(link)
    if _has_screen():
        import webbrowser

        webbrowser.open(link)


def _has_screen() -> bool:
    """Without one a text browser would take over the terminal."""
    named = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    return sys.platform in ("darwin", "win32") or any(os.environ.get(name) for name in named)
