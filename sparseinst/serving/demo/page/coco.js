// The answer as text to copy: COCO's JSON, one line for each annotation.

export function cocoText(answer) {
  const parts = Object.entries(answer).map(([name, value]) => {
    const lines = Array.isArray(value) && value.length
      ? `[\n${value.map((entry) => `    ${JSON.stringify(entry)}`).join(",\n")}\n  ]`
      : JSON.stringify(value);
    return `  ${JSON.stringify(name)}: ${lines}`;
  });
  return `{\n${parts.join(",\n")}\n}\n`;
}

// Only some of the answer's annotations, by their places.
export function only(answer, indices) {
  return { ...answer, annotations: indices.map((index) => answer.annotations[index]) };
}

// Puts text on the clipboard. Gives whether that worked.
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false; // not allowed: the text is there to be selected
  }
}

export function download(blob, name) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
