"""The worker's part: reading a foreign file and writing a whole school never block a web process."""

from __future__ import annotations

import logging
from uuid import UUID

from core.base.text import DEFAULT
from core.db.delivery import Delivery, GiveUp
from tenants.roster import service
from tenants.roster.models import RosterImport
from tenants.roster.states import IMPORT

log = logging.getLogger("kehou.roster")


async def check(delivery: Delivery) -> None:
    """Check an upload. Going on after a crash means doing it again: nothing was written."""
    import_id = UUID(str(delivery.payload["import_id"]))
    async with delivery.unit() as uow:
        row = await uow.get(RosterImport, import_id)
        if row.state != "uploaded":
            return
        checked = await service.read_and_check(uow, row, str(delivery.payload.get("locale", DEFAULT)))
    async with delivery.unit() as uow:
        row = await uow.get(RosterImport, import_id, lock=True)
        if row.state != "uploaded":
            return
        await service.store_check(uow, row, checked)
        await IMPORT.transition(uow, row, "check")
    await delivery.progress(1, 1)


async def run_import(delivery: Delivery) -> None:
    """Import an accepted upload: one transaction, so a worker that dies in it leaves nothing behind."""
    import_id = UUID(str(delivery.payload["import_id"]))

    async def say(done: int, total: int, note: str) -> None:
        await delivery.progress(done, total, note)

    try:
        async with delivery.unit() as uow:
            row = await uow.get(RosterImport, import_id, lock=True)
            if row.state != "importing":
                return
            done = await service.run_import(uow, row, say)
            await IMPORT.transition(uow, row, "fail" if done is None else "finish")
    except Exception as exc:
        if delivery.attempt < 3:
            raise
        # The file stays checked, with the reason, for a person to try again or to upload another.
        async with delivery.unit() as uow:
            row = await uow.get(RosterImport, import_id, lock=True)
            if row.state == "importing":
                row.error = f"{type(exc).__name__}: {exc}"[:500]
                await IMPORT.transition(uow, row, "fail")
        raise GiveUp(f"import failed: {type(exc).__name__}") from exc


async def tidy(delivery: Delivery) -> None:
    """Nightly: personal data that nobody needs any more goes."""
    await service.tidy(delivery.uow)
