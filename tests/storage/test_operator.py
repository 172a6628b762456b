"""The operator's file: a hash that knows one passphrase, and nothing that can be read any other way."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from mcp_server.errors import ConfigurationError, StateError, StorageError
from mcp_server.storage.filesystem import FileSystem
from mcp_server.storage.operator import OperatorFile
from tests.storage.support import BEGIN

pytestmark = pytest.mark.integration

PASSPHRASE = b"a passphrase of some length"


def operators(folder: Path) -> OperatorFile:
    return OperatorFile(FileSystem(), folder, timeout=5)


def test_an_operator_knows_the_passphrase_and_no_other(tmp_path: Path) -> None:
    folder = tmp_path / "user" / "config"
    made = operators(folder).set(PASSPHRASE, at=BEGIN, instead_of=None)
    found = operators(folder).find()
    assert found == made
    assert found is not None
    assert found.fingerprint == made.fingerprint
    assert found.since == BEGIN
    assert found.knows(PASSPHRASE)
    assert not found.knows(PASSPHRASE + b" ")
    assert not found.knows(b"")


def test_the_file_is_private_and_does_not_hold_the_passphrase(tmp_path: Path) -> None:
    operators(tmp_path).set(PASSPHRASE, at=BEGIN, instead_of=None)
    path = tmp_path / "operator.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert PASSPHRASE not in path.read_bytes()


def test_where_none_was_set_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert operators(tmp_path).find() is None
    assert operators(tmp_path / "nowhere").find() is None
    assert operators(tmp_path / "file").find() is None


def test_the_same_passphrase_set_again_is_another_operator(tmp_path: Path) -> None:
    first = operators(tmp_path).set(PASSPHRASE, at=BEGIN, instead_of=None)
    later = operators(tmp_path).set(PASSPHRASE, at=BEGIN, instead_of=first)
    assert later.fingerprint != first.fingerprint


def test_an_operator_that_is_dated_back_is_another_one(tmp_path: Path) -> None:
    made = operators(tmp_path).set(PASSPHRASE, at=BEGIN, instead_of=None)
    path = tmp_path / "operator.json"
    path.write_bytes(made.model_copy(update={"since": BEGIN - timedelta(days=1)}).model_dump_json().encode())
    found = operators(tmp_path).find()
    assert found is not None
    assert found.knows(PASSPHRASE)
    assert found.fingerprint != made.fingerprint


def test_nobody_takes_the_place_of_an_operator_unseen(tmp_path: Path) -> None:
    first = operators(tmp_path).set(PASSPHRASE, at=BEGIN, instead_of=None)
    with pytest.raises(StateError, match="Another operator was set"):
        operators(tmp_path).set(b"the second of two at once", at=BEGIN, instead_of=None)
    second = operators(tmp_path).set(b"the one that was meant", at=BEGIN, instead_of=first)
    with pytest.raises(StateError, match="Another operator was set"):
        operators(tmp_path).clear(first)
    assert operators(tmp_path).find() == second
    operators(tmp_path).clear(second)
    assert operators(tmp_path).find() is None


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b'{"format":2}'], ids=repr)
def test_a_damaged_file_is_not_taken_for_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "operator.json").write_bytes(content)
    with pytest.raises(ConfigurationError, match="is damaged"):
        operators(tmp_path).find()


def test_a_file_that_leads_elsewhere_is_not_taken_for_none(tmp_path: Path) -> None:
    (tmp_path / "operator.json").symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        operators(tmp_path).find()


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="The user's configuration folder cannot be used"):
        operators(tmp_path / "file").set(PASSPHRASE, at=BEGIN, instead_of=None)
