
// Search within the page: places with all words of the query, the headings first; found words are marked.
const BLOCKS = "h1, h2, h3, h4, h5, h6, p, li, figcaption, tr, dt, dd, pre, summary, svg";
const OUTSIDE = ".tool, .narrow, .errors, .search, script, [role='status']";
const SHOWN_PLACES = 40;

// One entry per block of text, in the order of the page, with the headings above it.
const readPlaces = () => {
  const places = new Map();
  const walker = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  let part = "";
  let section = "";
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const block = node.parentElement.closest(BLOCKS);
    if (!block || !node.data.trim() || node.parentElement.closest(OUTSIDE)) continue;
    if (!places.has(block)) {
      const words = block.textContent.trim();
      if (block.matches("h1, h2")) [part, section] = [words, ""];
      else if (block.matches("h3, h4")) section = words;
      const label = block.closest("figure")?.querySelector(".number-of")?.textContent;
      const rank = ["h1, h2, h3, h4, h5, h6", ".finding, figcaption", ":not(pre)"].findIndex((each) => block.matches(each));
      const path = [...new Set([part, section, label])].filter(Boolean).join(" › ");
      places.set(block, { block, rank: rank < 0 ? 3 : rank, nodes: [], path });
    }
    places.get(block).nodes.push(node);
  }
  for (const place of places.values()) {
    const between = place.block.matches("tr, svg") ? " · " : "";
    place.text = place.nodes.map((node) => node.data).join(between).replace(/\s/g, " ");
    place.folded = folded(place.text);
  }
  return [...places.values()];
};
const folded = (text) => text.toLowerCase().replace(/\s/g, " ").replaceAll("’", "'").replaceAll("−", "-");

// The words around the first match, with every match marked.
const snippetOf = (place, pattern) => {
  const first = place.folded.search(pattern);
  const start = first < 50 ? 0 : place.text.indexOf(" ", first - 40) + 1;
  const shown = place.text.slice(start, start + 120);
  let at = 0;
  const parts = folded(shown).split(pattern).map((part, number) => {
    const text = shown.slice(at, at += part.length);
    return number % 2 ? make("mark", {}, text) : text;
  });
  return [start ? "… " : "", ...parts, start + 120 < place.text.length ? " …" : ""];
};

const startSearch = () => {
  const field = document.getElementById("search");
  const box = field.closest(".search");
  const list = box.querySelector("ol");
  const status = box.querySelector("[role='status']");
  const contents = document.querySelector("#contents details");
  let places = null;

  const mark = (found, pattern) => {
    if (!CSS.highlights) return;
    const ranges = found.flatMap(({ nodes }) => nodes).flatMap((node) => (
      [...folded(node.data).matchAll(pattern)].map(({ index, 0: word }) => new StaticRange({
        startContainer: node, startOffset: index, endContainer: node, endOffset: index + word.length,
      }))
    ));
    CSS.highlights.set("found", new Highlight(...ranges));
  };
  const go = ({ block }) => {
    for (let each = block.closest("details"); each; each = each.parentElement.closest("details")) each.open = true;
    if (!isWide.matches) contents.open = false;
    const target = block.closest("svg") ? block.closest("figure") ?? block : block;
    if (!target.hasAttribute("tabindex")) target.tabIndex = -1;
    target.focus({ preventScroll: true });
    target.scrollIntoView({ block: "center" });
  };
  const search = () => {
    places ??= readPlaces();
    const query = folded(field.value.trim());
    const words = query.length < 2 ? [] : query.split(/ +/);
    const pattern = new RegExp(`(${words.map((word) => word.replace(/[^\w ]/g, "\\$&")).join("|")})`, "g");
    const rank = (place) => place.rank - (place.folded.includes(query) ? 0.5 : 0);
    const found = words.length ? places.filter((place) => words.every((word) => place.folded.includes(word))) : [];
    const shown = found.toSorted((a, b) => rank(a) - rank(b)).slice(0, SHOWN_PLACES);
    list.replaceChildren(...shown.map((place) => {
      const link = make("a", { href: `#${place.block.closest("[id]").id}` },
        make("span", { className: "path" }, place.path), make("span", {}, ...snippetOf(place, pattern)));
      link.addEventListener("click", (event) => { event.preventDefault(); go(place); });
      return make("li", {}, link);
    }));
    const some = shown.length < found.length ? `, the first ${SHOWN_PLACES} listed` : "";
    const count = `${found.length || "No"} ${found.length === 1 ? "place" : "places"}${some}`;
    status.textContent = words.length ? count : "";
    box.classList.toggle("searching", words.length > 0);
    mark(found, pattern);
  };
  const clear = () => { field.value = ""; search(); };

  field.addEventListener("focus", () => { places ??= readPlaces(); });
  field.addEventListener("input", search);
  box.addEventListener("keydown", (event) => {
    const links = [field, ...list.querySelectorAll("a")];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Enter" && event.target === field) links[1]?.click();
    else if (step) links[links.indexOf(event.target) + step]?.focus();
    else return;
    event.preventDefault();
  });
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.closest("input, select, textarea");
    if (event.key === "Escape" && field.value) {
      clear();
      event.stopImmediatePropagation();
    } else if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      contents.open = true;
      field.focus();
    }
  }, true);
};
