"""What the authority's review refuses."""

from __future__ import annotations

from core.base.errors import Conflict
from core.base.text import lazy_gettext as _l


class NoAuthority(Conflict):
    code = "offering_no_authority"
    text = _l("这个项目不需要报送，或者本校在平台上没有上级主管部门")


class StillThere(Conflict):
    """One round is open at a time."""

    code = "offering_still_there"
    text = _l("已经报送，正等主管部门审核")


class AuthorityDecides(Conflict):
    """Where the authority is on the platform, its review is its own document and no number typed by the school."""

    code = "offering_authority_decides"
    text = _l("主管部门在平台上审核，请报送，不能自行填写文号")
