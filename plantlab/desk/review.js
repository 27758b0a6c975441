// The browser's side of widgets.Review. Python owns the decisions and the photos; here are only the place and the keys.
// All text goes in as text, never as HTML: a species may be called anything.

const SMALL = 160, LARGE = 640; // pixels, the longer side
const SLOW = 2000; // milliseconds until a decision that is not yet saved is spoken of
const LATE = "Not saved yet:";
const SIGNS = { confirm: "✓", relabel: "→", drop: "×" };
const KEYS = "Enter keep · 1 to 9 take a suggestion · o another · a keep the rest of the page · d drop · u undo · arrows and Page keys move";

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
  let photos = [], species = [], states = [], digits = [], page = 12, at = 0, asked = null, opened = false;
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
  const trouble = make("div", { class: "trouble", role: "alert" });
  const root = make(
    "div",
    { class: "plantlab-review", tabindex: 0, role: "group", "aria-label": "Photos to review", "data-lm-suppress-shortcuts": "true" },
    make("div", { class: "head" }, told, make("span", { class: "pager" }, back, where, on)),
    make("div", { class: "bar" }, ...parts),
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
    for (let step = 1; step < photos.length; step++) {
      const next = (rows.at(-1) + step) % photos.length;
      if (!stateOf(next)) {
        at = next;
        break;
      }
    }
    draw();
  }

  function acceptPage() { // one message, one write
    const first = Math.floor(at / page) * page;
    const rows = photos.slice(first, first + page).map((_, i) => first + i).filter((row) => photos[row].label && !stateOf(row));
    if (rows.length) act("confirm", "", rows);
    else say("Nothing is left on this page.");
  }

  function undo() {
    let rows = stateOf(at) ? [at] : history.pop();
    while (rows && !rows.some(stateOf)) rows = history.pop();
    if (!rows) return say("Nothing to undo.");
    at = rows[0];
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

  function called(start) {
    const near = species.filter((name) => name.toLowerCase().startsWith(start.toLowerCase()));
    return near.length === 1 ? near[0] : start; // Python says no to what is no species
  }

  function say(text) {
    trouble.textContent = text;
  }

  // ---- moving about ----
  function move(to) {
    at = Math.max(0, Math.min(photos.length - 1, to));
    trouble.textContent = "";
    draw();
  }

  function turn(by) {
    const to = Math.floor(at / page) + by;
    if (to >= 0 && to * page < photos.length) move(to * page);
    root.focus({ preventScroll: true });
  }

  function columns() {
    return getComputedStyle(grid).gridTemplateColumns.split(" ").length;
  }

  const bound = {
    Enter: () => act("confirm"), y: () => act("confirm"), r: () => suggest(0), a: acceptPage, d: () => act("drop"), Delete: () => act("drop"),
    u: undo, Backspace: undo, o: () => other.focus(), "/": () => other.focus(), Escape: () => root.blur(),
    ArrowLeft: () => move(at - 1), ArrowRight: () => move(at + 1), Home: () => move(0), End: () => move(photos.length - 1),
    ArrowUp: () => move(at - columns()), ArrowDown: () => move(at + columns()), PageUp: () => turn(-1), PageDown: () => turn(1),
  };

  root.addEventListener("keydown", (event) => {
    event.stopPropagation(); // nothing here is meant for the notebook
    if (event.ctrlKey || event.metaKey || event.altKey) return;
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
    const { offsetTop: top, offsetHeight: height } = grid.children[at % page] ?? grid;
    if (grid.classList.contains("many")) grid.scrollTop = Math.min(top, Math.max(grid.scrollTop, top + height - grid.clientHeight));
  });
  root.addEventListener("click", (event) => event.target !== other && root.focus({ preventScroll: true }));
  other.addEventListener("blur", () => (other.value = ""));

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
    const first = Math.floor(at / page) * page, last = Math.min(first + page, photos.length);
    while (grid.children.length > last - first) grid.lastChild.remove();
    for (let row = first; row < last; row++) {
      let tile = grid.children[row - first];
      if (!tile) {
        tile = make("button", { tabindex: -1, onclick: (event) => move(Number(event.currentTarget.dataset.row)) },
          make("div", { class: "photo" }), make("div", { class: "label" }));
        grid.append(tile);
      }
      const state = stateOf(row), shown = state?.decision === "relabel" ? state.species : photos[row].label || "no species";
      tile.dataset.row = row;
      tile.className = `tile ${state?.decision ?? ""}${state?.saving ? " saving" : ""}${row === at ? " here" : ""}`;
      tile.title = `${row + 1}. ${photos[row].name}`;
      fill(tile.firstChild, row, SMALL);
      tile.lastChild.replaceChildren(...(state ? [sign(state)] : []), make("em", {}, shown));
    }
    where.textContent = `page ${Math.floor(at / page) + 1} of ${Math.ceil(photos.length / page)}`;
    back.disabled = first === 0;
    on.disabled = last === photos.length;
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
    const first = Math.floor(at / page) * page;
    const thumbs = (from) => Array.from({ length: page }, (_, i) => [from + i, SMALL]);
    const wanted = [[at, LARGE], ...thumbs(first), [at + 1, LARGE], [at + 2, LARGE], ...thumbs(first + page)];
    const missing = wanted.filter(([row, size]) => row < photos.length && !pictures.has(`${row}/${size}`));
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
      names.replaceChildren(...species.map((name) => make("option", { value: name })));
      root.append(names);
      at = Math.max(0, states.findIndex((state) => !state));
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
        at = refused.rows[0];
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
