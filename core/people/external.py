"""External teachers (校外教师): people of a vendor who teach here, with an account and the narrowest of roles."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert

from core.base import clock
from core.base.errors import Conflict
from core.base.ids import new_id
from core.base.text import lazy_gettext as _l
from core.db.global_tables import Account, Membership
from core.db.kernel_tables import RoleMember
from core.db.uow import UnitOfWork
from core.people.models import Staff
from core.policy import service as policy
from core.web.i18n import pinyin_key

POST = "external"
ROLE = "external_teacher"
"""Holds the right to teach one's own lessons, and nothing else."""


class OwnStaff(Conflict):
    """R-328: a school's own teacher may not come in as somebody else's."""

    code = "external_is_own_staff"
    text = _l("%(name)s是本校教职工，不能挂靠机构授课")


async def own_staff(uow: UnitOfWork, phone: str) -> bool:
    """Whether this phone belongs to a member of the school's own staff."""
    query = select(Staff.id).where(Staff.phone == phone, Staff.left_at.is_(None), Staff.post != POST)
    return (await uow.session.execute(query)).scalar_one_or_none() is not None


async def register_external(uow: UnitOfWork, name: str, phone: str) -> Staff:
    """Make (or bring back) an external teacher who can sign in here and sees the own lessons only. Raises OwnStaff."""
    if await own_staff(uow, phone):
        # Refused everywhere; where a document says so, its clause goes with the refusal.
        found = policy.effective(uow).ask("staff.affiliated", affiliated=True).objections
        raise OwnStaff(name=name, objections=[o.record() for o in found])
    made = insert(Account).values(id=new_id(), phone=phone, name=name).on_conflict_do_nothing(index_elements=["phone"])
    await uow.session.execute(made)
    account = (await uow.session.execute(select(Account.id).where(Account.phone == phone))).scalar_one()
    staff = (await uow.session.execute(select(Staff).where(Staff.phone == phone))).scalar_one_or_none()
    if staff is None:
        staff = Staff(phone=phone, name=name, name_sort=pinyin_key(name), post=POST)
        uow.session.add(staff)
    staff.account_id, staff.left_at, staff.post = account, None, POST
    role = {"tenant_id": uow.ctx.tenant_id, "id": new_id(), "account_id": account, "role_key": ROLE}
    await uow.session.execute(insert(RoleMember).values(**role).on_conflict_do_nothing())
    membership = insert(Membership).values(account_id=account, organisation_id=uow.ctx.tenant_id, faces=["teach"])
    faces = "(select jsonb_agg(distinct f) from jsonb_array_elements(membership.faces || excluded.faces) f)"
    await uow.session.execute(
        membership.on_conflict_do_update(
            index_elements=["account_id", "organisation_id"], set_={"faces": text(faces), "ended_at": None}
        )
    )
    await uow.session.flush()
    await uow.audit("staff.external", "staff", staff.id, name=name)
    return staff


async def end_external(uow: UnitOfWork, staff_id: UUID) -> None:
    """The external teacher teaches here no more; registers keep the name. A parent keeps the parent's membership."""
    staff = await uow.get(Staff, staff_id, lock=True)
    if staff.post != POST or staff.left_at is not None:
        return
    staff.left_at = clock.now()
    mine = RoleMember.account_id == staff.account_id
    await uow.session.execute(delete(RoleMember).where(mine, RoleMember.role_key == ROLE))
    left = (await uow.session.execute(select(RoleMember.id).where(mine).limit(1))).scalar_one_or_none()
    if left is None and staff.account_id is not None:
        await uow.session.execute(
            text("update membership set ended_at = now() where account_id = :a and organisation_id = :o"),
            {"a": staff.account_id, "o": uow.ctx.tenant_id},
        )
    await uow.audit("staff.external_end", "staff", staff.id, name=staff.name)
