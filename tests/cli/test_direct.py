"""The short way to a server understands what hosts type, exactly as the full command line does, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from mcp_server.cli.application import Flags, app
from mcp_server.cli.direct import serve_flags

pytestmark = pytest.mark.unit

UNDERSTOOD: list[tuple[list[str], dict[str, Any]]] = [
    ([], {}),
    (["serve"], {}),
    (["--project", "/p"], {"project": "/p"}),
    (["--project=/p"], {"project": "/p"}),
    (["serve", "--state-dir", "/s", "--user-dir=/u"], {"state_dir": "/s", "user_dir": "/u"}),
    (["--log-level", "debug", "serve", "--log-json"], {"log_level": "debug", "log_json": True}),
    (["--workflows-dir", "/a", "--workflows-dir=/b"], {"workflows_dirs": ("/a", "/b")}),
    (["--lock-timeout", "3", "--allow-network-fs"], {"lock_timeout": 3.0, "allow_network_fs": True}),
]
LEFT: list[list[str]] = [
    ["sessions"],
    ["--help"],
    ["--version"],
    ["--project"],
    ["--project", "--log-json"],
    ["--project="],
    ["--log-level", "loud"],
    ["--lock-timeout", "0.5"],
    ["--lock-timeout", "soon"],
    ["--log-json=yes"],
    ["serve=now"],
    ["serve", "--help"],
    ["/project"],
    ["--project", "/p", "--project", "/q"],
    ["serve", "serve"],
]


@pytest.mark.parametrize(("arguments", "flags"), UNDERSTOOD, ids=str)
def test_what_a_host_types_is_read_as_it_was_meant(arguments: list[str], flags: dict[str, Any]) -> None:
    assert serve_flags(arguments, on_terminal=False) == {"workflows_dirs": (), **flags}


@pytest.mark.parametrize("arguments", [given for given, _ in UNDERSTOOD], ids=str)
def test_the_short_way_and_the_full_command_line_agree(arguments: list[str]) -> None:
    _, bound, _ = app.meta.parse_args(arguments, exit_on_error=False, print_error=False)
    settings: Flags = bound.arguments.get("settings", Flags())
    full = {name: value for name, value in settings.given().items() if value is not None}
    short = serve_flags(arguments, on_terminal=False) or {}
    folders = tuple(map(str, full.pop("workflows_dirs")))
    assert short.pop("workflows_dirs") == folders
    assert short == {name: value if isinstance(value, bool | float) else str(value) for name, value in full.items()}


@pytest.mark.parametrize("arguments", LEFT, ids=str)
def test_whatever_else_is_typed_is_left_to_the_full_command_line(arguments: list[str]) -> None:
    assert serve_flags(arguments, on_terminal=False) is None


def test_on_a_terminal_only_the_word_serve_asks_for_a_server() -> None:
    assert serve_flags(["--project", "/p"], on_terminal=True) is None
    assert serve_flags(["--project", "/p", "serve"], on_terminal=True) is not None
