"""Templates: both dialects, what they do with names they do not know, and their bounds."""

from __future__ import annotations

import pytest

from mcp_server.definitions.plans.templates import MAX_DEPTH, Room, Template, TemplateError, Value

pytestmark = pytest.mark.unit

VALUES: dict[str, Value] = {
    "phase_number": 3,
    "phase_name": "Build <b>",
    "empty": "",
    "none": [],
    "flag": True,
    "steps": ["one", "two"],
    "tasks": [{"task_id": "1.1", "name": "A", "steps": ["x"]}, {"task_id": "1.2", "name": "B", "steps": []}],
}


@pytest.mark.requirement("format:templates", "format:unknown-placeholders")
@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("# Phase [PHASE_NUMBER]: [PHASE NAME]", "# Phase 3: Build <b>"),
        ("{{phase_number}}: {{ phase_name }} {{{phase_name}}} {{&phase_name}}", "3: Build <b> Build <b> Build <b>"),
        ("{{PHASE_NAME}} {{target_phase_number}} {{this.phase_number}}", "Build <b> 3 3"),
        ("[UNKNOWN]|{{unknown}}|", "||"),
        ("[x] [ ] [N] [N.1] [Brief description] [... all]", "[x] [ ] [N] [N.1] [Brief description] [... all]"),
        ("[README](a.md)[PHASE_NAME][PHASE_NUMBER]", "[README](a.md)Build <b>3"),
        ("[STEPS]", "- one\n- two"),
        ("[TASKS]", "- A\n- B"),
        ("[FLAG]", "true"),
        ("{{#each steps}}{{@index}}={{this}};{{/each}}", "0=one;1=two;"),
        ("{{#each steps}}{{.}}{{#if @last}}!{{else}},{{/if}}{{/each}}", "one,two!"),
        ("{{#each tasks}}{{task_id}} {{name}} of {{phase_number}}\n{{/each}}", "1.1 A of 3\n1.2 B of 3\n"),
        ("{{#each tasks}}{{#each steps}}{{this}}{{else}}none{{/each}};{{/each}}", "x;none;"),
        ("{{#each none}}x{{else}}nothing{{/each}}{{#each phase_name}}x{{/each}}", "nothing"),
        ("{{#if flag}}yes{{else}}no{{/if}} {{#if empty}}yes{{else}}no{{/if}} {{#if gone}}yes{{/if}}", "yes no "),
        ("{{#unless empty}}yes{{else}}no{{/unless}}", "yes"),
        ("a\n{{#if flag}}\nb\n{{/if}}\nc\n", "a\nb\nc\n"),
        ("a{{! a remark }}b{{!-- }} --}}c", "abc"),
        ("", ""),
    ],
)
def test_a_template_is_rendered(template: str, text: str) -> None:
    assert Template(template).render(VALUES) == text


def test_what_a_value_holds_is_no_template() -> None:
    assert Template("[A_B] {{a_b}}").render({"a_b": "{{phase_name}} [PHASE_NAME]"}) == " ".join(
        ["{{phase_name}} [PHASE_NAME]"] * 2
    )


def test_every_name_is_told_with_its_line() -> None:
    found = Template("[A_B]\n\n{{#each c}}\n{{d}}\n{{/each}}\n{{e}}")
    assert sorted(found.names()) == [("A_B", 1), ("c", 3), ("d", 4), ("e", 6)]


@pytest.mark.parametrize(
    ("template", "line", "message"),
    [
        ("\n{{#if a}}", 2, "{{#if}} without its end"),
        ("{{/if}}", 1, "{{/if}} without its beginning"),
        ("{{#each a}}\n{{/if}}", 2, "{{/if}} without its beginning"),
        ("{{else}}", 1, "{{else}} outside of a block"),
        ("{{#if a}}{{else}}{{else}}{{/if}}", 1, "{{else}} outside of a block"),
        ("{{#with a}}{{/with}}", 1, "none of #each, #if and #unless"),
        ("{{#each}}{{/each}}", 1, "none of #each, #if and #unless"),
        ("{{#if a}}" * (MAX_DEPTH + 1), 1, "blocks more than 20 deep"),
    ],
)
def test_a_template_that_cannot_be_read_is_refused_with_its_line(template: str, line: int, message: str) -> None:
    with pytest.raises(TemplateError) as refused:
        Template(template)
    assert (refused.value.line, message in str(refused.value)) == (line, True)


@pytest.mark.parametrize("inside", ["", "x", "{{this}}"])
def test_loops_within_loops_end(inside: str) -> None:
    template = Template("{{#each many}}" * 4 + inside + "{{/each}}" * 4)
    with pytest.raises(TemplateError, match="makes more than"):
        template.render({"many": ["a"] * 1_000})


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("a{{!-- {{phase_name}} --}}b", "ab"),
        ("a{{!--}}b", "ab"),
        ("a{{!-- never ended }}b", "ab"),
        ("a{{! never ended b", "a{{! never ended b"),
        ("{{! one }}{{!-- two --}}{{!three", "{{!three"),
        ("{{   phase_name   }}{{{ phase_name }}}", "Build <b>Build <b>"),
        ("{{ # if flag }}x{{ / if }}", "x"),
        ("  {{#if flag}}\t\nb\n\t{{/if}}", "b\n"),
        ("x {{#if flag}}\nb{{/if}} y", "x \nb y"),
    ],
)
def test_remarks_and_blanks_around_tags_leave_nothing_behind(template: str, text: str) -> None:
    assert Template(template).render(VALUES) == text


def test_several_renderings_make_no_more_together_than_there_is_room_for() -> None:
    room = Room(50)
    template = Template("0123456789")
    assert [template.render({}, room), template.render({}, room)] == ["0123456789"] * 2
    with pytest.raises(TemplateError, match="makes more than 50 characters"):
        template.render({}, room)
