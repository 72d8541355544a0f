"""What the report names is cited, each citation leads to its entry, and the report says how to cite itself."""

import html
import json
import re
import tomllib
import unicodedata

import pytest
from pybtex.database import Entry, parse_file, parse_string

from helpers import NOTEBOOKS
from helpers.files import ROOT
from helpers.report import markup, page, references

ENTRIES = parse_file(references.BIBLIOGRAPHY).entries
PUBLISHERS = r"https?://(?:\w+\.)*(?:doi\.org|arxiv\.org|jmlr\.org|jstor\.org|mlr\.press|ncbi\.nlm\.nih\.gov)/"
"""How an address begins that can only be that of a publication."""


def citations_of(stem: str) -> list[tuple[str, str]]:
    """Return the words and the address of each link in a notebook's prose."""
    cells = json.loads((ROOT / "notebooks" / f"{stem}.ipynb").read_text(encoding="utf-8"))["cells"]
    prose = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    return re.findall(r"\[([^\]]+)\]\(([^)\s]+)\)", prose)


def plain(text: str) -> str:
    """Return text in lower case without accents."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()


def surnames(entry: Entry) -> list[str]:
    people = entry.persons["author"]
    return [" ".join([*each.prelast_names, *each.last_names]).strip("{}") for each in people]


def author_and_year(entry: Entry) -> str:
    """Return how prose names an entry, as in "Hu 1962", "Kingma & Ba 2015" and "Lin et al. 2013"."""
    first, *others = surnames(entry)
    names = f"{first} & {others[0]}" if len(others) == 1 else f"{first} et al." if others else first
    return f"{names} {entry.fields['year']}"


@pytest.mark.parametrize("key", ENTRIES)
def test_a_reference_is_well_formed(key: str) -> None:
    entry = ENTRIES[key]
    assert entry.fields["title"]
    if "year" in entry.fields:
        assert key == plain(surnames(entry)[0]).replace(" ", "") + "-" + entry.fields["year"]
    assert {"doi", "eprint", "url"} & set(entry.fields)
    assert re.fullmatch(r"10\.\d{4,9}/\S+", entry.fields.get("doi", "10.1000/none"))
    assert re.fullmatch(r"\d{4}\.\d{4,5}", entry.fields.get("eprint", "0000.00000"))
    assert re.match("https://", entry.fields.get("url", "https://"))


def test_no_link_leads_to_two_references() -> None:
    links = [name for entry in ENTRIES.values() for name in references.LINKS if name in entry.fields]
    assert len(references.keys_by_link()) == len(links)


def test_every_reference_is_cited_in_a_chapter() -> None:
    known = references.keys_by_link()
    cited = {known.get(address.lower()) for stem in NOTEBOOKS for _, address in citations_of(stem)}
    assert set(ENTRIES) - cited == set()


@pytest.mark.parametrize("stem", NOTEBOOKS)
def test_every_link_to_a_publication_names_its_reference(stem: str) -> None:
    known = references.keys_by_link()
    for words, address in citations_of(stem):
        key = known.get(address.lower())
        assert key or not re.match(PUBLISHERS, address), address
        if key and "year" in ENTRIES[key].fields:
            assert words == author_and_year(ENTRIES[key])


@pytest.mark.parametrize("stem", NOTEBOOKS)
def test_no_citation_in_a_chapter_lacks_its_link(stem: str) -> None:
    cells = json.loads((ROOT / "notebooks" / f"{stem}.ipynb").read_text(encoding="utf-8"))["cells"]
    prose = " ".join(" ".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    unlinked = re.sub(r"\[[^\]]+\]\([^)\s]+\)", "", prose)
    assert re.findall(r"et al\.|\b[A-Z]\w+ (?:19|20)\d\d\b|arXiv|doi:", unlinked) == []


def test_a_citation_leads_to_its_entry_and_another_link_stays() -> None:
    chapter = markup.Chapter(1)
    doi = chapter.markdown("Trees ([Breiman 2001](https://doi.org/10.1023/a:1010933404324)).")
    assert '(<a class="citation" href="#ref-breiman-2001">Breiman 2001</a>)' in doi
    arxiv = chapter.inline_markdown("[He et al. 2015](https://arxiv.org/abs/1512.03385)")
    assert arxiv == '<a class="citation" href="#ref-he-2015">He et al. 2015</a>'
    assert 'href="https://example.org"' in chapter.markdown("[elsewhere](https://example.org)")


def test_the_list_is_alphabetical_and_each_entry_names_its_authors_and_links_to_its_source() -> None:
    shown = references.reference_list()
    words = {key: html.unescape(re.sub("<[^>]+>", "", text)) for key, text in shown.items()}
    assert shown.keys() == ENTRIES.keys()
    first_names = [plain(surnames(ENTRIES[key])[0]) for key in shown]
    assert first_names == sorted(first_names)
    for key, entry in ENTRIES.items():
        assert entry.fields["title"].replace("--", "–") in words[key]
        for surname in surnames(entry):
            assert surname in words[key].replace("\N{NO-BREAK SPACE}", " ")
        for name, start in references.LINKS.items():
            if name in entry.fields:
                assert f'href="{start}{entry.fields[name]}"' in shown[key]


def test_the_page_can_refer_to_the_data() -> None:
    assert {"acevedo-2020", "yang-2023"} <= references.reference_list().keys()


def test_the_citation_agrees_with_package_and_licence() -> None:
    citation = references.CITATION
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert citation["cff-version"] == "1.2.0"
    assert citation["message"]
    assert (citation["version"], citation["license"]) == (project["version"], project["license"])
    authors = [author["name"] for author in citation["authors"]]
    assert re.search(r"\(c\) \d+ (.*)", (ROOT / "LICENSE").read_text(encoding="utf-8"))[1] == " and ".join(authors)


def title_block(citation: dict, provenance: dict) -> str:
    environment = page._exporter("page.html.j2", markup.Chapter(0)).environment
    return str(environment.get_template("title.html.j2").module.title_block(citation, provenance))


def bibtex_of(block: str) -> Entry:
    text = html.unescape(re.search(r"<code>(.*?)</code>", block, flags=re.DOTALL)[1])
    return parse_string(text, "bibtex").entries["blood-cells"]


def test_the_title_block_says_who_when_and_how_to_cite() -> None:
    block = title_block(references.CITATION, {"commit": "0123456789abcdef", "date": "2026-11-26T10:00:00"})
    words = " ".join(re.sub("<[^>]+>", "", block.partition("<details")[0]).split())
    assert words == "The authors of the blood-cell report · 2026-11-26 · Version 0.1.0 · MIT licence"
    assert "Version 0.1.0, commit 0123456789ab, run on 2026-11-26." in block
    entry = bibtex_of(block)
    assert surnames(entry) == ["The authors of the blood-cell report"]
    assert dict(entry.fields) == {
        "title": "Eight kinds of blood cell",
        "version": "0.1.0",
        "year": "2026",
        "note": "Commit 0123456789abcdef",
    }


def test_the_title_block_leaves_out_what_is_not_on_record_and_escapes_what_is() -> None:
    block = title_block(references.CITATION, {"commit": None})
    assert not re.search(r"commit|\b20\d\d\b", block)
    assert "<a " not in block
    assert dict(bibtex_of(block).fields) == {"title": "Eight kinds of blood cell", "version": "0.1.0"}
    people = [{"given-names": "Ada", "family-names": "<Love>"}, {"given-names": "Bo", "family-names": "Ek"}]
    known = references.CITATION | {"authors": people, "repository-code": "https://example.org/cells"}
    block = title_block(known, {})
    assert "<p><span>Ada &lt;Love&gt; and Bo Ek</span>\N{NO-BREAK SPACE}·" in block
    assert block.count('<a href="https://example.org/cells">') == 2
    assert surnames(bibtex_of(block)) == ["<Love>", "Ek"]
    assert bibtex_of(block).fields["url"] == "https://example.org/cells"
