"""The reference pages of the command line and of the settings, and the schemas, written from the code itself."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from annotated_types import Ge, Gt, Le
from pydantic.fields import FieldInfo

import mcp_server
from mcp_server.cli.application import Flags, app, load_commands
from mcp_server.definitions.starter import schema_files
from mcp_server.report.schema import schema_text
from mcp_server.settings import ENV_PREFIX, FILE_ONLY, MARKERS, Settings

_NOTICE: Final = (
    "<!-- Generated: python -m mcp_server.cli.reference writes this page, and a test holds it to the code. -->"
)
# The generator shows how the running interpreter was started behind each command's name.
_STARTED_AS: Final = re.compile(r"^(pos-workflow(?: \w+)+) -m [\w.]+", re.MULTILINE)
_SETTINGS: Final = re.compile(r"\*\*Settings\*\*:\n\n(?:\* .*\n)+\n?")

_ORDER: Final = """\
Each setting has one place of four where it is made: a flag beats the environment, which beats `settings.toml` in the
user's own folder, which beats the default. No file in a project sets anything: a clone must not be able to move state,
add definitions or widen trust. `pos-workflow doctor` shows every setting, what it comes to and where it was made.
"""

_FOLDERS: Final = """\
## The project

Without `--project` the project is the nearest folder, from the working directory upwards, that holds one of
{markers}.
The home folder and the root of the file system are never taken. Where none is found the server runs all the same: it
lists workflows, and answers everything about sessions with a `ConfigurationError`.

## The user's own folder

It is kept apart from every project: in the configuration folder the key that seals sessions, `settings.toml`, the
operator and what is trusted, in the data folder the anchors and the user's own definitions (`workflows/`). With
`--user-dir` these are `config` and `data` inside it; without it they are where the platform keeps such things (on Linux
`~/.config/pos-workflow` and `~/.local/share/pos-workflow`).

`settings.toml` is flat:

```toml
log_level = "debug"
lock_timeout = 30
notify_command = ["notify-send", "--app-name=pos-workflow"]
```

`notify_command` is made nowhere else: neither a project nor an assistant's environment shall name a program that a
person's command runs. It is run without a shell, in the root folder.
"""


def command_line_page() -> str:
    """``docs/reference/command-line.md``."""
    load_commands()
    page = _STARTED_AS.sub(r"\1", app.generate_docs(usage_name="pos-workflow"))
    first = _SETTINGS.search(page)
    assert first is not None  # noqa: S101 - every command has them, and the page says so once
    head, commands = page[: first.end()], page[first.end() :]
    return f"{_NOTICE}\n{head}{_SETTINGS.sub('', commands).rstrip()}\n"


def settings_page() -> str:
    """``docs/reference/settings.md``."""
    parts = [_NOTICE, "# Settings", "", _ORDER]
    parts += ["| setting | flag | environment | default | |", "|---|---|---|---|---|"]
    parts += _rows()
    markers = textwrap.fill(", ".join(f"`{marker}`" for marker in MARKERS), 119)
    return "\n".join([*parts, "", _FOLDERS.format(markers=markers)])


def pages(root: Path) -> dict[Path, str]:
    """What each page of the checkout at ``root`` holds."""
    folder = root / "docs" / "reference"
    schemas = {folder / "schemas" / name: text for name, text in schema_files().items()}
    schemas[folder / "schemas" / "report.schema.json"] = schema_text()
    return {folder / "command-line.md": command_line_page(), folder / "settings.md": settings_page(), **schemas}


def _rows() -> Iterator[str]:
    flags = Flags().given()
    for name, field in Settings.model_fields.items():
        flag = f"`--{name.removesuffix('s') if name == 'workflows_dirs' else name}`".replace("_", "-")
        environment = "" if name in FILE_ONLY else f"`{ENV_PREFIX}{name.upper()}`"
        yield f"| `{name}` | {flag if name in flags else ''} | {environment} | {_default(field)} | {_said(field)} |"


def _default(field: FieldInfo) -> str:
    default: Any = field.default
    return "" if default is None or default == () else f"`{default}`".lower()


def _said(field: FieldInfo) -> str:
    said = ", ".join(filter(None, map(_bound, field.metadata)))
    return f"{field.description} ({said})" if said else str(field.description)


def _bound(constraint: object) -> str:
    match constraint:
        case Gt(gt=bound):
            return f"> {bound}"
        case Ge(ge=bound):
            return f"≥ {bound}"
        case Le(le=bound):
            return f"≤ {bound}"
        case _:
            return ""


def main(root: Path = Path(mcp_server.__file__).parent.parent) -> None:
    """Write the pages into the checkout."""
    for path, page in pages(root).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
