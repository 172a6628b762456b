"""Every setting of the program in one frozen object, and where each value came from.

A flag beats ``POS_WORKFLOW_*`` in the environment, which beats ``settings.toml`` in the user's own folder. A file in
the project sets nothing: a clone must not be able to move state, add definitions or widen trust. This module is the
one reader of the environment.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator

from mcp_server.errors import ConfigurationError
from mcp_server.storage.keys import UserFolders

APP = "pos-workflow"
ENV_PREFIX = "POS_WORKFLOW_"
MARKERS = (
    ".praxis-os", ".git", ".hg", "pyproject.toml", "package.json", "Cargo.toml", "go.mod", "pom.xml",
    "build.gradle", "build.gradle.kts", "Gemfile", "composer.json", "mix.exs", "CMakeLists.txt",
)  # fmt: skip
"""What makes a folder the root of a project when nobody has named one."""

FILE_ONLY = frozenset({"notify_command"})
"""Settings that only the user's own file makes, since they name a program to be run."""

Origin = Literal["flag", "environment", "file", "default"]
LogLevel = Literal["debug", "info", "warning", "error"]
Folder = Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())]


class Settings(BaseModel):
    """What can be set, with its default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    project: Folder | None = Field(None, description="The project's root folder; else found by its markers.")
    state_dir: Folder | None = Field(None, description="Where sessions are kept; else .praxis-os/state in the project.")
    workflows_dirs: tuple[Folder, ...] = Field(
        (), description=f"Further folders of workflow definitions, searched first ('{os.pathsep}' between them)."
    )
    user_dir: Folder | None = Field(
        None, description="The user's own folder (keys, anchors, definitions, settings); else the platform's."
    )
    log_level: LogLevel = Field("info", description="How much is logged to standard error.")
    log_json: bool = Field(False, description="Log lines as JSON.")
    lock_timeout: float = Field(10.0, gt=0, le=600, description="Seconds to wait for a session that is held.")
    allow_network_fs: bool = Field(False, description="Keep state on a network file system, whose locks may lie.")
    stale_after_days: int = Field(7, ge=1, description="Days without change after which a session is marked stale.")
    notify_command: tuple[str, ...] = Field(
        (), description="Run by `pending --watch`: a program and arguments; the session's id and a text are added."
    )

    @field_validator("workflows_dirs", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return [part for part in value.split(os.pathsep) if part]
        return value

    @property
    def user(self) -> UserFolders:
        """The user's own folders: under ``user_dir`` when it is set, else where the platform keeps such things."""
        if self.user_dir is not None:
            return UserFolders(config=self.user_dir / "config", data=self.user_dir / "data")
        dirs = platformdirs.PlatformDirs(APP, appauthor=False)
        return UserFolders(config=Path(dirs.user_config_dir), data=Path(dirs.user_data_dir))

    def state_root(self, project: Path) -> Path:
        """Where the sessions of a project are kept."""
        return self.state_dir or project / ".praxis-os" / "state"


class Loaded(BaseModel):
    """The settings, where each value came from, and the project they lead to (None: nobody chose one)."""

    model_config = ConfigDict(frozen=True)

    settings: Settings
    origins: dict[str, Origin]
    project: Path | None
    project_found_by: str


def load(flags: Mapping[str, Any] | None = None, cwd: Path | None = None) -> Loaded:
    """Merge flags (None: not given), environment and the user's file, and find the project.

    Raises ConfigurationError that names every setting that is wrong and where it came from.
    """
    layers: list[tuple[Origin, Mapping[str, Any]]] = [("environment", _environment())]
    layers.append(("flag", {name: value for name, value in (flags or {}).items() if value not in (None, ())}))
    values, _ = _merge(layers)
    path = Settings.model_construct(user_dir=_folder(values.get("user_dir"))).user.config / "settings.toml"
    file = _file(path)
    values, origins = _merge([("file", file), *layers])
    try:
        settings = Settings(**values)
    except ValidationError as error:
        raise ConfigurationError(_explain(error, origins), remediation="Mend the setting where it was made.") from None
    project, found_by = _project(settings, cwd or Path.cwd(), origins)
    return Loaded(
        settings=settings,
        origins={name: origins.get(name, "default") for name in Settings.model_fields},
        project=project,
        project_found_by=found_by,
    )


def find_project(start: Path) -> tuple[Path, str] | None:
    """The nearest folder from ``start`` upwards that has a marker, and the marker.

    The file system's root and the home folder are never taken: hosts start servers there, and nobody chose them.
    """
    home = Path.home()
    for folder in (start, *start.parents):
        if folder in (home, Path(folder.anchor)):
            return None
        for marker in MARKERS:
            if (folder / marker).exists():
                return folder, marker
    return None


def _project(settings: Settings, cwd: Path, origins: Mapping[str, Origin]) -> tuple[Path | None, str]:
    if settings.project is not None:
        if not settings.project.is_dir():
            raise ConfigurationError(
                "The project root that was set is not a folder.",
                remediation="Give --project (or POS_WORKFLOW_PROJECT) the path of an existing folder.",
            )
        return _usable(settings.project.resolve()), f"set by {origins['project']}"
    found = find_project(cwd.resolve())
    if found is None:
        return None, "no marker in the working directory or above it"
    return _usable(found[0]), f"found by {found[1]}"


def _usable(project: Path) -> Path:
    """The folder, if it can be a project's root."""
    if project == Path(project.anchor):
        raise ConfigurationError(
            "The root of the file system is no project.",
            remediation="Give --project (or POS_WORKFLOW_PROJECT) the path of the project's own folder.",
        )
    try:
        str(project).encode()
    except UnicodeEncodeError:
        raise ConfigurationError(
            "The project's path has characters that this environment cannot name.",
            remediation="Set PYTHONUTF8=1, or a locale with UTF-8, where the program is started.",
        ) from None
    return project


def _environment() -> dict[str, str]:
    """The settings in the environment. Unknown POS_WORKFLOW_* names are left: a later version may know them."""
    names = (name for name in Settings.model_fields if name not in FILE_ONLY)
    found = {name: os.environ.get(ENV_PREFIX + name.upper()) for name in names}
    return {name: value for name, value in found.items() if value}


def environment_without_settings() -> dict[str, str]:
    """The process's environment less this program's own settings, for a child that shall have none of them."""
    return {name: value for name, value in os.environ.items() if not name.startswith(ENV_PREFIX)}


def _file(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as stream:
            return tomllib.load(stream)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error if isinstance(error, ValueError) else error.strerror}.",
            remediation="Mend the file, or remove it.",
        ) from None


def _merge(layers: list[tuple[Origin, Mapping[str, Any]]]) -> tuple[dict[str, Any], dict[str, Origin]]:
    """Later layers win."""
    values: dict[str, Any] = {}
    origins: dict[str, Origin] = {}
    for origin, layer in layers:
        values.update(layer)
        origins.update(dict.fromkeys(layer, origin))
    return values, origins


def _folder(value: Any) -> Path | None:
    return Path(value).expanduser().absolute() if value else None


def _explain(error: ValidationError, origins: Mapping[str, Origin]) -> str:
    problems = ((str(one["loc"][0]), one["msg"]) for one in error.errors(include_url=False, include_input=False))
    return "; ".join(f"{name} (from {origins.get(name, 'default')}): {message}" for name, message in problems)
