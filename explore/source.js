// Where the explorer's states come from: the server that the page came from, or the part
// of the state space that is inside the page. Both answer at(path) with the same object,
// a state with the way to it and the steps out of it.
"use strict";
const Source = (() => {
  const meta = Page.data("meta");

  function online() {
    async function ask(address) {
      const answer = await fetch(address, {cache: "no-store"});
      if (!answer.ok) throw new Error(await answer.text());
      return answer.json();
    }
    return {
      initial: () => ask("initial"),
      at: (path) => ask("at?path=" + path.join(",")),
      check: () => ask("check"),
    };
  }

  // offline unpacks what offline.go packs: text is in one list, and everything else is
  // numbers that point into lists.
  function offline() {
    const packed = Page.data("states");
    const number = new Map(packed.ids.map((id, i) => [id, i]));
    const text = (i) => packed.text[i];

    function node(i) {
      const [schema, values, judgements] = packed.nodes[i];
      return {
        id: packed.ids[i],
        fields: packed.schemas[schema].map((name, k) => ({name: text(name), value: text(values[k])})),
        judgements: packed.judged.map((j, k) => ({...j, holds: judgements[k] === "1"})),
      };
    }
    function branch(from, packedEdge) {
      const [action, words, signals, to] = packedEdge;
      const target = to < 0 ? null : node(to);
      return {
        action: text(action), text: text(words), idle: false, to: target,
        signals: JSON.parse(text(signals)), changes: target ? difference(node(from), target) : [],
      };
    }
    function difference(from, to) {
      const before = new Map(from.fields.map((f) => [f.name, f.value]));
      const after = new Set(to.fields.map((f) => f.name));
      return [
        ...to.fields.filter((f) => before.get(f.name) !== f.value).map((f) => ({name: f.name, before: before.get(f.name) ?? "", after: f.value})),
        ...from.fields.filter((f) => !after.has(f.name)).map((f) => ({name: f.name, before: f.value, after: ""})),
      ];
    }
    function follow(path) {
      let here = number.get(path[0]);
      if (here === undefined || here >= packed.initial) throw new Error("the path does not begin in an initial state");
      const way = [];
      for (const id of path.slice(1)) {
        const to = number.get(id);
        const edge = packed.edges[here].find((e) => e[3] === to && to !== undefined);
        if (!edge) throw new Error("the path leads to a state that is not in this file");
        way.push(branch(here, edge));
        here = to;
      }
      return {start: node(number.get(path[0])), path: way, next: packed.edges[here].map((e) => branch(here, e))};
    }
    return {
      initial: async () => packed.ids.slice(0, packed.initial).map((_, i) => node(i)),
      at: async (path) => follow(path),
      check: async () => Page.data("check"),
    };
  }

  return {meta, offline: !meta.online, ...(meta.online ? online() : offline())};
})();
