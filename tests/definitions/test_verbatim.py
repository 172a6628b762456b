"""What ``get_task`` returns is the file's Markdown, byte for byte, with what was made out in it beside."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_server.definitions.markdown import read_markdown
from tests.definitions.conftest import Write
from tests.definitions.seen import begun, phase, task
from tests.support import Ask, Body, Home
from tests.wire import Wire

pytestmark = pytest.mark.integration

NESTED = """# Task 1: Fences

## Step 1: A fence in a fence

````markdown
```bash
# Step 7: no step
```
````

~~~
# Step 8: none either
~~~

    # Step 9: indented code

## Step 2: In a list

- an item

  ```python
  # Step 10: code of the item
  ```
"""

TABLE = """| Step | What |
|------|------|
| Step 1: no heading | `a \\| b` |

<details><summary># Step 2: no heading</summary>

**bold** <b>html</b> &amp; &nbsp; \\# escaped

<!-- ## Step 3: a remark -->
</details>
"""

EMOJI = "# 🚀 Task 1: Lift off 🚀\n\n## 🎯 Objective\n\nUp 👩‍👩‍👧‍👦 and away.\n\n### ✅ Step 1: 🧪 Probe\n\n1️⃣ now\n"

FRONT = "---\ntitle: Fronted\nproduces: [report.md]\nestimated_time: 5 minutes\n---\n"

STRANGE = "a\x0bb\x0cc\x1cd\u0085e\u2028f\u2029g\u200b\u202eh\ufeffi\x00j\x1bk\x7f \ud7ff\ue000\U0010ffff\n\n\n\t\n  \n"

LONG = "".join(f"## Step {number}: Part {number}\n\nText of {number}: {'ä' * 900}\n\n" for number in range(1, 301))

FILES: dict[str, tuple[str, str]] = {
    "nested fences": (NESTED, NESTED),
    "a table and html": (TABLE, TABLE),
    "emoji": (EMOJI, EMOJI),
    "windows line ends": (NESTED.replace("\n", "\r\n"), NESTED.replace("\n", "\r\n")),
    "old line ends": ("# A\r\rB\r", "# A\r\rB\r"),
    "mixed line ends": ("# A\r\n\nB\r\rC\n\r\n", "# A\r\n\nB\r\rC\n\r\n"),
    "a byte order mark": ("\ufeff# A\n", "# A\n"),
    "a byte order mark before front matter": ("\ufeff" + FRONT + "# A\n", "# A\n"),
    "front matter": (FRONT + "\n\n# A\n---\nB\n---\n", "\n\n# A\n---\nB\n---\n"),
    "front matter of windows": (FRONT.replace("\n", "\r\n") + "\r\n# A\r\n", "\r\n# A\r\n"),
    "front matter alone": (FRONT, ""),
    "rules that are no front matter": ("---\n\nA\n---\nB", "---\n\nA\n---\nB"),
    "front matter that cannot be read": ("---\na: [\n---\nB", "---\na: [\n---\nB"),
    "nothing": ("", ""),
    "blank lines": ("\n\n \n", "\n\n \n"),
    "no heading": ("Just do it.", "Just do it."),
    "no line end": ("# A", "# A"),
    "strange characters": (STRANGE, STRANGE),
    "trailing blanks": ("# A  \n\ttext\t \n\n\n\n", "# A  \n\ttext\t \n\n\n\n"),
    "a very long file": (LONG, LONG),
    "a very long line": ("x" * 400_000 + "\n" + "日本語" * 40_000, "x" * 400_000 + "\n" + "日本語" * 40_000),
}


@pytest.fixture
def read(ask: Ask, define: Write) -> Any:
    """Reads the one task of a definition, whose file is given."""

    def reading(text: str, name: str = "task-1-the-slug.md") -> Body:
        define("one_v1", {f"phases/1/{name}": text})
        return task(ask, begun(ask, "one_v1")["session_id"], 1, 1)

    return reading


@pytest.mark.requirement("format:verbatim", "format:front-matter", "format:text")
@pytest.mark.parametrize(("written", "seen"), FILES.values(), ids=list(FILES))
def test_a_task_is_served_as_it_is_written(read: Any, written: str, seen: str) -> None:
    assert read(written)["instructions"] == seen


@pytest.mark.requirement("format:verbatim", "format:front-matter")
@pytest.mark.parametrize(("written", "seen"), FILES.values(), ids=list(FILES))
def test_the_instructions_of_a_phase_are_served_as_they_are_written(
    ask: Ask, define: Write, written: str, seen: str
) -> None:
    define("one_v1", {"phases/1/phase.md": written})
    assert phase(ask, begun(ask, "one_v1")["session_id"]).instructions == seen


@pytest.mark.requirement("format:verbatim")
@given(text=st.text(alphabet=st.sampled_from("-a:#`\r\n \t.") | st.characters(codec="utf-8"), max_size=60))
def test_whatever_is_written_is_what_is_left_behind_the_front_matter(text: str) -> None:
    found = read_markdown(text.encode())
    plain = text.removeprefix("\ufeff")
    assert plain.endswith(found.body)
    assert plain == found.body or plain.startswith("---")


@pytest.mark.requirement("format:commonmark", "format:steps")
def test_the_steps_stand_beside_the_text_and_what_only_looks_like_one_is_none(read: Any) -> None:
    first, second = read(NESTED)["execution_steps"]
    assert (first["step"], first["title"]) == (1, "A fence in a fence")
    assert first["commands"] == ["```bash\n# Step 7: no step\n```", "# Step 8: none either"]
    assert (second["title"], second["commands"]) == ("In a list", ["# Step 10: code of the item"])
    assert read(TABLE)["execution_steps"] == []


@pytest.mark.requirement("format:steps", "format:artifacts", "format:description")
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_line_ends_make_no_difference_to_what_is_made_out(read: Any, line_end: str) -> None:
    text = "# T\n\n## Objective\n\nOne\ntwo.\n\n## Step 1: A\n\nDo\nit.\n\n```sh\nls\npwd\n```\n\n"
    text += "## Outputs\n\n- a.md\n- b.md\n"
    content = read(text.replace("\n", line_end))
    assert content["description"] == "One\ntwo."
    assert content["execution_steps"] == [{"step": 1, "title": "A", "description": "Do\nit.", "commands": ["ls\npwd"]}]
    assert content["artifacts_to_produce"] == ["a.md", "b.md"]


@pytest.mark.requirement("format:title-of-a-task")
@pytest.mark.parametrize(
    ("written", "title"),
    [
        (EMOJI, "Lift off 🚀"),
        (NESTED, "Fences"),
        ("```\n# Code\n```\n\nTitle\n=====\n", "Title"),
        ("# Task 1.2: The *very*   first:\n", "The *very* first"),
        ("No heading", "The slug"),
        ("", "The slug"),
        (FRONT, "The slug"),
    ],
)
def test_a_title_is_the_first_heading_else_the_file_s_name(read: Any, written: str, title: str) -> None:
    assert read(written)["title"] == title


@pytest.mark.requirement("format:title-of-a-task", "format:task-keys")
def test_a_title_and_a_time_of_the_metadata_come_first(ask: Ask, define: Write) -> None:
    entry = {"task_number": 4, "name": "As listed", "file": "task-1-a.md", "purpose": "Why", "estimated_time": "1 h"}
    phases = [{"phase_number": 1, "phase_name": "P", "tasks": [entry]}]
    define("one_v1", {"phases/1/task-1-a.md": FRONT + "# As written\n"}, phases=phases)
    content = task(ask, begun(ask, "one_v1")["session_id"], 1, 4)
    assert (content["title"], content["instructions"]) == ("As listed", "# As written\n")
    assert (content["description"], content["estimated_duration"]) == ("Why", "1 h")
    assert content["artifacts_to_produce"] == ["report.md"]


@pytest.mark.requirement("format:verbatim")
def test_all_steps_of_a_very_long_task_are_there_in_their_order(read: Any) -> None:
    content = read(LONG)
    assert [step["step"] for step in content["execution_steps"]] == list(range(1, 301))


@pytest.mark.requirement("format:verbatim")
def test_every_character_comes_through_the_protocol(home: Home, define: Write) -> None:
    text = STRANGE + EMOJI + NESTED.replace("\n", "\r\n")
    define("one_v1", {"phases/1/task-1-a.md": text})
    with Wire(home) as wire:
        assert task(wire.call, begun(wire.call, "one_v1")["session_id"], 1, 1)["instructions"] == text
