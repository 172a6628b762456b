"""Garbage collection while a program starts.

What is imported lives as long as the process. Collecting it again and again while it grows finds nothing, and takes a
quarter of a server's start.
"""

from __future__ import annotations

import gc


def put_off_garbage() -> None:
    """Collect nothing until what is needed has been imported."""
    gc.disable()


def collect_garbage() -> None:
    """Collect from now on, and leave alone what is there by now."""
    gc.freeze()
    gc.enable()
