"""Executed notebooks and results.json in, one self-contained report.html out; Chromium prints it as a PDF."""

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import mistune
import nbformat
from markupsafe import Markup
from nbconvert.exporters import TemplateExporter
from nbformat import NotebookNode

from helpers import NOTEBOOKS
from helpers.errors import InputError
from helpers.files import write_text, written_atomically
from helpers.report import markup
from helpers.report.markup import Chapter

TEMPLATES = Path(__file__).with_name("template")

LADDER = "ladder"
"""Slug of the figure that the front page repeats."""


def _outputs(notebook: NotebookNode) -> Iterator[NotebookNode]:
    """Yield everything a notebook displayed, in order."""
    for cell in notebook.cells:
        yield from (output for output in cell.get("outputs", []) if "data" in output)


def number_displays(notebooks: dict[int, NotebookNode]) -> dict[str, str]:
    """Number figures and tables chapter by chapter and return anchor -> label ("fig-x" -> "Figure 3.2").

    Each output's metadata receives its anchor and label. A slug used twice leads to ``fig-x`` and ``fig-x-again``.
    """
    labels: dict[str, str] = {}
    for chapter, notebook in notebooks.items():
        counts = {"figure": 0, "table": 0}
        for position, output in enumerate(_outputs(notebook), start=1):
            output.metadata["position"] = f"{chapter}.{position}"
            alt = output.metadata.get("image/png", {}).get(
                "alt", f"Output {chapter}.{position}, not described"
            )
            output.metadata["undescribed"] = {"alt": alt}
            for kind in counts.keys() & output.metadata.keys():
                counts[kind] += 1
                anchor = f"{'fig' if kind == 'figure' else kind}-{output.metadata[kind]['slug']}"
                while anchor in labels:
                    anchor += "-again"
                labels[anchor] = f"{kind.capitalize()} {chapter}.{counts[kind]}"
                output.metadata[kind].update(anchor=anchor, label=labels[anchor])
    return labels


def _exporter(template: str, chapter: Chapter, labels: dict[str, str]) -> TemplateExporter:
    """Return nbconvert with this report's templates and filters; text is escaped unless a filter vouches."""
    exporter = TemplateExporter(  # type: ignore[no-untyped-call]
        template_name="base",
        template_file=template,
        extra_template_paths=[str(TEMPLATES)],
        file_extension=".html",
    )
    exporter.environment.autoescape = True
    renderer = markup.ChapterMarkdown(chapter, labels)
    prose = mistune.create_markdown(renderer=renderer, plugins=["table", "strikethrough"])
    filters = (
        *(markup.badge, markup.highlighted, markup.inline_svg, markup.is_code, markup.printed),
        *(markup.sanitised, markup.value_text, markup.words),
    )
    exporter.environment.filters.update({function.__name__: function for function in filters})
    exporter.environment.filters["markdown"] = lambda text: Markup(prose(text))
    exporter.environment.filters["inline_markdown"] = lambda text: Markup(
        renderer.render_tokens(prose.inline(text, {"ref_links": {}}), mistune.BlockState())
    )
    return exporter


def render_report(out: Path) -> Path:
    """Render ``out/notebooks/*.ipynb`` and ``out/results.json`` into ``out/report.html`` and return its path.

    The page needs no other file and no network.
    """
    results = json.loads((out / "results.json").read_text(encoding="utf-8"))
    notebooks: dict[int, NotebookNode] = {
        number: nbformat.read(out / "notebooks" / f"{stem}.ipynb", as_version=4)  # type: ignore[no-untyped-call]
        for number, stem in enumerate(NOTEBOOKS, start=1)
    }
    labels = number_displays(notebooks)
    chapters = []
    for number, notebook in notebooks.items():
        chapter = Chapter(number)
        exporter = _exporter("chapter.html.j2", chapter, labels)
        chapter.body = Markup(exporter.from_notebook_node(notebook)[0])
        chapters.append(chapter)
    displayed = [output for notebook in notebooks.values() for output in _outputs(notebook)]
    script = (TEMPLATES / "report.js").read_text(encoding="utf-8")
    page = _exporter("page.html.j2", Chapter(0), labels).environment.get_template("page.html.j2")
    text = page.render(
        chapters=chapters,
        labels=labels,
        ladder=next(
            (each for each in displayed if each.metadata.get("figure", {}).get("slug") == LADDER), None
        ),
        data=results["data"],
        provenance=results["provenance"],
        claims=results["claims"],
        summary=results["summary"],
        style=Markup((TEMPLATES / "report.css").read_text(encoding="utf-8")),
        script=Markup(script),
        script_sha256=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
    report = out / "report.html"
    write_text(report, text)
    return report


def find_chromium() -> str:
    """Return the path of Chromium, from the PATH or beside Python; InputError where it is not installed."""
    names = ("google-chrome", "chromium", "chromium-browser", "chrome")  # as in requirements/environment.sh
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    browser = next((path for name in names if (path := shutil.which(name, path=places))), None)
    if browser is None:
        raise InputError("--pdf: found no Chromium, expected chromium or google-chrome on the PATH")
    return browser


def print_pdf(report: Path) -> Path:
    """Print ``report`` with Chromium to a PDF beside it and return the PDF's path.

    Raises
    ------
    InputError
        If Chromium is not installed or prints nothing.
    """
    browser = find_chromium()
    pdf = report.with_suffix(".pdf")
    with tempfile.TemporaryDirectory() as profile, written_atomically(pdf) as temporary:
        options = [
            "--headless",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            f"--user-data-dir={profile}",
            "--no-pdf-header-footer",
            f"--print-to-pdf={temporary.resolve()}",
        ]
        # Chromium has no sandbox for the superuser, in many containers and on Ubuntu 24.04: there it prints without
        for sandbox in ([], ["--no-sandbox"]):
            command = [browser, *options, *sandbox, report.resolve().as_uri()]
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=300)
            except subprocess.TimeoutExpired:  # what it has written by then may be half a file
                raise InputError(f"--pdf: {browser} did not finish in 300 s") from None
            if temporary.exists() or not re.search("sandbox|namespace", done.stderr):
                break
        if not temporary.exists():
            raise InputError(f"--pdf: {browser} printed nothing ({done.stderr.strip()[-200:]})")
    return pdf
