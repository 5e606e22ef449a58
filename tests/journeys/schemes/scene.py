"""What a scheme's module says, and the harness that plays it over HTTP on a real house."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import select

from core.base import clock
from core.base.ids import new_id
from core.base.money import Fen
from core.billing.models import Bill, BillLine, PaymentAttempt, Refund
from core.billing.port import PaymentOutcome
from core.billing.settle import settle
from core.identity.gateway import CodeGateway, FileGateway
from core.ledger import service as ledger
from deploy.walkthrough.browser import Page
from plugins.insurance import service as insurance
from plugins.insurance.schemas import PolicyForm
from tests.journeys.schemes.plans import rich_plan
from tests.support import billing as prices
from tests.support.lessons import at
from tests.support.world import Family, Person, School, World

LAST = date(2027, 1, 22)
"""The last day of the world's term."""


@dataclass(frozen=True)
class Wrong:
    """A plan that the document objects to: what is changed in the right one, and the objection that must come."""

    changes: Mapping[str, Any]
    rule: str
    clause: str
    force: str = "block"


@dataclass(frozen=True)
class Care:
    """What goes on the menu."""

    starts_at: str = "16:00"
    ends_at: str = "17:30"
    early_ends_at: str | None = "17:10"
    weekdays: Sequence[int] = (1, 2, 3, 4, 5)
    content: Sequence[str] = ("homework",)
    capacity: int = 35
    grades: Sequence[int] = (1, 2, 3, 4, 5, 6)
    any_days: bool = False
    """Whether families choose some of the days only."""


@dataclass(frozen=True)
class Refused:
    """A write that the document refuses: of an offering, or of a fee standard; `changes` are fields of its form."""

    changes: Mapping[str, Any]
    rule: str
    clause: str


@dataclass(frozen=True)
class Scene:
    """One scheme. `fee` is the price of a lesson in fen where families pay, None where the document lets nobody charge
    (then `no_fee` says by which rule and clause). `steps` are those of the chain that people take here."""

    pack: str
    plan: Mapping[str, Any] = field(default_factory=dict)
    wrong: Sequence[Wrong] = ()
    reasons: bool = False
    """Whether the right plan keeps a warning with a written reason."""
    filed: str = ""
    """`file`: sent to the bureau, which files it unread; `review`: an officer passes it."""
    care: Care = field(default_factory=Care)
    refused: Sequence[Refused] = ()
    by_class: bool = True
    by_school: str = "office"
    """Who approves after the class teacher; empty where the class teacher's word is the last."""
    need: bool = False
    """Whether the reviewer must confirm a need."""
    fee: int | None = None
    fee_form: Mapping[str, Any] = field(default_factory=dict)
    approval: Mapping[str, Any] = field(default_factory=dict)
    no_fee: Refused | None = None
    papers: Sequence[str] = ()
    """What must come on paper, and is refused without."""
    hand_first: bool = False
    """Whether the class teacher hands the children to the care teacher before the roll is called."""
    peculiar: Callable[[Play], Awaitable[None]] | None = None
    """What no other scheme has, asked at the house while the term runs."""


class Play:
    """Plays one scene. Every step asserts what it did."""

    def __init__(self, world: World, scene: Scene) -> None:
        self.world, self.scene = world, scene
        self.bureau: School
        self.school: School
        self.offering: UUID
        self.base = "/api/t/school"

    async def run(self) -> None:
        await self.set_up()
        await self.plans()
        if self.scene.fee is not None:
            await self.sets_price()
        else:
            await self.cannot_charge()
        await self.opens()
        for family in self.school.families:
            await self.enrols(family)
        await self.charges()
        if self.scene.peculiar is not None:
            await self.scene.peculiar(self)
        await self.runs_a_day()
        await self.closes()

    # ---- people --------------------------------------------------------------------------------------------------

    async def set_up(self) -> None:
        self.bureau = await self.world.bureau(pack=self.scene.pack)
        self.school = await self.world.school(parent=self.bureau.ctx, pack=self.scene.pack)
        policy = PolicyForm(
            insurer="平安财险",
            number="XF-2026-1",
            starts_on=date(2026, 9, 1),
            ends_on=date(2027, 8, 31),
            bearers="学校、保险公司和责任方各按责任承担。",
        )
        async with self.world.house.unit(await self.world.as_(self.school, "office")) as uow:
            await insurance.record(uow, policy)

    async def as_(self, who: str | Person, *, page: bool = False, org: School | None = None) -> httpx.AsyncClient:
        person = (org or self.school).people[who] if isinstance(who, str) else who
        return await self.world.client(person, page=page)

    async def drain(self) -> None:
        await self.world.drain(self.school, self.bureau)

    # ---- plan ----------------------------------------------------------------------------------------------------

    async def plans(self) -> None:
        """Objected with its clause, corrected, adopted, filed where the document asks, published."""
        office, principal = await self.as_("office"), await self.as_("principal")
        for wrong in self.scene.wrong:
            said = await self._put(office, {**self.scene.plan, **wrong.changes})
            found = [(o["code"], o["clause"], o["force"]) for o in said["objections"]]
            assert (f"policy.{wrong.rule}", wrong.clause, wrong.force) in found, (wrong.rule, found)
            if wrong.force == "block":
                refused = await self._step(principal, said, "adopt")
                assert refused.status_code == 422, refused.text
                assert wrong.clause in {o["clause"] for o in refused.json()["objections"]}
        plan = await self._put(office, self.scene.plan)
        assert plan["blocks"] == 0, plan["objections"]
        assert bool(plan["reasons_owed"]) == self.scene.reasons, plan["objections"]
        if plan["reasons_owed"]:
            reasons = dict.fromkeys(plan["reasons_owed"], "本校实际情况，家长会已通过")
            done(await office.post(f"{self.base}/desk/plan/reasons", json={"reasons": reasons}))
        done(await self._step(principal, plan, "adopt"))
        early = await self._step(office, plan, "publish") if self.scene.filed else None
        if early is not None:
            assert early.status_code == 409 and early.json()["code"] == "plan_not_filed", early.text
            await self._file(office, plan)
        shown = done(await self._step(office, plan, "publish"))
        assert shown["state"] == "in_force"
        await self.drain()

    async def _put(self, office: httpx.AsyncClient, changes: Mapping[str, Any]) -> dict[str, Any]:
        return done(await office.put(f"{self.base}/desk/plan", json={"content": rich_plan(changes)}))

    async def _step(self, client: httpx.AsyncClient, plan: Mapping[str, Any], step: str) -> httpx.Response:
        headers = {"idempotency-key": f"{step}-00001"}
        return await client.post(f"{self.base}/desk/plan/{plan['id']}/{step}", headers=headers)

    async def _file(self, office: httpx.AsyncClient, plan: Mapping[str, Any]) -> None:
        done(await self._step(office, plan, "submit"))
        await self.drain()
        officer = await self.as_("bureau_officer", org=self.bureau)
        if self.scene.filed == "file":
            assert done(await office.get(f"{self.base}/desk/plan"))["state"] == "filed"
            return
        [filing] = done(await officer.get("/api/t/bureau/bureau/plans"))["plans"]
        passed = await officer.post(
            f"/api/t/bureau/bureau/plans/{filing['id']}/pass", headers={"idempotency-key": "pass-00001"}
        )
        assert done(passed)["number"].startswith("BA")
        await self.drain()

    # ---- menu ----------------------------------------------------------------------------------------------------

    async def opens(self) -> None:
        """What the document forbids is refused with its clause; the right care goes on the menu."""
        office = await self.as_("office")
        for refused in self.scene.refused:
            answer = await office.post(f"{self.base}/desk/offerings", json=self._care(refused.changes, reason=""))
            assert answer.status_code == 422, answer.text
            said = [(o["code"], o["clause"]) for o in answer.json()["objections"]]
            assert (f"policy.{refused.rule}", refused.clause) in said, said
            await self.keeps("offering.propose", refused.rule)
        made = done(await office.post(f"{self.base}/desk/offerings", json=self._care({})), 201)
        self.offering = UUID(made["id"])
        done(await office.post(f"{self.base}/desk/offerings/{self.offering}/approve", json={"reason": "学校统一安排"}))
        start = clock.school_time(clock.now() - timedelta(hours=1))
        times = {"opens_at": f"{start:%Y-%m-%dT%H:%M}", "closes_at": f"{start + timedelta(days=7):%Y-%m-%dT%H:%M}"}
        done(await office.post(f"{self.base}/desk/menu/window", json=times))
        [item] = done(await office.post(f"{self.base}/desk/menu/publish"))
        assert item["id"] == str(self.offering)
        await self.drain()

    def _care(self, changes: Mapping[str, Any], reason: str = "学校统一安排") -> dict[str, Any]:
        care = self.scene.care
        return {
            "title": "课后看护",
            "grades": list(care.grades),
            "any_days": care.any_days,
            "weekdays": list(care.weekdays),
            "starts_at": care.starts_at,
            "ends_at": care.ends_at,
            "early_ends_at": care.early_ends_at,
            "content": list(care.content),
            "capacity": care.capacity,
            "room_id": str(self.school.room_id),
            "teacher_id": str(self.school.teacher_id),
            "service": "care" if self.scene.fee is not None else None,
            "reason": reason,
            **changes,
        }

    # ---- enrolment -----------------------------------------------------------------------------------------------

    async def enrols(self, family: Family) -> None:
        """Told first, applied, passed by the scheme's chain and by nobody else's, signed."""
        guardian = await self.as_(family.guardian)
        child = str(family.student_id)
        menu = done(await guardian.get(f"{self.base}/home/menu", params={"child": child}))
        body = {
            "student_id": child,
            "items": [{"offering_id": str(self.offering), "weekdays": list(self.scene.care.weekdays)}],
            "notice_sha256": menu["notice_sha256"],
            "need": "双职工，无法按时接" if self.scene.need else "",
        }
        headers = {"idempotency-key": f"apply-{child}"}
        unread = await guardian.post(f"{self.base}/home/applications", json=body, headers=headers)
        assert unread.status_code == 422, unread.text
        told = {"child": child, "sha256": menu["notice_sha256"]}
        done(await guardian.post(f"{self.base}/home/notice", json=told))
        headers = {"idempotency-key": f"apply-{child}-2"}
        row = done(await guardian.post(f"{self.base}/home/applications", json=body, headers=headers))
        await self._reviewed(row["id"])
        row = done(await guardian.get(f"{self.base}/home/applications/{row['id']}"))
        await self._signs(guardian, family, row["agreement_id"])
        row = done(await guardian.get(f"{self.base}/home/applications/{row['id']}"))
        assert row["state"] == "enrolled", row

    async def _reviewed(self, application_id: str) -> None:
        approve = f"{self.base}/desk/applications/{application_id}/approve"
        if self.scene.by_class:
            if self.scene.by_school:
                before = await (await self.as_(self.scene.by_school)).post(approve, json={"reason": ""})
                assert before.status_code == 409, "the school cannot come before the class teacher"
            await self._seen("class_teacher", f"{self.base}/teach/applications/{application_id}/pass")
        if self.scene.by_school:
            await self._seen(self.scene.by_school, approve, {"reason": "符合条件"})

    async def _seen(self, who: str, address: str, body: Mapping[str, Any] | None = None) -> None:
        """Pass an application, with what came on paper; without it, it is refused with the clause."""
        client, papers = await self.as_(who), {"papers": list(self.scene.papers)}
        without = await client.post(address, json=body) if self.scene.papers else None
        if without is not None and without.status_code == 422:
            assert {o["code"] for o in without.json()["objections"]} == {"policy.application.forms"}
            await self.keeps("application.papers", "application.forms")
        elif without is not None:
            done(without)
            return
        done(await client.post(address, json=body, params=papers))

    async def _signs(self, guardian: httpx.AsyncClient, family: Family, agreement_id: str) -> None:
        paper = done(await guardian.get(f"{self.base}/home/agreements/{agreement_id}"))
        done(await guardian.post(f"{self.base}/home/agreements/{agreement_id}/code"))
        gateway = self.world.house.get(CodeGateway)
        assert isinstance(gateway, FileGateway)
        code = gateway.last(family.guardian.phone)
        signed = {"code": code, "sha256": paper["sha256"]}
        done(await guardian.post(f"{self.base}/home/agreements/{agreement_id}/sign", json=signed))

    # ---- money ---------------------------------------------------------------------------------------------------

    def _standard(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "service": "care",
            "title": "课后看护服务费",
            "fund": "service",
            "unit_fen": "5.00",
            "unit": "lesson",
            "basis": "按成本补偿原则测算",
            "complaint_phone": "0550-1230315",
            "effective_from": (clock.today() - timedelta(days=10)).isoformat(),
            "case_by_case": "true",
            "reason": "按文件执行",
            "_key": str(new_id()),
            **changes,
        }

    async def cannot_charge(self) -> None:
        """The document lets nobody charge: a price is refused with its clause, and the refusal is kept."""
        if self.scene.no_fee is None:
            return
        office = await self.as_("office", page=True)
        answer = await office.post("/t/school/desk/fees", data=self._standard(self.scene.no_fee.changes))
        assert answer.status_code == 422, answer.text[:300]
        assert self.scene.no_fee.clause in Page(answer).text
        await self.keeps("fees.propose", self.scene.no_fee.rule)

    async def sets_price(self) -> None:
        """A price by the whole way: what breaks the document is refused, then proposed, approved, disclosed, posted."""
        await self.cannot_charge()
        await prices.no_waiting(self.world, self.school)
        form = {"unit_fen": self.scene.fee, "cost_fen": 1000, "account": "school_finance", **self.scene.fee_form}
        async with self.world.house.unit(await self.world.as_(self.school, "office")) as uow:
            row = await prices.fees.propose(uow, prices.proposal(**form))
        stated = {"approved_fen": self.scene.fee, **self.scene.approval}
        approval = prices.approval().model_copy(update=stated)
        async with self.world.house.unit(await self.world.as_(self.school, "principal")) as uow:
            await prices.fees.approve(uow, row.id, approval)
            await prices.fees.disclose(uow, row.id, "政府网站收费公示栏")
        async with self.world.house.unit(await self.world.as_(self.school, "finance")) as uow:
            posted, wrong = await prices.fees.put_up(uow, row.id, prices.board_of(row))
            assert posted.state == "in_force" and not wrong

    async def charges(self) -> None:
        """One bill a child, paid; where the document lets nobody charge, none."""
        finance = await self.as_("finance")
        started = await finance.post(f"{self.base}/desk/billing/runs", headers={"idempotency-key": "run-00001"})
        done(started, 202)
        await self.drain()
        bills = await self.rows(Bill)
        if self.scene.fee is None:
            assert bills == []
            return
        assert len(bills) == len(self.school.families)
        for bill in bills:
            assert bill.due_fen > 0
            await self._pays(bill)

    async def _pays(self, bill: Bill) -> None:
        """The provider says that a family paid."""
        async with self.world.house.unit(self.school.ctx) as uow:
            attempt = PaymentAttempt(
                id=new_id(), bill_id=bill.id, amount_fen=bill.due_fen, provider="test", state="open"
            )
            uow.session.add(attempt)
            await uow.session.flush()
            said = PaymentOutcome(attempt.id, "succeeded", f"pi_{attempt.id}", Fen(bill.due_fen), fee=Fen(0))
            assert await settle(uow, said, source="test") == "succeeded"

    async def _sign_safety(self) -> None:
        """The teacher signs on the phone what "today" asks for (R-161); other schemes ask for nothing."""
        phone = await self.as_("teacher", page=True)
        day = (await phone.get(f"/t/{self.school.ctx.slug}/teach")).text
        for path in dict.fromkeys(re.findall(r'href="(/t/[^"]+/teach/safety/[0-9a-f-]+)"', day)):
            asked = await phone.post(f"{path}/code")
            gateway = self.world.house.get(CodeGateway)
            assert asked.status_code == 303 and isinstance(gateway, FileGateway)
            shown = (await phone.get(asked.headers["location"])).text
            sha256 = re.search(r'name="sha256" value="([0-9a-f]{64})"', shown)
            assert sha256 is not None
            sent = {"sha256": sha256[1], "code": gateway.last(self.school.people["teacher"].phone)}
            assert (await phone.post(path, data=sent)).status_code == 303

    # ---- a day ---------------------------------------------------------------------------------------------------

    async def runs_a_day(self) -> None:
        """The register at its time, everybody led out at the end, each child into the hands of a named person."""
        day, care = self._day(), self.scene.care
        starts, ends = time.fromisoformat(care.starts_at), time.fromisoformat(care.ends_at)
        teacher = await self.as_("teacher")
        with at(day, starts.hour, starts.minute):
            [lesson] = done(await teacher.get(f"{self.base}/teach/lessons"))["lessons"]
            assert (lesson["starts_at"], lesson["ends_at"]) == (care.starts_at, care.ends_at)
            here = f"{self.base}/teach/lessons/{lesson['id']}"
            await self._sign_safety()
            done(await teacher.post(f"{here}/sign-in"))
            children = done(await teacher.get(f"{here}/register"))["children"]
            marks = [{"student_id": c["student_id"], "mark": "present", "note": ""} for c in children]
            if self.scene.hand_first:
                alone = await teacher.put(f"{here}/register", json={"marks": marks})
                assert alone.status_code == 409 and alone.json()["code"] == "lesson_objected", alone.text
                class_teacher = await self.as_("class_teacher", page=True)
                await class_teacher.post(f"/t/school/teach/classes/{self.school.class_id}/hand")
            saved = done(await teacher.put(f"{here}/register", json={"marks": marks}))
            assert saved["present"] == len(self.school.families)
        page = await self.as_("teacher", page=True)
        with at(day, ends.hour, ends.minute):
            assert done(await teacher.post(f"{here}/end"))["state"] == "held"
            await page.post(f"/t/school/teach/lessons/{lesson['id']}/lead-out")
            for family in self.school.families:
                await self._handed(page, family)
        await self.drain()

    async def _handed(self, teacher: httpx.AsyncClient, family: Family) -> None:
        gate = f"/t/school/teach/pickup/{family.student_id}"
        form = Page(await teacher.get(gate)).form(has="collector")
        stranger = {"collector": f"collector:{new_id()}", "signature": "路人"}
        assert (await teacher.post(gate, data=stranger)).status_code >= 400
        collector = form.choices["collector"][0][0]
        given = await teacher.post(gate, data={"collector": collector, "signature": family.guardian.name})
        assert given.status_code == 303, Page(given).text[:300]
        guardian = await self.as_(family.guardian)
        [child] = done(await guardian.get(f"{self.base}/home/today"))["children"]
        assert child["lessons"][0]["state"] == "held"

    def _day(self) -> date:
        """The next day of service."""
        day = clock.today() + timedelta(days=1)
        while day.isoweekday() not in self.scene.care.weekdays:
            day += timedelta(days=1)
        return day

    # ---- the end -------------------------------------------------------------------------------------------------

    async def closes(self) -> None:
        """After the last day: lessons settled by the night, the term closed, every fen where the document wants it."""
        finance = await self.as_("finance")
        address = f"{self.base}/desk/terms/{self.school.term_id}/closing"
        early = await finance.post(address)
        assert early.status_code == 409 and early.json()["code"] == "term_not_ready"
        with at(LAST + timedelta(days=4), 10):
            async with self.world.house.unit(self.school.ctx) as uow:
                await uow.enqueue("lessons.close_days")
            await self.drain()
            done(await finance.post(address), 202)
            await self.drain()
            closed = done(await finance.get(address))
            assert closed["state"] == "closed", closed
            for family in self.school.families:
                guardian = await self.as_(family.guardian)
                again = await guardian.get(f"{self.base}/home/menu", params={"child": str(family.student_id)})
                assert again.status_code == 200
            office = await self.as_("office")
            late = await office.post(f"{self.base}/desk/offerings", json=self._care({"title": "补开"}))
            assert late.status_code == 409 and late.json()["code"] == "term_closed", late.text
        lines = await self.rows(BillLine)
        assert all(x.amount_fen == x.earned_fen + x.returned_fen + x.unused_fen for x in lines)
        async with self.world.house.unit(self.school.ctx) as uow:
            assert int(await ledger.balance(uow, "deferred_income", "service")) == 0
            assert await ledger.problems(uow) == []
        if self.scene.fee is not None:
            refunds = await self.rows(Refund)
            assert len(refunds) == len(self.school.families)
            assert all(line.earned_fen >= self.scene.fee for line in lines), "the lesson held is income"

    # ---- looking -------------------------------------------------------------------------------------------------

    async def rows(self, model: Any) -> list[Any]:
        async with self.world.house.unit(self.school.ctx) as uow:
            return list((await uow.session.execute(select(model).order_by(model.id))).scalars())

    async def keeps(self, act: str, rule: str) -> dict[str, Any]:
        """The decision is on record, with the rule as the pack says it. Returns its ground."""
        office = await self.as_("office")
        decisions = done(await office.get(f"{self.base}/desk/decisions"))["decisions"]
        grounds = [g for d in decisions if d["act"] == act for g in d["grounds"] if g["rule"] == rule]
        assert grounds and grounds[0]["as_it_was"] and grounds[0]["clause"], (act, rule, decisions)
        return dict(grounds[0])


def done(answer: httpx.Response, status: int = 200) -> Any:
    """What the API answered, once it answered as it should."""
    assert answer.status_code == status, f"{answer.request.method} {answer.request.url}: {answer.text[:800]}"
    return answer.json() if answer.content else None


__all__ = ["LAST", "Care", "Play", "Refused", "Scene", "Wrong", "done"]
