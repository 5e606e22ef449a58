"""What a draw refuses."""

from __future__ import annotations

from core.base.errors import Conflict, Invalid
from core.base.text import lazy_gettext as _l


class ByDraw(Conflict):
    """First come counts for nothing where places are drawn."""

    code = "by_draw"
    text = _l("「%(title)s」通过志愿抽签分配名额，不能直接报名。请打开「抽签与志愿」页面")


class FixedByDraw(Conflict):
    code = "fixed_by_draw"
    text = _l("「%(title)s」正在抽签中，名额、时间和年级不能修改")


class NoPlacesToDraw(Invalid):
    code = "no_places_to_draw"
    text = _l("「%(title)s」还没有发布，或者没有名额限制，不能抽签")


class InOtherDraw(Conflict):
    code = "in_other_draw"
    text = _l("「%(title)s」已经在另一轮抽签里")


class WishesShut(Conflict):
    code = "wishes_shut"
    text = _l("现在不在志愿填报时间内")


class WishesChanged(Conflict):
    code = "wishes_changed"
    text = _l("志愿刚被%(who)s修改过，请核对后再调整")


class HasPlace(Conflict):
    code = "has_place"
    text = _l("孩子已有「%(title)s」的名额")


class NoSuchParty(Invalid):
    code = "no_such_party"
    text = _l("没有这个邀请码。请与对方核对，邀请码只在同一轮抽签里有效")


class PartyFull(Conflict):
    code = "party_full"
    text = _l("一起抽签的孩子最多 %(most)s 个")


class InOtherParty(Conflict):
    code = "in_other_party"
    text = _l("%(child)s已经和别的孩子一起抽签，请先退出")


class StillOpen(Conflict):
    code = "draw_still_open"
    text = _l("填报时间还没有结束")


class SeedKnown(Conflict):
    """What is committed to after the seed exists proves nothing."""

    code = "draw_seed_known"
    text = _l("约定的公开数字已经公布，现在锁定不能证明公平。请另选一个以后才公布的数字")


class SeedTooEarly(Conflict):
    code = "draw_seed_early"
    text = _l("志愿锁定并公示以后，到了约定的公布时间才能录入公开数字")


class SeedEntered(Conflict):
    code = "draw_seed_entered"
    text = _l("公开数字已经录入，请由另一位老师核对确认")


class SeedPublic(Conflict):
    """Whoever can read the wishes may know the outcome by now: nobody tries until it pleases."""

    code = "draw_seed_public"
    text = _l("约定的公开数字已经公布，不能再取消这一轮，请录入数字并抽签")


class SameOfficer(Conflict):
    code = "draw_same_officer"
    text = _l("录入和确认要由两个人完成，请另一位老师确认")


class SeedDiffers(Invalid):
    code = "draw_seed_differs"
    text = _l("两次录入的数字不一致，请与公布的原文核对")


class MenuEndsFirst(Conflict):
    code = "draw_menu_ends"
    text = _l("抽签后家长还要提交申请：菜单的报名截止时间至少要比现在晚一天，请先延长")
