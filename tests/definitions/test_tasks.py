"""What is made out in a task's Markdown, as people write it."""

from __future__ import annotations

import pytest

from mcp_server.definitions.tasks import task_content
from mcp_server.domain.definition import Step, Task, TaskContent

pytestmark = pytest.mark.unit


def content(body: str, **options: object) -> TaskContent:
    return task_content(Task.model_validate({"number": 1, "title": "T", "body": body, **options}))


REAL = """# Task 0: Create the folder

**Phase:** 0 (Documents)
**Purpose:** Create a folder
**Estimated Time:** 1 minute

---

## 🎯 Objective

Create the folder with the right name.
It sorts by date.

---

## Naming

- one rule

## Steps

### Step 1: Choose a name

From the options:

```bash
# Step 9: not a heading
echo name
```

📊 Count it.

#### Detail

```python
x = 1
```

### Step 2

Make it.

1. with care

## ✅ Expected Output:

- [ ] `specs/` - the folder
  - nested is left out
- [x] A note
  with more

---

## Deliverables

1. A note
2. A list
"""


@pytest.mark.requirement("format:commonmark", "format:steps", "format:artifacts", "format:description")
def test_a_task_as_people_write_it_is_taken_apart() -> None:
    found = content(REAL)
    assert found.title == "T"
    assert found.description == "Create the folder with the right name.\nIt sorts by date."
    assert found.execution_steps == (
        Step(
            step=1,
            title="Choose a name",
            description="From the options:\n\n\n📊 Count it.\n\n#### Detail",
            commands=("# Step 9: not a heading\necho name", "x = 1"),
        ),
        Step(step=2, title="Step 2", description="Make it.\n\n1. with care"),
    )
    assert found.artifacts_to_produce == ("`specs/` - the folder", "A note", "A list")
    assert found.estimated_duration == "1 minute"
    assert (found.instructions, found.missing) == (REAL, False)


@pytest.mark.requirement("format:description")
@pytest.mark.parametrize(
    ("body", "description"),
    [
        ("# Title\n\nThe first\nparagraph.\n\nThe second.", "The first\nparagraph."),
        ("## Objectives\nMany.\n## Purpose\nNone.", "Many."),
        ("Intro\n\nPurpose\n-------\n\nA *setext* one.", "A *setext* one."),
        ("**Purpose**: Said in a label\n\nText", "Said in a label"),
        ("**Objective:** Said\n**Owner:** me", "Said"),
        ("## Objective\n\n## Other\n\nText", "Text"),
        ("```\ncode\n```", "Said in the metadata"),
        ("", "Said in the metadata"),
    ],
)
def test_the_description_is_the_objective_else_the_first_paragraph(body: str, description: str) -> None:
    assert content(body, purpose="Said in the metadata").description == description


@pytest.mark.requirement("format:steps")
def test_a_numbered_list_below_steps_counts_as_steps() -> None:
    found = content(
        "## Instructions\n\n3. Read\n   closely\n\n   ```sh\n   ls\n   ```\n\n   Then rest.\n4. Write\n5.\n\n"
        "## More\n\n1. other"
    )
    assert found.execution_steps == (
        Step(step=3, title="Read", description="closely\nThen rest.", commands=("ls",)),
        Step(step=4, title="Write"),
        Step(step=5, title="Step 5"),
    )


@pytest.mark.requirement("format:steps")
@pytest.mark.parametrize("heading", ["Steps", "🔧 Steps:", "Instructions", "Execution"])
def test_the_headings_of_listed_steps_are_known(heading: str) -> None:
    assert [step.title for step in content(f"### {heading}\n\n1. Do").execution_steps] == ["Do"]


@pytest.mark.parametrize(
    "body", ["1. Not below a heading", "## Steps\n\n- no numbers", "## Notes\n\n1. x", "#Steps\n\n1. x"]
)
def test_other_lists_are_no_steps(body: str) -> None:
    assert content(body).execution_steps == ()


@pytest.mark.requirement("format:artifacts")
@pytest.mark.parametrize(
    "heading", ["Outputs", "Expected Output", "Deliverables", "Artifacts", "Produces", "📦 OUTPUTS:"]
)
def test_the_headings_of_artifacts_are_known(heading: str) -> None:
    assert content(f"## {heading}\n\n* a.md\n").artifacts_to_produce == ("a.md",)


@pytest.mark.requirement("format:artifacts", "format:front-matter")
@pytest.mark.parametrize(("produces", "artifacts"), [(["a.md", "b.md"], ("a.md", "b.md", "c.md")), ("c.md", ("c.md",))])
def test_the_front_matter_can_name_artifacts(produces: object, artifacts: tuple[str, ...]) -> None:
    assert content("## Outputs\n- c.md\n", front_matter={"produces": produces}).artifacts_to_produce == artifacts


def test_the_duration_of_the_metadata_comes_first() -> None:
    assert content("**Duration:** 1 h", estimated_duration="2 h").estimated_duration == "2 h"
    assert content("**Duration:** 1 h").estimated_duration == "1 h"


def test_a_missing_task_says_so_and_keeps_its_purpose() -> None:
    found = content("", missing=True, purpose="Because")
    assert found == TaskContent(title="T", description="Because", instructions="", missing=True)


def test_strange_line_separators_do_not_shift_the_text() -> None:
    assert content("a\x0cb\u2028c\n\n## Objective\n\nRight.").description == "Right."
