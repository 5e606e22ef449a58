"""`kehou packs explain --school S --on DATE`: every effective rule, where it comes from, what it overrode."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner, Result

from core.base import clock
from deploy.commands import common
from deploy.commands.packs import packs
from tests.integration.editor.test_editor import FORM, KEY, _begin, _draft, _officer, _publish
from tests.support.world import World


async def _run(*words: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, packs, ["explain", *words])


@pytest.mark.req("C-01")
async def test_it_tells_what_binds_a_school_on_a_day(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common, "settings", lambda data=None: world.house.settings)
    bureau = await world.bureau()
    school = await world.school(parent=bureau.ctx)
    head = await _officer(world, bureau, "bureau_head")
    officer = await _officer(world, bureau)
    here = await _begin(officer, how="below", key="qinghe-county", title="青禾县细则", level="county", bring="true")
    row = await _draft(world, bureau)
    places = {rule["key"]: n for n, rule in enumerate(row.content["rule"])}
    place = places["time.latest_end"]
    rule = row.content["rule"][place]
    data = {n: rule[n] for n in ("force", "clause", "quote")} | {"value": "17:30", "edition": "1", "_key": FORM}
    data |= {name: [str(v) for v in values] for name, values in rule.get("when", {}).items()}
    assert (await officer.post(f"{here}/rules/{place}", data=data)).status_code == 303
    await _publish(world, bureau, here)
    put = {"schools": [str(school.ctx.tenant_id)], "_key": FORM}
    assert (await head.post("/t/bureau/bureau/packs/key/qinghe-county/schools", data=put)).status_code == 303

    done = await _run("--school", "school", "--on", clock.today().isoformat(), "--rule", "time.latest_end", "--json")
    assert done.exit_code == 0, done.output
    told: list[dict[str, Any]] = json.loads(done.output)
    line = next(one for one in told if one["value"] == "17:30")
    assert (line["pack"], line["clause"], line["force"]) == ("qinghe-county", rule["clause"], rule["force"])
    assert {one["pack"] for one in line["overrode"]} == {KEY}
    assert [one["value"] for one in line["overrode"]] == [rule["value"]]
    assert len(line["revision"].split("+")) == 2
    plain = await _run("--school", "school", "--rule", "time.latest_end")
    assert plain.exit_code == 0 and "← anhui-ten-bans" in plain.output and line["revision"] in plain.output
    early = await _run("--school", "school", "--on", (clock.today() - timedelta(days=1)).isoformat())
    assert early.exit_code == 1 and "qinghe-county" in early.output


async def test_it_wants_a_pack_or_a_school(world: World) -> None:
    assert (await _run()).exit_code == 2
    assert (await _run(KEY, "--school", "x")).exit_code == 2
    one = await _run(KEY, "--on", "2026-09-01", "--json")
    assert one.exit_code == 0 and {line["pack"] for line in json.loads(one.output)} == {KEY}
