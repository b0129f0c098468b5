// SPDX-License-Identifier: Apache-2.0
// The documents of a library: the list, what is added and removed, and the reader that opens one at a quote.

const kMostRows = 200;
let documents = [];

async function loadDocuments() {
  const library = byId("library").value;
  if (library === "") return;
  const listed = await get("/v1/library/documents", { library });
  if (byId("library").value !== library) return; // another was chosen meanwhile
  documents = listed.documents;
  showNotice(null);
  const count = countOf(documents.length, "document", "documents");
  byId("documents-count").textContent = visible(`${count} in ${library}`);
  byId("library-summary").textContent =
    documents.length === 0
      ? "The library is empty. Add documents to it first."
      : visible(`${count} in the library “${library}”.`);
  byId("filter").hidden = documents.length < 10;
  showDocuments();
}

function showDocuments() {
  const words = byId("filter").value.toLowerCase();
  const matches = documents.filter((entry) => `${entry.title}\n${entry.uri}`.toLowerCase().includes(words));
  const rows = matches.slice(0, kMostRows).map(documentRow);
  if (matches.length > kMostRows) {
    rows.push(make("li", { class: "fine" }, `and ${matches.length - kMostRows} more: filter to find them`));
  }
  byId("documents").replaceChildren(...rows);
}
byId("filter").addEventListener("input", showDocuments);

function documentRow(entry) {
  const name = visible(entry.title || entry.uri);
  const day = entry.ingested_at.slice(0, 10).replaceAll("-", "\u2011"); // which does not end a line
  const facts = [sizeOf(entry.size_bytes), countOf(entry.chunks, "passage", "passages"), day];
  const open = () => openReader(entry.uri, byId("library").value, null);
  const remove = () => removeDocument(entry);
  return make(
    "li",
    { class: "document" },
    make(
      "button",
      { type: "button", class: "what", onclick: open },
      make("bdi", { class: "title" }, name),
      make("bdi", { class: "fine" }, visible(entry.uri)),
      make("span", { class: "fine" }, facts.join(" · ")),
    ),
    make("button", { type: "button", class: "quiet", "aria-label": `Remove ${name}`, onclick: remove }, "Remove"),
  );
}

// ---- Removing ----

function confirmed(name) {
  const dialog = byId("confirm");
  byId("confirm-name").textContent = visible(name);
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "remove"), { once: true });
  });
}

async function removeDocument(entry) {
  const library = byId("library").value;
  if (!(await confirmed(entry.title || entry.uri))) return;
  try {
    await request(`/v1/library/documents?${new URLSearchParams({ library, uri: entry.uri })}`, { method: "DELETE" });
    await loadDocuments();
    say(`Removed ${visible(entry.title || entry.uri)}.`);
  } catch (failure) {
    byId("uploads").append(failedRow(entry.title || entry.uri, failure));
  }
  byId("documents-heading").focus(); // the row that had the focus is gone
}

// ---- Adding ----

function failedRow(name, failure) {
  const row = make(
    "li",
    { class: "upload card failure", role: "alert" },
    make("p", {}, make("bdi", { class: "title" }, visible(name))),
    make("p", {}, sentence(failure.message)),
    make("button", { type: "button", class: "quiet", onclick: () => row.remove() }, "Dismiss"),
  );
  return row;
}

async function addDocument(file, library) {
  const bar = make("progress", { max: "1", value: "0", "aria-label": `Progress of ${visible(file.name)}` });
  const state = make("span", { class: "fine" });
  const cancel = make("button", { type: "button", class: "quiet" }, "Cancel");
  const row = make(
    "li",
    { class: "upload" },
    make("bdi", { class: "title" }, visible(file.name)),
    state,
    cancel,
    bar,
  );
  byId("uploads").append(row);
  const onSent = (sent, all) => {
    if (sent < all) {
      bar.value = sent / all;
      state.textContent = `${sizeOf(sent)} of ${sizeOf(all)}`;
    } else {
      bar.removeAttribute("value"); // nobody knows how long reading takes
      state.textContent = "Reading its text";
    }
  };
  const onStart = (sending) => (cancel.onclick = () => sending.abort());
  try {
    const query = new URLSearchParams({ library, name: file.name });
    const entry = await upload(`/v1/library/documents?${query}`, file, onSent, onStart);
    say(`Added ${visible(entry.title || file.name)}.`);
    for (const failed of entry.failed || []) byId("uploads").append(failedRow(failed.uri, { message: failed.reason }));
  } catch (error) {
    if (error.name !== "AbortError") byId("uploads").append(failedRow(file.name, error));
  }
  row.remove();
}

// One after the other: the library takes one change at a time.
async function addDocuments(files) {
  const library = byId("library").value;
  if (library === "") return;
  for (const file of files) {
    await addDocument(file, library);
    await loadDocuments().catch(showNotice);
  }
}

byId("add-documents").addEventListener("click", () => byId("files").click());
byId("files").addEventListener("change", async (event) => {
  const files = [...event.target.files];
  event.target.value = ""; // the same file can be chosen again
  await addDocuments(files);
});
for (const kind of ["dragover", "drop"]) {
  addEventListener(kind, (event) => event.preventDefault()); // never leaves the page for a file
}
byId("drop").addEventListener("dragover", () => byId("drop").classList.add("over"));
byId("drop").addEventListener("dragleave", () => byId("drop").classList.remove("over"));
byId("drop").addEventListener("drop", (event) => {
  byId("drop").classList.remove("over");
  addDocuments([...event.dataTransfer.files]);
});

// ---- Reading ----

const kPartBytes = 50_000; // of a document's text, read at once
let part = null; // what the reader shows: {uri, library, start, end}

const fetchPart = (uri, library, start, end) =>
  get("/v1/library/text", { uri, library, start_byte: Math.max(0, start), end_byte: end });

// The text cut at bytes, which count from the text's own first one.
function cutBytes(text, ...bytes) {
  const all = new TextEncoder().encode(text);
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const ends = [...bytes, all.length];
  return ends.map((end, i) => visible(decoder.decode(all.subarray(i === 0 ? 0 : ends[i - 1], end))));
}

// quote: {start_byte, end_byte}, or null to begin at the beginning.
async function openReader(uri, library, quote) {
  const dialog = byId("reader");
  byId("reader-title").textContent = visible(uri);
  byId("reader-source").textContent = "";
  byId("reader-text").replaceChildren("Opening");
  byId("reader-earlier").hidden = byId("reader-later").hidden = true;
  part = null;
  dialog.showModal();
  try {
    const start = quote === null ? 0 : quote.start_byte;
    const shown = await fetchPart(uri, library, start - kPartBytes, (quote === null ? 0 : quote.end_byte) + kPartBytes);
    byId("reader-title").textContent = visible(shown.title || uri);
    byId("reader-source").textContent = visible(uri);
    showPart(shown, quote);
    part = { uri, library, start: shown.start_byte, end: shown.end_byte, all: shown.text_bytes };
    showEnds();
  } catch (failure) {
    byId("reader-text").replaceChildren(make("p", { role: "alert" }, sentence(failure.message)));
  }
}

function showPart(shown, quote) {
  const pages = byId("reader-pages");
  if (quote === null) {
    byId("reader-text").replaceChildren(visible(shown.text));
    pages.scrollTop = 0;
    return;
  }
  const first = shown.start_byte;
  const [before, within, after] = cutBytes(shown.text, quote.start_byte - first, quote.end_byte - first);
  const mark = make("mark", { tabindex: "-1" }, within);
  byId("reader-text").replaceChildren(before, mark, after);
  mark.focus({ preventScroll: true });
  mark.scrollIntoView({ block: "center" });
}

function showEnds() {
  byId("reader-earlier").hidden = part.start === 0;
  byId("reader-later").hidden = part.end >= part.all;
}

// More of the text, above or below what is shown.
async function extendReader(start, end, show) {
  const at = part;
  try {
    const more = await fetchPart(at.uri, at.library, start, end);
    if (part !== at) return; // another document was opened meanwhile
    part = { ...at, start: Math.min(at.start, more.start_byte), end: Math.max(at.end, more.end_byte) };
    show(visible(more.text));
    showEnds();
  } catch (failure) {
    byId("reader-source").textContent = sentence(failure.message);
  }
}
byId("reader-later").addEventListener("click", () =>
  extendReader(part.end, part.end + kPartBytes, (text) => byId("reader-text").append(text)),
);
byId("reader-earlier").addEventListener("click", () =>
  extendReader(part.start - kPartBytes, part.start, (text) => {
    const pages = byId("reader-pages");
    const below = pages.scrollHeight - pages.scrollTop;
    byId("reader-text").prepend(text);
    pages.scrollTop = pages.scrollHeight - below; // what was read stays where it was
  }),
);
