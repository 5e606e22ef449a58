"""Runs inside the fresh environment of test_third_party.py: a school with a book that is late, then the workers' part.

Nothing of the checkout is importable here: `core` and the others are those of the installed wheel.
"""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import select, text

import core
from core.base.clock import today
from core.base.ids import new_id
from core.base.settings import Settings
from core.db.delivery import deliver
from core.db.house import House
from core.db.kernel_tables import Outbox
from core.db.migrate import chains, heads, pending, upgrade
from core.db.resolve import worker_context
from core.enrollment.views import ApplicationView
from core.people.models import SchoolClass, Student
from core.web.app import build_app
from deploy.app import build_house
from tenants import service as tenants

PHONE = "19900000042"
KEY = "borrowed_books"


async def prepare(house: House) -> dict[str, Any]:
    """Migrate; a school with the plugin on, somebody in its office, a child, and a book that is late."""
    from kehou_borrowed_books import plugin
    from kehou_borrowed_books.models import Loan

    from core.api.testing import problems

    moved = upgrade(owner(house), house.plugins)
    report = house.plugins.report(KEY)
    assert report is not None
    ctx = await tenants.provision(house, kind="school", slug="reading", name="阅读小学", plugins=["clubs", KEY])
    account = await tenants.account_for(house, PHONE, "管书人")
    async with house.unit(ctx) as uow:
        await tenants.join(uow, [account], "office")
        school_class = SchoolClass(school_year=today().year, grade=3, number=1)
        uow.session.add(school_class)
        await uow.session.flush()
        child = Student(class_id=school_class.id, name="林小满", name_sort="lin2 xiao3 man3")
        uow.session.add(child)
        await uow.session.flush()
        uow.session.add(Loan(student_id=child.id, title="昆虫记", due_on=today() - timedelta(days=3)))
    return {
        "report": [report.status, report.distribution, report.reason],
        "problems": problems(plugin),
        "moved": moved,
        "plugins": sorted(ctx.plugins),
    }


def owner(house: House) -> str:
    assert house.settings.owner_url is not None
    return house.settings.owner_url.get_secret_value()


async def work(house: House) -> dict[str, Any]:
    """Deliver what waits, as a worker would, and ask the plugin's hook."""
    from kehou_borrowed_books.models import Loan

    ctx = await _school(house)
    async with house.unit(ctx) as uow:
        waiting = (await uow.session.execute(select(Outbox.id).where(Outbox.done_at.is_(None)))).scalars().all()
    outcomes = [await deliver(house, ctx.tenant_id, message) for message in waiting]
    outcomes += [await deliver(house, ctx.tenant_id, message) for message in waiting]
    async with house.unit(ctx) as uow:
        loan = (await uow.session.execute(select(Loan))).scalar_one()
        application = ApplicationView(new_id(), new_id(), loan.student_id, 3, "submitted", ())
        found = await uow.hooks.decide("check_application", ctx, uow=uow, application=application)
        return {"outcomes": outcomes, "reminded": loan.reminded, "objections": [o.code for o in found]}


async def afterwards(house: House) -> dict[str, Any]:
    """The plugin is gone: the core still upgrades and runs, the school's data and the other plugins stand.

    The core is said to be one revision behind, and brought forward by a migration that only notes it.
    """
    moved = upgrade(owner(house), house.plugins) if _one_behind(house) else []
    ctx = await _school(house)
    async with house.unit(ctx) as uow:
        query = text("select count(*) from books_loan where tenant_id = :t")
        loans = (await uow.session.execute(query, {"t": ctx.tenant_id})).scalar_one()
    paths = ("/health/live", "/t/reading/desk/books")
    transport = httpx.ASGITransport(app=build_app(house))
    async with httpx.AsyncClient(transport=transport, base_url="http://kehou.test") as client:
        answers = {path: (await client.get(path)).status_code for path in paths}
    return {
        "moved": moved,
        "pending": pending(owner(house), house.plugins),
        "plugins": sorted(ctx.plugins),
        "loans": loans,
        "reports": {r.key: r.status for r in house.plugins.reports},
        "answers": answers,
    }


def _one_behind(house: House) -> bool:
    """Give the installed core one more revision than the database has."""
    chain = next(c for c in chains(house.plugins) if c.key == "core")
    versions = ", ".join(repr(head) for head in sorted(heads(chain)))
    (chain.versions / "9999_later.py").write_text(
        f'revision = "9999"\ndown_revision = ({versions},)\n\n\ndef upgrade() -> None:\n    pass\n', encoding="utf-8"
    )
    return pending(owner(house), house.plugins) == ["core"]


async def _school(house: House) -> Any:
    return await worker_context(house, (await tenants.find_organisation(house, "reading")).id)


async def main(step: str) -> None:
    house = build_house(Settings.from_environment())
    try:
        said = await {"prepare": prepare, "work": work, "afterwards": afterwards}[step](house)
    finally:
        await house.db.close()
    said["core"] = str(Path(core.__file__ or "").parent.parent)
    print(json.dumps(said, default=date.isoformat))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
