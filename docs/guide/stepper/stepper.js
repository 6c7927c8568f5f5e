// Goes through the steps of steps.js. The address ends in the number of the step, so a step can be
// linked to; step 0 is how things are before the first.
"use strict";

(() => {
  const { code, parts, start, steps } = globalThis.wakeUp;
  const element = (id) => document.getElementById(id);
  const last = steps.length;

  // states[n]: all boxes after n steps.
  const states = [start];
  for (const step of steps) states.push({ ...states.at(-1), ...step.sets });

  const make = (tag, parent, text = "") => {
    const made = document.createElement(tag);
    made.textContent = text;
    parent.append(made);
    return made;
  };

  const lines = code.map((line) => make("li", element("code"), line));
  const shown = new Map(); // part -> its element
  const boxes = new Map(); // "part.box" -> its element
  for (const part of parts) {
    const section = make("section", element("parts"));
    section.className = "part";
    section.dataset.part = part.id;
    make("h2", section, part.title);
    const list = make("dl", section);
    for (const [box, title] of Object.entries(part.boxes)) {
      const pair = make("div", list);
      make("dt", pair, title);
      make("dd", pair);
      pair.dataset.box = `${part.id}.${box}`;
      boxes.set(pair.dataset.box, pair);
    }
    shown.set(part.id, section);
  }

  const setCurrent = (marked, is) =>
    is ? marked.setAttribute("aria-current", "step") : marked.removeAttribute("aria-current");

  const fill = (pair, value) => {
    const entries = (Array.isArray(value) ? value : [value]).filter((entry) => entry !== "");
    const room = pair.querySelector("dd");
    room.replaceChildren();
    for (const entry of entries) make("span", room, entry);
    if (entries.length === 0) make("span", room, "–").className = "none";
  };

  let place = 0;
  const show = (wanted) => {
    place = Math.min(Math.max(wanted, 0), last);
    const step = steps[place - 1];
    element("says").textContent = step ? step.says : "The two tasks have not begun.";
    element("count").textContent = `${place} of ${last}`;
    element("place").value = place;
    element("first").disabled = element("back").disabled = place === 0;
    element("next").disabled = element("last").disabled = place === last;
    lines.forEach((line, number) => setCurrent(line, step?.line === number + 1));
    for (const [id, section] of shown) setCurrent(section, step?.part === id);
    for (const [name, pair] of boxes) {
      fill(pair, states[place][name]);
      pair.classList.toggle("changed", Object.hasOwn(step?.sets ?? {}, name));
    }
    history.replaceState(null, "", place === 0 ? location.pathname : `#${place}`);
  };

  element("place").max = last;
  element("place").addEventListener("input", (event) => show(Number(event.target.value)));
  const moves = {
    first: () => show(0),
    back: () => show(place - 1),
    next: () => show(place + 1),
    last: () => show(last),
  };
  for (const [id, move] of Object.entries(moves)) element(id).addEventListener("click", move);
  const keys = { Home: moves.first, ArrowLeft: moves.back, ArrowRight: moves.next, End: moves.last };
  document.addEventListener("keydown", (event) => {
    // The slider has these keys of its own.
    if (event.target === element("place") || event.ctrlKey || event.altKey || event.metaKey) return;
    const move = keys[event.key];
    if (!move) return;
    event.preventDefault();
    move();
  });
  addEventListener("hashchange", () => show(Number(location.hash.slice(1)) || 0));

  // On the site the reader may have chosen light or dark.
  try {
    const shade = localStorage.getItem("weft-shade");
    if (shade) document.documentElement.classList.add(`${shade}-mode`);
  } catch {
    // a browser may refuse storage to files
  }
  show(Number(location.hash.slice(1)) || 0);
})();
