"""The store's folder: whose it is, who may look into it, and what is refused."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mcp_server.errors import ConfigurationError
from mcp_server.storage.filesystem import FileSystem
from mcp_server.storage.mounts import file_system_type
from mcp_server.storage.store import Store
from tests.storage.support import BEGIN, Site, at, begun, fresh, toggling

pytestmark = pytest.mark.integration

MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/root rw
30 22 0:40 / /home rw,relatime - nfs4 server:/home rw
31 30 0:41 / /home/me/my\\040work rw - xfs /dev/sdb rw
32 22 0:42 / /home rw,relatime - cifs //server/home rw
broken line
"""


@pytest.fixture(params=[0o022, 0o777, 0o000])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_everything_is_private_to_its_owner_whatever_the_umask(umask: int, tmp_path: Path) -> None:
    site = Site(tmp_path / "site")
    store = site.store()
    begun(store, request=fresh())
    store.update("one", toggling)
    modes = {path: path.stat().st_mode & 0o777 for path in site.folder.rglob("*")}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}


def test_a_new_folder_is_kept_out_of_git_and_one_that_is_somebodys_is_left_alone(site: Site, store: Store) -> None:
    begun(store)
    assert (site.root / ".gitignore").read_text().splitlines()[-1] == "*"
    (site.root / ".gitignore").unlink()
    begun(site.store(), "two")
    assert not (site.root / ".gitignore").exists()
    chosen = Store(site.folder / "chosen", site.user)
    (site.folder / "chosen").mkdir(mode=0o700)
    (site.folder / "chosen" / "README.md").write_text("mine")
    begun(chosen)
    assert not (site.folder / "chosen" / ".gitignore").exists()


def test_a_git_ignore_file_of_somebodys_own_is_not_touched(site: Site, store: Store) -> None:
    site.root.mkdir(parents=True, mode=0o700)
    (site.root / ".gitignore").write_text("mine")
    begun(store)
    assert (site.root / ".gitignore").read_text() == "mine"


def test_a_folder_that_was_removed_is_made_again_with_the_next_session(site: Site, store: Store) -> None:
    begun(store)
    for name in ("trash", "starts", "quarantine"):
        (site.root / name).rmdir()
    begun(store, "two", request=fresh())
    assert store.verify().ok


class Elsewhere(FileSystem):
    """A disk that says other things than this one about whom a folder belongs to and what is mounted."""

    def __init__(self, *, owner: int | None = None, mounts: str = "") -> None:
        self._owner = owner
        self._mounts = mounts.encode()

    def stat(self, path: Path) -> os.stat_result:
        found = super().stat(path)
        if self._owner is None:
            return found
        values: list[Any] = list(found)
        values[4] = self._owner
        return os.stat_result(values)

    def read(self, fd: int, size: int, offset: int) -> bytes:
        if self._mounts and size == 65536:
            return self._mounts[offset:]
        return super().read(fd, size, offset)


def test_a_folder_of_another_user_is_refused(site: Site, store: Store) -> None:
    begun(store)
    with pytest.raises(ConfigurationError, match="belongs to another user"):
        site.store(fs=Elsewhere(owner=os.geteuid() + 1)).read("one")


def test_a_folder_that_others_can_write_is_used_with_a_warning(site: Site, store: Store) -> None:
    begun(store)
    assert store.notices == ()
    site.root.chmod(0o777)
    careless = site.store()
    assert careless.read("one").version == 1
    assert [notice for notice in careless.notices if "written by other users" in notice]


@pytest.mark.parametrize("name", ["workflows", "trash", "locks", "blobs", "starts", "quarantine"])
def test_a_link_in_the_place_of_a_folder_is_refused(site: Site, store: Store, name: str) -> None:
    begun(store)
    (site.root / name).rename(site.folder / "elsewhere")
    (site.root / name).symlink_to(site.folder / "elsewhere")
    with pytest.raises(ConfigurationError, match=f"{name} in the state folder is not a folder of its own"):
        site.store().read("one")
    with pytest.raises(ConfigurationError):
        begun(site.store(), "two")


def test_a_file_in_the_place_of_the_folder_is_refused(site: Site) -> None:
    site.root.parent.mkdir()
    site.root.write_bytes(b"")
    with pytest.raises(ConfigurationError, match="is not a folder"):
        begun(site.store())


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'"text"'])
def test_a_damaged_store_id_is_for_a_person_to_mend(site: Site, store: Store, content: bytes) -> None:
    begun(store)
    (site.root / "store.json").write_bytes(content)
    with pytest.raises(ConfigurationError, match="store's own id"):
        site.store().read("one")


def test_a_store_that_is_removed_and_made_again_is_another_one(site: Site, store: Store) -> None:
    begun(store)
    first = json.loads((site.root / "store.json").read_bytes())
    site.root.rename(site.folder / "away")
    begun(store)
    assert json.loads((site.root / "store.json").read_bytes()) != first
    assert store.verify().ok


@pytest.mark.parametrize("place", ["workflows", "trash"])
def test_a_store_that_lost_its_id_gets_another_only_when_a_person_accepts_all_of_it(
    site: Site, store: Store, place: str
) -> None:
    session = begun(store)
    if place == "trash":
        store.delete("one", at=at(session), reason=None)
    identity = site.root / "store.json"
    kept = identity.read_bytes()
    identity.unlink()
    for call in (lambda: begun(site.store(), "two"), lambda: site.store().accept_seal("one", at=BEGIN)):
        with pytest.raises(ConfigurationError, match=r"store\.json.*is missing"):
            call()
    assert not identity.exists()
    identity.write_bytes(kept)
    assert site.store().verify().ok
    identity.unlink()
    assert [one.session_id for one in site.store().accept_all(at=BEGIN).sessions] == ["one"]
    assert site.store().verify().ok
    assert begun(site.store(), "two").version == 1


def test_a_network_file_system_is_refused_unless_allowed(site: Site) -> None:
    mounts = f"22 1 8:1 / / rw - ext4 /dev/root rw\n23 22 0:9 / {site.folder} rw - nfs4 server:/ rw\n"
    with pytest.raises(ConfigurationError, match=r"nfs4.*acknowledged"):
        begun(site.store(fs=Elsewhere(mounts=mounts)))
    assert not site.root.exists()
    begun(site.store(fs=Elsewhere(mounts=mounts), allow_network_fs=True))
    assert site.store(fs=Elsewhere(mounts=mounts.replace("nfs4", "tmpfs"))).read("one").version == 1


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/srv/x", "ext4"), ("/home/you", "cifs"), ("/home/me/my work/x", "xfs"), ("/home/me/my workshop", "cifs")],
)
def test_a_path_lies_on_the_last_mount_above_it(path: str, kind: str) -> None:
    assert file_system_type(MOUNTS, Path(path)) == kind


def test_where_mounts_cannot_be_told_nothing_is_refused(site: Site) -> None:
    class NoProc(FileSystem):
        def open(self, path: Path, flags: int) -> int:
            if path.is_relative_to("/proc"):
                raise FileNotFoundError(path)
            return super().open(path, flags)

    assert begun(site.store(fs=NoProc())).version == 1
    assert file_system_type("", Path("/")) is None
