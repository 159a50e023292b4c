// Paper to draw on. A stroke is a list of points [x, y], both from 0 to 1.

const PEN = 0.075; // width of a stroke, as a share of the paper
const STEP = 0.02; // how far an arrow key moves the pen

function trace(context, size, stroke) {
  const at = (point) => [point[0] * size, point[1] * size];
  context.beginPath();
  context.moveTo(...at(stroke[0]));
  for (let i = 1; i < stroke.length - 1; i++) {
    const middle = [0, 1].map((k) => (stroke[i][k] + stroke[i + 1][k]) / 2);
    context.quadraticCurveTo(...at(stroke[i]), ...at(middle));
  }
  const [x, y] = at(stroke[stroke.length - 1]);
  context.lineTo(x, y + 0.01); // a line of zero length draws nothing
  context.stroke();
}

/** Draws strokes on an empty square canvas. */
export function paint(canvas, strokes, ink) {
  const context = canvas.getContext('2d', { willReadFrequently: true });
  context.lineWidth = PEN * canvas.width;
  context.lineCap = context.lineJoin = 'round';
  context.strokeStyle = ink;
  for (const stroke of strokes) trace(context, canvas.width, stroke);
}

export class Pad {
  /** `changed(time, finished)` is called when a stroke has changed or ended, with the time of the
      event and whether no stroke is being drawn. `version` counts the changes. */
  constructor(canvas, changed) {
    this.canvas = canvas;
    this.changed = changed;
    this.strokes = [];
    this.version = 0;
    this.pointer = null; // the pointer that draws
    this.pen = null; // the keyboard's pen: {at, down}
    canvas.addEventListener('pointerdown', (event) => this.begin(event));
    canvas.addEventListener('pointermove', (event) => this.move(event));
    canvas.addEventListener('pointerup', (event) => this.end(event));
    canvas.addEventListener('pointercancel', (event) => this.end(event));
    canvas.addEventListener('keydown', (event) => this.key(event));
    canvas.addEventListener('blur', () => this.putAway());
    new ResizeObserver(() => this.show()).observe(canvas);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.show());
  }

  clear(time) {
    this.strokes = [];
    this.update(time);
  }

  undo(time) {
    this.strokes.pop();
    this.update(time);
  }

  update(time) {
    this.version++;
    this.show();
    this.tell(time);
  }

  tell(time) {
    this.changed(time, this.pointer === null && !this.pen?.down);
  }

  show() {
    const size = Math.round(this.canvas.clientWidth * devicePixelRatio);
    const ink = getComputedStyle(this.canvas).color;
    this.canvas.width = this.canvas.height = size; // also clears it
    paint(this.canvas, this.strokes, ink);
    if (this.pen) this.showPen(ink, size);
  }

  // ---- mouse, pen, finger

  point(event) {
    const box = this.canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  }

  begin(event) {
    if (this.pointer !== null || event.button !== 0) return;
    this.putAway();
    this.pointer = event.pointerId;
    this.canvas.setPointerCapture(event.pointerId);
    this.strokes.push([this.point(event)]);
    this.update(event.timeStamp);
  }

  move(event) {
    if (event.pointerId !== this.pointer) return;
    const passed = event.getCoalescedEvents();
    const points = (passed.length ? passed : [event]).map((each) => this.point(each));
    this.strokes.at(-1)?.push(...points);
    this.update(event.timeStamp);
  }

  end(event) {
    if (event.pointerId !== this.pointer) return;
    this.pointer = null;
    this.tell(event.timeStamp);
  }

  // ---- keyboard

  key(event) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (event.ctrlKey || event.metaKey || event.altKey || this.pointer !== null) return;
    if (event.key !== ' ' && !way[event.key]) return;
    event.preventDefault();
    this.pen ??= { at: [0.5, 0.25], down: false };
    const pen = this.pen;
    if (event.key === ' ') {
      pen.down = !pen.down;
      if (pen.down) this.strokes.push([pen.at]);
    } else {
      pen.at = pen.at.map((x, k) => Math.min(1, Math.max(0, x + STEP * way[event.key][k])));
      if (pen.down) this.strokes.at(-1)?.push(pen.at);
    }
    this.update(event.timeStamp);
  }

  putAway() {
    if (!this.pen) return;
    this.pen = null;
    this.show();
  }

  showPen(ink, size) {
    const context = this.canvas.getContext('2d');
    context.beginPath();
    context.arc(this.pen.at[0] * size, this.pen.at[1] * size, PEN * size * 0.75, 0, 2 * Math.PI);
    context.lineWidth = devicePixelRatio * (this.pen.down ? 4 : 2);
    context.strokeStyle = ink;
    context.stroke();
  }
}
