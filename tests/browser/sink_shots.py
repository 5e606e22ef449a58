"""Pictures of the kitchen sink: ``python -m tests.browser.sink_shots OUT_DIR [NAME …]``. Needs chromium."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.browser.sink_pages import HOST, launched, opened
from tests.unit.web.sink import PARTS, pages


def main(out: Path, wanted: list[str]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    html = dict(pages())
    with launched() as browser:
        for size in ("phone", "desk"):
            with opened(browser, size, html) as page:
                for name in html:
                    layout = PARTS[name.split("-")[0]][0]
                    if (wanted and name not in wanted) or (size == "desk" and layout == "_phone.html"):
                        continue
                    page.goto(f"{HOST}/{name}.html")
                    page.screenshot(path=out / f"{name}-{size}.png", full_page=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
