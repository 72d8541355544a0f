
// Tables can be sorted by a column, up, down and as they were, and taken along as CSV.
const MISSING = "–";
const textOf = (cell) => {
  const copy = cell.cloneNode(true);
  copy.querySelectorAll("details, .tool").forEach((each) => each.remove());
  return copy.textContent.trim().replace(/\s+/g, " ");
};
// 97.3 (96.3–98.1), −3.5 %, < 0.0001 and 15,092 are numbers; a word that begins with one is none.
const numberOf = (text) => {
  const found = text.replace("−", "-").match(/^[<>≤≥≈]?\s*([+-]?[\d,]*\.?\d+(?:e[+-]?\d+)?)(?=$|[\s%)])/i);
  return found ? Number(found[1].replaceAll(",", "")) - (text.startsWith("<") ? 1e-9 : 0) : NaN;
};
const comparing = (texts) => {
  const areNumbers = texts.every((text) => text === MISSING || !Number.isNaN(numberOf(text)));
  if (areNumbers) return (a, b) => numberOf(a) - numberOf(b);
  return (a, b) => a.localeCompare(b, "en", { numeric: true });
};

const makeSortable = (table) => {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    if (heading.tagName !== "TH" || rows.length < 2) return;
    const button = makeButton("", "", () => {
      const next = { ascending: "descending", descending: null }[heading.ariaSort];
      headings.forEach((each) => { each.ariaSort = null; });
      heading.ariaSort = next === undefined ? "ascending" : next;
      const texts = new Map(rows.map((row) => [row, textOf(row.cells[column])]));
      const compare = comparing([...texts.values()]);
      const sign = heading.ariaSort === "descending" ? -1 : 1;
      const missing = (row) => texts.get(row) === MISSING;
      const order = (a, b) => missing(a) - missing(b) || (missing(a) ? 0 : sign * compare(texts.get(a), texts.get(b)));
      body.append(...(heading.ariaSort ? rows.toSorted(order) : rows));
    }, "sort");
    button.append(...heading.childNodes);
    heading.append(button);
  });
};

// Numbers without thousands separators and with ASCII minus signs; an interval becomes two columns.
const csvOf = (table) => {
  const rows = [...table.rows].map((row) => [...row.cells].map(textOf));
  const plain = (text) => {
    const ascii = text === MISSING ? "" : text.replaceAll("−", "-");
    return /^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$/.test(ascii) ? ascii.replaceAll(",", "") : ascii;
  };
  const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const split = (text) => text.match(/^(\S+) \((\S+?)(?:–| to )(\S+?)\)$/)?.slice(1) ?? [text, "", ""];
  const hasInterval = rows[0].map((_, column) => rows.some((row, line) => line && split(row[column])[1]));
  const lines = rows.map((row, line) => row.flatMap((text, column) => {
    if (!hasInterval[column]) return text;
    return line ? split(text) : [text, `${text}, low`, `${text}, high`];
  }).map((text) => quoted(line ? plain(text) : text)));
  const text = lines.map((line) => `${line.join(",")}\r\n`).join("");
  return /[^\x00-\x7f]/.test(text) ? `\ufeff${text}` : text; // the mark tells spreadsheets that it is UTF-8
};

const startTables = () => {
  for (const table of document.querySelectorAll("main table:has(thead, tbody)")) {
    const place = table.closest("[id]");
    const name = place.id.replace(/^table-/, "");
    const label = place.querySelector(".number-of")?.textContent ?? table.parentElement.ariaLabel?.split(",")[0];
    const button = makeButton("CSV", `Download ${label ?? "the table"} as CSV`, () => {
      const href = URL.createObjectURL(new Blob([csvOf(table)], { type: "text/csv" }));
      make("a", { href, download: `${name}.csv` }).click();
      URL.revokeObjectURL(href);
    });
    const caption = table.closest("figure")?.querySelector("figcaption");
    if (caption) caption.append(" ", button);
    else (table.closest(".scroll") ?? table).after(button);
    // narrow windows show the claims as cards, which have no headings to click
    if (table.tHead && !table.matches(".claims")) makeSortable(table);
  }
};
