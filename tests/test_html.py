"""The HTML report: self-contained, harmless, and usable; in a real browser where there is one."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from mmcheck import check
from mmcheck.finding import Finding, Severity
from mmcheck.report import FileSummary, Report, RuleSummary, Run, Totals
from mmcheck.reporters import render
from mmcheck.resources import folder

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
EVIL = (
    "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>&amp;\x1b[31m\x00\u202e]]>--></script> http://a.example/x"
)
MANY = 10_000


def report_of(findings: list[Finding], **more: Any) -> Report:
    rules = [
        RuleSummary(
            "MM020", "media-missing", Severity.ERROR, "media", 20_000, 5_000, status="failed", docs="It is gone."
        ),
        RuleSummary("LV002", "speakers-do-not-alternate", Severity.WARNING, "turns", 40_000, 4, status="failed"),
        RuleSummary("MM022", "media-bomb", Severity.ERROR, "media", 10, status="passed"),
        RuleSummary("MM032", "media-shared", Severity.WARNING, "media", status="skipped", reason="one split"),
    ]
    fields: dict[str, Any] = {
        "path": "data/train.jsonl", "format": "llava", "version": 1, "fingerprint": "sha256:0",
        "files": [FileSummary("train.jsonl", "samples", 1234, 1204)], "run": Run("2026-11-01T10:00:00Z", 2.0),
        "totals": Totals(records=20_000, errors=5_000, warnings=4), "rules": rules, "findings": findings,
    }  # fmt: skip
    return Report(**fields | more)


def finding(number: int, **more: Any) -> Finding:
    image = f"image-{number:05}.jpg"
    fields: dict[str, Any] = {
        "rule": "MM020", "name": "media-missing", "severity": Severity.ERROR, "message": f"{image} is missing",
        "file": f"part-{number % 3}.jsonl", "row": number, "line": number + 1, "fingerprint": f"{number:016x}",
        "hint": "add the file", "value": image,
    }  # fmt: skip
    return Finding(**fields | more)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A large report, an evil one and a real one with all kinds of statistics."""
    target = tmp_path_factory.mktemp("pages")
    turns = [
        finding(
            n,
            rule="LV002",
            name="speakers-do-not-alternate",
            severity=Severity.WARNING,
            message=f"turn {n} is by human",
        )
        for n in range(MANY - 4, MANY)
    ]
    render(report_of([*(finding(n) for n in range(MANY - 4)), *turns]), "html", target / "large.html")
    statistics = {
        "roles": {"count": 3, "values": {EVIL: 3}, "other": 0},
        "formats": {EVIL: {"count": 1, "values": {EVIL: 1}, "other": 0}},
        "image_sizes": {
            "unit": "pixels", "count": 2, "cells": [[8, 8, 1], [512, 256, 1]],
            "outliers": [
                {"what": "smallest", "name": EVIL, "file": EVIL, "row": 1, "width": 8, "height": 8},
                {"what": "largest", "name": "b", "file": "b", "row": 1, "width": 600, "height": 300},
            ],
        },
    }  # fmt: skip
    evil = finding(
        1, message=EVIL, value=EVIL + "x" * 2**20, file=EVIL, sample=EVIL, pointer=EVIL, hint=EVIL, fingerprint=EVIL
    )
    rule = RuleSummary("MM020", "media-missing", Severity.ERROR, "media", 1, 1, status="error", reason=EVIL, docs=EVIL)
    report = report_of(
        [evil],
        path=EVIL,
        notes=[EVIL],
        statistics=statistics,
        rules=[rule],
        files=[FileSummary(EVIL, EVIL, 1, 1, EVIL)],
    )
    render([report, report], "html", target / "evil.html")
    render(check(folder("examples") / "llava" / "bad"), "html", target / "real.html")
    return target


def test_it_fetches_nothing(pages: Path) -> None:
    for page in pages.glob("*.html"):
        text = page.read_text(encoding="utf-8")
        for tag in re.findall(r"<[a-z][^>]*>", text.split("</style>")[1].split('<script type="application/json"')[0]):
            assert "http" not in tag.lower() or "http-equiv" in tag, tag
        assert not re.search(r"""(src|href|action)=["'](?!#|data:)""", text)
        style = re.findall(r"<style>(.*?)</style>", text, re.S)[0]
        assert "url(" not in style
        assert "@import" not in style
        scripts = re.findall(r"<script[^>]*>(.*?)</script>", text, re.S)
        assert not [script for script in scripts if "://" in script]


def test_the_dataset_s_text_is_text(pages: Path) -> None:
    text = (pages / "evil.html").read_text(encoding="utf-8")
    assert "<script>alert" not in text
    assert "<img" not in text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e]", text)
    assert len(text) < 200_000  # long values are cut


def test_it_is_drawn_from_the_stored_result_alone(tmp_path: Path) -> None:
    report = check(folder("examples") / "llava" / "bad")
    render(replace(report, picture_roots=()), "html", tmp_path / "a.html")
    render(Report.from_dict(json.loads(report.to_json())), "html", tmp_path / "b.html")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_thumbnails_are_of_files_inside_the_dataset(tmp_path: Path) -> None:
    good = next((folder("examples") / "llava" / "good").rglob("*.jpg"))
    (tmp_path / "data").mkdir()
    (tmp_path / "outside.jpg").write_bytes(good.read_bytes())
    (tmp_path / "data" / "inside.jpg").write_bytes(good.read_bytes())
    (tmp_path / "data" / "link.jpg").symlink_to(tmp_path / "outside.jpg")
    (tmp_path / "data" / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    names = [
        "inside.jpg",
        "link.jpg",
        "broken.jpg",
        "../outside.jpg",
        str(tmp_path / "outside.jpg"),
        "none.jpg",
        "a\0.jpg",
    ]
    report = report_of([finding(n, value=name, file="train.jsonl") for n, name in enumerate(names)])

    def shown(**more: Any) -> dict[str, int]:
        render(replace(report, **more), "html", tmp_path / "out.html")
        text = (tmp_path / "out.html").read_text()
        data = json.loads(re.findall(r'<script type="application/json" class="data">(.*?)</script>', text, re.S)[0])
        found: dict[str, int] = data["shown"]
        return found

    assert shown() == {}
    assert shown(picture_roots=(tmp_path / "data",)) == {"0": 0}
    assert set(shown(picture_roots=(tmp_path / "data", tmp_path))) == {"0", "1", "3", "4"}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright drives the browser and is not installed")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Any, pages: Path) -> Iterator[Any]:
    """Opens one of the pages; nothing may be said on the console, and nothing fetched, at any time."""
    said: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    tab = context.new_page()
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("dialog", lambda dialog: (said.append("a dialog"), dialog.dismiss()))
    tab.on(
        "request", lambda request: said.append(request.url) if not request.url.startswith(("file:", "data:")) else None
    )

    def go(name: str, **size: int) -> Any:
        if size:
            tab.set_viewport_size(size)
        tab.goto((pages / name.partition("#")[0]).as_uri() + "".join(name.partition("#")[1:]))
        return tab

    yield go
    context.close()
    assert said == []


def settled(tab: Any, findings: int) -> None:
    """Wait until so many findings are drawn; `wait_for_function` needs an eval, which the policy forbids."""
    tab.wait_for_timeout(150)
    tab.locator(f"ol.findings > li:nth-child({findings})").wait_for(state="attached")
    assert tab.locator("ol.findings > li").count() == findings


def test_findings_are_searched_and_filtered(visit: Any) -> None:
    tab = visit("large.html")
    items, count = tab.locator("ol.findings > li"), tab.locator(".findings-controls output")
    items.first.wait_for()
    assert items.count() == 100
    assert count.text_content() == "10,000 findings"
    tab.get_by_role("button", name="Show more findings").click()
    assert items.count() == 200
    tab.locator(".findings-controls input[name=text]").fill("image-00042")
    settled(tab, 1)
    assert count.text_content() == "1 of 10,000 findings"
    assert "image-00042.jpg is missing" in items.first.text_content()
    tab.locator(".findings-controls input[name=text]").fill("")
    tab.locator(".findings-controls select[name=severity]").select_option("warning")
    settled(tab, 4)
    tab.get_by_role("button", name="Clear").click()
    settled(tab, 100)
    tab.locator(".findings-controls select[name=file]").select_option(label="part-1.jsonl (3,333)")
    settled(tab, 100)
    assert count.text_content() == "3,333 of 10,000 findings"
    spent = tab.evaluate(
        "() => { const box = document.querySelector('.findings-controls input');"
        "const list = document.querySelector('ol.findings'); return new Promise((done) => {"
        "const start = performance.now(); box.value = 'missing 9';"
        "new MutationObserver(() => done(performance.now() - start)).observe(list, {childList: true});"
        "box.dispatchEvent(new Event('input', {bubbles: true})); }); }"
    )
    assert spent < 2000


def test_each_finding_has_a_lasting_link(visit: Any) -> None:
    tab = visit(f"large.html#f0-{5000:016x}")
    item = tab.locator(f"#f0-{5000:016x}")
    assert "image-05000" in item.text_content()
    assert item.evaluate("(item) => item === document.activeElement && item.classList.contains('target')")
    tab.wait_for_timeout(200)
    assert item.is_visible()
    tab.get_by_role("button", name="Show earlier findings").click()
    assert tab.locator("ol.findings > li").count() == 200
    link = tab.locator("ol.findings a.link").first
    name = link.get_attribute("href")
    link.click()
    assert tab.url.endswith(name)


def test_rules_are_sorted_and_filtered(visit: Any) -> None:
    tab = visit("large.html")
    shown = tab.locator("table.rules tbody tr:visible td:first-child")
    assert shown.all_text_contents() == ["MM020", "LV002"]
    tab.locator(".rules-controls select").select_option("")
    tab.get_by_role("button", name="code", exact=True).click()
    assert shown.all_text_contents() == ["LV002", "MM020", "MM022", "MM032"]
    assert tab.locator("table.rules th").first.get_attribute("aria-sort") == "ascending"
    tab.get_by_role("button", name="failed", exact=True).click()
    assert shown.all_text_contents()[0] == "MM020"
    tab.locator(".rules-controls input").fill("bomb")
    assert shown.all_text_contents() == ["MM022"]
    tab.locator(".rules-controls input").fill("")
    tab.locator("button.show[data-rule=LV002]").click()
    settled(tab, 4)


def test_by_keyboard_alone(visit: Any) -> None:
    tab = visit("large.html")
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.className") == "skip"
    for _ in range(4):
        tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.dataset.sort") is not None
    tab.keyboard.press("Enter")
    assert tab.locator("th[aria-sort]").count() == 1


def test_an_evil_dataset_shows_as_text(visit: Any) -> None:
    tab = visit("evil.html")
    body = tab.locator("body").inner_text()
    assert "<script>alert(1)</script>" in body
    assert "<img src=x onerror=alert(1)>" in body
    assert r"\x1b[31m\x00\u202e" in body
    assert tab.locator("main script:not([type])").count() == 0
    assert tab.locator("img").count() == 0
    assert tab.locator("ol.findings > li").count() == 2


@pytest.mark.parametrize("name", ["large.html", "evil.html", "real.html"])
def test_it_fits_a_telephone(visit: Any, name: str) -> None:
    tab = visit(name, width=400, height=800)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 400


def test_names_and_roles_for_screen_readers(visit: Any) -> None:
    tab = visit("real.html")
    assert tab.get_by_role("heading", level=1).count() == 1
    levels = [
        int(tag[1]) for tag in tab.evaluate("[...document.querySelectorAll('h1, h2, h3')].map((each) => each.tagName)")
    ]
    assert all(after - before <= 1 for before, after in pairwise(levels))
    for control in tab.locator("input, select").all():
        assert control.evaluate("(control) => control.labels.length") == 1
    assert tab.locator("svg:not([aria-label]):not([aria-hidden])").count() == 0
    assert tab.locator("img:not([alt])").count() == 0
    assert tab.locator("img").count() >= 1
    assert tab.locator("img").first.evaluate(
        "async (image) => { await image.decode(); return image.naturalWidth > 0; }"
    )
    ids = tab.evaluate("[...document.querySelectorAll('[id]')].map((each) => each.id)")
    assert len(ids) == len(set(ids))
