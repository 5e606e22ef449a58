"""`kehou doctor`: is everything as it should be?"""

from __future__ import annotations

import sys
from pathlib import Path

import rich_click as click

from deploy.commands import common
from deploy.process import DeployError


@click.command()
@common.json_option
@common.data_option
def doctor(as_json: bool, data: Path | None) -> None:
    """Look at database, queue, outbox, processes, plugins and packs; exit code 1 when something is wrong."""
    from core.base.settings import SettingsError
    from deploy.doctor import Finding, examine

    try:
        findings = examine(common.settings(data))
    except (DeployError, SettingsError) as exc:
        if not as_json:
            raise
        # A monitor has to be able to read the worst case as well.
        findings = [Finding("settings", False, str(exc))]
    well = all(finding.ok for finding in findings)
    if as_json:
        common.show({"ok": well, "checks": [finding.as_dict() for finding in findings]})
    else:
        common.table(
            [("✓" if f.ok else "✗", f.name, f.detail + (f"  → {f.advice}" if f.advice else "")) for f in findings]
        )
        print("一切正常 / all is well" if well else "有问题，见 ✗ 行 / something is wrong: see ✗")
    sys.exit(0 if well else 1)
