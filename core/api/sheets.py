"""Workbooks to hand out: `download(workbook(title, head, rows), "名单.xlsx")`. No cell can become a formula."""

from __future__ import annotations

from core.web.sheets import download, workbook

__all__ = ["download", "workbook"]
