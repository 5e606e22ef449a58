"""Service agreements (R-156 to R-160): offered on approval, signed by the guardian with a one-time code, proved by QR.

What was offered is kept whole, with its SHA-256; the code that signs is bound to that very text.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text

from core.base import clock
from core.base.context import TenantContext
from core.base.errors import FieldError
from core.base.text import in_locale
from core.db.house import House
from core.db.states import MoveRefused
from core.db.uow import UnitOfWork
from core.enrollment import seats, signing_codes
from core.enrollment.basket import items_of
from core.enrollment.enrolments import enrol
from core.enrollment.errors import AgreementChanged, Objected, WrongSigningCode
from core.enrollment.letters import agreement_text, digest, price_words
from core.enrollment.menu_service import prices
from core.enrollment.models import Agreement, Application, ApplicationItem, SigningCode
from core.enrollment.offering_rules import pack_of
from core.enrollment.offerings_service import offerings_by_id
from core.enrollment.states import AGREEMENT, APPLICATION
from core.enrollment.words import when_line
from core.identity.gateway import CodeGateway
from core.ledger.numbers import next_number, show_number
from core.people.models import Guardian
from core.people.service import StudentView, my_child, my_child_to_choose, my_guardian, student
from core.policy import service as policy
from core.policy.types import Objection
from core.terms.models import Term
from core.terms.service import term_title
from core.web.i18n import class_name, fdate, mask_phone

SIGNABLE = ("agreement_pending", "enrolled")
"""States of an application whose agreement may be signed; in any other one there is nothing agreed to sign."""


async def offer_agreement(uow: UnitOfWork, application: Application, child: StudentView) -> Agreement:
    """Offer the agreement for all that the child would take part in. An older offer is replaced; one in force stays in
    force until the new one is signed. Raises Objected when the paper lacks what the scheme wants of it (R-156)."""
    lacking = [o for o in objections_to_text(uow) if o.blocks]
    if not await policy.decided(uow, "agreement.offer", "application", application.id, lacking):
        raise Objected(lacking)
    await _replace_offered(uow, application.id)
    row = await _draft(uow, application, child)
    await AGREEMENT.transition(uow, row, "offer")
    if application.state == "approved":
        payload = {"application": application.id, "student": child.id, "agreement": row.id}
        await APPLICATION.transition(uow, application, "offer_agreement", payload=payload)
    return row


async def _replace_offered(uow: UnitOfWork, application_id: UUID) -> None:
    query = select(Agreement).where(Agreement.application_id == application_id, Agreement.state == "offered")
    for old in (await uow.session.execute(query)).scalars().all():
        await AGREEMENT.transition(uow, old, "supersede")
    await uow.session.flush()


async def _draft(uow: UnitOfWork, application: Application, child: StudentView) -> Agreement:
    template = agreement_text(uow)
    term = await uow.get(Term, application.term_id)
    items = [i for i in await items_of(uow, application.id) if i.state == "chosen"]
    views = await offerings_by_id(uow, {i.offering_id for i in items})
    priced = await prices(uow, term.id, views.values())
    with in_locale("zh_CN"):
        facts = {
            "school": uow.ctx.name,
            "term": term_title(term.code),
            "starts": fdate(term.starts_on),
            "ends": fdate(term.ends_on),
            "student": child.name,
            "class": class_name(child.grade, child.class_number),
        }
        rows = [
            (
                views[i.offering_id].title,
                when_line(views[i.offering_id], i.weekdays) or "不占用在校时间",
                price_words(views[i.offering_id], priced, child.grade),
            )
            for i in items
        ]
        content = template.filled(facts, rows)
    content["offerings"] = _named(items)
    row = Agreement(
        application_id=application.id,
        student_id=child.id,
        kind="service",
        state="drafted",
        template=template.key,
        version=template.version,
        content=content,
        sha256=digest(content),
        token=secrets.token_urlsafe(18),
    )
    uow.session.add(row)
    await uow.session.flush()
    return row


def _named(items: Sequence[ApplicationItem]) -> list[dict[str, Any]]:
    """The chosen items and their days as an agreement keeps them, in one order."""
    chosen = [{"offering": str(i.offering_id), "weekdays": list(i.weekdays)} for i in items if i.state == "chosen"]
    return sorted(chosen, key=lambda o: str(o["offering"]))


async def refit(uow: UnitOfWork, application: Application) -> None:
    """Something was taken out of an application: what waits for a signature is offered anew without it, or ends where
    nothing is left to be agreed. The caller holds the child."""
    waiting = select(Agreement.id).where(Agreement.application_id == application.id, Agreement.state == "offered")
    if (await uow.session.execute(waiting)).first() is None:
        return
    named = _named(await items_of(uow, application.id))
    if application.state in SIGNABLE and named and not await _agreed(uow, application.id, named):
        await offer_agreement(uow, application, await student(uow, application.student_id))
    else:
        await end_agreements(uow, application.id, ("offered",))


async def _agreed(uow: UnitOfWork, application_id: UUID, named: Sequence[dict[str, Any]]) -> bool:
    """Whether an agreement in force, in today's wording, names all of this."""
    query = select(Agreement).where(Agreement.application_id == application_id, Agreement.state == "in_force")
    template = agreement_text(uow)
    return any(
        (row.template, row.version) == (template.key, template.version)
        and all(line in row.content.get("offerings", ()) for line in named)
        for row in (await uow.session.execute(query)).scalars()
    )


def objections_to_text(uow: UnitOfWork) -> list[Objection]:
    """What the pack misses in the template that would be used here (R-157, R-158)."""
    pack, template = pack_of(uow), agreement_text(uow)
    if pack is None:
        return []
    return [
        *pack.ask("agreement.states", states=list(template.states)).objections,
        *pack.ask("agreement.parties", parties=list(template.parties)).objections,
        *pack.ask("agreement.kinds", signed=list(template.covers)).objections,
        # Rights and duties are told in the letter and in this paper, both kept with who read and signed them.
        *pack.ask("agreement.means", means=["letter", "agreement"]).objections,
    ]


# ---- signing ------------------------------------------------------------------------------------------------


async def agreements_of(uow: UnitOfWork, student_id: UUID) -> list[Agreement]:
    """A child's agreements, newest first, without those that never were offered."""
    query = select(Agreement).where(Agreement.student_id == student_id, Agreement.state != "drafted")
    return list((await uow.session.execute(query.order_by(Agreement.created_at.desc(), Agreement.id))).scalars())


async def my_agreement(uow: UnitOfWork, agreement_id: UUID) -> Agreement:
    """An agreement about one of the acting guardian's children, to be read. Raises NotFound."""
    row = await uow.get(Agreement, agreement_id)
    await my_child(uow, row.student_id)
    return row


async def _mine_to_sign(uow: UnitOfWork, agreement_id: UUID) -> Agreement:
    """The same, for a guardian who may choose. Raises NotFound, MayNotChoose."""
    row = await uow.get(Agreement, agreement_id)
    await my_child_to_choose(uow, row.student_id)
    return row


def _refuse_unsignable(row: Agreement, application: Application) -> None:
    """Raises MoveRefused: it is not offered any more, or what it is about was cancelled or is being decided anew."""
    event = str(AGREEMENT.moves["offered", "sign"].title)
    if row.state != "offered":
        raise MoveRefused(state=AGREEMENT.title(row.state), event=event)
    if application.state not in SIGNABLE:
        raise MoveRefused(state=APPLICATION.title(application.state), event=event)


async def send_signing_code(house: House, ctx: TenantContext, agreement_id: UUID) -> str:
    """Send a code that signs this agreement in this wording and nothing else; returns the masked phone.

    The message leaves after the commit: however slow the gateway is, no connection and no lock waits for it. A code
    that never arrives signs nothing. Raises MoveRefused, MayNotChoose, TooManyCodes, NoGateway.
    """
    gateway = house.get(CodeGateway)
    gateway.check()
    async with house.unit(ctx) as uow:
        phone, digits = await _new_code(uow, agreement_id)
    await gateway.send(phone, digits)
    return mask_phone(phone)


async def _new_code(uow: UnitOfWork, agreement_id: UUID) -> tuple[str, str]:
    """A new code and the phone that it is for."""
    row = await _mine_to_sign(uow, agreement_id)
    _refuse_unsignable(row, await uow.get(Application, row.application_id))
    guardian = await my_guardian(uow)
    await uow.hold(f"signing/{guardian.id}")
    digits = await signing_codes.issue(uow, SigningCode, _bound(uow.house, row), agreement_id=row.id)
    await uow.audit("agreement.code_sent", "agreement", row.id)
    return guardian.phone, digits


async def check_code(uow: UnitOfWork, agreement_id: UUID, digits: str) -> bool:
    """Whether the code signs this agreement now. A try is counted: commit the unit of work whatever comes out."""
    row = await _mine_to_sign(uow, agreement_id)
    return await signing_codes.accepts(uow, SigningCode, _bound(uow.house, row), digits, agreement_id=row.id)


async def sign(house: House, ctx: TenantContext, agreement_id: UUID, digits: str, sha256: str) -> UUID:
    """Sign with the code: the agreement comes into force and the child takes part (R-156). Twice is once, and so is
    the other parent's signature after the first.

    Raises WrongSigningCode, AgreementChanged when it is not the text that was shown, MoveRefused, MayNotChoose,
    PlaceLost.
    """
    async with house.unit(ctx) as uow:
        row = await _mine_to_sign(uow, agreement_id)
        if row.state == "in_force":
            return row.id
        _refuse_unsignable(row, await uow.get(Application, row.application_id))
        right = await check_code(uow, agreement_id, digits)
    if not right:
        raise WrongSigningCode(fields=[FieldError("code", WrongSigningCode.text, "wrong_signing_code")])
    async with house.unit(ctx) as uow:
        row = await _mine_to_sign(uow, agreement_id)
        await seats.hold_child(uow, row.student_id)
        application = await uow.get(Application, row.application_id, lock=True)
        row = await uow.get(Agreement, agreement_id, lock=True)
        if row.state == "in_force":
            return row.id
        await _refuse_other(uow, row, application, sha256)
        await _put_in_force(uow, row, await my_guardian(uow))
        if application.state == "agreement_pending":
            await enrol(uow, application)
    return agreement_id


async def _refuse_other(uow: UnitOfWork, row: Agreement, application: Application, sha256: str) -> None:
    """Raises MoveRefused, or AgreementChanged: it is not the text that was shown, or not what is chosen now."""
    _refuse_unsignable(row, application)
    said = row.content.get("offerings")
    if row.sha256 != sha256 or digest(row.content) != row.sha256 or said != _named(await items_of(uow, application.id)):
        raise AgreementChanged()


async def sign_on_paper(
    uow: UnitOfWork, agreement_id: UUID, sha256: str, signer: str, record: Mapping[str, Any]
) -> None:
    """Put an agreement in force that the guardian signed on paper: the scan and a second person stand for the code.

    `record` goes on the paper and on the page that proves it: signed_on, entered_by, checked_by, scan (its SHA-256).
    The caller has made sure of both. Raises AgreementChanged when it is not the text that was signed, MoveRefused,
    PlaceLost.
    """
    row = await uow.get(Agreement, agreement_id)
    await seats.hold_child(uow, row.student_id)
    application = await uow.get(Application, row.application_id, lock=True)
    row = await uow.get(Agreement, agreement_id, lock=True)
    await _refuse_other(uow, row, application, sha256)
    await _put_in_force(uow, row, None, signer, record)
    if application.state == "agreement_pending":
        await enrol(uow, application)


async def _put_in_force(
    uow: UnitOfWork,
    row: Agreement,
    guardian: Guardian | None,
    signer: str = "",
    record: Mapping[str, Any] | None = None,
) -> None:
    """By the guardian at the phone, or (None) by `signer` on paper with its `record`."""
    event = "sign" if guardian else "sign_paper"
    await AGREEMENT.transition(
        uow, row, event, payload={"agreement": row.id, "student": row.student_id, "version": row.version}
    )
    row.signed_at = (await uow.session.execute(select(func.now()))).scalar_one()
    row.signed_by = uow.ctx.actor.account_id if guardian else None
    row.signer_name = guardian.name if guardian else signer
    row.signer_phone = mask_phone(guardian.phone) if guardian else ""
    row.paper_record = dict(record or {})
    older = select(Agreement).where(
        Agreement.application_id == row.application_id, Agreement.state == "in_force", Agreement.kind == row.kind
    )
    for old in (await uow.session.execute(older)).scalars().all():
        await AGREEMENT.transition(uow, old, "supersede")
    scope = f"{clock.today().year}"
    row.number = show_number("XY", scope, await next_number(uow, "agreement", scope))
    # The school's approval of the application was its consent; its seal goes on with the guardian's signature.
    await AGREEMENT.transition(uow, row, "countersign")
    await uow.session.flush()


_STALE = text("""
with chosen as (
  select p.id, p.state, i.offering_id, i.weekdays
    from application p
    join application_item i on i.tenant_id = p.tenant_id and i.application_id = p.id and i.state = 'chosen'
   where p.tenant_id = :t and p.state in ('agreement_pending', 'enrolled'))
select a.application_id from agreement a
  join application p on p.tenant_id = a.tenant_id and p.id = a.application_id and p.state = 'enrolled'
 where a.tenant_id = :t and a.state = 'in_force'
   and not exists (select from agreement o
                    where o.tenant_id = a.tenant_id and o.application_id = p.id and o.state = 'offered')
   and ((a.template, a.version) <> (:template, :version) or exists (
     select from chosen c where c.id = p.id and not exists (
       select from jsonb_array_elements(a.content -> 'offerings') n
        where n ->> 'offering' = c.offering_id::text and n -> 'weekdays' = to_jsonb(c.weekdays))))
union
select a.application_id from agreement a
 where a.tenant_id = :t and a.state = 'offered' and a.content -> 'offerings' <> (
   select jsonb_agg(jsonb_build_object('offering', c.offering_id::text, 'weekdays', to_jsonb(c.weekdays))
                    order by c.offering_id::text collate "C")
     from chosen c where c.id = a.application_id)
 order by 1 limit :limit""")
"""Applications whose agreement in force is of an older wording or does not name what is chosen now, and those whose
offered one says otherwise: the school has moved an item to another day."""


async def renew_outdated(uow: UnitOfWork, limit: int = 200) -> int:
    """Offer the agreement as it must be now to families whose own has become another; returns to how many."""
    template = agreement_text(uow)
    asked = {"t": uow.ctx.tenant_id, "template": template.key, "version": template.version, "limit": limit}
    ids = (await uow.session.execute(_STALE, asked)).scalars().all()
    for id_ in ids:
        application = await uow.get(Application, id_, lock=True)
        if application.state in SIGNABLE:
            await offer_agreement(uow, application, await student(uow, application.student_id))
    return len(ids)


async def end_agreements(
    uow: UnitOfWork, application_id: UUID, states: Sequence[str] = ("in_force", "offered")
) -> None:
    """End what is in force or offered: the child left everything, or what it was about is no more."""
    query = select(Agreement).where(Agreement.application_id == application_id, Agreement.state.in_(list(states)))
    for row in (await uow.session.execute(query)).scalars().all():
        await AGREEMENT.transition(uow, row, "end")
    await uow.session.flush()


def _bound(house: House, row: Agreement) -> Callable[[str], str]:
    return signing_codes.bound(house, "signing-code", row.tenant_id, row.id, row.sha256)
