// The swim lanes on a canvas: a row for each node, and below each client a row for each
// server that it talks to. In such a row the client's end is the upper edge and the
// server's the lower one, so a frame is a line from edge to edge. Only what is in sight is
// drawn, and of what falls on one pixel the first.
"use strict";
const Lanes = (() => {
  const T = Timeline;
  const labelWidth = 168, axisHeight = 40;
  const heights = {node: 26, pair: 48, open: 150};

  const overview = Page.byID("overview"), canvas = Page.byID("lanes");
  const view = {from: T.span.from, to: T.span.to, scroll: 0};
  const open = new Set();          // keys of pairs that are drawn tall
  let shown = T.groups.map(() => true);
  let matched = null;              // by event: 1 where a filter lets it through; null: no filter
  let rows = [];                   // of the page
  let drawn = {rows, scroll: 0};   // what is being drawn: the page's rows, or a sheet's
  let selected = -1;
  let colours = {};
  const listeners = [];

  const keyOf = (p) => p.client + " " + p.server;

  // --- rows ---------------------------------------------------------------------------

  function layOut() {
    const keep = matched ? keysThatMatch() : null;
    rows = [];
    let y = 0;
    const add = (row) => {
      if (keep && !keep.has(row.key)) return;
      rows.push({...row, y});
      y += row.height;
    };
    for (const n of T.servers) add({key: n.name, node: n, height: heights.node});
    for (const n of T.others) {
      add({key: n.name, node: n, height: heights.node});
      const own = [...T.pairs.values()].filter((p) => p.client === n.name).sort((a, b) => a.server.localeCompare(b.server, "en", {numeric: true}));
      for (const p of own) add({key: keyOf(p), pair: p, height: open.has(keyOf(p)) ? heights.open : heights.pair});
    }
    view.scroll = Math.max(0, Math.min(view.scroll, total() - (canvas.clientHeight - axisHeight)));
  }
  const heightOf = (list) => (list.length ? list[list.length - 1].y + list[list.length - 1].height : 0);
  const total = () => heightOf(rows);
  // stack lays rows out from the top of a sheet.
  function stack(list) {
    let y = 0;
    return list.map((row) => { const at = {...row, y}; y += row.height; return at; });
  }
  // sheets are the rows for paper, in parts that are as high as a sheet at most: each client
  // with its servers, and above it the nodes that serve, so that a sheet can be read by itself.
  function sheets(room) {
    const sum = (list) => list.reduce((n, row) => n + row.height, 0);
    if (axisHeight + total() <= room) return [stack(rows)];
    const from = rows.findIndex((row) => row.node && !row.node.server);
    const servers = rows.slice(0, from < 0 ? rows.length : from);
    const repeated = axisHeight + sum(servers) <= room / 2 ? servers : [];
    const list = [];
    let sheet = [];
    const add = (row, head) => {
      if (!sheet.length) sheet = [...head];
      if (sheet.length > head.length && axisHeight + sum(sheet) + row.height > room) {
        list.push(sheet);
        sheet = [...head];
      }
      sheet.push(row);
    };
    const end = () => { if (sheet.length) list.push(sheet); sheet = []; };
    if (!repeated.length) servers.forEach((row) => add(row, []));
    for (const row of rows.slice(servers.length)) {
      if (row.node) end();
      add(row, repeated);
    }
    end();
    return list.map(stack);
  }
  function rowKey(i) {
    const c = T.connections.get(T.conn(i));
    return c ? keyOf(c.pair) : T.node(i);
  }
  function keysThatMatch() {
    const keys = new Set();
    for (let i = 0; i < T.count; i++) if (matched[i]) keys.add(rowKey(i));
    return keys;
  }

  // --- drawing ------------------------------------------------------------------------

  let ctx, width, height;
  const x = (t) => labelWidth + (t - view.from) / (view.to - view.from) * (width - labelWidth);
  const timeAt = (px) => view.from + (px - labelWidth) / (width - labelWidth) * (view.to - view.from);
  const dim = (i) => matched !== null && !matched[i];

  function readColours() {
    const style = getComputedStyle(document.documentElement);
    for (const name of ["ground", "panel", "line", "text", "faint", "accent", "accent-ground", "bad", "bad-ground", "good", "note", "note-ground", "focus"]) {
      colours[name] = style.getPropertyValue("--" + name).trim();
    }
    colours.hatch = hatch(colours.note, 7, 0.35);
    colours.down = hatch(colours.bad, 5, 0.6);
  }
  // hatch is a pattern of oblique lines: colour alone would not say enough.
  function hatch(colour, step, strength) {
    const tile = document.createElement("canvas");
    tile.width = tile.height = step;
    const c = tile.getContext("2d");
    c.strokeStyle = colour;
    c.globalAlpha = strength;
    for (const shift of [-step, 0, step]) {
      c.moveTo(shift, step);
      c.lineTo(shift + step, 0);
    }
    c.stroke();
    return ctx ? ctx.createPattern(tile, "repeat") : colour;
  }
  function prepare(target, w = target.clientWidth, h = target.clientHeight, ratio = devicePixelRatio || 1) {
    if (target.width !== Math.round(w * ratio) || target.height !== Math.round(h * ratio)) {
      target.width = Math.round(w * ratio);
      target.height = Math.round(h * ratio);
    }
    const c = target.getContext("2d");
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.clearRect(0, 0, w, h);
    return [c, w, h];
  }

  let planned = false;
  function draw() {
    if (planned) return;
    planned = true;
    requestAnimationFrame(() => { planned = false; drawNow(); });
  }
  function drawNow() {
    drawn = {rows, scroll: view.scroll};
    drawOn(prepare(canvas));
    drawOverview();
  }
  // drawSheet draws some rows on a canvas that is as wide as that, and as high as they need.
  function drawSheet(target, list, wide) {
    drawn = {rows: list, scroll: 0};
    const high = axisHeight + heightOf(list);
    [target.style.width, target.style.height] = [wide + "px", high + "px"];
    drawOn(prepare(target, wide, high, 2)); // printers have more dots than screens
  }
  function drawOn(surface) {
    [ctx, width, height] = surface;
    readColours();
    ctx.font = "12px system-ui, 'DejaVu Sans', sans-serif";
    ctx.textBaseline = "middle";
    for (const row of drawn.rows) {
      const y = axisHeight + row.y - drawn.scroll;
      if (y + row.height < axisHeight || y > height) continue;
      drawRow(row, y);
    }
    drawLines();
    drawAxis();
  }

  function drawRow(row, y) {
    ctx.save();
    ctx.beginPath();
    ctx.rect(0, Math.max(y, axisHeight), width, row.height);
    ctx.clip();
    ctx.fillStyle = row.node ? colours.panel : colours.ground;
    ctx.fillRect(0, y, width, row.height);
    ctx.strokeStyle = colours.line;
    line(0, y + row.height - 0.5, width, y + row.height - 0.5);
    ctx.save();
    ctx.beginPath();
    ctx.rect(labelWidth, Math.max(y, axisHeight), width - labelWidth, row.height);
    ctx.clip();
    ctx.font = "11px system-ui, 'DejaVu Sans', sans-serif";
    if (row.node) drawNode(row.node, y, row.height); else drawPair(row.pair, y, row.height);
    ctx.restore();
    drawLabel(row, y);
    ctx.restore();
  }
  function drawLabel(row, y) {
    ctx.fillStyle = row.node ? colours.panel : colours.ground;
    ctx.fillRect(0, y, labelWidth - 1, row.height - 1);
    ctx.strokeStyle = colours.line;
    line(labelWidth - 0.5, y, labelWidth - 0.5, y + row.height);
    ctx.fillStyle = colours.text;
    if (row.node) {
      ctx.font = "bold 12px system-ui, 'DejaVu Sans', sans-serif";
      ctx.fillText(row.node.name, 10, y + row.height / 2);
      ctx.font = "12px system-ui, 'DejaVu Sans', sans-serif";
      return;
    }
    ctx.fillText((open.has(row.key) ? "▾ " : "▸ ") + row.pair.client + " ↔ " + row.pair.server, 12, y + row.height / 2);
    if (!open.has(row.key)) return;
    ctx.fillStyle = colours.faint;
    ctx.fillText("client's end ⌃", 26, y + 10);
    ctx.fillText("server's end ⌄", 26, y + row.height - 12);
  }
  function line(x0, y0, x1, y1) {
    ctx.beginPath();
    ctx.moveTo(x0, y0);
    ctx.lineTo(x1, y1);
    ctx.stroke();
  }

  function drawNode(n, y, h) {
    for (const d of n.downs) {
      const [a, b] = [x(d.from), x(d.to)];
      if (b < labelWidth || a > width) continue;
      ctx.fillStyle = colours["bad-ground"];
      ctx.fillRect(a, y + 3, Math.max(b - a, 2), h - 7);
      ctx.fillStyle = colours.down;
      ctx.fillRect(a, y + 3, Math.max(b - a, 2), h - 7);
      ctx.strokeStyle = colours.bad;
      ctx.strokeRect(a + 0.5, y + 3.5, Math.max(b - a, 2), h - 8);
      words("▼ down: " + T.note(d.event), Math.max(a, labelWidth) + 5, y + h / 2 - 1, colours.text, b - Math.max(a, labelWidth) - 8);
    }
    if (shown[3]) drawOperations(n, y, h);
    if (shown[4]) ticks(n.timers, y + h - 7, y + h - 2, colours.faint);
    if (shown[3]) ticks(n.executes, y + 4, y + 10, colours.good);
    drawNodeMarks(n, y + h / 2);
  }
  // drawNodeMarks writes what changed at a node, where there is room for it.
  function drawNodeMarks(n, y) {
    let free = -1e9;
    for (const i of n.marks) {
      const px = x(T.at[i]);
      if (px < Math.max(free, labelWidth) || px > width || dim(i) || !shown[T.groupOf[i]]) continue;
      const text = T.sign(i) + " " + T.state(i);
      words(text, px, y, colours.text);
      free = px + ctx.measureText(text).width + 4;
    }
  }
  function ticks(list, y0, y1, colour) {
    ctx.lineWidth = 1;
    let last = -1;
    for (let k = T.first(list, view.from, (i) => T.at[i]); k < list.length && T.at[list[k]] <= view.to; k++) {
      const px = Math.round(x(T.at[list[k]]));
      if (px === last || dim(list[k])) continue;
      last = px;
      ctx.strokeStyle = colour;
      line(px + 0.5, y0, px + 0.5, y1);
    }
  }
  // drawOperations draws calls of the application: a line each, with a sign where one did
  // not end well.
  function drawOperations(n, y, h) {
    const dense = {};
    n.operations.forEach((o, k) => {
      const to = o.to < 0 ? T.span.to : o.to;
      if (to < view.from || o.from > view.to || dim(o.event) && (o.end < 0 || dim(o.end))) return;
      const [a, b, level] = [x(o.from), x(to), y + 5 + (k % 4) * 4];
      const bad = o.state !== "ok";
      const key = level + (bad ? "!" : "");
      if (b - a < 1 && Math.round(a) === dense[key]) return;
      dense[key] = Math.round(a);
      ctx.strokeStyle = bad ? colours.bad : colours.accent;
      ctx.lineWidth = 2;
      ctx.setLineDash(bad ? [4, 2] : []);
      line(a, level, Math.max(b, a + 1), level);
      ctx.setLineDash([]);
      if (bad && b - a > 3) words(o.state === "failed" ? "✗" : "?", b + 1, level + 1, colours.bad);
    });
    ctx.lineWidth = 1;
  }

  function drawPair(p, y, h) {
    if (shown[2]) drawConnections(p, y, h);
    drawFrames(p, y, h);
    let last = -1e9;
    p.marks.forEach((i, k) => {
      const px = x(T.at[i]);
      if (px < labelWidth - 40 || px > width || dim(i) || !shown[T.groupOf[i]]) return;
      if (px - last < 13 && !isBad(i)) return;
      last = px;
      drawMark(i, px, y + h / 2 + 1, k + 1 < p.marks.length ? x(T.at[p.marks[k + 1]]) - px : width);
    });
  }
  const isBad = (i) => T.kind(i) === "negotiation" || T.state(i) === "mute";
  // drawMark draws a change of a session or an end of a negotiation, with its word where
  // there is room before the next.
  function drawMark(i, px, y, room) {
    const failed = T.kind(i) === "negotiation";
    const mute = T.state(i) === "mute";
    const colour = isBad(i) ? colours.bad : colours.text;
    ctx.fillStyle = colours.ground;
    ctx.strokeStyle = colour;
    ctx.beginPath();
    ctx.arc(px, y, 6, 0, 7);
    ctx.fill();
    ctx.stroke();
    ctx.fillStyle = colour;
    ctx.textAlign = "center";
    ctx.fillText(failed ? "✗" : mute ? "⊘" : "§", px, y + 0.5);
    ctx.textAlign = "left";
    words(failed ? T.code(i) || T.state(i) : T.state(i), px + 9, y, colour, room - 16);
  }

  function drawConnections(p, y, h) {
    const [top, tall] = [y + 4, h - 9];
    const list = p.connections;
    let lastRefused = -9, lastThin = -9;
    for (let k = T.first(list, view.from - p.longestConnection, (c) => c.dialed); k < list.length && list[k].dialed <= view.to; k++) {
      const c = list[k];
      if (c.until < view.from || dim(c.event) && matched) continue;
      const [a, b] = [x(c.dialed), x(c.until)];
      if (c.refused) {
        if (Math.abs(b - lastRefused) < 6) continue;
        lastRefused = b;
        words("✕", b - 4, y + h / 2, colours.faint);
        continue;
      }
      if (b - a < 1.5) {
        if (Math.abs(a - lastThin) < 1.5) continue;
        lastThin = a;
      }
      const up = c.up < 0 ? b : x(c.up);
      const ready = c.granted < 0 ? b : x(c.granted);
      ctx.strokeStyle = colours.faint;
      ctx.setLineDash([2, 2]);
      if (up - a > 1) ctx.strokeRect(a, top, up - a, tall);
      ctx.setLineDash([]);
      if (c.up >= 0 && ready > up) {
        ctx.fillStyle = colours["note-ground"];
        ctx.fillRect(up, top, Math.max(ready - up, 1), tall);
        ctx.fillStyle = colours.hatch;
        ctx.fillRect(up, top, Math.max(ready - up, 1), tall);
        ctx.strokeStyle = colours.note;
        ctx.strokeRect(up, top, Math.max(ready - up, 1), tall);
      }
      if (c.granted >= 0) {
        ctx.fillStyle = colours["accent-ground"];
        ctx.fillRect(ready, top, Math.max(b - ready, 1), tall);
        ctx.strokeStyle = colours.accent;
        ctx.strokeRect(ready, top, Math.max(b - ready, 1), tall);
      }
      if (c.failed) {
        ctx.fillStyle = colours.bad;
        ctx.fillRect(b - 2, top - 1, 3, tall + 2);
      }
      words("c" + c.id, Math.max(a, labelWidth) + 4, y + h - 12, colours.faint, b - Math.max(a, labelWidth) - 6);
    }
  }

  const shortName = (f) => {
    const i = f.event;
    if (T.neg(i)) return T.neg(i).replace("SASL_", "").toLowerCase().replaceAll("_", " ");
    const name = T.rpc(i).replace(/^RPC_(RRDB_RRDB_|CM_)?/, "").toLowerCase().replaceAll("_", " ");
    return name + (f.wrong ? " " + T.code(i) : "");
  };

  function drawFrames(p, y, h) {
    const [top, bottom] = [y + 4, y + h - 5];
    const dense = new Map();
    const roomFor = h > 60;
    const labels = [{x: -1e9, until: -1e9, line: 0}, {x: -1e9, until: -1e9, line: 0}]; // of the client's frames, and of the server's
    const list = p.frames;
    for (let k = T.first(list, view.from - p.longestFrame, (f) => f.out); k < list.length && list[k].out <= view.to; k++) {
      const f = list[k];
      const negotiation = T.neg(f.event) !== "";
      if (f.in >= 0 && f.in < view.from || !shown[T.groupOf[f.event]]) continue;
      if (dim(f.event) && (f.read < 0 || dim(f.read))) continue;
      const look = f.wrong || f.early ? "bad" : negotiation ? "note" : "accent";
      const a = x(f.out), b = f.in < 0 ? a + 10 : x(f.in);
      const pixel = Math.round(a);
      if (b - a < 2 && dense.get(look + f.up) === pixel) continue;
      dense.set(look + f.up, pixel);
      ctx.strokeStyle = colours[look];
      ctx.lineWidth = look === "bad" ? 2.2 : 1.3;
      ctx.setLineDash(look === "note" ? [5, 3] : []);
      const [from, to] = f.up ? [top, bottom] : [bottom, top];
      const reach = f.in < 0 ? from + (to - from) * 0.45 : to;
      line(a, from, b, reach);
      ctx.setLineDash([]);
      if (f.in < 0) words("×", b - 3, reach, colours[look]);
      else if (b - a > 3 || roomFor) head(b, reach, Math.atan2(reach - from, b - a), colours[look]);
      if (roomFor || f.early) label(f, a, labels[f.up ? 0 : 1], f.up ? top + 7 : bottom - 6, roomFor, colours[look]);
    }
    ctx.lineWidth = 1;
  }
  // label names a frame at the end where it was written. Of several at one instant a tall
  // row names three, each on a line of its own.
  function label(f, px, before, py, tall, colour) {
    const text = (f.early ? "! " : "") + (tall ? shortName(f) : shortName(f).split(" ")[0]);
    const together = px - before.x < 4;
    if (together && (!tall || before.line === 2) || !together && px < before.until) return;
    before.line = together ? before.line + 1 : 0;
    before.x = px;
    before.until = Math.max(together ? before.until : 0, px + 8 + ctx.measureText(text).width);
    words(text, px + 5, py + (f.up ? 1 : -1) * before.line * 13, colour);
  }
  function head(px, py, angle, colour) {
    ctx.save();
    ctx.translate(px, py);
    ctx.rotate(angle);
    ctx.fillStyle = colour;
    ctx.beginPath();
    ctx.moveTo(0, 0);
    ctx.lineTo(-7, -3);
    ctx.lineTo(-7, 3);
    ctx.fill();
    ctx.restore();
  }
  // words writes text with a ground of its own, if there is room for all of it.
  function words(text, px, py, colour, room) {
    if (room !== undefined && ctx.measureText(text).width > room) return;
    ctx.lineWidth = 3;
    ctx.strokeStyle = colours.ground;
    ctx.lineJoin = "round";
    ctx.strokeText(text, px, py);
    ctx.lineWidth = 1;
    ctx.fillStyle = colour;
    ctx.fillText(text, px, py);
  }

  // drawLines draws what concerns everybody: faults, violations, the selected event.
  function drawLines() {
    for (const f of T.faults) across(f.at, colours.bad, [8, 3, 2, 3], 1);
    for (const v of T.violations) across(v.at_ns, colours.bad, [], v.decides ? 2.5 : 1.2);
    if (selected >= 0) across(T.at[selected], colours.focus, [3, 3], 1.5);
  }
  function across(t, colour, dash, thick) {
    const px = Math.min(x(t), width - 1.5);
    if (px < labelWidth || t > view.to + (view.to - view.from) * 0.01) return;
    ctx.strokeStyle = colour;
    ctx.setLineDash(dash);
    ctx.lineWidth = thick;
    line(px, axisHeight - 18, px, Math.min(height, axisHeight + heightOf(drawn.rows)));
    ctx.setLineDash([]);
    ctx.lineWidth = 1;
  }

  function drawAxis() {
    ctx.fillStyle = colours.panel;
    ctx.fillRect(0, 0, width, axisHeight - 18);
    ctx.fillStyle = colours.ground;
    ctx.fillRect(0, axisHeight - 18, width, 18);
    ctx.strokeStyle = colours.line;
    line(0, axisHeight - 0.5, width, axisHeight - 0.5);
    const step = niceStep((view.to - view.from) / Math.max(1, (width - labelWidth) / 110));
    ctx.textAlign = "center";
    for (let t = Math.ceil(view.from / step) * step; t <= view.to; t += step) {
      const px = x(t);
      ctx.strokeStyle = colours.line;
      line(px, 16, px, axisHeight - 18);
      ctx.fillStyle = colours.text;
      if (px > labelWidth + 20 && px < width - 30) ctx.fillText(tick(t, step), px, 9);
    }
    ctx.textAlign = "left";
    ctx.fillStyle = colours.faint;
    ctx.fillText(T.duration(Math.round(view.to - view.from)) + " in sight", 10, 10);
    drawFlags();
  }
  // drawFlags names violations above their lines: those that decide first, so that they
  // have room.
  function drawFlags() {
    let free = [];
    const flags = T.violations.map((v) => ({t: v.at_ns, text: "✗ " + v.property, bad: true, first: v.decides ? 0 : 1}))
      .concat(T.faults.map((f) => ({t: f.at, text: "⚡ " + T.note(f.event), bad: false, first: 2}))).sort((a, b) => a.first - b.first);
    ctx.font = "bold 12px system-ui, 'DejaVu Sans', sans-serif";
    for (const f of flags) {
      if (f.t < view.from || f.t > view.to) continue;
      const w = ctx.measureText(f.text).width;
      const px = Math.min(x(f.t) + 3, width - w - 4);
      if (free.some(([a, b]) => px < b + 8 && px + w > a - 8)) continue;
      free.push([px, px + w]);
      words(f.text, px, axisHeight - 9, colours.bad);
    }
    ctx.font = "12px system-ui, 'DejaVu Sans', sans-serif";
  }
  function niceStep(raw) {
    const power = 10 ** Math.floor(Math.log10(Math.max(raw, 1)));
    return [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw);
  }
  function tick(t, step) {
    if (step >= 1e9) return (t / 1e9).toFixed(0) + " s";
    return (t / 1e9).toFixed(Math.min(9, Math.max(1, 9 - Math.floor(Math.log10(step))))) + " s";
  }

  // count counts what is to be seen by pixel of the overview, until a filter changes.
  let counted = null;
  function count(w, scale) {
    const bins = new Uint32Array(Math.ceil(w) + 1), wrong = new Uint32Array(Math.ceil(w) + 1);
    for (let i = 0; i < T.count; i++) {
      if (!shown[T.groupOf[i]] || dim(i)) continue;
      const k = Math.floor((T.at[i] - T.span.from) * scale);
      bins[k]++;
      if (T.isWrong(i)) wrong[k]++;
    }
    return {width: w, bins, wrong};
  }

  // drawOverview draws how much happened when, and where the view is.
  function drawOverview() {
    const [c, w, h] = prepare(overview);
    const scale = w / (T.span.to - T.span.from);
    if (!counted || counted.width !== w) counted = count(w, scale);
    const {bins, wrong} = counted;
    let most = 1;
    for (const n of bins) most = Math.max(most, n);
    const tall = (n) => (n ? 2 + (h - 14) * Math.log1p(n) / Math.log1p(most) : 0);
    for (let k = 0; k < bins.length; k++) {
      c.fillStyle = colours.accent;
      c.fillRect(k, h - tall(bins[k]), 1, tall(bins[k]));
      c.fillStyle = colours.bad;
      if (wrong[k]) c.fillRect(k, 0, 1, 4);
    }
    for (const v of T.violations) {
      c.fillStyle = colours.bad;
      c.fillRect(Math.min((v.at_ns - T.span.from) * scale, w - 2), 0, v.decides ? 2 : 1, h);
    }
    const [a, b] = [(view.from - T.span.from) * scale, (view.to - T.span.from) * scale];
    c.fillStyle = colours.ground;
    c.globalAlpha = 0.6;
    c.fillRect(0, 0, a, h);
    c.fillRect(b, 0, w - b, h);
    c.globalAlpha = 1;
    c.strokeStyle = colours.focus;
    c.lineWidth = 2;
    c.strokeRect(a + 1, 1, Math.max(b - a - 2, 2), h - 2);
  }

  // --- moving -------------------------------------------------------------------------

  const narrowest = 2000; // nanoseconds
  function show(from, to) {
    const whole = T.span.to - T.span.from;
    const length = Math.min(Math.max(to - from, narrowest), whole * 1.02);
    const beyond = length * 0.02;
    const begin = Math.max(T.span.from - beyond, Math.min(from, T.span.to + beyond - length));
    [view.from, view.to] = [begin, begin + length];
    for (const f of listeners) f();
    draw();
  }
  const zoom = (factor, around) => {
    const middle = around === undefined ? (view.from + view.to) / 2 : around;
    show(middle - (middle - view.from) * factor, middle + (view.to - middle) * factor);
  };
  const pan = (part) => show(view.from + (view.to - view.from) * part, view.to + (view.to - view.from) * part);
  function scroll(by) {
    view.scroll = Math.max(0, Math.min(view.scroll + by, total() - (canvas.clientHeight - axisHeight)));
    draw();
  }
  // reveal brings the row of a key into sight.
  function reveal(key) {
    const row = rows.find((r) => r.key === key);
    if (!row) return;
    const room = canvas.clientHeight - axisHeight;
    if (row.y < view.scroll || row.y + row.height > view.scroll + room) view.scroll = Math.max(0, Math.min(row.y - room / 3, total() - room));
    draw();
  }

  function rowAt(py) {
    return rows.find((r) => py - axisHeight + view.scroll >= r.y && py - axisHeight + view.scroll < r.y + r.height);
  }
  const nearest = 9; // pixels
  // eventAt is the event next to a point, -1 where none is near.
  function eventAt(px, py) {
    const row = rowAt(py);
    if (!row || px < labelWidth) return -1;
    const reach = nearest * (view.to - view.from) / (width - labelWidth);
    const t = timeAt(px);
    let [best, distance] = [-1, reach];
    for (let i = firstEvent(t - reach); i < T.count && T.at[i] <= t + reach; i++) {
      if (!shown[T.groupOf[i]] || dim(i) || rowKey(i) !== row.key) continue;
      const d = Math.abs(T.at[i] - t);
      if (d < distance || d === distance && T.isWrong(i)) [best, distance] = [i, d];
    }
    return best;
  }
  function firstEvent(t) {
    let [low, high] = [0, T.count];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (T.at[middle] < t) low = middle + 1; else high = middle;
    }
    return low;
  }

  return {
    view, show, zoom, pan, scroll, reveal, draw, drawNow, rowKey, rowAt, eventAt, timeAt, labelWidth, axisHeight, firstEvent,
    rows: () => rows,
    sheets, drawSheet,
    onShow: (f) => listeners.push(f),
    select(i) { selected = i; draw(); },
    filter(groupsShown, flags) { shown = groupsShown; matched = flags; counted = null; layOut(); draw(); },
    toggle(key) { if (open.has(key)) open.delete(key); else open.add(key); layOut(); draw(); },
    open(key) { open.add(key); layOut(); },
    layOut,
  };
})();
