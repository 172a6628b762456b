"""What a command works with: the settings of this call and what they lead to, each made when it is first needed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from mcp_server import logs
from mcp_server.app import build_engine, open_store
from mcp_server.engine import Engine
from mcp_server.errors import ConfigurationError
from mcp_server.settings import Loaded, load
from mcp_server.storage.store import Store


class Context:
    """One call of the program. Reading the settings may raise ConfigurationError, hence not before it is needed."""

    def __init__(self, flags: Mapping[str, Any], cwd: Path | None = None) -> None:
        self._flags = flags
        self._cwd = cwd

    def elsewhere(self, cwd: Path | None, **flags: Any) -> Context:
        """The same call from another folder, with these flags in place of its own."""
        return Context({**self._flags, **flags}, cwd)

    @property
    def debug(self) -> bool:
        """Whether tracebacks are wanted; known even when the settings cannot be read."""
        return self._flags.get("log_level") == "debug" or self.__dict__.get("_debug", False)

    @cached_property
    def loaded(self) -> Loaded:
        """The settings; from here on a command logs what they say, or warnings when nobody set anything."""
        loaded = load(self._flags, self._cwd)
        settings = loaded.settings
        self._debug = settings.log_level == "debug"
        chosen = loaded.origins["log_level"] != "default"
        logs.configure(settings.log_level if chosen else "warning", as_json=settings.log_json)
        return loaded

    @cached_property
    def engine(self) -> Engine:
        """The use cases on this project."""
        return build_engine(self.loaded)

    @cached_property
    def store(self) -> Store:
        """The project's sessions; ConfigurationError when no project is known."""
        store = open_store(self.loaded)
        if store is None:
            raise ConfigurationError(
                "No project root is known: " + self.loaded.project_found_by + ".",
                remediation="Change to the project's folder, or name it with --project PATH.",
            )
        return store
