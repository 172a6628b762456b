"""An archive is believed only when all of it is as this program wrote it."""

from __future__ import annotations

import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZipFile

import pytest

from mcp_server.errors import CorruptStateError
from mcp_server.storage.archive import opened_archive
from mcp_server.storage.backup import Backups, silent
from mcp_server.storage.filesystem import FileSystem
from mcp_server.storage.store import Store
from tests.storage.archives import Files, member, repacked
from tests.storage.support import BEGIN, Site, begun, toggling

pytestmark = pytest.mark.integration


@pytest.fixture
def archive(site: Site, store: Store, tmp_path: Path) -> Path:
    begun(store)
    store.update("one", toggling)
    return Backups(store.parts).make(tmp_path, at=BEGIN).path


def check(path: Path) -> None:
    with opened_archive(FileSystem(), path) as archive:
        archive.check(silent)


def add(name: str, content: bytes = b"{}") -> Callable[[Files], object]:
    return lambda files: files.update({name: content})


NAMES = [
    "../evil", "workflows/../../evil.json", "/etc/evil", "workflows//one.json", "workflows/ONE.json", "notes.txt",
    "workflows/one.json.bak", "blobs/ab/" + "c" * 64, "trash/a/b.json", "C:\\evil", "starts/../store.json", "locks/00",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_is_not_one_of_a_store_is_refused(archive: Path, name: str) -> None:
    with pytest.raises(CorruptStateError, match=r"not one of a store|something else than files"):
        check(repacked(archive, add(name)))


def test_what_the_manifest_does_not_name_is_refused(archive: Path) -> None:
    with pytest.raises(CorruptStateError, match="does not hold what its manifest says"):
        check(repacked(archive, add("starts/" + "a" * 64), honest=False))


def test_a_missing_file_is_noticed(archive: Path) -> None:
    with pytest.raises(CorruptStateError, match="does not hold what its manifest says"):
        check(repacked(archive, lambda files: files.pop("audit.jsonl"), honest=False))


def test_a_changed_file_is_noticed(archive: Path) -> None:
    def edit(files: Files) -> None:
        files["workflows/one.json"] = files["workflows/one.json"].replace(b"src/app.py", b"src/api.py")

    with pytest.raises(CorruptStateError, match="not what was put into it"):
        check(repacked(archive, edit, honest=False))


def test_a_session_that_the_manifest_does_not_list_is_noticed(archive: Path) -> None:
    with pytest.raises(CorruptStateError, match="other sessions"):
        check(repacked(archive, add("workflows/two.json")))


def test_a_session_that_lies_elsewhere_than_the_manifest_says_is_noticed(archive: Path) -> None:
    def move(files: Files) -> None:
        for suffix in ("json", "jsonl"):
            files[f"trash/one.{suffix}"] = files.pop(f"workflows/one.{suffix}")

    with pytest.raises(CorruptStateError, match="other sessions"):
        check(repacked(archive, move))


def test_a_name_that_is_there_twice_is_refused(archive: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate"), ZipFile(archive, "a", ZIP_DEFLATED) as zipped:
        zipped.writestr("workflows/one.json", "{}")
    with pytest.raises(CorruptStateError, match="a member twice"):
        check(archive)


@pytest.mark.parametrize("name", ["workflows/two.json", "blobs/"])
def test_links_and_folders_are_refused(archive: Path, name: str) -> None:
    with ZipFile(archive, "a", ZIP_DEFLATED) as zipped:
        zipped.writestr(member(name, link=True), "/etc/passwd")
    with pytest.raises(CorruptStateError, match="something else than files"):
        check(archive)


def test_a_member_that_was_packed_otherwise_is_refused(archive: Path) -> None:
    with ZipFile(archive, "a", ZIP_BZIP2) as zipped:
        zipped.writestr("starts/" + "a" * 64, "{}")
    with pytest.raises(CorruptStateError, match="did not write"):
        check(archive)


def test_more_than_the_bytes_can_hold_is_refused_before_it_is_unpacked(archive: Path) -> None:
    raw = bytearray(archive.read_bytes())
    at = raw.rindex(b"PK\x01\x02")
    # The size that the list claims for its last member.
    struct.pack_into("<L", raw, at + 24, 200 * 1024 * 1024)
    archive.write_bytes(raw)
    with pytest.raises(CorruptStateError, match="more than it can"):
        check(archive)


def test_a_member_beyond_the_bound_is_refused(archive: Path) -> None:
    raw = bytearray(archive.read_bytes())
    struct.pack_into("<L", raw, raw.rindex(b"PK\x01\x02") + 24, 300 * 1024 * 1024)
    archive.write_bytes(raw)
    with pytest.raises(CorruptStateError, match="too large"):
        check(archive)


def test_a_bomb_is_unpacked_no_further_than_it_says(archive: Path) -> None:
    def swell(files: Files) -> None:
        files["audit.jsonl"] = bytes(50 * 1024 * 1024)

    bomb = repacked(archive, swell, honest=False)
    raw = bytearray(bomb.read_bytes())
    with ZipFile(archive) as zipped:
        told = zipped.getinfo("audit.jsonl").file_size
    place = raw.index(b"audit.jsonl", raw.index(b"PK\x01\x02"))
    struct.pack_into("<L", raw, place - 46 + 24, told)
    bomb.write_bytes(raw)
    with pytest.raises(CorruptStateError, match="the archive"):
        check(bomb)


def test_too_long_a_list_is_refused_before_it_is_read(archive: Path) -> None:
    raw = bytearray(archive.read_bytes())
    struct.pack_into("<L", raw, len(raw) - 22 + 12, 2**31)
    archive.write_bytes(raw)
    with pytest.raises(CorruptStateError, match="too many members"):
        check(archive)


def test_an_archive_of_a_later_program_is_left_to_it(archive: Path) -> None:
    with ZipFile(archive) as zipped:
        manifest = zipped.read("manifest.json")
    later = archive.with_name("later.zip")
    with ZipFile(later, "w") as zipped:
        zipped.writestr("manifest.json", manifest.replace(b'"format": 1', b'"format": 2'))
    with pytest.raises(CorruptStateError, match="newer: a later version"):
        check(later)


@pytest.mark.parametrize("content", [b"", b"PK", b"no archive at all, though it is long enough to be one", bytes(200)])
def test_other_files_are_no_archives(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(content)
    with pytest.raises(CorruptStateError, match="the archive"):
        check(path)


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_what_is_no_file_is_no_archive(tmp_path: Path, make: Callable[[Path], object]) -> None:
    make(tmp_path / "x.zip")
    with pytest.raises(CorruptStateError, match="not a file"):
        check(tmp_path / "x.zip")


def test_an_archive_that_is_cut_off_anywhere_or_has_a_flipped_byte_is_never_an_unexpected_error(archive: Path) -> None:
    raw = archive.read_bytes()
    sound = 0
    for place in range(0, len(raw), 7):
        for bad in (raw[:place], raw[:place] + bytes([raw[place] ^ 0xFF]) + raw[place + 1 :]):
            archive.write_bytes(bad)
            try:
                check(archive)
                sound += 1
            except CorruptStateError:
                pass
    # Dates, versions and the like, which nothing is made of.
    assert sound < len(raw) / 7 / 2


def test_a_list_too_long_for_the_short_form_is_bounded_and_read_too(tmp_path: Path) -> None:
    many = tmp_path / "many.zip"
    with ZipFile(many, "w") as zipped:
        for number in range(zipfile.ZIP_FILECOUNT_LIMIT + 2):
            zipped.writestr(f"{number}", b"")
    # It was read to its end, where the manifest is missed.
    with pytest.raises(CorruptStateError, match="no manifest"):
        check(many)
    raw = bytearray(many.read_bytes())
    struct.pack_into("<Q", raw, len(raw) - 98 + 40, 2**40)
    many.write_bytes(raw)
    with pytest.raises(CorruptStateError, match="too many members"):
        check(many)
