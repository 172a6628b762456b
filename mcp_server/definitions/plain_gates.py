"""The gates of phases that have no gate file: made of what the metadata says of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from mcp_server.definitions.nodes import Node
from mcp_server.domain.definition import MAX_FIELD_NAME, Field, Gate

MAX_SLUG = 60


def gate_of_metadata(phase: Node) -> Gate:
    """The gate of a phase: its required evidence, else its validation criteria, else a summary.

    A gate that lets everything through is no gate, so there is always something to show.
    """
    names = _required_evidence(phase)
    if names:
        fields = [Field(name=name, description=description) for name, description in names.items()]
        return Gate(fields=tuple(fields), origin="required_evidence")
    criteria = phase.child("validation_criteria").texts()
    return gate_of_criteria(criteria)


def gate_of_criteria(criteria: Sequence[str]) -> Gate:
    """A gate that asks for each sentence as a boolean; without any it asks for a summary."""
    if criteria:
        slugs = slugs_of(criteria)
        fields = [Field(name=slug, type="boolean", description=text) for slug, text in slugs.items()]
        return Gate(fields=tuple(fields), origin="validation_criteria")
    summary = Field(
        name="summary", type="string", validator="non_empty", description="What was done in this phase, and its outcome"
    )
    return Gate(fields=(summary,), origin="fallback")


def _required_evidence(phase: Node) -> dict[str, str]:
    required = phase.child("checkpoint").child("required_evidence")
    if isinstance(required.data, dict):
        named = {name: node.text() if isinstance(node.data, str) else "" for name, node in required.members().items()}
    else:
        named = dict.fromkeys(required.texts(), "")
    for name in named:
        check_name(name, required)
    return named


def check_name(name: str, node: Node) -> None:
    """Report a name under which no evidence can be submitted."""
    if len(name) > MAX_FIELD_NAME:
        message = f"the name of the field '{name[:40]}…' has {len(name)} characters; {MAX_FIELD_NAME} are allowed"
        node.error(message, "Choose a shorter name.")


def slugs_of(sentences: Iterable[str]) -> dict[str, str]:
    """Names for sentences: lower case, ASCII letters and digits with ``_`` between, and ``_2`` on a clash."""
    found: dict[str, str] = {}
    counts: dict[str, int] = {}
    for sentence in sentences:
        base = re.sub(r"[^a-z0-9]+", "_", sentence.lower()).strip("_")[:MAX_SLUG].strip("_") or "criterion"
        slug, count = base, counts.get(base, 1)
        while slug in found:
            count += 1
            suffix = f"_{count}"
            slug = base[: MAX_SLUG - len(suffix)].rstrip("_") + suffix
        counts[base] = count
        found[slug] = sentence
    return found
