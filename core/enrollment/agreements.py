"""Service agreements (R-156 to R-160): offered on approval, signed by the guardian with a one-time code, proved by QR.

What was offered is kept whole, with its SHA-256; the code that signs is bound to that very text.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text

from core.base import clock
from core.base.errors import FieldError
from core.base.text import in_locale
from core.db.house import House
from core.db.states import MoveRefused
from core.db.uow import UnitOfWork
from core.enrollment import seats
from core.enrollment.basket import enrolled_choices, items_of
from core.enrollment.enrolments import begin
from core.enrollment.errors import AgreementChanged, Objected, WrongSigningCode
from core.enrollment.letters import agreement_text, digest, price_words
from core.enrollment.menu_service import prices
from core.enrollment.models import Agreement, Application, ApplicationItem, Enrolment, SigningCode
from core.enrollment.offering_rules import pack_of
from core.enrollment.offerings_service import offerings_by_id
from core.enrollment.states import AGREEMENT, APPLICATION
from core.enrollment.words import when_line
from core.identity.gateway import CodeGateway
from core.identity.service import TooManyCodes
from core.ledger.numbers import next_number, show_number
from core.people.models import Guardian
from core.people.service import StudentView, my_child, my_guardian, student
from core.policy import service as policy
from core.policy.types import Objection
from core.terms.models import Term
from core.terms.service import term_title
from core.web.i18n import class_name, fdate, mask_phone

CODE_MINUTES = 5
CODE_TRIES = 5
CODES_PER_HOUR = 6


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
    content["offerings"] = sorted(
        [{"offering": str(i.offering_id), "weekdays": list(i.weekdays)} for i in items],
        key=lambda o: str(o["offering"]),
    )
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


async def my_agreement(uow: UnitOfWork, agreement_id: UUID, *, lock: bool = False) -> Agreement:
    """An agreement about one of the acting guardian's children. Raises NotFound."""
    row = await uow.get(Agreement, agreement_id, lock=lock)
    await my_child(uow, row.student_id)
    return row


async def send_signing_code(uow: UnitOfWork, agreement_id: UUID) -> str:
    """Send a code that signs this agreement in this wording and nothing else; returns the masked phone.

    The message leaves before the transaction commits; a code that never became known signs nothing. Raises
    MoveRefused, TooManyCodes, NoGateway.
    """
    row = await my_agreement(uow, agreement_id)
    if row.state != "offered":
        raise MoveRefused(state=AGREEMENT.title(row.state), event=str(AGREEMENT.moves["offered", "sign"].title))
    guardian = await my_guardian(uow)
    await uow.hold(f"signing/{guardian.id}")
    recent = select(func.count()).where(
        SigningCode.account_id == uow.ctx.actor.account_id,
        SigningCode.created_at > func.now() - text("interval '1 hour'"),
    )
    if (await uow.session.execute(recent.select_from(SigningCode))).scalar_one() >= CODES_PER_HOUR:
        raise TooManyCodes()
    digits = f"{secrets.randbelow(1_000_000):06d}"
    moment = (await uow.session.execute(select(func.now()))).scalar_one()
    uow.session.add(
        SigningCode(
            agreement_id=row.id,
            account_id=uow.ctx.actor.account_id,
            code_hash=_code_hash(uow.house, row, digits),
            expires_at=moment + timedelta(minutes=CODE_MINUTES),
        )
    )
    await uow.session.flush()
    await uow.audit("agreement.code_sent", "agreement", row.id)
    await uow.house.get(CodeGateway).send(guardian.phone, digits)
    return mask_phone(guardian.phone)


async def check_code(uow: UnitOfWork, agreement_id: UUID, digits: str) -> bool:
    """Whether the code signs this agreement now. A try is counted: commit the unit of work whatever comes out."""
    row = await my_agreement(uow, agreement_id)
    newest = (
        select(SigningCode)
        .where(SigningCode.agreement_id == row.id, SigningCode.account_id == uow.ctx.actor.account_id)
        .order_by(SigningCode.created_at.desc(), SigningCode.id.desc())
        .limit(1)
        .with_for_update()
    )
    code = (await uow.session.execute(newest)).scalar_one_or_none()
    moment = (await uow.session.execute(select(func.clock_timestamp()))).scalar_one()
    if code is None or code.used_at or code.expires_at <= moment or code.attempts >= CODE_TRIES:
        return False
    code.attempts += 1
    right = hmac.compare_digest(code.code_hash, _code_hash(uow.house, row, digits.strip()))
    if right:
        code.used_at = moment
    return right


async def sign(house: House, ctx: Any, agreement_id: UUID, digits: str, sha256: str) -> UUID:
    """Sign with the code: the agreement comes into force and the child takes part (R-156). Twice is once.

    Raises WrongSigningCode, AgreementChanged when it is not the text that was shown, MoveRefused.
    """
    async with house.unit(ctx) as uow:
        row = await my_agreement(uow, agreement_id)
        if row.state == "in_force" and row.signed_by == ctx.actor.account_id:
            return row.id
        right = await check_code(uow, agreement_id, digits)
    if not right:
        raise WrongSigningCode(fields=[FieldError("code", WrongSigningCode.text, "wrong_signing_code")])
    async with house.unit(ctx) as uow:
        row = await my_agreement(uow, agreement_id)
        await seats.hold_child(uow, row.student_id)
        application = await uow.get(Application, row.application_id, lock=True)
        row = await uow.get(Agreement, agreement_id, lock=True)
        if row.sha256 != sha256 or digest(row.content) != row.sha256:
            raise AgreementChanged()
        guardian = await my_guardian(uow)
        await _put_in_force(uow, row, guardian)
        if application.state == "agreement_pending":
            await _enrol(uow, application)
    return agreement_id


async def sign_on_paper(
    uow: UnitOfWork, agreement_id: UUID, sha256: str, signer: str, record: Mapping[str, Any]
) -> None:
    """Put an agreement in force that the guardian signed on paper: the scan and a second person stand for the code.

    `record` goes on the paper and on the page that proves it: signed_on, entered_by, checked_by, scan (its SHA-256).
    The caller has made sure of both. Raises AgreementChanged when it is not the text that was signed, MoveRefused.
    """
    row = await uow.get(Agreement, agreement_id)
    await seats.hold_child(uow, row.student_id)
    application = await uow.get(Application, row.application_id, lock=True)
    row = await uow.get(Agreement, agreement_id, lock=True)
    if row.sha256 != sha256 or digest(row.content) != row.sha256:
        raise AgreementChanged()
    await _put_in_force(uow, row, None, signer, record)
    if application.state == "agreement_pending":
        await _enrol(uow, application)


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


async def _enrol(uow: UnitOfWork, application: Application) -> None:
    term = await uow.get(Term, application.term_id)
    items = [i for i in await items_of(uow, application.id) if i.state == "chosen"]
    views = await offerings_by_id(uow, {i.offering_id for i in items})
    already = await enrolled_choices(uow, application.student_id, term.id)
    await APPLICATION.transition(uow, application, "enrol")
    starts_on = max(clock.today(), term.starts_on)
    for item in items:
        if item.offering_id in already:
            if already[item.offering_id].weekdays != tuple(item.weekdays):
                await _change_days(uow, application.student_id, item)
            continue
        await begin(uow, application, views[item.offering_id], item.weekdays, starts_on)


async def _change_days(uow: UnitOfWork, student_id: UUID, item: ApplicationItem) -> None:
    query = select(Enrolment).where(
        Enrolment.student_id == student_id, Enrolment.offering_id == item.offering_id, Enrolment.state == "enrolled"
    )
    row = (await uow.session.execute(query.with_for_update())).scalar_one()
    row.weekdays = list(item.weekdays)
    await uow.audit("enrolment.days", "enrolment", row.id, weekdays=row.weekdays)
    await uow.emit("enrollment.changed", {"enrolment": row.id, "student": student_id, "offering": row.offering_id})


async def renew_outdated(uow: UnitOfWork, limit: int = 200) -> int:
    """Offer the new wording to families whose agreement in force is of an older version; returns to how many."""
    template = agreement_text(uow)
    offered = select(Agreement.application_id).where(Agreement.state == "offered")
    query = select(Agreement).where(
        Agreement.state == "in_force",
        (Agreement.template != template.key) | (Agreement.version != template.version),
        Agreement.application_id.not_in(offered),
    )
    rows = (await uow.session.execute(query.order_by(Agreement.id).limit(limit))).scalars().all()
    for old in rows:
        application = await uow.get(Application, old.application_id, lock=True)
        await offer_agreement(uow, application, await student(uow, old.student_id))
    return len(rows)


async def end_agreements(uow: UnitOfWork, application_id: UUID) -> None:
    """End what is in force or offered, because the child left everything."""
    query = select(Agreement).where(
        Agreement.application_id == application_id, Agreement.state.in_(("in_force", "offered"))
    )
    for row in (await uow.session.execute(query)).scalars().all():
        await AGREEMENT.transition(uow, row, "end")


def _code_hash(house: House, row: Agreement, digits: str) -> str:
    key = hashlib.sha256(b"signing-code" + house.settings.master_key_bytes).digest()
    bound = f"{row.tenant_id}:{row.id}:{row.sha256}:{digits}"
    return hmac.new(key, bound.encode(), hashlib.sha256).hexdigest()
