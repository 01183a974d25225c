// Speaks to the page's server, and through it to the endpoint.

// What went wrong, in words for the user. `canRetry`: the same picture may work later.
export class Problem extends Error {
  constructor(problem, fix, canRetry) {
    super(problem);
    this.fix = fix;
    this.canRetry = canRetry;
  }
}

const GONE = ["The page's own server has ended.", "Start `sparseinst demo` again, then try again.", true];

// What the page has to know: the model, its endpoint, the samples, the palette.
export async function about() {
  const reply = await send("/about");
  return reply.json();
}

// Asks for the objects in a picture. Gives {answer, milliseconds}: the COCO object, and the time of each part.
export async function ask(picture, signal) {
  const start = performance.now();
  const reply = await send("/ask", { method: "POST", body: picture, signal, headers: { "Content-Type": "application/octet-stream" } });
  const answer = await reply.json();
  if (answer.problem) throw new Problem(answer.problem, answer.fix, answer.can_retry);
  const whole = performance.now() - start;
  return { answer, milliseconds: parts(whole, reply.headers.get("Server-Timing"), answer.timing_ms) };
}

async function send(address, options = {}) {
  let reply;
  try {
    reply = await fetch(address, { cache: "no-store", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(...GONE);
  }
  if (reply.ok) return reply;
  const { problem, fix } = await reply.json();
  throw new Problem(problem, fix, reply.status >= 500);
}

// The whole time cut into pieces that add up to it.
function parts(whole, header, timing) {
  const endpoint = Number(/endpoint;dur=([\d.]+)/.exec(header ?? "")?.[1] ?? whole);
  const { decode, resize, model, masks } = timing;
  return {
    upload: Math.max(0, whole - endpoint),
    transfer: Math.max(0, endpoint - decode - resize - model - masks),
    decode, resize, model, masks,
  };
}
