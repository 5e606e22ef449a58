"""For everybody: what was committed to, later the whole draw with its program, and how to check both."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from core.base.errors import NotFound
from core.db.uow import UnitOfWork
from core.enrollment.draw import program
from core.enrollment.draw.giving import last_words
from core.enrollment.draw.models import DrawRound
from core.enrollment.draw.states import DRAW, TONES
from core.web.access import public
from core.web.page import page

SHOWN = ("committed", "drawn", "published")


async def _committed(uow: UnitOfWork, round_id: UUID) -> DrawRound:
    row = await uow.get(DrawRound, round_id)
    if "commitment" not in row.record:
        raise NotFound()
    return row


@get("/t/{tenant:str}/draw/{round_id:uuid}", opt=public())
async def show(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], round_id: FromPath[UUID]
) -> Response[str]:
    """The commitment; after the draw, what was drawn. No child is named."""
    row = await _committed(uow, round_id)
    done = row.state == "published"
    given: dict[str, int] = {}
    first: dict[str, int] = {}
    if done:
        for courses in row.record["outcome"]["given"].values():
            for course in courses:
                given[course] = given.get(course, 0) + 1
        for line in row.record["wishes"]:
            for course, _cls in line["ranked"][:1]:
                first[course] = first.get(course, 0) + 1
    return await page(
        request,
        "enrollment/draw/public.html",
        uow,
        row=row,
        done=done,
        commitment=row.record["commitment"],
        given=given,
        first=first,
        last={course["id"]: last_words(row, course["id"]) for course in row.record["courses"]} if done else {},
        result=program.sha256(program.canonical(row.record["outcome"])) if done else "",
        machine=DRAW,
        tones=TONES,
        org=uow.ctx.name,
    )


@get("/t/{tenant:str}/draw/{round_id:uuid}/draw.json", opt=public())
async def file(uow: NamedDependency[UnitOfWork], round_id: FromPath[UUID]) -> Response[bytes]:
    """The whole draw, once it is published: receipts, no names. Always the same bytes."""
    row = await _committed(uow, round_id)
    if row.state != "published":
        raise NotFound()
    return _download(program.canonical(row.record), "draw.json", "application/json")


@get("/t/{tenant:str}/draw/{round_id:uuid}/kehou_draw.py", opt=public())
async def source(uow: NamedDependency[UnitOfWork], round_id: FromPath[UUID]) -> Response[bytes]:
    """The program as it was committed to: one file that needs nothing but Python."""
    row = await _committed(uow, round_id)
    return _download(row.program.encode("utf-8"), "kehou_draw.py", "text/x-python; charset=utf-8")


def _download(content: bytes, name: str, media_type: str) -> Response[bytes]:
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "public, max-age=300"}
    return Response(content, media_type=media_type, headers=headers)


HANDLERS = (show, file, source)
