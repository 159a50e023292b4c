// Sends the drawing to the networks while one draws, and shows their answers.

import { Pad, paint } from './pad.js';

const SIDE = 196; // side in pixels of what is drawn, in the picture that is sent,
const RIM = 10; // and paper around it: what touches a picture's edge is taken for no digit

const element = (id) => document.getElementById(id);

/** Makes an element with a class and text, appended to another. */
function put(parent, tag, name = '', text = '') {
  const made = document.createElement(tag);
  made.className = name;
  made.textContent = text;
  return parent.appendChild(made);
}

const percent = (share) => `${(100 * share).toFixed(1)} %`;
const milliseconds = (time) => `${time.toFixed(time < 10 ? 1 : 0)} ms`;

// ---- asking

let asking = false; // a request is in progress
let waiting = null; // the last change since then: {time, finished}
let answer = null; // the last one
let shown = { version: 0, took: 0 }; // its version of the strokes, milliseconds from pen to page
let chosen = -1; // the digit whose bars are shown; -1: the last one

/** White strokes on black as a PGM file. */
function picture(strokes) {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = SIDE;
  paint(canvas, strokes, '#fff');
  const { data } = canvas.getContext('2d').getImageData(0, 0, SIDE, SIDE);
  const whole = SIDE + 2 * RIM;
  const head = new TextEncoder().encode(`P5 ${whole} ${whole} 255\n`);
  const bytes = new Uint8Array(head.length + whole * whole);
  bytes.set(head);
  for (let i = 0; i < SIDE * SIDE; i++) {
    const at = (RIM + Math.floor(i / SIDE)) * whole + RIM + (i % SIDE);
    bytes[head.length + at] = data[4 * i + 3];
  }
  return bytes;
}

async function request(path, options) {
  const response = await fetch(path, options);
  const object = await response.json();
  if (!response.ok) throw new Error(object.error);
  return object;
}

/** The message for an error; fetch throws a TypeError if nobody listens. */
const reason = (error) =>
  error instanceof TypeError ? 'digits-serve does not answer; start it again.' : error.message;

/** Requests the answer for the strokes, unless it is known, and shows it. */
async function update({ time, finished }) {
  const { version, strokes } = pad;
  try {
    if (version !== shown.version) {
      const body = strokes.length ? picture(strokes) : null;
      answer = body && (await request('predict', { method: 'POST', body }));
      show();
      shown = { version, took: performance.now() - time };
    }
    tell(finished && !waiting);
  } catch (error) {
    answer = null;
    show();
    if (finished) complain(reason(error));
  }
}

/** One request at a time: later changes are sent after the answer. */
async function ask(change) {
  waiting = change;
  if (asking) return;
  asking = true;
  while (waiting) {
    const next = waiting;
    waiting = null;
    await update(next);
  }
  asking = false;
}

// ---- showing

const cards = []; // one per network: {label, time, bars, sure}

/** A card for a network that takes arrays from programs, not drawings. */
function makeNote(model) {
  const card = put(element('networks'), 'li', 'network');
  card.dataset.name = model.name;
  put(card, 'h2', '', model.name);
  const shape = ['N', ...model.input].join(', ');
  put(card, 'p', 'sure', `takes arrays [${shape}] in JSON (POST /predict), no drawings`);
}

function makeCard(model) {
  const card = put(element('networks'), 'li', 'network');
  card.dataset.name = model.name;
  put(card, 'h2', '', model.name);
  const time = put(card, 'span', 'time');
  const label = put(card, 'output', 'label');
  const list = put(card, 'ol', 'bars');
  const bars = Array.from({ length: model.classes }, (_, c) => {
    const bar = put(list, 'li');
    const fill = put(put(bar, 'div', 'track'), 'div', 'fill');
    bar.append(String(c));
    return { bar, fill };
  });
  cards.push({ label, time, bars, sure: put(card, 'p', 'sure') });
}

const UNSURE = '?'; // in place of an answer that is less probable than --min-probability

/** The answer for a digit. */
const answerOf = (digit) => digit.label ?? UNSURE;

/** The likeliest classes of a digit: two if the network is unsure. */
const likeliest = (digit) =>
  digit.likeliest ?? [{ label: digit.label, probability: digit.probabilities[digit.label] }];

/** Shows a network's answer for digit `at`; `model` null: none. */
function showCard(card, model, at) {
  const read = model ? model.digits[at] : null;
  const between = card.bars.length > 10 ? ' ' : '';
  card.label.textContent = model ? model.digits.map(answerOf).join(between) : '–';
  card.time.textContent = model ? milliseconds(model.milliseconds) : '';
  const best = read ? likeliest(read) : [];
  card.sure.textContent = best
    .map(({ label, probability }) => `${label}: ${percent(probability)}`)
    .join(', ');
  card.bars.forEach(({ bar, fill }, c) => {
    const share = read ? read.probabilities[c] : 0;
    fill.style.height = `${100 * share}%`;
    bar.title = read ? `${c}: ${percent(share)}` : '';
    bar.classList.toggle('likeliest', best.some(({ label }) => label === c));
  });
}

/** Draws the input image of a digit: 0 black, 255 white. */
function showSeen(canvas, digit) {
  canvas.width = digit.width;
  canvas.height = digit.height;
  const context = canvas.getContext('2d');
  const pixels = context.createImageData(digit.width, digit.height);
  digit.image.forEach((ink, i) => pixels.data.set([ink, ink, ink, 255], 4 * i));
  context.putImageData(pixels, 0, 0);
}

/** Makes a button with the image of each digit that was found. */
function showDigits(digits, at) {
  const seen = element('seen');
  while (seen.children.length > digits.length) seen.lastChild.remove();
  while (seen.children.length < digits.length) {
    const button = put(seen, 'button');
    const index = seen.children.length - 1;
    button.type = 'button';
    put(button, 'canvas');
    button.addEventListener('click', () => choose(index));
  }
  digits.forEach((digit, i) => {
    const button = seen.children[i];
    button.setAttribute('aria-label', `Digit ${i + 1} of ${digits.length}`);
    button.setAttribute('aria-pressed', String(i === at));
    showSeen(button.firstChild, digit);
  });
}

function choose(index) {
  chosen = index;
  show();
}

function show() {
  const digits = answer ? answer.digits : [];
  const at = chosen >= 0 && chosen < digits.length ? chosen : digits.length - 1;
  showDigits(digits, at);
  cards.forEach((card, i) => showCard(card, answer ? answer.models[i] : null, at));
}

/** Shows the time from the pen to the answer on the page, and announces the digits. */
function tell(finished) {
  const status = element('status');
  const server = answer && milliseconds(answer.milliseconds);
  status.className = '';
  status.textContent = answer
    ? `Shown ${milliseconds(shown.took)} after the pen; the server took ${server}.`
    : '';
  status.dataset.took = shown.took;
  status.dataset.finished = finished;
  if (!finished || !answer) return;
  const texts = answer.models.map((m) => `${m.name}: ${m.digits.map(answerOf).join(' ')}`);
  element('spoken').textContent = texts.join(', ');
}

function complain(message) {
  const status = element('status');
  status.className = 'wrong';
  status.textContent = message;
  status.dataset.finished = true;
}

/** What the page says where no network takes drawings. */
function withoutPad() {
  element('drawing').hidden = element('view').hidden = true;
  element('status').textContent =
    'None of these networks takes drawings of digits: programs send them arrays, as digits-serve --help tells.';
  element('status').dataset.finished = true;
}

// ---- the page

history.replaceState(null, '', location.pathname); // hides the token; a cookie has it

const pad = new Pad(element('pad'), (time, finished) => {
  const empty = pad.strokes.length === 0;
  element('hint').hidden = !empty;
  element('undo').disabled = element('clear').disabled = empty;
  if (empty) chosen = -1;
  element('status').dataset.finished = false;
  ask({ time, finished });
});

element('undo').addEventListener('click', (event) => pad.undo(event.timeStamp));
element('clear').addEventListener('click', (event) => pad.clear(event.timeStamp));
addEventListener('keydown', (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === 'z') pad.undo(event.timeStamp);
  else if (event.key === 'Delete' || event.key === 'Escape') pad.clear(event.timeStamp);
  else return;
  event.preventDefault();
});

try {
  const { device, models } = await request('models');
  element('device').textContent = `${device.backend}: ${device.name}`;
  models.filter((model) => model.pictures).forEach(makeCard);
  models.filter((model) => !model.pictures).forEach(makeNote);
  if (cards.length) show();
  else withoutPad();
} catch (error) {
  complain(reason(error));
}
