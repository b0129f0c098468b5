// SPDX-License-Identifier: Apache-2.0
// Views, the box to write in, the keyboard, and what is known of the server at the start.

const kViews = {
  ask: { label: "Question", placeholder: "Ask a question", send: "Ask", start: ask, draft: "" },
  chat: { label: "Message", placeholder: "Write a message", send: "Send", start: chat, draft: "" },
  documents: null, // nothing to write
};
let view = "ask";

function showNotice(failure) {
  byId("notice").textContent = failure === null ? "" : sentence(failure.message);
  byId("notice").hidden = failure === null;
}

function showView() {
  const input = byId("input");
  if (kViews[view] !== null) kViews[view].draft = input.value;
  const name = location.hash.slice(1);
  view = name in kViews ? name : "ask";
  for (const other of Object.keys(kViews)) byId(`view-${other}`).hidden = other !== view;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${view}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const writing = kViews[view];
  byId("composer").hidden = writing === null;
  byId("library-choice").hidden = view === "chat" || byId("library").options.length === 0;
  byId("model-choice").hidden = view === "documents";
  byId("quotes-only-choice").hidden = view !== "ask";
  byId("new-chat").hidden = view !== "chat" || conversation.length === 0;
  if (writing === null) return;
  byId("input-label").textContent = writing.label;
  input.placeholder = writing.placeholder;
  input.value = writing.draft;
  byId("send").textContent = writing.send;
  fitInput();
  input.focus();
}

function showRunning() {
  byId("send").hidden = running !== null;
  byId("stop").hidden = running === null;
  byId("hint").hidden = running !== null;
}

function fitInput() {
  const input = byId("input");
  input.style.blockSize = "auto";
  input.style.blockSize = `${input.scrollHeight}px`;
}

byId("input").addEventListener("input", fitInput);
byId("input").addEventListener("keydown", (event) => {
  // Enter that ends a composition, as of Japanese, is not for us.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  byId("composer").requestSubmit();
});
byId("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = byId("input").value.trim();
  if (text === "" || running !== null) return;
  byId("input").value = "";
  fitInput();
  kViews[view].start(text);
});
byId("stop").addEventListener("click", () => {
  running?.abort();
  byId("input").focus();
});
addEventListener("keydown", (event) => {
  // Within a dialog it closes the dialog.
  if (event.key === "Escape" && document.querySelector("dialog[open]") === null) running?.abort();
});
byId("new-chat").addEventListener("click", () => {
  running?.abort();
  conversation = [];
  byId("chat-turns").replaceChildren();
  byId("new-chat").hidden = true;
  byId("input").focus();
});

function fillChoice(select, names) {
  select.replaceChildren(...names.map((name) => make("option", { value: name }, visible(name))));
}

async function start() {
  try {
    const [models, libraries] = await Promise.all([get("/v1/models"), get("/v1/libraries")]);
    fillChoice(byId("model"), models.data.map((model) => model.id));
    fillChoice(byId("library"), libraries.libraries.map((library) => library.name));
    if (libraries.libraries.length === 0) {
      byId("library-summary").textContent = "This server has no library; kinglet serve --library FOLDER gives it one.";
      byId("add-documents").disabled = true;
    }
    showView();
    await loadDocuments();
  } catch (failure) {
    showNotice(failure);
  }
}

byId("library").addEventListener("change", () => loadDocuments().catch(showNotice));
addEventListener("hashchange", showView);
showView();
start();
