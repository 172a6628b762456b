"""The workflows of sessions, parsed from the bundle that each session pins."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from mcp_server.definitions.bundle import Bundle
from mcp_server.definitions.counted import PINNED
from mcp_server.definitions.parse import parse
from mcp_server.domain.definition import Workflow
from mcp_server.errors import CorruptStateError

KEPT = 64

_lock = Lock()
_workflows: OrderedDict[str, Workflow] = OrderedDict()


def load_pinned(digest: str, fetch: Callable[[], bytes]) -> Workflow:
    """The workflow of a pinned bundle; ``fetch`` gives its bytes, unless it is among the last ones asked for.

    Raises CorruptStateError when the bytes are not the bundle of that digest, and whatever ``fetch`` raises.
    """
    with _lock:
        PINNED.wanted += 1
        if digest in _workflows:
            _workflows.move_to_end(digest)
            return _workflows[digest]
    workflow = _parsed(digest, fetch())
    with _lock:
        PINNED.read += 1
        _workflows[digest] = workflow
        while len(_workflows) > KEPT:
            _workflows.popitem(last=False)
    return workflow


def _parsed(digest: str, data: bytes) -> Workflow:
    remediation = "Restore the store from a backup, or start a new session of the workflow."
    if hashlib.sha256(data).hexdigest() != digest:
        raise CorruptStateError("torn", f"the pinned definition {digest[:12]} has other bytes", remediation=remediation)
    try:
        workflow = parse(Bundle.decode(data)).workflow
    except ValueError as error:
        raise CorruptStateError(
            "torn", f"the pinned definition {digest[:12]}: {error}", remediation=remediation
        ) from error
    if workflow is None:
        finding = f"the pinned definition {digest[:12]} cannot be read by this version"
        raise CorruptStateError(
            "newer", finding, remediation="Use the version of the program that started the session."
        )
    return workflow
