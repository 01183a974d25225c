// The list of objects beside the picture, the classes that can be left out, and the threshold.

export class Objects {
  // `parts`: the elements {slider, threshold, marks, chips, list, note}. `changed(shown)` hears which objects are to be
  // seen, `lights(index or null)` which one is looked at.
  constructor(parts, changed, lights) {
    Object.assign(this, parts);
    this.changed = changed;
    this.lights = lights;
    this.clear();
    this.slider.addEventListener("input", () => this.apply());
    this.list.addEventListener("pointerover", (event) => this.light(rowOf(event)));
    this.list.addEventListener("pointerleave", () => this.light(null));
    this.list.addEventListener("focusin", (event) => { this.rove(rowOf(event)); this.light(rowOf(event)); });
    this.list.addEventListener("focusout", () => this.light(null));
    this.list.addEventListener("keydown", (event) => this.move(event));
  }

  clear() {
    this.entries = [];
    this.rows = [];
    this.without = new Set(); // names of classes
    for (const part of [this.list, this.chips, this.marks]) part.replaceChildren();
    this.note.hidden = true;
    this.threshold.textContent = Number(this.slider.value).toFixed(2);
  }

  // Takes what was found: [{name, score, share, colour}, …], the best first.
  take(entries) {
    this.clear();
    this.entries = entries;
    this.rows = entries.map(row);
    this.list.append(...this.rows.map((button) => Object.assign(document.createElement("li")).appendChild(button).parentNode));
    const [low, high] = [Number(this.slider.min), Number(this.slider.max)];
    this.marks.append(...entries.map(({ score, colour }) => {
      const mark = document.createElement("i");
      mark.style.left = `${(100 * (Math.min(Math.max(score, low), high) - low)) / (high - low)}%`;
      mark.style.background = colour;
      return mark;
    }));
    this.apply();
  }

  // Shows what the threshold and the classes leave.
  apply() {
    const least = Number(this.slider.value);
    this.threshold.textContent = least.toFixed(2);
    const isAbove = ({ score }) => score >= least - 1e-9;
    const shown = this.entries.map((entry, index) => (isAbove(entry) && !this.without.has(entry.name) ? index : -1)).filter((index) => index >= 0);
    const seen = new Set(shown);
    this.rows.forEach((button, index) => { button.parentNode.hidden = !seen.has(index); });
    [...this.marks.children].forEach((mark, index) => mark.classList.toggle("off", !seen.has(index)));
    this.chips.replaceChildren(...this.chipsOf(this.entries.filter(isAbove)));
    this.rove(shown.length ? this.rows[shown[0]] : null);
    this.say(shown.length);
    this.changed(shown);
  }

  chipsOf(entries) {
    const counts = new Map();
    for (const { name } of entries) counts.set(name, (counts.get(name) ?? 0) + 1);
    return [...counts].sort(([a], [b]) => a.localeCompare(b)).map(([name, count]) => {
      const chip = Object.assign(document.createElement("button"), { type: "button", className: "chip" });
      chip.setAttribute("aria-pressed", String(!this.without.has(name)));
      chip.append(text("bdi", name), text("span", String(count)));
      chip.addEventListener("click", () => {
        if (!this.without.delete(name)) this.without.add(name);
        this.apply();
        [...this.chips.children].find((each) => each.firstChild.textContent === name)?.focus();
      });
      return chip;
    });
  }

  say(count) {
    const below = this.entries.length - count;
    this.note.hidden = count > 0;
    this.note.textContent = below
      ? `Nothing is shown: ${below === 1 ? "one object is" : `${below} objects are`} below the threshold or of a class that is left out.`
      : "The model found nothing in this picture.";
  }

  light(button) {
    const index = button ? this.rows.indexOf(button) : null;
    for (const each of this.rows) each.classList.toggle("lit", each === button);
    this.lights(index);
  }

  // Shows in the list what is looked at in the picture.
  point(index) {
    for (const [at, each] of this.rows.entries()) each.classList.toggle("lit", at === index);
    if (index !== null) this.rows[index].scrollIntoView({ block: "nearest" });
  }

  // Of all rows one is reached with Tab; the arrows go on from there.
  rove(button) {
    for (const each of this.rows) each.tabIndex = each === button ? 0 : -1;
  }

  move(event) {
    const open = this.rows.filter((each) => !each.parentNode.hidden);
    const at = open.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: open.length - 1 }[event.key];
    if (event.key === "Escape") document.activeElement.blur();
    if (to === undefined || !open[to]) return;
    event.preventDefault();
    open[to].focus();
  }
}

function row({ name, score, share, colour }) {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "row" });
  const swatch = text("i", "");
  swatch.className = "swatch";
  swatch.style.background = colour;
  const bar = text("i", "");
  bar.className = "score";
  bar.style.setProperty("--share", `${100 * score}%`);
  button.append(swatch, text("bdi", name), text("small", share), bar, text("b", score.toFixed(2)));
  return button;
}

function rowOf(event) {
  return event.target instanceof Element ? event.target.closest(".row") : null;
}

function text(element, content) {
  return Object.assign(document.createElement(element), { textContent: content });
}
