// From columns of numbers to what is drawn: nodes, the connections between them, their
// frames, and each event in words.
"use strict";
const Timeline = (() => {
  const packed = Page.data("trace");
  const summary = Page.data("summary");
  const {text, count, columns} = packed;

  // Instants as numbers of nanoseconds: exact for runs of up to a hundred days.
  const at = new Float64Array(count);
  for (let i = 0, now = 0; i < count; i++) at[i] = now += columns.t[i];

  const kind = (i) => text[columns.kind[i]];
  const node = (i) => text[columns.node[i]];
  const peer = (i) => text[columns.peer[i]];
  const rpc = (i) => text[columns.rpc[i]];
  const neg = (i) => text[columns.neg[i]];
  const code = (i) => text[columns.code[i]];
  const state = (i) => text[columns.state[i]];
  const note = (i) => text[columns.note[i]];
  const conn = (i) => columns.conn[i];
  const isAnswer = (i) => rpc(i).endsWith("_ACK");

  const end = count ? at[count - 1] : 0;
  const violations = summary.violations;
  const span = {from: 0, to: Math.max(end, ...violations.map((v) => v.at_ns), 1)};

  // --- rows ---------------------------------------------------------------------------

  const nodes = new Map();       // name -> {name, server, downs, operations, timers, executes, marks}
  const connections = new Map(); // number -> connection
  const pairs = new Map();       // "client server" -> {client, server, connections, frames, marks}
  const faults = [];             // {at, text}

  function nodeOf(name) {
    let n = nodes.get(name);
    if (!n) {
      n = {name, server: false, downs: [], operations: [], timers: [], executes: [], marks: []};
      nodes.set(name, n);
    }
    return n;
  }
  function pairOf(client, server) {
    const key = client + " " + server;
    let p = pairs.get(key);
    if (!p) {
      p = {client, server, connections: [], frames: [], marks: []};
      pairs.set(key, p);
    }
    return p;
  }

  const negotiates = columns.neg.some((n) => n > 0) || text.includes("negotiation"); // else no request is early
  const waiting = new Map(); // connection and direction -> frames that were written and not read
  const called = new Map();  // operation -> its bar

  function onFrame(i, c) {
    const up = !isAnswer(i);
    const key = conn(i) * 2 + (up ? 1 : 0);
    if (kind(i) === "frame-out") {
      if (neg(i)) c.negotiates = true;
      const f = {out: at[i], in: -1, up, event: i, read: -1, early: false, wrong: false};
      if (up && negotiates && !neg(i) && c.granted < 0) f.early = true;
      if (!up && code(i) && code(i) !== "ERR_OK") f.wrong = true;
      c.pair.frames.push(f);
      if (!waiting.has(key)) waiting.set(key, []);
      waiting.get(key).push(f);
      if (!up && neg(i) === "SASL_SUCC" && c.granted < 0) c.success = f;
      return;
    }
    const f = (waiting.get(key) || []).shift();
    if (!f) return;
    [f.in, f.read] = [at[i], i];
    if (f === c.success) c.granted = at[i];
  }

  const handlers = {
    "node-up": (i) => {
      const n = nodeOf(node(i));
      const last = n.downs[n.downs.length - 1];
      if (last && last.to < 0) last.to = at[i];
    },
    "node-down": (i) => {
      const n = nodeOf(node(i));
      n.downs.push({from: at[i], to: -1, event: i});
      for (const bar of n.operations) { // nobody will be told how they end
        if (bar.to < 0) [bar.to, bar.state, bar.end] = [at[i], "unknown", i];
      }
    },
    "listen": (i) => { nodeOf(node(i)).server = true; },
    "dial": (i) => {
      const pair = pairOf(node(i), peer(i));
      const c = {id: conn(i), pair, dialed: at[i], up: -1, granted: -1, ended: -1, failed: false, refused: false, negotiates: false, event: i, success: null};
      pair.connections.push(c);
      connections.set(c.id, c);
    },
    "connected": (i, c) => { if (c) c.up = at[i]; },
    "dial-failed": (i, c) => { if (c) { [c.ended, c.refused] = [at[i], true]; } },
    "frame-out": (i, c) => { if (c) onFrame(i, c); },
    "frame-in": (i, c) => { if (c) onFrame(i, c); },
    "close": (i, c) => ends(i, c),
    "closed": (i, c) => ends(i, c),
    "timer": (i) => nodeOf(node(i)).timers.push(i),
    "session": (i, c) => mark(i, c),
    "credential": (i, c) => mark(i, c),
    "negotiation": (i, c) => {
      if (c && node(i) === c.pair.client && state(i) === "ok" && c.granted < 0) c.granted = at[i];
      if (state(i) === "ok") return;
      if (c && node(i) === c.pair.client) c.failed = true;
      mark(i, c);
    },
    "execute": (i) => nodeOf(node(i)).executes.push(i),
    "invoke": (i) => {
      const bar = {from: at[i], to: -1, state: "", event: i, end: -1};
      nodeOf(node(i)).operations.push(bar);
      called.set(columns.op[i], bar);
    },
    "return": (i) => {
      const bar = called.get(columns.op[i]);
      if (bar) { [bar.to, bar.state, bar.end] = [at[i], state(i), i]; called.delete(columns.op[i]); }
    },
    "fault": (i) => faults.push({at: at[i], event: i}),
  };
  function ends(i, c) {
    if (c && node(i) === c.pair.client && c.ended < 0) c.ended = at[i];
  }
  function mark(i, c) {
    if (c) c.pair.marks.push(i);
    else nodeOf(node(i)).marks.push(i);
  }

  for (let i = 0; i < count; i++) {
    if (node(i)) nodeOf(node(i));
    const handle = handlers[kind(i)];
    if (handle) handle(i, connections.get(conn(i)));
  }
  for (const n of nodes.values()) {
    for (const d of n.downs) if (d.to < 0) d.to = span.to;
  }
  // The longest time between two instants of one thing, so that a search by the first finds it.
  for (const p of pairs.values()) {
    // A connection that bears other frames than ours, as to a KDC, is of use once it is up.
    for (const c of p.connections) if (!c.negotiates && !c.failed && c.granted < 0) c.granted = c.up;
    for (const c of p.connections) c.until = c.ended < 0 ? span.to : c.ended;
    p.longestFrame = longest(p.frames, (f) => (f.in < 0 ? 0 : f.in - f.out));
    p.longestConnection = longest(p.connections, (c) => c.until - c.dialed);
  }
  function longest(list, length) {
    let most = 0;
    for (const thing of list) most = Math.max(most, length(thing));
    return most;
  }

  // --- words --------------------------------------------------------------------------

  const time = (ns) => {
    const s = (Math.abs(ns) / 1e9).toFixed(6);
    return (ns < 0 ? "-" : "") + s + " s";
  };
  const on = (i) => (conn(i) ? "c" + conn(i) + ": " : "");
  const size = (i) => (columns.size[i] ? ", " + columns.size[i] + " bytes" : "");
  function duration(ns) {
    if (ns < 1e4) return ns + " ns";
    if (ns < 1e6) return (ns / 1e3).toFixed(1) + " µs";
    if (ns < 1e9) return (ns / 1e6).toFixed(3) + " ms";
    return (ns / 1e9).toFixed(3) + " s";
  }
  const frame = (i) => (neg(i) || rpc(i)) + (code(i) && code(i) !== "ERR_OK" ? " " + code(i) : "") + ", sequence " + columns.seq[i] + size(i) + (columns.first[i] ? ", first on this connection" : "") + (note(i) ? ": " + note(i) : "");
  const words = {
    "node-up": () => "starts", "node-down": (i) => "goes down: " + note(i), "listen": (i) => "listens on " + note(i),
    "dial": (i) => on(i) + "dials " + peer(i), "connected": (i) => on(i) + "is up, to " + peer(i),
    "dial-failed": (i) => on(i) + "dial to " + peer(i) + " failed: " + note(i), "accept": (i) => on(i) + "accepts " + peer(i),
    "frame-out": (i) => on(i) + "writes " + frame(i), "frame-in": (i) => on(i) + "reads " + frame(i),
    "close": (i) => on(i) + "closes: " + note(i), "closed": (i) => on(i) + "learns that it is gone: " + note(i),
    "timer": (i) => "timer " + columns.timer[i] + " fires",
    "session": (i) => on(i) + "session" + (peer(i) ? " to " + peer(i) : "") + " is " + state(i) + (note(i) && note(i) !== "none" ? " (" + note(i) + ")" : ""),
    "negotiation": (i) => on(i) + "negotiation " + state(i) + (code(i) ? " " + code(i) : "") + (columns.age[i] ? ", " + duration(columns.age[i]) + " after the connection came up" : "") + (note(i) ? ": " + note(i) : ""),
    "execute": (i) => on(i) + "executes " + rpc(i) + (note(i) ? " for " + note(i) : " for nobody authenticated"),
    "invoke": (i) => "operation " + columns.op[i] + ": calls " + rpc(i) + (note(i) ? " on " + note(i) : ""),
    "return": (i) => "operation " + columns.op[i] + ": " + rpc(i) + " ended " + state(i) + (code(i) && code(i) !== "ERR_OK" ? " " + code(i) : "") + (note(i) ? ": " + note(i) : ""),
    "fault": (i) => "FAULT" + (state(i) ? " " + state(i) : "") + ": " + note(i),
    "credential": (i) => "ticket is " + state(i) + " (" + note(i) + ")",
    "table": (i) => "knows of the table: " + note(i), "leader": (i) => (peer(i) ? "takes " + peer(i) + " for the leader" : "knows no leader"),
    "query": (i) => ({
      "wanted": "looks its table up: " + note(i), "asked": "asks " + peer(i) + " for its table",
      "in-vain": peer(i) + " has not helped" + (note(i) && note(i) !== "none" ? ": " + note(i) : ""), "pause": "no meta has helped, asks again later",
    })[state(i)] || state(i),
    "challenge": (i) => on(i) + "its kernel answers the dial with a challenge ACK: " + note(i),
    "verdict": (i) => state(i) + ": " + note(i),
  };
  const inWords = (i) => {
    const f = words[kind(i)];
    return f ? f(i) : on(i) + [kind(i), state(i), code(i), note(i)].filter(Boolean).join(" ");
  };

  const signs = {
    "node-up": "▲", "node-down": "▼", "listen": "◦", "dial": "→", "connected": "◆", "dial-failed": "✕", "accept": "◇",
    "frame-out": "↗", "frame-in": "↘", "close": "■", "closed": "□", "timer": "◷", "session": "§", "negotiation": "⚿",
    "execute": "⚙", "invoke": "○", "return": "●", "fault": "⚡", "credential": "✉", "table": "▤", "leader": "★", "query": "?", "verdict": "⚖", "challenge": "⚔",
  };
  const sign = (i) => signs[kind(i)] || "·";

  // Groups of kinds that can be hidden.
  const groups = [
    {name: "negotiation", of: (i) => kind(i) === "negotiation" || kind(i) === "credential" || neg(i) !== ""},
    {name: "frames", of: (i) => kind(i).startsWith("frame-") && !neg(i)},
    {name: "connections", of: (i) => /^(dial|connected|dial-failed|challenge|accept|close|closed|session)$/.test(kind(i))},
    {name: "operations", of: (i) => /^(invoke|return|execute)$/.test(kind(i))},
    {name: "timers", of: (i) => kind(i) === "timer"},
    {name: "faults", of: (i) => /^(node-up|node-down|listen|fault|verdict)$/.test(kind(i))},
  ];
  const groupOf = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const g = groups.findIndex((x) => x.of(i));
    groupOf[i] = g < 0 ? groups.length - 1 : g;
  }

  function isWrong(i) {
    const k = kind(i);
    if (k === "node-down" || k === "fault" || k === "dial-failed") return true;
    if (k === "negotiation" || k === "return") return state(i) !== "ok";
    return k.startsWith("frame-") && code(i) !== "" && code(i) !== "ERR_OK";
  }

  // matching returns which events a filter lets through: every word must be in the event's
  // words, its node's or its peer's name. A word such as c7 is the whole connection's name.
  function matching(filter, shown) {
    const wanted = filter.toLowerCase().split(/\s+/).filter(Boolean).map((w) =>
      /^c[0-9]+$/.test(w) ? {conn: Number(w.slice(1))} : {text: w});
    const list = [];
    for (let i = 0; i < count; i++) {
      if (!shown[groupOf[i]]) continue;
      let all = null;
      const fits = wanted.every((w) => {
        if (w.conn !== undefined) return conn(i) === w.conn;
        const c = connections.get(conn(i));
        all ??= [kind(i), node(i), peer(i), c ? c.pair.client + " " + c.pair.server : "", inWords(i)].join(" ").toLowerCase();
        return all.includes(w.text);
      });
      if (fits) list.push(i);
    }
    return list;
  }

  // first is the index in a list sorted by instant of the first thing not before t.
  function first(list, t, instant) {
    let [low, high] = [0, list.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (instant(list[middle]) < t) low = middle + 1; else high = middle;
    }
    return low;
  }

  const order = (a, b) => a.name.localeCompare(b.name, "en", {numeric: true});
  const servers = [...nodes.values()].filter((n) => n.server).sort(order);
  const others = [...nodes.values()].filter((n) => !n.server).sort(order);

  return {
    summary, count, at, span, text, kind, node, peer, conn, state, neg, code, note, rpc,
    servers, others, pairs, connections, faults, violations, groups, groupOf,
    inWords, sign, isWrong, matching, first, time, duration,
  };
})();
