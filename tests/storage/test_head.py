"""A head has a published form, and one of a later form is never believed or overwritten."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from mcp_server.errors import CorruptStateError
from mcp_server.storage.head import REQUESTS_KEPT, json_schema, with_request
from mcp_server.storage.store import Store
from tests.storage.support import BEGIN, Site, begun, completing, fresh, toggling, with_checksum

pytestmark = pytest.mark.unit

SCHEMA = Path(__file__).parents[2] / "state" / "schema" / "session-v1.json"


@pytest.fixture
def raw(site: Site, store: Store) -> bytes:
    begun(store, request=fresh())
    store.update("one", completing())
    store.update("one", toggling)
    return site.head().read_bytes()


def test_the_published_schema_is_the_one_of_the_head() -> None:
    assert json.loads(SCHEMA.read_bytes()) == json_schema()


def test_a_head_is_readable_json_that_the_published_schema_describes(raw: bytes) -> None:
    head = json.loads(raw)
    jsonschema.validate(head, json.loads(SCHEMA.read_bytes()))
    assert head["artifacts"] == {"1": {"items": {}, "stored": None}}
    assert list(head)[-2:] == ["checksum", "seal"]
    assert (head["log"]["count"], head["version"], head["completed_phases"]) == (3, 3, [1])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"schema_version": 1', b'"schema_version": 2'),
        (b'"schema_version": 1', b'"schema_version": 1,\n  "mood": "good"'),
    ],
)
def test_a_head_of_a_newer_program_is_refused_and_never_overwritten(
    site: Site, store: Store, raw: bytes, old: bytes, new: bytes
) -> None:
    newer = with_checksum(raw, lambda head: head.replace(old, new))
    site.head().write_bytes(newer)
    for call in (
        lambda: store.read("one"),
        lambda: store.update("one", toggling),
        lambda: store.accept_seal("one", at=BEGIN),
    ):
        with pytest.raises(CorruptStateError, match="newer"):
            call()
    assert site.head().read_bytes() == newer


def test_a_newer_head_is_known_even_if_it_ends_in_another_form(site: Site, store: Store, raw: bytes) -> None:
    site.head().write_bytes(json.dumps(json.loads(raw) | {"schema_version": 3, "seal": "of another kind"}).encode())
    with pytest.raises(CorruptStateError, match="schema_version 3"):
        store.read("one")


def test_only_the_last_requests_are_remembered_in_their_order() -> None:
    requests: dict[str, int] = {}
    for number in range(REQUESTS_KEPT + 3):
        requests = with_request(requests, f"request-{number}", number)
    assert next(iter(requests)) == "request-3"
    assert len(requests) == REQUESTS_KEPT
