"""The bureau's pack editor: copying, writing rule by rule, two persons, and what reaches schools and processes."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select, text

from core.base import clock
from core.db.kernel_tables import AuditEntry
from core.db.resolve import worker_context
from core.policy import service as policy
from core.policy.library import PackLibrary
from tenants.editor.models import PackDraft, PackTrial
from tests.support.plans import good_plan
from tests.support.world import School, World

KEY = "anhui-ten-bans"
BASE = "/t/bureau/bureau/packs"
FORM = "0123456789-form"


def tomorrow() -> date:
    return clock.today() + timedelta(days=1)


async def _officer(world: World, bureau: School, role: str = "bureau_officer") -> httpx.AsyncClient:
    return await world.client(bureau.people[role], page=True)


async def _begin(client: httpx.AsyncClient, pack: str = KEY, **more: Any) -> str:
    data = {"how": "version", "valid_from": clock.today().isoformat(), "_key": f"{FORM}-{pack}-{len(more)}", **more}
    answer = await client.post(f"{BASE}/key/{pack}/copy", data=data)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def _draft(world: World, bureau: School) -> PackDraft:
    async with world.house.unit(bureau.ctx) as uow:
        query = select(PackDraft).order_by(PackDraft.created_at.desc()).limit(1)
        return (await uow.session.execute(query)).scalar_one()


def _rules(row: PackDraft, key: str) -> list[tuple[int, dict[str, Any]]]:
    return [(place, rule) for place, rule in enumerate(row.content["rule"]) if rule["key"] == key]


def _filled(rule: dict[str, Any], edition: int, **more: Any) -> dict[str, Any]:
    data = {name: rule[name] for name in ("force", "clause", "quote")}
    data |= {name: [str(v) for v in values] for name, values in rule.get("when", {}).items()}
    return {**data, "edition": str(edition), "_key": FORM, **more}


async def _change(client: httpx.AsyncClient, world: World, bureau: School, key: str, value: Any) -> httpx.Response:
    row = await _draft(world, bureau)
    place, rule = _rules(row, key)[0]
    return await client.post(f"{BASE}/drafts/{row.id}/rules/{place}", data=_filled(rule, row.edition, value=value))


async def _publish(world: World, bureau: School, here: str) -> None:
    officer, head = await _officer(world, bureau), await _officer(world, bureau, "bureau_head")
    assert "需要改正" not in (await officer.get(here)).text
    assert (await officer.post(f"{here}/propose")).status_code == 303
    assert (await head.post(f"{here}/publish")).status_code == 303
    assert (await _draft(world, bureau)).state == "published"


@pytest.mark.req("C-01")
async def test_a_version_is_written_proposed_and_published_by_two(world: World) -> None:
    bureau = await world.bureau()
    school = await world.school(parent=bureau.ctx)
    officer, head = await _officer(world, bureau), await _officer(world, bureau, "bureau_head")
    assert KEY in (await officer.get(BASE)).text
    here = await _begin(officer)
    page = (await officer.get(here)).text
    assert "001#2" in page and "和现行版本的不同" in page
    changed = await _change(officer, world, bureau, "time.latest_end", "17:30")
    assert changed.status_code == 303, changed.text
    assert "18:00" in (await officer.get(here)).text and "17:30" in (await officer.get(here)).text
    assert (await officer.post(f"{here}/propose")).status_code == 303
    # Who proposed cannot publish, nor can an officer without the right.
    assert (await officer.post(f"{here}/publish")).status_code == 403
    async with world.house.unit(await world.as_(bureau, "bureau_officer")) as uow:
        row = (await uow.session.execute(select(PackDraft))).scalar_one()
        row.proposed_by_id = bureau.people["bureau_head"].account_id
    refused = await head.post(f"{here}/publish")
    assert refused.status_code == 303 and (await _draft(world, bureau)).state == "proposed"
    assert "另一位" in (await head.get(here)).text
    async with world.house.unit(await world.as_(bureau, "bureau_officer")) as uow:
        row = (await uow.session.execute(select(PackDraft))).scalar_one()
        row.proposed_by_id = bureau.people["bureau_officer"].account_id
    assert (await head.post(f"{here}/publish")).status_code == 303
    row = await _draft(world, bureau)
    assert (row.state, row.number, row.decided_by) == ("published", 1, "局负责")
    # It counts here and now, and asking needs neither database nor await.
    ctx = await worker_context(world.house, school.ctx.tenant_id)
    async with world.house.unit(ctx) as uow:
        pack = policy.effective(uow)
        assert not pack.ask("time.latest_end", end="17:45", window="afternoon").ok
        assert pack.pack.number == 1
        before = policy.effective(uow, clock.today() - timedelta(days=1))
        assert before.pack.number == 0 and before.ask("time.latest_end", end="17:45", window="afternoon").ok
    async with world.house.unit(bureau.ctx) as uow:
        actions = set((await uow.session.execute(select(AuditEntry.action))).scalars())
    done = {"begin", "rule", "propose", "publish"}
    assert {*(f"pack_draft.{what}" for what in done), "pack.publish"} <= actions
    # Nothing of it can be changed any more.
    place, rule = _rules(row, "time.latest_end")[0]
    late = await officer.post(f"{here}/rules/{place}", data=_filled(rule, row.edition, value="18:30"))
    assert late.status_code == 422 and "已发布" in late.text
    # The school is told, and sees which version counts from when.
    await world.drain(bureau, school)
    office = await world.client(school.people["office"], page=True)
    assert "规则有新版本" in (await office.get("/t/school/desk/messages")).text
    rules = (await office.get("/t/school/desk/rules")).text
    assert "17:30" in rules and "18:00" in rules and "起" in rules


@pytest.mark.req("C-01")
async def test_every_process_follows_within_one_request(world: World) -> None:
    """A second house of its own, as another process would have: it learns by resolving a tenant."""
    from deploy.app import build_house

    bureau = await world.bureau()
    school = await world.school(parent=bureau.ctx)
    other = build_house(world.house.settings)
    try:
        await worker_context(other, school.ctx.tenant_id)
        old = other.get(PackLibrary)
        officer = await _officer(world, bureau)
        here = await _begin(officer)
        assert (await _change(officer, world, bureau, "time.latest_end", "17:30")).status_code == 303
        await _publish(world, bureau, here)
        assert other.get(PackLibrary) is old
        ctx = await worker_context(other, school.ctx.tenant_id)
        async with other.unit(ctx) as uow:
            assert policy.effective(uow).pack.number == 1
        new = other.get(PackLibrary)
        await worker_context(other, school.ctx.tenant_id)
        assert other.get(PackLibrary) is new, "nothing new was published, so nothing is read again"
    finally:
        await other.db.close()


async def test_a_version_of_a_later_day_waits_for_it(world: World) -> None:
    bureau = await world.bureau()
    school = await world.school(parent=bureau.ctx)
    officer = await _officer(world, bureau)
    here = await _begin(officer, valid_from=tomorrow().isoformat())
    assert (await _change(officer, world, bureau, "time.latest_end", "17:30")).status_code == 303
    await _publish(world, bureau, here)
    ctx = await worker_context(world.house, school.ctx.tenant_id)
    async with world.house.unit(ctx) as uow:
        today, later = policy.effective(uow), policy.effective(uow, tomorrow())
    assert (today.pack.number, later.pack.number) == (0, 1)
    assert today.revision != later.revision
    assert today.revision == policy.load_packs(_shipped()).effective(KEY, clock.today()).revision
    with clock.travelled(timedelta(days=1)):
        async with world.house.unit(ctx) as uow:
            assert policy.effective(uow).pack.number == 1
    office = await world.client(school.people["office"], page=True)
    rules = (await office.get("/t/school/desk/rules")).text
    assert "将生效" in rules and "17:30" in rules


def _shipped() -> Any:
    from deploy.app import PACKS

    return PACKS


async def test_what_is_wrong_stands_beside_its_field_and_nothing_is_lost(world: World) -> None:
    bureau = await world.bureau()
    await world.school(parent=bureau.ctx)
    officer = await _officer(world, bureau)
    here = await _begin(officer, how="below", key="qinghe-county", title="青禾县细则", level="county")
    row = await _draft(world, bureau)
    page = (await officer.get(here)).text
    assert "请至少写明一份依据文件" in page and "请至少写一条规则" in page
    assert (await officer.post(f"{here}/propose")).status_code == 303
    assert (await _draft(world, bureau)).state == "drafted", "a faulty draft is not proposed"
    # The upper level's value stands in the form; a wider one is refused at the field, and what was typed stays.
    form = (await officer.get(f"{here}/add/time.latest_end")).text
    assert 'value="18:00"' in form and "上级的要求" in form
    data = {"value": "18:30", "force": "block", "clause": "1 二", "quote": "不晚于18:30", "edition": "1", "_key": FORM}
    wide = await officer.post(f"{here}/add/time.latest_end", data=data)
    assert wide.status_code == 422
    assert re.search(r'id="f-value-err".*?比上级宽.*?18:00', wide.text, re.S)
    assert 'value="18:30"' in wide.text and "不晚于18:30" in wide.text
    bare = {**data, "value": "17:30", "clause": "", "quote": ""}
    missing = await officer.post(f"{here}/add/time.latest_end", data=bare)
    assert missing.status_code == 422 and 'id="f-clause-err"' in missing.text and 'id="f-quote-err"' in missing.text
    assert (await officer.get(f"{here}/add/no.such_rule")).status_code == 404
    good = await officer.post(f"{here}/add/time.latest_end", data={**data, "value": "17:30", "quote": "不晚于17:30"})
    assert good.status_code == 303
    twice = await officer.post(
        f"{here}/add/time.latest_end", data={**data, "value": "17:00", "quote": "不晚于17:00", "edition": "2"}
    )
    assert twice.status_code == 422 and "已有一条" in twice.text
    # An old page is noticed.
    old = {**data, "value": "17:00", "quote": "不晚于17:00", "edition": "1"}
    stale = await officer.post(f"{here}/rules/0", data=old)
    assert stale.status_code == 422 and "刚刚修改过" in stale.text and 'value="17:00"' in stale.text
    # The document by its file: only its SHA-256 stays.
    paper = {"paper": ("细则.pdf", b"%PDF-1.7 rules", "application/pdf")}
    upload = {"ref": "1", "document": "《青禾县课后服务细则》", "edition": "2", "_key": FORM}
    assert (await officer.post(f"{here}/source", data=upload, files=paper)).status_code == 303
    row = await _draft(world, bureau)
    assert len(row.content["source"][0]["sha256"]) == 64 and row.content["source"][0]["file"] == "细则.pdf"
    assert "需要改正" not in (await officer.get(here)).text
    # Days in the past are refused at their field.
    head: dict[str, Any] = {
        "title": "青禾县细则",
        "issuer": "青禾县教育局",
        "territory": "青禾县",
        "valid_from": "2020-01-01",
    }
    head |= {"stages": ["primary"], "ownership": ["public"], "edition": str(row.edition), "_key": FORM}
    for n, source in enumerate(row.content["source"]):
        head |= {f"source.{n}.{name}": value for name, value in source.items()}
    past = await officer.post(f"{here}/head", data=head)
    assert past.status_code == 422 and 'id="f-valid_from-err"' in past.text and "青禾县教育局" in past.text
    assert (await officer.post(f"{here}/head", data={**head, "valid_from": tomorrow().isoformat()})).status_code == 303
    await _publish(world, bureau, here)


@pytest.mark.req("C-01", "R-001")
async def test_a_bureau_puts_its_own_schools_under_a_pack_and_no_other(world: World) -> None:
    bureau = await world.bureau()
    mine, stranger = await world.school(parent=bureau.ctx), await world.school("stranger", name="外县小学")
    officer, head = await _officer(world, bureau), await _officer(world, bureau, "bureau_head")
    url = f"{BASE}/key/county-plan/schools"
    both = {"schools": [str(mine.ctx.tenant_id), str(stranger.ctx.tenant_id)], "_key": FORM}
    assert (await officer.post(url, data=both)).status_code == 403
    shown = (await head.get(f"{BASE}/key/county-plan")).text
    assert "实验小学" in shown and "外县小学" not in shown
    assert (await head.post(url, data=both)).status_code == 303
    assert (await worker_context(world.house, mine.ctx.tenant_id)).pack == "county-plan"
    assert (await worker_context(world.house, stranger.ctx.tenant_id)).pack == KEY
    await world.drain(bureau)
    office = await world.client(mine.people["office"], page=True)
    assert "本校改用新的规则" in (await office.get("/t/school/desk/messages")).text


@pytest.mark.req("R-001")
async def test_nobody_changes_the_rules_of_another_bureau(world: World) -> None:
    """A pack that binds others too, and another bureau's own pack, are not this bureau's to write."""
    bureau, other = await world.bureau(), await world.bureau("other-bureau")
    await world.school(parent=bureau.ctx)
    elsewhere = await world.school("elsewhere", parent=other.ctx)
    officer = await _officer(world, bureau)
    here = await _begin(officer)
    assert "不归本局管理" in (await officer.get(here)).text
    await officer.post(f"{here}/propose")
    assert (await _draft(world, bureau)).state == "drafted"
    # Its own pack below is its own; the other bureau neither sees nor copies it, nor is anyone there bound by it.
    below = await _begin(officer, how="below", key="our-county", title="本县细则", level="county", bring="true")
    await _publish(world, bureau, below)
    theirs = await world.client(other.people["bureau_head"], page=True)
    assert "our-county" not in (await theirs.get("/t/other-bureau/bureau/packs")).text
    assert (await theirs.get("/t/other-bureau/bureau/packs/key/our-county")).status_code == 404
    assert (await theirs.get("/t/other-bureau/bureau/packs/key/our-county/copy")).status_code == 404
    put = {"schools": [str(elsewhere.ctx.tenant_id)], "_key": FORM}
    assert (await theirs.post("/t/other-bureau/bureau/packs/key/our-county/schools", data=put)).status_code == 404
    assert "our-county" not in (await theirs.get("/t/other-bureau/bureau/schools/new")).text
    drafts = [await world.client(p, page=True) for p in (other.people["bureau_officer"], other.people["bureau_head"])]
    for client in drafts:
        path = below.replace("/t/bureau/", "/t/other-bureau/")
        assert (await client.get(path)).status_code == 404


@pytest.mark.req("C-01")
async def test_what_would_change_is_asked_in_each_school(world: World) -> None:
    """Counts and titles come back, nothing else; the school's own rows are as they were."""
    bureau = await world.bureau()
    school = await world.school(parent=bureau.ctx)
    free = await world.school("free", parent=bureau.ctx, name="另一小学", pack="county-plan")
    api = await world.client(school.people["office"])
    await api.put("/api/t/school/desk/plan", json={"content": good_plan()})
    officer = await _officer(world, bureau)
    here = await _begin(officer)
    assert (await _change(officer, world, bureau, "time.latest_end", "17:30")).status_code == 303
    started = await officer.post(f"{here}/try", data={"_key": FORM})
    assert started.status_code == 303
    assert "测算中" in (await officer.get(f"{here}/trials")).text
    await world.drain(bureau, school, free)
    async with world.house.unit(bureau.ctx) as uow:
        trials = (await uow.session.execute(select(PackTrial))).scalars().all()
    assert [t.school_name for t in trials] == ["实验小学"], "only schools whom the pack binds are asked"
    result = trials[0].result
    assert result["failed"] == []
    assert result["plans"]["refused"] + result["plans"]["warned"] == 1
    assert "17:30" in result["plans"]["hits"][0]["why"][0] and "第 1 版" in result["plans"]["hits"][0]["title"]
    for name in ("学生", "家长"):
        assert name not in str(result)
    page = (await officer.get(f"{here}/trials")).text
    assert "17:30" in page and "every 2s" not in page
    async with world.house.unit(school.ctx) as uow:
        assert policy.effective(uow).pack.number == 0
        assert (await uow.session.execute(text("select count(*) from service_plan_version"))).scalar_one() == 1
    # Another edition of the draft is another question.
    assert (await _change(officer, world, bureau, "time.latest_end", "17:45")).status_code == 303
    assert "17:30" not in (await officer.get(f"{here}/trials")).text


async def test_an_answer_from_another_school_is_refused(world: World) -> None:
    from core.base.ids import new_id
    from core.db.delivery import deliver
    from tenants.editor.tried import Result

    bureau = await world.bureau()
    school = await world.school(parent=bureau.ctx)
    sibling = await world.school("sibling", parent=bureau.ctx, name="另一小学", pack="county-plan")
    officer = await _officer(world, bureau)
    here = await _begin(officer)
    await officer.post(f"{here}/try", data={"_key": FORM})
    async with world.house.unit(bureau.ctx) as uow:
        trial = (await uow.session.execute(select(PackTrial))).scalar_one()
    answer = {"trial_id": str(trial.id), "result": Result().model_dump(mode="json")}
    async with world.house.unit(sibling.ctx) as uow:
        id_ = await uow.send_document(bureau.ctx.tenant_id, "packs.trial_answer", answer, key=str(new_id()))
    assert await deliver(world.house, sibling.ctx.tenant_id, id_) == "dead"
    # Nor does a school take a trial or a new version from anybody but its own bureau.
    for kind, payload in (("packs.published", {"number": 1}), ("packs.bound", {"pack": KEY})):
        async with world.house.unit(sibling.ctx) as uow:
            id_ = await uow.send_document(school.ctx.tenant_id, kind, payload, key=str(new_id()))
        assert await deliver(world.house, sibling.ctx.tenant_id, id_) == "dead"


async def test_published_versions_cannot_be_changed_by_the_application(world: World) -> None:
    bureau = await world.bureau()
    officer = await _officer(world, bureau)
    await _publish(world, bureau, await _begin(officer))
    for statement in ("update published_pack set content = '{}'", "delete from published_pack"):
        with pytest.raises(Exception, match="permission denied"):
            async with world.house.db.globally() as session:
                await session.execute(text(statement))
