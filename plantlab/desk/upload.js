// The browser's side of Upload: photos are chosen, made small here, and sent one after the other.
// What the browser cannot read, such as HEIC on most systems, travels as it is, if it is not too large.

const SIDE = 1280; // pixels, the longer side of what travels
const SMALL_ENOUGH = 400_000; // bytes: such a file is sent as it is
const LARGEST = 30_000_000; // bytes of a file that is sent as it is
const HEAD = 200_000; // bytes at a JPEG's beginning in which its EXIF stands
const PHOTO = /\.(jpe?g|jpe|jfif|png|webp|gif|bmp|tiff?|heic|heif|avif|jp2)$/i;

// ---- a photo made small ----

async function shrink(blob) {
  const bitmap = await createImageBitmap(blob).catch(() => null); // upright, as EXIF says
  if (!bitmap) return asItIs(blob);
  const scale = SIDE / Math.max(bitmap.width, bitmap.height);
  if (scale >= 1 && blob.size <= SMALL_ENOUGH) return asItIs(blob);
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(bitmap.width * Math.min(scale, 1));
  canvas.height = Math.round(bitmap.height * Math.min(scale, 1));
  const pen = canvas.getContext("2d");
  pen.imageSmoothingQuality = "high";
  pen.fillStyle = "white"; // below what is transparent
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  const small = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.85));
  return withExif(await small.arrayBuffer(), await blob.slice(0, HEAD).arrayBuffer());
}

async function asItIs(blob) {
  if (blob.size > LARGEST) throw new Error(`larger than ${LARGEST / 1e6} MB`);
  return blob.arrayBuffer();
}

// When and where a photo was taken tells which photos show one plant: its EXIF travels too, less its orientation.
function withExif(jpeg, original) {
  const exif = exifOf(new DataView(original));
  if (!exif) return jpeg;
  const whole = new Uint8Array(jpeg.byteLength + exif.length);
  whole.set(new Uint8Array(jpeg, 0, 2)); // the mark that begins a JPEG
  whole.set(exif, 2);
  whole.set(new Uint8Array(jpeg, 2), 2 + exif.length);
  return whole.buffer;
}

function exifOf(view) {
  if (view.byteLength < 12 || view.getUint16(0) !== 0xffd8) return null;
  for (let at = 2; at + 10 < view.byteLength; at += 2 + view.getUint16(at + 2)) {
    const mark = view.getUint16(at);
    if (mark === 0xffe1 && view.getUint32(at + 4) === 0x45786966) {
      const length = 2 + view.getUint16(at + 2);
      if (at + length > view.byteLength) return null;
      const segment = new Uint8Array(view.buffer.slice(at, at + length));
      setUpright(new DataView(segment.buffer, 10)); // the TIFF part
      return segment;
    }
    if (mark < 0xffe0 || mark > 0xffef) return null; // the pixels begin
  }
  return null;
}

function setUpright(tiff) {
  if (tiff.byteLength < 16) return;
  const little = tiff.getUint16(0) === 0x4949;
  const first = tiff.getUint32(4, little);
  if (first + 2 > tiff.byteLength) return;
  for (let i = 0; i < tiff.getUint16(first, little); i++) {
    const entry = first + 2 + 12 * i;
    if (entry + 12 > tiff.byteLength) return;
    if (tiff.getUint16(entry, little) === 0x0112) tiff.setUint16(entry + 8, 1, little);
  }
}

// ---- files in a zip ----

async function unzip(file) {
  const tail = new DataView(await file.slice(Math.max(0, file.size - 66_000)).arrayBuffer());
  let end = tail.byteLength - 22;
  while (end >= 0 && tail.getUint32(end, true) !== 0x06054b50) end--;
  if (end < 0) throw new Error("is no zip file that can be read");
  const start = tail.getUint32(end + 16, true);
  if (start === 0xffffffff) throw new Error("is a zip of over 4 GB; choose its folder instead");
  const list = new DataView(await file.slice(start, start + tail.getUint32(end + 12, true)).arrayBuffer());
  const found = [];
  for (let at = 0; at + 46 <= list.byteLength && list.getUint32(at, true) === 0x02014b50; ) {
    const [name, extra, comment] = [28, 30, 32].map((offset) => list.getUint16(at + offset, true));
    const path = new TextDecoder().decode(new Uint8Array(list.buffer, at + 46, name));
    const entry = { method: list.getUint16(at + 10, true), size: list.getUint32(at + 20, true), at: list.getUint32(at + 42, true) };
    if (PHOTO.test(path)) found.push({ path, open: () => inflate(file, entry) });
    at += 46 + name + extra + comment;
  }
  return found;
}

async function inflate(file, { method, size, at }) {
  const head = new DataView(await file.slice(at, at + 30).arrayBuffer());
  const from = at + 30 + head.getUint16(26, true) + head.getUint16(28, true);
  const packed = file.slice(from, from + size);
  if (method === 0) return packed;
  if (method !== 8) throw new Error("packed in a way that this page does not read");
  return new Response(packed.stream().pipeThrough(new DecompressionStream("deflate-raw"))).blob();
}

// ---- the widget ----

async function listed(files) {
  const found = [];
  for (const file of files) {
    const path = file.webkitRelativePath || file.name;
    if (/\.zip$/i.test(file.name)) found.push(...(await unzip(file)));
    else if (!path.includes("/") || PHOTO.test(path)) found.push({ path, open: () => file });
  }
  return found.filter(({ path }) => !path.split("/").some((part) => part.startsWith(".") || part === "__MACOSX"));
}

function render({ model, el }) {
  const me = crypto.getRandomValues(new Uint32Array(2)).join("-"); // several views may show one widget
  const waiting = new Map(); // questions that Python has not answered yet
  let number = 0;
  const said = document.createElement("span");
  said.className = "said";
  said.setAttribute("role", "status");
  el.className += " plantlab-upload";

  function ask(message, buffers = []) {
    const id = `${me}/${number++}`;
    model.send({ ...message, id }, undefined, buffers);
    return new Promise((done) => waiting.set(id, done));
  }

  model.on("msg:custom", (answer) => {
    waiting.get(answer.id)?.(answer);
    waiting.delete(answer.id);
  });

  async function send(files) {
    const found = await listed(files);
    const { want, why } = await ask({ do: "offer", paths: found.map(({ path }) => path) });
    let refused = 0;
    for (const [i, row] of want.entries()) {
      said.textContent = `${i + 1} of ${want.length} ...`;
      const { path, open } = found[row];
      try {
        const { problem } = await ask({ do: "photo", path }, [await shrink(await open())]);
        refused += Boolean(problem);
      } catch (error) {
        await ask({ do: "passed", path, why: error.message });
        refused++;
      }
    }
    await ask({ do: "done" });
    said.textContent = why || (refused ? `${refused} of ${want.length} could not be taken` : "");
  }

  function button(label, attributes) {
    const input = document.createElement("input");
    input.type = "file";
    Object.assign(input, attributes);
    const box = document.createElement("label");
    box.append(label, input);
    box.tabIndex = 0;
    box.addEventListener("keydown", (event) => ["Enter", " "].includes(event.key) && input.click());
    input.addEventListener("change", async () => {
      el.classList.add("busy");
      await send([...input.files]).catch((error) => (said.textContent = `That ${error.message}.`));
      el.classList.remove("busy");
      input.value = "";
    });
    return box;
  }

  const photos = "image/*,.heic,.heif";
  if (model.get("folders")) {
    el.append(button("Choose a zip", { accept: ".zip" }), button("Choose a folder", { webkitdirectory: true }), said);
  } else {
    el.append(button(model.get("label"), { accept: photos, multiple: true }), said);
  }
}

export default { render };
