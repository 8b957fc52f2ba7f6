#!/usr/bin/env node
// Mirrors a list of files and web addresses into a folder: `mirror.mjs LIST TARGET`.
//
// A handler for syncmgr without any npm package (Node 18 or later). What it does is written in ../README.md; the
// obligations that the comments name (H-..) are those of the contract.
import { createReadStream } from 'node:fs';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { createInterface } from 'node:readline';

const CONTRACT = 1;
const PAGE = 500; // most items in one message
const PART = '.mirror-part'; // ends the names of files that are not whole yet
const ITEM = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,62}$/;

const [listing, target] = process.argv.slice(2);
if (!target || process.argv.length !== 4) {
  console.error('usage: mirror.mjs LIST TARGET');
  process.exit(2);
}

const send = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\n');
const tell = (method, params) => send({ method, params });

/** An error answer. */
class Refusal extends Error {
  constructor(code, message, data) {
    super(message);
    this.answer = { code, message, data };
  }
}

/** A source that cannot be had. `soft`: trying again may help. */
class Broken extends Error {
  constructor(text, soft) {
    super(text);
    this.soft = soft;
  }
}

/** How far the run is cancelled: one switch for everything and one for each item. */
let all = new AbortController();
const single = new Map();
const switchOf = (item) => {
  if (!single.has(item)) single.set(item, new AbortController());
  return single.get(item);
};
const isCancelled = (item) => all.signal.aborted || switchOf(item).signal.aborted;

let mayAsk = false;
let chosen = [];
let nextQuestion = 0;
let parts = 0;
const questions = new Map(); // number of the question → item
const refused = new Set();
let working = Promise.resolve(); // what runs now

/** Answers name → { source, ask } and the numbers of the lines that are no source. */
async function sources() {
  const found = new Map();
  const known = new Set(); // identifiers are equal without regard to case
  const wrong = [];
  const lines = (await fs.readFile(listing, 'utf8')).split('\n');
  lines.forEach((text, index) => {
    const line = text.trim();
    if (line === '' || line.startsWith('#')) return;
    const [, name, mark, source] = /^(\S+)\s+(\??)\s*(.*)$/.exec(line) ?? [];
    if (!source || !ITEM.test(name) || known.has(name.toLowerCase())) {
      wrong.push(index + 1);
      return;
    }
    known.add(name.toLowerCase());
    found.set(name, { source, ask: mark === '?' });
  });
  return { found, wrong };
}

// Requests of the manager. Each answers what is sent back.

const calls = {
  async initialize(params) {
    if (!params.contract.includes(CONTRACT)) {
      throw new Refusal(-31001, `only version ${CONTRACT} is spoken here`, { supported: [CONTRACT] });
    }
    mayAsk = params.mayBotherUser === true;
    return {
      contract: CONTRACT,
      features: ['error/show'],
      // When the line is about to go, mirroring must not hold it up (H-06).
      takesPart: params.event !== 'pending-disconnect',
      handler: { name: 'Mirror', version: '1', comment: `into ${target}` },
    };
  },

  async 'items/list'(params) {
    const { found, wrong } = await sources().catch((error) => {
      throw new Refusal(-31002, `the list could not be read: ${error.message}`, { hint: 'see the first argument' });
    });
    const start = Number(params.cursor ?? 0);
    const names = [...found.keys()];
    if (start === 0) {
      for (const number of wrong) tell('log', { level: 'warning', text: `line ${number} of the list is no source` });
    }
    const page = names.slice(start, start + PAGE).map((name) => ({ id: name, name }));
    const next = start + PAGE < names.length ? String(start + PAGE) : undefined;
    return { items: page, next, incomplete: wrong.length > 0 };
  },

  async prepare(params) {
    chosen.push(...params.items);
    if (params.more) return { started: 'yes' };
    all = new AbortController();
    single.clear();
    refused.clear();
    let found;
    try {
      ({ found } = await sources());
    } catch (error) {
      chosen = [];
      return { started: 'no', reason: `the list could not be read: ${error.message}` };
    }
    const doubtful = chosen.filter((item) => found.get(item)?.ask);
    if (doubtful.length > 0 && !mayAsk) {
      chosen = [];
      return { started: 'needs-user' };
    }
    for (const item of doubtful) ask(item);
    if (questions.size === 0) tell('prepare/completed', { outcome: 'done' });
    return { started: 'yes' };
  },

  async synchronize() {
    const items = chosen;
    chosen = [];
    working = run(items);
    return { started: 'yes' };
  },

  // The link under an error means "try again" here (H-46).
  async 'error/show'(params) {
    tell('error/completed', { retry: [params.error] });
    return { started: 'yes' };
  },
};

function ask(item) {
  questions.set(nextQuestion, item);
  const choices = [
    { name: 'yes', label: 'Copy it' },
    { name: 'no', label: 'Not this time' },
  ];
  const params = { item, key: `copy-${item}`, kind: 'question', text: `Copy ${item} now?`, choices };
  send({ id: nextQuestion++, method: 'prompt', params });
}

/** Takes the answer to a question of ours; preparation is over with the last one. */
function answered(message) {
  const item = questions.get(message.id);
  if (item === undefined) return;
  questions.delete(message.id);
  if (message.result?.choice !== 'yes') refused.add(item);
  if (questions.size === 0) tell('prepare/completed', { outcome: all.signal.aborted ? 'cancelled' : 'done' });
}

function itemStatus(params) {
  if (params.verdict === 'cancel-item' && params.item) switchOf(params.item).abort();
  else if (params.verdict !== 'continue') all.abort();
}

// The work.

async function run(items) {
  let found;
  try {
    ({ found } = await sources());
    await fs.mkdir(target, { recursive: true });
    // What a killed run left behind.
    for (const name of await fs.readdir(target)) {
      if (name.startsWith('.') && name.endsWith(PART)) await fs.rm(path.join(target, name));
    }
  } catch (error) {
    tell('synchronize/completed', { outcome: 'failed', reason: error.message, failure: 'hard' });
    return;
  }
  for (const item of items) {
    if (all.signal.aborted) break;
    if (refused.has(item) || isCancelled(item)) tell('progress', { item, status: 'skipped' });
    else if (!found.has(item)) tell('progress', { item, status: 'deleted', text: 'is no longer in the list' });
    else await mirror(item, found.get(item).source);
  }
  tell('synchronize/completed', { outcome: all.signal.aborted ? 'cancelled' : 'done' });
}

async function mirror(item, source) {
  const final = path.join(target, item);
  // A name of its own for each fetch: what an abandoned one still writes is never taken for ours.
  const part = path.join(target, `.${item}.${++parts}${PART}`);
  tell('progress', { item, status: 'updating', text: `reading ${item}`, value: 0 });
  // A source that hangs holds up nobody: whichever comes first.
  const both = new AbortController();
  for (const { signal } of [all, switchOf(item)]) {
    if (signal.aborted) both.abort();
    else signal.addEventListener('abort', () => both.abort(), { once: true });
  }
  const stop = both.signal;
  const cancelled = new Promise((resolve) => stop.addEventListener('abort', () => resolve('cancelled'), { once: true }));
  const fetched = fetchInto(item, source, part, stop);
  fetched.catch(() => {});
  try {
    if ((await Promise.race([fetched, cancelled])) === 'cancelled') {
      await fs.rm(part, { force: true });
      tell('progress', { item, status: all.signal.aborted ? 'stopped' : 'skipped' });
      return;
    }
    let counts = { received: 0, bytes: 0 };
    if (await same(part, final)) {
      await fs.rm(part);
    } else {
      counts = { received: 1, bytes: (await fs.stat(part)).size };
      // The old file or the whole new one, never half a file.
      await fs.rename(part, final);
    }
    tell('progress', { item, status: 'succeeded', text: '', counts });
  } catch (error) {
    await fs.rm(part, { force: true }).catch(() => {});
    if (stop.aborted) {
      tell('progress', { item, status: all.signal.aborted ? 'stopped' : 'skipped' });
      return;
    }
    const broken = brokenBy(error);
    const text = broken.message;
    tell('log', { level: 'error', item, text: `${item} ${text}`, error: item, jump: true });
    tell('progress', { item, status: 'failed', text, failure: broken.soft ? 'soft' : 'hard' });
  }
}

/** Brings one source into a part file. */
async function fetchInto(item, source, part, stop) {
  const out = await fs.open(part, 'w');
  let done = 0;
  let size = 0;
  try {
    const opened = source.includes('://') ? await web(source, stop) : await file(source, stop);
    size = opened.size;
    for await (const chunk of opened.stream) {
      await out.write(chunk);
      done += chunk.length;
      if (!stop.aborted) tell('progress', { item, value: done, max: size });
    }
    await out.sync();
  } finally {
    await out.close();
  }
  if (size > done) throw new Broken(`ended after ${done} of ${size} bytes`, true);
}

/** Says in a person's words what went wrong, and whether trying again may help. */
function brokenBy(error) {
  if (error instanceof Broken) return error;
  // What `fetch` says when the server breaks off.
  if (error instanceof TypeError) return new Broken(`broke off: ${error.cause?.message ?? error.message}`, true);
  return new Broken(`could not be read: ${error.message}`, false);
}

async function web(address, stop) {
  let answer;
  try {
    answer = await fetch(address, { signal: stop });
  } catch (error) {
    throw new Broken(`could not be reached: ${error.cause?.message ?? error.message}`, true);
  }
  if (!answer.ok) throw new Broken(`the server answered ${answer.status} ${answer.statusText}`, answer.status >= 500);
  // A length counts bytes on the wire; those of a compressed answer are not the file's.
  const size = answer.headers.has('content-encoding') ? 0 : Number(answer.headers.get('content-length') ?? 0);
  return { stream: answer.body ?? [], size };
}

async function file(name, stop) {
  const handle = await fs.open(name);
  const { size } = await handle.stat();
  return { stream: handle.createReadStream({ signal: stop }), size };
}

async function same(one, other) {
  try {
    if ((await fs.stat(one)).size !== (await fs.stat(other)).size) return false;
    const [here, there] = [createReadStream(one), createReadStream(other)];
    const theirs = there[Symbol.asyncIterator]();
    for await (const chunk of here) {
      const { value } = await theirs.next();
      if (!value || !chunk.equals(value)) return false;
    }
    return true;
  } catch (error) {
    if (error.code === 'ENOENT') return false;
    throw error;
  }
}

// The conversation. Requests are answered in the order in which they came; the work goes on meanwhile.

async function answer(id, call, params) {
  try {
    if (!call) throw new Refusal(-32601, 'no such method');
    send({ id, result: await call(params) });
  } catch (error) {
    send({ id, error: error.answer ?? { code: -32602, message: `wrong parameters: ${error.message}` } });
  }
}

process.stdout.on('error', () => process.exit(1)); // the manager is gone

let released;
let turn = Promise.resolve();
for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params = {}, ...message } = JSON.parse(line);
  if (method === undefined) answered({ id, ...message });
  else if (method === 'item/status') itemStatus(params);
  else if (method === 'release') {
    released = id;
    break;
  } else if (id !== undefined) {
    const call = Object.hasOwn(calls, method) ? calls[method] : undefined;
    turn = turn.then(() => answer(id, call, params));
  }
}
// Released, or the manager is gone: leave everything, complete, answer, exit.
await turn;
all.abort();
await working;
const exit = () => process.exit(0);
if (released === undefined) exit();
else process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id: released, result: {} }) + '\n', exit);
