"""``doctor``: whether everything is in order here, and whether the product works on this machine at all."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.text import Text

from mcp_server.cli.diagnosis import Diagnosis, diagnose
from mcp_server.cli.failures import CommandError, UsageError
from mcp_server.cli.mending import mend
from mcp_server.cli.output import complain, console, note, print_json, say, table, text
from mcp_server.cli.parameters import AsJson, Ctx
from mcp_server.cli.selftest import run_selftest
from mcp_server.cli.selftest_report import markdown
from mcp_server.cli.wording import for_person

_STYLES = {"ok": "green", "note": "yellow", "problem": "bold red"}


def doctor(
    *,
    json: AsJson = False,
    selftest: Annotated[
        bool, Parameter(help="Run a server in a scratch project: every action, every shipped workflow to its end.")
    ] = False,
    fix: Annotated[
        bool, Parameter(help="Mend damaged sessions: rebuild what is proven, put into quarantine what is not.")
    ] = False,
    dry_run: Annotated[bool, Parameter(help="With --fix: say what would be done; change nothing.")] = False,
    report: Annotated[Path | None, Parameter(help="With --selftest: write the report to this file.")] = None,
    ctx: Ctx,
) -> int:
    """Look whether everything is in order: settings and their origin, folders, locks, sessions, definitions, versions.

    Exit code 1: something needs a person. With `--selftest` it proves the product on this machine instead, touching
    nothing of the project, and prints a validation report in Markdown.

    With `--fix` it looks at all of every session and mends: a file that the session's log makes byte for byte as it was
    last sealed is rebuilt; one of which that is not certain is moved to the quarantine with its log and the reason,
    and stays listed. What needs a person is left and named. Exit code 1: something is left.
    """
    if dry_run and not fix:
        raise UsageError("Only --fix changes anything.", "Add --fix, or leave out --dry-run.")
    if fix:
        if selftest:
            raise UsageError("--fix and --selftest are two things.", "Give one of them.")
        return mend(ctx.store, dry_run=dry_run, json=json)
    if selftest:
        if json:
            raise UsageError("The self-test's report is Markdown.", "Leave out --json.")
        return _selftest(report)
    if report is not None:
        raise UsageError("Only the self-test writes a report.", "Add --selftest.")
    diagnosis = diagnose(ctx.loaded)
    if json:
        print_json({"ok": diagnosis.ok, **asdict(diagnosis)})
    else:
        _show(diagnosis)
    return 0 if diagnosis.ok else 1


def _show(diagnosis: Diagnosis) -> None:
    table(("SETTING", "VALUE", "FROM"), [(one.name, one.value, one.origin) for one in diagnosis.settings])
    say()
    table(("VERSION OF", ""), list(diagnosis.versions.items()))
    say()
    out = console()
    for finding in diagnosis.findings:
        mark = Text(f"{finding.level:<8}", _STYLES[finding.level])
        out.print(Text.assemble(mark, text(f"{finding.about}: {finding.says}")), soft_wrap=True)
        if finding.remedy:
            out.print(text(f"{'':<8}{for_person(finding.remedy)}", "dim"), soft_wrap=True)
    say()
    problems = sum(1 for finding in diagnosis.findings if finding.level == "problem")
    if problems:
        complain(f"{problems} of these need a person.", kind="doctor")
    else:
        say("All is well.", "bold green")


def _selftest(report: Path | None) -> int:
    note("Running a server in scratch projects, with their tests; this takes a minute or two …")
    outcome = run_selftest()
    written = markdown(outcome)
    if report is None:
        say(written)
    else:
        try:
            report.write_text(written + "\n", encoding="utf-8")
        except OSError as error:
            say(written)
            raise CommandError(f"The report cannot be written: {error.strerror}.", "Give another file.") from None
        say(f"{'Passed' if outcome.ok else 'Failed'}; the report is in {report}.")
    for issue in outcome.issues:
        complain(issue, kind="issue")
    return 0 if outcome.ok else 1
