"""The kernel's promises, each layer without the others."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import psycopg
import pytest
from pydantic import BaseModel
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import create_async_engine

from core.base.errors import Busy, TenantMissing
from core.base.ids import new_id
from core.db import crypt
from core.db.idempotency import KeyReused, once
from core.db.kernel_tables import AuditEntry, Outbox
from core.db.resolve_many import crowd_of
from core.identity.service import open_session
from core.people.models import Campus, Room, Student
from core.web.access import hash_token
from core.web.forms import KEY, Form
from core.web.problems import as_kehou_error
from tests.support.database import DatabaseAddresses
from tests.support.world import World


async def test_orm_without_tenant_raises(world: World) -> None:
    await world.school()
    async with world.house.db.globally() as session:
        with pytest.raises(TenantMissing):
            await session.execute(select(Student))


async def test_orm_adds_the_tenant_to_every_statement(world: World) -> None:
    one, two = await world.school("one"), await world.school("two")
    async with world.house.unit(one.ctx) as uow:
        mine = (await uow.session.execute(select(Student))).scalars().all()
        assert {s.tenant_id for s in mine} == {one.ctx.tenant_id}
        theirs = two.families[0].student_id
        assert await uow.find(Student, theirs) is None
    with pytest.raises(TenantMissing):
        async with world.house.unit(one.ctx) as uow:
            uow.session.add(Room(tenant_id=two.ctx.tenant_id, campus_id=new_id(), name="x"))


async def test_row_level_security_stands_alone(world: World, database: DatabaseAddresses) -> None:
    one, two = await world.school("one"), await world.school("two")
    engine = create_async_engine(database.app.replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.begin() as connection:
        assert (await connection.execute(text("select count(*) from student"))).scalar_one() == 0
        await connection.execute(text("select set_config('app.tenant_id', :t, true)"), {"t": str(one.ctx.tenant_id)})
        seen = (await connection.execute(text("select distinct tenant_id from student"))).scalars().all()
        assert seen == [one.ctx.tenant_id]
        changed = await connection.execute(
            text("update student set name = 'x' where tenant_id = :t"), {"t": two.ctx.tenant_id}
        )
        assert changed.rowcount == 0
    with pytest.raises(DBAPIError, match="row-level security"):
        async with engine.begin() as connection:
            await connection.execute(
                text("insert into campus (tenant_id, id, name) values (:t, :i, 'x')"),
                {"t": two.ctx.tenant_id, "i": new_id()},
            )
    await engine.dispose()


async def test_keys_cannot_name_a_strangers_row(world: World, database: DatabaseAddresses) -> None:
    one, two = await world.school("one"), await world.school("two")
    engine = create_async_engine(database.superuser.replace("postgresql://", "postgresql+asyncpg://"))
    with pytest.raises(IntegrityError):
        async with engine.begin() as connection:
            await connection.execute(
                text("insert into student (tenant_id, id, class_id, name, name_sort) values (:t, :i, :c, 'x', 'x')"),
                {"t": two.ctx.tenant_id, "i": new_id(), "c": one.class_id},
            )
    await engine.dispose()


async def test_audit_cannot_be_changed(world: World) -> None:
    school = await world.school()
    async with world.house.unit(school.ctx) as uow:
        assert (await uow.session.execute(select(AuditEntry))).scalars().first() is not None
    with pytest.raises(DBAPIError, match="permission denied"):
        async with world.house.unit(school.ctx) as uow:
            await uow.session.execute(text("delete from audit_entry"))


async def test_rolled_back_work_announces_nothing(world: World) -> None:
    school = await world.school()
    with pytest.raises(RuntimeError, match="after"):
        async with world.house.unit(school.ctx) as uow:
            await uow.audit("x.y", "school")
            await uow._put("event", "nobody", {}, plugin=None)
            raise RuntimeError("after")
    async with world.house.unit(school.ctx) as uow:
        assert (await uow.session.execute(select(Outbox))).scalars().all() == []


async def test_same_key_acts_once(world: World) -> None:
    school = await world.school()
    calls = []

    async def act() -> dict[str, int]:
        calls.append(1)
        return {"n": len(calls)}

    for _ in range(2):
        async with world.house.unit(school.ctx) as uow:
            assert await once(uow, "test", "key-1", {"a": 1}, act) == {"n": 1}
    with pytest.raises(KeyReused):
        async with world.house.unit(school.ctx) as uow:
            await once(uow, "test", "key-1", {"a": 2}, act)


class Named(BaseModel):
    name: str


async def test_the_same_form_makes_one_row(world: World) -> None:
    school = await world.school()

    async def send(name: str) -> tuple[UUID | None, Form[Named]]:
        form = Form.read(Named, {"name": name, KEY: "one-form-sent-twice"})
        async with form.attempt(), world.house.unit(school.ctx) as uow:

            async def make() -> Campus:
                row = Campus(id=new_id(), name=form.value.name)
                uow.session.add(row)
                return row

            return await form.once(uow, "test.campus", make), form
        return None, form

    first, _form = await send("东校区")
    again, _form = await send("东校区")
    assert first is not None and first == again
    other, form = await send("西校区")
    assert other is None and isinstance(form.refusal, KeyReused) and form.status == 409
    async with world.house.unit(school.ctx) as uow:
        made = select(Campus.id).where(Campus.name.in_(["东校区", "西校区"]))
        assert (await uow.session.execute(made)).scalars().all() == [first]


async def test_sealed_values_open_only_in_place(world: World) -> None:
    one, two = await world.school("one"), await world.school("two")
    child = one.families[0].student_id
    async with world.house.unit(one.ctx) as uow:
        sealed = await crypt.seal(uow, "花生过敏", purpose=f"student.health/{child}")
    async with world.house.unit(one.ctx) as uow:
        opened = await crypt.unseal(
            uow, sealed, purpose=f"student.health/{child}", subject_kind="student", subject_id=child
        )
        assert opened == "花生过敏"
        with pytest.raises(crypt.Unreadable):
            await crypt.unseal(uow, sealed, purpose="other/1", subject_kind="student", subject_id=child)
    async with world.house.unit(one.ctx) as uow:
        read = select(AuditEntry).where(AuditEntry.action == "sensitive.read", AuditEntry.subject_id == child)
        assert (await uow.session.execute(read)).scalars().first() is not None
    async with world.house.unit(two.ctx) as uow:
        with pytest.raises(crypt.Unreadable):
            await crypt.unseal(uow, sealed, purpose=f"student.health/{child}", subject_kind="student", subject_id=child)


async def test_connections_that_the_server_ended_leave_the_pool(world: World, database: DatabaseAddresses) -> None:
    """Where the driver is used directly too, as claims and the crowd's look-up do; and a statement that was on its
    way says "ask again"."""
    person = await world.person("家长")
    token = hash_token(await open_session(world.house, person.account_id))
    drivers: list[Any] = []

    async def held(number: int) -> None:
        async with world.house.db.engine.connect() as connection:
            drivers.append((await connection.get_raw_connection()).driver_connection)
            if number:
                await held(number - 1)

    await held(world.house.settings.pool_size - 1)  # every connection of the pool
    on_its_way = asyncio.create_task(drivers[0].execute("select pg_sleep(60)"))
    await asyncio.sleep(0)
    async with await psycopg.AsyncConnection.connect(database.superuser) as superuser:
        await superuser.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where datname = current_database() and application_name = 'kehou'"
        )
    with pytest.raises(Exception, match="terminating connection") as cut:
        await on_its_way
    assert isinstance(as_kehou_error(cut.value), Busy)
    while not all(driver.is_closed() for driver in drivers):  # noqa: ASYNC110 - the server says so when it likes
        await asyncio.sleep(0.01)
    for _ in drivers:
        known = await crowd_of(world.house).who("nowhere", token)
        assert known is not None
        assert known.person.account_id == person.account_id
