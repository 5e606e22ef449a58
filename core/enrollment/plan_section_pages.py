"""The form of one section of the service plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from core.base.context import TenantContext
from core.base.errors import NotFound
from core.base.text import gettext as _
from core.db.uow import UnitOfWork
from core.enrollment import plan_service
from core.enrollment.plan_models import ServicePlan
from core.enrollment.plan_schemas import SECTIONS, Part, PlanContent
from core.enrollment.plan_states import EDITABLE, PLAN, WRITE
from core.terms.service import term_title
from core.web.access import access
from core.web.fields import submodel, ui_of
from core.web.forms import KEY, Form
from core.web.page import page, redirect

BASE = "/t/{tenant:str}/desk/plan/{plan_id:uuid}/sections/{section:str}"


@dataclass(frozen=True, slots=True)
class Layout:
    """How a section's form is laid out: single fields, lists of rows, and ticks."""

    fields: tuple[str, ...]
    rows: tuple[tuple[str, str, tuple[str, ...]], ...]
    ticks: tuple[str, ...]


def layout(model: type[Part]) -> Layout:
    fields, rows, ticks = [], [], []
    for name, info in model.model_fields.items():
        inner = submodel(info.annotation)
        if inner is not None:
            rows.append((name, str(ui_of(info).label), tuple(inner.model_fields)))
        elif info.annotation is bool:
            ticks.append(name)
        else:
            fields.append(name)
    return Layout(tuple(fields), tuple(rows), tuple(ticks))


@get(BASE, opt=access(WRITE))
async def edit(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], plan_id: FromPath[UUID], section: FromPath[str]
) -> Response[str]:
    """One section to fill in, with what the rules say to it now."""
    plan = await uow.get(ServicePlan, plan_id)
    if section not in SECTIONS:
        raise NotFound()
    version = await plan_service.version_of(uow, plan)
    part: Part = getattr(PlanContent.model_validate(version.content), section)
    form: Form[Part] = Form.blank(SECTIONS[section][1], part.model_dump())
    return await _section_page(request, uow, plan, section, form)


@post(BASE, opt=access(WRITE), status_code=200)
async def save_section(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    plan_id: FromPath[UUID],
    section: FromPath[str],
) -> Response[Any]:
    """Save one section as a new version of the plan."""
    plan = await uow.get(ServicePlan, plan_id)
    if section not in SECTIONS:
        raise NotFound()
    sent = _without_dropped(await request.form())
    form: Form[Part] = Form.read(SECTIONS[section][1], sent)
    based_on = str(sent.get("based_on", ""))
    if form:
        async with form.attempt(uow):
            number = int(based_on) if based_on.isdigit() else None
            await plan_service.save_section(uow, plan_id, section, form.value, number)
    if not form:
        await uow.session.refresh(plan)
        return await _section_page(request, uow, plan, section, form, status=422, based_on=based_on)
    order = list(SECTIONS)
    onward = order[order.index(section) + 1] if "next" in sent and section != order[-1] else ""
    base = f"/t/{ctx.slug}/desk/plan"
    return redirect(
        f"{base}/{plan_id}/sections/{onward}" if onward else f"{base}?term={plan.term_id}#{section}",
        flash=_("「%(section)s」已保存", section=str(SECTIONS[section][0])),
    )


def _without_dropped(sent: Any) -> dict[str, Any]:
    """What was sent, as lists, without the rows whose box "删除" is ticked."""
    dropped = {name[: -len("drop")] for name in sent if name.endswith(".drop")}
    kept = {name: sent.getall(name) for name in sent if not any(name.startswith(prefix) for prefix in dropped)}
    return {name: values[0] if name in (KEY, "based_on", "next") else values for name, values in kept.items()}


async def _section_page(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    plan: ServicePlan,
    section: str,
    form: Form[Part],
    *,
    status: int = 200,
    based_on: str = "",
) -> Response[str]:
    checked = await plan_service.check(uow, plan)
    title, model, name = SECTIONS[section]
    order = list(SECTIONS)
    place = order.index(section)
    return await page(
        request,
        "enrollment/plan_section.html",
        uow,
        status=status,
        plan=plan,
        section=section,
        section_title=str(title),
        section_icon=name,
        form=form,
        layout=layout(model),
        findings=checked.at(section),
        counts={key: (checked.at(key), str(SECTIONS[key][0])) for key in order},
        editable=plan.state in EDITABLE,
        state=PLAN.title(plan.state),
        based_on=based_on or plan.version,
        place=place + 1,
        many=len(order),
        last=place + 1 == len(order),
        term_name=term_title(checked.term.code),
    )


HANDLERS = (edit, save_section)
