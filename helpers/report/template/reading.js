
// A copy of something on the page, without its controls and with identifiers of its own.
const copyOf = (element) => {
  const copy = element.cloneNode(true);
  copy.querySelectorAll(".tool, script").forEach((each) => each.remove());
  for (const svg of copy.querySelectorAll("svg")) {
    svg.outerHTML = svg.outerHTML.replace(/ id="| href="#|url\(#/g, "$&copy-");
  }
  for (const each of [copy, ...copy.querySelectorAll("*")]) {
    if (!each.id.startsWith("copy-")) each.removeAttribute("id");
    if (each.matches("a, button, [tabindex]")) each.tabIndex = -1;
    if (each.matches(".scroll")) ["role", "aria-label", "tabindex"].forEach((name) => each.removeAttribute(name));
  }
  return copy;
};

// The same without its outer element; the cells of a gallery need its name to find their picture.
const contentOf = (element) => {
  const box = make("div", { className: "stage" }, ...copyOf(element).childNodes);
  box.dataset.gallery = element.dataset.gallery ?? "";
  return box;
};

// One card shows beside a link what it leads to, and beside an error what each model answers. The mouse may enter it.
const card = make("div", { id: "card", className: "card tool", popover: "manual" });
let cardOwner = null;
let cardTimer = 0;
const hideCard = () => {
  clearTimeout(cardTimer);
  if (cardOwner?.ariaExpanded) cardOwner.ariaExpanded = "false";
  cardOwner = null;
  card.remove();
};
const showCard = (owner, content, place) => {
  hideCard();
  cardOwner = owner;
  if (owner.ariaExpanded) owner.ariaExpanded = "true";
  card.replaceChildren(...content);
  place.append(card);
  card.showPopover();
  const box = owner.getClientRects()[0];
  const { width, height } = card.getBoundingClientRect();
  const fitsRight = box.right + width + 16 < root.clientWidth;
  const isBeside = owner.ariaExpanded && (fitsRight || box.left > width + 16);
  const isBelow = box.bottom + height + 8 < innerHeight || box.top < height + 8;
  const left = isBeside ? (fitsRight ? box.right + 8 : box.left - width - 8) : Math.min(box.left, root.clientWidth - width - 8);
  const top = isBeside ? Math.min(box.top, innerHeight - height - 8) : isBelow ? box.bottom + 6 : box.top - height - 6;
  card.style.left = `${Math.max(8, left) + scrollX}px`;
  card.style.top = `${Math.max(8, top) + scrollY}px`;
};

// What a link within the page leads to, as it shows on its card.
const previewOf = (target) => {
  if (target.matches("figure, li")) return [contentOf(target)];
  if (target.matches("tr")) return [...target.cells].map((each) => make("p", {}, ...copyOf(each).childNodes));
  const heading = target.querySelector(":scope > :is(h1, h2), :scope > header h2") ?? target;
  const words = target.querySelector(".headline") ?? heading.parentElement.querySelector(`#${target.id} ~ p, h2 ~ p`);
  return [make("p", { className: "finding" }, ...copyOf(heading).childNodes), ...(words ? [copyOf(words)] : [])];
};

const startCard = () => {
  if (!("popover" in HTMLElement.prototype)) return;
  const linkAt = (event) => event.target.closest?.("main a[href^='#']:not(.anchor, .number-of, .card a)");
  const show = (link) => {
    const target = document.getElementById(link.hash.slice(1));
    const isHere = target?.contains(link) || target?.matches("main");
    if (target && !isHere) showCard(link, previewOf(target), document.querySelector("main"));
  };
  const later = (act, delay) => { clearTimeout(cardTimer); cardTimer = setTimeout(act, delay); };
  document.addEventListener("pointerover", (event) => {
    const link = linkAt(event);
    if (event.pointerType !== "mouse") return;
    if (card.contains(event.target) || (link && link === cardOwner)) clearTimeout(cardTimer);
    else if (link) later(() => show(link), 300);
    else if (!cardOwner?.ariaExpanded) later(hideCard, 200);
  });
  document.addEventListener("focusin", (event) => {
    const link = linkAt(event);
    if (link?.matches(":focus-visible")) show(link);
    else if (!event.target.closest("#card")) hideCard();
  });
  document.addEventListener("click", (event) => { if (!event.target.closest("#card, .item")) hideCard(); });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hideCard(); });
};

// Every figure opens at the window's size; the arrow keys lead to the next and the one before.
const startViewer = () => {
  const figures = [...document.querySelectorAll("figure:has(> figcaption)")]
    .filter((each) => each.querySelector(":scope > :is(.picture, .examples)"));
  const place = make("p", { role: "status" });
  const dialog = make("dialog", { className: "viewer tool", ariaLabel: "Figure" });
  let at = 0;
  const show = (next) => {
    at = (next + figures.length) % figures.length;
    const stage = contentOf(figures[at]);
    const picture = stage.querySelector(".picture");
    if (picture) Object.assign(picture, { tabIndex: 0, role: "group", ariaLabel: "Figure" });
    dialog.querySelector(".stage")?.remove();
    dialog.append(stage);
    place.textContent = `${at + 1} of ${figures.length}`;
  };
  dialog.append(
    make("div", { className: "viewer-bar" },
      makeButton("←", "Previous figure", () => show(at - 1)), place, makeButton("→", "Next figure", () => show(at + 1)),
      makeButton("Close", "", () => dialog.close())),
  );
  dialog.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step && event.target.scrollWidth <= event.target.clientWidth) show(at + step);
  });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("close", () => dialog.querySelector(".stage").remove());
  document.body.append(dialog);
  figures.forEach((figure, number) => {
    const label = figure.querySelector(".number-of")?.textContent ?? "this figure";
    figure.querySelector("figcaption").append(" ", makeButton("Enlarge", `Enlarge ${label}`, () => {
      hideCard();
      show(number);
      dialog.showModal();
      dialog.querySelector(".viewer-bar > :last-child").focus();
    }));
  });
};
