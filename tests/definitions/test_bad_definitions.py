"""Broken, hostile and oversized definitions: each is a clear error of its own, within bounds, and hides no other."""

from __future__ import annotations

import ctypes
import json
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.definitions.conftest import Write
from tests.definitions.seen import begun, walked
from tests.support import Ask, Body, Home, bare_environment
from tests.wire import Wire

pytestmark = pytest.mark.integration

MIB = 1024 * 1024
SECONDS, BYTES = 20, 1536 * MIB
"""Processor time and memory of one process: generous, and nothing to what grows with a square or without end."""

GATE = "phases/1/gate-definition.yaml"
LIBC = ctypes.CDLL(None)
PR_CAPBSET_DROP, READING_EVERYTHING = 24, (1, 2)
"""What makes the administrator one who may not read what nobody may; for others it does nothing."""


def sparse(path: Path, size: int) -> None:
    with path.open("wb") as stream:
        stream.truncate(size)


def billion_laughs() -> str:
    lines = ["a0: &a0 [lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    return "\n".join(lines)


def write(name: str, content: str | bytes) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    return change


def link(name: str, target: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).symlink_to(target)


def many(folder: Path) -> None:
    for number in range(2_001):
        (folder / "core" / f"{number}.md").touch()


def large(folder: Path) -> None:
    for number in range(17):
        sparse(folder / "core" / f"{number:02}.bin", MIB)


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "link_to_itself": (link("core/loop.md", "loop.md"), "core/loop.md: cannot be followed"),
    "link_to_its_folder": (link("core/loop", ".."), "core/loop: is a link that leads in a circle"),
    "links_to_each_other": (
        lambda folder: [link("core/a", "b")(folder), link("core/b", "a")(folder)],
        "core/a: cannot be followed",
    ),
    "link_out": (link("core/passwd", "/etc/passwd"), "core/passwd: is a link that leads out of the definition"),
    "link_to_nothing": (link("phases/1/phase.md", "gone.md"), "phases/1/phase.md: cannot be followed"),
    "fifty_mebibytes": (lambda f: sparse(f / "core/big.md", 50 * MIB), "core/big.md: is larger than 1 MiB"),
    "fifty_mebibytes_of_metadata": (lambda f: sparse(f / "metadata.json", 50 * MIB), "metadata.json: is larger than"),
    "too_large": (large, "core/16.bin: makes the definition larger than 16 MiB"),
    "too_many": (many, ".: holds more than 2000 files"),
    "too_deep": (lambda f: f.joinpath(*"abcdefghijkl").mkdir(parents=True), "lies more than 12 folders deep"),
    "binary_metadata": (write("metadata.json", b"\x7fELF\x02\x01\xff\xfe"), "metadata.json: is not UTF-8 (byte 6)"),
    "binary_task": (write("phases/1/task-1-a.md", b"\x89PNG\r\n\x1a\n"), "phases/1/task-1-a.md: is not UTF-8 (byte 0)"),
    "binary_gate": (write(GATE, b"\x00\xff"), f"{GATE}: is not UTF-8 (byte 1)"),
    "zeros_in_a_gate": (write(GATE, b"\x00" * 100), f"{GATE}:1: is not valid YAML"),
    "empty_metadata": (write("metadata.json", ""), "metadata.json:1: is not valid JSON"),
    "empty_gate": (write(GATE, ""), f"{GATE}:1: is empty"),
    "deep_metadata": (write("metadata.json", "[" * 200_000), "metadata.json:1: is nested more than 60 levels deep"),
    "deep_gate": (write(GATE, "[" * 200_000), f"{GATE}:1: is nested more than 60 levels deep"),
    "a_number_of_a_million_digits": (write("metadata.json", '{"a": ' + "9" * 10**6 + "}"), "is not valid JSON"),
    "yaml_bomb": (write(GATE, billion_laughs()), f"{GATE}:2: uses an alias (*name), which is not read"),
    "yaml_merge": (write(GATE, "a: &a {b: 1}\nc:\n  <<: *a\n"), f"{GATE}:3: uses the tag"),
    "yaml_that_runs": (
        write(GATE, "a: !!python/object/apply:os.system ['touch ran']"),
        f"{GATE}:1: uses the tag tag:yaml.org,2002:python/object/apply:os.system, which is not read",
    ),
    "yaml_twice": (write(GATE, "evidence_schema:\n  a: {}\n  a: {}\n"), f"{GATE}:3: has the key 'a' twice"),
    "expression_that_runs": (
        write(GATE, "cross_field_validation:\n- rule: \"lambda e: __import__('os').system('touch ran')\""),
        f"{GATE}:2: the rule 1 cannot be used",
    ),
    "expression_too_long": (
        write(GATE, f'cross_field_validation:\n- rule: "lambda e: {"e + " * 5000}e"'),
        "at most 4000 characters",
    ),
    "validator_gone": (write(GATE, "evidence_schema:\n  a:\n    validator: gone"), "there is no validator 'gone'"),
    "no_pattern": (
        write(GATE, "evidence_schema:\n  a: {type: string, validator: matches, validator_params: {pattern: '('}}"),
        f"{GATE}:2: the field 'a': the validator 'matches' cannot be used",
    ),
}


@pytest.fixture
def bad(define: Write) -> Callable[[str], Path]:
    """Writes the bad definition of that name."""

    def made(name: str) -> Path:
        files: dict[str, str | bytes] = {"core/words.md": "x", "phases/1/task-2-b.md": "B"}
        folder = define(name, files)
        BAD[name][0](folder)
        return folder

    return made


def limited(home: Home, **arguments: Any) -> Body:
    """The tool in a process of its own that may use so much and no more, and read what its user may."""

    def bound() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
        for capability in READING_EVERYTHING:
            LIBC.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)

    flags = ["--project", str(home.project), "--user-dir", str(home.user)]
    ran = subprocess.run(
        [sys.executable, "-m", "mcp_server", "call", "-", *flags],
        input=json.dumps(arguments),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=bound,
        env=bare_environment(),
    )
    assert ran.stdout, (ran.returncode, ran.stderr[-2000:])
    reply: Body = json.loads(ran.stdout)
    return reply


@pytest.mark.requirement("format:bad-files", "format:bad-documents", "format:broken-hides-no-other", "format:bounded")
def test_every_bad_definition_is_listed_with_its_problem_and_the_good_ones_with_them(
    home: Home, define: Write, bad: Callable[[str], Path]
) -> None:
    define("a_good_one")
    for name in BAD:
        bad(name)
    define("the_last_good_one")
    reply = limited(home, action="list_workflows")
    problems = {one["workflow_type"]: one["problem"] for one in reply["invalid"]}
    assert set(problems) == set(BAD)
    assert {name: problems[name] for name in BAD if BAD[name][1] not in problems[name]} == {}
    assert {"a_good_one", "the_last_good_one"} <= {one["workflow_type"] for one in reply["workflows"]}
    assert str(home.project) not in json.dumps(reply)


@pytest.mark.requirement("format:bad-files", "format:bad-documents", "format:no-link-leads-out", "format:broken-gate")
@pytest.mark.parametrize("name", BAD)
def test_a_bad_definition_is_not_started_and_the_error_says_why(
    home: Home, ask: Ask, define: Write, bad: Callable[[str], Path], name: str
) -> None:
    define("a_good_one")
    bad(name)
    reply = ask(action="start", workflow_type=name, target_file="a")
    assert reply["error_type"] == "ConfigurationError"
    assert BAD[name][1] in reply["error"]
    assert len(reply["error"]) < 2_000
    assert not home.state.exists()
    assert begun(ask, "a_good_one")["current_phase"] == 1


@pytest.mark.requirement("format:bad-files")
@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("phases/1/task-1-a.md", "phases/1/task-1-a.md: cannot be read: Permission denied"),
        ("core", "core/: cannot be read: Permission denied"),
        ("metadata.json", "metadata.json: cannot be read: Permission denied"),
    ],
)
def test_what_may_not_be_read_is_a_problem_of_its_definition_alone(
    home: Home, define: Write, name: str, problem: str
) -> None:
    define("a_good_one")
    folder = define("closed_v1", {"phases/1/task-1-a.md": "A", "core/a.md": "A"})
    (folder / name).chmod(0)
    reply = limited(home, action="list_workflows")
    (folder / name).chmod(0o700)
    (invalid,) = reply["invalid"]
    assert (invalid["workflow_type"], problem in invalid["problem"]) == ("closed_v1", True)
    assert "a_good_one" in {one["workflow_type"] for one in reply["workflows"]}


@pytest.mark.requirement("format:nothing-is-executed")
def test_nothing_of_a_definition_runs_when_it_is_listed_started_and_walked(home: Home, ask: Ask, define: Write) -> None:
    ran = home.project.parent / "ran"
    touch = f"touch {ran}"
    code = f"import os; os.system({touch!r})\n"
    files: dict[str, str | bytes] = {
        "__init__.py": code,
        "conftest.py": code,
        "core/setup.py": code,
        "phases/1/hook.sh": f"#!/bin/sh\n{touch}\n",
        "phases/1/phase.md": f"```bash\n{touch}\n```\n\n$({touch}) `{touch}` <script>{touch}</script>\n",
        "phases/1/task-1-a.md": f"## Step 1: Run\n\n```bash\n{touch}\n```\n",
        GATE: "evidence_schema: {a: {type: string, validator: \"lambda x: x != ''\"}}",
    }
    folder = define("armed_v1", files)
    (folder / "phases/1/hook.sh").chmod(0o755)
    assert "armed_v1" in {one["workflow_type"] for one in ask(action="list_workflows")["workflows"]}
    (only,) = walked(ask, "armed_v1")
    assert touch in only.instructions
    assert not ran.exists()


HOSTILE: dict[str, str] = {
    "steps": "## Step 1: a\n" * 12_000,
    "headings": "# a\n\n" * 25_000,
    "outputs": "## Outputs\n- a\n" * 10_000,
    "labels": "**A:** b\n\n" * 10_000,
    "a long run in a title": "# a " + "* " * 100_000 + "x",
    "brackets": "[[[[ " * 20_000,
    "emphasis": "*a **a _" * 10_000,
    "quotes": "> > > > > > > > a\n" * 5_000,
    "front matter without an end": "---\n" + "a: b\n" * 20_000,
    "dashes": "---\n" * 20_000,
}


@pytest.mark.requirement("format:bounded")
def test_hostile_markdown_is_started_and_served_within_bounds(home: Home, define: Write) -> None:
    files: dict[str, str | bytes] = {
        f"phases/1/task-{number}-{name.replace(' ', '-')}.md": text
        for number, (name, text) in enumerate(HOSTILE.items(), start=1)
    }
    define("hostile_v1", {**files, "phases/1/phase.md": HOSTILE["steps"]})
    with Wire(home) as wire:
        resource.prlimit(wire.process.pid, resource.RLIMIT_CPU, (SECONDS, SECONDS))
        session_id = wire.call(action="start", workflow_type="hostile_v1", target_file="a")["session_id"]
        for number, text in enumerate(HOSTILE.values(), start=1):
            reply = wire.call(action="get_task", session_id=session_id, phase=1, task_number=number)
            assert reply["status"] == "success", reply
            assert text.startswith(reply["task_content"]["instructions"])
            assert len(reply["task_content"]["instructions"]) > 20_000


@pytest.mark.requirement("format:bounded")
def test_a_metadata_file_of_repetitions_is_read_within_bounds(home: Home, define: Write) -> None:
    phases = [{"phase_number": 1, "phase_name": "P", "validation_criteria": ["a"] * 60_000}]
    define("repeated_v1", phases=phases)
    reply = limited(home, action="list_workflows")
    assert "repeated_v1" in {one["workflow_type"] for one in [*reply["workflows"], *reply["invalid"]]}


@pytest.mark.requirement("format:bounded")
def test_a_gate_of_very_many_fields_and_mistakes_is_read_within_bounds(home: Home, define: Write) -> None:
    fields = "".join(f"  field_{number}: {{}}\n" for number in range(3_000))
    rules = "".join(f"- {{rule: \"lambda e: e.get('feild_{number}')\"}}\n" for number in range(5_000))
    define("mistaken_v1", {GATE: f"evidence_schema:\n{fields}cross_field_validation:\n{rules}"})
    reply = limited(home, action="list_workflows")
    assert "mistaken_v1" in {one["workflow_type"] for one in [*reply["workflows"], *reply["invalid"]]}


@pytest.mark.requirement("format:patterns-end", "format:bounded")
def test_a_pattern_and_a_rule_that_never_end_refuse_within_bounds(home: Home, define: Write) -> None:
    gate = """
evidence_schema:
  text: {type: string, validator: matches, validator_params: {pattern: '^(a|aa|a*)*$'}}
  number: {type: integer}
cross_field_validation:
- {rule: "lambda e: sum(range(10 ** 9)) > e['number']", error_message: "is too much"}
"""
    define("endless_v1", {GATE: gate})
    session_id = limited(home, action="start", workflow_type="endless_v1", target_file="a")["session_id"]
    evidence = {"text": "a" * 60 + "b", "number": 1}
    reply = limited(home, action="complete_phase", session_id=session_id, phase=1, evidence=evidence)
    assert (reply["error_type"], reply["gate"]) == ("ValidationError", "refused")
    assert [one["field"] for one in reply["validation_errors"]] == ["text", "number"]
    assert "cannot be judged" in reply["error"]
