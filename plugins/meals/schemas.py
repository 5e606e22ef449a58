"""The forms of lunch, its words, and the school's settings for it."""

from __future__ import annotations

from datetime import time
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from core.api import gettext as _
from core.api import lazy_gettext as _l
from core.api.forms import Phone, Ui, Weekdays, YuanAsFen, grade_options

ALLERGENS = {
    "peanut": _l("花生"),
    "nuts": _l("坚果"),
    "milk": _l("牛奶"),
    "egg": _l("鸡蛋"),
    "fish": _l("鱼"),
    "shellfish": _l("虾蟹贝"),
    "soy": _l("大豆"),
    "wheat": _l("小麦"),
    "pork": _l("猪肉"),
    "beef": _l("牛羊肉"),
    "spicy": _l("辛辣"),
}
"""What a dish may contain and a child may not eat: short words for those who cook and serve."""

FORMALITIES = {
    "qualification": _l("餐饮服务资质证明"),
    "open_tender": _l("公开招投标"),
    "contract": _l("供餐合同"),
    "safety_agreement": _l("食品安全责任书"),
    "health": _l("从业人员健康证"),
    "publicity": _l("遴选结果公示"),
}
BODIES = {
    "": _l("未填"),
    "district_bureau": _l("区教育局等部门"),
    "county_bureau": _l("县级教育部门"),
    "price_authority": _l("价格主管部门"),
    "school": _l("学校"),
}
SUPERVISORS = {"parents_committee": _l("家委会"), "school": _l("学校"), "county_bureau": _l("教育局")}
SETTLEMENTS = {"caterer": _l("家长按月直接与餐饮公司结算"), "school": _l("随学期账单由学校代收")}

Settlement = Literal["caterer", "school"]


class LunchForm(BaseModel):
    """Lunch of a term: the caterer, the formalities, the days. Times are school time."""

    title: Annotated[str, Field(min_length=2, max_length=30), Ui(_l("名称"))] = "午餐"
    summary: Annotated[
        str, Field(max_length=400), Ui(_l("介绍"), kind="textarea", help=_l("家长在菜单里看到这段话"))
    ] = ""
    weekdays: Annotated[Weekdays, Field(min_length=1), Ui(_l("供餐日"))]
    starts_at: Annotated[time, Ui(_l("开始"))] = time(11, 50)
    ends_at: Annotated[time, Ui(_l("结束"))] = time(12, 40)
    grades: Annotated[
        list[Annotated[int, Field(ge=1, le=9)]],
        Field(min_length=1),
        Ui(_l("面向年级"), kind="checks", options=grade_options),
    ]
    room_id: Annotated[UUID | None, Ui(_l("用餐地点"), kind="select")] = None
    teacher_id: Annotated[UUID | None, Ui(_l("负责教师"), kind="select")] = None
    caterer: Annotated[str, Field(min_length=2, max_length=60), Ui(_l("餐饮公司"))]
    contact: Annotated[str, Field(max_length=20), Ui(_l("联系人"))] = ""
    phone: Annotated[Phone | None, Ui(_l("联系电话"))] = None
    formalities: Annotated[
        list[str],
        Ui(
            _l("已办的手续"),
            kind="checks",
            options=list(FORMALITIES.items()),
            help=_l("按本地文件要求核对，缺一项都不能发布"),
        ),
    ] = []
    tender_by: Annotated[str, Ui(_l("组织招投标的部门"), kind="select", options=list(BODIES.items()))] = ""
    tender_reference: Annotated[str, Field(max_length=60), Ui(_l("招投标或采购编号"))] = ""
    standard_by: Annotated[str, Ui(_l("用餐标准由谁核定"), kind="select", options=list(BODIES.items()))] = ""
    price_fen: Annotated[
        YuanAsFen | None,
        Field(gt=0, le=1_000_000),
        Ui(_l("每餐标准"), help=_l("由上面的部门核定；由学校代收时，以公示的收费标准为准")),
    ] = None
    settlement: Annotated[Settlement, Ui(_l("结算方式"), kind="radio", options=list(SETTLEMENTS.items()))] = "caterer"
    supervisors: Annotated[list[str], Ui(_l("由谁监督"), kind="checks", options=list(SUPERVISORS.items()))] = [
        "parents_committee"
    ]
    reason: Annotated[
        str,
        Field(max_length=400),
        Ui(_l("说明理由"), kind="textarea", help=_l("规定中写着“原则上”的条款，写明理由后可以通过")),
    ] = ""

    @model_validator(mode="after")
    def _known(self) -> LunchForm:
        if self.ends_at <= self.starts_at:
            raise ValueError(_("结束时间要晚于开始时间"))
        if not set(self.formalities) <= FORMALITIES.keys() or not set(self.supervisors) <= SUPERVISORS.keys():
            raise ValueError(_("请从列出的项目中选择"))
        if not {self.tender_by, self.standard_by} <= BODIES.keys():
            raise ValueError(_("请从列出的部门中选择"))
        return self


class DayForm(BaseModel):
    """The dishes of one date: one a line, what they contain in brackets (番茄炒蛋（鸡蛋）)."""

    dishes: Annotated[
        str,
        Field(max_length=1000),
        Ui(
            _l("菜品"), kind="textarea", rows=5, help=_l("一行一道菜；含常见过敏原的写在括号里，例如：番茄炒蛋（鸡蛋）")
        ),
    ] = ""


class BanForm(BaseModel):
    """What a child may not eat, by its family."""

    flags: Annotated[
        list[str],
        Ui(_l("不能吃"), kind="checks", options=list(ALLERGENS.items()), help=_l("打饭老师和厨房只看到这些词")),
    ] = []
    words: Annotated[
        str,
        Field(max_length=300),
        Ui(_l("补充说明"), kind="textarea", help=_l("加密保存；老师打开查看会留下记录，你能看到是谁看的")),
    ] = ""

    @model_validator(mode="after")
    def _known(self) -> BanForm:
        if not set(self.flags) <= ALLERGENS.keys():
            raise ValueError(_("请从列出的项目中选择"))
        return self


class MealsSettings(BaseModel):
    """Until when a family may cancel a day, on the school's clock."""

    cutoff_at: Annotated[time, Ui(_l("取消用餐的截止时间"))] = time(8, 30)
    days_before: Annotated[
        int, Field(ge=0, le=7), Ui(_l("提前几天"), unit=_l("天"), help=_l("0 表示当天截止时间以前都可以取消"))
    ] = 0
