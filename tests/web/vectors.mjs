// The vectors of tests/vectors, against tickws.js. Node runs it as it is; a page calls `check`.

const snakeToCamel = (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
const bytesOf = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const hexOf = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const camel = (fields) => Object.fromEntries(Object.entries(fields).map(([name, item]) => [snakeToCamel(name), item]));

/** A value of the vectors as JavaScript holds it. */
function fromJSON(value) {
  if (Array.isArray(value)) return value.map(fromJSON);
  if (value === null || typeof value !== "object") return value;
  if ("$bytes" in value) return bytesOf(value.$bytes);
  if ("$pairs" in value) return new Map(value.$pairs.map(([key, item]) => [key, fromJSON(item)]));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fromJSON(item)]));
}

/** A value as text, with its types; two values are the same if their texts are. */
function shown(value) {
  return JSON.stringify(value, (_, item) => {
    if (item instanceof Uint8Array) return { bytes: hexOf(item) };
    if (item instanceof Map) return { pairs: [...item] };
    return item;
  });
}

/** Run all; gives the number of comparisons. Throws where one fails. */
export function check(tickws, { wire, timeline, pacer, world }) {
  let compared = 0;

  function same(found, expected, about) {
    compared += 1;
    if (shown(found) !== shown(expected)) throw new Error(`${about}: ${shown(found)}, not ${shown(expected)}`);
  }

  function refused(call, code, about) {
    compared += 1;
    try {
      call();
    } catch (error) {
      if (!(error instanceof tickws.ProtocolFault)) throw error;
      same(error.code, code, about);
      return;
    }
    throw new Error(`${about} was taken`);
  }

  for (const [text, number] of wire.fingerprints) same(tickws.fingerprint(text), number, `fingerprint of ${text}`);
  for (const [value, hex, exact] of wire.values) {
    same(tickws.decode(bytesOf(hex)), fromJSON(value), hex);
    if (exact) same(hexOf(tickws.encode(fromJSON(value))), hex, shown(value));
  }
  for (const { from, kind, about, hex, write, message } of wire.messages) {
    const what = `${from} ${kind}, ${about}`;
    const fields = camel(fromJSON(message));
    if (from === "server" && fields.inputs) fields.inputs = camel(fields.inputs);
    if (from === "server") {
      const { floats, ...read } = tickws.readMessage(bytesOf(hex));
      same(read, { kind, ...fields }, what);
      same(tickws.readMessage(bytesOf(hex).buffer).kind, kind, what);
    }
    if (write && tickws.clientMessages[kind]) same(hexOf(tickws.clientMessages[kind](fields)), hex, what);
  }
  for (const { from, about, hex, code } of wire.refused) {
    if (from === "server") refused(() => tickws.readMessage(bytesOf(hex)), code, about);
  }
  for (const { about, hex } of wire.messages.filter(({ from, kind }) => from === "server" && kind !== "event")) {
    const bytes = bytesOf(hex);
    for (let size = 0; size < Math.min(bytes.length, 300); size++) {
      refused(() => tickws.readMessage(bytes.subarray(0, size)), 1007, `${about}, ${size} bytes of it`);
    }
  }

  for (const { about, rate, steps } of timeline.cases) {
    const timeline = new tickws.Timeline(rate);
    for (const [name, ...step] of steps) {
      if (name === "advance") same(timeline.advance(step[0]), step[1], about);
      else {
        timeline.insert(step[0], step[1]);
        same([timeline.playback, timeline.delay, timeline.speed], step.slice(2), about);
      }
    }
  }
  for (const { about, rate, tick, time, now, steps } of pacer.cases) {
    const pacer = new tickws.Pacer(rate, tick, time, now);
    for (const [name, ...step] of steps) {
      const expected = step.pop();
      const result = pacer[name](...step);
      const found = { due: () => result, feedback: () => pacer.lead, snapshot: () => pacer.tick(step.at(-1)) };
      same(found[name](), expected, `${about}: ${name} ${step}`);
    }
  }
  for (const { about, steps } of world.cases) {
    const buffer = new tickws.SnapshotBuffer();
    for (const [name, argument, expected] of steps) {
      if (name === "insert") same(buffer.insert(tickws.readMessage(bytesOf(argument))), expected, about);
      else same([...buffer.at(argument)], expected, `${about}: at ${argument}`);
    }
  }
  return compared;
}

if (globalThis.process?.argv) {
  const { readFileSync } = await import("node:fs");
  const here = new URL("../vectors/", import.meta.url);
  const load = (name) => JSON.parse(readFileSync(new URL(`${name}.json`, here), "utf-8"));
  const { tickws } = await import("./module.mjs");
  const vectors = { wire: load("wire"), timeline: load("timeline"), pacer: load("pacer"), world: load("world") };
  console.log(`${check(tickws, vectors)} comparisons`);
}
