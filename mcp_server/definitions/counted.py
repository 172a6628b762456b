"""How well the caches of definitions do their work, in this process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(slots=True)
class Count:
    """How often a definition was wanted, and how often it had to be read and parsed for that."""

    wanted: int = 0
    read: int = 0


FOLDERS: Final = Count()
"""Of the definitions that can be started, as their folders are now."""
PINNED: Final = Count()
"""Of the definitions that sessions pin."""
