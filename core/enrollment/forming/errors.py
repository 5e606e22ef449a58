"""What forming refuses."""

from __future__ import annotations

from core.base.errors import Conflict, Invalid
from core.base.text import lazy_gettext as _l


class NotBeingFormed(Conflict):
    code = "not_being_formed"
    text = _l("这次编班现在不能修改，请打开待核对的编排")


class BeingFormed(Conflict):
    code = "being_formed"
    text = _l("「%(title)s」已经在另一次编班里，请先公布或放弃那一次")


class NothingToForm(Invalid):
    code = "nothing_to_form"
    text = _l("「%(title)s」没有固定时间，不能编班")


class RoomTooSmall(Conflict):
    code = "room_too_small"
    text = _l("%(room)s只有 %(seats)s 个座位，这个班组最多的一天有 %(size)s 人")


class RoomInUse(Conflict):
    code = "room_in_use"
    text = _l("%(room)s那个时间已经安排给「%(other)s」")


class StaffInUse(Conflict):
    code = "staff_in_use"
    text = _l("%(name)s%(day)s那个时间已经安排在「%(other)s」")


class StaffCannot(Conflict):
    code = "staff_cannot"
    text = _l("%(name)s%(day)s不能值班（已登记）")


class StaffNotAllowed(Conflict):
    code = "staff_not_allowed"
    text = _l("按规定%(name)s现在不能参与课后服务")


class OtherOffering(Conflict):
    code = "group_of_other_offering"
    text = _l("只能在同一个服务项目的班组之间调整")


class NotPlaced(Conflict):
    code = "children_not_placed"
    text = _l("还有 %(n)s 名学生没有班组，不能公布")


class LevelsMissing(Conflict):
    """Nobody is put into a level silently (R-167)."""

    code = "levels_missing"
    text = _l("还有 %(n)s 名学生没有层级：%(names)s。请先在「学生层级」里填好，再按层级编班")


class NotMixed(Conflict):
    """R-171: own class only."""

    code = "classes_not_mixed"
    text = _l("现在不混班，只能本班学生本班托管")


class OtherCampus(Conflict):
    code = "other_campus"
    text = _l("校区不同（%(names)s），不能编在一起")


class StaffElsewhere(Conflict):
    code = "staff_elsewhere"
    text = _l("%(name)s%(day)s紧挨着在%(campus)s还有班组，路上来不及")
