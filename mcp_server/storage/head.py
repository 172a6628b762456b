"""The head: one session as a readable JSON file, with the marks that bind it to its log and the seal at its end.

The file ends in a fixed form, so that checksum and seal speak of raw bytes and not of JSON written anew::

      "checksum": "<SHA-256 of all bytes before this key>",
      "seal": {"key_id": "<id>", "hmac": "<HMAC-SHA256 of all bytes before this key>"}
    }

A head that could not be sealed says ``"seal": "unsealed"``.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson
from pydantic import Field, ValidationError

from mcp_server.domain.session import SCHEMA_VERSION, Frozen, Session
from mcp_server.errors import CorruptStateError
from mcp_server.storage.document import UnfitError
from mcp_server.storage.findings import newer, torn
from mcp_server.storage.keys import Key
from mcp_server.storage.layout import sha256
from mcp_server.storage.log import LogMark
from mcp_server.storage.versions import is_older, raised_fields, version_of

REQUESTS_KEPT: Final = 256

_TAIL: Final = re.compile(
    rb'  "checksum": "(?P<checksum>[0-9a-f]{64})",\n'
    rb'  "seal": (?:\{"key_id": "(?P<key_id>[0-9a-f]{16})", "hmac": "(?P<hmac>[0-9a-f]{64})"\}|"unsealed")\n\}\n\Z'
)
_TAIL_LENGTH: Final = 300


class Seal(Frozen):
    """Who vouches for a head, and how."""

    key_id: str = Field(pattern=r"^[0-9a-f]{16}$")
    hmac: str = Field(pattern=r"^[0-9a-f]{64}$", description="HMAC-SHA256 of all bytes before the key 'seal'")


class _Body(Session):
    store: str = Field(description="the id of the store that this session belongs to")
    log: LogMark = Field(description="how far the session's event log is valid")
    requests: dict[str, int] = Field(description="the last request_ids, oldest first, and the event each led to")


class Head(_Body):
    """A session as its file holds it."""

    checksum: str = Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of all bytes before the key 'checksum'")
    seal: Seal | Literal["unsealed"]


_MARKS: Final = frozenset(Head.model_fields) - frozenset(Session.model_fields)


@dataclass(frozen=True, slots=True)
class Page:
    """A head in memory: the session, what else the file says, and its bytes."""

    session: Session
    store: str
    log: LogMark
    requests: Mapping[str, int]
    seal: Seal | None
    raw: bytes

    def sealed_by(self, key: Key) -> bool:
        """Whether the seal is the one that this key makes of these bytes."""
        return self.seal is not None and hmac.compare_digest(key.sign(_before_seal(self.raw)), self.seal.hmac)


def encode(session: Session, store: str, log: LogMark, requests: Mapping[str, int], key: Key | None) -> Page:
    """The head of a session, sealed if there is a key."""
    body = _Body.model_construct(None, **vars(session), store=store, log=log, requests=requests)
    before_checksum = body.model_dump_json(indent=2).encode().removesuffix(b"\n}") + b",\n  "
    before_seal = before_checksum + b'"checksum": "%s",\n  ' % sha256(before_checksum).encode()
    if key is None:
        return Page(session, store, log, requests, None, before_seal + b'"seal": "unsealed"\n}\n')
    seal = Seal(key_id=key.id, hmac=key.sign(before_seal))
    end = f'"seal": {{"key_id": "{seal.key_id}", "hmac": "{seal.hmac}"}}\n}}\n'
    return Page(session, store, log, requests, seal, before_seal + end.encode())


def decode(raw: bytes) -> Page:
    """What a head says; CorruptStateError ``torn`` or ``newer`` when it cannot be read. The seal is not judged here."""
    tail = _TAIL.search(raw, max(0, len(raw) - _TAIL_LENGTH))
    if tail is None or tail["checksum"].decode() != sha256(raw[: tail.start() + 2]):
        raise _unreadable(raw)
    try:
        head = Head.model_validate_json(raw)
    except ValidationError as error:
        head = _older(raw)
        if head is None:
            raise _invalid(raw, error) from None
    values = vars(head)
    session = Session.model_construct(None, **{name: values[name] for name in Session.model_fields})
    seal = None if head.seal == "unsealed" else head.seal
    return Page(session, head.store, head.log, head.requests, seal, raw)


def decode_edited(raw: bytes) -> Session:
    """The session in a head that somebody edited, whatever its marks say; CorruptStateError when there is none."""
    try:
        fields = orjson.loads(raw)
        session = {name: value for name, value in fields.items() if name not in _MARKS}
        return Session.model_validate_json(orjson.dumps(raised_fields(session)))
    except (orjson.JSONDecodeError, AttributeError, UnfitError):
        raise torn("its file does not parse") from None
    except ValidationError as error:
        raise _invalid(raw, error) from None


def with_request(requests: Mapping[str, int], request_id: str, seq: int) -> dict[str, int]:
    """The remembered requests with one more, less the oldest when they are too many."""
    kept = list(requests.items())[-(REQUESTS_KEPT - 1) :]
    return dict([*kept, (request_id, seq)])


def json_schema() -> dict[str, Any]:
    """The head's form as JSON Schema (draft 2020-12)."""
    schema = Head.model_json_schema(mode="serialization")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"A session's head, schema_version {SCHEMA_VERSION}",
        **{name: value for name, value in schema.items() if name != "title"},
    }


def _before_seal(raw: bytes) -> bytes:
    return raw[: raw.rindex(b'"seal": ')]


def _older(raw: bytes) -> Head | None:
    """A head of an older version, its session in the present one; None when it is none."""
    try:
        fields = orjson.loads(raw)
        if not is_older(fields):
            return None
        session = {name: value for name, value in fields.items() if name not in _MARKS}
        marks = {name: value for name, value in fields.items() if name in _MARKS}
        return Head.model_validate_json(orjson.dumps(raised_fields(session) | marks))
    except (orjson.JSONDecodeError, AttributeError, UnfitError, ValidationError):
        return None


def _invalid(raw: bytes, error: ValidationError) -> CorruptStateError:
    found = _unreadable(raw)
    if found.kind != "newer" and any(one["type"] == "extra_forbidden" for one in error.errors(include_input=False)):
        return newer("it has a field that this version of pos-workflow does not know")
    return found


def _unreadable(raw: bytes) -> CorruptStateError:
    try:
        version = version_of(orjson.loads(raw))
    except (orjson.JSONDecodeError, AttributeError):
        return torn("its file does not parse")
    if version is not None and version > SCHEMA_VERSION:
        return newer(f"it has schema_version {version}; this version of pos-workflow knows {SCHEMA_VERSION}")
    return torn("its file is damaged: the checksum is wrong or a field is malformed")
