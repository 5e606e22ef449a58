"""What a vendor's course costs a family: the posted standard, by lessons, into the school's fund (idea 9).

The money's way is family → school → vendor. Nothing here can name a vendor as payee of a family's bill.
"""

from __future__ import annotations

from uuid import UUID

from core.api import BillingRequest, ChargeProposal, Figure, UnitOfWork, gettext
from core.api.enrollment import offerings

_ = gettext
LIVE = ("published", "open_for_choice", "running")


def charges(request: BillingRequest) -> list[ChargeProposal]:
    """Each child's vendor courses by the lessons of the term that the enrolment covers."""
    return [
        ChargeProposal(
            student_id=child.student_id,
            service=enrolment.offering.service,
            title=_("机构课程：%(title)s", title=enrolment.offering.title),
            quantity=child.lessons.get(enrolment.id, 0),
            fund="service",
            enrolment_id=enrolment.id,
            offering_id=enrolment.offering.id,
        )
        for child in request.students
        for enrolment in child.enrolments
        if enrolment.offering.plugin == "vendors" and enrolment.offering.service
    ]


async def figures(uow: UnitOfWork, term_id: UUID) -> list[Figure]:
    """How many vendor courses families can choose, of how many vendors, and the places taken in them."""
    items = [item for item in await offerings(uow, term_id, plugin="vendors") if item.state in LIVE]
    return [
        Figure("vendors.courses", _("机构课程"), len(items), _("门"), "building-store"),
        Figure("vendors.vendors", _("参与机构"), len({i.vendor_id for i in items}), _("家"), "building-store"),
        Figure("vendors.places_taken", _("机构课程参加人次"), sum(i.taken for i in items), _("人次"), "users"),
    ]
