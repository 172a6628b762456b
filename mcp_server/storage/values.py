"""Evidence, small and large: what stays in the head and what becomes a blob named by its content."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import orjson
from pydantic import JsonValue, TypeAdapter

from mcp_server.domain.checking import Checking
from mcp_server.domain.results import Checked, CheckResult, CheckSummary
from mcp_server.domain.session import Basis, Evidence, Item, Stored
from mcp_server.errors import InvalidArgumentError
from mcp_server.storage.layout import sha256

LARGE_VALUE: Final = 1024
"""A value of more bytes than this, as compact JSON, becomes a blob of its own."""

LARGE_EVIDENCE: Final = 16 * 1024
"""When what would stay adds up to more bytes than this, all of it becomes one blob."""

# The parser that reads heads and logs gives up at 200 levels; this many brackets cannot be deeper than half of that.
_MANY_BRACKETS: Final = 100

PROBLEM_CHARACTERS: Final = 500
"""How much of what is wrong with a check the session's log tells; the blob has all of it."""

_RESULTS: Final[TypeAdapter[list[CheckResult]]] = TypeAdapter(list[CheckResult])
_ITEMS: Final[TypeAdapter[dict[str, Item]]] = TypeAdapter(dict[str, Item])


def canonical(value: object) -> bytes:
    """The one JSON form of a value: compact, keys sorted, UTF-8. TypeError for what JSON cannot hold."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def pack(
    evidence: Mapping[str, JsonValue], bases: Mapping[str, Basis] | None = None
) -> tuple[Evidence, dict[str, bytes]]:
    """Evidence as a session keeps it, and the blobs that it names.

    Raises InvalidArgumentError naming every value that cannot be kept: a number beyond 64 bits, half a surrogate pair,
    nesting beyond reason.
    """
    bases = bases or {}
    items: dict[str, Item] = {}
    blobs: dict[str, bytes] = {}
    problems: list[dict[str, str]] = []
    for name, value in evidence.items():
        try:
            canonical(name)
            content = canonical(value)
        except TypeError:
            printable = name.encode("utf-8", "replace").decode()
            problems.append({"field": printable, "problem": "cannot be kept as JSON"})
            continue
        basis = bases.get(name, "attested")
        if len(content) > LARGE_VALUE or content.count(b"[") + content.count(b"{") > _MANY_BRACKETS:
            items[name] = Item(basis=basis, stored=_store(blobs, content))
        else:
            # The value as it will be read again, so that memory and disk never differ.
            items[name] = Item(basis=basis, value=orjson.loads(content))
    if problems:
        raise InvalidArgumentError(problems, remediation="Send plain JSON values.")
    return _together(items, blobs), blobs


def settled(
    evidence: Evidence,
    bases: Mapping[str, Basis],
    read: Mapping[str, JsonValue],
    fetch: Callable[[str], bytes],
) -> tuple[Evidence, dict[str, bytes]]:
    """Evidence as a passed attempt leaves it (what the server read added, each item with its basis), and new blobs."""
    more, blobs = pack(read)
    items = {**outline(evidence, fetch), **outline(more, blobs.__getitem__)}
    items = {name: item.model_copy(update={"basis": bases.get(name, item.basis)}) for name, item in items.items()}
    return _together(items, blobs), blobs


def pack_report(checking: Checking) -> tuple[Checked, dict[str, bytes]]:
    """What the server saw in one attempt as a session keeps it, and the blob that holds all of it."""
    blobs: dict[str, bytes] = {}
    details = [result.model_dump(mode="json") for result in checking.results]
    checked = Checked(
        checks=tuple(map(_summary, checking.results)),
        contents=checking.contents,
        details=_store(blobs, canonical(details)) if details else None,
        duration_seconds=round(checking.duration_seconds, 3),
    )
    return checked, blobs


def read_report(checked: Checked, fetch: Callable[[str], bytes]) -> list[CheckResult]:
    """The results of an attempt's checks in full, output included."""
    return _RESULTS.validate_json(fetch(checked.details.sha256)) if checked.details else []


def _summary(result: CheckResult) -> CheckSummary:
    told = next((run for run in result.runs if run.status != "passed"), result.runs[-1] if result.runs else None)
    problem = result.problem
    if problem is not None and len(problem) > PROBLEM_CHARACTERS:
        problem = f"{problem[:PROBLEM_CHARACTERS]}…"
    return CheckSummary(
        id=result.id,
        status=result.status,
        problem=problem,
        exit_code=told.exit_code if told else None,
        duration_seconds=round(result.duration_seconds, 3),
    )


def values_of(evidence: Evidence, fetch: Callable[[str], bytes]) -> dict[str, JsonValue]:
    """All values of a submission, large ones read back."""
    return {
        name: item.value if item.stored is None else orjson.loads(fetch(item.stored.sha256))
        for name, item in outline(evidence, fetch).items()
    }


def outline(evidence: Evidence, fetch: Callable[[str], bytes]) -> dict[str, Item]:
    """Every item, a large value by where it is stored: for those who need names and sizes, not megabytes."""
    if evidence.stored is None:
        return evidence.items
    return _ITEMS.validate_json(fetch(evidence.stored.sha256))


def text_of(item: Item, fetch: Callable[[str], bytes]) -> str:
    """The value of an item as JSON text."""
    return (canonical(item.value) if item.stored is None else fetch(item.stored.sha256)).decode()


def references(evidence: Evidence, fetch: Callable[[str], bytes]) -> list[str]:
    """The SHA-256 of every blob that the evidence needs, also of those that only another blob names."""
    items, named = evidence.items, list[str]()
    if evidence.stored is not None:
        named.append(evidence.stored.sha256)
        items = _ITEMS.validate_json(fetch(evidence.stored.sha256))
    return named + [item.stored.sha256 for item in items.values() if item.stored is not None]


def _together(items: dict[str, Item], blobs: dict[str, bytes]) -> Evidence:
    whole = canonical({name: item.model_dump(mode="json") for name, item in items.items()})
    return Evidence(stored=_store(blobs, whole)) if len(whole) > LARGE_EVIDENCE else Evidence(items=items)


def _store(blobs: dict[str, bytes], content: bytes) -> Stored:
    digest = sha256(content)
    blobs[digest] = content
    return Stored(sha256=digest, bytes=len(content))
