// What every page does: elements, light and dark, a window with the keys, and words for
// screen readers. Pages find it as the global Page.
"use strict";
const Page = (() => {
  // el makes an element: el("li", {class: "x", onclick: f}, "text", child).
  function el(tag, attributes, ...children) {
    return fill(document.createElement(tag), attributes, children);
  }
  function svg(tag, attributes, ...children) {
    return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
  }
  function fill(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value === undefined || value === null || value === false) continue;
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else node.setAttribute(name, value === true ? "" : value);
    }
    for (const child of children.flat()) {
      if (child !== undefined && child !== null && child !== false) node.append(child);
    }
    return node;
  }

  const byID = (id) => document.getElementById(id);
  const data = (id) => JSON.parse(byID(id).textContent);

  // The theme is the address's (?theme=dark), else the one chosen before, else the system's.
  const themeListeners = [];
  function theme() { return document.documentElement.dataset.theme; }
  function setTheme(name) {
    document.documentElement.dataset.theme = name;
    for (const f of themeListeners) f(name);
  }
  function remember(name) {
    try { localStorage.setItem("pegasus-reference-theme", name); } catch { /* a page from a file may have no storage */ }
  }
  function remembered() {
    try { return localStorage.getItem("pegasus-reference-theme"); } catch { return null; }
  }
  function firstTheme() {
    for (const name of [new URLSearchParams(location.search).get("theme"), remembered()]) {
      if (name === "dark" || name === "light") return name;
    }
    return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }
  function toggleTheme() {
    setTheme(theme() === "dark" ? "light" : "dark");
    remember(theme());
  }
  setTheme(firstTheme());
  let before = null;
  addEventListener("beforeprint", () => { before = theme(); setTheme("light"); });
  addEventListener("afterprint", () => { if (before) setTheme(before); before = null; });

  // keys binds keys: [{keys: ["t"], label: "T", does: "light or dark", run: f}]. They do
  // nothing while somebody types, or with a modifier.
  let bindings = [];
  function keys(list) { bindings = list; }
  addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.altKey || e.metaKey || e.defaultPrevented) return;
    if (/^(INPUT|SELECT|TEXTAREA)$/.test(e.target.tagName) || document.querySelector("dialog[open]")) return;
    for (const b of bindings) {
      if (!b.keys.includes(e.key)) continue;
      if (b.run(e) !== false) e.preventDefault();
      return;
    }
  });

  // help shows what the keys do, and whatever else a page says about itself.
  function help(...more) {
    const window = el("dialog", {"aria-label": "Help"},
      el("h2", {}, "Keys"),
      el("dl", {}, bindings.flatMap((b) => [el("dt", {}, el("kbd", {}, b.label)), el("dd", {}, b.does)])),
      more,
      el("form", {method: "dialog"}, el("button", {}, "Close")));
    window.addEventListener("close", () => window.remove());
    document.body.append(window);
    window.showModal();
  }

  let live = null;
  function announce(text) {
    if (!live) { live = el("div", {class: "hidden", "aria-live": "polite"}); document.body.append(live); }
    live.textContent = text;
  }

  return {el, svg, byID, data, theme, toggleTheme, onTheme: (f) => themeListeners.push(f), keys, help, announce};
})();
