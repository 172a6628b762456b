"""What an attempt showed: its evidence, its checks and what they printed, as far as there is room."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from mcp_server.domain.results import Checked, CheckResult, Run
from mcp_server.domain.session import Evidence, Item
from mcp_server.engine import Engine
from mcp_server.report.clipping import Clipper
from mcp_server.report.model import Blob, EvidenceItem, Excerpt, Round, ShownCheck, ShownRun
from mcp_server.storage.values import canonical

_NO_TEXT: Final = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


class Exhibits:
    """The exhibits of one report, and the stored files that they came from."""

    def __init__(self, engine: Engine, clipper: Clipper) -> None:
        self._engine = engine
        self.clipper = clipper
        self.blobs: dict[str, Blob] = {}
        """The stored files that were named, by their SHA-256, in the order in which they were."""

    def evidence(self, evidence: Evidence, where: str) -> tuple[tuple[EvidenceItem, ...], int]:
        """The items of a submission, and how many are left out. ``where`` says what it is the evidence of."""
        if evidence.stored is not None:
            self._note(evidence.stored.sha256, evidence.stored.bytes, f"all evidence of {where}")
        items = self._engine.evidence(evidence)
        shown, left_out = self.clipper.first(list(items.items()), self.clipper.bounds.items)
        return tuple(self._item(name, item, where) for name, item in shown), left_out

    def _item(self, name: str, item: Item, where: str) -> EvidenceItem:
        clipped = self.clipper.said(name) or ""
        if item.stored is None:
            return EvidenceItem(
                name=clipped, basis=item.basis, value=self.clipper.value(canonical(item.value).decode())
            )
        stored = item.stored
        self._note(stored.sha256, stored.bytes, f"{clipped} of {where}")
        text = "" if self.clipper.full else self._engine.value(item)
        value = self.clipper.start(text, self.clipper.bounds.value, size=stored.bytes, sha256=stored.sha256)
        return EvidenceItem(name=clipped, basis=item.basis, value=value, blob=True)

    def round(self, at: datetime, checked: Checked, where: str) -> Round:
        """One time that an attempt's checks were run."""
        details = checked.details
        if details is not None:
            self._note(details.sha256, details.bytes, f"results of the checks of {where}")
        results = self._engine.checks(checked)
        shown, left_out = self.clipper.first(results, self.clipper.bounds.checks)
        return Round(
            at=at,
            duration_seconds=checked.duration_seconds,
            checks=tuple(map(self._check, shown)),
            checks_left_out=left_out,
            contents=checked.contents,
            results_sha256=details.sha256 if details else None,
        )

    def _check(self, result: CheckResult) -> ShownCheck:
        # Those that did not pass first, since they are what is looked for when there are very many.
        runs = sorted(result.runs, key=lambda run: run.status == "passed")
        shown, left_out = self.clipper.first(runs, self.clipper.bounds.runs)
        value = None if result.value is None else self.clipper.value(canonical(result.value).decode())
        return ShownCheck(
            id=result.id,
            description=self.clipper.said(result.description) or "",
            status=result.status,
            problem=self.clipper.said(result.problem),
            duration_seconds=result.duration_seconds,
            value=value,
            runs=tuple(map(self._run, shown)),
            runs_left_out=left_out,
        )

    def _run(self, run: Run) -> ShownRun:
        return ShownRun(
            argv=tuple(self.clipper.said(one) or "" for one in run.argv),
            match=run.match,
            status=run.status,
            exit_code=run.exit_code,
            problem=self.clipper.said(run.problem),
            duration_seconds=run.duration_seconds,
            tries=run.tries,
            stdout=self._output(run.stdout, run.stdout_bytes, run.stdout_sha256),
            stderr=self._output(run.stderr, run.stderr_bytes, run.stderr_sha256),
        )

    def _output(self, text: str, size: int, sha256: str) -> Excerpt:
        return self.clipper.end(text, self.clipper.bounds.output, size=size, sha256=sha256 or _NO_TEXT)

    def _note(self, sha256: str, size: int, what: str) -> None:
        self.blobs.setdefault(sha256, Blob(sha256=sha256, bytes=size, what=what))
