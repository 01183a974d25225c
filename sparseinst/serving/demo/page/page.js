// The page: a picture comes in, the endpoint is asked, what it found is shown.

import { about, ask, Problem } from "./ask.js";
import { cocoText, copy, download, only } from "./coco.js";
import { showLatency } from "./latency.js";
import { Objects } from "./objects.js";
import { listen } from "./picking.js";
import { Stage } from "./stage.js";

const part = (id) => document.getElementById(id);

const stage = new Stage(part("canvas"), part("holder"));
const objects = new Objects(
  {
    slider: part("slider"), threshold: part("threshold"), marks: part("marks"), chips: part("chips"),
    list: part("list"), note: part("note"),
  },
  (shown) => {
    stage.shown = new Set(shown);
    stage.draw();
    tell(shown);
  },
  (index) => {
    stage.lit = index;
    stage.draw();
  },
);

let facts = null; // what about() gave at the last look
let last = null; // the picture to ask about again
let running = null; // the AbortController of the question under way
let answer = null;
let names = new Map(); // category id to name

// One picture at a time: a new one takes the place of the one before, whatever that one waits for.
async function look(file) {
  last = file;
  running?.abort();
  const own = (running = new AbortController());
  clear(file.name);
  try {
    if (!facts) await meet();
    if (!facts || own.signal.aborted) return; // it was told why
    await check(file);
    const [decoded, found] = await Promise.allSettled([decode(file, own), ask(file, own.signal)]);
    if (own.signal.aborted) return;
    if (found.status === "rejected") throw found.reason;
    show(decoded.value ?? null, found.value);
  } catch (error) {
    if (own.signal.aborted) return;
    complain(error);
    if (error.canRetry) meet();
  } finally {
    if (running === own) part("workplace").setAttribute("aria-busy", "false");
  }
}

function clear(name) {
  answer = null;
  stage.clear();
  objects.clear();
  part("file").textContent = name;
  part("size").textContent = "";
  part("problem").hidden = true;
  part("workplace").dataset.state = "asking";
  part("workplace").setAttribute("aria-busy", "true");
  part("said").textContent = "Asking the endpoint.";
}

async function check(file) {
  const most = facts.largest_bytes;
  if (file.size > most) {
    throw new Problem(`The picture has ${(file.size / 2 ** 20).toFixed(0)} MB; the most is ${most >> 20} MB.`, "Send a smaller one.", false);
  }
  if (!file.size) throw new Problem("The file is empty.", "Choose another one.", false);
  try {
    await file.slice(0, 1).arrayBuffer();
  } catch {
    throw new Problem("The browser cannot read this.", "Choose a picture's file, not a folder.", false);
  }
}

// The picture's pixels, upright; shown at once, before the answer is there.
async function decode(file, own) {
  const bitmap = await createImageBitmap(file);
  if (!own.signal.aborted) stage.show(bitmap, bitmap.width, bitmap.height);
  return bitmap;
}

function show(bitmap, found) {
  const start = performance.now();
  answer = found.answer;
  const [{ width, height }] = answer.images;
  names = new Map(answer.categories.map(({ id, name }) => [id, name]));
  const entries = answer.annotations.map(({ category_id: id, score, area }, index) => ({
    name: names.get(id) ?? `class ${id}`,
    score,
    share: share(area / (width * height)),
    colour: facts.palette[index % facts.palette.length],
  }));
  if (bitmap?.width !== width || bitmap.height !== height) stage.show(bitmap, width, height);
  bitmap?.close();
  stage.take(answer.annotations.map(({ segmentation, area }, index) => ({
    segmentation,
    area,
    colour: entries[index].colour,
    label: `${entries[index].name} ${entries[index].score.toFixed(2)}`,
  })));
  part("workplace").dataset.state = "answered";
  objects.take(entries);
  part("size").textContent = `${width} × ${height}${bitmap ? "" : ", of a kind that only the endpoint can show"}`;
  showLatency(part("bar"), part("parts"), part("whole"), { ...found.milliseconds, drawing: performance.now() - start });
  showModel(answer.model);
}

// What is seen, for who does not see it, and as JSON.
function tell(shown) {
  if (!answer) return;
  const list = shown.slice(0, 8).map((index) => {
    const { category_id: id, score } = answer.annotations[index];
    return `${names.get(id) ?? id} ${score.toFixed(2)}`;
  });
  const count = `${shown.length} ${shown.length === 1 ? "object" : "objects"}`;
  part("count").textContent = count;
  part("said").textContent = `${count}${list.length ? `: ${list.join(", ")}` : ""}`;
  part("canvas").setAttribute("aria-label", part("said").textContent);
  part("json").textContent = cocoText(part("only").checked ? only(answer, shown) : answer);
  part("copied").textContent = "";
}

async function showModel({ name, fingerprint, checkpoint_sha256: checkpoint }) {
  part("answered").textContent = name;
  part("fingerprint").textContent = fingerprint;
  part("checkpoint").textContent = checkpoint.slice(0, 12);
  const isKnown = () => facts.serving?.fingerprint === fingerprint;
  if (!isKnown()) await meet(); // there was a rollout since the last look, or a canary answered
  part("version").textContent = (isKnown() && facts.serving.version) || "–";
}

function complain(error) {
  const problem = error instanceof Problem ? error : new Problem(`The page failed: ${error.message}`, "Try another picture.", false);
  if (!(error instanceof Problem)) console.error(error);
  part("workplace").dataset.state = stage.source ? "shown" : "empty";
  part("what").textContent = problem.message;
  part("fix").textContent = problem.fix;
  part("about-file").textContent = last?.name ?? "";
  part("retry").hidden = !problem.canRetry;
  part("problem").hidden = false;
  part("said").textContent = "";
}

// Learns what serves now.
async function meet() {
  try {
    facts = await about();
    introduce(facts);
  } catch (error) {
    complain(error);
  }
}

function introduce({ address, model, samples, least_score: least, serving, problem }) {
  document.title = `${model} – live endpoint`;
  part("model").textContent = model;
  part("address").textContent = address;
  part("state").textContent = serving ? "serves" : "does not answer";
  part("state").className = `badge ${serving ? "good" : "error"}`;
  part("slider").min = String(least);
  if (problem && part("problem").hidden) complain(new Problem(problem.problem, problem.fix, true));
  if (part("samples").childElementCount || !samples.length) return;
  part("samples").append(...samples.map(sample));
  part("try").hidden = false;
}

function sample({ name, picture, thumbnail }) {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "sample", title: name });
  const image = Object.assign(document.createElement("img"), { src: thumbnail, alt: name, loading: "lazy" });
  button.append(image);
  button.addEventListener("click", async () => {
    try {
      const reply = await fetch(picture);
      if (!reply.ok) throw new Problem((await reply.json()).problem, "Choose another one.", false);
      await look(new File([await reply.blob()], name));
    } catch (error) {
      complain(error instanceof Problem ? error : new Problem("The page's own server has ended.", "Start `sparseinst demo` again.", false));
    }
  });
  return Object.assign(document.createElement("li")).appendChild(button).parentNode;
}

function share(part) {
  return part < 0.001 ? "< 0.1 %" : `${(100 * part).toFixed(part < 0.1 ? 1 : 0)} %`;
}

const base = () => (last?.name ?? "picture").replace(/\.[^.]*$/, "");

listen({ button: document.querySelectorAll(".choose"), input: part("input") }, look);
part("retry").addEventListener("click", () => (last ? look(last) : (part("problem").hidden = true, meet())));
part("only").addEventListener("change", () => tell([...stage.shown]));
part("copy").addEventListener("click", async () => {
  part("copied").textContent = (await copy(part("json").textContent)) ? "Copied." : "Not allowed here: select the text.";
});
part("download").addEventListener("click", () => download(new Blob([part("json").textContent], { type: "application/json" }), `${base()}.json`));
part("save").addEventListener("click", async () => download(await stage.save(), `${base()}_objects.png`));
part("canvas").addEventListener("pointermove", (event) => {
  const index = stage.at(event.clientX, event.clientY);
  if (index === stage.lit) return;
  stage.lit = index;
  stage.draw();
  objects.point(index);
});
part("canvas").addEventListener("pointerleave", () => { stage.lit = null; stage.draw(); objects.point(null); });
meet();
