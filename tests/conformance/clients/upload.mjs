// The ways in which a browser's script sends a picture: it prints the status of each, as JSON.
import { readFile } from "node:fs/promises";

const [address, path] = process.argv.slice(2);
const picture = await readFile(path);
const blob = new Blob([picture], { type: "image/png" });
const image = picture.toString("base64");

function form(...field) {
  const made = new FormData();
  made.append(...field);
  made.append("note", "ignored");
  return made;
}

const ways = {
  "a form with a named blob": { body: form("file", blob, "eight.png") },
  "a form with a nameless blob": { body: form("photo", new Blob([picture])) },
  "a form with a file": { body: form("image", new File([picture], "Bäume, 木.png")) },
  "a blob": { body: blob },
  "bytes without a type": { body: picture },
  "a stream": { body: blob.stream(), duplex: "half" },
  "JSON as text": { body: JSON.stringify({ image }) },
  "a data URL": {
    body: JSON.stringify({ image: `data:image/png;base64,${image}` }),
    headers: { "Content-Type": "application/json" },
  },
};
const told = {};
for (const [way, request] of Object.entries(ways)) {
  const response = await fetch(`${address}/predict`, { method: "POST", ...request });
  told[way] = (await response.json()).prediction?.index ?? response.status;
}
console.log(JSON.stringify(told));
