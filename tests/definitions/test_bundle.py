"""A bundle is its content: the same files give the same bytes and the same digest, anywhere."""

from __future__ import annotations

import hashlib
import json

import pytest

from mcp_server.definitions.bundle import Bundle

pytestmark = pytest.mark.unit

FILES = {"b.md": "ä\r\n\ufeff".encode(), "a/x.bin": b"\xff\x00", "empty": b""}


def test_a_bundle_comes_back_as_it_was() -> None:
    bundle = Bundle("sample", FILES)
    again = Bundle.decode(bundle.encode())
    assert (again.name, dict(again.files)) == ("sample", FILES)
    assert again.digest == bundle.digest == hashlib.sha256(bundle.encode()).hexdigest()


def test_the_order_of_the_files_does_not_matter() -> None:
    assert Bundle("sample", FILES).encode() == Bundle("sample", dict(reversed(FILES.items()))).encode()


def test_text_is_stored_as_text_and_anything_else_in_base64() -> None:
    files = json.loads(Bundle("sample", FILES).encode())["files"]
    assert files["b.md"] == {"text": "ä\r\n\ufeff"}
    assert files["a/x.bin"] == {"base64": "/wA="}


@pytest.mark.requirement("format:shared-copy")
@pytest.mark.parametrize("other", [Bundle("other", FILES), Bundle("sample", {**FILES, "empty": b" "})])
def test_another_name_or_another_byte_is_another_digest(other: Bundle) -> None:
    assert other.digest != Bundle("sample", FILES).digest


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"files":{},"format":2,"name":"a"}',
        b'{"files":[],"format":1,"name":"a"}',
        b'{"files":{"a":{}},"format":1,"name":"a"}',
        b'{"files":{"a":{"base64":"?"}},"format":1,"name":"a"}',
        b'{"files": {}, "format": 1, "name": "a"}',
        b"[" * 100_000,
    ],
)
def test_bytes_that_no_bundle_gave_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Bundle.decode(data)
