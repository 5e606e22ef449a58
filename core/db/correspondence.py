"""Who stands above and below an organisation, and how a document from anybody else is refused.

The sender of a document is what the outbox says (`delivery.sender`), never what the document says of itself.
"""

from __future__ import annotations

from typing import NoReturn
from uuid import UUID

from sqlalchemy import select

from core.base.errors import NotFound
from core.base.text import in_locale
from core.base.text import lazy_gettext as _l
from core.db.delivery import Delivery, GiveUp
from core.db.global_tables import Organisation
from core.db.uow import UnitOfWork

REFUSED = "document.refused"
"""The audit action that a refused document leaves with its receiver."""

NOT_BELOW = _l("发送单位不是本单位的下属学校")
NOT_ABOVE = _l("发送单位不是本单位的上级")
UNREADABLE = _l("文件内容无法读取")


async def organisation(uow: UnitOfWork, id_: UUID | None = None) -> Organisation:
    """One organisation of the directory, this one when none is named. Raises NotFound."""
    found = await uow.session.get(Organisation, id_ or uow.ctx.tenant_id)
    if found is None:
        raise NotFound()
    return found


async def overseer(uow: UnitOfWork) -> Organisation | None:
    """The organisation above this one, if there is one (R-001)."""
    mine = await organisation(uow)
    return None if mine.parent_id is None else await organisation(uow, mine.parent_id)


async def children(uow: UnitOfWork, kind: str = "school") -> list[Organisation]:
    """The organisations of a kind directly under this one, by name of their address."""
    query = (
        select(Organisation)
        .where(Organisation.parent_id == uow.ctx.tenant_id, Organisation.kind == kind, Organisation.state != "closed")
        .order_by(Organisation.slug)
    )
    return list((await uow.session.execute(query)).scalars().all())


async def from_child(delivery: Delivery, kind: str = "school") -> Organisation:
    """The sender, when it is a school (or other `kind`) right under this organisation; else the document is refused."""
    sender = await delivery.uow.session.get(Organisation, delivery.sender)
    if sender is None or sender.kind != kind or sender.parent_id != delivery.ctx.tenant_id:
        await refuse(delivery, NOT_BELOW)
    return sender


async def from_overseer(delivery: Delivery) -> Organisation:
    """The sender, when it is the organisation right above this one; else the document is refused."""
    mine = await organisation(delivery.uow)
    sender = await delivery.uow.session.get(Organisation, delivery.sender)
    if sender is None or mine.parent_id != sender.id:
        await refuse(delivery, NOT_ABOVE)
    return sender


async def refuse(delivery: Delivery, why: str) -> NoReturn:
    """Set the document aside for good: a dead letter with the sender, a line of audit with the receiver.

    `why` is a Chinese text that the catalogues translate when it is shown. The line is written in a transaction of its
    own, because the delivery's is rolled back. Raises GiveUp.
    """
    with in_locale("zh_CN"):
        why = str(why)
    async with delivery.unit() as uow:
        name = (await uow.session.execute(select(Organisation.name).where(Organisation.id == delivery.sender))).scalar()
        await uow.audit(
            REFUSED, "document", delivery.id, kind=delivery.name, sender=delivery.sender, sender_name=name, why=why
        )
    raise GiveUp(why)
