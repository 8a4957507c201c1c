// Acts as a user of the page would and notes what is seen; browser.Drive reads the notes.
"use strict";
const Driver = (() => {
  const errors = [];
  addEventListener("error", (e) => errors.push("script: " + e.message));
  addEventListener("unhandledrejection", (e) => errors.push("promise: " + e.reason));
  addEventListener("securitypolicyviolation", (e) => errors.push("policy: " + e.violatedDirective + " " + e.blockedURI));

  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  async function until(what, seen) {
    for (let i = 0; i < 200; i++) {
      const value = seen();
      if (value) return value;
      await pause(25);
    }
    throw new Error("waited in vain for " + what);
  }
  function find(selector) {
    const node = document.querySelector(selector);
    if (!node) throw new Error("nothing matches " + selector);
    return node;
  }
  const d = {
    pause, until, find,
    all: (selector) => [...document.querySelectorAll(selector)],
    text: (selector) => find(selector).textContent.trim(),
    async press(key, options) {
      (document.activeElement || document.body).dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true, ...options}));
      await pause(60);
    },
    async click(selector) { find(selector).click(); await pause(60); },
    check(truth, what) { if (!truth) throw new Error(what); },
  };
  async function run(steps) {
    let result = null;
    try {
      await until("the page to be ready", () => document.body.dataset.ready === "yes");
      result = await steps(d);
    } catch (e) {
      errors.push("steps: " + e.message);
    }
    const notes = document.createElement("pre");
    notes.id = "driver-result";
    notes.textContent = JSON.stringify({errors, result});
    document.body.append(notes);
  }
  return {run};
})();
