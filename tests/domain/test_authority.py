"""Who decided is said in full: an authenticated word names its operator, and no other word does."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from mcp_server.domain.authority import Authority

pytestmark = pytest.mark.unit

SINCE = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "said",
    [
        {"user": "ada"},
        {"authenticated": True, "operator": "5eed", "operator_since": SINCE, "channel": "operator_file"},
    ],
    ids=["a person at a terminal", "the operator"],
)
def test_an_authority_is_read_back_as_it_was_written(said: dict[str, Any]) -> None:
    authority = Authority(**said)
    assert Authority.model_validate_json(authority.model_dump_json()) == authority


@pytest.mark.parametrize(
    "said",
    [
        {"authenticated": True},
        {"authenticated": True, "operator": "5eed"},
        {"operator": "5eed", "operator_since": SINCE},
        {"operator_since": SINCE},
    ],
    ids=str,
)
def test_an_authority_that_contradicts_itself_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="names its operator"):
        Authority(**said)
