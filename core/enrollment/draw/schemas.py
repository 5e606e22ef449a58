"""Forms of the draw."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from core.base.text import lazy_gettext as _l
from core.web.fields import SchoolMoment, Ui

MODES = (
    ("ranked", _l("志愿抽签：家长排志愿，几天内填报")),
    ("window", _l("限时申请：在一段时间里点一下就算申请，到时一起抽签")),
)


class RoundForm(BaseModel):
    """A new round, as the office makes it."""

    title: Annotated[str, Field(min_length=2, max_length=60), Ui(_l("名称"), placeholder=_l("周三社团"))]
    offerings: Annotated[
        list[UUID],
        Field(min_length=1, max_length=200),
        Ui(_l("抽签的项目"), kind="checks", help=_l("加入后不能再先到先得；时间重叠的项目自动归入同一时段")),
    ]
    mode: Annotated[
        Literal["ranked", "window"],
        Ui(_l("方式"), kind="radio", options=MODES, help=_l("两种方式都不看先后。不加入的项目仍是先到先得")),
    ] = "ranked"
    opens_at: Annotated[SchoolMoment, Ui(_l("开始填报"))]
    closes_at: Annotated[SchoolMoment, Ui(_l("截止填报"), help=_l("到时自动锁定，并在公示栏公布校验码"))]
    per_child: Annotated[int, Field(ge=1, le=20), Ui(_l("每个孩子最多录取"), unit=_l("项"))] = 1
    luck: Annotated[
        bool,
        Ui(
            _l("上一次没有抽中的孩子先于其他学生"),
            kind="checkbox",
            help=_l("只看最近一次参加的抽签：什么也没得到，而且所填的项目确实报满。不论落空几次都只提前一类"),
        ),
    ] = False
    seed_source: Annotated[
        str,
        Field(min_length=4, max_length=200),
        Ui(
            _l("用什么公开数字抽签"),
            help=_l("事先写明，谁都能查到，例如：中国福利彩票双色球第 2026140 期开奖号码，红球从小到大、再加蓝球"),
        ),
    ]
    seed_at: Annotated[SchoolMoment, Ui(_l("该数字的公布时间"), help=_l("至少在截止 10 分钟以后"))]


class RoundTimes(BaseModel):
    """The times of a new round alone, as far as they are filled in: these are judged even where other fields are wrong,
    so that all is said at once."""

    opens_at: SchoolMoment | None = None
    closes_at: SchoolMoment | None = None
    seed_at: SchoolMoment | None = None


class SeedSource(BaseModel):
    """Another public value."""

    seed_source: Annotated[str, Field(min_length=4, max_length=200), Ui(_l("改用什么公开数字"))]
    seed_at: Annotated[SchoolMoment, Ui(_l("该数字的公布时间"))]


class Seed(BaseModel):
    """The public value as it was published."""

    seed: Annotated[
        str, Field(min_length=1, max_length=200), Ui(_l("公布的数字"), help=_l("按约定的写法，与公布的原文一致"))
    ]


class Priority(BaseModel):
    """A child that the written rule puts first, or no longer."""

    student: UUID
    on: Annotated[bool, Ui(kind="checkbox")] = False


class Ranking(BaseModel):
    """A child's wishes as they are to be: the whole list, best first."""

    child: UUID
    version: Annotated[int, Field(ge=0)]
    ranked: Annotated[list[UUID], Field(max_length=200), Ui(kind="checks")] = Field(default_factory=list)


class Tap(BaseModel):
    """One tap in a window: the child asks for a place, or takes that back."""

    child: UUID
    offering: UUID
    on: Annotated[bool, Ui(kind="checkbox")] = False


class Joining(BaseModel):
    """A child to be drawn together with a brother or sister, or with whom a code invites; without both: a new code."""

    child: UUID
    sibling: UUID | None = None
    code: Annotated[str, Field(max_length=20), Ui(_l("同伴的邀请码"), autocomplete="off")] = ""
