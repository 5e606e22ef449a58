"""`kehou plugins`: what was found, and what became of it."""

from __future__ import annotations

import sys
from pathlib import Path

import rich_click as click

from deploy.commands import common


@click.group()
def plugins() -> None:
    """What became of each plugin."""


@plugins.command("list")
@common.json_option
@common.data_option
def list_(as_json: bool, data: Path | None) -> None:
    """Every plugin found, with its version and state; exit code 1 when one is broken."""
    settings = common.settings(data)
    reports = common.house(settings).plugins.reports
    rows = [
        {
            "key": report.key,
            "status": report.status,
            "version": report.plugin.manifest.version if report.plugin else None,
            "distribution": report.distribution,
            "requires": list(report.plugin.manifest.requires) if report.plugin else [],
            "reason": report.reason,
        }
        for report in sorted(reports, key=lambda r: r.key)
    ]
    if as_json:
        common.show(rows)
    elif not rows:
        print("没有找到扩展 / no plugins found")
    else:
        common.table([(r["key"], r["status"], r["version"] or "-", r["distribution"], r["reason"]) for r in rows])
    sys.exit(1 if any(r["status"] not in ("loaded", "blocked") for r in rows) else 0)
