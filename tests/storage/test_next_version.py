"""A next version of the program beside this one, on the same store: both go on, and neither harms the other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mcp_server.errors import CorruptStateError
from mcp_server.storage.migration import Migrator
from mcp_server.storage.store import Store
from tests.storage.next_version import MANY, NextVersion
from tests.storage.support import BEGIN, Site, begun, completing, parts, toggling

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def following(tmp_path_factory: pytest.TempPathFactory) -> NextVersion:
    return NextVersion.make(tmp_path_factory.mktemp("next"))


@pytest.fixture
def three(site: Site, store: Store) -> Site:
    """Two sessions and a deleted one, of this version; a writer has died beginning the second one's next event."""
    begun(store)
    store.update("one", completing())
    begun(store, "two")
    with site.log("two").open("ab") as log:
        log.write(b'{"seq":2,"event":')
    begun(store, "gone")
    store.delete("gone", at=BEGIN, reason="done")
    return site


def test_older_sessions_are_read_as_they_are_and_persisted_at_their_next_change(
    following: NextVersion, three: Site
) -> None:
    before = three.contents()
    assert following.run("says", three) == "one active calm\ntwo active calm"
    assert following.run("verify", three) == "True 3 () ()"
    assert three.contents() == before
    assert following.run("toggle", three) == "3"
    versions = {name: json.loads(three.head(name).read_bytes())["schema_version"] for name in ("one", "two")}
    assert versions == {"one": 2, "two": 1}
    assert following.run("verify", three) == "True 3 () ()"


def test_this_version_refuses_what_the_next_one_wrote_and_goes_on_with_the_rest(
    following: NextVersion, three: Site, store: Store
) -> None:
    following.run("toggle", three)
    following.run("create", three)
    theirs = {name: three.head(name).read_bytes() for name in ("one", "made_by_the_next")}
    for name in theirs:
        for call in (
            lambda name=name: store.read(name),
            lambda name=name: store.update(name, toggling),
            lambda name=name: store.delete(name, at=BEGIN, reason=None),
            lambda name=name: store.accept_seal(name, at=BEGIN),
            lambda name=name: store.events(name),
        ):
            with pytest.raises(CorruptStateError, match="newer: it has schema_version 2") as refused:
                call()
            assert refused.value.remediation == "Update pos-workflow; the files are left as they are."
    listing = store.sessions()
    assert [one.session_id for one in listing.sessions] == ["two"]
    assert [one.session_id for one in listing.corrupt] == ["made_by_the_next", "one"]
    store.update("two", toggling)
    store.undelete("gone", at=BEGIN)
    left = Migrator(parts(store), BEGIN).run()
    assert (left.older, left.present, len(left.left)) == ((), 2, 2)
    assert {name: three.head(name).read_bytes() for name in theirs} == theirs
    assert following.run("verify", three) == "True 4 () ()"
    assert (
        following.run("says", three)
        == "gone active calm\nmade_by_the_next active calm\none paused calm\ntwo paused calm"
    )


def test_both_versions_at_work_at_once_do_no_harm(following: NextVersion, three: Site) -> None:
    store = three.store(lock_timeout=60)
    changes = 0
    with following.start("toggle_often", three) as process:
        while process.poll() is None or not changes:
            store.update("two", toggling)
            changes += 1
            listing = store.sessions()
            # The other one's session, until it has become one of its version.
            assert {one.session_id for one in (*listing.sessions, *listing.corrupt)} == {"one", "two"}
        assert process.stdout is not None
        assert (process.returncode, process.stdout.read()) == (0, str(2 + MANY))
    assert store.read("two").version == 1 + changes
    with pytest.raises(CorruptStateError, match="newer"):
        store.read("one")
    assert following.run("verify", three) == "True 3 () ()"


def test_a_dry_run_goes_through_all_of_it_and_leaves_every_byte_and_time(following: NextVersion, three: Site) -> None:
    before = {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in three.folder.rglob("*")}
    contents = three.contents()
    assert following.run("look", three) == "['gone', 'one', 'two'] 0 []"
    assert {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in three.folder.rglob("*")} == before
    assert three.contents() == contents


def test_a_migration_writes_everything_anew_after_a_backup(following: NextVersion, three: Site, store: Store) -> None:
    head = three.head().read_bytes()
    log = three.log().read_bytes()
    assert following.run("migrate", three) == "['gone', 'one', 'two'] 0 []"
    heads = [three.head("one"), three.head("two"), three.head("gone", place="trash")]
    assert [json.loads(path.read_bytes())["schema_version"] for path in heads] == [2, 2, 2]
    assert json.loads(three.head().read_bytes())["version"] == json.loads(head)["version"] + 1
    assert three.log().read_bytes().startswith(log)
    (backup,) = (three.root / "backups").iterdir()
    assert backup.name.startswith("before-migration-")
    assert following.run("verify", three) == "True 3 () ()"
    assert following.run("migrate", three) == "[] 3 []"
    assert len(list((three.root / "backups").iterdir())) == 1
    with pytest.raises(CorruptStateError, match="newer"):
        store.read("one")


def test_a_session_that_cannot_be_trusted_is_left_and_the_others_are_migrated(
    following: NextVersion, three: Site
) -> None:
    damaged = three.head("two").read_bytes()[:200]
    three.head("two").write_bytes(damaged)
    assert following.run("migrate", three) == "['gone', 'one'] 0 ['two']"
    assert three.head("two").read_bytes() == damaged


@pytest.mark.parametrize("job", ["faults", pytest.param("all_faults", marks=pytest.mark.slow)])
def test_whatever_call_to_the_disk_fails_a_migration_leaves_every_file_as_it_was(
    following: NextVersion, three: Site, job: str
) -> None:
    failed, _, trials, wrong = following.run(job, three).split(" ", 3)
    assert wrong == "[]"
    # A close that fails means nothing, and some files may be gone.
    assert int(failed) > int(trials) * 0.7 > 70


def test_a_migration_that_dies_leaves_each_session_old_or_new_and_is_finished_by_the_next(
    following: NextVersion, three: Site
) -> None:
    failed, _, trials, wrong = following.run("lasting_faults", three).split(" ", 3)
    assert wrong == "[]"
    assert int(failed) > int(trials) * 0.7 > 70


def test_version_0_goes_through_every_step_there_is(following: NextVersion, site: Site) -> None:
    assert following.run("raise", site) == "2 calm 0b5e7a52-9c1d-4f6e-8a37-5d2f6c1e9b04"


def test_where_nothing_is_older_a_migration_changes_nothing(site: Site, store: Store) -> None:
    begun(store)
    before = site.contents()
    assert Migrator(parts(store), BEGIN).run().present == 1
    assert site.contents() == before


def test_a_store_that_is_not_there_needs_no_migration(site: Site, store: Store) -> None:
    assert Migrator(parts(store), BEGIN).run().older == ()
    assert list(Path(site.folder).iterdir()) == []
