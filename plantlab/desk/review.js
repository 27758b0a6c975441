// The browser's side of widgets.Review. Python owns the decisions and the photos; here are only the place and the keys.
// All text goes in as text, never as HTML: a species may be called anything.

const SMALL = 160, LARGE = 640; // pixels, the longer side
const SLOW = 2000; // milliseconds until a decision that is not yet saved is spoken of
const LATE = "Not saved yet:";
const SIGNS = { confirm: "✓", relabel: "→", drop: "×" };
const KEYS = "Enter keep · 1 to 9 take a suggestion · o another · a keep the rest of the page · d drop · u undo · arrows and Page keys move";

const OFFERED = 12; // names below what is typed
const ORDERS = {
  "as given": (_, row) => row,
  "undecided first": (_, row, state) => (state ? 1 : 0),
  "by label": ({ label }) => label,
  "by what it looks like": ({ suggested }) => suggested[0] ?? "",
};

// Small letters without accents, so that nobody has to type them.
function fold(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

function sign(state) {
  return make("b", { class: "sign" }, SIGNS[state.decision]);
}

function key(name) {
  return make("kbd", {}, name);
}

function render({ model, el }) {
  let photos = [], species = [], folded = [], states = [], digits = [], page = 12, asked = null, opened = false;
  let shown = [], at = 0, place = 0; // the rows that are shown, in their order; the row looked at, and its place among them
  const me = crypto.getRandomValues(new Uint32Array(2)).join("-"); // several views may show one widget
  const sent = new Map(); // decisions that Python has not answered yet, by their number
  const history = []; // lists of rows as they were decided here, for undo
  const pictures = new Map(); // "row/size" -> {url} or {problem}
  let number = 0;

  // ---- the parts of the page ----
  const told = make("span", { class: "told", "aria-live": "polite" });
  const where = make("span", { class: "where" });
  const back = make("button", { class: "turn", title: "Page before (PageUp)", onclick: () => turn(-1) }, "‹");
  const on = make("button", { class: "turn", title: "Next page (PageDown)", onclick: () => turn(1) }, "›");
  const parts = Object.keys(SIGNS).map((name) => make("i", { class: name }));
  const photo = make("div", { class: "photo" });
  const facts = make("div", { class: "facts" });
  const choices = make("div", { class: "choices" });
  const names = make("datalist", { id: `plantlab-${me}` });
  const other = make("input", { list: names.id, placeholder: "another species (o)", "aria-label": "another species" });
  const grid = make("div", { class: "grid" });
  const filter = make("input", { placeholder: "only those with ...", "aria-label": "only photos whose name or label holds", type: "search" });
  const sorting = make("select", { "aria-label": "order" }, ...Object.keys(ORDERS).map((name) => make("option", {}, name)));
  const trouble = make("div", { class: "trouble", role: "alert" });
  const root = make(
    "div",
    { class: "plantlab-review", tabindex: 0, role: "group", "aria-label": "Photos to review", "data-lm-suppress-shortcuts": "true" },
    make("div", { class: "head" }, told, make("span", { class: "pager" }, back, where, on)),
    make("div", { class: "bar" }, ...parts),
    make("div", { class: "tools" }, filter, sorting),
    make("div", { class: "body" }, make("div", { class: "stage" }, photo, facts, choices), grid),
    trouble,
    make("div", { class: "foot" }, make("span", { class: "asleep" }, "Click a photo, then use the keys."), make("span", { class: "awake" }, KEYS)),
  );
  el.append(root);

  // ---- what is decided ----
  function stateOf(row) {
    const waiting = [...sent.values()].filter((each) => each.rows.includes(row)).pop();
    if (!waiting) return states[row];
    return waiting.decision === "undo" ? null : { ...waiting, saving: true };
  }

  function send(rows, decision, species) {
    const id = `${me}/${number++}`;
    trouble.textContent = "";
    sent.set(id, { rows, decision, species });
    setTimeout(() => sent.has(id) && say(`${LATE} ${sent.size}. The kernel is busy or has stopped.`), SLOW);
    model.send({ do: "decide", id, rows, decision, species });
  }

  function act(decision, species = "", rows = [at]) {
    if (!photos.length) return;
    send(rows, decision, species);
    history.push(rows);
    const last = Math.max(0, shown.indexOf(rows.at(-1)));
    const next = shown.map((_, step) => (last + step + 1) % shown.length).find((to) => !stateOf(shown[to]));
    if (next !== undefined) stand(next);
    draw();
  }

  function acceptPage() { // one message, one write
    const first = Math.floor(place / page) * page;
    const rows = shown.slice(first, first + page).filter((row) => photos[row].label && !stateOf(row));
    if (rows.length) act("confirm", "", rows);
    else say("Nothing is left on this page.");
  }

  function undo() {
    let rows = stateOf(at) ? [at] : history.pop();
    while (rows && !rows.some(stateOf)) rows = history.pop();
    if (!rows) return say("Nothing to undo.");
    goTo(rows[0]);
    send(rows.filter(stateOf), "undo", "");
    draw();
  }

  function offered(row) {
    return digits.length ? digits : (photos[row]?.suggested ?? []);
  }

  function suggest(index) {
    const name = offered(at)[index];
    if (!name) say("There is no such suggestion for this photo.");
    else if (name === photos[at].label) act("confirm");
    else act("relabel", name);
  }

  // What is typed may begin any word of a name: "can" finds Rosa canina among eighty thousand.
  function near(typed) {
    const sought = fold(typed);
    const first = [], later = [];
    for (let i = 0; i < folded.length && first.length < OFFERED; i++) {
      const found = folded[i].indexOf(sought);
      if (found === 0) first.push(species[i]);
      else if (found > 0 && folded[i][found - 1] === " " && later.length < OFFERED) later.push(species[i]);
    }
    return [...first, ...later].slice(0, OFFERED);
  }

  function called(typed) {
    const found = near(typed);
    return found.length === 1 ? found[0] : typed; // Python says no to what is no species
  }

  function say(text) {
    trouble.textContent = text;
  }

  // ---- which are shown, in which order ----
  function arrange() {
    const sought = fold(filter.value.trim());
    const holds = ({ label, suggested, name }) => [label, suggested[0] ?? "", name].some((text) => fold(text).includes(sought));
    const rows = photos.map((_, row) => row).filter((row) => !sought || holds(photos[row]));
    if (!rows.length && photos.length) return say(`No photo has "${filter.value.trim()}" in its label or name.`);
    const by = ORDERS[sorting.value];
    const keys = photos.map((photo, row) => by(photo, row, stateOf(row)));
    shown = rows.sort((a, b) => (keys[a] < keys[b] ? -1 : keys[a] > keys[b] ? 1 : a - b));
    say("");
    stand(Math.max(0, shown.indexOf(at)));
    draw();
  }

  filter.addEventListener("input", arrange);
  sorting.addEventListener("change", arrange);

  // ---- moving about ----
  function stand(to) {
    place = Math.max(0, Math.min(shown.length - 1, to));
    at = shown[place] ?? 0;
  }

  function goTo(row) {
    if (!shown.includes(row)) {
      filter.value = "";
      arrange();
    }
    stand(shown.indexOf(row));
  }

  function move(to) {
    stand(to);
    trouble.textContent = "";
    draw();
  }

  function turn(by) {
    const to = Math.floor(place / page) + by;
    if (to >= 0 && to * page < shown.length) move(to * page);
    root.focus({ preventScroll: true });
  }

  function columns() {
    return getComputedStyle(grid).gridTemplateColumns.split(" ").length;
  }

  const bound = {
    Enter: () => act("confirm"), y: () => act("confirm"), r: () => suggest(0), a: acceptPage, d: () => act("drop"), Delete: () => act("drop"),
    u: undo, Backspace: undo, o: () => other.focus(), "/": () => other.focus(), Escape: () => root.blur(),
    ArrowLeft: () => move(place - 1), ArrowRight: () => move(place + 1), Home: () => move(0), End: () => move(shown.length - 1),
    ArrowUp: () => move(place - columns()), ArrowDown: () => move(place + columns()), PageUp: () => turn(-1), PageDown: () => turn(1),
  };

  root.addEventListener("keydown", (event) => {
    event.stopPropagation(); // nothing here is meant for the notebook
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target === filter || event.target === sorting) {
      if (event.key === "Enter" || event.key === "Escape") root.focus({ preventScroll: true });
      return;
    }
    if (event.target === other) {
      if (event.key === "Enter" && other.value.trim()) act("relabel", called(other.value.trim()));
      if (event.key === "Enter" || event.key === "Escape") root.focus({ preventScroll: true });
      return;
    }
    if (event.target !== root && [" ", "Enter"].includes(event.key)) return; // a button that was reached by Tab
    const press = /^[1-9]$/.test(event.key) ? () => suggest(event.key - 1) : bound[event.key];
    if (!press) return;
    event.preventDefault();
    if (!event.repeat || event.key.startsWith("Arrow")) press(); // a key held down decides once
    const { offsetTop: top, offsetHeight: height } = grid.children[place % page] ?? grid;
    if (grid.classList.contains("many")) grid.scrollTop = Math.min(top, Math.max(grid.scrollTop, top + height - grid.clientHeight));
  });
  root.addEventListener("click", (event) => ![other, filter, sorting].includes(event.target) && root.focus({ preventScroll: true }));
  other.addEventListener("blur", () => (other.value = ""));
  other.addEventListener("input", () => names.replaceChildren(...near(other.value).map((name) => make("option", { value: name }))));

  // ---- drawing ----
  function fill(box, row, size) {
    const picture = pictures.get(`${row}/${size}`) ?? (size === LARGE ? pictures.get(`${row}/${SMALL}`) : null);
    const shows = picture ? (picture.url ?? picture.problem) : "";
    if (box.dataset.shows === `${row} ${shows}`) return;
    box.dataset.shows = `${row} ${shows}`;
    if (picture?.url) box.replaceChildren(make("img", { src: picture.url, alt: photos[row].name, draggable: "false" }));
    else box.replaceChildren(make("span", {}, picture ? (size === LARGE ? `This photo was not read: ${picture.problem}.` : "not read") : ""));
  }

  function verdict(state) {
    if (!state) return ["undecided"];
    const text = { confirm: "kept", relabel: "relabelled to ", drop: "dropped" }[state.decision];
    return [sign(state), text, state.decision === "relabel" ? make("em", {}, state.species) : null];
  }

  function drawStage() {
    const { label, suggested, why, name } = photos[at], state = stateOf(at);
    fill(photo, at, LARGE);
    const line = (head, ...rest) => make("div", {}, make("span", { class: "head" }, head), make("span", {}, ...rest.filter((x) => x != null)));
    facts.replaceChildren(
      line("filed as", label ? make("em", {}, label) : "no species"),
      line("looks like", suggested.length ? make("em", {}, suggested[0]) : "–"),
      line("because", why || "–"),
      make("div", { class: `verdict ${state?.decision ?? ""}${state?.saving ? " saving" : ""}` }, make("span", { class: "head" }, "decision"), make("span", {}, ...verdict(state).filter((x) => x != null))),
      make("div", { class: "name", title: name }, name),
    );
    if (choices.dataset.row === String(at)) return; // a button that is being pressed must stay
    choices.dataset.row = at;
    const button = (kind, shortcut, press, ...text) => make("button", { class: kind, onclick: press }, ...text, key(shortcut));
    choices.replaceChildren(
      ...(label ? [button("confirm", "Enter", () => act("confirm"), "Keep")] : []),
      button("drop", "d", () => act("drop"), "Drop"),
      button("undo", "u", undo, "Undo"),
      button("page", "a", acceptPage, "Keep the rest"),
      make("i", { class: "row" }), // what is always there stays where it is; below it, what differs by photo
      ...offered(at).slice(0, 9).map((each, i) => button("relabel", i + 1, () => suggest(i), make("em", {}, each))),
      other,
    );
  }

  function drawGrid() {
    const first = Math.floor(place / page) * page, last = Math.min(first + page, shown.length);
    while (grid.children.length > last - first) grid.lastChild.remove();
    for (let i = first; i < last; i++) {
      const row = shown[i];
      let tile = grid.children[i - first];
      if (!tile) {
        tile = make("button", { tabindex: -1, onclick: (event) => move(shown.indexOf(Number(event.currentTarget.dataset.row))) },
          make("div", { class: "photo" }), make("div", { class: "label" }));
        grid.append(tile);
      }
      const state = stateOf(row), called = state?.decision === "relabel" ? state.species : photos[row].label || "no species";
      tile.dataset.row = row;
      tile.className = `tile ${state?.decision ?? ""}${state?.saving ? " saving" : ""}${row === at ? " here" : ""}`;
      tile.title = `${row + 1}. ${photos[row].name}`;
      fill(tile.firstChild, row, SMALL);
      tile.lastChild.replaceChildren(...(state ? [sign(state)] : []), make("em", {}, called));
    }
    where.textContent = `page ${Math.floor(place / page) + 1} of ${Math.ceil(shown.length / page)}`;
    back.disabled = first === 0;
    on.disabled = last === shown.length;
  }

  function draw() {
    if (!opened) return;
    root.classList.toggle("empty", !photos.length);
    if (!photos.length) {
      told.textContent = "Nothing to review.";
      return;
    }
    const counts = Object.keys(SIGNS).map((name) => states.filter((state) => state?.decision === name).length);
    const done = counts.reduce((a, b) => a + b);
    const each = ["kept", "relabelled", "dropped"].map((word, i) => `${counts[i]} ${word}`).join(", ");
    told.replaceChildren(make("b", {}, `${done} of ${photos.length} decided`), done ? `  ${each}` : "", sent.size ? `, saving ${sent.size}` : "");
    parts.forEach((part, i) => (part.style.width = `${(100 * counts[i]) / photos.length}%`));
    drawStage();
    drawGrid();
    pump();
  }

  // ---- photos: a few at a time, what is looked at first, so that a key never waits for a page ----
  function pump() {
    if (asked) return;
    const first = Math.floor(place / page) * page;
    const thumbs = (from) => Array.from({ length: page }, (_, i) => [shown[from + i], SMALL]);
    const wanted = [[at, LARGE], ...thumbs(first), [shown[place + 1], LARGE], [shown[place + 2], LARGE], ...thumbs(first + page)];
    const missing = wanted.filter(([row, size]) => row !== undefined && !pictures.has(`${row}/${size}`));
    if (!missing.length) return;
    asked = `${me}/${number++}`;
    model.send({ do: "photos", id: asked, want: missing.slice(0, 6), soon: missing.slice(6, 24) });
  }

  function keep(want, problems, buffers) {
    want.forEach(([row, size], i) => {
      const url = problems[i] ? null : URL.createObjectURL(new Blob([buffers[i]], { type: "image/jpeg" }));
      pictures.set(`${row}/${size}`, url ? { url } : { problem: problems[i] });
    });
    const large = [...pictures.keys()].filter((name) => name.endsWith(`/${LARGE}`) && Math.abs(parseInt(name) - at) > 2);
    for (const name of large.slice(0, -40)) {
      URL.revokeObjectURL(pictures.get(name).url);
      pictures.delete(name);
    }
  }

  function hear(message, buffers) {
    if (message.do === "open" && !opened) {
      ({ photos, species, states, choices: digits, page } = message);
      grid.classList.toggle("many", page > 20);
      opened = true;
      folded = species.map(fold);
      root.append(names);
      shown = photos.map((_, row) => row);
      stand(states.findIndex((state) => !state));
    } else if (message.do === "photos") {
      if (message.id === asked) asked = null;
      keep(message.want, message.problems, buffers);
    } else if (message.do === "saved") {
      sent.delete(message.id);
      if (!sent.size && trouble.textContent.startsWith(LATE)) trouble.textContent = "";
      for (const row of message.rows) states[row] = message.state;
    } else if (message.do === "refused") {
      const refused = sent.get(message.id);
      sent.delete(message.id);
      if (refused) {
        goTo(refused.rows[0]);
        say(`Not saved: ${message.why}`);
      }
    }
    draw();
  }

  model.on("msg:custom", hear);
  model.send({ do: "open" });
  return () => {
    model.off("msg:custom", hear);
    for (const { url } of pictures.values()) if (url) URL.revokeObjectURL(url);
  };
}

export default { render };
