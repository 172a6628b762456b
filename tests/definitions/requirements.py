"""The statements of the definition format, each with an id that the tests which hold it name.

The mechanism is that of ``tests/acceptance/requirements.py``: a statement without a test, or a mark without a
statement, fails ``test_requirements.py`` there.
"""

from __future__ import annotations

FORMAT: dict[str, str] = {
    # A definition
    "format:folder": "A workflow is a folder of that layout, read as it is and left unchanged.",
    "format:nothing-is-executed": "Nothing in a definition is executed by reading, starting or walking it.",
    # Where it is found
    "format:places": "Configured folders, the project's two, the user's, the bundled: the first has the name.",
    "format:source-and-shadows": "list_workflows says where a definition was found and which ones it hides.",
    "format:name-beats-alias": "A folder's name beats an alias, wherever either lies.",
    "format:alias-claimed-twice": "An alias that two definitions claim is an error that names both.",
    "format:broken-blocks-its-name": "A broken folder in the winning place blocks its name and never falls through.",
    "format:root-is-chosen": "The project is named by flag or environment, else by the nearest marker above.",
    "format:no-root-no-state": "Without a root session actions say how to set it, and no state is written anywhere.",
    "format:root-is-told": "The root is logged at the start of a server and shown by doctor.",
    "format:read-again-when-changed": "A definition is read again when a file of it changed, and not otherwise.",
    "format:young-files-are-not-trusted": "A file younger than two seconds is read again, changed or not.",
    "format:broken-hides-no-other": "A broken definition is listed with its problem and hides no other.",
    "format:no-link-leads-out": "A symbolic link that leads out of the definition's folder is refused.",
    # Its files
    "format:text": "Text is UTF-8 with LF or CRLF, with or without a byte order mark.",
    "format:front-matter": "Markdown may have a YAML front matter, which is no part of the instructions.",
    "format:reference-material": "core, supporting-docs and README.md may be there, and nothing requires them.",
    # metadata.json
    "format:required-keys": "workflow_type, version, name, description and phases are required.",
    "format:unknown-keys-are-kept": "Unknown keys of the metadata are kept, and refuse nothing.",
    "format:informative-keys": "Every informative key of the metadata is taken in its type, and changes no phase.",
    "format:total-phases": "total_phases is derived where it is absent, and a mismatch is a warning of validate.",
    "format:category": "A definition without a category is uncategorized.",
    "format:either-spelling": "target_language or target_languages, primary_outputs or artifacts: either is read.",
    "format:aliases": "aliases are further names that start accepts.",
    "format:start-phase": "A session begins at start_phase, else at the lowest phase number.",
    "format:dynamic-config": "dynamic_config names the option, the parser, and the templates in either form of path.",
    "format:phase-range": "A phase_number such as 1-N stands for the plan's phases and is no phase itself.",
    "format:phase-keys": "Purpose, effort and the named file of a phase are read; keys that inform are let be.",
    "format:skippable": "A skippable phase whose condition holds over the options is skipped, and no other.",
    "format:task-keys": "A task of the metadata has a number, a name, a file and a purpose.",
    # What real folders do
    "format:folder-of-another-name": "Where they differ the folder's name is the id, and workflow_type an alias.",
    "format:halves-of-a-phase": "A phase without a folder and a folder without an entry are both phases.",
    "format:tasks-without-files": "A task whose file is not there is served as missing, and validate warns.",
    "format:files-without-tasks": "A task file that no entry names is a task.",
    "format:number-of-the-metadata": "The metadata's number of a task beats the one in the file's name.",
    "format:order-of-tasks": "There may be a task 0, and task 10 comes after task 9.",
    "format:numbers-of-phases": "Phases begin at 0 or 1 and may have holes.",
    "format:gate-file-wins": "A gate file beats the metadata's required_evidence, and validate warns of other names.",
    "format:strays-beside": "Hidden and stray files beside the workflow folders are passed over.",
    # gate-definition.yaml
    "format:gate-file": "A gate file says its fields, rules, validators and attempts, and is judged by them.",
    "format:types": "A field takes its type: true is no integer, an integer is a number and a float.",
    "format:false-is-not-shown": "A required boolean that is false has not been shown, unless false is wanted.",
    "format:not-strict": "strict: false makes a wrong optional field a warning, and nothing else.",
    "format:validators": "Every built-in validator accepts what it names and nothing else.",
    "format:patterns-end": "A regular expression that does not end is cut off, and refuses.",
    "format:expressions": "Lambdas are read as a small safe language and run within bounds.",
    "format:no-eval": "A lambda beyond the language makes the gate invalid, which blocks and says why.",
    "format:required-evidence": "Without a gate file required_evidence is required, of any type, not empty or false.",
    "format:validation-criteria": "Without either validation_criteria become required booleans, by one slug rule.",
    "format:summary": "A phase that asks for nothing asks for a summary.",
    "format:unknown-evidence": "Evidence that the schema does not know is kept as attested.",
    "format:broken-gate": "A gate that is broken is listed with its line, start refuses it, and pinned it blocks.",
    "format:from-check": "A field that a check fills in is not asked of the assistant.",
    "format:rule-that-raises": "A rule that raises on the evidence at hand is a finding of a refusal.",
    "format:newer-key-blocks": "A key whose machinery the program does not have blocks its gate.",
    # Task files
    "format:title-of-a-task": "A task's title is the metadata's, else its first heading's, else its file name's.",
    "format:commonmark": "Markdown is CommonMark: what stands in a code block is no heading.",
    "format:description": "A description is the section Objective or Purpose, else the first paragraph.",
    "format:steps": "Steps are headings Step N, else a numbered list under a heading, with code as commands.",
    "format:artifacts": "Artifacts are the items under such headings and produces in the front matter.",
    "format:verbatim": "get_task gives the file's Markdown byte for byte, less front matter and byte order mark.",
    # Plans
    "format:plan-option": "The option of source_path_key names the plan: a file, or a folder that holds it.",
    "format:fixed-phases-first": "The fixed phases come first, then the plan's, then those that close.",
    "format:plan-headings": "Phases of a plan are headings at the highest level that has tasks beneath.",
    "format:plan-decoys": "What only mentions a phase, or stands in a code block, is no phase.",
    "format:plan-tasks": "Tasks of a plan are headings or list items, in each of the forms people use.",
    "format:plan-phase-fields": "A plan's phase says its objective, duration, dependencies and deliverables.",
    "format:plan-gate": "A plan's checklist becomes required booleans; its commands are shown as text.",
    "format:plan-task-fields": "A plan's task says its time, dependencies, steps and acceptance criteria.",
    "format:plan-numbers-of-its-own": "A phase 0 counts, and a plan's numbers may have holes.",
    "format:no-phase-no-session": "A plan without a phase is an error that says what was sought; no session begins.",
    "format:yaml-plan": "A plan in YAML gives the same, with gates of typed evidence.",
    "format:templates": "Both dialects of templates are rendered, found by either form of their path.",
    "format:unknown-placeholders": "A placeholder that stands for nothing is empty, and validate warns.",
    "format:numbering": "A plan's phases follow the last fixed one and keep their own number in plan_phase.",
    "format:the-real-plan": "A real plan is walked to its end, each gate refusing nothing and all false.",
    # Pinning
    "format:pinned": "A session is served what it began with, whatever becomes of the definition's files.",
    "format:plan-is-pinned": "A session is served the plan it began with, whatever becomes of the plan.",
    "format:shared-copy": "Sessions with the same content share one stored copy, named by its SHA-256.",
    "format:moved-on": "get_session says that the source has moved on; only a new start follows.",
    # What is bad
    "format:bad-files": "An unreadable, circular, too large or binary file is a clear error of its own definition.",
    "format:bad-documents": "Aliases, tags, depth and other excess in YAML and JSON are errors with their line.",
    "format:bad-plans": "A plan that cannot be worked off is refused with what is wrong and where.",
    "format:bounded": "Reading and serving take time in proportion to what is there, whatever it is.",
}
