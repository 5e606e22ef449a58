"""A page, a place in the navigation, a job, and a check of applications."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from sqlalchemy import func, select, update

from core.api import (
    ApplicationView,
    Contribution,
    Delivery,
    Job,
    NavItem,
    Objection,
    Permission,
    TenantContext,
    UnitOfWork,
    access,
    hookimpl,
    page,
    redirect,
    today,
)
from core.api import gettext as _
from core.api import lazy_gettext as _l
from core.api.people import students_by_id
from kehou_borrowed_books.models import Loan

HERE = Path(__file__).parent


@get("/t/{tenant:str}/desk/books", opt=access("borrowed_books.lend"))
async def loans(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    rows = (await uow.session.execute(select(Loan).where(Loan.back_at.is_(None)).order_by(Loan.due_on))).scalars().all()
    children = await students_by_id(uow, [row.student_id for row in rows])
    return await page(
        request, "borrowed_books/loans.html", uow, loans=[(row, children[row.student_id]) for row in rows]
    )


@post("/t/{tenant:str}/desk/books/remind", opt=access("borrowed_books.lend"), status_code=200)
async def remind(uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]) -> Response[Any]:
    await uow.enqueue("borrowed_books.remind", key=f"remind/{today()}")
    return redirect(f"/t/{ctx.slug}/desk/books", flash=_("提醒稍后发出"))


async def remind_families(job: Delivery) -> None:
    """Count a reminder for each book that is late."""
    late = (Loan.back_at.is_(None), Loan.due_on < today())
    await job.uow.session.execute(update(Loan).where(*late).values(reminded=Loan.reminded + 1))
    await job.uow.audit("borrowed_books.remind", "books_loan")


@hookimpl
def contribute() -> Contribution:
    return Contribution(
        key="borrowed_books",
        handlers=[loans, remind],
        permissions=[Permission("borrowed_books.lend", _l("登记借书"), roles=("office", "teacher"))],
        nav=[NavItem("desk", _l("借书登记"), "desk/books", "book", 400, "borrowed_books.lend", _l("图书角"))],
        jobs=[Job("borrowed_books.remind", remind_families, title=_l("催还图书"))],
        templates=HERE / "templates",
        locale=HERE / "locale",
    )


@hookimpl
async def check_application(uow: UnitOfWork, application: ApplicationView) -> list[Objection]:
    """A warning, no more: a child with a late book is still welcome."""
    student_id: UUID = application.student_id
    query = select(func.count()).where(Loan.student_id == student_id, Loan.back_at.is_(None), Loan.due_on < today())
    late = (await uow.session.execute(query)).scalar_one()
    return [Objection("borrowed_books.late", _("还有 %(n)s 本书没有还", n=late), force="warn")] if late else []
