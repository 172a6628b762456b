"""A definition as one value: every file of its folder, in bytes that depend on nothing else."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

_FORMAT = 1
_PLAN = ".plan/"
"""Hidden, and so never the name of a definition's own file."""


@dataclass(frozen=True)
class Bundle:
    """The files of one definition by their path inside its folder (``/`` between the parts).

    ``name`` is the folder's name, which is the definition's identity.
    """

    name: str
    files: Mapping[str, bytes]

    def with_plan(self, name: str, data: bytes) -> Bundle:
        """The same definition with the plan file that a session works off."""
        return Bundle(self.name, {**self.files, _PLAN + name: data})

    @property
    def plan(self) -> tuple[str, bytes] | None:
        """The name and the bytes of the plan file, if there is one."""
        found = ((path.removeprefix(_PLAN), data) for path, data in self.files.items() if path.startswith(_PLAN))
        return next(found, None)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of ``encode()`` in hex: equal for equal content, on every machine."""
        return hashlib.sha256(self.encode()).hexdigest()

    @cached_property
    def definition_digest(self) -> str:
        """``digest`` without the plan file: what a person trusts, whichever plan a session works off."""
        own = {path: data for path, data in self.files.items() if not path.startswith(_PLAN)}
        return self.digest if len(own) == len(self.files) else Bundle(self.name, own).digest

    def encode(self) -> bytes:
        """The canonical bytes, readable as JSON, to be stored as a blob."""
        files = {path: _encoded(data) for path, data in self.files.items()}
        bundle = {"format": _FORMAT, "name": self.name, "files": files}
        return json.dumps(bundle, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()

    @classmethod
    def decode(cls, data: bytes) -> Bundle:
        """The bundle whose ``encode()`` gave ``data``. Raises ValueError for bytes that no bundle gave."""
        try:
            stored: dict[str, Any] = json.loads(data)
            if stored["format"] != _FORMAT:
                raise ValueError(f"a bundle of the unknown format {stored['format']}")
            bundle = cls(stored["name"], {path: _decoded(entry) for path, entry in stored["files"].items()})
            same = bundle.encode() == data
        except (KeyError, TypeError, AttributeError, RecursionError, binascii.Error) as error:
            raise ValueError("these bytes are no bundle") from error
        if not same:
            raise ValueError("these bytes are not in the form in which a bundle is stored")
        return bundle


def _encoded(data: bytes) -> dict[str, str]:
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def _decoded(entry: Mapping[str, str]) -> bytes:
    return entry["text"].encode() if "text" in entry else base64.b64decode(entry["base64"], validate=True)
