// The explorer: a behaviour is a list of states; the page shows one place in it, what led
// there and what can happen next. The list is in the address, so that a place can be kept.
"use strict";
(() => {
  const {el, svg, byID} = Page;
  const meta = Source.meta;
  const fairness = new Map(meta.actions.map((a) => [a.name, a.fairness]));

  let path = [];   // identifiers of the states of the behaviour
  let at = 0;      // the place in it that is shown
  let whole = null; // the view of the last state of path
  let here = null; // the view of the state shown
  let shown = null; // the counterexample that path is, or null
  let checked = {done: false, counterexamples: []};

  // --- moving -------------------------------------------------------------------------

  async function show(newPath, place, counterexample) {
    const wanted = newPath.slice();
    try {
      const end = wanted.length ? await Source.at(wanted) : null;
      const now = wanted.length && place < wanted.length - 1 ? await Source.at(wanted.slice(0, place + 1)) : end;
      [path, at, whole, here, shown] = [wanted, place, end, now, counterexample || null];
    } catch (e) {
      Page.announce("Not possible: " + e.message);
      byID("onward-meaning").replaceChildren(el("span", {class: "bad"}, "✗ " + e.message));
      return;
    }
    const address = path.length ? "#at=" + at + (shown ? "&counterexample=" + checked.counterexamples.indexOf(shown) : "&path=" + path.join(",")) : "";
    history.replaceState(null, "", location.pathname + location.search + address);
    render();
  }

  async function restart() {
    const initial = await Source.initial();
    if (initial.length === 1) return show([initial[0].id], 0);
    return show([], 0);
  }

  const move = (place) => {
    if (place < 0 || place >= path.length || place === at) return;
    return show(path, place, shown);
  };
  // take a step; one along the behaviour that is shown keeps what lies ahead of it.
  function take(id) {
    if (path[at + 1] === id) return move(at + 1);
    return show(path.slice(0, path.length ? at + 1 : 0).concat(id), path.length ? at + 1 : 0);
  }
  function jump(i) {
    const c = checked.counterexamples[i];
    if (!c) return;
    return show(c.path, c.path.length - 1, c);
  }
  function jumpToNext() {
    if (!checked.counterexamples.length) return Page.announce("There is no counterexample.");
    return jump((checked.counterexamples.indexOf(shown) + 1) % checked.counterexamples.length);
  }

  // --- what can happen next -----------------------------------------------------------

  const tags = {
    weak: "fair: may not wait for ever", strong: "strongly fair: may not be enabled again and again in vain",
    unfair: "the environment's choice",
  };

  async function renderNext() {
    const list = byID("next");
    if (!path.length) {
      byID("onward-title").textContent = "Pick an initial state";
      byID("onward-meaning").textContent = "";
      const initial = await Source.initial();
      list.replaceChildren(...initial.map((n, i) => choice(i, n.fields.map((f) => f.name + ": " + f.value).join("; "), [], n)));
      return;
    }
    byID("onward-title").textContent = "What can happen next";
    const steps = here.next.filter((b) => !b.idle);
    byID("onward-meaning").textContent = steps.length ? "" : "Nothing: no step leads out of this state.";
    list.replaceChildren(...steps.map((b, i) => choice(i, b.text, [b.action, tags[fairness.get(b.action)]], b.to)));
  }

  // violated are the properties that a state violates by itself.
  const violated = (state) => (state ? state.judgements.filter((j) => (j.kind === "safety" || j.kind === "deadlock") && !j.holds).map((j) => j.property) : []);
  // newly are those that the state before it did not violate.
  const newly = (state, before) => violated(state).filter((name) => !violated(before).includes(name));
  const stateOf = (view) => (view && view.path.length ? view.path[view.path.length - 1].to : view && view.start);

  function choice(i, text, about, to) {
    const wrong = newly(to, stateOf(here));
    return el("li", {}, el("button", {
      onclick: () => take(to.id), disabled: !to, "data-step": i, class: to && path.length && path[at + 1] === to.id ? "toward" : null,
    },
      el("kbd", {}, i < 9 ? String(i + 1) : "·"), el("span", {}, text),
      about.length ? el("span", {class: "tags"}, about.filter(Boolean).join(" · ")) : null,
      wrong.length ? el("span", {class: "tags violates"}, "✗ violates " + wrong.join(", ")) : null,
      to ? null : el("span", {class: "tags"}, "leads out of this file: go on with the served explorer")));
  }

  // --- what has happened --------------------------------------------------------------

  function renderSteps() {
    byID("lanes").replaceChildren(...meta.lanes.map((l) => el("span", {}, l)));
    const rows = [];
    if (path.length) rows.push(row(0, "initially", [], whole.start, null));
    (whole ? whole.path : []).forEach((b, i) => {
      if (shown && shown.cycle === i && !shown.stutter) {
        rows.push(el("li", {class: "divider"}, "↻ from here on, for ever (steps " + (i + 1) + " to " + (path.length - 1) + " again and again):"));
      }
      rows.push(row(i + 1, b.text, b.signals, b.to, i ? whole.path[i - 1].to : whole.start));
    });
    if (shown && shown.stutter) {
      rows.push(el("li", {class: "divider"}, "↻ and stays like this for ever: nothing that must happen can happen"));
    }
    byID("steps").replaceChildren(...rows);
    const current = document.querySelector("[aria-current]");
    if (current) current.scrollIntoView({block: "nearest"});
  }

  function row(i, text, signals, state, before) {
    const wrong = violated(state), first = newly(state, before);
    const inCycle = shown && shown.cycle >= 0 && !shown.stutter && i > shown.cycle;
    return el("li", {
      class: ["step", i > at ? "ahead" : "", inCycle ? "cycle" : "", wrong.length ? "violating" : ""].join(" ").trim(),
      "aria-current": i === at ? "step" : null, "data-place": i, onclick: () => move(i),
    },
      el("div", {class: "words"}, el("span", {class: "number"}, String(i)), el("span", {}, text),
        first.length ? el("span", {class: "remark bad"}, "✗ violates " + first.join(", ")) : null,
        wrong.length && !first.length ? el("span", {class: "remark bad", title: "still violates " + wrong.join(", ")}, "✗") : null),
      diagram(signals));
  }

  const arrowHeight = 25;

  // diagram draws the signals of one step; the lanes go on from step to step.
  function diagram(signals) {
    const n = meta.lanes.length;
    const x = (lane) => (meta.lanes.indexOf(lane) + 0.5) / n * 100;
    const height = Math.max(30, signals.length * arrowHeight + 8);
    const box = el("div", {class: "diagram"}, meta.lanes.map((l) => {
      const line = el("span", {class: "lifeline"});
      line.style.left = x(l) + "%";
      return line;
    }));
    box.style.minHeight = height + "px";
    const drawing = svg("svg", {height, role: "img", "aria-label": signals.map(inWords).join("; ") || "nothing is sent"});
    drawing.style.top = "calc(50% - " + height / 2 + "px)";
    signals.forEach((s, i) => drawing.append(...(s.from === s.to ? place(s, i, x(s.from)) : arrow(s, i, x(s.from), x(s.to)))));
    box.append(drawing);
    return box;
  }
  function inWords(s) {
    if (s.from === s.to) return s.text + " at " + s.from;
    return s.text + ", from " + s.from + " to " + s.to + (s.lost ? ", lost" : "");
  }
  function place(s, i, x) {
    const y = i * arrowHeight + 17;
    const right = x > 60 && meta.lanes.indexOf(s.from) === meta.lanes.length - 1; // the words go inwards
    return [
      svg("circle", {cx: x + "%", cy: y, r: 5}),
      svg("text", {x: x + "%", y: y + 4, dx: right ? -10 : 10, "text-anchor": right ? "end" : "start"}, s.text),
    ];
  }
  function arrow(s, i, from, to) {
    const y = i * arrowHeight + 21;
    const way = Math.sign(to - from);
    const end = s.lost ? from + (to - from) * 0.7 : to;
    const head = svg("svg", {x: end + "%", y, overflow: "visible"}, s.lost
      ? svg("path", {class: "lost", d: "M-5,-5L5,5M-5,5L5,-5"})
      : svg("path", {d: way > 0 ? "M0,0L-9,-4.5L-9,4.5Z" : "M0,0L9,-4.5L9,4.5Z"}));
    return [
      svg("line", {x1: from + "%", x2: end + "%", y1: y, y2: y, class: s.lost ? "lost" : null}), head,
      svg("text", {x: (from + to) / 2 + "%", y: y - 6, "text-anchor": "middle"}, s.text + (s.lost ? " (lost)" : "")),
    ];
  }

  // --- the state ----------------------------------------------------------------------

  function words(j) {
    switch (j.kind) {
      case "liveness": return j.holds ? ["true", "✓", "nothing owed"] : ["open", "…", "owed"];
      case "reachability": return j.holds ? ["true", "★", "reached"] : ["open", "·", "not here"];
    }
    return j.holds ? ["true", "✓", "true"] : ["false", "✗", "FALSE"];
  }

  function renderState() {
    if (!here) { byID("properties").replaceChildren(); byID("fields").replaceChildren(); return; }
    const last = here.path[here.path.length - 1];
    const state = stateOf(here);
    byID("properties").replaceChildren(...state.judgements.map((j) => {
      const [truth, sign, word] = words(j);
      return el("li", {class: truth, "data-property": j.property},
        el("span", {class: "sign", "aria-hidden": "true"}, sign), el("span", {}, j.property + " ", el("span", {class: "faint"}, j.kind)),
        el("span", {class: "word"}, word));
    }));
    const changes = new Map((last ? last.changes : []).map((c) => [c.name, c]));
    const rows = state.fields.map((f) => field(f.name, f.value, changes.get(f.name)));
    for (const c of changes.values()) {
      if (!state.fields.some((f) => f.name === c.name)) rows.push(field(c.name, "", c));
    }
    byID("fields").replaceChildren(...rows);
    byID("fields-title").textContent = "The state after step " + at;
  }
  function field(name, value, change) {
    return el("tr", {class: change ? "changed" : null},
      el("th", {scope: "row"}, (change ? "▸ " : "") + name),
      el("td", {}, change ? [el("del", {}, change.before || "–"), " → ", el("ins", {}, value || "–")] : value));
  }

  // --- the head -----------------------------------------------------------------------

  function renderHead() {
    byID("back").disabled = at === 0;
    byID("forward").disabled = at >= path.length - 1;
    const verdict = byID("verdict");
    if (!checked.done) {
      const p = checked.progress;
      verdict.replaceChildren(el("span", {class: "chip note"}, "… looking for counterexamples" + (p && p.distinct ? ": " + p.distinct.toLocaleString("en") + " states so far" : "")));
    } else if (checked.error) {
      verdict.replaceChildren(el("span", {class: "chip bad"}, "✗ the check failed: " + checked.error));
    } else {
      const r = checked.report;
      const states = r.distinct.toLocaleString("en") + " states" + (r.complete ? ", all" : ", not all") + (r.search.unjudged.length ? "; liveness not judged: " + r.search.unjudged.join(", ") : "");
      const [kind, text] = {held: ["good", "✓ every property holds"], violation: ["bad", "✗ " + r.violations.length + (r.violations.length === 1 ? " property is violated" : " properties are violated")]}[r.verdict]
        || ["note", "? inconclusive"];
      verdict.replaceChildren(el("span", {class: "chip " + kind}, text), " ", el("span", {class: "faint"}, "(" + states + ")"));
    }
    const many = checked.counterexamples.length;
    byID("counterexamples").replaceChildren(many ? el("span", {class: "faint"}, many === 1 ? "Counterexample: " : "Counterexamples: ") : "", ...checked.counterexamples.flatMap((c, i) => [el("button", {
      onclick: () => jump(i), "aria-pressed": String(shown === c), title: "the shortest behaviour that violates " + c.property + " (C)", "data-counterexample": i,
    }, "✗ " + c.property), " "]));
  }

  function renderAsked() {
    byID("name").textContent = meta.spec;
    document.documentElement.style.setProperty("--lanes", meta.lanes.length);
    document.title = meta.spec + " - explorer";
    const chips = [["configuration", meta.config], ["server", meta.server], ["authentication", meta.auth]]
      .filter(([, v]) => v).map(([k, v]) => el("span", {class: "chip"}, k + " " + v));
    for (const s of meta.switches) chips.push(el("span", {class: "chip bad"}, "with " + s));
    if (Source.offline) {
      chips.push(el("span", {class: "chip note", title: meta.states_complete ? "every state" : "the states nearest to the beginning, and every counterexample"},
        meta.states.toLocaleString("en") + (meta.states_complete ? " states, all" : " states in this file")));
    }
    byID("asked").replaceChildren(...chips.flatMap((c) => [c, " "]));
  }

  function render() { renderHead(); renderNext(); renderSteps(); renderState(); }

  // --- the beginning ------------------------------------------------------------------

  function moveFocus(by) {
    const buttons = [...document.querySelectorAll("#next button:not(:disabled)")];
    const now = buttons.indexOf(document.activeElement);
    const next = buttons[now < 0 ? (by > 0 ? 0 : buttons.length - 1) : (now + by + buttons.length) % buttons.length];
    if (next) next.focus();
  }
  function press(e) {
    const button = document.querySelector(`#next button[data-step="${Number(e.key) - 1}"]`);
    if (button) button.click();
  }
  function showHelp() {
    Page.help(
      Page.el("h2", {}, "Signs"),
      Page.el("dl", {},
        ...[["✓", "the property is true in this state; of liveness: nothing is owed"], ["✗", "the property is false in this state"],
          ["…", "owed: not true yet; a state that the property promises must still come; no violation yet"], ["★", "a state that must be reachable"],
          ["↻", "what follows is repeated for ever"], ["▸", "the field changed in the latest step"]]
          .flatMap(([s, w]) => [Page.el("dt", {}, s), Page.el("dd", {}, w)])),
      Page.el("h2", {}, "Constants"),
      Page.el("p", {class: "mono"}, Object.entries(meta.constants).map(([k, v]) => k + "=" + v).join(", ")));
  }
  Page.keys([
    {keys: ["1", "2", "3", "4", "5", "6", "7", "8", "9"], label: "1 … 9", does: "take that step", run: press},
    {keys: ["ArrowDown", "j"], label: "↓ J", does: "to the next step in the list (Enter takes it)", run: () => moveFocus(1)},
    {keys: ["ArrowUp", "k"], label: "↑ K", does: "to the one before", run: () => moveFocus(-1)},
    {keys: ["ArrowLeft", "Backspace", "u"], label: "← U", does: "one step back", run: () => { move(at - 1); }},
    {keys: ["ArrowRight"], label: "→", does: "one step forward, where one lies ahead", run: () => { move(at + 1); }},
    {keys: ["Home"], label: "Home", does: "to the beginning of the behaviour", run: () => { move(0); }},
    {keys: ["End"], label: "End", does: "to its end", run: () => { move(path.length - 1); }},
    {keys: ["c"], label: "C", does: "to the next counterexample", run: () => { jumpToNext(); }},
    {keys: ["r"], label: "R", does: "a new behaviour", run: () => { restart(); }},
    {keys: ["t"], label: "T", does: "light or dark", run: Page.toggleTheme},
    {keys: ["?"], label: "?", does: "this window", run: showHelp},
  ]);
  byID("restart").onclick = restart;
  byID("back").onclick = () => move(at - 1);
  byID("forward").onclick = () => move(at + 1);
  byID("theme").onclick = Page.toggleTheme;
  byID("help").onclick = showHelp;

  // watch asks for the checker's answer until there is one.
  async function watch() {
    try { checked = await Source.check(); } catch (e) { checked = {done: true, error: e.message, counterexamples: []}; }
    renderHead();
    if (!checked.done) setTimeout(watch, 400);
    return checked;
  }

  async function begin() {
    renderAsked();
    const wanted = new URLSearchParams(location.hash.slice(1));
    await watch();
    if (wanted.has("counterexample")) {
      await jump(Number(wanted.get("counterexample")));
      if (shown && wanted.has("at")) await move(Number(wanted.get("at")));
    } else if (wanted.get("path")) {
      const ids = wanted.get("path").split(",");
      await show(ids, Math.min(Math.max(Number(wanted.get("at") || 0), 0), ids.length - 1));
    }
    if (!here) await restart();
    document.body.dataset.ready = "yes";
  }
  begin();
})();
