"""A definition as one value: every file of the folder, with bytes that depend on nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Bundle:
    """The files of one definition by their path inside its folder (``/`` between parts); ``name`` is the folder's."""

    name: str
    files: Mapping[str, bytes]

    @property
    def digest(self) -> str:
        """SHA-256 of ``encode()``, in hex: equal for equal content, on every machine."""
        raise NotImplementedError

    def encode(self) -> bytes:
        """The canonical bytes, to be stored as a blob."""
        raise NotImplementedError

    @classmethod
    def decode(cls, data: bytes) -> Bundle:
        """The bundle of bytes made by ``encode``; ValueError when they are not."""
        raise NotImplementedError
