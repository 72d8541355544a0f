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

document.addEventListener("DOMContentLoaded", () => {
  showTheme(remembered.get());
  for (const button of document.querySelectorAll("[data-set-theme]")) {
    button.addEventListener("click", () => {
      remembered.set(button.dataset.setTheme);
      showTheme(button.dataset.setTheme);
    });
  }

  const allCode = document.getElementById("all-code");
  allCode.addEventListener("click", () => {
    const open = allCode.getAttribute("aria-pressed") !== "true";
    allCode.setAttribute("aria-pressed", String(open));
    for (const details of document.querySelectorAll("details.code")) details.open = open;
  });

  // The contents stand beside the report on a wide window and fold into a bar on a narrow one.
  const contents = document.querySelector("#contents details");
  const wide = matchMedia("(min-width: 64rem)");
  const fold = () => { contents.open = wide.matches; };
  wide.addEventListener("change", fold);
  fold();
  contents.addEventListener("click", (event) => {
    if (event.target.closest("a") && !wide.matches) contents.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && contents.open && !wide.matches) {
      contents.open = false;
      contents.querySelector("summary").focus();
    }
  });

  // On a phone a figure fits the page, too small to read every word: a button shows it at its full width.
  for (const picture of document.querySelectorAll("figure .picture")) {
    const button = document.createElement("button");
    button.className = "enlarge";
    button.textContent = "Enlarge";
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => {
      button.setAttribute("aria-pressed", String(picture.classList.toggle("enlarged")));
    });
    picture.after(button);
  }

  // A table, figure or listing that fits needs no stop on the way of the Tab key.
  const boxes = new ResizeObserver((entries) => {
    for (const { target } of entries) target.tabIndex = target.scrollWidth > target.clientWidth ? 0 : -1;
  });
  document.querySelectorAll(".scroll, .listing").forEach((box) => boxes.observe(box));

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
});
