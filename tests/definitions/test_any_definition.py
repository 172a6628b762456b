"""Whatever stands in the files of a definition: it is read, or its problems are named, and its gates hold."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from mcp_server.definitions.bundle import Bundle
from mcp_server.definitions.parse import parse
from mcp_server.definitions.tasks import task_content
from mcp_server.domain.gates import evidence_schema, judge

pytestmark = pytest.mark.unit

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 12)
    | st.floats()
    | st.sampled_from(["", "a", "1-N", "task-1-a.md", "off"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "mode", "required"]), inner, max_size=3)
    ),
    max_leaves=5,
)


def mapping(*keys: str, **known: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries({}, optional={**dict.fromkeys(keys, VALUES), **known}) | VALUES


TASKS = st.lists(mapping("task_number", "name", "file", "purpose"), max_size=3) | VALUES
PHASES = st.lists(
    mapping(
        *("phase_number", "phase_name", "purpose", "estimated_effort", "file", "validation_criteria"),
        tasks=TASKS,
        checkpoint=mapping("required_evidence"),
    ),
    max_size=3,
)
METADATA = st.fixed_dictionaries(
    dict.fromkeys(["workflow_type", "version", "name", "description"], st.just("a")),
    optional={
        **dict.fromkeys(["category", "aliases", "tags", "start_phase", "budget"], VALUES),
        **dict.fromkeys(["dynamic_phases", "total_phases", "artifacts", "estimated_duration"], VALUES),
        "phases": PHASES | VALUES,
    },
)
VALIDATORS = st.sampled_from(["positive", "between", "matches", "one_of", "own", "lambda x: x > 1", "gone"])
FIELD = mapping("type", "required", "description", "from_check", "validator_params", validator=VALIDATORS)
GATE = mapping(
    *("checkpoint", "checks", "approval", "protected_paths", "on_no_go", "max_attempts", "reopen", "other"),
    evidence_schema=st.dictionaries(st.sampled_from(["a", "b", "c"]), FIELD, max_size=3) | VALUES,
    validators=st.dictionaries(st.just("own"), st.sampled_from(["lambda x: x", "x", "lambda x: y"])) | VALUES,
    cross_field_validation=st.lists(mapping("error_message", rule=st.just("lambda e: e['a']")), max_size=2) | VALUES,
)
MARKDOWN = st.lists(
    st.sampled_from(
        ["# A", "## Step 1: B", "```", "- x", "1. y", "---", "a: [", "**Purpose:** z", "## Outputs", "", "> q", "\t"]
    ),
    max_size=9,
).map("\n".join)


class Nothing:
    def file_exists(self, path: str) -> bool:
        return not path

    def matches(self, pattern: str, text: str) -> bool:
        return pattern == text


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(metadata=METADATA, gate=GATE, markdown=MARKDOWN, evidence=st.dictionaries(st.sampled_from("abc"), VALUES))
def test_any_definition_is_read_or_its_problems_are_named(
    metadata: Any, gate: Any, markdown: str, evidence: dict[str, Any]
) -> None:
    files = {
        "metadata.json": json.dumps(metadata).encode(),
        "phases/1/gate-definition.yaml": json.dumps(gate).encode(),
        "phases/1/phase.md": markdown.encode(),
        "phases/1/task-1-a.md": markdown.encode(),
    }
    parsed = parse(Bundle("sample", files))
    assert parsed.workflow is not None or parsed.errors
    for phase in parsed.workflow.phases if parsed.workflow else ():
        verdict = judge(phase.gate, evidence, Nothing())
        assert verdict.outcome != "passed" or not (verdict.missing or verdict.findings or verdict.blocked_by)
        assert (verdict.outcome == "blocked") == bool(phase.gate.problem or phase.gate.unsupported)
        Draft202012Validator.check_schema(evidence_schema(phase.gate))
        for task in phase.tasks:
            assert task_content(task).instructions == task.body


@given(data=st.binary(max_size=60))
def test_any_bytes_in_the_files_of_a_definition_are_a_problem_and_no_crash(data: bytes) -> None:
    names = ("metadata.json", "phases/1/gate-definition.yaml", "phases/1/task-1-a.md")
    sound = b'{"workflow_type":"a","version":"1","name":"A","description":"A","phases":[]}'
    for name in names:
        parse(Bundle("sample", {"metadata.json": sound, "phases/1/phase.md": b"", name: data}))
