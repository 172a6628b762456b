"""A session is served from the bytes that it pins, and from nothing else."""

from __future__ import annotations

import hashlib

import pytest

from mcp_server.definitions.bundle import Bundle
from mcp_server.definitions.folder import read_folder
from mcp_server.definitions.pinned import KEPT, load_pinned
from mcp_server.errors import CorruptStateError
from tests.definitions.conftest import Write

pytestmark = pytest.mark.integration


def never() -> bytes:
    raise AssertionError("the bytes are known")


def test_a_pinned_workflow_is_fetched_once(write: Write) -> None:
    bundle = read_folder(write({"a.md": "once"})).bundle
    workflow = load_pinned(bundle.digest, bundle.encode)
    assert workflow.workflow_type == "sample_v1"
    assert load_pinned(bundle.digest, never) is workflow


def test_the_least_used_workflow_is_forgotten_first(write: Write) -> None:
    first = read_folder(write({"a.md": "first"})).bundle
    load_pinned(first.digest, first.encode)
    for number in range(KEPT):
        other = Bundle(first.name, {**first.files, "a.md": f"{number}".encode()})
        load_pinned(other.digest, other.encode)
    with pytest.raises(AssertionError, match="the bytes are known"):
        load_pinned(first.digest, never)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"{}", "torn"),
        (Bundle("sample", {}).encode(), "newer"),
        (Bundle("sample", {"metadata.json": b"{"}).encode(), "newer"),
    ],
)
def test_bytes_that_are_no_definition_are_corrupt_state(data: bytes, kind: str) -> None:
    with pytest.raises(CorruptStateError) as refused:
        load_pinned(hashlib.sha256(data).hexdigest(), lambda: data)
    assert refused.value.kind == kind


@pytest.mark.requirement("format:pinned")
def test_other_bytes_than_those_pinned_are_corrupt_state(write: Write) -> None:
    bundle = read_folder(write({"a.md": "other"})).bundle
    with pytest.raises(CorruptStateError, match="has other bytes"):
        load_pinned("0" * 64, bundle.encode)
