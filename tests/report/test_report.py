"""A report tells everything that happened to a session, and on what it rests."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from mcp_server.domain import machine
from mcp_server.domain.authority import Authority
from mcp_server.domain.checks import Budget
from mcp_server.domain.events import AttemptBegun, Finding, GateRefused, SessionImported, SessionRestored
from mcp_server.domain.session import Evidence, Item, Session
from mcp_server.engine import Call
from mcp_server.errors import CorruptStateError, NotFoundError
from mcp_server.report import COMMENT_CHARACTERS, Report, build, page
from mcp_server.report.clipping import Bounds
from mcp_server.storage.head import encode
from mcp_server.storage.log import line_after
from tests.cli.support import forge
from tests.report.conftest import Played, Site, play
from tests.support import Home, field

pytestmark = pytest.mark.integration


def report(site: Site, session: str, **bounds: int) -> Report:
    return build(site.engine, site.engine.whole(session), Bounds(**bounds))


def outcomes(told: Report, phase: int) -> list[str]:
    return [attempt.outcome for one in told.phases if one.number == phase for attempt in one.attempts]


def test_each_phase_says_on_what_it_rests(plain: Played) -> None:
    told = report(plain.site, plain.session)
    assert told.glance.phases.model_dump() == {
        "verified": (),
        "human": (4,),
        "attested": (1, 2),
        "overridden": (5,),
        "skipped": (3,),
        "not_completed": (),
    }
    assert told.glance.items.model_dump() == {"verified": 1, "human": 1, "attested": 3, "overridden": 0}
    assert (told.glance.attempts, told.glance.not_passed, told.glance.decisions) == (8, 5, 3)
    assert told.glance.checks_passed == 3
    assert not told.shortened
    assert told.phases[2].condition == "options.get('fast') == True"


def test_each_attempt_says_what_was_checked_with_which_exit_code_and_output(plain: Played) -> None:
    told = report(plain.site, plain.session)
    assert outcomes(told, 2) == ["blocked", "refused", "passed"]
    blocked, refused, passed = (attempt.rounds[0].checks[0] for attempt in told.phases[1].attempts)
    assert (blocked.id, blocked.status, blocked.runs) == ("coverage", "blocked", ())
    (run,) = refused.runs
    assert (refused.status, run.exit_code, run.stdout.text) == ("failed", 0, "a word\n")
    assert (passed.status, passed.runs[0].stdout.text) == ("passed", '{"percent": 95.5}\n')
    assert passed.value is not None
    assert passed.value.text == "95.5"
    assert [item.basis for item in told.phases[1].evidence] == ["attested", "verified"]
    assert told.phases[1].attempts[2].rounds[0].contents[0].digest
    for one in told.proof.blobs:
        assert len(plain.site.store.blob(one.sha256)) == one.bytes


def test_each_decision_says_who_made_it(plain: Played) -> None:
    told = report(plain.site, plain.session)
    rejected, approved = (attempt.decided for attempt in told.phases[3].attempts)
    overridden = told.phases[4].attempts[-1].decided
    assert rejected
    assert approved
    assert overridden
    assert (rejected.what, rejected.by.user, rejected.note) == ("rejected", "ada", "a word")
    assert (approved.what, approved.by.authenticated, approved.note) == ("approved", True, "well done")
    assert (overridden.what, overridden.by.authenticated) == ("overridden", False)
    # The start warned of commands that nobody trusts, and of the option that nothing reads.
    assert [one.kind for one in told.notices] == ["override", "attested", "person", "history", "history"]


def test_the_marks_are_those_of_the_files(plain: Played) -> None:
    site, session = plain.site, plain.session
    told = report(site, session)
    whole = site.engine.whole(session)
    assert (told.proof.seal, told.proof.key_id, told.proof.anchored) == ("sealed", whole.key_id, True)
    assert (told.proof.log_events, told.proof.log_last_line_sha256) == (len(whole.records), whole.log.hash)
    assert [one.digest for one in told.proof.definitions] == [whole.session.definition.digest]
    events = [step.event for one in told.phases for attempt in one.attempts for step in attempt.steps]
    assert sorted([*events, *(one.event for one in told.happenings)]) == [record.seq for record in whole.records]


def test_an_attempt_that_came_to_no_verdict_says_why(site: Site) -> None:
    session = site.start("asking")
    site.submit(session, 1, done="one")
    site.clock.now += timedelta(hours=100)
    site.submit(session, 1, done="two")
    assert outcomes(report(site, session), 1) == ["expired", "awaiting_approval"]
    site.engine.pause(session, "lunch", Call())
    site.engine.resume(session, Call())
    told = report(site, session)
    assert outcomes(told, 1) == ["expired", "superseded"]
    assert told.phases[0].attempts[1].steps[-1].what == "given up, since paused came first"
    assert [one.type for one in told.happenings] == ["session_started", "paused", "resumed"]
    assert told.glance.not_passed == 2


def test_an_attempt_whose_server_is_gone_is_interrupted(site: Site) -> None:
    session = site.start("asking")

    def begun(before: Session) -> AttemptBegun:
        return AttemptBegun(at=site.clock(), phase=1, attempt=1, evidence=before.options, run="0" * 32, fingerprint="f")

    site.store.update(session, begun)
    assert outcomes(report(site, session), 1) == ["interrupted"]


def test_checks_that_were_run_again_for_an_approval_are_told_twice(site: Site) -> None:
    session = site.start("asking")
    site.submit(session, 1, done="one")
    site.home.write({"src/a.py": "changed\n"})
    standing = site.engine.persons.approvals.check_again(session)
    assert standing.running is not None
    assert standing.running.wait(60)
    (attempt,) = report(site, session).phases[0].attempts
    assert attempt.outcome == "awaiting_approval"
    assert len({one.contents[0].digest for one in attempt.rounds}) == len(attempt.rounds) == 2


def test_what_was_rolled_back_is_not_accepted_and_still_told(site: Site) -> None:
    session = play(site, "a word")
    site.engine.rollback(session, 2, Call())
    site.engine.persons.set_budget(session, Authority(), {"max_tokens": 5}, "enough")
    told = report(site, session)
    assert [one.status for one in told.phases] == [
        "completed", "in_progress", "rolled_back", "rolled_back", "rolled_back",
    ]  # fmt: skip
    assert outcomes(told, 2) == ["blocked", "refused", "passed"]
    assert [one.evidence for one in told.phases[1:]] == [(), (), (), ()]
    assert told.glance.phases.not_completed == (2, 3, 4, 5)
    assert told.session.budget == Budget(max_tokens=5)
    assert told.happenings[-1].quote == "enough"


def test_a_gate_that_fails_or_sends_back_says_so(site: Site) -> None:
    session = site.start("back")
    site.submit(session, 1, done="yes")
    site.submit(session, 2, done="yes")
    told = report(site, session)
    assert outcomes(told, 2) == ["sent_back"]
    assert told.phases[1].attempts[0].steps[-1].what == "refused, and the session went back to phase 1"
    assert told.phases[1].attempts[0].advice == "Look at it"
    site.submit(session, 1)
    site.submit(session, 1)
    site.engine.persons.reopen(session, Authority(user="ada"), "once more")
    told = report(site, session)
    assert outcomes(told, 1) == ["passed", "refused", "exhausted"]
    assert told.happenings[-1].type == "phase_reopened"


def test_of_files_that_cannot_be_trusted_nothing_is_told(site: Site) -> None:
    session = play(site, "a word")
    site.home.write({})
    head = site.home.state / "workflows" / f"{session}.json"
    assert b"src/a.py" in head.read_bytes()
    head.write_bytes(head.read_bytes().replace(b'"basis": "attested"', b'"basis": "verified"'))
    for form in ("md", "html", "json"):
        with pytest.raises(CorruptStateError):
            page(site.engine, session, form)


def test_of_a_check_whose_output_was_forged_nothing_is_told(site: Site) -> None:
    session = play(site, "a word")
    (forged,) = (one for one in report(site, session).proof.blobs if one.what.endswith("phase 2, attempt 2"))
    path = site.home.state / "blobs" / forged.sha256[:2] / forged.sha256
    path.write_bytes(path.read_bytes().replace(b'"failed"', b'"passed"'))
    with pytest.raises(CorruptStateError, match="not what was stored"):
        page(site.engine, session, "md")


def test_files_that_a_person_accepted_are_vouched_for_by_nobody_before(site: Site) -> None:
    session = site.start(fast=True, target="target.py")
    site.submit(session, 1, done="yes")
    forge(site.home, session)
    with pytest.raises(CorruptStateError, match="tampered"):
        report(site, session)
    site.store.accept_seal(session, at=site.clock(), authority=Authority(user="ada"))
    told = report(site, session)
    assert told.session.target_file == "forged.py"
    assert told.proof.accepted_event == 3
    assert (told.phases[0].basis, told.phases[0].taken_over) == ("attested", True)
    assert [attempt.vouched for attempt in told.phases[0].attempts] == [False]
    assert [one.kind for one in told.notices][:2] == ["doubt", "doubt"]
    for form in ("md", "html"):
        shown = page(site.engine, session, form)
        assert "Nothing vouches for what precedes that." in shown
        assert "taken over" in shown
        assert "ot vouched for" in shown
    site.engine.rollback(session, 1, Call())
    site.submit(session, 1, done="yes")
    assert not report(site, session).phases[0].taken_over


def test_what_was_imported_is_taken_over_and_proves_nothing(site: Site, plain: Played) -> None:
    there = plain.site.store.whole(plain.session).session
    names = {there.definition.digest, *(one.sha256 for one in there.baselines.values())}
    blobs = {name: plain.site.store.blob(name) for name in names}
    session = there.model_copy(update={"version": 1, "imported_from": "elsewhere"})
    source = "<b>f00</b>"
    event = SessionImported(at=site.clock(), session=session, source=source, lost=("the name",))
    site.store.bring(event, blobs=blobs)
    told = report(site, plain.session)
    assert [one.taken_over for one in told.phases] == [True, True, False, True, True]
    assert told.glance.checks_passed == 0
    assert told.notices[0].text.startswith("Phases 1, 2, 4 and 5: that it was completed")
    assert told.happenings[0].quote == "the name"
    assert "<b>" not in page(site.engine, plain.session, "md").replace("<summary><b>", "")
    assert "completed, taken over" in page(site.engine, plain.session, "html")


def test_a_session_that_could_not_be_sealed_says_so(site: Site) -> None:
    site.home.user.rmdir()
    site.home.user.write_text("not a folder")
    session = site.start()
    told = report(site, session)
    assert (told.proof.seal, told.proof.key_id, told.proof.anchored) == ("unsealed", None, False)
    assert told.notices[0].text == (
        "The session is not sealed: changes of its files by other hands would go unnoticed."
    )
    assert "its file is not sealed;" in page(site.engine, session, "md")


def test_what_a_person_did_beside_the_gates_is_told_with_their_words(site: Site) -> None:
    session = site.start("asking")
    site.submit(session, 1, done="one")
    before = site.store.read(session)
    site.engine.persons.approvals.approve(session, site.run(session), Authority(channel="elicitation"))
    site.store.update(
        session,
        lambda _: SessionRestored(at=site.clock(), backed_up_at=before.last_updated, session=before),
    )
    assert outcomes(report(site, session), 1) == ["passed"]
    site.engine.retry_phase(session, 1, Call(), reset_evidence=True)
    site.home.define("asking", [{"number": 1, "gate": {"evidence_schema": {"done": field()}}}])
    digest = site.engine.persons.on_disk(session).digest
    site.engine.persons.repin(session, digest, Authority(user="ada"), "no need to ask")
    site.submit(session, 1, done="two")
    told = report(site, session)
    assert [(one.type, one.quote) for one in told.happenings[1:]] == [
        ("session_restored", None),
        ("phase_retried", None),
        ("repinned", "no need to ask"),
    ]
    assert "as it was on 2026-05-17" in told.happenings[1].text
    assert told.happenings[2].text == "Phase 1 was begun again, the last submission put aside."
    assert [one.digest for one in told.proof.definitions] == [before.definition.digest, digest]
    assert any("another definition (event 7)" in one.text and one.quote == "no need to ask" for one in told.notices)
    assert any("that a client answered, not that a person did" in one.text for one in told.notices)
    assert [one.number for one in told.phases[0].attempts] == [1, 2]
    assert not told.phases[0].taken_over


def test_a_session_of_thousands_of_attempts_is_told_in_a_page(site: Site) -> None:
    session = site.start()
    refuse_often(site, session, 2_000)
    told = report(site, session)
    assert (told.glance.attempts, told.glance.not_passed) == (2_000, 2_000)
    assert (len(told.phases[0].attempts), told.phases[0].attempts_left_out) == (50, 1_950)
    assert told.phases[0].attempts[-1].number == 2_000
    shown = page(site.engine, session, "md")
    assert len(shown) <= COMMENT_CHARACTERS
    assert "older attempts left out." in shown
    assert len(page(site.engine, session, "html")) < 1_000_000


def refuse_often(site: Site, session_id: str, times: int) -> None:
    """Write so many refusals at once, as a disk that never had to wait would have them."""
    inner = site.store.parts
    with inner.locked(session_id) as outcome:
        found = inner.find(session_id)
        assert found is not None
        session, mark, lines = found.page.session, found.page.log, list[bytes]()
        items = {f"item_{number}": Item(value="x" * 200) for number in range(20)}
        for number in range(1, times + 1):
            event = GateRefused(
                at=site.clock(),
                phase=1,
                attempt=number,
                evidence=Evidence(items=items),
                missing=("done",),
                findings=(Finding(field="item_1", problem="too short"),),
                outstanding=("done",),
                fingerprint=str(number),
            )
            session = machine.apply(session, event)
            line, mark = line_after(mark, event, None)
            lines.append(line)
        with found.place.log(session_id).open("ab") as log:
            log.write(b"".join(lines))
        head = encode(session, inner.guard.store, mark, {}, inner.guard.key_to_seal())
        inner.pages.write(found.place, head, outcome)


def test_a_session_that_is_not_there_is_not_found(site: Site) -> None:
    with pytest.raises(NotFoundError):
        page(site.engine, "nobody", "html")


def test_what_is_left_out_is_counted(plain: Played) -> None:
    site, session = plain.site, plain.session
    told = report(site, session, attempts_of_phase=1, items=1, checks=1, output=4, happenings=1, blobs=0, value=3)
    assert told.shortened
    assert [one.attempts_left_out for one in told.phases] == [1, 2, 0, 1, 1]
    first = told.phases[0].attempts[0]
    assert (first.outcome, len(first.evidence), first.evidence_left_out) == ("passed", 1, 1)
    assert (first.evidence[0].value.text, first.evidence[0].value.clipped, first.evidence[0].value.bytes) == (
        '"a ',
        True,
        len('"a word"'),
    )
    (check,) = told.phases[1].attempts[0].rounds[0].checks
    assert (check.runs[0].stdout.text, check.runs[0].stdout.clipped) == ("5.5}\n"[-4:], True)
    assert told.phases[1].attempts[0].rounds[0].checks_left_out == 2
    assert (len(told.happenings), told.happenings_left_out) == (1, 2)
    assert (len(told.proof.blobs), told.proof.blobs_left_out) == (0, 1)
    nothing = report(site, session, total=0)
    assert {item.value.text for one in nothing.phases for item in one.evidence} == {""}
    assert nothing.glance == told.glance


def test_json_is_the_same_data_by_its_schema(hostile: Played) -> None:
    text = hostile.page("json")
    assert text.isascii()
    told: dict[str, Any] = json.loads(text)
    schema = Report.model_json_schema(mode="serialization")
    validator: Any = Draft202012Validator(schema)
    validator.check_schema(schema)
    validator.validate(told)
    assert (told["report"], told["format_version"]) == ("pos-workflow session report", 1)
    assert Report.model_validate_json(text).glance == report(hostile.site, hostile.session).glance


@pytest.fixture
def home(home: Home) -> Home:
    gate = {"max_attempts": 2, "evidence_schema": {"done": field()}}
    home.define("asking", [{"number": 1, "gate": {**gate, "approval": {"required": True, "prompt": "Good?"}}}])
    missing = {"id": "guide", "file": "missing.md", "pass": {"exists": True}}
    back = {**gate, "checks": [missing], "on_no_go": {"rollback_to": 1, "advise": "Look at it"}}
    home.define("back", [{"number": 1, "gate": gate}, {"number": 2, "gate": back}])
    return home
