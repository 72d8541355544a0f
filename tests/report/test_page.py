"""The report is one safe, self-contained page that a reader can move through, in any theme, width or medium."""

import base64
import json
import re
import shutil
from collections import Counter
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import matplotlib
import nbformat
import numpy as np
import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe
from IPython.display import Markdown
from matplotlib import pyplot as plt
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from playwright.sync_api import expect, sync_playwright
from pypdf import PdfReader

from helpers import NOTEBOOKS
from helpers.claims import VERDICTS
from helpers.data import CLASS_NAMES, Part
from helpers.errors import InputError
from helpers.figures import galleries, publish, style
from helpers.figures.publish import Drawing
from helpers.report import markup
from helpers.report.page import print_pdf, render_report

matplotlib.use("agg")

ROOT = Path(__file__).parents[2]
UNSAFE = "<script>document.title = 'broken'</script>"


def displayed(show, *arguments, **options):
    """Return the outputs that a notebook cell calling ``show`` would keep."""
    outputs = []

    def keep(data, metadata):
        data = {"text/markdown": data.data} if isinstance(data, Markdown) else data
        outputs.append(new_output("display_data", data, metadata=metadata))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publish, "publish_display_data", keep)
        patch.setattr(publish, "display", keep)
        show(*arguments, **options)
    return outputs


def figure_outputs(slug, caption="Accuracy of **two** models."):
    style.use_style()
    figure, axes = plt.subplots(figsize=(8, 3))
    axes.bar(["forest", "cellnet"], [0.93, 0.99], hatch=["", "//"])
    axes.set(ylabel="Accuracy")
    drawing = Drawing(figure, "cellnet leads", "cellnet leads by six points.")
    return displayed(publish.show_figure, drawing, slug, caption)


def bars(sizes):
    style.use_style()
    figure, axes = plt.subplots(figsize=sizes)
    axes.bar(["forest", "cellnet"], [0.93, 0.99])
    axes.set(ylabel="Accuracy")
    return figure


def two_layout_outputs(slug):
    drawing = Drawing(bars((8, 3)), "Both are right", "Bars.", narrow=bars((3.5, 3)))
    return displayed(publish.show_figure, drawing, slug, "Accuracy in *two* layouts.")


def answers(labels, first, last, step):
    """Return probabilities that are wrong, by ``step`` classes, from image ``first`` to before ``last``."""
    positions = np.arange(len(labels))
    answered = np.where((positions >= first) & (positions < last), (labels + step) % 8, labels)
    confidences = 0.4 + positions / 100
    probabilities = np.full((len(labels), 8), ((1 - confidences) / 7)[:, None])
    probabilities[positions, answered] = confidences
    return probabilities


def gallery_outputs(show):
    """Return examples, or 26 errors of cellnet and 20 of the forest, 6 of them on the same images."""
    images = np.random.default_rng(0).integers(0, 256, (40, 48, 48, 3), np.uint8)
    labels = np.arange(40) % 8
    if show == "examples":
        return displayed(galleries.show_examples, images, labels, "Four of each class.")
    probabilities = {"forest": answers(labels, 20, 40, 1), "cellnet": answers(labels, 0, 26, 2)}
    part, index = Part(images, labels), np.arange(len(labels))
    return displayed(galleries.show_errors, part, index, probabilities, "cellnet", "All errors of *two* models.")


def scores_outputs(slug):
    frame = pd.DataFrame(
        {
            "model": ["forest", "cellnet", "alexnet"],
            "accuracy": [0.93, 0.991, 0.7],
            "accuracy_low": [0.92, 0.98, 0.6],
            "accuracy_high": [0.94, 1.0, 0.8],
            "params": [np.nan, 289_384, 13_819_144],
            "gain": [-0.035, 0.2, 0.0],
            "remark": ["none, yet", 'the "best"', "1 of 2"],
        }
    )
    return displayed(publish.show_table, frame, slug, "Scores with intervals. They are made up.", folded=True)


def wide_table_outputs(slug):
    columns = {f"feature {number}": np.arange(3) + 0.5 for number in range(30)}
    frame = pd.DataFrame({"class": ["basophil", UNSAFE, "platelet"], **columns})
    return displayed(publish.show_table, frame, slug, "Features of *three* classes.")


def code(source, *outputs, tags=()):
    cell = new_code_cell(source, outputs=list(outputs))
    cell.metadata.tags = list(tags)
    return cell


def notebook(*cells):
    return new_notebook(cells=[*cells])


@cache
def small_notebooks():
    """Return six notebooks with everything a real one holds."""
    parameters = code('DATA = "auto"', tags=["parameters"])
    prose = "\n\n".join(["A paragraph that is long enough to fill the window. " * 12] * 4)
    stream = new_output("stream", name="stdout", text="1 %\r50 %\r100 % done\n\x1b[31mred\x1b[0m\n")
    noise = new_output("stream", name="stderr", text=f"Noise on stderr {UNSAFE}\n")
    progress = new_output("display_data", {"text/plain": "cellnet: epoch 2 of 2"})
    result = new_output("execute_result", {"text/plain": "0.5", "text/html": f"<b>half</b>{UNSAFE}"})
    text = new_output("display_data", {"text/markdown": f"Found **17** copies {UNSAFE}", "text/plain": "17"})
    listing = f"```python\ndef network(name: str):\n    return [{', '.join(map(str, range(99)))}]  # long {UNSAFE}\n```"
    listings = new_output("display_data", {"text/markdown": f"Trained so.\n\n{listing}\n\n```\n<b> & 1\n```"})
    return {
        "01_eda": notebook(
            new_markdown_cell("# 1 · Look at the cells\n\nSee `code`."),
            parameters,
            new_markdown_cell(f"## Counts\n\n{prose}\n\n### Part of it"),
            new_markdown_cell("It moved −3.5 points (−4.1 to +2.0), to 100 % (95 % CI 1–2), p < 0.01, `n = 1`."),
            code("show(counts)  # why", *figure_outputs("counts")),
            code("show(table)", *wide_table_outputs("features")),
            code("# Draw the eight cell types\nshow(examples)", *gallery_outputs("examples")),
            new_markdown_cell(
                f"## What we found\n\n{UNSAFE}\n\nNext {UNSAFE}: "
                "[Prepare](02_preprocess.ipynb), [02_preprocess](02_preprocess.ipynb)."
            ),
        ),
        "02_preprocess": notebook(
            new_markdown_cell(f"# Prepare the cells\n\n{prose}\n\n## Copies\n\n| a | b |\n|---|--:|\n| 1 | 2 |"),
            code("find_copies()", stream, progress, noise, result, text, listings),
        ),
        "03_handcrafted_rf": notebook(
            new_markdown_cell(f"# The hand-crafted model\n\n{prose}"),
            code("show()", *figure_outputs("first"), *figure_outputs("second")),
        ),
        "04_lenet_variants": notebook(
            new_markdown_cell(f"# Two LeNets\n\n{prose} See [chapter 3](03_handcrafted_rf.ipynb)."),
            code("show()", *two_layout_outputs("layouts"), *scores_outputs("scores")),
        ),
        "05_alexnet": notebook(new_markdown_cell(f"# AlexNet\n\n{prose}")),
        "06_evaluation": notebook(
            new_markdown_cell("# The test cells\n\n## The ladder"),
            code("show(ladder)", *figure_outputs("ladder")),
            code("show(errors)", *gallery_outputs("errors")),
        ),
    }


RESULTS = {
    "summary": {
        "answer": f"The answer, {UNSAFE} with **99 %**.", "recommendation": f"Use it {UNSAFE}.", "tally": "Two hold.",
        "findings": [f"Finding {number}, {UNSAFE} with **98 %**." for number in range(1, 4)],
    },
    "data": {
        "warnings": ["The images are <dark>."],
        "source": f"Drawn {UNSAFE}", "is_synthetic": False, "sha256": "9f" * 32, "split": {"test": 1201},
        "classes": dict.fromkeys(CLASS_NAMES, 5),
    },
    "models": {"cellnet": {"val_accuracy": 0.99}},
    "claims": [
        {"id": "C01", "claim": "# 8 *classes*", "reported": "8", "measured": "8", "verdict": "confirmed",
         "rule": "Confirmed if the counts match.", "evidence": "#fig-counts"},
        {"id": "C02", "claim": UNSAFE, "reported": 0.87, "measured": None, "verdict": "refuted",
         "evidence": "#table-features"},
        {"id": "C03", "claim": "Unsettled", "verdict": "cannot be decided on these data", "evidence": "#fig-x"},
        {"id": "C04", "claim": "Nearly", "verdict": "confirmed with reservation", "evidence": "#fig-x"},
        {"id": "C05", "claim": "Hardly", "verdict": "not confirmed", "evidence": "#fig-x"},
        {"id": "C06", "claim": "Else", "verdict": "something new", "evidence": "#fig-x"},
    ],
    "provenance": {
        "command": "./run_all.sh --data synthetic", "commit": "0123456789abcdef", "tree_is_clean": True,
        "seeds": [0, 1], "packages": {"numpy": "2.4.1"}, "hardware": {"cores": 2},
        "notebooks": {"01_eda": {"seconds": 12.5, "peak_memory_mib": 801}},
    },
}  # fmt: skip


def write_run(out, notebooks, results):
    (out / "notebooks").mkdir(parents=True)
    for stem, content in notebooks.items():
        nbformat.write(content, out / "notebooks" / f"{stem}.ipynb")
    (out / "results.json").write_text(json.dumps(results))
    return out


@pytest.fixture(scope="session")
def page(tmp_path_factory):
    """Return the rendered report of small, synthetic notebooks."""
    return render_report(write_run(tmp_path_factory.mktemp("run"), small_notebooks(), RESULTS))


@pytest.fixture(scope="session")
def source(page):
    return page.read_text(encoding="utf-8")


class Elements(HTMLParser):
    """Every start tag of a page, with its attributes."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


# What notebooks hold, made safe


def svg(inside):
    return (
        '<?xml version="1.0"?>\n<svg xmlns:xlink="http://www.w3.org/1999/xlink" width="72pt" height="36pt" '
        f'viewBox="0 0 72 36" xmlns="http://www.w3.org/2000/svg" version="1.1">{inside}</svg>'
    )


def test_inlined_figures_are_described_and_bring_no_style_or_background_of_their_own():
    inside = '<metadata><a/></metadata><defs><style type="text/css">*{}</style></defs>'
    inside += '<g id="patch_1"><path/></g><path d="M0"/>'
    inlined = markup.inline_svg(svg(inside), "a", 'says "so" <b>')
    tags = dict(Elements(inlined).found)
    assert tags.keys() == {"svg", "defs", "path"}
    assert tags["path"] == {"d": "M0"}
    assert tags["svg"]["aria-label"] == 'says "so" <b>'
    assert tags["svg"]["role"] == "img"
    assert tags["svg"]["width"] == "96"


def test_inlined_figures_keep_identifiers_to_themselves():
    inside = '<defs><path id="p" d="M0 0"/></defs><use xlink:href="#p"/><g clip-path="url(#p)" style="fill: url(#p)"/>'
    inlined = markup.inline_svg(svg(inside), "fig-x", "alt")
    assert set(re.findall(r'(?:id="|#)([\w-]+)', inlined)) == {"fig-x-p"}


def test_inlined_figures_take_the_colours_of_the_theme():
    inks = f"fill: {style.PAPER}; stroke: {style.INK}"
    inlined = markup.inline_svg(svg(f'<path style="{inks}"/><path style="fill: #4959cb"/>'), "a", "alt")
    assert "fill: var(--paper); stroke: var(--ink)" in inlined
    assert "fill: #4959cb" in inlined


def test_what_libraries_draw_in_black_or_white_follows_the_theme_but_numbers_on_a_heat_map_stay():
    shapes = [
        '<path style="stroke: #3f3f3f"/>',
        '<path style="fill: none; stroke: #000000"/>',
        '<path style="stroke: #ffffff"/>',
        '<path style="fill: #262626"/>',
        '<path style="stroke: #3f3f40"/>',
    ]
    inlined = markup.inline_svg(svg("".join(shapes)), "a", "alt")
    assert re.findall('style="([^"]*)"', inlined) == [
        "stroke: var(--ink)",
        "fill: none; stroke: var(--ink)",
        "stroke: var(--paper)",
        "fill: #262626",
        "stroke: #3f3f40",
    ]


def test_hatches_survive_inlining():
    output = figure_outputs("hatched")[1]
    inlined = markup.inline_svg(output.data["image/svg+xml"], "a", "alt")
    assert "<pattern" in inlined
    assert re.search(r"url\(#a-", inlined)


# The page


def test_no_text_from_data_or_notebooks_becomes_markup(source):
    assert UNSAFE not in source
    assert source.count("<script>") == 1
    assert source.count("<script") == 1 + source.count('<script type="application/json">')


def test_progress_bars_and_colour_codes_leave_only_what_a_terminal_ends_on(source):
    assert '<pre class="output">100 % done\nred</pre>' in source


def test_html_that_is_no_table_of_ours_shows_as_its_plain_text(source):
    assert '<pre class="output">0.5</pre>' in source
    assert "half" not in source


def test_the_page_needs_nothing_but_itself(source):
    assert "default-src 'none'" in source
    for tag, attributes in Elements(source).found:
        assert tag not in ("iframe", "object", "embed", "base")
        assert "srcset" not in attributes
        if tag in ("img", "script", "link", "image"):
            address = attributes.get("src") or attributes.get("href") or attributes.get("xlink:href")
            assert address is None or address.startswith("data:image/")
    assert not re.search(r"url\(\s*['\"]?(?!#|data:image/webp;)|@import|sourceMappingURL", source)


def dangling_or_repeated(source):
    """Return internal links without a target, and identifiers used more than once."""
    elements = Elements(source).found
    identifiers = Counter(attributes["id"] for _, attributes in elements if "id" in attributes)
    targets = {a["href"][1:] for tag, a in elements if tag == "a" and a.get("href", "").startswith("#")}
    return targets - set(identifiers), [name for name, count in identifiers.items() if count > 1]


def test_identifiers_are_unique_and_every_internal_link_has_a_target(source):
    assert dangling_or_repeated(source) == (set(), [])
    for anchor in ("fig-counts", "table-features", "chapter-2", "claim-C01", "provenance"):
        assert f'id="{anchor}"' in source


def test_figures_and_tables_are_numbered_by_chapter_and_anchored_by_slug(source):
    for anchor, label in {
        "fig-counts": "Figure 1.1",
        "table-features": "Table 1.1",
        "fig-first": "Figure 3.1",
        "fig-second": "Figure 3.2",
        "fig-ladder": "Figure 6.1",
    }.items():
        assert f'id="{anchor}"' in source
        assert f'<a class="number-of" href="#{anchor}">{label}</a>' in source


def test_claims_and_captions_are_words_with_emphasis_never_headings_or_lists(source):
    assert "# 8 <em>classes</em>" in source


def test_a_link_to_a_notebook_leads_to_its_chapter(source):
    assert '<a href="#chapter-2">Prepare</a>, <a href="#chapter-2">chapter 2</a>' in source


def test_numbers_keep_their_signs_and_intervals_in_one_line(source):
    expected = "It moved −3.5 points (−4.1~to~+2.0), to 100~% (95~%~CI~1–2), p~&lt;~0.01, <code>n = 1</code>."
    assert expected.replace("~", "\N{NO-BREAK SPACE}") in source


@pytest.mark.parametrize(
    ("verdict", "kind"),
    [
        *zip(VERDICTS, ("yes", "partly", "no", "no", "open"), strict=True),
        ("something new", "open"),
    ],
)
def test_verdicts_get_their_badge(verdict, kind, source):
    assert source.count(f'<span class="verdict {kind}">{verdict}</span>') == 1


def test_recorded_names_read_as_words_and_hashes_as_code(source):
    assert '<th scope="col" class="number">Peak memory, MiB</th>' in source
    assert '<th scope="row">Chapter 1</th>' in source
    assert f"<dt>SHA-256 of the images</dt>\n  <dd><code>{'9f' * 32}</code></dd>" in source
    assert "<dt>Cores</dt>\n  <dd>2</dd>" in source
    assert "<dt>Seeds of each network</dt>\n  <dd>0, 1</dd>" in source


def test_python_in_prose_is_highlighted_and_other_code_is_text(source):
    assert '<pre class="listing" tabindex="0"><code><span class="k">def</span>' in source
    assert '<pre class="listing" tabindex="0"><code>&lt;b&gt; &amp; 1</code></pre>' in source


def test_captions_appear_once_per_figure_and_alternative_text_names_the_finding(source):
    assert source.count("Accuracy of <strong>two</strong> models.") == 4
    assert source.count('aria-label="cellnet leads by six points."') == 4


def test_headings_are_in_order_with_one_title(source):
    levels = [int(tag[1]) for tag, _ in Elements(source).found if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_a_chapter_opens_with_its_finding(tmp_path):
    finding = new_output(
        "display_data", {"text/markdown": f"**{UNSAFE}**"}, metadata={"finding": f"It *lags* {UNSAFE}"}
    )
    notebooks = small_notebooks() | {"05_alexnet": notebook(new_markdown_cell("# Lag"), code("show()", finding))}
    text = render_report(write_run(tmp_path / "run", notebooks, RESULTS)).read_text()
    assert re.search(r"<h2>Lag</h2>\s*<p class=.headline.>It <em>lags</em> &lt;script", text)
    assert text.count("It <em>lags</em>") == 1


def test_the_question_links_to_what_is_known_of_the_original_report(source):
    assert source.count('href="#ref-original-report"') == 1
    entry = source.partition('id="ref-original-report"')[2].partition("</li>")[0]
    assert "unpublished student course report" in entry
    assert "not on record here" in entry


def test_a_comment_in_the_first_line_names_the_code_and_is_left_out_of_it(source):
    named = source.partition("<span>Draw the eight cell types</span>")[2].partition("</details>")[0]
    assert "1 line</span>" in named
    assert "eight cell types" not in named
    assert "<span>Default parameters</span>" in source


def test_a_list_at_the_end_names_every_figure_and_table(source):
    listed = source.partition('id="figures"')[2]
    for anchor, words in {
        "fig-counts": "Figure 1.1</a> cellnet leads",
        "fig-errors": "Figure 6.2</a> cellnet makes",
        "table-scores": "Table 4.1</a> Scores with intervals</li>",
    }.items():
        assert f'<a href="#{anchor}">{words}' in listed
    assert listed.count("<li>") == len(re.findall(r'<a class="number-of"', source))


def downloads(text):
    found = re.findall(r'href="data:application/x-ipynb\+json;base64,([^"]+)" download="([^"]+)"', text)
    return {name: base64.b64decode(content).decode() for content, name in found}


def test_each_chapter_offers_its_notebook_without_outputs_and_with_its_default_parameters(source):
    offered = downloads(source)
    assert list(offered) == [f"{stem}.ipynb" for stem in NOTEBOOKS]
    for name, text in offered.items():
        assert text == (ROOT / "notebooks" / name).read_text(encoding="utf-8")
        assert not any(cell.get("outputs") for cell in nbformat.reads(text, 4).cells)


def test_a_folded_table_opens_below_its_caption_and_the_claims_stand_at_the_front_only(tmp_path):
    frame = pd.DataFrame({"model": ["forest"], "accuracy": [0.936]})
    outputs = [
        *displayed(publish.show_table, frame, "precision", "Precision by class.", folded=True),
        *displayed(publish.show_table, frame, "claims", "All claims."),
        *displayed(publish.show_table, frame, "recall", "Recall by class."),
    ]
    notebooks = small_notebooks() | {"06_evaluation": notebook(new_markdown_cell("# Test"), code("show()", *outputs))}
    text = render_report(write_run(tmp_path / "run", notebooks, RESULTS)).read_text()
    precision, recall = (
        text.partition(f'id="table-{slug}"')[2].partition("</figure>")[0] for slug in ("precision", "recall")
    )
    assert '<details class="folded">' in precision
    assert '<details class="folded">' not in recall
    assert 'href="#table-recall">Table 6.2</a>' in text
    assert "All claims." not in text
    assert dangling_or_repeated(text) == (set(), [])


def test_warnings_about_the_data_stand_on_the_first_screen_and_are_escaped(source):
    assert "<strong>Check the data.</strong> The images are &lt;dark&gt;.</p>" in source
    assert "other laboratory.</strong>" not in source


def test_real_cells_carry_no_such_banner(tmp_path):
    results = RESULTS | {"data": RESULTS["data"] | {"source": "Barcelona"}}
    text = render_report(write_run(tmp_path / "run", small_notebooks(), results)).read_text()
    assert "Synthetic cells" not in text


def test_rendering_twice_gives_the_same_bytes(page):
    before = page.read_bytes()
    assert render_report(page.parent).read_bytes() == before


def test_printing_without_chromium_says_what_is_missing(page, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name, path: None)
    with pytest.raises(InputError, match="Chromium"):
        print_pdf(page)


# In a browser


@pytest.fixture(scope="session")
def browser(chromium_path):
    quiet = ["no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking"]
    quiet += ["disable-component-update", "disable-sync"]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_path, args=[f"--{name}" for name in quiet])
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser, page):
    """Return a function that opens the report and gives the tab; afterwards the tab must have been quiet."""
    contexts, requests, complaints = [], [], []

    def opened(width=1440, height=900, theme="light", **options):
        viewport = {"width": width, "height": height}
        context = browser.new_context(viewport=viewport, color_scheme=theme, **options)
        contexts.append(context)
        tab = context.new_page()
        tab.on("request", lambda request: requests.append(request.url))
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.goto(page.as_uri())
        return tab

    yield opened
    for context in contexts:
        context.close()
    outside = [url for url in requests if url != page.as_uri() and not url.startswith("data:")]
    assert outside == []
    assert complaints == []


def current(tab, kind):
    return tab.locator(f'#contents a[aria-current="{kind}"]')


def test_the_navigation_follows_the_reader(open_page):
    tab = open_page()
    assert current(tab, "location").inner_text() == "The answer"
    tab.locator("#chapter-2").evaluate("each => each.scrollIntoView()")
    tab.wait_for_selector('#contents a[href="#chapter-2"][aria-current="location"]')
    tab.locator("#chapter-1-counts").evaluate("each => each.scrollIntoView()")
    tab.wait_for_selector('#contents a[href="#chapter-1-counts"][aria-current="location"]')
    assert current(tab, "true").get_attribute("href") == "#chapter-1"
    tab.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    tab.wait_for_selector('#contents a[href="#figures"][aria-current="location"]')


def test_links_in_the_navigation_lead_to_their_chapter(open_page):
    tab = open_page()
    tab.locator('#contents a[href="#chapter-3"]').click()
    expect(tab.get_by_role("heading", name="The hand-crafted model")).to_be_in_viewport()


def test_code_is_folded_one_click_away_and_opens_all_at_once(open_page):
    tab = open_page()
    block = tab.locator("details.code", has_text="show(counts)")
    assert not block.locator("pre").is_visible()
    block.locator("summary").click()
    assert block.locator("pre").is_visible()
    every = tab.get_by_role("button", name="Show all code")
    every.click()
    assert all(each.is_visible() for each in tab.locator("details.code pre").all())
    assert every.get_attribute("aria-pressed") == "true"
    every.click()
    assert not any(each.is_visible() for each in tab.locator("details.code pre").all())


def test_messages_on_stderr_and_progress_stay_behind_a_fold(open_page):
    tab = open_page()
    messages = [tab.get_by_text("Noise on stderr"), tab.get_by_text("cellnet: epoch 2 of 2")]
    assert not any(each.is_visible() for each in messages)
    tab.get_by_text("Messages printed").click()
    assert all(each.is_visible() for each in messages)


def background(tab):
    return tab.evaluate("getComputedStyle(document.body).backgroundColor")


def test_the_theme_follows_the_system_and_the_switch_and_is_remembered(open_page):
    tab = open_page(theme="dark")
    dark = background(tab)
    tab.emulate_media(color_scheme="light")
    assert background(tab) == "rgb(255, 255, 255)" != dark
    tab.get_by_role("button", name="Dark").click()
    assert background(tab) == dark
    tab.reload()
    assert background(tab) == dark
    assert tab.get_by_role("button", name="Dark").get_attribute("aria-pressed") == "true"
    tab.get_by_role("button", name="Auto").click()
    assert background(tab) == "rgb(255, 255, 255)"


def test_a_figures_finding_is_text_that_wraps_on_a_phone(open_page):
    tab = open_page(width=390)
    finding = tab.locator("#fig-counts .finding")
    assert finding.inner_text() == "cellnet leads"
    assert finding.bounding_box()["width"] <= 390


def test_figures_are_inked_in_the_theme(open_page):
    tab = open_page(theme="dark")
    ink = "getComputedStyle(document.querySelector('#fig-counts svg [style*=\"--ink\"]')).fill"
    assert tab.evaluate(ink) == tab.evaluate("getComputedStyle(document.body).color")


def violations(tab):
    tab.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    found = Axe().run(tab).response["violations"]
    return [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in found]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_axe_finds_no_violation(open_page, theme, width):
    assert violations(open_page(width=width, theme=theme)) == []


def test_the_report_of_the_six_notebooks_is_as_clean(browser, smoke_run):
    page = smoke_run.out / "report.html"
    assert dangling_or_repeated(page.read_text(encoding="utf-8")) == (set(), [])
    assert page.stat().st_size <= 6_000_000
    for width, theme in ((390, "dark"), (1440, "light")):
        tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=theme)
        tab.goto(page.as_uri())
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert violations(tab) == []
        tab.close()


class Prose(HTMLParser):
    """What people read on a page as sentences, a block each: no headings, code, pictures, facts or plain tables."""

    SKIPPED = re.compile("h[1-6]|code|dl|nav|pre|script|style|summary|svg|table|title")
    BLOCKS = re.compile("div|figcaption|li|p|t[dh]")

    def __init__(self, text):
        super().__init__()
        self.blocks, self.depth = [""], 0
        self.feed(re.sub(r'(?s)<table class="claims".*?</table>', lambda found: f"<div{found[0][6:-8]}</div>", text))

    def handle_starttag(self, tag, attrs):
        self.depth += bool(self.SKIPPED.fullmatch(tag))
        self.blocks += [""] * bool(self.BLOCKS.fullmatch(tag))

    def handle_endtag(self, tag):
        self.depth -= bool(self.SKIPPED.fullmatch(tag))
        self.blocks += [""] * bool(self.BLOCKS.fullmatch(tag))

    def handle_data(self, data):
        self.blocks[-1] += "" if self.depth else data


def count_sentences(source):
    """Return the number of sentences in a page's prose, of colons and semicolons in it, and of "first seed"."""
    blocks = [" ".join(block.split()) for block in Prose(source).blocks]
    pieces = [each for block in blocks for each in re.split(r"(?<=[.!?])\s+(?=\W*[A-Z])", block)]
    sentences = [piece for piece in pieces if len(piece.split()) > 3]  # a label is no sentence
    text = "\n".join(pieces)
    marks = re.findall(r"[:;](?=\s|$)", text, flags=re.MULTILINE)  # not those in times, ratios and addresses
    return len(sentences), len(marks), len(re.findall("first seed", text, flags=re.IGNORECASE))


def test_sentences_are_counted_in_prose_only():
    prose = "<p>It is 97.3 % of all. Two are these: at 12:30, doi:10.1/x; see <a>here</a>.</p><p>Table 1</p>"
    claims = '<table class="claims"><tr><td>This claim holds; the first seed.</td><td>refuted</td></tr></table>'
    others = "<h2>A title: no sentence at all</h2><pre>a: b; c</pre><table><tr><td>a: b</td></tr></table>"
    assert count_sentences(prose + claims + others) == (3, 3, 1)


def test_the_report_of_the_six_notebooks_reads_as_plain_sentences(smoke_run):
    source = (smoke_run.out / "report.html").read_text(encoding="utf-8")
    sentences, marks, first_seeds = count_sentences(source)
    assert sentences > 150
    assert marks <= 0.3 * sentences
    assert first_seeds <= 2


def test_only_wide_tables_scroll_sideways_never_the_page(open_page):
    tab = open_page()
    table = tab.locator("#table-features .scroll")
    for width in (320, 390, 768, 1024, 1440):
        tab.set_viewport_size({"width": width, "height": 900})
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
        assert table.evaluate("each => each.scrollWidth > each.clientWidth"), width


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_listing_takes_the_colours_of_the_theme_and_scrolls_inside_itself_on_a_phone(open_page, theme):
    tab = open_page(width=390, theme=theme)
    listing = tab.locator(".listing", has_text="def network")
    assert listing.evaluate("each => each.scrollWidth > each.clientWidth")
    assert listing.bounding_box()["width"] <= 390
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    keyword = listing.locator(".k").first.evaluate("each => getComputedStyle(each).color")
    assert keyword == {"light": "rgb(138, 31, 109)", "dark": "rgb(242, 155, 224)"}[theme]
    tab.emulate_media(media="print")
    assert listing.evaluate("each => each.scrollWidth <= each.clientWidth")


def test_a_narrow_window_folds_the_contents_into_a_bar_that_names_the_place(open_page):
    tab = open_page(width=390, height=844)
    link = tab.locator('#contents a[href="#chapter-4"]')
    assert not link.is_visible()
    tab.locator("#contents summary").click()
    link.click()
    assert not link.is_visible()
    expect(tab.locator("#contents .here")).to_contain_text("Two LeNets")


def test_the_keyboard_reaches_the_report_the_code_and_the_tables(open_page):
    tab = open_page()
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.className") == "skip"
    assert tab.evaluate("document.activeElement.getBoundingClientRect().top") >= 0
    tab.keyboard.press("Enter")
    assert tab.evaluate("location.hash") == "#report"
    seen = set()
    for _ in range(60):
        tab.keyboard.press("Tab")
        seen.add(tab.evaluate("document.activeElement.closest('[id]')?.id + ' ' + document.activeElement.tagName"))
    assert {"table-features DIV", "chapter-1 SUMMARY", "fig-counts A"} <= seen
    assert "fig-counts DIV" not in seen  # a figure that fits is no stop
    tab.locator("details.code summary").first.focus()
    tab.keyboard.press("Enter")
    assert tab.locator("details.code pre").first.is_visible()


def test_print_is_light_without_bars_or_folded_code(open_page):
    tab = open_page(theme="dark")
    tab.get_by_role("button", name="Dark").click()
    tab.emulate_media(media="print")
    assert background(tab) == "rgb(255, 255, 255)"
    assert not tab.locator("#contents").is_visible()
    assert not tab.locator("details.code summary").first.is_visible()
    assert tab.locator("#fig-counts svg").is_visible()


def test_printing_gives_a_pdf(page, browser):
    pdf = print_pdf(page)
    assert pdf == page.with_suffix(".pdf")
    assert pdf.read_bytes().startswith(b"%PDF-")


def lowest_text(page):
    """Return how far down a printed page its text goes, as a share of the page's height, without its number."""
    heights = []

    def note(text, matrix, line, font, size):
        if text.strip():
            heights.append(matrix[1] * line[4] + matrix[3] * line[5] + matrix[5])

    page.extract_text(visitor_text=note)
    height = float(page.mediabox.height)
    return 1 - min(each for each in heights if each > 0.07 * height) / height


def test_the_printed_report_has_full_pages_and_says_where_chapters_begin(browser, smoke_run, tmp_path):
    shutil.copy(smoke_run.out / "report.html", tmp_path)
    pages = PdfReader(print_pdf(tmp_path / "report.html")).pages
    assert [number for number, page in enumerate(pages[:-1], start=1) if lowest_text(page) < 0.5] == []
    texts = [page.extract_text() for page in pages]
    assert [text.split()[0] for text in texts] == [str(number) for number in range(1, len(texts) + 1)]
    contents = next(text for text in texts if "\nContents\n" in text)
    for chapter, title in enumerate(("Exploratory data analysis", "Splitting the data without leakage"), start=1):
        printed = re.search(rf"{chapter} · {title}\s+(\d+)", contents)
        assert f"CHAPTER {chapter}" in texts[int(printed[1]) - 1]


# What readers do with the page


@pytest.mark.parametrize("width", [390, 1440])
def test_examples_stand_a_class_in_a_column(open_page, width):
    cells = open_page(width=width).locator("#fig-examples .cell")
    boxes = [each.bounding_box() for each in cells.all()]
    assert len(boxes) == 32
    assert min(box["width"] for box in boxes) >= 64
    columns = [{box["x"] for box in boxes[start : start + 4]} for start in range(0, 32, 4)]
    assert [len(each) for each in columns] == [1] * 8
    assert len(set.union(*columns)) == (8 if width > 640 else 4)


def explorer(tab):
    """Return the parts of the error explorer: status, items, and its three lists."""
    box = tab.locator("#fig-errors")
    names = ("Model", "True class", "Predicted class")
    selects = [box.get_by_role("combobox", name=name) for name in names]
    return box.get_by_role("status"), box.locator(".item"), *selects


def test_errors_show_the_most_confident_first_and_a_few_at_a_time(open_page):
    tab = open_page()
    status, items, *_ = explorer(tab)
    assert status.inner_text() == "26 errors, the most confident first"
    assert items.count() == 24
    assert items.first.inner_text().split("\n")[:2] == [
        f"{CLASS_NAMES[1]} → {CLASS_NAMES[3]}, 65\N{NO-BREAK SPACE}%",
        "image 25",
    ]
    tab.get_by_role("button", name="Show more").click()
    assert items.count() == 26
    assert items.nth(24).evaluate("each => each === document.activeElement")
    assert not tab.get_by_role("button", name="Show more").is_visible()


def test_errors_are_chosen_by_model_and_class(open_page):
    status, items, model, truth, answer = explorer(open_page())
    model.select_option("all models wrong")
    assert status.inner_text() == "6 images, the most confident first"
    assert items.locator(".badge").count() == 6
    model.select_option("any model")
    assert status.inner_text() == "40 images, the most confident first"
    answer.select_option("2")
    model.select_option("Random forest")
    truth.select_option(f"{CLASS_NAMES[1]} (2)")  # the forest is wrong on 20 images in a row
    assert status.inner_text() == "2 of 20 errors, the most confident first"
    assert {each.split(",")[0] for each in items.all_inner_texts()} == {f"{CLASS_NAMES[1]} → {CLASS_NAMES[2]}"}
    model.select_option("cellnet")  # takes class 1 for class 3
    assert status.inner_text() == "0 of 26 errors"
    items.page.get_by_role("button", name="Reset").click()
    assert status.inner_text() == "26 errors, the most confident first"
    assert (truth.input_value(), answer.input_value()) == ("", "")


def test_the_keyboard_opens_what_every_model_answers(open_page):
    tab = open_page()
    _, items, *_ = explorer(tab)
    items.first.focus()
    tab.keyboard.press("Enter")
    card = tab.locator("#card")
    assert card.locator("tr").all_inner_texts() == [
        f"Random forest\t✗ {CLASS_NAMES[2]}\t65\N{NO-BREAK SPACE}%",
        f"cellnet\t✗ {CLASS_NAMES[3]}\t65\N{NO-BREAK SPACE}%",
    ]
    assert items.first.get_attribute("aria-expanded") == "true"
    assert card.locator(".examples li").count() == 3  # the classes in question
    assert violations(tab) == []
    tab.keyboard.press("Escape")
    assert not card.is_visible()
    assert items.first.get_attribute("aria-expanded") == "false"


def test_without_scripts_the_page_shows_everything_and_no_control(open_page):
    tab = open_page(java_script_enabled=False)
    assert tab.locator("#fig-errors .cell").count() == 24
    assert tab.locator("button:visible, select:visible, input:visible, .tool:visible").count() == 0
    assert tab.locator("#fig-counts svg").is_visible()


def test_print_shows_no_control(open_page):
    tab = open_page()
    tab.emulate_media(media="print")
    assert tab.locator("button:visible:not(.item):not(.sort), select:visible, .tool:visible").count() == 0
    assert tab.locator("#fig-errors .cell:visible").count() == 24


def open_scores(tab):
    table = tab.locator("#table-scores")
    table.locator("summary").click()
    return table


def test_tables_sort_by_number_and_by_word_and_return(open_page):
    table = open_scores(open_page())

    def order(heading):
        table.get_by_role("button", name=heading).click()
        return "".join(text[0] for text in table.locator("tbody tr").all_inner_texts())

    accuracy = table.get_by_role("columnheader", name="accuracy")
    assert [order("accuracy"), accuracy.get_attribute("aria-sort")] == ["Arc", "ascending"]
    assert [order("accuracy"), accuracy.get_attribute("aria-sort")] == ["crA", "descending"]
    assert [order("accuracy"), accuracy.get_attribute("aria-sort")] == ["rcA", None]
    assert [order("parameters"), order("parameters")] == ["cAr", "Acr"]  # what is missing stays last
    assert [order("gain"), order("gain")] == ["rAc", "cAr"]
    assert order("remark") == "Arc"
    assert table.locator("[aria-sort]").count() == 1


def test_a_table_can_be_had_as_csv(open_page):
    tab = open_page()
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Download Table 4.1 as CSV").click()
    assert download.value.suggested_filename == "scores.csv"
    assert download.value.path().read_text(encoding="utf-8").splitlines() == [
        'model,"accuracy, %","accuracy, %, low","accuracy, %, high",parameters,"gain, points",remark',
        'random forest,93.0,92.0,94.0,,-3.5,"none, yet"',
        'cellnet,99.1,98.0,100.0,289384,+20.0,"the ""best"""',
        "AlexNet,70.0,60.0,80.0,13819144,0.0,1 of 2",
    ]


def test_commands_can_be_copied(open_page):
    tab = open_page(permissions=["clipboard-read", "clipboard-write"])
    box = tab.locator("#reproduce .copyable")
    box.get_by_role("button", name="Copy").click()
    expect(box.get_by_role("button", name="Copied")).to_be_visible()
    assert tab.evaluate("navigator.clipboard.readText()").endswith("./run_all.sh --data synthetic")


def test_every_heading_has_a_link_to_itself(open_page):
    tab = open_page()
    headings = tab.locator("main :is(h2, h3, h4)").filter(visible=True)
    links = headings.get_by_role("link", name="Link to this section")
    assert links.count() == headings.count() > 10
    assert links.evaluate_all("all => all.every(each => document.getElementById(each.hash.slice(1)).contains(each))")
    links.first.focus()
    assert links.first.evaluate("each => getComputedStyle(each).opacity") == "1"


@pytest.mark.parametrize("width", [390, 1440])
def test_search_lists_places_marks_them_and_opens_what_is_closed(open_page, width):
    tab = open_page(width=width)
    tab.keyboard.press("/")
    tab.keyboard.type("CLASSICAL best")
    search = tab.get_by_role("search")
    assert search.get_by_role("status").inner_text() == "No places"
    tab.get_by_role("searchbox").fill("the “best”".replace("“", '"').replace("”", '"'))
    assert search.get_by_role("status").inner_text() == "1 place"
    assert search.locator("li .path").inner_text() == "Two LeNets › Table 4.1"
    assert search.locator("mark").all_inner_texts() == ["the", '"best"']
    assert tab.evaluate("CSS.highlights.get('found').size") == 2
    row = tab.locator("#table-scores tr", has_text="best")
    assert not row.is_visible()
    tab.keyboard.press("Enter")
    expect(row).to_be_in_viewport()
    assert row.evaluate("each => each === document.activeElement")
    tab.keyboard.press("Escape")
    assert tab.evaluate("CSS.highlights.get('found').size") == 0
    assert tab.locator("#search").input_value() == ""


def test_links_show_on_a_card_what_they_lead_to(open_page):
    tab = open_page()
    card = tab.locator("#card")
    tab.locator('#claim-C01 a[href="#fig-counts"]').hover()
    expect(card).to_contain_text("cellnet leads")
    assert card.locator("svg").is_visible()
    assert tab.evaluate("new Set([...document.querySelectorAll('[id]')].map(e => e.id)).size") == tab.evaluate(
        "document.querySelectorAll('[id]').length"
    )
    card.hover()
    tab.keyboard.press("Escape")
    assert not card.is_visible()
    for target, words in {
        "#claim-C02 a[href='#table-features']": "Features of three",
        ".prose a[href='#chapter-3']": "The hand-crafted",
    }.items():
        link = tab.locator(target)
        link.focus()
        expect(card).to_contain_text(words)
        assert violations(tab) == []
    tab.keyboard.press("Tab")
    assert not card.is_visible()


def test_figures_open_at_the_windows_size_and_the_arrow_keys_leaf_through_them(open_page):
    tab = open_page()
    button = tab.get_by_role("button", name="Enlarge Figure 1.1")
    button.click()
    viewer = tab.get_by_role("dialog")
    assert viewer.locator("svg").bounding_box()["width"] > 1300
    assert "Accuracy of two models." in viewer.inner_text()
    assert violations(tab) == []
    tab.keyboard.press("ArrowRight")
    assert "Examples of 8 cell types" in viewer.inner_text()
    assert viewer.locator(".cell").count() == 32
    tab.keyboard.press("ArrowLeft")
    tab.keyboard.press("ArrowLeft")
    assert "Figure 6.1" in viewer.inner_text()
    tab.keyboard.press("Escape")
    assert not viewer.is_visible()
    assert button.evaluate("each => each === document.activeElement")


def smallest_text(tab):
    """Return the size in CSS pixels of the smallest text seen in the figures of a page, and that text."""
    return tab.evaluate(
        """() => [...document.querySelectorAll("main figure svg text")]
          .filter((each) => each.checkVisibility() && each.textContent.trim())
          .map((each) => {
            const { a, b } = each.getScreenCTM();
            return [Math.hypot(a, b) * parseFloat(getComputedStyle(each).fontSize), each.textContent];
          }).toSorted((one, other) => one[0] - other[0])[0]"""
    )


def test_the_layout_for_a_telephone_can_be_read_there(open_page):
    tab = open_page(width=390)
    tab.evaluate("document.querySelectorAll('figure:not(#fig-layouts)').forEach((each) => each.remove())")
    assert smallest_text(tab)[0] >= 9
    assert tab.locator("#fig-layouts svg:visible").count() == 1


def test_the_figures_of_the_six_notebooks_can_be_read_on_a_telephone(browser, smoke_run):
    tab = browser.new_page(viewport={"width": 390, "height": 844})
    tab.goto((smoke_run.out / "report.html").as_uri())
    assert smallest_text(tab)[0] >= 9, smallest_text(tab)
    tab.close()
