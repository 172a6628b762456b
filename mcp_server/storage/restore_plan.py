"""What a restore would do: each session of an archive beside what is here of it. Nothing is changed here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mcp_server.domain.session import Session
from mcp_server.errors import CorruptStateError, NotFoundError
from mcp_server.storage.archive import Archive, Contained, Progress
from mcp_server.storage.archive_view import archived_parts
from mcp_server.storage.parts import Found, Parts
from mcp_server.storage.verification import Verifier

Does = Literal["unchanged", "back", "replaced", "mended", "as_it_is", "left"]
"""What becomes of one session: it is as the archive has it; it is not here and comes back; another state of it is here
and gives way; files here that cannot be trusted give way; files that cannot be trusted come back as they are, since
nothing of them is here; or they do not, since something is."""


@dataclass(frozen=True, slots=True)
class Step:
    """One session of the archive, and what a restore does. ``present`` is the version that is here and can be trusted.

    ``finding`` says why the archive's files, or those that give way, cannot be trusted.
    """

    does: Does
    archived: Contained
    present: int | None = None
    finding: str | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """A session of the archive; without ``found`` its files cannot be trusted, and ``finding`` says why."""

    contained: Contained
    found: Found | None = None
    finding: str | None = None


class Plan:
    """The sessions of an archive that are to be restored: all of them, or one (NotFoundError when it is not there)."""

    def __init__(self, parts: Parts, archive: Archive, path: Path, session_id: str | None) -> None:
        self._parts = parts
        self.view = archived_parts(parts.fs, archive, path, parts.user)
        """The archive as a store."""
        self.chosen = [one for one in archive.manifest.sessions if session_id in (None, one.session_id)]
        self._verifier = Verifier(self.view)
        if session_id is not None and not self.chosen:
            raise NotFoundError(f"There is no session {session_id} in the archive.", remediation="")

    def steps(self, progress: Progress) -> tuple[Step, ...]:
        """What would be done to each session, as things stand."""
        steps: list[Step] = []
        for number, one in enumerate(self.chosen):
            progress("Comparing sessions", number, len(self.chosen))
            here = self.here(one.session_id)
            exists = here is not None or self._parts.exists(one.session_id)
            steps.append(step_of(self.wanted(one), here, exists=exists))
        return tuple(steps)

    def wanted(self, one: Contained) -> Wanted:
        """A session as the archive has it, verified there with everything that it names."""
        if one.finding is not None:
            return Wanted(one, finding=one.finding)
        try:
            corrupt = self._verifier.verify(one.session_id).corrupt
        except NotFoundError:
            return Wanted(one, finding="torn: its head is missing")
        if corrupt:
            return Wanted(one, finding=corrupt[0].finding)
        return Wanted(one, self.view.find(one.session_id))

    def here(self, session_id: str) -> Found | str | None:
        """A session as it is here, or why it cannot be trusted, or None. Whoever calls does not hold its lock."""
        parts = self._parts
        if not parts.exists(session_id):
            return None
        corrupt = Verifier(parts).verify(session_id).corrupt
        if corrupt:
            return corrupt[0].finding
        try:
            return parts.look(session_id)
        except CorruptStateError as error:
            return error.message


def step_of(wanted: Wanted, here: Found | str | None, *, exists: bool) -> Step:
    """What becomes of one session; ``exists`` tells whether there is any file of it here."""
    present = here.page.session.version if isinstance(here, Found) else None
    if wanted.found is None:
        return Step("left" if exists else "as_it_is", wanted.contained, present, wanted.finding)
    if isinstance(here, str):
        return Step("mended", wanted.contained, finding=here)
    if here is None:
        return Step("back", wanted.contained)
    if _same(here.page.session, wanted.found.page.session):
        return Step("unchanged", wanted.contained, present)
    return Step("replaced", wanted.contained, present)


def _same(one: Session, other: Session) -> bool:
    """Whether two states of a session differ in nothing but how often and when it was touched."""
    return one == other.model_copy(update={"version": one.version, "last_updated": one.last_updated})


def changed(steps: Iterable[Step]) -> int:
    """How many sessions a restore changes."""
    return sum(step.does not in ("unchanged", "left") for step in steps)
