
// The error explorer: every image that a model misclassifies, by model, true class and answer.
const PAGE_OF_ERRORS = 24;

const startErrors = (box) => {
  const { models, classes, best, columns, cells } = JSON.parse(box.querySelector("script").textContent);
  const rows = Math.ceil(cells.length / columns);
  const list = box.querySelector(".cells");
  const status = make("p", { role: "status" });
  const more = makeButton("Show more", "", () => {
    const shown = list.children.length;
    list.append(...found.slice(shown, shown + PAGE_OF_ERRORS).map(item));
    more.hidden = list.children.length >= found.length;
    list.children[shown].firstChild.focus();
  });
  const wrong = cells.map(({ label, answers }) => [...answers.keys()].filter((model) => answers[model] !== label));
  let found = [];

  const choose = (name, options, first) => {
    const select = make("select", {}, ...options.map(([value, text]) => make("option", { value }, text)));
    select.value = first;
    return [make("label", {}, make("span", {}, name), select), select];
  };
  const any = ["", "any"];
  const named = [...classes.entries()];
  const several = models.length > 1 ? [["any", "any model"], ["all", "all models wrong"]] : [];
  const [modelLabel, model] = choose("Model", [...models.entries(), ...several], best);
  const [trueLabel, truth] = choose("True class", [any, ...named], "");
  const [answerLabel, answer] = choose("Predicted class", [any, ...named], "");

  const isSeveral = () => ["any", "all"].includes(model.value);
  const isAll = (place) => models.length > 1 && wrong[place].length === models.length;
  // The models whose errors count, given the choice of a model.
  const counted = (place) => {
    if (isSeveral()) return model.value === "any" || isAll(place) ? wrong[place] : [];
    return wrong[place].filter((each) => each === Number(model.value));
  };
  const update = () => {
    const perTruth = new Map();
    const perAnswer = new Map();
    const add = (counts, key) => counts.set(key, (counts.get(key) ?? 0) + 1);
    let total = 0;
    found = [];
    cells.forEach(({ label, answers, confidence }, place) => {
      const errors = counted(place);
      total += errors.length > 0;
      const chosen = errors.filter((each) => answer.value === "" || answers[each] === Number(answer.value));
      if (chosen.length) add(perTruth, label);
      if (truth.value !== "" && label !== Number(truth.value)) return;
      new Set(errors.map((each) => answers[each])).forEach((each) => add(perAnswer, each));
      if (!chosen.length) return;
      const by = chosen.reduce((a, b) => (confidence[b] > confidence[a] ? b : a));
      found.push({ place, by, sure: confidence[by] });
    });
    found.sort((a, b) => b.sure - a.sure);
    for (const [select, counts] of [[truth, perTruth], [answer, perAnswer]]) {
      for (const [label, name] of named) {
        const option = select.options[label + 1];
        option.textContent = `${name} (${counts.get(label) ?? 0})`;
        option.disabled = !counts.has(label) && !option.selected;
      }
    }
    const noun = (isSeveral() ? "image" : "error") + (total === 1 ? "" : "s");
    const of = found.length < total ? `${found.length.toLocaleString("en")} of ` : "";
    const order = found.length > 1 ? ", the most confident first" : "";
    status.textContent = `${of}${total.toLocaleString("en")} ${noun}${order}`;
  };
  const show = () => {
    hideCard();
    update();
    list.replaceChildren(...found.slice(0, PAGE_OF_ERRORS).map(item));
    more.hidden = found.length <= PAGE_OF_ERRORS;
  };

  const picture = (place) => {
    const cell = make("span", { className: "cell" });
    cell.style.setProperty("--x", (place % columns) / Math.max(columns - 1, 1));
    cell.style.setProperty("--y", Math.floor(place / columns) / Math.max(rows - 1, 1));
    return cell;
  };
  const item = ({ place, by, sure }) => {
    const { index, label, answers } = cells[place];
    const button = makeButton(picture(place), "", () => {
      if (cardOwner === button) hideCard();
      else showCard(button, details(place), button.parentElement);
    }, "item");
    button.append(
      make("span", { className: "words" }, `${classes[label]} → ${classes[answers[by]]}, ${sure}\u00a0%`),
      make("span", { className: "words note" }, isSeveral() ? `${models[by]}, image ${index}` : `image ${index}`),
    );
    if (isAll(place)) button.append(make("span", { className: "badge" }, "all models wrong"));
    button.ariaExpanded = "false";
    return make("li", {}, button);
  };
  // What each model answers, and cells of the classes in question to compare with.
  const details = (place) => {
    const { index, label, answers, confidence } = cells[place];
    const body = models.map((name, each) => make("tr", {},
      make("th", { scope: "row" }, name),
      make("td", {}, `${answers[each] === label ? "✓" : "✗"} ${classes[answers[each]]}`),
      make("td", { className: "number" }, `${confidence[each]}\u00a0%`)));
    return [
      make("p", { className: "finding" }, `Image ${index}, labelled ${classes[label]}`),
      make("div", { className: "closer" }, picture(place), make("table", {}, make("tbody", {}, ...body))),
      ...typical([label, ...answers]),
    ];
  };

  const typical = (labels) => {
    const examples = document.querySelector("#fig-examples .examples");
    if (!examples) return [];
    const copy = examples.cloneNode(false);
    copy.dataset.gallery = "fig-examples";
    for (const label of [...new Set(labels)].slice(0, 3)) {
      copy.append(examples.querySelector(`[data-label="${label}"]`)?.cloneNode(true) ?? "");
    }
    return [make("p", {}, "Typical cells of these classes"), copy];
  };

  const reset = makeButton("Reset", "", () => {
    [model.value, truth.value, answer.value] = [best, "", ""];
    show();
  });
  const form = make("div", { className: "choices tool", role: "group", ariaLabel: "Choose errors" },
    modelLabel, trueLabel, answerLabel, reset, status);
  form.addEventListener("change", show);
  list.before(form);
  list.after(more);
  show();
};
