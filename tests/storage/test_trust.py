"""Trust in a project: it counts where it was given and as it was written, and nowhere else."""

from __future__ import annotations

import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from mcp_server.definitions.bundle import Bundle
from mcp_server.domain.authority import Authority
from mcp_server.errors import ConfigurationError
from mcp_server.storage.keys import UserFolders
from mcp_server.storage.store import Store
from mcp_server.storage.trust import Grant, Trust
from tests.storage.support import BEGIN, Site, begun, parts

pytestmark = pytest.mark.integration

DIGEST = "5" * 64
ADA = Authority(user="ada")
OPERATOR = Authority(authenticated=True, operator="5eed", operator_since=BEGIN, user="ada", channel="operator_file")


def grant(digest: str = DIGEST, workflow_type: str = "build", authority: Authority = ADA) -> Grant:
    return Grant(workflow_type=workflow_type, digest=digest, source="project", at=BEGIN, authority=authority)


def trust_of(site: Site, **options: Any) -> Trust:
    return site.store(**options).trust(site.root.parent)


def trust_file(site: Site) -> Path:
    (path,) = (site.user.config / "trust").glob("*.json")
    return path


def test_what_was_granted_is_trusted_until_it_is_taken_away(site: Site) -> None:
    assert not trust_of(site).is_trusted(DIGEST)
    trust_of(site).grant(grant(authority=OPERATOR))
    trust_of(site).grant(grant("6" * 64))
    assert trust_of(site).is_trusted(DIGEST)
    assert not trust_of(site).is_trusted("7" * 64)
    assert trust_of(site).list().grants == (grant(authority=OPERATOR), grant("6" * 64))
    gone = trust_of(site).revoke(lambda one: one.digest == DIGEST, at=BEGIN, authority=ADA)
    assert gone == (grant(authority=OPERATOR),)
    assert not trust_of(site).is_trusted(DIGEST)
    assert trust_of(site).list().grants == (grant("6" * 64),)


def test_what_is_granted_again_is_said_once(site: Site) -> None:
    for authority in (ADA, OPERATOR):
        trust_of(site).grant(grant(authority=authority))
    assert trust_of(site).list().grants == (grant(authority=OPERATOR),)


def test_looking_touches_nothing(site: Site) -> None:
    assert not trust_of(site).is_trusted(DIGEST)
    assert trust_of(site).revoke(lambda _: True, at=BEGIN, authority=ADA) == ()
    assert site.contents() == {}


def test_the_file_is_private_and_outside_the_project(site: Site) -> None:
    trust_of(site).grant(grant())
    assert trust_file(site).stat().st_mode & 0o777 == 0o600
    assert DIGEST not in "".join(
        path.read_text() for path in site.root.rglob("*") if path.is_file() and path.name != "audit.jsonl"
    )


def test_every_change_leaves_a_line_in_the_audit_log(site: Site) -> None:
    trust_of(site).grant(grant(authority=OPERATOR))
    trust_of(site).revoke(lambda _: True, at=BEGIN, authority=ADA)
    store = site.store()
    lines = parts(store).audit.read()
    assert [line.kind for line in lines] == ["trusted", "untrusted"]
    assert lines[0].reason == f"build (project, {DIGEST}) by operator 5eed"
    assert str(lines[1].reason).endswith("by ada, not authenticated")
    assert store.verify().ok


def test_a_copy_of_the_project_elsewhere_is_not_trusted(site: Site) -> None:
    trust_of(site).grant(grant())
    copied = site.folder / "copied"
    shutil.copytree(site.root.parent, copied)
    assert not Store(copied / "state", site.user).trust(copied).is_trusted(DIGEST)
    shutil.copy(trust_file(site), trust_file(site).with_name("copied.json"))
    assert not Store(copied / "state", site.user).trust(copied).is_trusted(DIGEST)


def test_another_project_in_the_same_place_is_not_trusted(site: Site) -> None:
    trust_of(site).grant(grant())
    first = trust_file(site)
    shutil.rmtree(site.root)
    begun(site.store())
    assert not trust_of(site).is_trusted(DIGEST)
    trust_of(site).grant(grant("6" * 64))
    (second,) = set((site.user.config / "trust").glob("*.json")) - {first}
    shutil.copy(first, second)
    assert not trust_of(site).is_trusted(DIGEST)
    assert trust_of(site).list().problems


@pytest.mark.parametrize("what", ["digest", "workflow_type", "at", "authority", "hmac", "key_id"])
def test_trust_that_is_edited_by_hand_does_not_count(site: Site, what: str) -> None:
    trust_of(site).grant(grant())
    trust_of(site).grant(grant("6" * 64))
    stored = json.loads(trust_file(site).read_text())
    first = stored["grants"][0]
    match what:
        case "digest":
            first["grant"]["digest"] = "7" * 64
        case "workflow_type":
            first["grant"]["workflow_type"] = "another"
        case "at":
            first["grant"]["at"] = "2020-01-01T00:00:00Z"
        case "authority":
            first["grant"]["authority"]["user"] = "grace"
        case _:
            first[what] = "é" * len(first[what])
    trust_file(site).write_text(json.dumps(stored))
    trusted = trust_of(site).list()
    assert trusted.grants == (grant("6" * 64),)
    assert len(trusted.problems) == 1
    assert "was not written by this program" in trusted.problems[0]
    assert not trust_of(site).is_trusted("7" * 64)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\x00", b" " * (2**20 + 1)], ids=len)
def test_a_damaged_file_trusts_nothing_and_can_be_granted_anew(site: Site, content: bytes) -> None:
    trust_of(site).grant(grant())
    trust_file(site).write_bytes(content)
    assert not trust_of(site).is_trusted(DIGEST)
    assert "damaged" in trust_of(site).list().problems[0]
    trust_of(site).grant(grant("6" * 64))
    assert trust_of(site).list().grants == (grant("6" * 64),)
    assert trust_of(site).list().problems == ()


@pytest.mark.parametrize("how", ["link", "folder", "pipe"])
def test_what_is_no_file_trusts_nothing_and_is_not_waited_for(site: Site, how: str) -> None:
    trust_of(site).grant(grant())
    path = trust_file(site)
    moved = path.rename(path.with_suffix(".moved"))
    match how:
        case "link":
            path.symlink_to(moved)
        case "folder":
            path.mkdir()
        case _:
            os.mkfifo(path)
    assert not trust_of(site).is_trusted(DIGEST)


def test_trust_ends_with_the_key(site: Site) -> None:
    trust_of(site).grant(grant())
    key = site.user.config / "seal-key.json"
    key.write_bytes(b"{}")
    assert not trust_of(site).is_trusted(DIGEST)
    key.unlink()
    assert not trust_of(site).is_trusted(DIGEST)
    begun(Store(site.folder / "other" / "state", site.user))
    assert not trust_of(site).is_trusted(DIGEST)
    assert trust_of(site).list().problems


def test_a_store_without_its_id_trusts_nothing(site: Site) -> None:
    trust_of(site).grant(grant())
    (site.root / "store.json").write_bytes(b"{}")
    assert not trust_of(site).is_trusted(DIGEST)
    assert trust_of(site).list().problems


def test_where_the_users_folder_cannot_be_written_nothing_is_trusted_and_nothing_recorded(site: Site) -> None:
    (site.folder / "file").touch()
    store = Store(site.root, UserFolders(site.folder / "file" / "config", site.folder / "file" / "data"))
    with pytest.raises(ConfigurationError, match="cannot be written"):
        store.trust(site.root.parent).grant(grant())
    assert not store.trust(site.root.parent).is_trusted(DIGEST)
    assert not (site.root / "audit.jsonl").exists()


def test_no_grant_is_lost_when_several_are_given_at_once(site: Site) -> None:
    digests = [f"{number:064x}" for number in range(8)]
    begun(site.store())

    def give(digest: str) -> None:
        trust_of(site, lock_timeout=30).grant(grant(digest))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(give, digests))
    assert sorted(one.digest for one in trust_of(site).list().grants) == digests


def test_the_digest_of_a_definition_leaves_its_plan_out() -> None:
    bundle = Bundle("build", {"metadata.json": b"{}"})
    planned = bundle.with_plan("tasks.md", b"# Tasks")
    assert bundle.definition_digest == bundle.digest
    assert planned.digest != bundle.digest
    assert planned.definition_digest == bundle.digest
    assert Bundle("build", {"metadata.json": b"{ }"}).definition_digest != bundle.digest
