"""Without real cells, the page shows the published run beside this one; with real cells, this run alone."""

import html
import json
import re

import pytest

from helpers.notation import percent
from helpers.report.page import PUBLISHED, render_report


def words(markup: str) -> str:
    """Return the text of a page as a reader sees it, with plain spaces."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", markup)).split())


@pytest.fixture(scope="module")
def published() -> dict:
    return json.loads(PUBLISHED.read_text(encoding="utf-8"))


def test_the_published_run_is_a_full_one_on_real_cells(published) -> None:
    assert PUBLISHED.stat().st_size < 200_000
    assert published["provenance"]["profile"] == "full"
    assert published["provenance"]["tree_is_clean"] is True
    assert not published["data"]["is_synthetic"]
    assert " /" not in published["provenance"]["command"]


def test_the_page_shows_the_published_run_verbatim(published, smoke_run) -> None:
    page = (smoke_run.out / "report.html").read_text(encoding="utf-8")
    _, _, section = page.partition("Published run on the original data")
    section, _, this_run = section.partition("This run on synthetic images")
    for key in ("answer", "recommendation", "tally"):
        assert published["summary"][key] in words(section)
    for model in published["models"].values():
        assert percent(model["test_accuracy"]) in words(section)
    for name in ("date", "profile"):
        assert published["provenance"][name] in section
    assert published["provenance"]["commit"][:12] in section
    for claim in published["claims"]:
        row = words(page.partition(f'id="claim-{claim["id"]}"')[2].partition("</tr>")[0])
        assert f"Published run {claim['measured']}" in row.replace("− ", "−")
        assert claim["verdict"] in row
        assert "This run cannot be decided on these data" in row
        assert "This run, synthetic images" in row
    results = json.loads((smoke_run.out / "results.json").read_text(encoding="utf-8"))
    assert results["summary"]["answer"] in words(this_run)


def test_a_run_on_real_cells_stands_alone(smoke_run, tmp_path) -> None:
    results = json.loads((smoke_run.out / "results.json").read_text(encoding="utf-8"))
    results["data"]["is_synthetic"] = False
    (tmp_path / "results.json").write_text(json.dumps(results))
    (tmp_path / "notebooks").symlink_to(smoke_run.out / "notebooks")
    page = render_report(tmp_path).read_text(encoding="utf-8")
    assert "Published run" not in page
    assert "Synthetic cells." not in page.partition('id="chapter-1"')[0]
    assert results["summary"]["answer"] in words(page)
    assert page.count('href="#claim-C') == 16
