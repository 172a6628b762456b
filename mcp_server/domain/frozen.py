"""The common ground of everything that is kept on disk."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """A value that takes no unknown field: what this program does not know it must not drop by writing it back."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Stored(Frozen):
    """Content too large for the head, kept as a blob named by its SHA-256."""

    sha256: str
    bytes: int
