"""Events that become messages. Each subscriber can hear its event twice: a message's `source` makes it come once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from core.billing.models import Bill
from core.db.delivery import Delivery
from core.db.uow import UnitOfWork
from core.host.contribution import Subscriber
from core.notices import service
from core.people.models import SchoolClass, Staff
from core.people.service import StudentView, students_by_id

PLAN_WRITE: Final = "plan.write"
APPROVE: Final = "application.approve"


async def plan_moved(delivery: Delivery) -> None:
    """The plan was sent, returned or filed: those who write it hear of it."""
    told = {name: delivery.payload.get(name, "") for name in ("term", "bureau", "by", "reason", "number")}
    people = await service.holders(delivery.uow, PLAN_WRITE)
    kind = _event(delivery)
    await service.tell(delivery.uow, people, kind, told, path="desk/plan", source=f"{kind}/{delivery.id}")


async def plan_published(delivery: Delivery) -> None:
    """Families may see the plan (R-038, R-463)."""
    uow = delivery.uow
    told = {"term": delivery.payload.get("term", "")}
    source = f"plan.published/{delivery.payload['id']}/{delivery.payload.get('version', 1)}"
    await service.tell(uow, await service.all_guardians(uow), "plan.published", told, path="home/plan", source=source)


async def notice_posted(delivery: Delivery) -> None:
    """Something new is on the board. The plan has a message of its own."""
    if delivery.payload.get("kind") == "plan":
        return
    uow, to = delivery.uow, delivery.payload.get("to")
    told = {"title": delivery.payload.get("title", ""), "to": to or ""}
    kind = "notice.posted" if to else "notice.posted_open"
    id_ = delivery.payload["id"]
    people = await service.all_guardians(uow)
    await service.tell(uow, people, kind, told, path=f"board/{id_}", source=f"notice/{id_}")


async def notice_objected(delivery: Delivery) -> None:
    """Somebody objects: those who post hear of it."""
    people = await service.holders(delivery.uow, service.PUBLISH)
    told = {"title": delivery.payload.get("title", "")}
    path = f"desk/notices/{delivery.payload['id']}"
    source = f"objection/{delivery.payload['objection']}"
    await service.tell(delivery.uow, people, "notice.objected", told, path=path, source=source)


async def application_to_review(delivery: Delivery) -> None:
    """A new application: the child's class teacher hears of it; with none, those who approve."""
    uow = delivery.uow
    child = await _child(uow, delivery.payload)
    if child is None:
        return
    teacher = await _class_teacher(uow, child.class_id)
    people: Collection[UUID] = [teacher] if teacher else await service.holders(uow, APPROVE)
    path = f"teach/review/{_id(delivery.payload)}" if teacher else f"desk/applications/{_id(delivery.payload)}"
    told = {"child": child.name, "class": [child.grade, child.class_number]}
    await service.tell(uow, people, "application.submitted", told, path=path, source=f"review/{delivery.id}")


async def application_moved(delivery: Delivery) -> None:
    """Steered, approved or refused, whole or in part: the child's guardians hear of it. The reason is on the page."""
    kind = {"application.item_refused": "application.refused"}.get(_event(delivery), _event(delivery))
    path = f"home/applications/{_id(delivery.payload)}"
    await _to_family(delivery, delivery.payload, kind, path=path, source=f"{kind}/{delivery.id}")


async def agreement_signed(delivery: Delivery) -> None:
    """The agreement is in force: both parents hear of it."""
    id_ = delivery.payload.get("agreement", delivery.payload.get("id"))
    path = f"home/agreements/{id_}"
    await _to_family(delivery, delivery.payload, "agreement.signed", path=path, source=f"agreement.signed/{id_}")


async def swapped(delivery: Delivery) -> None:
    """An item was exchanged: both parents and the class teacher hear of it."""
    uow, told = delivery.uow, {k: delivery.payload.get(k, "") for k in ("old", "new", "starts")}
    child = await _child(uow, delivery.payload)
    if child is None:
        return
    told["child"] = child.name
    source = f"swapped/{delivery.payload['enrolment']}"
    family = (await service.guardians_of(uow, [child.id])).get(child.id, [])
    path = f"home/enrolments/{delivery.payload['enrolment']}"
    await service.tell(uow, family, "enrollment.swapped", told, path=path, source=source)
    teacher = await _class_teacher(uow, child.class_id)
    if teacher is not None:
        await service.tell(uow, [teacher], "enrollment.swapped", told, path="teach/review", source=f"{source}/teacher")


async def paper_moved(delivery: Delivery) -> None:
    """A paper was keyed in or confirmed: the family hears of it. Returned or objected to: whoever keyed it in."""
    uow, kind, id_ = delivery.uow, _event(delivery), delivery.payload["paper"]
    child = await _child(uow, delivery.payload)
    if child is None:
        return
    told = {"child": child.name, "by": delivery.payload.get("by", "")}
    source = f"{kind}/{delivery.id}"
    if kind in ("paper.returned", "paper.objected"):
        maker = delivery.payload.get("to")
        people = [UUID(str(maker))] if maker else []
        await service.tell(uow, people, kind, told, path=f"teach/papers/{id_}", source=source)
        return
    family = (await service.guardians_of(uow, [child.id])).get(child.id, [])
    await service.tell(uow, family, kind, told, path=f"home/papers/{id_}", source=source)
    if kind == "paper.entered":
        people = await service.holders(uow, APPROVE)
        await service.tell(uow, people, "paper.to_check", told, path=f"desk/papers/{id_}", source=source)


async def bills_issued(delivery: Delivery) -> None:
    """A chunk of bills was issued: each family hears of its own."""
    uow = delivery.uow
    ids = [UUID(id_) for id_ in delivery.payload.get("bills", [])]
    bills = (await uow.session.execute(select(Bill).where(Bill.id.in_(ids)))).scalars().all()
    children = await students_by_id(uow, [b.student_id for b in bills])
    families = await service.guardians_of(uow, [b.student_id for b in bills])
    for bill in bills:
        told = {"child": children[bill.student_id].name, "due": bill.due_fen}
        people = families.get(bill.student_id, [])
        await service.tell(uow, people, "billing.issued", told, path=_bill(bill.id), source=f"bill/{bill.id}")


async def money_moved(delivery: Delivery) -> None:
    """A payment came in, or a refund went back: the child's guardians hear of it."""
    bill = await delivery.uow.find(Bill, UUID(str(delivery.payload["bill_id"])))
    if bill is None:
        return
    kind = _event(delivery)
    told = {"student": bill.student_id, "amount": delivery.payload.get("amount_fen", 0)}
    ref = delivery.payload.get("receipt_id") or delivery.payload.get("refund_id")
    await _to_family(delivery, told, kind, path=_bill(bill.id), source=f"{kind}/{ref}")


# ---- who and where ------------------------------------------------------------------------------------------


def _event(delivery: Delivery) -> str:
    """The event's own name: a subscriber is called "notices.<event>"."""
    return delivery.name.removeprefix("notices.")


def _id(payload: Mapping[str, Any]) -> str:
    return str(payload.get("application", payload.get("id", "")))


def _bill(bill_id: UUID) -> str:
    return f"home/bills/{bill_id}"


async def _child(uow: UnitOfWork, payload: Mapping[str, Any]) -> StudentView | None:
    named = payload.get("student") or payload.get("student_id")
    if not named:
        return None
    return (await students_by_id(uow, [UUID(str(named))])).get(UUID(str(named)))


async def _to_family(delivery: Delivery, payload: Mapping[str, Any], kind: str, *, path: str, source: str) -> None:
    uow = delivery.uow
    child = await _child(uow, payload)
    if child is None:
        return
    people = (await service.guardians_of(uow, [child.id])).get(child.id, [])
    told = {"child": child.name, **({"amount": payload["amount"]} if "amount" in payload else {})}
    await service.tell(uow, people, kind, told, path=path, source=source)


async def _class_teacher(uow: UnitOfWork, class_id: UUID) -> UUID | None:
    query = (
        select(Staff.account_id)
        .join(SchoolClass, (SchoolClass.tenant_id == Staff.tenant_id) & (SchoolClass.class_teacher_id == Staff.id))
        .where(SchoolClass.id == class_id, Staff.left_at.is_(None))
    )
    return (await uow.session.execute(query)).scalars().first()


def _heard(event: str, handler: Any) -> Subscriber:
    return Subscriber(event, f"notices.{event}", handler)


SUBSCRIBERS = (
    *(_heard(event, plan_moved) for event in ("plan.submitted", "plan.returned", "plan.filed")),
    _heard("plan.published", plan_published),
    _heard("notice.published", notice_posted),
    _heard("notice.objected", notice_objected),
    _heard("application.submitted", application_to_review),
    *(
        _heard(event, application_moved)
        for event in ("application.steered", "application.approved", "application.refused", "application.item_refused")
    ),
    _heard("agreement.signed", agreement_signed),
    _heard("enrollment.swapped", swapped),
    *(_heard(event, paper_moved) for event in ("paper.entered", "paper.confirmed", "paper.returned", "paper.objected")),
    _heard("billing.issued", bills_issued),
    _heard("payment.received", money_moved),
    _heard("refund.done", money_moved),
)
