// Where the time went: a bar of pieces as long as their times, and the numbers.

const PARTS = [
  ["upload", "Upload", "between the browser and the page’s server, both ways"],
  ["transfer", "Transfer", "between the page’s server and Triton, and inside of Triton"],
  ["decode", "Decode", "the file becomes pixels"],
  ["resize", "Resize", "to the size that the model sees"],
  ["model", "Model", "the network, with its queue"],
  ["masks", "Masks", "to the picture’s size, and into run lengths"],
  ["drawing", "Drawing", "in this browser"],
];

export function showLatency(bar, list, whole, milliseconds) {
  const total = PARTS.reduce((sum, [name]) => sum + milliseconds[name], 0);
  whole.textContent = inWords(total);
  bar.replaceChildren(...PARTS.map(([name]) => {
    const piece = Object.assign(document.createElement("i"), { className: `piece ${name}` });
    piece.style.flexGrow = String(milliseconds[name] / (total || 1));
    return piece;
  }));
  bar.setAttribute("aria-label", PARTS.map(([name, word]) => `${word} ${inWords(milliseconds[name])} ms`).join(", "));
  list.replaceChildren(...PARTS.map(([name, word, meaning]) => {
    const row = document.createElement("div");
    const term = Object.assign(document.createElement("dt"), { title: meaning });
    term.append(Object.assign(document.createElement("i"), { className: `key ${name}` }), word);
    const figure = document.createElement("dd");
    figure.append(inWords(milliseconds[name]), Object.assign(document.createElement("span"), { className: "dim", textContent: " ms" }));
    row.append(term, figure);
    return row;
  }));
}

function inWords(milliseconds) {
  return milliseconds >= 10 ? milliseconds.toFixed(0) : milliseconds.toFixed(1);
}
