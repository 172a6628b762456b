"""What other hands can do to a session's files, and what is then found."""

from __future__ import annotations

import shutil
from collections.abc import Callable

from tests.storage.support import Site, with_checksum


def edit_target(site: Site) -> None:
    edited = with_checksum(site.head().read_bytes(), lambda raw: raw.replace(b"src/app.py", b"src/api.py"))
    site.head().write_bytes(edited)


def edit_by_hand(site: Site) -> None:
    site.head().write_bytes(site.head().read_bytes().replace(b"src/app.py", b"src/api.py"))


def swap_sessions(site: Site) -> None:
    for one, two in ((site.head("one"), site.head("two")), (site.log("one"), site.log("two"))):
        first, second = one.read_bytes(), two.read_bytes()
        one.write_bytes(second)
        two.write_bytes(first)


def truncate_log(site: Site) -> None:
    raw = site.log().read_bytes()
    site.log().write_bytes(raw[: raw.index(b"\n") + 1])


def remove_log(site: Site) -> None:
    site.log().unlink()


def link_log(site: Site) -> None:
    elsewhere = site.folder / "elsewhere"
    site.log().rename(elsewhere)
    site.log().symlink_to(elsewhere)


def link_head(site: Site) -> None:
    elsewhere = site.folder / "elsewhere"
    site.head().rename(elsewhere)
    site.head().symlink_to(elsewhere)


def restore_yesterday(site: Site) -> None:
    shutil.copy(site.folder / "yesterday.json", site.head())
    shutil.copy(site.folder / "yesterday.jsonl", site.log())


def another_at_the_same_version(site: Site) -> None:
    (site.anchor()).write_text('{"version":2,"seal":"%s"}' % ("0" * 64))


def break_anchor(site: Site) -> None:
    site.anchor().write_bytes(b"{")


def unseal(site: Site) -> None:
    raw = site.head().read_bytes()
    site.head().write_bytes(raw[: raw.index(b'"seal": ')] + b'"seal": "unsealed"\n}\n')


def change_store(site: Site) -> None:
    (site.root / "store.json").write_text('{"store": "%s"}' % ("0" * 32))


def remove_store_id(site: Site) -> None:
    (site.root / "store.json").unlink()


TAMPERING: dict[str, tuple[Callable[[Site], None], str]] = {
    "a target edited, the checksum made right": (edit_target, "tampered: its file was changed"),
    "a target edited by hand": (edit_by_hand, "torn: its file is damaged"),
    "two sessions swapped": (swap_sessions, "tampered: its file holds another session"),
    "the log cut off": (truncate_log, "tampered: its log is shorter"),
    "the log removed": (remove_log, "tampered: its log is missing"),
    "the log a link": (link_log, "tampered: its log is not a file"),
    "the head a link": (link_head, "tampered: its file is not a file"),
    "yesterday's files put back": (restore_yesterday, "tampered: its file is an older one"),
    "another head of the same version": (another_at_the_same_version, "tampered: its file is an older one"),
    "the anchor broken": (break_anchor, "tampered: its anchor"),
    "the seal taken off": (unseal, "tampered: it is not sealed"),
    "the store's id changed": (change_store, "tampered: its file belongs to another store"),
    "the store's id removed": (remove_store_id, "tampered: the store's own id (store.json) is missing"),
}
