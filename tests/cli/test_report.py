"""``report`` on the command line: one page, printed or written, and nothing of files that cannot be trusted."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.cli.support import Cli, forge, run_process
from tests.report.html_pages import Page
from tests.support import Ask, arrange

pytestmark = pytest.mark.integration


def test_it_prints_markdown(cli: Cli, ask: Ask) -> None:
    ran = cli("report", arrange(ask, "completed"))
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("# Session report: `The steps workflow`\n\nOn `target.py`. **Completed on ")
    assert "Of 3 phases: 3 attested.**" in ran.out


def test_it_writes_a_file_and_says_so(cli: Cli, ask: Ask, tmp_path: Path) -> None:
    session, page = arrange(ask, "refused"), tmp_path / "report.html"
    ran = cli("report", session, "--format", "html", "--output", str(page))
    assert (ran.code, ran.out, ran.err) == (0, "", f"{session}: the report is in {page}.\n")
    assert Page(page.read_text(encoding="utf-8")).problems == []
    mask = os.umask(0)
    os.umask(mask)
    assert page.stat().st_mode & 0o777 == 0o666 & ~mask


def test_a_file_that_cannot_be_written_is_said(cli: Cli, ask: Ask, tmp_path: Path) -> None:
    ran = cli("report", arrange(ask, "open"), "--output", str(tmp_path))
    assert (ran.code, ran.out) == (1, "")
    assert "cannot be written" in ran.err
    assert "Name another file." in ran.err


def test_json_is_for_programs(ask: Ask, cli: Cli) -> None:
    session = arrange(ask, "blocked")
    ran = run_process(cli.home, "report", session, "--format", "json", LC_ALL="C")
    assert (ran.code, ran.err) == (0, "")
    told = json.loads(ran.out)
    assert (told["session"]["session_id"], told["session"]["gate"]) == (session, "blocked")
    assert [one["outcome"] for one in told["phases"][1]["attempts"]] == ["blocked"]


def test_of_forged_files_nothing_is_told_and_nothing_is_written(cli: Cli, ask: Ask, tmp_path: Path) -> None:
    session, page = arrange(ask, "completed"), tmp_path / "report.md"
    forge(cli.home, session)
    for arguments in ((), ("--output", str(page))):
        ran = cli("report", session, *arguments)
        assert (ran.code, ran.out) == (1, "")
        assert "tampered: its file was changed by something else than this program" in ran.err
    assert not page.exists()


def test_a_session_that_is_not_there_is_answered_as_elsewhere(cli: Cli) -> None:
    assert cli("report", "nobody") == cli("session", "nobody")
    assert cli("report", "nobody").code == 1
    assert cli("report", "nobody", "--format", "pdf").code == 2
