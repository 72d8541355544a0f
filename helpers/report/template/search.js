
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
      const rank = block.matches("h1, h2, h3, h4, h5, h6") ? 0 : block.matches(".finding, figcaption") ? 1 : block.matches("pre") ? 3 : 2;
      places.set(block, { block, rank, nodes: [], path: [...new Set([part, section, label])].filter(Boolean).join(" › ") });
    }
    places.get(block).nodes.push(node);
  }
  for (const place of places.values()) {
    place.text = place.nodes.map((node) => node.data).join(place.block.matches("tr, svg") ? " · " : "").replace(/\s/g, " ");
    place.folded = folded(place.text);
  }
  return [...places.values()];
};
const folded = (text) => text.toLowerCase().replace(/\s/g, " ").replaceAll("’", "'").replaceAll("−", "-");

// The words around the first match, with every match marked.
const snippetOf = (place, words) => {
  const first = Math.min(...words.map((word) => place.folded.indexOf(word)));
  const start = first < 50 ? 0 : place.text.indexOf(" ", first - 40) + 1 || first;
  const end = start + 120;
  const parts = [start ? "… " : ""];
  let at = Math.min(start, first);
  while (at < end) {
    const [next, word] = words.map((each) => [place.folded.indexOf(each, at), each]).filter(([where]) => where >= 0)
      .sort((a, b) => a[0] - b[0] || b[1].length - a[1].length)[0] ?? [Infinity, ""];
    parts.push(place.text.slice(at, Math.min(next, end)));
    if (next < end) parts.push(make("mark", {}, place.text.slice(next, next + word.length)));
    at = next + word.length;
  }
  return [...parts, place.text.length > end ? " …" : ""];
};

const startSearch = () => {
  const field = document.getElementById("search");
  const box = field.closest(".search");
  const list = box.querySelector("ol");
  const status = box.querySelector("[role='status']");
  const contents = document.querySelector("#contents details");
  let places = null;

  const mark = (found, words) => {
    if (!CSS.highlights) return;
    const ranges = found.flatMap(({ nodes }) => nodes).flatMap((node) => words.flatMap((word) => {
      const ranges = [];
      const text = folded(node.data);
      for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + word.length)) {
        ranges.push(new StaticRange({ startContainer: node, startOffset: at, endContainer: node, endOffset: at + word.length }));
      }
      return ranges;
    }));
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
    const rank = ({ folded: text, rank: kind }) => kind - (text.includes(query) ? 0.5 : 0);
    const found = words.length ? places.filter((place) => words.every((word) => place.folded.includes(word))) : [];
    const shown = found.toSorted((a, b) => rank(a) - rank(b)).slice(0, SHOWN_PLACES);
    list.replaceChildren(...shown.map((place) => {
      const link = make("a", { href: `#${place.block.closest("[id]").id}`, onclick: (event) => { event.preventDefault(); go(place); } },
        make("span", { className: "path" }, place.path), make("span", {}, ...snippetOf(place, words)));
      return make("li", {}, link);
    }));
    const count = `${found.length || "No"} ${found.length === 1 ? "place" : "places"}`;
    status.textContent = words.length ? count + (found.length > SHOWN_PLACES ? `, the first ${SHOWN_PLACES} listed` : "") : "";
    box.classList.toggle("searching", words.length > 0);
    mark(found, words);
  };
  const clear = () => { field.value = ""; search(); };

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
