"""A county with a bureau, a school and a vendor, and the way of a course from application to menu."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time, timedelta
from uuid import UUID

from core.db.delivery import deliver
from plugins.vendors import bureau_service, letters, school_service, vendor_service
from plugins.vendors.models import Agency
from plugins.vendors.terms import Terms
from tests.support.lessons import MONDAY, at
from tests.support.world import School, World

BEFORE = date(2026, 9, 1)
PROFILE = {
    "legal_name": "启明艺体中心",
    "agency_kind": "non_subject",
    "licence_no": "教民 123 号",
    "licence_until": date(2028, 8, 31),
    "contact_name": "机构甲",
    "contact_phone": "19912340000",
}
COURSE = {
    "title": "少儿篮球",
    "outline": ["球性练习", "原地运球", "行进间运球"],
    "content": ["sport"],
    "weekdays": [1, 3],
    "starts_at": time(16, 30),
    "ends_at": time(17, 30),
    "grades": [3, 4],
    "capacity": 20,
    "price_fen": 2000,
}


@dataclass(slots=True)
class County:
    world: World
    bureau: School
    school: School
    vendor: School

    @property
    def vendor_id(self) -> UUID:
        return self.vendor.ctx.tenant_id

    async def drain(self) -> None:
        await self.world.drain(self.bureau, self.school, self.vendor)


async def county(world: World, *, families: int = 2, pack: str | None = "anhui-ten-bans") -> County:
    bureau = await world.bureau(pack=pack)
    return County(
        world,
        bureau,
        await world.school(parent=bureau.ctx, families=families, pack=pack),
        await world.vendor(),
    )


async def applied(county: County, **profile: object) -> None:
    """The vendor writes its profile and applies."""
    async with county.world.house.unit(await county.world.as_(county.vendor, "vendor_manager")) as uow:
        await vendor_service.save_profile(uow, {**PROFILE, **profile})
        await vendor_service.add_certificate(uow, {"title": "办学许可证", "valid_until": date(2028, 8, 31)})
        await vendor_service.add_coach(
            uow,
            {
                "name": "教练乙",
                "phone": county.vendor.people["coach"].phone,
                "speciality": "篮球",
                "certificate_no": "JL-1",
                "certificate_until": date(2027, 12, 31),
            },
        )
        await vendor_service.apply(uow, county.bureau.ctx.tenant_id)
    await county.drain()


async def move(county: County, who: str, event: str, **more: object) -> Agency:
    async with county.world.house.unit(await county.world.as_(county.bureau, who)) as uow:
        (agency,) = await bureau_service.agencies(uow)
        row = await bureau_service.decide(uow, agency.id, event, **more)  # type: ignore[arg-type]
    await county.drain()
    return row


async def listed(county: County, **profile: object) -> None:
    """From application to the list: vetted, made public, listed by the head when the time is over."""
    with at(BEFORE, 9):
        await applied(county, **profile)
        await move(county, "bureau_officer", "vet")
        await move(county, "bureau_officer", "publicize", publicity_until=BEFORE + timedelta(days=7))
    with at(BEFORE + timedelta(days=9), 9):
        await move(county, "bureau_head", "list")


async def offered(county: County, **changes: object) -> UUID:
    """The vendor writes a course and sends it to the school."""
    async with county.world.house.unit(await county.world.as_(county.vendor, "vendor_manager")) as uow:
        coach = (await vendor_service.coaches(uow))[0]
        content = letters.CourseContent(
            **{**COURSE, **changes},  # type: ignore[arg-type]
            coach=letters.CoachIn(**{n: getattr(coach, n) for n in letters.CoachIn.model_fields}),
        )
        row = await vendor_service.save_course(uow, county.school.ctx.tenant_id, content)
        await vendor_service.submit(uow, row.id)
    await county.drain()
    return row.id


async def approved(county: County, course_id: UUID, **terms: object) -> UUID:
    """The school accepts the course; returns the offering's id."""
    values = {
        "room_id": county.school.room_id,
        "special_need": True,
        "publicized_on": BEFORE,
        "filed_on": BEFORE,
        "reason": "校内没有篮球专业教师",
        **terms,
    }
    async with county.world.house.unit(await county.world.as_(county.school, "office")) as uow:
        row = await school_service.approve(uow, course_id, Terms(**values))  # type: ignore[arg-type]
    await county.drain()
    assert row.offering_id is not None
    return row.offering_id


async def forge(county: County, sender: School, to: School, kind: str, payload: object) -> str:
    """Send a document as if `sender` had written it; returns what became of it at the receiver."""
    async with county.world.house.unit(sender.ctx) as uow:
        body = payload.model_dump(mode="json") if isinstance(payload, letters.Letter) else payload
        message = await uow.send_document(to.ctx.tenant_id, kind, body, key=f"forged/{kind}/{sender.ctx.slug}")  # type: ignore[arg-type]
    return await deliver(county.world.house, sender.ctx.tenant_id, message)


__all__ = ["BEFORE", "MONDAY", "County", "applied", "approved", "county", "forge", "listed", "move"]
