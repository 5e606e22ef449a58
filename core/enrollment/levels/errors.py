"""What the levels of children refuse."""

from __future__ import annotations

from core.base.errors import Conflict, Invalid
from core.base.text import lazy_gettext as _l


class WordInUse(Conflict):
    """A word that children have stays in the scale."""

    code = "level_word_in_use"
    text = _l("还有 %(n)s 名学生是「%(word)s」，请先改好他们的层级")


class NotALevel(Invalid):
    code = "not_a_level"
    text = _l("层级要从学校定的用语里选")


class NotTakingPart(Conflict):
    code = "level_not_taking_part"
    text = _l("名单里有学生没有参加这个项目")
