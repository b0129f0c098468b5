// SPDX-License-Identifier: Apache-2.0
// What the page says to its server, and how text of strangers gets into the page: as text, never as markup.
"use strict";

const byId = (id) => document.getElementById(id);

// As the terminal shows it (base/display.h): what could move the reading order or hide becomes visible.
const kUnsafe =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\u{e0000}-\u{e007f}]/gu;
function visible(text) {
  return text.replace(kUnsafe, (character) => {
    const code = character.codePointAt(0);
    const hex = code.toString(16).toUpperCase();
    return code < 0x80 ? `\\x${hex.padStart(2, "0")}` : `\\u{${hex.padStart(4, "0")}}`;
  });
}

// A message as programs write it, as a person does.
function sentence(message) {
  const text = visible(message);
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
}

// An element with attributes (functions are listeners: onclick) and children; strings become text.
function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

const say = (text) => (byId("status").textContent = text);

function sizeOf(bytes) {
  if (bytes < 1000) return `${bytes} bytes`;
  const power = Math.min(3, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** power).toPrecision(3)} ${["", "kB", "MB", "GB"][power]}`;
}

const countOf = (count, one, many) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

function durationOf(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
}

// What a person is told when a request did not succeed.
class Failure extends Error {
  constructor(message, status = 0) {
    super(message);
    this.status = status;
    this.code = null;
    this.retryAfterS = null;
    this.predictedMs = null;
  }

  static of(status, text, retryAfter) {
    let error = {};
    try {
      error = JSON.parse(text).error ?? {};
    } catch {
      // A proxy's page, perhaps: the status must do.
    }
    const failure = new Failure(error.message || `The server answered with status ${status}.`, status);
    failure.code = error.code ?? null;
    failure.retryAfterS = Number(retryAfter) || null;
    failure.predictedMs = error.predicted_first_byte_ms ?? null;
    return failure;
  }
}

const kUnreachable = "The server cannot be reached. It may have stopped, or the connection is down.";
const kBrokenOff = "The connection ended before the answer did.";

// ---- The key, where the server wants one ----

const kKeyName = "kinglet-key";
let keyAsked = null;

const keyHeaders = () => {
  const key = sessionStorage.getItem(kKeyName);
  return key === null ? {} : { Authorization: `Bearer ${key}` };
};

// Asks once, however many requests wait for it. usedHeaders: what the refused request was sent with.
function askForKey(failure, usedHeaders) {
  const current = keyHeaders().Authorization;
  if (keyAsked === null && current !== usedHeaders.Authorization) return Promise.resolve();
  keyAsked ??= new Promise((resolve, reject) => {
    const dialog = byId("key");
    byId("key-reason").textContent = current === undefined ? "" : sentence(failure.message);
    byId("key-input").value = "";
    dialog.returnValue = "";
    dialog.addEventListener(
      "close",
      () => {
        keyAsked = null;
        if (dialog.returnValue !== "use") return reject(new Failure("This server asks for an API key.", 401));
        sessionStorage.setItem(kKeyName, byId("key-input").value.trim());
        byId("key-input").value = "";
        resolve();
      },
      { once: true },
    );
    dialog.showModal();
  });
  return keyAsked;
}
byId("key-cancel").addEventListener("click", () => byId("key").close(""));

// ---- Requests ----

// The answer of a request that succeeded; a Failure otherwise, an AbortError where it was stopped.
async function request(path, options = {}) {
  for (;;) {
    const headers = keyHeaders();
    let response;
    try {
      response = await fetch(path, { cache: "no-store", ...options, headers: { ...options.headers, ...headers } });
    } catch (error) {
      throw error.name === "AbortError" ? error : new Failure(kUnreachable);
    }
    if (response.ok) return response;
    const failure = Failure.of(response.status, await response.text(), response.headers.get("Retry-After"));
    if (response.status !== 401) throw failure;
    await askForKey(failure, headers);
  }
}

const get = async (path, query = {}) => (await request(`${path}?${new URLSearchParams(query)}`)).json();

const post = (path, body, signal) =>
  request(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    signal,
  });

// {name, data} of each server-sent event; data is text.
async function* serverEvents(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let pending = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    pending += value;
    for (let end; (end = pending.indexOf("\n\n")) >= 0; pending = pending.slice(end + 2)) {
      const event = { name: "message", data: "" };
      for (const line of pending.slice(0, end).split("\n")) {
        if (line.startsWith("event: ")) event.name = line.slice(7);
        if (line.startsWith("data: ")) event.data += line.slice(6);
      }
      yield event;
    }
  }
}

// fetch tells nothing of what has been sent so far.
async function upload(path, file, onSent, onStart) {
  for (;;) {
    const headers = keyHeaders();
    const reply = await new Promise((resolve, reject) => {
      const sending = new XMLHttpRequest();
      sending.open("POST", path);
      sending.setRequestHeader("Content-Type", "application/octet-stream");
      for (const [name, value] of Object.entries(headers)) sending.setRequestHeader(name, value);
      sending.upload.addEventListener("progress", (event) => onSent(event.loaded, event.total));
      sending.addEventListener("load", () => resolve(sending));
      sending.addEventListener("error", () => reject(new Failure(kUnreachable)));
      sending.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
      onStart(sending);
      sending.send(file);
    });
    if (reply.status === 201) return JSON.parse(reply.responseText);
    const failure = Failure.of(reply.status, reply.responseText, reply.getResponseHeader("Retry-After"));
    if (reply.status !== 401) throw failure;
    await askForKey(failure, headers);
  }
}
