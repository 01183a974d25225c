// The picture and what was found in it, on a canvas.

import { middleOf, outlineOf } from "./outline.js";
import { cellsOf } from "./rle.js";

const GRID = 2048; // the longer side of what is kept of a picture, in pixels: one of 12 megapixels is 4000
const TINT = 0.42; // the part of an object's colour in its pixels
const RIM = "rgb(20 20 20 / 0.85)"; // a dark line around bright colours can be seen on any ground
const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", Arial, sans-serif';
const SMALLEST_SAVED = 960;

export class Stage {
  // `holder` is the element that the canvas fits into.
  constructor(canvas, holder) {
    this.canvas = canvas;
    this.holder = holder;
    this.probe = new OffscreenCanvas(1, 1).getContext("2d");
    this.clear();
    new ResizeObserver(() => this.draw()).observe(holder);
  }

  clear() {
    this.source = null;
    this.objects = [];
    this.shown = new Set();
    this.lit = null;
    this.canvas.hidden = true;
  }

  // Shows a picture of width x height pixels. `bitmap` may be null: some pictures only the endpoint can read.
  show(bitmap, width, height) {
    this.clear();
    const scale = Math.min(1, GRID / Math.max(width, height));
    this.source = new OffscreenCanvas(Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale)));
    const pen = this.source.getContext("2d");
    pen.imageSmoothingQuality = "high";
    pen.fillStyle = "#77787c";
    pen.fillRect(0, 0, this.source.width, this.source.height);
    if (bitmap) pen.drawImage(bitmap, 0, 0, this.source.width, this.source.height);
    this.canvas.hidden = false;
    this.draw();
  }

  // Takes the found objects: [{segmentation, area, colour, label}, …], the best first. None is shown yet.
  take(objects) {
    this.objects = objects;
  }

  // An object with its path, its label's place and its box; made when it is first seen, as most never are.
  seen(index) {
    const found = this.objects[index];
    if (!found.path) {
      const mask = cellsOf(found.segmentation, this.source.width, this.source.height);
      Object.assign(found, { path: outlineOf(mask), middle: middleOf(mask), box: { top: mask.top, width: mask.width, height: mask.height } });
    }
    return found;
  }

  // The index of the smallest shown object at a place of the window, or null.
  at(clientX, clientY) {
    if (!this.source) return null;
    const box = this.canvas.getBoundingClientRect();
    const x = ((clientX - box.left) / box.width) * this.source.width;
    const y = ((clientY - box.top) / box.height) * this.source.height;
    const under = [...this.shown].filter((index) => this.probe.isPointInPath(this.seen(index).path, x, y, "evenodd"));
    return under.length ? under.reduce((a, b) => (this.objects[b].area < this.objects[a].area ? b : a)) : null;
  }

  draw() {
    if (!this.source) return;
    const { width, height } = this.source;
    const fit = Math.min(this.holder.clientWidth / width, Math.max(260, 0.7 * innerHeight) / height);
    const fine = Math.min(window.devicePixelRatio || 1, 3);
    this.canvas.style.width = `${Math.round(width * fit)}px`;
    this.canvas.style.height = `${Math.round(height * fit)}px`;
    this.canvas.width = Math.max(1, Math.round(width * fit * fine));
    this.canvas.height = Math.max(1, Math.round(height * fit * fine));
    this.paint(this.canvas, this.lit, fine);
  }

  // A PNG of what is seen, in the picture's own size where that is neither tiny nor huge.
  save() {
    const { width, height } = this.source;
    const scale = Math.max(1, SMALLEST_SAVED / Math.max(width, height));
    const sheet = new OffscreenCanvas(Math.round(width * scale), Math.round(height * scale));
    this.paint(sheet, null, Math.max(sheet.width, sheet.height) / 960);
    return sheet.convertToBlob({ type: "image/png" });
  }

  // `fine`: how many of the sheet's pixels are as wide as one pixel of a usual screen.
  paint(sheet, lit, fine) {
    const pen = sheet.getContext("2d");
    const scale = sheet.width / this.source.width;
    pen.imageSmoothingQuality = "high";
    pen.drawImage(this.source, 0, 0, sheet.width, sheet.height);
    const order = [...this.shown].sort((a, b) => this.objects[b].area - this.objects[a].area);
    const strength = (index) => (lit === null ? 1 : index === lit ? 1.3 : 0.25);
    pen.save();
    pen.scale(scale, sheet.height / this.source.height);
    pen.lineJoin = "round";
    for (const index of order) {
      pen.globalAlpha = TINT * strength(index);
      pen.fillStyle = this.objects[index].colour;
      pen.fill(this.seen(index).path, "evenodd");
    }
    for (const index of order) {
      const thickness = (fine * (index === lit ? 2.6 : 1.6)) / scale;
      pen.globalAlpha = Math.min(1, strength(index) * 1.2);
      for (const [colour, width] of [[RIM, thickness + (1.6 * fine) / scale], [this.objects[index].colour, thickness]]) {
        pen.strokeStyle = colour;
        pen.lineWidth = width;
        pen.stroke(this.seen(index).path);
      }
    }
    pen.restore();
    this.write(pen, lit === null ? [...this.shown] : [lit], scale, fine);
  }

  // Labels, none over another; the best object's first.
  write(pen, indices, scale, fine) {
    const size = 12.5 * fine;
    const [padding, height] = [5 * fine, 19 * fine];
    pen.font = `600 ${size}px ${FONT}`;
    pen.textBaseline = "middle";
    const taken = [];
    for (const index of indices) {
      const { label, colour, middle, box } = this.seen(index);
      const width = pen.measureText(label).width + 2 * padding;
      const fits = box.width * scale > width + 6 * fine && box.height * scale > 2 * height;
      if (!fits && indices.length > 12) continue; // in a crowd labels would hide the small ones
      const left = Math.max(0, Math.min(middle[0] * scale - width / 2, pen.canvas.width - width));
      const wanted = fits ? middle[1] * scale - height / 2 : box.top * scale - height - 3 * fine;
      const top = freeTop(taken, left, wanted, width, height, pen.canvas.height);
      taken.push({ left, top, right: left + width, bottom: top + height });
      pen.fillStyle = colour;
      pen.beginPath();
      pen.roundRect(left, top, width, height, 4 * fine);
      pen.fill();
      pen.fillStyle = inkOn(colour);
      pen.fillText(label, left + padding, top + height / 2 + 0.5 * fine);
    }
  }
}

// The free place nearest to the wanted one, above or below it; the wanted one where all is full.
function freeTop(taken, left, wanted, width, height, bottom) {
  const start = Math.max(0, Math.min(wanted, bottom - height));
  const isFree = (top) => top >= 0 && top + height <= bottom
    && taken.every((box) => left >= box.right || left + width <= box.left || top >= box.bottom || top + height <= box.top);
  for (let shift = 0; shift < 6 * height; shift += height / 4) {
    for (const top of [start - shift, start + shift]) if (isFree(top)) return top;
  }
  return start;
}

// Near-black or white, whichever has more contrast (WCAG 2) with the colour "#rrggbb".
function inkOn(colour) {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const part = parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  const light = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  return 1.05 / (light + 0.05) > (light + 0.05) / 0.06 ? "#ffffff" : "#18181b";
}
