"""A host's file with this server in it, or without: the text is edited, and what it means afterwards is compared."""

from __future__ import annotations

import re
from typing import Any, Final, cast

from mcp_server.cli.hosts import json_edit, jsonc, toml_edit
from mcp_server.cli.hosts.problems import LeftAlone
from mcp_server.cli.hosts.table import NAME, Host

Settings = dict[str, Any]

_ANOTHER: Final = "It is another server's. Give it another name, or take it out, by hand."
_ON_PURPOSE: Final = "To have the program started that is installed here, take that entry out first, with --remove."


def has_entry(text: str, host: Host) -> bool:
    """Whether the server is in the text. Raises LeftAlone."""
    return NAME in _servers(_meaning(text, host), host)


def with_entry(text: str, host: Host, entry: Settings) -> str:
    """The text with the server in it; as it was when it is in it already.

    Of an entry of this name only the program and its project are brought up to date. What it has besides, such as
    ``env``, another time to start, or flags behind ``--project``, stays. Raises LeftAlone, also for an entry that
    starts the server by another program, such as a container engine.
    """
    meaning = _meaning(text, host)
    servers = _servers(meaning, host)
    present = servers.get(NAME)
    known = {} if present is None else _renewable(present, entry["command"])
    more = {name: value for name, value in entry.items() if name not in known}
    arguments = _arguments(known.get("args"), entry["args"])
    wanted = {"command": entry["command"], "args": arguments, **more}
    changes = {name: value for name, value in wanted.items() if known.get(name) != value}
    path = (host.servers, NAME)
    if present is None:
        edited = toml_edit.add_table(text, path, wanted) if host.is_toml else json_edit.set_member(text, path, wanted)
    elif host.is_toml:
        edited = toml_edit.set_keys(text, path, changes)
    else:
        edited = text
        for name, value in changes.items():
            edited = json_edit.set_member(edited, (*path, name), value)
    return _proven(edited, host, {**meaning, host.servers: {**servers, NAME: {**known, **wanted}}})


def without_entry(text: str, host: Host) -> str:
    """The text without the server; as it was when it is not in it. Raises LeftAlone."""
    meaning = _meaning(text, host)
    servers = _servers(meaning, host)
    if NAME not in servers:
        return text
    _own(servers[NAME])
    path = (host.servers, NAME)
    edited = toml_edit.remove_table(text, path) if host.is_toml else json_edit.remove_member(text, path)
    others = {name: value for name, value in servers.items() if name != NAME}
    return _proven(edited, host, {**meaning, host.servers: others})


def _meaning(text: str, host: Host) -> Settings:
    if host.is_toml:
        return toml_edit.parse(text)
    root = jsonc.parse(text)
    return {} if root is None else _object(root.value)


def _servers(meaning: Settings, host: Host) -> Settings:
    return _object(meaning.get(host.servers, {}), host.servers)


def _object(value: Any, name: str = "") -> Settings:
    if not isinstance(value, dict):
        raise LeftAlone(f"'{name}' in it is not an object" if name else "it is not an object of settings")
    return cast("Settings", value)


def _own(entry: Any) -> Settings:
    """The server's entry, whatever starts it. Raises LeftAlone for one of the same name that is not this server."""
    known = _object(entry, NAME)
    if "url" in known:
        raise LeftAlone(f"'{NAME}' in it is a server that is reached by its url", _ANOTHER)
    words = [str(known.get("command", NAME)), *map(str, _list(known.get("args")))]
    if not any(NAME in word or word == "mcp_server" for word in words):
        raise LeftAlone(f"'{NAME}' in it starts another server", _ANOTHER)
    return known


def _renewable(entry: Any, program: str) -> Settings:
    """The server's entry, if an installed program starts it. Raises LeftAlone for any other: it is so on purpose."""
    known = _own(entry)
    command = str(known.get("command", program))
    name = re.split(r"[/\\]", command)[-1]
    if command != program and name.removesuffix(".exe") != NAME:
        raise LeftAlone(f"'{NAME}' in it is started by '{name}'", _ON_PURPOSE)
    return known


def _list(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []


def _arguments(present: Any, wanted: list[str]) -> list[str]:
    """The arguments that are wanted, and what somebody has added behind them."""
    found = _list(present)
    for number, one in enumerate(found):
        if one == "--project":
            return [*wanted, *found[number + 2 :]]
        if isinstance(one, str) and one.startswith("--project="):
            return [*wanted, *found[number + 1 :]]
    return wanted


def _proven(text: str, host: Host, expected: Settings) -> str:
    """The edited text, if it means what it has to."""
    try:
        meaning = _meaning(text, host)
    except LeftAlone:
        meaning = None
    # In TOML the servers are only there as long as there is one; in JSON an empty object stays.
    if meaning is None or {host.servers: {}, **meaning} != expected:
        raise LeftAlone("it is written in a form that cannot be edited safely")
    return text
