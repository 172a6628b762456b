"""What is filled into a script would be run as code: which argument of a command line is a script."""

from __future__ import annotations

import json

import pytest

from mcp_server.definitions.gate_files import read_gate
from mcp_server.definitions.scripts import names_in_code

pytestmark = pytest.mark.unit

HERE = "{target_file}"


@pytest.mark.parametrize(
    "run",
    [
        ["sh", "-c", f"wc -l {HERE}"],
        ["sh", "-c", HERE],
        ["/bin/bash", "-lc", f"cat {HERE}"],
        ["bash", "-euo", "pipefail", "-c", f"cat {HERE}"],
        ["bash", "-ceo", "pipefail", f"cat {HERE}"],
        ["bash", "--norc", "-c", "--", f"cat {HERE}"],
        ["dash", "-c", "-e", f"cat {HERE}"],
        ["zsh", "-fc", f"cat {HERE}"],
        ["ksh", "-c", f"cat {HERE}"],
        ["env", "LANG=C", "sh", "-c", f"cat {HERE}"],
        ["/usr/bin/env", "-S", f"cat {HERE}"],
        ["env", f"--split-string=cat {HERE}"],
        ["timeout", "9", "python3.11", "-Ic", f"open('{HERE}')"],
        ["python", "-X", "dev", "-W", "error", "-c", f"open('{HERE}')"],
        ["python", f"-copen('{HERE}')"],
        ["python.exe", "-c", f"open('{HERE}')"],
        ["node", "-e", f"require('{HERE}')"],
        ["node", "-pe", f"require('{HERE}')"],
        ["node", "-r", "fs", f"--eval=require('{HERE}')"],
        ["perl", "-0777ne", f"print '{HERE}'"],
        ["perl", "-MPOSIX", "-e", "1", "-E", f"print '{HERE}'"],
        ["ruby", "-ne", f"puts '{HERE}'"],
        ["php", "-r", f"include '{HERE}';"],
        ["cmd.exe", "/d/s/c", "type", HERE],
        ["powershell", "-NoProfile", "-Command", "Get-Content", HERE],
        ["pwsh", "-c", f"Get-Content {HERE}"],
    ],
)
def test_a_placeholder_in_a_script_is_found(run: list[str]) -> None:
    assert [*names_in_code(run)] == ["target_file"]


@pytest.mark.parametrize(
    "run",
    [
        ["sh", "-c", 'cat "$1"', "sh", HERE],
        ["bash", "-o", "errexit", "scripts/look", "-c", HERE],
        ["sh", HERE],
        ["python", HERE],
        ["python", "-m", "pytest", "-c", HERE],
        ["python", "-Im", "tool", "-c", HERE],
        ["python", "-c", "import sys; print(sys.argv)", HERE],
        ["python", "-cpass", HERE],
        ["python", "scripts/look.py", "-c", HERE],
        ["node", "--test", "look.js", "-e", HERE],
        ["perl", "-ne", "print", HERE],
        ["powershell", "-File", "look.ps1", HERE],
        ["pytest", "-c", HERE],
        ["grep", "-e", "x", HERE],
        ["sh", "-c", "echo {{target_file}}"],
        ["sh", "-c"],
    ],
)
def test_a_placeholder_beside_a_script_is_none_in_it(run: list[str]) -> None:
    assert [*names_in_code(run)] == []


def problems(run: list[str], **more: str) -> list[str]:
    check = {"id": "a", "run": run, "pass": {"exit_code": 0}, **more}
    gate, report = read_gate(json.dumps({"checks": [check]}), "gate.yaml")
    assert (gate.problem is not None) == bool(report.problems)
    return [f"{problem}; {problem.hint}" for problem in report.problems]


@pytest.mark.parametrize("name", ["target_file", "match"])
def test_a_files_name_in_a_script_is_an_error_that_says_where_it_belongs(name: str) -> None:
    (problem,) = problems(["sh", "-c", f"cat {{{name}}}"], for_each="*.py")
    assert f"{{{name}}} is filled into a script" in problem
    assert "an argument of its own after the script" in problem


@pytest.mark.parametrize("name", ["session_id", "phase", "project", "definition"])
def test_what_no_assistant_has_the_say_of_may_stand_in_a_script(name: str) -> None:
    assert problems(["sh", "-c", f"echo {{{name}}}"]) == []
