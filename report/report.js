// The report's controls: explanation, filter, zoom, keys, the list of events.
"use strict";
(() => {
  const {el, byID} = Page;
  const T = Timeline, L = Lanes;
  const canvas = byID("lanes"), overview = byID("overview"), list = byID("list");
  const shown = T.groups.map(() => true);
  let matches = [];   // events that the filter lets through
  let selected = -1;  // an event

  // --- the head -----------------------------------------------------------------------

  function renderHead() {
    const s = T.summary;
    byID("title").textContent = s.title;
    const look = {held: ["good", "✓ held"], violation: ["bad", "✗ violation"]}[s.verdict] || ["note", "? " + s.verdict];
    byID("verdict").replaceChildren(el("span", {class: "chip " + look[0]}, look[1]));
    byID("sentences").replaceChildren(...s.explanation.map((x, i) => el("li", {}, el("button", {onclick: () => tell(i), title: "show it (" + (i + 1) + ")"},
      el("span", {class: "number"}, String(i + 1)), el("span", {class: "at"}, T.time(x.at_ns)), el("span", {}, x.text)))));
    byID("violations").replaceChildren(...s.violations.map((v) => el("li", {},
      el("span", {class: "chip " + (v.decides ? "bad" : "note")}, (v.decides ? "✗ " : "! ") + v.property), " ",
      v.decides ? null : el("span", {class: "faint"}, "told beside"))));
    const facts = s.facts.concat([{name: "again", value: s.repro}, {name: "events", value: T.count.toLocaleString("en") + " shown" + omitted(s.omissions)}]);
    byID("facts").replaceChildren(...facts.filter((f) => f.value).map((f) => el("div", {}, el("dt", {}, f.name), el("dd", {class: f.name === "again" ? "mono" : null}, f.value))));
    byID("violation").disabled = !s.violations.length;
  }
  function omitted(o) {
    const parts = [];
    if (o.hidden) parts.push(o.hidden.toLocaleString("en") + " arrivals of bytes and posts are not");
    if (o.middle) parts.push(o.middle.toLocaleString("en") + " in the middle are left out, after number " + o.after.toLocaleString("en"));
    return parts.length ? "; " + parts.join("; ") + ": events.ndjson has all" : "";
  }

  // tell shows what a sentence is about: its connection from the dial to the instant that
  // is told, in a row drawn tall.
  function tell(i) {
    const s = T.summary.explanation[i];
    if (!s) return;
    const c = T.connections.get(s.conn);
    clearFilter();
    if (c) {
      const key = c.pair.client + " " + c.pair.server;
      L.open(key);
      const since = s.at_ns - c.dialed;
      if (since < 5e7) L.show(c.dialed - 3e5, s.at_ns + Math.max(1.2e6, since * 0.6));
      else L.show(c.dialed - since * 0.05, s.at_ns + since * 0.1);
      L.reveal(key);
    } else if (s.node) {
      const half = Math.min(5e8, (T.span.to - T.span.from) / 2);
      L.show(s.at_ns - half, s.at_ns + half);
      L.reveal(s.node);
    } else {
      L.show(T.span.from, T.span.to);
    }
    select(eventOf(s));
    Page.announce(s.text);
  }
  function eventOf(s) {
    let best = -1;
    for (let i = L.firstEvent(s.at_ns); i < T.count && T.at[i] === s.at_ns; i++) {
      if (best < 0) best = i;
      if ((!s.conn || T.conn(i) === s.conn) && (!s.node || T.node(i) === s.node)) return i;
    }
    return best;
  }
  function toViolation() {
    const v = T.violations.find((x) => x.decides) || T.violations[0];
    if (!v) return;
    const half = Math.min(1e9, (T.span.to - T.span.from) / 2);
    L.show(v.at_ns - half, v.at_ns + half);
    Page.announce(v.property + ": " + v.what);
  }

  // --- filter -------------------------------------------------------------------------

  function renderKinds() {
    byID("kinds").replaceChildren(...T.groups.map((g, i) => el("button", {
      "aria-pressed": String(shown[i]), onclick: () => { shown[i] = !shown[i]; renderKinds(); filter(); }, title: "show or hide " + g.name,
    }, (shown[i] ? "☑ " : "☐ ") + g.name)));
  }
  function filter() {
    const words = byID("filter").value;
    matches = T.matching(words, shown);
    let flags = null;
    if (words.trim()) {
      flags = new Uint8Array(T.count);
      for (const i of matches) flags[i] = 1;
    }
    L.filter(shown, flags);
    byID("matches").textContent = matches.length.toLocaleString("en") + " of " + T.count.toLocaleString("en") + " events";
    renderList();
  }
  function clearFilter() {
    if (!byID("filter").value) return;
    byID("filter").value = "";
    filter();
  }

  // --- the list -----------------------------------------------------------------------

  // Rows of the list have one height, so that only those in sight need to be there.
  const rowHeight = 20;

  function renderList() {
    byID("rows").replaceChildren(); // old rows would keep the list as long as it was
    byID("rows").style.height = matches.length * rowHeight + "px";
    renderRows();
  }
  function renderRows() {
    const from = Math.max(0, Math.floor(list.scrollTop / rowHeight) - 4);
    const to = Math.min(matches.length, from + Math.ceil(list.clientHeight / rowHeight) + 8);
    const rows = [];
    for (let k = from; k < to; k++) rows.push(listRow(k));
    byID("rows").replaceChildren(...rows);
  }
  function listRow(k) {
    const i = matches[k];
    const row = el("div", {
      class: "event" + (T.isWrong(i) ? " wrong" : ""), role: "option", id: "event-" + i, "aria-selected": String(i === selected),
      onclick: () => { select(i); center(i); },
    }, el("span", {class: "at"}, T.time(T.at[i])), el("span", {}, T.node(i)), el("span", {"aria-hidden": "true"}, T.sign(i)), el("span", {class: "text"}, T.inWords(i)));
    row.style.top = k * rowHeight + "px";
    return row;
  }

  function select(i, keepList) {
    selected = i;
    L.select(i);
    byID("detail").textContent = i < 0 ? "" : T.time(T.at[i]) + "  " + T.node(i) + ": " + T.inWords(i);
    list.setAttribute("aria-activedescendant", i < 0 ? "" : "event-" + i);
    if (i >= 0 && !keepList) {
      const k = place(i);
      const y = k * rowHeight;
      if (y < list.scrollTop || y + rowHeight > list.scrollTop + list.clientHeight) list.scrollTop = Math.max(0, y - list.clientHeight / 2);
    }
    renderRows();
  }
  // place is where an event stands among those that the filter lets through, or would.
  function place(i) {
    let [low, high] = [0, matches.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (matches[middle] < i) low = middle + 1; else high = middle;
    }
    return low;
  }
  function center(i) {
    const t = T.at[i];
    if (t < L.view.from || t > L.view.to) {
      const half = (L.view.to - L.view.from) / 2;
      L.show(t - half, t + half);
    }
    L.reveal(L.rowKey(i));
  }
  function step(by) {
    if (!matches.length) return;
    let k = selected < 0 ? place(L.firstEvent(L.view.from)) : place(selected);
    if (selected >= 0 && (matches[k] === selected || by < 0)) k += by;
    const i = matches[Math.min(Math.max(k, 0), matches.length - 1)];
    select(i);
    center(i);
  }
  // follow scrolls the list to the beginning of what the lanes show.
  function follow() {
    if (selected >= 0 && T.at[selected] >= L.view.from && T.at[selected] <= L.view.to) return;
    list.scrollTop = place(L.firstEvent(L.view.from)) * rowHeight;
  }

  // --- the mouse ----------------------------------------------------------------------

  let drag = null;
  const point = (e) => { const r = canvas.getBoundingClientRect(); return [e.clientX - r.left, e.clientY - r.top]; };
  canvas.addEventListener("pointerdown", (e) => {
    const [x, y] = point(e);
    drag = {x, y, from: L.view.from, to: L.view.to, scroll: L.view.scroll, moved: false};
    canvas.setPointerCapture(e.pointerId);
  });
  canvas.addEventListener("pointermove", (e) => {
    const [x, y] = point(e);
    if (!drag) return hover(x, y);
    if (Math.abs(x - drag.x) + Math.abs(y - drag.y) > 4) drag.moved = true;
    if (!drag.moved) return;
    const shift = (x - drag.x) / (canvas.clientWidth - L.labelWidth) * (drag.to - drag.from);
    L.view.scroll = drag.scroll;
    L.show(drag.from - shift, drag.to - shift);
    L.scroll(drag.y - y);
  });
  canvas.addEventListener("pointerup", (e) => {
    const [x, y] = point(e);
    const clicked = drag && !drag.moved;
    drag = null;
    if (!clicked) return;
    const row = L.rowAt(y);
    if (x < L.labelWidth && row && row.pair) { L.toggle(row.key); return; }
    select(L.eventAt(x, y));
  });
  canvas.addEventListener("dblclick", (e) => L.zoom(0.25, L.timeAt(point(e)[0])));
  canvas.addEventListener("pointerleave", () => { byID("tip").hidden = true; });
  canvas.addEventListener("wheel", (e) => {
    e.preventDefault();
    const turn = e.deltaMode === 1 ? 30 : 1;
    if (e.ctrlKey || e.metaKey) L.zoom(Math.exp(e.deltaY * turn * 0.003), L.timeAt(point(e)[0]));
    else if (e.shiftKey || Math.abs(e.deltaX) > Math.abs(e.deltaY)) L.pan((e.deltaX || e.deltaY) * turn * 0.001);
    else L.scroll(e.deltaY * turn);
  }, {passive: false});
  function hover(x, y) {
    const i = L.eventAt(x, y);
    const tip = byID("tip");
    tip.hidden = i < 0;
    if (i < 0) return;
    tip.textContent = T.time(T.at[i]) + "  " + T.node(i) + ": " + T.inWords(i);
    tip.style.left = Math.min(x + 14, canvas.clientWidth - tip.offsetWidth - 6) + "px";
    tip.style.top = Math.min(y + 16, canvas.clientHeight - tip.offsetHeight - 6) + "px";
  }
  function overviewTime(e) {
    const r = overview.getBoundingClientRect();
    return T.span.from + (e.clientX - r.left) / r.width * (T.span.to - T.span.from);
  }
  let brush = null;
  overview.addEventListener("pointerdown", (e) => { brush = overviewTime(e); overview.setPointerCapture(e.pointerId); });
  overview.addEventListener("pointermove", (e) => {
    if (brush === null) return;
    const t = overviewTime(e);
    if (Math.abs(t - brush) > (T.span.to - T.span.from) / 300) L.show(Math.min(t, brush), Math.max(t, brush));
  });
  overview.addEventListener("pointerup", (e) => {
    const t = overviewTime(e);
    if (Math.abs(t - brush) <= (T.span.to - T.span.from) / 300) {
      const half = (L.view.to - L.view.from) / 2;
      L.show(t - half, t + half);
    }
    brush = null;
  });
  list.addEventListener("scroll", renderRows);

  // --- keys ---------------------------------------------------------------------------

  const signs = [
    ["▨ hatched", "negotiating, or a node that is down"], ["□ plain", "session ready"], ["┄ dotted", "dialing"], ["✕", "dial failed"],
    ["╌ dashed line", "negotiation frame"], ["— line", "request or answer"], ["! thick", "request before its negotiation has succeeded"],
    ["⊘", "server fell silent"], ["✗", "failed"], ["?", "outcome unknown"], ["×", "frame never read"], ["⚡", "fault"],
  ];
  function showHelp() {
    Page.help(Page.el("h2", {}, "Signs"), Page.el("dl", {}, signs.flatMap(([s, w]) => [Page.el("dt", {}, s), Page.el("dd", {}, w)])),
      Page.el("p", {}, "Mouse: drag moves, the wheel scrolls rows, with Shift time, with Ctrl it zooms; a click on a row's name draws it tall; a double click zooms in. In the strip above the lanes a drag chooses a part of the run."));
  }
  Page.keys([
    {keys: ["ArrowLeft", "a"], label: "← A", does: "earlier", run: () => L.pan(-0.2)},
    {keys: ["ArrowRight", "d"], label: "→ D", does: "later", run: () => L.pan(0.2)},
    {keys: ["+", "=", "w"], label: "+ W", does: "zoom in", run: () => L.zoom(0.5, focus())},
    {keys: ["-", "s"], label: "- S", does: "zoom out", run: () => L.zoom(2, focus())},
    {keys: ["0", "f"], label: "0 F", does: "the whole run", run: () => L.show(T.span.from, T.span.to)},
    {keys: ["ArrowDown"], label: "↓", does: "rows further down", run: () => L.scroll(40)},
    {keys: ["ArrowUp"], label: "↑", does: "rows further up", run: () => L.scroll(-40)},
    {keys: ["n", "j"], label: "N J", does: "to the next event", run: () => step(1)},
    {keys: ["p", "k"], label: "P K", does: "to the event before", run: () => step(-1)},
    {keys: ["Enter", "e"], label: "Enter E", does: "draw the selected event's row tall, or not", run: (e) => (selected >= 0 && e.target.tagName !== "BUTTON" ? L.toggle(L.rowKey(selected)) : false)},
    {keys: ["v"], label: "V", does: "to the violation", run: toViolation},
    {keys: ["1", "2", "3", "4", "5", "6", "7", "8", "9"], label: "1 … 9", does: "to that sentence of the explanation", run: (e) => tell(Number(e.key) - 1)},
    {keys: ["/"], label: "/", does: "filter; Escape leaves it", run: () => byID("filter").focus()},
    {keys: ["Escape"], label: "Esc", does: "no filter, nothing selected", run: () => { clearFilter(); select(-1); }},
    {keys: ["t"], label: "T", does: "light or dark", run: Page.toggleTheme},
    {keys: ["?"], label: "?", does: "this window", run: showHelp},
  ]);
  const focus = () => (selected >= 0 && T.at[selected] >= L.view.from && T.at[selected] <= L.view.to ? T.at[selected] : undefined);
  let typing = 0;
  byID("filter").addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(filter, 150); });
  byID("filter").addEventListener("keydown", (e) => {
    if (e.key === "Enter") { filter(); canvas.focus(); }
    if (e.key === "Escape") { clearFilter(); canvas.focus(); }
  });
  byID("violation").onclick = toViolation;
  byID("in").onclick = () => L.zoom(0.5, focus());
  byID("out").onclick = () => L.zoom(2, focus());
  byID("fit").onclick = () => L.show(T.span.from, T.span.to);
  byID("theme").onclick = Page.toggleTheme;
  byID("help").onclick = showHelp;
  Page.onTheme(() => L.drawNow());
  // --- paper --------------------------------------------------------------------------

  // On paper every row is there, on sheets of their own. A sheet fits A4 and Letter across,
  // with the margins that the style has, so that nothing is made smaller to fit.
  const paper = {width: 970, height: 660};

  function renderSheets() {
    const list = L.sheets(paper.height);
    byID("sheets").replaceChildren(...list.map((rows, i) => {
      const sheet = el("canvas", {role: "img", "aria-label": "rows of sheet " + (i + 1)});
      L.drawSheet(sheet, rows, paper.width);
      const client = rows.find((row) => row.pair);
      return el("figure", {class: "sheet"}, el("figcaption", {}, (client ? client.pair.client : "nodes") + ", " +
        T.time(Math.max(0, L.view.from)) + " to " + T.time(L.view.to) + ": sheet " + (i + 1) + " of " + list.length), sheet);
    }));
  }
  addEventListener("beforeprint", renderSheets);
  addEventListener("afterprint", () => { byID("sheets").replaceChildren(); L.drawNow(); });

  // --- the beginning ------------------------------------------------------------------

  let kept = 0;
  function keep() {
    clearTimeout(kept);
    kept = setTimeout(() => {
      const f = byID("filter").value.trim();
      history.replaceState(null, "", location.pathname + location.search + "#from=" + Math.round(L.view.from) + "&to=" + Math.round(L.view.to) + (f ? "&filter=" + encodeURIComponent(f) : ""));
    }, 200);
  }
  function begin() {
    renderHead();
    renderKinds();
    byID("key").replaceChildren(...signs.map(([s, w]) => el("span", {}, s + " " + w)));
    const wanted = new URLSearchParams(location.hash.slice(1));
    byID("filter").value = wanted.get("filter") || "";
    L.layOut();
    filter();
    L.onShow(() => { follow(); keep(); });
    const at = (name) => Number(wanted.get(name) ?? NaN); // an address is somebody's typing: what is no number is not heeded
    L.show(T.span.from, T.span.to);
    if (wanted.has("sentence")) tell(at("sentence") - 1);
    else if (at("from") < at("to")) L.show(at("from"), at("to"));
    new ResizeObserver(() => { L.layOut(); L.drawNow(); renderRows(); }).observe(canvas);
    document.body.dataset.ready = "yes";
  }
  begin();
})();
