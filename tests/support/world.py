"""A small world for tests: a bureau, schools and vendors with people in them, made through the product's services."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

import httpx
from litestar import Litestar
from sqlalchemy import select

from core.base.context import Actor, TenantContext
from core.db.delivery import deliver
from core.db.house import House
from core.db.kernel_tables import Outbox
from core.db.resolve import SignedIn, member_context
from core.identity.service import open_session
from core.people.models import Campus, Guardian, Guardianship, Room, SchoolClass, Staff, Student
from core.terms.service import open_term
from core.web.i18n import pinyin_key
from tenants import service as tenants

ALL_PLUGINS = ("clubs", "fees", "insurance", "meals", "pay", "payments_stripe", "vendors")
TERM = ("2026-2027-1", date(2026, 9, 1), date(2027, 1, 22))


@dataclass(slots=True)
class Person:
    """Somebody who can sign in: the account, the phone, and a session token once asked for."""

    account_id: UUID
    name: str
    phone: str
    token: str = ""


@dataclass(slots=True)
class Family:
    guardian: Person
    student_id: UUID
    guardian_id: UUID


@dataclass(slots=True)
class School:
    """A provisioned school: one campus, one room, grade 3 class 2 with its class teacher, and its people by role."""

    ctx: TenantContext
    people: dict[str, Person] = field(default_factory=dict)
    families: list[Family] = field(default_factory=list)
    class_id: UUID | None = None
    room_id: UUID | None = None
    term_id: UUID | None = None
    teacher_id: UUID | None = None


class World:
    """Makes organisations and people, gives HTTP clients as them, and delivers what waits in the outbox."""

    def __init__(self, house: House, app: Litestar | None = None) -> None:
        self.house = house
        self.app = app
        self._phone = 19900000000

    def next_phone(self) -> str:
        self._phone += 1
        return str(self._phone)

    async def person(self, name: str, phone: str | None = None) -> Person:
        phone = phone or self.next_phone()
        return Person(await tenants.account_for(self.house, phone, name), name, phone)

    async def _persons(self, names: Sequence[str]) -> list[Person]:
        """Several at once: one transaction instead of one each."""
        phones = [self.next_phone() for _ in names]
        accounts = await tenants.accounts_for(self.house, zip(phones, names, strict=True))
        return [Person(accounts[phone], name, phone) for phone, name in zip(phones, names, strict=True)]

    async def bureau(self, slug: str = "bureau", *, pack: str | None = "anhui-ten-bans") -> School:
        ctx = await tenants.provision(
            self.house,
            kind="bureau",
            slug=slug,
            name="青禾县教育局",
            level="county",
            pack=pack,
            plugins=self._plugins("bureau", ALL_PLUGINS),
        )
        org = School(ctx)
        async with self.house.unit(ctx) as uow:
            for role in ("bureau_officer", "bureau_head"):
                org.people[role] = await self.person({"bureau_officer": "局经办", "bureau_head": "局负责"}[role])
                await tenants.join(uow, [org.people[role].account_id], role)
        return org

    async def vendor(self, slug: str = "vendor", *, name: str = "启明艺体中心") -> School:
        ctx = await tenants.provision(
            self.house, kind="vendor", slug=slug, name=name, plugins=self._plugins("vendor", ALL_PLUGINS)
        )
        org = School(ctx)
        async with self.house.unit(ctx) as uow:
            for role in ("vendor_manager", "coach"):
                org.people[role] = await self.person({"vendor_manager": "机构甲", "coach": "教练乙"}[role])
                await tenants.join(uow, [org.people[role].account_id], role)
        return org

    async def school(
        self,
        slug: str = "school",
        *,
        parent: TenantContext | None = None,
        pack: str | None = "anhui-ten-bans",
        plugins: Sequence[str] = ALL_PLUGINS,
        families: int = 2,
        name: str = "实验小学",
    ) -> School:
        """A school with staff of each role, one class, and `families` children with one guardian each."""
        ctx = await tenants.provision(
            self.house,
            kind="school",
            slug=slug,
            name=name,
            parent=parent.tenant_id if parent else None,
            level="primary",
            pack=pack,
            plugins=self._plugins("school", plugins),
        )
        school = School(ctx)
        names = {
            "principal": "校长甲",
            "office": "办公乙",
            "finance": "财务丙",
            "class_teacher": "班任丁",
            "teacher": "教师戊",
        }
        staff_people = await self._persons(list(names.values()))
        parents = await self._persons([f"家长{number + 1}" for number in range(families)])
        async with self.house.unit(ctx) as uow:
            campus = Campus(name="本部")
            uow.session.add(campus)
            await uow.session.flush()
            room = Room(campus_id=campus.id, name="艺术楼 301", capacity=40)
            uow.session.add(room)
            for role, person in zip(names, staff_people, strict=True):
                school.people[role] = person
                await tenants.join(uow, [person.account_id], role)
                uow.session.add(
                    Staff(
                        account_id=person.account_id,
                        name=person.name,
                        name_sort=pinyin_key(person.name),
                        phone=person.phone,
                        post=role,
                    )
                )
            await uow.session.flush()
            staff = {s.post: s.id for s in (await uow.session.execute(select(Staff))).scalars()}
            school_class = SchoolClass(
                school_year=2026,
                grade=3,
                number=2,
                campus_id=campus.id,
                class_teacher_id=staff["class_teacher"],
            )
            uow.session.add(school_class)
            await uow.session.flush()
            school.class_id, school.room_id = school_class.id, room.id
            school.teacher_id = staff["teacher"]
            school.term_id = (await open_term(uow, *TERM)).id
            await tenants.join(uow, [parent.account_id for parent in parents], "guardian")
            for number, parent in enumerate(parents):
                school.families.append(await self._family(uow, school_class.id, number, parent))
        school.ctx = await self._refreshed(ctx)
        return school

    async def _family(self, uow: object, class_id: UUID, number: int, parent: Person) -> Family:
        from core.db.uow import UnitOfWork

        assert isinstance(uow, UnitOfWork)
        student = Student(
            class_id=class_id,
            name=f"学生{number + 1}",
            name_sort=f"xuesheng{number + 1:04}",
            roll_number=f"L{number:018}",
        )
        guardian = Guardian(account_id=parent.account_id, name=parent.name, phone=parent.phone)
        uow.session.add_all([student, guardian])
        await uow.session.flush()
        uow.session.add(Guardianship(student_id=student.id, guardian_id=guardian.id, relation="母亲"))
        await uow.session.flush()
        return Family(parent, student.id, guardian.id)

    def _plugins(self, kind: str, wanted: Sequence[str]) -> list[str]:
        loaded = {r.key: r.plugin for r in self.house.plugins.loaded}
        return [key for key in wanted if (plugin := loaded.get(key)) and kind in plugin.manifest.kinds]

    async def _refreshed(self, ctx: TenantContext) -> TenantContext:
        from core.db.resolve import worker_context

        return await worker_context(self.house, ctx.tenant_id)

    async def as_(self, org: School, role_or_person: str | Person) -> TenantContext:
        """The context that a request of this person would have."""
        person = org.people[role_or_person] if isinstance(role_or_person, str) else role_or_person
        signed = SignedIn(person.account_id, person.name, None, person.account_id)
        ctx, _ = await member_context(self.house, org.ctx.slug, signed, locale="zh_CN", request_id="test")
        return ctx

    def worker(self, org: School) -> TenantContext:
        return org.ctx

    @staticmethod
    def actor(person: Person) -> Actor:
        return Actor("person", person.account_id, person.name)

    async def client(self, person: Person | None = None, *, page: bool = False) -> httpx.AsyncClient:
        """An HTTP client signed in as `person` (None: nobody). `page` asks for pages as a browser does."""
        assert self.app is not None
        headers = {"accept": "text/html"} if page else {"accept": "application/json"}
        if person is not None:
            person.token = person.token or await open_session(self.house, person.account_id)
            headers["authorization"] = f"Bearer {person.token}"
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.app), base_url="http://kehou.test", headers=headers
        )

    async def drain(self, *orgs: School, rounds: int = 20) -> list[str]:
        """Deliver all that waits in the outboxes of `orgs` (and what that causes), as the workers would."""
        outcomes: list[str] = []
        for _ in range(rounds):
            waiting: list[tuple[UUID, UUID]] = []
            for org in orgs:
                async with self.house.unit(org.ctx) as uow:
                    query = select(Outbox.id).where(
                        Outbox.done_at.is_(None), Outbox.dead_at.is_(None), Outbox.attempts == 0
                    )
                    ids = (await uow.session.execute(query.order_by(Outbox.id))).scalars().all()
                    waiting += [(org.ctx.tenant_id, id_) for id_ in ids]
            if not waiting:
                break
            for tenant_id, id_ in waiting:
                outcomes.append(await deliver(self.house, tenant_id, id_))
        return outcomes
