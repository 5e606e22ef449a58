"""Lunch of a term: set up with its caterer, what the pack says to it, bans, and how it is settled."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from core.api import (
    BillingRequest,
    ChargeProposal,
    Conflict,
    Fen,
    Figure,
    Objection,
    OfferingView,
    PlanView,
    UnitOfWork,
    UnitPrice,
    new_id,
    seal,
    today,
    unseal,
)
from core.api import gettext as _
from core.api import lazy_gettext as _l
from core.api.enrollment import (
    EnrolmentView,
    OfferingDraft,
    change_offering,
    counts_by_offering,
    every,
    offering,
    propose_offering,
)
from core.api.people import StudentView, students_by_id
from core.api.policy import effective
from plugins.meals.days import KEY, lunch_of
from plugins.meals.models import Ban, Cancelled, DayMenu, Lunch, Served
from plugins.meals.schemas import ALLERGENS, BanForm, LunchForm

SERVICE = "lunch"
"""The code under which the standard of a meal is posted (unit: meal)."""

_BRACKETS = re.compile(r"^(.*?)\s*[（(]([^（）()]*)[）)]\s*$")


class LunchThere(Conflict):
    code = "meals_lunch_there"
    text = _l("本学期的午餐已经设好，请在原来的基础上修改")


@dataclass(frozen=True, slots=True)
class LunchView:
    """The lunch of a term with its item on the menu."""

    row: Lunch
    item: OfferingView

    @property
    def direct(self) -> bool:
        """Families pay the caterer; the school bills nothing (R-274)."""
        return self.row.settlement == "caterer"


async def set_up(uow: UnitOfWork, term_id: UUID, form: LunchForm) -> LunchView:
    """Put lunch on the term's menu. Raises LunchThere, and what propose_offering raises."""
    await uow.hold(f"meals/{term_id}")
    if await lunch_of(uow, term_id) is not None:
        raise LunchThere()
    item = await propose_offering(uow, term_id, _draft(form), offering_id=new_id())
    row = Lunch(term_id=term_id, offering_id=item.id, settlement=form.settlement, caterer=form.caterer)
    _fill(row, form)
    uow.session.add(row)
    await uow.session.flush()
    await uow.audit("meals.set_up", "meals_lunch", row.id, caterer=form.caterer, settlement=form.settlement)
    return LunchView(row, item)


async def change(uow: UnitOfWork, lunch_id: UUID, form: LunchForm) -> LunchView:
    """Change the term's lunch. Raises what change_offering raises."""
    row = await uow.get(Lunch, lunch_id, lock=True)
    item = await change_offering(uow, row.offering_id, _draft(form))
    _fill(row, form)
    await uow.session.flush()
    await uow.audit("meals.change", "meals_lunch", row.id, caterer=form.caterer, settlement=form.settlement)
    return LunchView(row, item)


def _fill(row: Lunch, form: LunchForm) -> None:
    row.caterer, row.contact, row.phone = form.caterer, form.contact, form.phone or ""
    row.settlement, row.formalities = form.settlement, sorted(form.formalities)
    row.tender_by, row.tender_reference = form.tender_by, form.tender_reference
    row.standard_by, row.supervisors, row.price_fen = form.standard_by, sorted(form.supervisors), form.price_fen


def _draft(form: LunchForm) -> OfferingDraft:
    said = ("settlement", "formalities", "tender_by", "standard_by", "supervisors", "caterer")
    # What families settle with the caterer is no charge of the school, so it needs no standard of the school's.
    direct = form.settlement == "caterer"
    return OfferingDraft(
        kind="lunch",
        plugin=KEY,
        title=form.title,
        summary=form.summary,
        grades=tuple(form.grades),
        periods=every(form.weekdays, form.starts_at, form.ends_at),
        service=None if direct else SERVICE,
        room_id=form.room_id,
        teacher_id=form.teacher_id,
        provider="caterer",
        time_window="noon",
        content=("meal_care",),
        any_days=True,
        details={
            "icon": "soup",
            "tone": "craft",
            "paid_to": form.caterer if direct else "",
            **{name: getattr(form, name) for name in said},
        },
        reason=form.reason,
    )


async def lunch(uow: UnitOfWork, term_id: UUID) -> LunchView | None:
    """The lunch of a term."""
    row = await lunch_of(uow, term_id)
    return LunchView(row, await offering(uow, row.offering_id)) if row is not None else None


def form_of(view: LunchView) -> LunchForm:
    """What the form would hold to set this lunch up again."""
    row, item = view.row, view.item
    return LunchForm.model_construct(
        title=item.title,
        summary=item.summary,
        weekdays=list(item.weekdays),
        starts_at=item.starts_at,
        ends_at=item.ends_at,
        grades=list(item.grades),
        room_id=item.room_id,
        teacher_id=item.teacher_id,
        caterer=row.caterer,
        contact=row.contact,
        phone=row.phone or None,
        formalities=list(row.formalities),
        tender_by=row.tender_by,
        tender_reference=row.tender_reference,
        standard_by=row.standard_by,
        settlement=row.settlement,
        price_fen=row.price_fen,
        supervisors=list(row.supervisors),
        reason=item.reason,
    )


# ---- dishes and bans ----


def read_dishes(text: str) -> list[dict[str, object]]:
    """One dish a line with what it contains in brackets; words that are no known allergen stay in the name."""
    codes = {str(word): code for code, word in ALLERGENS.items()} | {str.__str__(w): c for c, w in ALLERGENS.items()}
    dishes: list[dict[str, object]] = []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        match = _BRACKETS.match(line)
        words = [w for w in re.split(r"[、，,\s]+", match[2]) if w] if match else []
        known = [codes[word] for word in words if word in codes]
        name = match[1] if match and len(known) == len(words) and match[1] else line
        dishes.append({"name": name[:40], "allergens": known})
    return dishes


def write_dishes(dishes: Sequence[tuple[str, Sequence[str]]]) -> str:
    """The text from which `read_dishes` makes these dishes again."""
    return "\n".join(
        name + (f"（{'、'.join(str(ALLERGENS[code]) for code in codes)}）" if codes else "") for name, codes in dishes
    )


async def put_menu(uow: UnitOfWork, day: date, text: str) -> None:
    """Write the dishes of a date; an empty text takes them away."""
    dishes = read_dishes(text)
    row = {"tenant_id": uow.ctx.tenant_id, "id": new_id(), "day": day, "dishes": dishes}
    made = insert(DayMenu).values(**row)
    await uow.session.execute(made.on_conflict_do_update(index_elements=["tenant_id", "day"], set_={"dishes": dishes}))
    await uow.audit("meals.menu", "meals_day_menu", None, day=day, dishes=len(dishes))


async def ban_of(uow: UnitOfWork, student_id: UUID) -> Ban | None:
    return (await uow.session.execute(select(Ban).where(Ban.student_id == student_id))).scalar_one_or_none()


async def put_ban(uow: UnitOfWork, student_id: UUID, form: BanForm) -> None:
    """Write what a child may not eat; the family's own words are sealed."""
    await uow.hold(f"meals/ban/{student_id}")
    row = await ban_of(uow, student_id)
    if row is None:
        row = Ban(id=new_id(), student_id=student_id)
        uow.session.add(row)
    row.flags = sorted(set(form.flags))
    words = form.words.strip()
    row.words_sealed = await seal(uow, words, purpose=_purpose(student_id)) if words else None
    row.changed_by = uow.ctx.actor.name
    row.changed_at = (await uow.session.execute(select(func.now()))).scalar_one()
    await uow.session.flush()
    await uow.audit("meals.ban", "student", student_id, flags=len(row.flags), words=bool(words))


async def words_of(uow: UnitOfWork, student_id: UUID) -> str:
    """The family's own words, opened; opening leaves a line that the guardian sees."""
    row = await ban_of(uow, student_id)
    if row is None or row.words_sealed is None:
        return ""
    return await unseal(
        uow, row.words_sealed, purpose=_purpose(student_id), subject_kind="student", subject_id=student_id
    )


def _purpose(student_id: UUID) -> str:
    return f"meals_ban.words/{student_id}"


# ---- settling ----


@dataclass(frozen=True, slots=True)
class MonthLine:
    """What one child ate in a month, and what that comes to, in fen (None: no standard is posted)."""

    student: StudentView
    days: tuple[date, ...]
    fen: Fen | None


async def price_on(uow: UnitOfWork, lunch: Lunch | None, day: date) -> Fen | None:
    """What a meal costs on a date, in fen: the caterer's standard as the bureau set it (R-272), or the posted one that
    the school collects under; None where there is neither."""
    if lunch is not None and lunch.settlement == "caterer":
        return None if lunch.price_fen is None else Fen(lunch.price_fen)
    found = await uow.hooks.compute("unit_prices", uow.ctx, UnitPrice, uow=uow, services=(SERVICE,), on=day)
    return next((price.fen for price in found if price.service == SERVICE), None)


async def month(
    uow: UnitOfWork, lunch: Lunch | None, first: date, *, student_id: UUID | None = None
) -> list[MonthLine]:
    """Actual use of a calendar month by child (R-273): the days on which each really ate, times the standard."""
    first = first.replace(day=1)
    query = select(Served.student_id, Served.day).where(Served.day >= first, Served.day < after(first))
    if student_id is not None:
        query = query.where(Served.student_id == student_id)
    days: dict[UUID, list[date]] = {}
    for student, day in (await uow.session.execute(query.order_by(Served.day))).all():
        days.setdefault(student, []).append(day)
    people = await students_by_id(uow, list(days))
    price = await price_on(uow, lunch, after(first) - timedelta(days=1))
    lines = [
        MonthLine(people[id_], tuple(ate), None if price is None else Fen(price * len(ate)))
        for id_, ate in days.items()
        if id_ in people
    ]
    return sorted(lines, key=lambda line: (line.student.grade, line.student.class_number, line.student.name))


def after(first: date) -> date:
    """The first day of the next month."""
    return (first.replace(day=1) + timedelta(days=32)).replace(day=1)


async def charges(uow: UnitOfWork, request: BillingRequest) -> list[ChargeProposal]:
    """Lunch on the school's bill, by days; nothing where families settle with the caterer (R-274).

    Days cancelled so far are left out: what is not eaten is not charged (R-273).
    """
    row = await lunch_of(uow, request.term_id)
    if row is None or row.settlement != "school":
        return []
    ids = [child.student_id for child in request.students]
    query = select(Cancelled.student_id, Cancelled.day).where(
        Cancelled.student_id.in_(ids), Cancelled.undone_at.is_(None)
    )
    away = (await uow.session.execute(query)).all()

    def cancelled(one: EnrolmentView) -> int:
        first, last = one.starts_on or date.min, one.ends_on or date.max
        return sum(1 for child, day in away if child == one.student_id and first <= day <= last)

    return [
        ChargeProposal(
            student_id=child.student_id,
            service=SERVICE,
            title=_("午餐"),
            quantity=max(0, child.lessons.get(enrolment.id, 0) - cancelled(enrolment)),
            fund="meals",
            enrolment_id=enrolment.id,
            offering_id=enrolment.offering.id,
        )
        for child in request.students
        for enrolment in child.enrolments
        if enrolment.offering.id == row.offering_id
    ]


# ---- what the other hooks ask ----


async def objections_to_lunch(uow: UnitOfWork, item: OfferingView) -> list[Objection]:
    """The pack's clauses on lunch: caterer, tender, standard, settlement (R-271 to R-275)."""
    if item.plugin != KEY:
        return []
    said = item.details
    direct = said.get("settlement") == "caterer"
    questions: list[tuple[str, dict[str, object]]] = [
        ("lunch.direct", {"direct_to_caterer": direct}),
        ("lunch.through_school", {"through_school": not direct}),
        ("lunch.actual_use", {"by_actual_use": direct}),
        ("lunch.settled_every", {"period": "month" if direct else "term"}),
        ("lunch.caterer_formalities", {"formalities": list(said.get("formalities", ()))}),
        ("lunch.supervised_by", {"supervisors": list(said.get("supervisors", ()))}),
    ]
    pack = effective(uow)
    for rule, fact, name in (
        ("lunch.tender_by", "selector", "tender_by"),
        ("lunch.standard_set_by", "approver", "standard_by"),
    ):
        if said.get(name):
            questions.append((rule, {fact: said[name]}))
        elif pack.speaks_of(rule):
            questions.append((rule, {fact: "school"}))  # nobody named: nobody but the school itself can have done it
    return [*pack.ask_all(questions).objections, *_another_pays(uow)]


def _another_pays(uow: UnitOfWork) -> list[Objection]:
    """R-371: families pay for what is eaten, the caterer or the school; a scheme in which they do not refuses that."""
    rule = effective(uow).get("lunch.payer")
    if rule.value in (None, "parents"):
        return []
    return [
        Objection(
            "meals.payer",
            _("规定的午餐费用承担方式不是家长自费，不能向家长收取餐费"),
            force=rule.force,
            clause=rule.clause,
            quote=rule.quote,
            pack_key=rule.pack_key,
            rule=rule.key,
        )
    ]


async def objections_to_plan(uow: UnitOfWork, plan: PlanView) -> list[Objection]:
    """A plan with noon care needs a caterer set up where the pack has rules for one (R-270, R-271)."""
    windows = {window.get("window") for window in plan.content.get("times", {}).get("windows", ())}
    pack = effective(uow)
    if "noon" not in windows or not pack.speaks_of("lunch.caterer_formalities"):
        return []
    if await lunch_of(uow, plan.term_id) is not None:
        return []
    rule = pack.get("lunch.caterer_formalities")
    return [
        Objection(
            "meals.no_caterer",
            _("方案里有午餐午休时段，还没有登记餐饮公司和手续，请先在「午餐」里登记"),
            force="warn",
            clause=rule.clause,
            quote=rule.quote,
            pack_key=rule.pack_key,
            rule=rule.key,
        )
    ]


async def figures(uow: UnitOfWork, term_id: UUID) -> list[Figure]:
    """Who takes lunch, and how many meals were really eaten this month."""
    row = await lunch_of(uow, term_id)
    if row is None:
        return []
    first = today().replace(day=1)
    eaten = select(func.count()).select_from(Served).where(Served.day >= first, Served.day < after(first))
    return [
        Figure(
            "meals.diners",
            _("用餐学生"),
            (await counts_by_offering(uow, term_id)).get(row.offering_id, 0),
            _("人"),
            "soup",
        ),
        Figure(
            "meals.eaten_this_month",
            _("本月实际用餐"),
            (await uow.session.execute(eaten)).scalar_one(),
            _("份"),
            "soup",
        ),
    ]
