"""Forms about organisations, members and schools."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from core.base.text import lazy_gettext as _l
from core.web.fields import Phone, Ui
from tenants.service import NAME


class NewMember(BaseModel):
    """Somebody who is to work here."""

    name: Annotated[str, Field(min_length=2, max_length=30), Ui(_l("姓名"), autocomplete="off")]
    phone: Annotated[Phone, Ui(_l("手机号"), help=_l("用这个号码登录"), autocomplete="off")]
    roles: Annotated[list[str], Field(min_length=1), Ui(_l("角色"), kind="checks")]


class MemberRoles(BaseModel):
    """All the roles of a member."""

    roles: Annotated[list[str], Ui(_l("角色"), kind="checks")] = []


class NewSchool(BaseModel):
    """A school to be set up."""

    name: Annotated[
        str, Field(min_length=NAME[0], max_length=NAME[1]), Ui(_l("学校名称"), placeholder=_l("例如：实验小学"))
    ]
    slug: Annotated[
        str,
        Field(pattern=r"^[a-z][a-z0-9-]{1,38}[a-z0-9]$"),
        Ui(
            _l("网址名"),
            help=_l("学校页面网址里的名字，定了就不改。3–40 个小写字母、数字或连字符，字母开头"),
            placeholder="shiyan-xiaoxue",
            messages={"string_pattern_mismatch": _l("请用 3–40 个小写字母、数字或连字符，字母开头")},
        ),
    ]
    level: Annotated[
        Literal["primary", "junior", "nine_year"],
        Ui(
            _l("学段"),
            kind="select",
            options=[("primary", _l("小学")), ("junior", _l("初中")), ("nine_year", _l("九年一贯制"))],
        ),
    ] = "primary"
    pack: Annotated[str | None, Ui(_l("政策包"), kind="select", help=_l("学校要遵守的规定"))] = None
    plugins: Annotated[list[str], Ui(_l("开启的扩展"), kind="checks", help=_l("学校以后可以自己开关"))] = []
    principal_name: Annotated[str, Field(min_length=2, max_length=30), Ui(_l("校长姓名"), autocomplete="off")]
    principal_phone: Annotated[Phone, Ui(_l("校长手机号"), autocomplete="off")]
    office_name: Annotated[str, Field(max_length=30), Ui(_l("办公室经办人姓名"), autocomplete="off")] = ""
    office_phone: Annotated[Phone | None, Ui(_l("办公室经办人手机号"), autocomplete="off")] = None
