"""What speaks against a vendor's course at a school: the pack's rules on providers, and our own three."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import func, select

from core.api import AssignmentView, BillDraft, Objection, OfferingView, UnitOfWork, gettext, today
from core.api import policy as policy_api
from core.api.enrollment import Objected
from core.api.external import own_staff
from core.api.organisations import organisation
from core.api.switches import plugin_settings
from plugins.vendors.models import Listed, Proposal, Teacher
from plugins.vendors.states import ON_LIST, PROVIDER_OF, SELECTORS

_ = gettext
SERVICE = "vendor_course"
"""The code that a vendor course's price is posted under."""
CAP = "provider.agency_cost_percent_max"


class VendorSettings(BaseModel):
    """What a school sets: the service's whole cost for the term in fen, the basis of the cap on agencies (R-305)."""

    total_cost_fen: int = 0


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the questions about one course ask. `agency_percent` None: the school has not said its total cost.

    `selector` is who chose the vendor: "county_bureau" for one taken from its list, "school" for a selection of the
    school's own that is on paper (`number`) and was posted; "" for nobody.
    """

    listed: Listed | None
    coach_phone: str
    certificate_until: date | None
    publicized: bool
    filed: bool
    special_need: bool
    method: str
    agency_percent: int | None
    selector: str = "county_bureau"
    reviewed_by: tuple[str, ...] = ("school",)
    number: str = ""
    cost_fen: int = 0
    paid: bool = True
    room: bool = True

    @property
    def vetted(self) -> bool:
        """By procedure: on the bureau's list, or chosen by the school on paper and posted (R-307)."""
        return self.state in ON_LIST or self.selector == "school"

    @property
    def state(self) -> str:
        return self.listed.state if self.listed else ""

    @property
    def kind(self) -> str:
        return str(self.listed.profile.get("agency_kind", "")) if self.listed else ""

    @property
    def provider(self) -> str:
        return PROVIDER_OF.get(self.kind, "training_agency")

    @property
    def licence_until(self) -> date | None:
        raw = self.listed.profile.get("licence_until") if self.listed else None
        return date.fromisoformat(raw) if raw else None


async def listed(uow: UnitOfWork, vendor_id: UUID) -> Listed | None:
    """The bureau's line about a vendor, as this school has it."""
    return (await uow.session.execute(select(Listed).where(Listed.vendor_id == vendor_id))).scalar_one_or_none()


async def agency_percent(uow: UnitOfWork, term_id: UUID | None, more_fen: int = 0) -> int | None:
    """The share of vendor courses in the service's whole cost of a term, in percent, rounded up; None without total."""
    total = (await plugin_settings(uow, "vendors", VendorSettings)).total_cost_fen
    if not total:
        return None
    return -(-(await spent_on_agencies(uow, term_id) + more_fen) * 100 // total)


async def spent_on_agencies(uow: UnitOfWork, term_id: UUID | None) -> int:
    """What the school has agreed to pay vendors for a term, in fen."""
    query = select(func.coalesce(func.sum(Proposal.cost_fen), 0)).where(
        Proposal.state == "approved", Proposal.term_id == term_id
    )
    return int((await uow.session.execute(query)).scalar_one())


async def objections(uow: UnitOfWork, facts: Facts) -> list[Objection]:
    """Every rule of the pack about providers, then licence and 挂靠."""
    pack = policy_api.effective(uow)
    provider = facts.provider
    asked: list[tuple[str, Mapping[str, Any]]] = [
        ("provider.kinds", {"provider": provider}),
        ("provider.banned_kinds", {"provider": provider}),
        ("provider.on_bureau_list", {"on_list": facts.state in ON_LIST, "provider": provider}),
        ("provider.vetted", {"vetted": facts.vetted, "provider": provider}),
        ("provider.bad_record", {"bad_record": facts.state in ("exited", "barred"), "provider": provider}),
        ("provider.non_subject", {"non_subject": facts.kind != "subject", "provider": provider}),
        ("provider.special_need", {"special_need": facts.special_need, "provider": provider}),
        ("provider.procurement", {"method": facts.method, "provider": provider}),
        ("provider.selector", {"selector": facts.selector or _("未经遴选"), "provider": provider}),
        ("provider.content_reviewed_by", {"reviewed_by": list(facts.reviewed_by), "provider": provider}),
        ("provider.formalities", {"formalities": _formalities(facts), "provider": provider}),
        ("provider.school_arranges", {"school_arranges": facts.room, "provider": provider}),
        *await _guarded(uow, facts),
    ]
    if facts.agency_percent is not None:
        asked.append((CAP, {"percent": facts.agency_percent, "provider": provider}))
    if facts.cost_fen:
        by_rules: dict[str, Any] = {"by_procurement_rules": bool(facts.number) or facts.state in ON_LIST}
        asked.append(("fee.procurement_rules", by_rules | ({"instrument": "service_charge"} if facts.paid else {})))
    return [*pack.ask_all(asked).objections, *_uncapped(pack, facts), *await _own(uow, facts)]


async def _guarded(uow: UnitOfWork, facts: Facts) -> list[tuple[str, Mapping[str, Any]]]:
    """The gates that this plugin keeps (R-304, R-315): entry by vetting, supervision by the lessons' own records, and
    assessment and exit by the score, as long as there is a bureau above that can decide on it."""
    above = (await organisation(uow, uow.ctx.tenant_id)).parent_id is not None
    gates = [*(["entry"] if facts.vetted else []), "supervision", *(["assessment"] if above else [])]
    return [
        ("provider.gates", {"gates": gates, "provider": facts.provider}),
        ("exit.mechanism", {"mechanism": above, "provider": facts.provider}),
    ]


def _uncapped(pack: policy_api.EffectivePack, facts: Facts) -> list[Objection]:
    """Where a document caps the agencies' share, money for one needs a total to be held against (R-305)."""
    if facts.agency_percent is not None or not facts.cost_fen:
        return []
    rule = pack.get(CAP, provider=facts.provider)
    if rule.value is None:
        return []
    words = _("请先填写本学期课后服务费用总量：机构课程费用不得超过其中的 %(n)s%%", n=rule.value)
    return [
        Objection(
            "vendors.total_unknown",
            words,
            rule.force,
            rule.clause,
            quote=rule.quote,
            pack_key=rule.pack_key,
            rule=rule.key,
        )
    ]


async def refuse_total(uow: UnitOfWork, term_id: UUID | None, total_fen: int) -> None:
    """A total of the term under which the agencies' agreed cost is too large a share of it. Raises Objected."""
    spent = await spent_on_agencies(uow, term_id)
    if not spent:
        return
    percent = -(-spent * 100 // total_fen) if total_fen else 100
    blocks = policy_api.effective(uow).ask(CAP, percent=percent).blocks
    if term_id and not await policy_api.decided(uow, "vendors.budget", "term", term_id, blocks):
        raise Objected(list(blocks))


async def of_bills(uow: UnitOfWork, drafts: tuple[BillDraft, ...]) -> list[Objection]:
    """check_bill: no family pays for a vendor's course while the agencies' share of the cost is over the cap."""
    mine = [d.student_id for d in drafts if any(c.proposal.service == SERVICE for c in d.charges)]
    percent = await agency_percent(uow, drafts[0].term_id) if mine else None
    if percent is None:
        return []
    found = policy_api.effective(uow).ask(CAP, percent=percent).blocks
    return [replace(o, subject_id=student_id) for o in found for student_id in mine]


def _formalities(facts: Facts) -> list[str]:
    """The vocabulary's words for what was done; what a scheme asks besides stays an objection."""
    done = ["vetted"] if facts.state in ON_LIST else []
    if facts.certificate_until is None or facts.certificate_until >= today():
        done += ["qualification", "contract", "character", "health", "safety_agreement"]
    if facts.publicized:
        done.append("publicity")
    if facts.filed:
        done.append("filing")
    if facts.method == "tender":
        done.append("open_tender")
    return done


async def _own(uow: UnitOfWork, facts: Facts) -> list[Objection]:
    found: list[Objection] = []
    if facts.state not in ("", *ON_LIST):
        found.append(Objection("vendors.off_list", _("机构已被暂停或退出名单"), source=_("机构课程")))
    until = facts.licence_until
    if until is not None and until < today():
        found.append(Objection("vendors.licence_expired", _("机构的许可证已过期"), source=_("机构课程")))
    if facts.certificate_until is not None and facts.certificate_until < today():
        found.append(Objection("vendors.certificate_expired", _("任课教师的资质证明已过期"), source=_("机构课程")))
    if facts.coach_phone and await own_staff(uow, facts.coach_phone):
        # a school's own teacher does not come in under a vendor's name.
        found.append(Objection("vendors.own_staff", _("任课教师是本校教职工，不得挂靠机构"), source=_("机构课程")))
    return found


async def of_offering(uow: UnitOfWork, offering: OfferingView, action: str) -> list[Objection]:
    """check_offering: whatever happens to a vendor's course, its vendor must still be allowed to serve."""
    if offering.kind != "vendor_course" and offering.plugin != "vendors":
        return []
    if offering.vendor_id is None:
        return [Objection("vendors.no_vendor", _("机构课程须由名单内的机构提供"), source=_("机构课程"))]
    details = offering.details
    teacher = await _teacher(uow, offering)
    if offering.teacher_id is not None and teacher is None:
        return [Objection("vendors.own_staff", _("任课教师是本校教职工，不得挂靠机构"), source=_("机构课程"))]
    facts = Facts(
        listed=await listed(uow, offering.vendor_id),
        coach_phone="",
        certificate_until=teacher.certificate_until if teacher else None,
        publicized=teacher is None or teacher.publicized_on is not None,
        filed=teacher is None or teacher.filed_on is not None,
        special_need=bool(details.get("special_need")),
        method=str(details.get("method", "government_purchase")),
        agency_percent=details.get("agency_percent"),
        room=offering.room_id is not None,
        **await _agreed(uow, offering.id),
    )
    return await objections(uow, facts)


async def _agreed(uow: UnitOfWork, offering_id: UUID) -> dict[str, Any]:
    """How the vendor was chosen and who reviewed the course, as the school wrote it down when it accepted it."""
    row = await uow.find(Proposal, offering_id)
    if row is None or not row.selection:
        return {}
    return {
        "selector": SELECTORS.get(str(row.selection.get("by")), ""),
        "number": str(row.selection.get("number", "")),
        "reviewed_by": tuple(row.reviewed_by),
        "cost_fen": row.cost_fen,
    }


async def _teacher(uow: UnitOfWork, offering: OfferingView) -> Teacher | None:
    query = select(Teacher).where(
        Teacher.staff_id == offering.teacher_id,
        Teacher.vendor_id == offering.vendor_id,
        Teacher.ended_at.is_(None),
    )
    return (await uow.session.execute(query)).scalar_one_or_none()


async def of_assignment(uow: UnitOfWork, assignment: AssignmentView) -> list[Objection]:
    """check_assignment: an external teacher teaches only for the vendor that sent them, and only while cleared."""
    if assignment.staff_id is None:
        return []
    query = select(Teacher).where(Teacher.staff_id == assignment.staff_id)
    rows = list((await uow.session.execute(query)).scalars())
    if not rows:
        return []
    name = {"name": assignment.person_name}
    mine = [row for row in rows if row.vendor_id == assignment.vendor_id and row.ended_at is None]
    if not mine:
        return [
            Objection("vendors.other_teacher", _("%(name)s是外聘教师，只能上本机构的课", **name), source=_("机构课程"))
        ]
    if any(row.certificate_until is not None and row.certificate_until < today() for row in mine):
        words = _("%(name)s的资质证明已过期", **name)
        return [Objection("vendors.certificate_expired", words, source=_("机构课程"))]
    return []
