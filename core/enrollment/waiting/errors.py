"""What the waiting lists refuse."""

from __future__ import annotations

from core.base.errors import Conflict, Invalid
from core.base.text import lazy_gettext as _l
from core.enrollment.errors import Overlap


class ForTheList(Conflict):
    """A free place belongs to the list, not to the fastest finger."""

    code = "for_the_list"
    text = _l("「%(title)s」空出的名额先给候补的孩子。请打开这个项目，登记候补")


class PlacesFree(Conflict):
    code = "places_free"
    text = _l("「%(title)s」还有名额，不用候补，可以直接选择")


class NotListed(Conflict):
    """A place without a limit is never waited for."""

    code = "not_listed"
    text = _l("「%(title)s」不限名额，没有候补名单")


class GiveUpFirst(Overlap):
    """The child is elsewhere at that hour, in a place that the family may give up for this one."""

    code = "give_up_first"
    text = _l("「%(title)s」与「%(other)s」时间重叠：请勾选愿意换掉的「%(other)s」，或者先退出它")


class OfferOver(Conflict):
    code = "offer_over"
    text = _l("这个名额的答复时间已过，名额已给下一位。可以重新登记候补")


class SignFirst(Conflict):
    """Nothing is lost meanwhile: the place is held until the deadline."""

    code = "sign_first"
    text = _l("名额为%(child)s保留到 %(until)s。请先签订已核准的服务协议（或取消那份申请），再回来接受")


class UnitNotYours(Conflict):
    code = "waiting_unit_not_yours"
    text = _l("几个孩子一起候补，须由能替其中每个孩子选择的家长办理")


class UnitTooLarge(Conflict):
    """More children together than there could ever be places for."""

    code = "waiting_unit_too_large"
    text = _l("这个项目最多 %(most)s 个孩子一起候补")


class JumpUntold(Invalid):
    """Nobody is put ahead without a reason that everybody may count, a person and a note."""

    code = "jump_untold"
    text = _l("提前安排必须选择理由，并写明情况")
