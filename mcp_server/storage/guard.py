"""Whether a head is the one that this program last wrote: its seal, its place and its anchor."""

from __future__ import annotations

from collections.abc import Iterator

from mcp_server.errors import CorruptStateError
from mcp_server.storage.anchors import Anchor, Anchors, AuditAnchor
from mcp_server.storage.filesystem import FileSystem
from mcp_server.storage.findings import foreign, tampered
from mcp_server.storage.head import Page
from mcp_server.storage.keys import Key, KeyRing, UserFolders
from mcp_server.storage.known_stores import KnownStores
from mcp_server.storage.root import Root

UNSEALED = "The user's folder cannot be written: sessions are not sealed, and changes by other hands go unnoticed."
UNANCHORED = "The user's folder cannot be written: an old session file that is put back goes unnoticed."


class Guard:
    """The seals and anchors of one store."""

    def __init__(self, fs: FileSystem, root: Root, user: UserFolders, *, timeout: float) -> None:
        self._fs = fs
        self._root = root
        self._data = user.data
        self.keys = KeyRing(fs, user.config, timeout=timeout)
        self._anchors: tuple[str, Anchors] | None = None
        self._unsealed = False
        self._settled = ""
        self._remembered = ""

    @property
    def store(self) -> str:
        """The id of the store as it is now."""
        return self._root.identity()

    @property
    def anchors(self) -> Anchors:
        """The anchors of the store as it is now."""
        store = self.store
        if self._anchors is None or self._anchors[0] != store:
            self._anchors = store, Anchors(self._fs, self._data, store, self._root.resolved())
        return self._anchors[1]

    @property
    def notices(self) -> tuple[str, ...]:
        """What the person should know about the seals."""
        if self._unsealed:
            return (UNSEALED,)
        return (UNANCHORED,) if self._anchors is not None and self._anchors[1].closed else ()

    def key_to_seal(self) -> Key | None:
        """The key for a change that is about to be made, made if there is none; None to go on unsealed."""
        key = self.keys.make()
        self._unsealed = key is None
        if key is not None and self._settled != self.store:
            self._settle()
        return key

    def _settle(self) -> None:
        """Make durable what the first seal of a store will rest on: the key and the place for the anchors."""
        if not self.anchors.begun():
            self.keys.settle()
            self.anchors.settle()
        self._settled = self.store

    def lost(self) -> Iterator[str]:
        """The ids of the sessions that other stores had in this folder, nobody deleted, and this one has not."""
        for anchors in self._former():
            here = set(self.anchors.session_ids())
            for session_id in anchors.session_ids():
                if session_id not in here and _is_live(anchors, session_id):
                    yield session_id

    def is_lost(self, session_id: str) -> bool:
        """Whether another store had a session, unknown to this one, in this folder, and nobody deleted it."""
        return any(_is_live(anchors, session_id) for anchors in self._former())

    def forget_lost(self) -> None:
        """Take the store as it is now for the only one that ever was in this folder."""
        if any(True for _ in self._former()):
            self._known_stores().write((self.store,))

    def _remember(self) -> None:
        """Set down that the store is in this folder, where nobody has."""
        store = self.store
        if self._remembered != store:
            known = self._known_stores()
            stores = known.read()
            if store not in stores:
                known.write((*stores, store))
            self._remembered = store

    def _former(self) -> Iterator[Anchors]:
        root = self._root.resolved()
        for store in self._known_stores().read():
            if store != self.store:
                yield Anchors(self._fs, self._data, store, root)

    def _known_stores(self) -> KnownStores:
        return KnownStores(self._fs, self._data, self._root.resolved())

    def require_trusted(self, session_id: str, page: Page, anchor: Anchor | None) -> None:
        """Raise CorruptStateError unless the head is the one that was last written for this session.

        ``anchor`` must have been read before the head: a writer sets it after the head, so an honest head is never
        older than it. One that is newer is what a crash before the anchor leaves.
        """
        if page.seal is None:
            if anchor is not None or self.keys.find() is not None:
                raise tampered("it is not sealed, though it could have been")
        else:
            key = self.keys.find(page.seal.key_id)
            if key is None or key.id != page.seal.key_id:
                raise foreign("it is sealed with a key that this user does not have")
            if not page.sealed_by(key):
                raise tampered("its file was changed by something else than this program")
        if page.session.session_id != session_id:
            raise tampered("its file holds another session")
        store = self.store
        if not store:
            raise tampered("the store's own id (store.json) is missing")
        if page.store != store:
            raise tampered("its file belongs to another store")
        if anchor is not None and is_behind(page, anchor):
            raise tampered("its file is an older one than the last that was written")

    def anchor(self, page: Page) -> None:
        """Set down that this head is the newest of its session. Nothing is done for one that is not sealed."""
        if page.seal is not None:
            deleted = page.session.deleted_at is not None
            newest = Anchor(version=page.session.version, seal=page.seal.hmac, deleted=deleted)
            self._remember()
            self.anchors.write(page.session.session_id, newest)

    def anchor_audit(self, anchor: AuditAnchor) -> None:
        """Set down how far the audit log goes, where anything is sealed at all."""
        if self.keys.find() is not None:
            self.anchors.write_audit(anchor)


def is_behind(page: Page, anchor: Anchor) -> bool:
    """Whether the anchor speaks of another state than this head, and of no earlier one."""
    if page.session.version == anchor.version:
        return page.seal is None or page.seal.hmac != anchor.seal
    return page.session.version < anchor.version


def _is_live(anchors: Anchors, session_id: str) -> bool:
    """Whether an anchor is there and is not known to be that of a deleted session."""
    try:
        anchor = anchors.read(session_id)
    except CorruptStateError:
        return True
    return anchor is not None and not anchor.deleted
