"""Evidence comes back as it was sent, wherever it was kept."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from mcp_server.domain.session import Evidence
from mcp_server.errors import InvalidArgumentError
from mcp_server.storage.layout import sha256
from mcp_server.storage.values import canonical, outline, pack, references, text_of

pytestmark = pytest.mark.unit

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=("Cs",)), max_size=2000),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip
NAMES = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)


def unpacked(evidence: Evidence, blobs: dict[str, bytes]) -> dict[str, Any]:
    items = outline(evidence, blobs.__getitem__).items()
    return {name: orjson.loads(text_of(item, blobs.__getitem__)) for name, item in items}


@settings(deadline=None)
@given(st.dictionaries(NAMES, JSON, max_size=30))
def test_what_is_packed_is_unpacked_as_it_was(evidence: dict[str, Any]) -> None:
    packed, blobs = pack(evidence)
    assert all(sha256(content) == digest for digest, content in blobs.items())
    read = Evidence.model_validate_json(packed.model_dump_json())
    assert read == packed
    assert unpacked(read, blobs) == evidence
    assert sorted(set(references(read, blobs.__getitem__))) == sorted(blobs)


def test_a_value_up_to_a_kibibyte_stays_and_one_above_becomes_a_blob() -> None:
    packed, blobs = pack({"small": "x" * 1022, "large": "x" * 1023})
    assert packed.items["small"].value == "x" * 1022
    stored = packed.items["large"].stored
    assert stored is not None
    assert (packed.items["large"].value, stored.bytes) == (None, 1025)
    assert blobs == {stored.sha256: canonical("x" * 1023)}


def test_small_values_that_add_up_become_one_blob() -> None:
    packed, blobs = pack({f"value_{number}": "x" * 1000 for number in range(17)})
    assert packed.items == {}
    assert packed.stored is not None
    assert set(blobs) == {packed.stored.sha256}


def test_bases_are_kept_with_their_values() -> None:
    packed, blobs = pack({"seen": 1, "said": 2, "shown": "x" * 2000}, {"seen": "verified", "shown": "human"})
    items = outline(packed, blobs.__getitem__)
    assert {name: item.basis for name, item in items.items()} == {
        "seen": "verified",
        "said": "attested",
        "shown": "human",
    }


def test_a_value_too_deep_for_the_head_is_kept_beside_it() -> None:
    deep: JsonValue = 1
    for _ in range(220):
        deep = [deep]
    packed, blobs = pack({"deep": deep})
    assert packed.items["deep"].stored is not None
    assert unpacked(packed, blobs) == {"deep": deep}


def test_equal_content_is_one_blob_whatever_its_order() -> None:
    one: dict[str, JsonValue] = {"a": "x" * 2000, "b": [1, {"c": None, "d": 2}]}
    assert pack({"v": one})[1] == pack({"v": dict(reversed(one.items()))})[1]
    assert orjson.loads(canonical(one)) == one


@pytest.mark.parametrize("value", [2**70, "\ud800", {"\ud800": 1}])
def test_what_json_cannot_hold_is_refused_by_name(value: JsonValue) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        pack({"fine": 1, "wrong": value, "\ud800": 1})
    assert [field["field"] for field in refused.value.facts["fields"]] == ["wrong", "?"]
