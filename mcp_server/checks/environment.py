"""What a program that a gate wants run gets of the outside: a short list of variables, and programs by their names.

What is not on the list stays out: this program's own settings, tokens and keys, and what changes how programs load
(LD_PRELOAD, DYLD_*, PYTHONPATH, NODE_OPTIONS).
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

OWN_NAME: Final = "pos-workflow"
KEPT: Final = ("HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR")
KEPT_PREFIX: Final = "LC_"
SET: Final = {
    "TERM": "dumb",
    "NO_COLOR": "1",
    # What a check leaves in the project would change the digest of the project's content.
    "PYTHONDONTWRITEBYTECODE": "1",
}

_WINDOWS: Final = os.name == "nt"
_KEPT_ON_WINDOWS: Final = ("SYSTEMROOT", "COMSPEC", "PATHEXT", "TEMP", "TMP", "USERPROFILE", "USERNAME")
_PYTHONS: Final = ("python", "python3")


def check_environment(project: Path, inherited: Mapping[str, str]) -> dict[str, str]:
    """The environment of a check, made from the server's own.

    The programs of the project's ``.venv`` come first on the path. Of the rest only absolute folders are kept: an
    empty or relative one would be a folder of the project. Where uv started the server (``UV`` is set) the server's own
    environment was put before the user's, and is left out: its ``python`` has none of what the project needs.
    """
    kept = (*KEPT, *_KEPT_ON_WINDOWS) if _WINDOWS else KEPT
    found = {name: value for name, value in inherited.items() if name in kept or name.startswith(KEPT_PREFIX)}
    venv = project / ".venv"
    programs = venv / ("Scripts" if _WINDOWS else "bin")
    own = Path(sys.executable).parent if "UV" in inherited else None
    listed = map(Path, inherited.get("PATH", os.defpath).split(os.pathsep))
    folders = [str(folder) for folder in listed if folder.is_absolute() and folder != own]
    if programs.is_dir():
        folders.insert(0, str(programs))
        found["VIRTUAL_ENV"] = str(venv)
    return {**found, **SET, "PATH": os.pathsep.join(folders)}


def find_command(name: str, project: Path, environment: Mapping[str, str]) -> tuple[str, ...]:
    """What the first argument of a command stands for: the program that ``find_program`` finds, or this one.

    ``pos-workflow`` is the server's own, whatever the project has of that name. Raises LookupError as it does.
    """
    if name == OWN_NAME and sys.executable:
        # -P: the working directory is the project's, and nothing is to be imported from there.
        return sys.executable, "-P", "-m", "mcp_server"
    return (str(find_program(name, project, environment)),)


def find_program(name: str, project: Path, environment: Mapping[str, str]) -> Path:
    """The program that the first argument of a command names, not resolved: a ``.venv`` knows itself by its link.

    A bare name is looked for on the environment's path; ``python`` is there as python or python3, or it is the
    server's own. A name with a slash is a path from the project's root, and need not be there.

    Raises LookupError that says what is wrong.
    """
    named = Path(name)
    if len(named.parts) == 1 and os.sep not in name:
        found = next((path for one in _aliases(name) if (path := shutil.which(one, path=environment["PATH"]))), None)
        if found is None and name in _PYTHONS and sys.executable:
            found = sys.executable
        if found is None:
            raise LookupError(f"There is no program '{name}' in the project's .venv or on the path.")
        return Path(found)
    if named.is_absolute() or ".." in named.parts or not named.parts:
        raise LookupError(f"The program '{name}' has to be a name on the path, or a path inside the project.")
    return project / named


def _aliases(name: str) -> tuple[str, ...]:
    return _PYTHONS if name == "python" else (name,)
