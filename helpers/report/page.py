"""One self-contained report.html from executed notebooks and results.json, and its PDF by Chromium."""

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from itertools import chain
from pathlib import Path
from typing import Any

import nbformat
from markupsafe import Markup
from nbconvert.exporters import TemplateExporter
from nbconvert.preprocessors import CoalesceStreamsPreprocessor
from nbformat import NotebookNode
from pypdf import PdfReader

from helpers import NOTEBOOKS, figures, notation
from helpers.claims import REPORTED
from helpers.errors import InputError
from helpers.evaluation import accuracy_interval
from helpers.files import ROOT, write_text, written_atomically
from helpers.report import markup, references
from helpers.report.summary import best_on_validation

TEMPLATES = Path(__file__).with_name("template")
SCRIPTS = ("report.js", "reading.js", "search.js", "tables.js", "errors.js")

PUBLISHED = Path(__file__).with_name("published.json")
"""results.json of a full run on the original data, from ``python -m tools.publish``, for pages without real cells."""


def _number_displays(chapters: list[list[NotebookNode]]) -> dict[str, str]:
    """Number figures and tables among each chapter's outputs; return anchor -> label ("fig-x" -> "Figure 3.2").

    Each one's metadata receives its anchor and label. The table of claims has neither: it is on the front page only.
    """
    labels: dict[str, str] = {}
    for chapter, outputs in enumerate(chapters, start=1):
        for kind, prefix in (("figure", "fig"), ("table", "table")):
            abouts = [output.metadata[kind] for output in outputs if kind in output.metadata]
            for number, about in enumerate((about for about in abouts if about.slug != "claims"), start=1):
                about.anchor = f"{prefix}-{about.slug}"
                about.label = f"{kind.capitalize()} {chapter}.{number}"
                labels[about.anchor] = about.label
    return labels


def _exporter(template: str, chapter: markup.Chapter) -> TemplateExporter:
    """Return nbconvert with this report's templates and filters; text is escaped unless a filter marks it safe."""
    ours = (chapter.markdown, chapter.inline_markdown, markup.highlighted, markup.inline_svg)
    exporter = TemplateExporter(
        template_file=template,
        extra_template_paths=[str(TEMPLATES)],
        filters={function.__name__: function for function in (*ours, figures.cell_text)},
        preprocessors=[CoalesceStreamsPreprocessor],
    )
    exporter.environment.autoescape = True
    names = {"notebooks": NOTEBOOKS, "notation": notation, "interval": accuracy_interval}
    exporter.environment.globals.update(names, best_on_validation=best_on_validation)
    return exporter


def render_report(out: Path) -> Path:
    """Render ``out/notebooks/*.ipynb`` and ``out/results.json`` into ``out/report.html`` and return its path.

    The page needs no other file and no network.
    """
    results = json.loads((out / "results.json").read_text(encoding="utf-8"))
    paths = [out / "notebooks" / f"{stem}.ipynb" for stem in NOTEBOOKS]
    notebooks = [nbformat.read(path, as_version=4) for path in paths]
    displayed = [
        [output for cell in notebook.cells for output in cell.get("outputs", []) if "data" in output]
        for notebook in notebooks
    ]
    labels = _number_displays(displayed)
    chapters = [markup.Chapter(number) for number in range(1, len(notebooks) + 1)]
    for chapter, notebook, outputs in zip(chapters, notebooks, displayed, strict=True):
        chapter.finding = next((each.metadata.finding for each in outputs if "finding" in each.metadata), "")
        chapter.body = Markup(_exporter("chapter.html.j2", chapter).from_notebook_node(notebook)[0])
    displays = list(chain.from_iterable(displayed))
    script = "\n".join((TEMPLATES / name).read_text(encoding="utf-8") for name in SCRIPTS)
    page = _exporter("page.html.j2", markup.Chapter(0)).environment.get_template("page.html.j2")
    text = page.render(
        results | _published_run(results),
        run=results,
        chapters=chapters,
        labels=labels,
        downloads=[base64.b64encode((ROOT / "notebooks" / path.name).read_bytes()).decode() for path in paths],
        displays=displays,
        figures={each.metadata.figure.slug: each for each in displays if "figure" in each.metadata},
        references=references.reference_list(),
        citation=references.CITATION,
        style=Markup((TEMPLATES / "report.css").read_text(encoding="utf-8")),
        script=Markup(script),
        script_sha256=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
    report = out / "report.html"
    write_text(report, text)
    return report


def _published_run(results: dict[str, Any]) -> dict[str, Any]:
    """Return the published run and its figure beside ``results`` without real cells, and nothing beside others."""
    if not results["data"]["is_synthetic"]:
        return {}
    published = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    figures.use_style()
    drawing = figures.draw_reported(published["models"], REPORTED)
    caption = f"Accuracy on test images with 95 % intervals, in the published run. n = {drawing.n:,}."
    about = {"figure": {"title": drawing.finding, "alt": drawing.alt, "caption": caption}}
    return {"published": published, "published_comparison": {"data": figures.drawn(drawing), "metadata": about}}


def find_chromium() -> str:
    """Return the path of Chromium, from the PATH or beside Python; InputError where it is not installed."""
    names = ("google-chrome", "chromium", "chromium-browser", "chrome")  # as in requirements/environment.sh
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    browser = next((path for name in names if (path := shutil.which(name, path=places))), None)
    if browser is None:
        raise InputError("--pdf: no Chromium or google-chrome on the PATH; install one or leave out --pdf")
    return browser


def print_pdf(report: Path) -> Path:
    """Print ``report`` to a PDF beside it and return its path; InputError without Chromium or if it prints nothing.

    It is printed twice: Chromium cannot number the pages of printed contents, but the first print says where they are.
    """
    browser, pdf = find_chromium(), report.with_suffix(".pdf")
    text, pages = report.read_text(encoding="utf-8"), dict[str, str]()
    with tempfile.TemporaryDirectory() as folder, written_atomically(pdf) as temporary:
        page = Path(folder, "report.html")
        # Without its sandbox, as Playwright starts it: there is none for the superuser, in many containers and on
        # Ubuntu 24.04, and the page loads nothing.
        options = ["no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "no-pdf-header-footer"]
        options += [f"user-data-dir={folder}/profile", f"print-to-pdf={temporary.resolve()}", "headless"]
        command = [browser, *(f"--{option}" for option in options), page.as_uri()]
        for _ in range(2):
            page_of = re.compile(r'(?<=<span class="page" data-of=")([\w-]+)">')
            page.write_text(page_of.sub(lambda of: f"{of[0]}{pages.get(of[1], '')}", text), encoding="utf-8")
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=300)
            except subprocess.TimeoutExpired:  # what it has written by then may be half a file
                raise InputError(f"--pdf: {browser} did not finish in 300 s") from None
            if not temporary.exists():
                raise InputError(f"--pdf: {browser} printed nothing ({done.stderr.strip()[-200:]})")
            reader = PdfReader(temporary)
            for name, place in reader.named_destinations.items():
                pages[name.removeprefix("/")] = str((reader.get_destination_page_number(place) or 0) + 1)
    return pdf
