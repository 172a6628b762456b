"""Which definition a session from elsewhere follows, and what of the project it speaks of."""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, Final, Protocol

from mcp_server.definitions.library import Found, Library
from mcp_server.definitions.plans.files import with_plan
from mcp_server.domain.session import DefinitionRef
from mcp_server.errors import ConfigurationError, InvalidArgumentError, NotFoundError
from mcp_server.storage.document import Document, UnfitError

_MAX_PATH_BYTES: Final = 4096
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


class Files(Protocol):
    """The project's files, by paths relative to its root."""

    def read(self, path: str, limit: int) -> bytes:
        """Up to ``limit`` bytes of a file; OSError for what is none of the project's."""
        ...

    def inside(self, path: str) -> bool:
        """Whether a path, which need not be there, stays inside the project."""
        ...


class Pinning:
    """Finds definitions for one import; each is looked for once."""

    def __init__(self, library: Library, files: Files, project: Path) -> None:
        self._library = library
        self._files = files
        self._project = project
        self._known: dict[str, Found | str] = {}

    def resolved(self, document: Document, session_id: str, at: datetime) -> tuple[Document, Found]:
        """Version 0 with what had to be found out, and the definition. Raises UnfitError where that cannot be."""
        fields = dict(document.fields)
        options: dict[str, Any] = fields["options"]
        found = self._definition(fields.pop("workflow_type"))
        source = found.workflow.plan
        if source is not None:
            plan = options.get(source.option)
            if isinstance(plan, str):
                options = {**options, source.option: self._relative(plan)}
            try:
                found = with_plan(found, options, self._files.read)
            except InvalidArgumentError as error:
                raise UnfitError(f"its plan cannot be used: {error.message}") from None
        workflow = found.workflow
        pinned = DefinitionRef(digest=found.digest, version=workflow.version, name=workflow.name, source=found.source)
        fields |= {
            "target_file": self._target(fields["target_file"]),
            "options": options,
            # Of a dynamic workflow praxis-os counted the phases without those of the plan, or not at all.
            "total_phases": None if source is not None else fields["total_phases"],
            "resolved": {
                "at": at,
                "session_id": session_id,
                "workflow_type": workflow.workflow_type,
                "definition": pinned.model_dump(),
                "phases": workflow.numbers,
            },
        }
        return replace(document, fields=fields), found

    def _definition(self, name: str) -> Found:
        known = self._known.get(name)
        if known is None:
            try:
                known = self._library.find(name)
            except (NotFoundError, ConfigurationError) as error:
                known = error.message
            self._known[name] = known
        if isinstance(known, str):
            raise UnfitError(f"its definition cannot be used: {known}")
        return known

    def _target(self, target: str) -> str:
        path = self._relative(target)
        try:
            size = len(path.encode())
        except UnicodeEncodeError:
            size = _MAX_PATH_BYTES + 1
        if size > _MAX_PATH_BYTES or _CONTROL.search(path):
            raise UnfitError("its target_file is no path")
        if path.startswith(("/", "../", "~")) or path == ".." or not self._files.inside(path):
            raise UnfitError("its target_file leads outside the project")
        return path

    def _relative(self, path: str) -> str:
        """A path of the project by its place in it; any other one as it is."""
        if PurePosixPath(path).is_relative_to(self._project):
            path = str(PurePosixPath(path).relative_to(self._project))
        return posixpath.normpath(path)
