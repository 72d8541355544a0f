"use strict";

// The theme is set before the first paint, so that a dark page never flashes white.
const root = document.documentElement;
const remembered = {
  get() { try { return localStorage.getItem("theme"); } catch { return null; } },
  set(theme) { try { localStorage.setItem("theme", theme); } catch { /* a private window forgets */ } },
};
const showTheme = (theme) => {
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  else delete root.dataset.theme;
  for (const button of document.querySelectorAll("[data-set-theme]")) {
    button.setAttribute("aria-pressed", String(button.dataset.setTheme === (root.dataset.theme ?? "auto")));
  }
};
showTheme(remembered.get());
root.classList.add("scripted");

// A new element with properties and children; a class name that has "tool" is not printed, copied or searched.
const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};
const makeButton = (text, label, click, className = "tool") => {
  const button = make("button", { type: "button", className, onclick: click }, text);
  if (label) button.ariaLabel = label;
  return button;
};
const isWide = matchMedia("(min-width: 64rem)");

document.addEventListener("DOMContentLoaded", () => {
  for (const start of [startContents, startHeadings, startCode, startTables, startCard, startViewer, startSearch]) start();
  document.querySelectorAll(".errors").forEach(startErrors);
  // A table, figure or listing that fits needs no stop on the way of the Tab key.
  const boxes = new ResizeObserver((entries) => {
    for (const { target } of entries) target.tabIndex = target.scrollWidth > target.clientWidth ? 0 : -1;
  });
  document.querySelectorAll(".scroll, .listing").forEach((box) => boxes.observe(box));
});

const startHeadings = () => {
  for (const heading of document.querySelectorAll("main :is(h2, h3, h4, h5, h6)")) {
    const id = heading.id || heading.closest("[id]").id;
    heading.append(" ", make("a", { className: "tool anchor", href: `#${id}`, ariaLabel: "Link to this section" }));
  }
};

// Every listing and command can be copied; where a browser refuses, it is selected.
const startCode = () => {
  const allCode = document.getElementById("all-code");
  allCode.addEventListener("click", () => {
    const open = allCode.getAttribute("aria-pressed") !== "true";
    allCode.setAttribute("aria-pressed", String(open));
    for (const details of document.querySelectorAll("details.code")) details.open = open;
  });
  for (const listing of document.querySelectorAll("pre:has(> code)")) {
    const button = makeButton("Copy", "", async () => {
      try {
        await navigator.clipboard.writeText(listing.textContent);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(listing);
        button.textContent = "Press Ctrl+C";
      }
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    }, "tool copy");
    button.ariaLive = "polite";
    const box = make("div", { className: "copyable" });
    listing.before(box);
    box.append(listing, button);
  }
};

const startContents = () => {
  showTheme(remembered.get());
  for (const button of document.querySelectorAll("[data-set-theme]")) {
    button.addEventListener("click", () => {
      remembered.set(button.dataset.setTheme);
      showTheme(button.dataset.setTheme);
    });
  }

  // The contents stand beside the report on a wide window and fold into a bar on a narrow one.
  const contents = document.querySelector("#contents details");
  const fold = () => { contents.open = isWide.matches; };
  isWide.addEventListener("change", fold);
  fold();
  contents.addEventListener("click", (event) => {
    if (event.target.closest("a") && !isWide.matches) contents.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && contents.open && !isWide.matches) {
      contents.open = false;
      contents.querySelector("summary").focus();
    }
  });

  // The navigation follows the reader: the current place is the last heading above the reading line.
  const links = new Map([...document.querySelectorAll("#contents a")].map((link) => [link.hash.slice(1), link]));
  const places = [...links.keys()].map((id) => document.getElementById(id)).filter(Boolean);
  const here = document.querySelector("#contents .here");
  const follow = () => {
    const line = innerHeight * 0.3;
    const atEnd = scrollY > 0 && innerHeight + scrollY >= root.scrollHeight - 2;
    const place = atEnd ? places.at(-1) : places.findLast((each) => each.getBoundingClientRect().top <= line) ?? places[0];
    const part = place.closest("[data-part]");
    for (const [id, link] of links) {
      if (id === place.id) link.setAttribute("aria-current", "location");
      else if (id === part.id) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    here.textContent = links.get(part.id).textContent.trim();
  };
  const observer = new IntersectionObserver(follow, { rootMargin: "0px 0px -70% 0px" });
  places.forEach((place) => observer.observe(place));
  addEventListener("scrollend", follow);
  follow();
};
