"""What the rules of the moment say to the fee standards that there are, for a bureau that tries a version out."""

from __future__ import annotations

from sqlalchemy import select

from core.api import UnitOfWork
from core.api.policy import Standing
from plugins.fees.models import FeeStandard
from plugins.fees.schemas import StandardForm
from plugins.fees.service import objections_to

ALIVE = ("proposed", "approved", "disclosed", "posted_at_school", "in_force")


async def standards(uow: UnitOfWork) -> list[Standing]:
    """Each standard that is in force or on its way there, asked about as if it were put forward now."""
    query = select(FeeStandard).where(FeeStandard.state.in_(ALIVE)).order_by(FeeStandard.service, FeeStandard.id)
    return [
        Standing("fee_standard", row.id, row.title, objections_to(uow, _as_put_forward(row)))
        for row in (await uow.session.execute(query)).scalars()
    ]


def _as_put_forward(row: FeeStandard) -> StandardForm:
    fields = {name: getattr(row, name) for name in StandardForm.model_fields}
    return StandardForm.model_construct(**fields)
