"""Seeds the county: a bureau, three schools under different schemes, two vendors, some 3,000 pupils.

Organisations, members and rosters come in through the product's own services, as they would in real life; then every
feature and plugin that brings a demonstration plays it. One that fails is reported and left out.
"""

from __future__ import annotations

import asyncio
import json
import logging
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from core.base import clock
from core.base.context import TenantContext
from core.db.engine import make_engine
from core.db.global_tables import InstallationMark
from core.db.house import House
from core.db.kernel_tables import RoleMember
from core.db.resolve import worker_context
from core.people.models import Campus, Guardian, Guardianship, Room, SchoolClass, Staff, Student
from core.terms.models import CalendarDay
from core.terms.service import open_term
from deploy.demo import county, story
from deploy.demo.county import SchoolPlan, VendorPlan
from deploy.demo.families import FREE
from deploy.demo.people import make_school
from deploy.demo.personas import WAITING, personas
from deploy.demo.roster_file import roster_workbook
from deploy.demo.stage import Family, Org, Person, Stage
from tenants import service as tenants

log = logging.getLogger("kehou.demo")

Say = Callable[[str], None]
MARK = "demo"
PERSONAS = "personas"
CLASS_GRADE = 3
"""The class teacher whom one may enter as has a class of this grade."""
FAMILIES = 60
"""So many families a school are handed to the features' demonstrations."""
OTHERS = 72
"""So many more, from all classes, for what is counted over the whole school."""


async def seed(house: House, marker: str, say: Say) -> Stage:
    """Fill a freshly migrated database. The mark that makes demo mode possible is written last."""
    today = clock.today()
    bureau = await _bureau(house)
    say(f"  {bureau.ctx.name}")
    vendors = [await _vendor(house, plan, bureau.ctx) for plan in county.VENDORS]
    say("  " + "、".join(vendor.ctx.name for vendor in vendors))
    schools = []
    for plan in county.SCHOOLS:
        began = time.monotonic()
        schools.append(await _school(house, plan, bureau.ctx))
        say(f"  {plan.name}：{plan.pupils} 名学生 / {plan.pupils} pupils ({time.monotonic() - began:.1f} s)")
    stage = Stage(house, today, bureau, schools, vendors, say)
    await _play(stage)
    await _mark(house, PERSONAS, json.dumps(personas(stage), ensure_ascii=False))
    await _mark(house, MARK, marker)
    return stage


async def _play(stage: Stage) -> None:
    """The features' and plugins' own demonstrations, in the order of the registry."""
    for _, contribution in stage.house.registry.contributions:
        if contribution.demo is None:
            continue
        began = time.monotonic()
        try:
            await contribution.demo(stage)
            await stage.refresh()
        except Exception as exc:  # the rest of the county is still worth seeing
            log.exception("demonstration of %s", contribution.key)
            stage.say(f"  ! {contribution.key}：演示数据没有放全（{exc}）/ its demonstration is not complete")
            continue
        stage.say(f"  {contribution.key} ({time.monotonic() - began:.1f} s)")
    left = await stage.drain()
    if bad := [outcome for outcome in left if outcome not in ("done", "skipped", "repeated", "gone")]:
        stage.say(f"  ! 有 {len(bad)} 条消息留待后台处理 / {len(bad)} messages are left to the workers")
    await story.play(stage)


async def _bureau(house: House) -> Org:
    slug, name = county.BUREAU
    ctx = await tenants.provision(
        house,
        kind="bureau",
        slug=slug,
        name=name,
        level="county",
        territory="青禾县",
        pack=county.BUREAU_PACK,
        plugins=_plugins(house, "bureau"),
        facts={"phone": "0550-1230000", "address": "青禾县文教路 1 号"},
    )
    return await _staffed(
        house, ctx, {"bureau_officer": ("方经办", "19910000001"), "bureau_head": ("严局长", "19910000002")}
    )


async def _vendor(house: House, plan: VendorPlan, bureau: TenantContext) -> Org:
    ctx = await tenants.provision(
        house,
        kind="vendor",
        slug=plan.slug,
        name=plan.name,
        plugins=_plugins(house, "vendor"),
        facts={"territory": bureau.name},
    )
    number = 10 + [v.slug for v in county.VENDORS].index(plan.slug) * 10
    people = {
        "vendor_manager": (plan.manager, f"199100000{number}"),
        "coach": (plan.coaches[0], f"199100000{number + 1}"),
    }
    org = await _staffed(house, ctx, people)
    others = [(f"199100000{number + 2 + place}", name) for place, name in enumerate(plan.coaches[1:])]
    accounts = await tenants.accounts_for(house, others)
    async with house.unit(ctx) as uow:
        await tenants.join(uow, list(accounts.values()), "coach")
    return org


async def _staffed(house: House, ctx: TenantContext, people: dict[str, tuple[str, str]]) -> Org:
    org = Org(ctx)
    accounts = await tenants.accounts_for(house, [(phone, name) for name, phone in people.values()])
    async with house.unit(ctx) as uow:
        for role, (name, phone) in people.items():
            org.people[role] = Person(accounts[phone], name, phone)
            await tenants.join(uow, [accounts[phone]], role)
    return org


async def _school(house: House, plan: SchoolPlan, bureau: TenantContext) -> Org:
    ctx = await tenants.provision(
        house,
        kind="school",
        slug=plan.slug,
        name=plan.name,
        parent=bureau.tenant_id,
        level="primary",
        territory="青禾县",
        pack=plan.pack,
        plugins=[key for key in _plugins(house, "school") if key in plan.plugins],
        facts={"phone": f"0550-123{plan.seed:04}", "address": f"青禾县学府路 {plan.seed} 号"},
    )
    term = county.term_of(clock.today())
    async with house.unit(ctx) as uow:
        campus = Campus(name="本部", address=f"青禾县学府路 {plan.seed} 号")
        uow.session.add(campus)
        await uow.session.flush()
        uow.session.add_all(Room(campus_id=campus.id, name=name, capacity=size) for name, size in county.ROOMS)
        opened = await open_term(uow, term.code, term.starts_on, term.ends_on)
        uow.session.add_all(
            CalendarDay(term_id=opened.id, day=day, kind="holiday", name=name) for day, name in term.holidays
        )
        uow.session.add_all(
            CalendarDay(term_id=opened.id, day=day, kind="make_up", runs_weekday=weekday, name="调休")
            for day, weekday in term.make_up
        )
        term_id = opened.id
    await _roster(house, plan, int(term.code[:4]))
    await _analyze(house)
    org = Org(await worker_context(house, ctx.tenant_id), term_id=term_id)
    await _look_around(house, org)
    return org


async def _roster(house: House, plan: SchoolPlan, school_year: int) -> None:
    """The school's own workbook, checked and imported as `kehou roster import` would."""
    from tenants.roster.service import import_file

    school = make_school(plan.pupils, plan.seed, school_year=school_year)
    body = await asyncio.to_thread(roster_workbook, school)
    clerk = next(t.name for t in school.teachers if "教务员" in t.posts)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{plan.name}花名册.xlsx"
        await asyncio.to_thread(path.write_bytes, body)
        result = await import_file(house, plan.slug, path, True, by=clerk)
    if result.applied is None:
        report = result.report
        raise RuntimeError(f"the invented roster of {plan.name} was refused: {report.problems[:3]} {report.errors[:3]}")


async def _analyze(house: House) -> None:
    """Tell PostgreSQL how large the tables have become: until autovacuum comes by, it would plan for empty ones."""
    owner = house.settings.owner_url
    if owner is None:
        return
    engine = make_engine(owner.get_secret_value(), isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            await connection.execute(text("analyze"))
    finally:
        await engine.dispose()


async def _look_around(house: House, org: Org) -> None:
    """Pick the people and places of a school that the features' demonstrations play with."""
    async with house.unit(org.ctx) as uow:
        session = uow.session
        for role in ("principal", "office", "finance", "class_teacher", "teacher"):
            found = await session.execute(
                select(Staff.id, Staff.name, Staff.phone, RoleMember.account_id)
                .join(
                    RoleMember,
                    (RoleMember.account_id == Staff.account_id) & (RoleMember.tenant_id == Staff.tenant_id),
                )
                .outerjoin(
                    SchoolClass,
                    (SchoolClass.tenant_id == Staff.tenant_id) & (SchoolClass.class_teacher_id == Staff.id),
                )
                .where(RoleMember.role_key == role)
                .order_by(SchoolClass.grade != CLASS_GRADE if role == "class_teacher" else Staff.phone, Staff.phone)
                .limit(1)
            )
            row = found.first()
            if row is not None:
                org.people[role] = Person(row.account_id, row.name, row.phone)
                org.staff_ids[role] = row.id
        classes = (await session.execute(select(SchoolClass).order_by(SchoolClass.grade, SchoolClass.number))).scalars()
        for school_class in classes:
            org.class_ids[school_class.grade, school_class.number] = school_class.id
            if school_class.class_teacher_id == org.staff_ids.get("class_teacher"):
                org.class_id = school_class.id
        rooms = (await session.execute(select(Room.name, Room.id).order_by(Room.name))).all()
        org.rooms = {row.name: row.id for row in rooms}
        known = await _families(session, org)
        org.families, rest = known[:FAMILIES], known[FAMILIES:]
        org.others = rest[:: max(1, len(rest) // OTHERS)][:OTHERS]
    org.room_id = org.rooms.get(county.ROOMS[1][0])
    org.teacher_id = org.staff_ids.get("teacher")
    if org.families:
        org.people["guardian"] = org.families[0].guardian
    if len(org.families) > FREE[0]:
        org.people[WAITING] = org.families[FREE[0]].guardian


async def _families(session: object, org: Org) -> list[Family]:
    """Families whose youngest is in the class teacher's class first, those with two children before the others."""
    from sqlalchemy.ext.asyncio import AsyncSession

    assert isinstance(session, AsyncSession)
    rows = await session.execute(
        select(Guardian.id, Guardian.account_id, Guardian.name, Guardian.phone, Student.id, Student.class_id)
        .join(Guardianship, (Guardianship.guardian_id == Guardian.id) & (Guardianship.tenant_id == Guardian.tenant_id))
        .join(Student, (Student.id == Guardianship.student_id) & (Student.tenant_id == Guardianship.tenant_id))
        .join(SchoolClass, (SchoolClass.id == Student.class_id) & (SchoolClass.tenant_id == Student.tenant_id))
        .order_by(SchoolClass.grade, SchoolClass.number, Student.name_sort)
    )
    children: dict[UUID, list[tuple[UUID, UUID]]] = {}
    people: dict[UUID, Person] = {}
    for guardian_id, account_id, name, phone, student_id, class_id in rows.all():
        if account_id is None:
            continue
        people.setdefault(guardian_id, Person(account_id, name, phone))
        children.setdefault(guardian_id, []).append((student_id, class_id))
    ranked = sorted(
        children.items(),
        key=lambda item: (item[1][0][1] != org.class_id, len(item[1]) != 2),
    )
    seen: set[UUID] = set()
    families: list[Family] = []
    for guardian_id, theirs in ranked:
        mine = tuple(sorted((s for s, _ in theirs), key=lambda s: next(c != org.class_id for i, c in theirs if i == s)))
        if seen.isdisjoint(mine):  # one family for a child, not one for each parent
            seen.update(mine)
            families.append(Family(people[guardian_id], guardian_id, mine))
    return families


def _plugins(house: House, kind: str) -> list[str]:
    """Plugins that loaded and that such an organisation may switch on."""
    loaded = {report.key: report.plugin for report in house.plugins.loaded}
    return [key for key, plugin in loaded.items() if plugin is not None and kind in plugin.manifest.kinds]


async def _mark(house: House, key: str, value: str) -> None:
    async with house.db.globally() as session:
        made = insert(InstallationMark).values(key=key, value=value)
        await session.execute(made.on_conflict_do_update(index_elements=["key"], set_={"value": value}))
