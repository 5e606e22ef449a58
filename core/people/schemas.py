"""Forms about people."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from core.base.text import lazy_gettext as _l
from core.web.fields import Phone, Ui


class NewCollector(BaseModel):
    """A person who may collect a child."""

    name: Annotated[
        str, Field(min_length=2, max_length=30), Ui(_l("姓名"), help=_l("写真实姓名，老师会核对"), autocomplete="off")
    ]
    phone: Annotated[Phone, Ui(_l("手机号"), autocomplete="off")]
    relation: Annotated[
        str, Field(min_length=1, max_length=20), Ui(_l("和孩子的关系"), placeholder=_l("例如：姑姑、邻居、托管阿姨"))
    ]


class Health(BaseModel):
    """A health note."""

    note: Annotated[
        str,
        Field(max_length=500),
        Ui(_l("健康备注"), kind="textarea", help=_l("过敏、用药、需要照顾的情况。加密保存；谁看过，家长都能看到")),
    ] = ""


class ClassTeacher(BaseModel):
    """Who leads a class."""

    teacher: Annotated[UUID | None, Ui(_l("班主任"), kind="select")] = None


class EthicsForm(BaseModel):
    """A change of a person's ethics status."""

    event: Annotated[Literal["question", "bar", "clear"], Ui(_l("变更"), kind="select")]
    reason: Annotated[
        str,
        Field(min_length=2, max_length=400),
        Ui(_l("情况和依据"), kind="textarea", help=_l("写明事由、认定部门和日期；会留在记录里")),
    ]


class NewCampus(BaseModel):
    """A site of the school."""

    name: Annotated[str, Field(min_length=1, max_length=40), Ui(_l("校区名称"), placeholder=_l("例如：本部"))]
    address: Annotated[str, Field(max_length=120), Ui(_l("地址"))] = ""


class NewRoom(BaseModel):
    """A room on a campus."""

    campus: Annotated[UUID, Ui(_l("校区"), kind="select")]
    name: Annotated[str, Field(min_length=1, max_length=40), Ui(_l("教室名称"), placeholder=_l("例如：艺术楼 301"))]
    capacity: Annotated[int, Field(ge=1, le=2000), Ui(_l("可容纳"), unit=_l("人"))] = 45
