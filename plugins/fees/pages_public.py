"""The board that everybody may read, and the sheet that is hung up (公示, R-340)."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency

from core.api import UnitOfWork, page, public
from core.api.enrollment import grades_line
from plugins.fees import service
from plugins.fees.schemas import APPROVERS, FUNDS, UNITS


@get("/t/{tenant:str}/public/fees", opt=public())
async def board(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """What is charged, what it rests on, and where to complain. Prints on A4 or A3."""
    rows = await service.posted(uow)
    return await page(
        request,
        "fees/board.html",
        uow,
        rows=rows,
        units=UNITS,
        funds=FUNDS,
        approvers=APPROVERS,
        grades_line=grades_line,
    )


@get("/api/t/{tenant:str}/public/fees", opt=public())
async def board_json(uow: NamedDependency[UnitOfWork]) -> dict[str, Any]:
    """The same for programs; amounts in fen."""
    return {
        "standards": [
            {
                "service": row.service,
                "title": row.title,
                "fund": row.fund,
                "unit": row.unit,
                "unit_fen": row.unit_fen,
                "grades": row.grades,
                "basis": row.basis,
                "approval": row.approval_no,
                "complaint_phone": row.complaint_phone,
                "effective_from": row.effective_from,
                "posted_at": posting.posted_at,
                "in_force": row.state == "in_force",
            }
            for row, posting in await service.posted(uow)
        ]
    }


HANDLERS = (board, board_json)
