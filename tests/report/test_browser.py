"""The page in a real browser, where there is one: it fits a phone."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
@pytest.mark.parametrize("name", ["critical_fails", "long_names"])
def test_nothing_is_wider_than_a_phone(pages, tmp_path, name):
    html = re.sub(r"<meta http-equiv=.*?>", "", pages(name))
    frame = tmp_path / "phone.html"
    (tmp_path / "page.html").write_text(html, encoding="utf-8")
    frame.write_text(
        '<iframe src="page.html" style="width:390px;height:800px;border:0"></iframe><script>'
        "onload = () => { const page = document.querySelector('iframe').contentDocument.documentElement;"
        "document.title = page.scrollWidth + ' of ' + page.clientWidth }</script>",
        encoding="utf-8",
    )
    options = (
        *QUIET,
        "--allow-file-access-from-files",
        f"--user-data-dir={tmp_path / 'user'}",
        "--virtual-time-budget=2000",
    )
    done = subprocess.run(
        [CHROMIUM, *options, "--dump-dom", frame.as_uri()], capture_output=True, text=True, timeout=90
    )
    wide, room = map(int, re.search(r"<title>(\d+) of (\d+)", done.stdout).groups())
    assert room >= 375
    assert wide <= room
