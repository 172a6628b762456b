"""The phases of a session with every attempt at their gates, as far as there is room."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from mcp_server.domain.definition import Workflow
from mcp_server.domain.events import Event, GateBlocked, PhaseOverridden, Skipped, WorkflowOverridden
from mcp_server.domain.session import PhaseRecord, Session, Usage
from mcp_server.report import model
from mcp_server.report.attempts import OfAttempt, Pass, Refusal, Tried
from mcp_server.report.clipping import Clipper
from mcp_server.report.exhibits import Exhibits
from mcp_server.report.wording import step
from mcp_server.storage.verification import Whole


class Phases:
    """Makes the phases of one report. ``session`` is as it shows at this moment, with the definition that it pins."""

    def __init__(
        self, whole: Whole, session: Session, workflow: Workflow, tried: Sequence[Tried], exhibits: Exhibits
    ) -> None:
        self._whole = whole
        self._session = session
        self._workflow = workflow
        self._tried = tried
        self._exhibits = exhibits
        self._clipper: Clipper = exhibits.clipper
        self._accepting = {id(one) for one in tried if self._is_accepted(one)}
        self._shown = self._chosen()

    def __iter__(self) -> Iterator[model.Phase]:
        conditions = {one.phase: one.condition for record in self._whole.records for one in _skipped(record.event)}
        by_phase: dict[int, list[Tried]] = {}
        for one in self._tried:
            by_phase.setdefault(one.phase, []).append(one)
        records = {record.phase: record for record in self._session.phase_history}
        for number in sorted({*self._session.phases, *by_phase}):
            yield self._phase(number, records.get(number), by_phase.get(number, []), conditions.get(number))

    def _is_accepted(self, tried: Tried) -> bool:
        """Whether what the session accepts of a phase is what this attempt's gate, or a person, let pass."""
        event, session = tried.last, self._session
        if not isinstance(event, Pass) or not self._is_vouched(tried) or event.phase not in session.completed_phases:
            return False
        record = session.record_of(event.phase)
        logged = (event.basis, event.attempt, event.at, event.evidence)
        return logged == (record.basis, record.attempt, record.completed_at, session.artifacts.get(event.phase))

    def _is_vouched(self, tried: Tried) -> bool:
        return tried.told[0].seq > self._whole.accepted

    def _chosen(self) -> set[int]:
        """The attempts that are told in full: of each phase the newest, and the one that is accepted."""
        bounds = self._clipper.bounds
        of_phase: Counter[int] = Counter()
        chosen: set[int] = set()
        for tried in reversed(self._tried):
            few = of_phase[tried.phase] < bounds.attempts_of_phase and len(chosen) < bounds.attempts
            if few or id(tried) in self._accepting:
                of_phase[tried.phase] += 1
                chosen.add(id(tried))
        return chosen

    def _phase(
        self, number: int, record: PhaseRecord | None, tried: Sequence[Tried], condition: str | None
    ) -> model.Phase:
        definition = self._workflow.phase(number)
        status: model.PhaseStatus = record.status if record else "not_reached"
        accepted = self._session.artifacts.get(number)
        evidence, left_out = self._exhibits.evidence(accepted, f"phase {number}") if accepted else ((), 0)
        # The newest first: the room is for them.
        shown = [self._attempt(one) for one in reversed(tried) if id(one) in self._shown][::-1]
        done = record if record and status == "completed" else None
        return model.Phase(
            number=number,
            title=self._clipper.said(definition.title if definition else None) or f"Phase {number}",
            status=status,
            basis=done.basis if done else None,
            taken_over=done is not None and not any(id(one) in self._accepting for one in tried),
            condition=self._clipper.said(condition) if status == "skipped" else None,
            started_at=record.started_at if record and status != "skipped" else None,
            completed_at=done.completed_at if done else None,
            duration_seconds=done.duration_seconds if done else None,
            asked=self._asked(number),
            checks=_counted(tried),
            attempts_made=sum(one.outcome(None) != "overridden" for one in tried),
            decided=next((what for one in reversed(tried) if (what := _decided(one.last))), None),
            evidence=evidence,
            evidence_left_out=left_out,
            attempts=tuple(shown),
            attempts_left_out=self._clipper.left_out(len(tried) - len(shown)),
        )

    def _asked(self, number: int) -> model.Asked:
        phase = self._workflow.phase(number)
        if phase is None:
            return model.Asked()
        gate = phase.gate
        said = self._clipper.said
        return model.Asked(
            evidence=tuple(field.name for field in gate.fields if field.required),
            checks=tuple(
                model.AskedCheck(id=check.id, kind=check.kind, description=said(check.description) or "")
                for check in gate.checks
            ),
            protected_paths=gate.protected_paths,
            approval=gate.approval is not None,
        )

    def _attempt(self, tried: Tried) -> model.Attempt:
        last, where = tried.last, f"phase {tried.phase}, attempt {tried.number}"
        handed = tried.latest("evidence")
        evidence, left_out = self._exhibits.evidence(handed, where) if handed else ((), 0)
        ended = tried.given_up_by.event.at if tried.given_up_by else last.at
        return model.Attempt(
            number=tried.number,
            outcome=tried.outcome(self._session.gate),
            basis=last.basis if isinstance(last, Pass) else None,
            vouched=self._is_vouched(tried),
            steps=tuple(_steps(tried)),
            duration_seconds=max(0.0, round((ended - tried.told[0].event.at).total_seconds(), 3)),
            evidence=evidence,
            evidence_left_out=left_out,
            warnings=self._said(tried.latest("warnings") or ()),
            rounds=tuple(self._rounds(tried, where)),
            decided=self._decided(last),
            usage=_usage(tried),
            **self._verdict(last),
        )

    def _rounds(self, tried: Tried, where: str) -> Iterator[model.Round]:
        before = None
        for one in tried.told:
            checked = getattr(one.event, "checked", None)
            if checked is not None and checked != before:
                yield self._exhibits.round(one.event.at, checked, where)
            before = checked or before

    def _verdict(self, event: OfAttempt) -> dict[str, Any]:
        """What the gate found wrong."""
        if not isinstance(event, Refusal | GateBlocked):
            return {}
        findings, left_out = self._clipper.first(event.findings, self._clipper.bounds.problems)
        said = self._clipper.said
        problems = (model.Problem(field=said(one.field) or "", problem=said(one.problem) or "") for one in findings)
        return {
            "missing": self._said(event.missing),
            "problems": tuple(problems),
            "problems_left_out": left_out + max(0, len(event.missing) - self._clipper.bounds.problems),
            "blocked_by": self._said(event.blocked_by) if isinstance(event, GateBlocked) else (),
            "advice": None if isinstance(event, GateBlocked) else said(event.advice),
        }

    def _decided(self, event: OfAttempt) -> model.Decided | None:
        what = _decided(event)
        decision = event.decision if isinstance(event, Pass | Refusal) else None
        if what is None or decision is None:
            return None
        return model.Decided(
            at=decision.at,
            what=what,
            by=decision.authority,
            note=self._clipper.said(decision.note),
        )

    def _said(self, texts: Sequence[str]) -> tuple[str, ...]:
        shown, _ = self._clipper.first(texts, self._clipper.bounds.problems)
        return tuple(self._clipper.said(one) or "" for one in shown)


def _steps(tried: Tried) -> Iterator[model.Step]:
    for one in tried.told:
        yield model.Step(event=one.seq, at=one.event.at, what=step(one.event))
    given_up = tried.given_up_by
    if given_up is not None:
        what = f"given up, since {given_up.event.type.replace('_', ' ')} came first"
        yield model.Step(event=given_up.seq, at=given_up.event.at, what=what)


def _decided(event: OfAttempt) -> Literal["approved", "rejected", "overridden"] | None:
    """What a person decided with an event, if any did."""
    if not isinstance(event, Pass | Refusal) or event.decision is None:
        return None
    if isinstance(event, PhaseOverridden | WorkflowOverridden):
        return "overridden"
    return "approved" if isinstance(event, Pass) else "rejected"


def _counted(tried: Sequence[Tried]) -> model.CheckCounts | None:
    """How the checks went that were run last."""
    last = next((checked for one in reversed(tried) if (checked := one.latest("checked"))), None)
    return model.CheckCounts(**Counter(check.status for check in last.checks)) if last else None


def _usage(tried: Tried) -> Usage:
    """What was reported with an attempt, once: a second run of its checks reports nothing anew."""
    reported = [getattr(one.event, "usage", Usage()) for one in tried.told]
    return Usage(tokens=sum(one.tokens for one in reported), cost_usd=sum(one.cost_usd for one in reported))


def _skipped(event: Event) -> tuple[Skipped, ...]:
    return getattr(event, "skipped", ())
