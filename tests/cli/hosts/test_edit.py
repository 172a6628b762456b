"""A host's file with the server in it and without: nothing else in it changes."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_server.cli.hosts import jsonc
from mcp_server.cli.hosts.edit import has_entry, with_entry, without_entry
from mcp_server.cli.hosts.problems import LeftAlone
from mcp_server.cli.hosts.table import HOSTS, Host
from tests.cli.hosts.shapes import LEFT_ALONE, WITH_SERVERS, WITHOUT_SERVERS

pytestmark = pytest.mark.unit

ENTRY: dict[str, Any] = {"command": '/opt/é "x"/pos-workflow', "args": ["--project", "C:\\shop"]}
JSON_HOSTS = [host for host in HOSTS.values() if not host.is_toml]
CODEX = HOSTS["codex"]


def cases(shapes: dict[str, list[str]]) -> list[Any]:
    return [
        pytest.param(HOSTS[name], text, id=f"{name}-{number}")  # pyright: ignore[reportArgumentType]
        for name, texts in shapes.items()
        for number, text in enumerate(texts)
    ]


def meaning(host: Host, text: str) -> dict[str, Any]:
    if host.is_toml:
        return tomllib.loads(text)
    root = jsonc.parse(text)
    return root.value if root else {}


def is_kept(old: str, new: str) -> bool:
    """Whether the new text is the old one with something put between its characters."""
    rest = iter(new)
    return all(character in rest for character in old)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize(("host", "text"), cases(WITH_SERVERS))
def test_adding_keeps_every_byte_and_removing_gives_them_back(host: Host, text: str, newline: str) -> None:
    text = text.replace("\n", newline)
    added = with_entry(text, host, ENTRY)
    before, after = meaning(host, text), meaning(host, added)
    assert after[host.servers].pop("pos-workflow") == ENTRY
    assert after == before
    assert is_kept(text, added)
    assert newline == "\n" or added.count("\n") == added.count("\r\n")
    assert with_entry(added, host, ENTRY) == added
    assert without_entry(added, host) == text


@pytest.mark.parametrize(("host", "text"), cases(WITHOUT_SERVERS))
def test_the_first_server_goes_into_a_file_without_any(host: Host, text: str) -> None:
    added = with_entry(text, host, ENTRY)
    assert meaning(host, added) == {**meaning(host, text), host.servers: {"pos-workflow": ENTRY}}
    removed = without_entry(added, host)
    assert {host.servers: {}, **meaning(host, removed)} == {host.servers: {}, **meaning(host, text)}
    assert not has_entry(removed, host)
    assert not host.is_toml or removed == text


@pytest.mark.parametrize(("host", "text"), cases(LEFT_ALONE))
def test_what_is_broken_or_unknown_is_refused(host: Host, text: str) -> None:
    with pytest.raises(LeftAlone) as refused:
        with_entry(text, host, ENTRY)
    assert str(refused.value)


def test_a_broken_line_is_named() -> None:
    with pytest.raises(LeftAlone, match="line 3"):
        jsonc.parse('{\n  "a": 1\n  "b": 2\n}')


@pytest.mark.parametrize("host", JSON_HOSTS, ids=lambda host: host.title)
def test_an_older_entry_is_brought_up_to_date_and_its_additions_stay(host: Host) -> None:
    text = f"""{{
  "{host.servers}": {{
    "pos-workflow": {{ // ours
      "command": "/old/pos-workflow", // the program
      "args": ["--project", "/old", "--state-dir", "state"],
      "env": {{"POS_WORKFLOW_LOG_LEVEL": "debug"}}
    }}
  }}
}}"""
    new = with_entry(text, host, {**ENTRY, "more": 1})
    assert meaning(host, new)[host.servers]["pos-workflow"] == {
        "command": ENTRY["command"],
        "args": [*ENTRY["args"], "--state-dir", "state"],
        "env": {"POS_WORKFLOW_LOG_LEVEL": "debug"},
        "more": 1,
    }
    assert "// ours" in new
    assert "// the program" in new


def test_a_value_over_several_lines_stays_so() -> None:
    old = {"mcpServers": {"pos-workflow": {"command": "pos-workflow", "args": ["--project", "/old"]}}}
    text = json.dumps(old, indent=4)
    new = with_entry(text, HOSTS["cursor"], ENTRY)
    assert new == json.dumps({"mcpServers": {"pos-workflow": ENTRY}}, indent=4, ensure_ascii=False)


def test_an_older_table_is_brought_up_to_date_and_its_additions_stay() -> None:
    text = """\
[mcp_servers.'pos-workflow'] # ours
command = "/old/#1/pos-workflow" # the program
args = [
  "--project", # where
  "/old",
]
enabled = true

[mcp_servers.pos-workflow.env]
command = "not this one"

# The other.
[mcp_servers.other]
command = "x"
"""
    new = with_entry(text, CODEX, {**ENTRY, "startup_timeout_sec": 30})
    assert "# ours\n" in new
    assert "# the program\n" in new
    table = tomllib.loads(new)["mcp_servers"]["pos-workflow"]
    assert table == {**ENTRY, "startup_timeout_sec": 30, "enabled": True, "env": {"command": "not this one"}}
    assert without_entry(new, CODEX) == '\n# The other.\n[mcp_servers.other]\ncommand = "x"\n'


@pytest.mark.parametrize(
    "text",
    [
        '[mcp_servers]\npos-workflow = {command = "pos-workflow"}\n',
        'mcp_servers.pos-workflow.command = "pos-workflow"\n',
        'note = """\n[mcp_servers.pos-workflow]\n"""\n[mcp_servers]\npos-workflow.command = "pos-workflow"\n',
    ],
)
def test_a_table_in_another_form_is_left_alone(text: str) -> None:
    for edit in (lambda: with_entry(text, CODEX, ENTRY), lambda: without_entry(text, CODEX)):
        with pytest.raises(LeftAlone, match="cannot be edited safely"):
            edit()


def test_what_a_person_has_set_otherwise_stays_and_only_program_and_project_are_renewed() -> None:
    text = """\
[mcp_servers.pos-workflow]
'command' = 'C:\\old\\pos-workflow.exe'
"args" = ["--project=/old", "--state-dir", "state"]
startup_timeout_sec = 90 # a slow disk
"""
    new = with_entry(text, CODEX, {**ENTRY, "startup_timeout_sec": 30})
    assert tomllib.loads(new)["mcp_servers"]["pos-workflow"] == {
        "command": ENTRY["command"],
        "args": [*ENTRY["args"], "--state-dir", "state"],
        "startup_timeout_sec": 90,
    }
    assert "startup_timeout_sec = 90 # a slow disk\n" in new


@pytest.mark.parametrize("ending", ["", "\n", "\r\n", "\n\n# The other.\n[mcp_servers.other]\n"])
def test_what_a_table_lacks_goes_to_its_end(ending: str) -> None:
    newline = "\r\n" if ending == "\r\n" else "\n"
    lines = ["[mcp_servers.pos-workflow]", 'command = "pos-workflow"', 'args = ["--project", "/shop"]']
    entry = {"command": "pos-workflow", "args": ["--project", "/shop"], "startup_timeout_sec": 30}
    new = with_entry(newline.join(lines) + ending, CODEX, entry)
    assert new == newline.join([*lines, "startup_timeout_sec = 30"]) + ending


STARTED_OTHERWISE = [
    {"command": "docker", "args": ["run", "--rm", "--volume", "/shop:/project", "registry.example.com/pos-workflow:1"]},
    {"command": "/usr/bin/podman", "args": ["run", "pos-workflow"]},
    {"command": "uvx", "args": ["--from", "/clone", "pos-workflow", "--project", "/shop"]},
    {"command": "C:\\Python\\python.exe", "args": ["-m", "mcp_server", "--project", "/shop"]},
]


@pytest.mark.parametrize("host", [HOSTS["cursor"], CODEX], ids=lambda host: host.title)
@pytest.mark.parametrize("entry", STARTED_OTHERWISE, ids=lambda entry: entry["command"])
def test_an_entry_that_starts_it_by_another_program_is_kept_until_it_is_taken_out(
    host: Host, entry: dict[str, Any]
) -> None:
    text = with_entry("", host, entry)
    with pytest.raises(LeftAlone, match=r"is started by '(docker|podman|uvx|python\.exe)'") as refused:
        with_entry(text, host, ENTRY)
    assert "--remove" in str(refused.value.remedy)
    assert not has_entry(without_entry(text, host), host)


def test_an_entry_without_the_programs_script_is_brought_up_to_date_by_the_same_interpreter() -> None:
    entry: dict[str, Any] = {"command": "/opt/python", "args": ["-m", "mcp_server", "--project", "/shop"]}
    text = with_entry("", CODEX, entry)
    moved = {**entry, "args": ["-m", "mcp_server", "--project", "/other"]}
    assert with_entry(text, CODEX, moved) == with_entry("", CODEX, moved)


@pytest.mark.parametrize(
    ("host", "text", "reason"),
    [
        (HOSTS["cursor"], '{"mcpServers": {"pos-workflow": {"url": "https://example.com"}}}', "reached by its url"),
        (HOSTS["cursor"], '{"mcpServers": {"pos-workflow": {"command": "npx", "args": ["x"]}}}', "another server"),
        (CODEX, '[mcp_servers.pos-workflow]\nurl = "https://example.com"\n', "reached by its url"),
        (CODEX, '[mcp_servers.pos-workflow]\ncommand = "/bin/other"\n', "another server"),
    ],
)
def test_another_server_of_the_same_name_is_neither_changed_nor_removed(host: Host, text: str, reason: str) -> None:
    for edit in (lambda: with_entry(text, host, ENTRY), lambda: without_entry(text, host)):
        with pytest.raises(LeftAlone, match=reason) as refused:
            edit()
        assert "another name" in str(refused.value.remedy)


def test_a_header_inside_a_string_is_not_taken_for_one() -> None:
    text = 'note = """\n[mcp_servers.pos-workflow]\ncommand = 1\n"""\n'
    assert without_entry(text, CODEX) == text
    added = with_entry(text, CODEX, ENTRY)
    with pytest.raises(LeftAlone):
        without_entry(added, CODEX)


@pytest.mark.parametrize(
    ("text", "removed"),
    [
        ('{"mcpServers": {"pos-workflow": {}, "b": {}}}', '{"mcpServers": { "b": {}}}'),
        ('{"mcpServers": {"a": {}, /* c */ "pos-workflow": {}}}', '{"mcpServers": {"a": {} /* c */}}'),
        (
            '{"mcpServers": {"a": {}, "pos-workflow": {} /* c */, "b": {}}}',
            '{"mcpServers": {"a": {} /* c */, "b": {}}}',
        ),
        ('{"mcpServers": {\n  // kept\n  "pos-workflow": {}\n}}', '{"mcpServers": {\n  // kept\n}}'),
        ('{"mcpServers": {"pos-workflow": {},}}', '{"mcpServers": {}}'),
    ],
)
def test_removing_leaves_neighbours_and_comments(text: str, removed: str) -> None:
    host = HOSTS["claude-code"]
    found = without_entry(text, host)
    assert meaning(host, found) == meaning(host, removed)
    assert ("/* c */" in found) == ("/* c */" in text)
    assert ("// kept" in found) == ("// kept" in text)


TRIVIA = st.lists(
    st.sampled_from([" ", "\n", "\t", "  ", "\n\n  ", "/* c, } */", '// c " {\n', "/*\n*/"]), max_size=3
).map("".join)
SCALAR = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.floats(allow_nan=False)).filter(
    lambda value: value not in (float("inf"), float("-inf"))
)
VALUE = st.recursive(SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner))


@st.composite
def objects(draw: st.DrawFn, inside: str | None = None) -> str:
    """An object as text, with comments anywhere, and with an object of servers in it when its name is given."""
    names = draw(st.lists(st.text(max_size=4), unique=True, max_size=3, min_size=0 if inside else 1))
    members = [(name, json.dumps(draw(VALUE), ensure_ascii=draw(st.booleans()))) for name in names]
    if inside:
        members.insert(draw(st.integers(0, len(members))), (inside, draw(objects())))
    parts = [
        f"{draw(TRIVIA)}{json.dumps(name)}{draw(TRIVIA)}:{draw(TRIVIA)}{text}{draw(TRIVIA)}" for name, text in members
    ]
    comma = draw(st.sampled_from(["", ","]))
    return "{" + ",".join(parts) + comma + draw(TRIVIA) + "}"


@given(head=TRIVIA, text=objects("mcpServers"), tail=TRIVIA, crlf=st.booleans())
def test_added_and_removed_again_any_json_is_what_it_was(head: str, text: str, tail: str, crlf: bool) -> None:
    host = HOSTS["cursor"]
    whole = head + text + tail
    whole = whole.replace("\n", "\r\n") if crlf else whole
    added = with_entry(whole, host, ENTRY)
    assert added != whole
    assert with_entry(added, host, ENTRY) == added
    assert without_entry(added, host) == whole


TOML_LINE = st.sampled_from(
    [
        "",
        "# note",
        "  # indented",
        "a{} = 1",
        'b{} = """\n[x]\n"""',
        "[t{}]",
        "[mcp_servers.s{}]",
        "[[list]]",
        "c{} = [\n 1, # one\n]",
    ]
)


@given(lines=st.lists(TOML_LINE, max_size=8), ending=st.sampled_from(["", "\n", "\n\n", "\n# end"]), crlf=st.booleans())
def test_added_and_removed_again_any_toml_is_what_it_was(lines: list[str], ending: str, crlf: bool) -> None:
    whole = "\n".join(line.format(number) for number, line in enumerate(lines)) + ending
    whole = whole.replace("\n", "\r\n") if crlf else whole
    added = with_entry(whole, CODEX, ENTRY)
    assert tomllib.loads(added)["mcp_servers"]["pos-workflow"] == ENTRY
    assert without_entry(added, CODEX) == whole


@given(st.text(alphabet='{}[]",:/*\n aé1\\tru', max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        node = jsonc.parse(text)
    except LeftAlone:
        with pytest.raises(ValueError):  # noqa: PT011 - the reader accepts more than JSON, never less
            json.loads(text)
    else:
        assert node is None or text[node.start : node.end].strip() == text[node.start : node.end]


@given(VALUE)
def test_what_json_writes_is_read_as_it_is(value: Any) -> None:
    node = jsonc.parse(json.dumps(value, indent=1))
    assert node is not None
    assert node.value == value
