"""A session's head made anew from its log, where the anchor outside the project proves every byte of it."""

from __future__ import annotations

from mcp_server.errors import CorruptStateError
from mcp_server.storage.anchors import Anchor
from mcp_server.storage.head import Page, encode, with_request
from mcp_server.storage.keys import Key
from mcp_server.storage.layout import sha256
from mcp_server.storage.log import LogMark, fold, follow
from mcp_server.storage.parts import Parts


def rebuilt(parts: Parts, session_id: str, anchor: Anchor, key: Key) -> Page | str:
    """The head that was last sealed for this session, or why its log does not prove what that was.

    The seal is a MAC of the whole head, which names the log's length and hash; so where the head that the log makes
    has the very seal that the anchor holds, both are what the program last wrote.
    """
    try:
        page = _made(parts, session_id, key)
    except CorruptStateError as error:
        return f"its log cannot tell what it was: {error.message.partition(': ')[2]}"
    version = page.session.version
    if version < anchor.version:
        return f"its log ends at version {version}, and it was at version {anchor.version} once"
    if version > anchor.version:
        return f"its log goes on to version {version}, and that it ever got beyond {anchor.version} is not on record"
    if page.seal is None or page.seal.hmac != anchor.seal:
        return "its log makes another file than the one that was last sealed"
    return page


def _made(parts: Parts, session_id: str, key: Key) -> Page:
    raw = parts.pages.read_raw_log(parts.layout.live, session_id)
    # Half a line is what a writer left that died.
    raw = raw[: raw.rfind(b"\n") + 1]
    records = follow(raw)
    requests: dict[str, int] = {}
    for record in records:
        if record.request is not None:
            requests = with_request(requests, record.request.id, record.seq)
    last = raw[:-1].rfind(b"\n") + 1
    mark = LogMark(length=len(raw), hash=sha256(raw[last:]), last=last, count=len(records))
    return encode(fold(records), parts.guard.store, mark, requests, key)
