"""The form of a report as JSON."""

from __future__ import annotations

import json

from mcp_server.report.model import FORMAT_VERSION, Report


def schema_text() -> str:
    """JSON Schema (draft 2020-12) of ``pos-workflow report ID --format json``."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Report.model_json_schema(mode="serialization"),
        "title": f"A session's report, format_version {FORMAT_VERSION}",
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
