// SPDX-License-Identifier: Apache-2.0
// Questions and what comes back: an answer as it grows, its quotes, its bill; one request at a time.

let running = null; // the AbortController of the request at work
let following = true; // the end of the page is in sight, and is to stay so

addEventListener("scroll", () => {
  following = innerHeight + scrollY > document.documentElement.scrollHeight - 80;
});
function follow() {
  if (following) scrollTo({ top: document.documentElement.scrollHeight });
}

// A question, room for its answer, and a line that says what is going on.
class Turn {
  constructor(turns, question) {
    this.progress = make("span", {});
    this.elapsed = make("span", { "aria-hidden": true });
    this.state = make("p", { class: "state" }, this.progress, this.elapsed);
    this.body = make("div", { class: "body" });
    this.element = make(
      "article",
      { class: "turn", "aria-label": "Question and answer" },
      make("h2", { dir: "auto" }, visible(question)),
      this.body,
      this.state,
    );
    turns.append(this.element);
    following = true;
    follow();
  }

  add(element) {
    this.body.append(element);
    follow();
    return element;
  }

  // what: a word for the wait before the first text.
  wait(what) {
    const start = performance.now();
    this.progress.textContent = what;
    const tick = () => (this.elapsed.textContent = ` ${Math.round((performance.now() - start) / 1000)} s`);
    this.timer = setInterval(tick, 1000);
  }

  progressed(what) {
    if (this.progress.textContent !== what) this.progress.textContent = what;
  }

  end() {
    clearInterval(this.timer);
    this.state.remove();
  }

  fail(failure, retry) {
    this.add(failureCard(failure, () => {
      this.element.remove();
      retry();
    }));
  }
}

function failureCard(failure, retry) {
  const titles = {
    401: "A key is needed",
    403: "This is not allowed",
    413: "This is too large",
    429: "The server is busy",
  };
  const advice = make("p", { class: "fine" });
  const again = make("button", { type: "button", onclick: retry }, "Try again");
  const late = failure.code === "first_byte_budget"; // then the message is no more than the prediction
  const prediction = `The first word would come after about ${durationOf(failure.predictedMs)}`;
  const card = make(
    "div",
    { class: "card failure", role: "alert" },
    make("h3", {}, titles[failure.status] ?? "This did not work"),
    late ? null : make("p", {}, sentence(failure.message)),
    failure.predictedMs === null ? null : make("p", {}, prediction + (late ? ", later than this server allows." : ".")),
    advice,
    again,
  );
  if (failure.retryAfterS !== null) {
    let left = failure.retryAfterS;
    const tick = () => {
      advice.textContent = left > 0 ? `It can be tried again in ${left} s.` : "It can be tried again now.";
      again.disabled = left > 0;
      if (left-- === 0) clearInterval(timer);
    };
    const timer = setInterval(tick, 1000);
    tick();
  }
  return card;
}

// Runs one request for a turn; work(signal) shows what comes.
async function run(turn, what, work, retry) {
  running = new AbortController();
  showRunning();
  turn.wait(what);
  try {
    await work(running.signal);
    say("The answer is complete.");
  } catch (error) {
    if (error.name === "AbortError") {
      turn.add(make("p", { class: "fine stopped" }, "Stopped."));
      say("Stopped.");
    } else {
      turn.fail(error instanceof Failure ? error : new Failure(kBrokenOff), retry);
    }
  } finally {
    running = null;
    turn.end();
    showRunning();
  }
}

// ---- The bill ----

function costOf(ledger) {
  if (typeof ledger.cost !== "number") return "no price set";
  const form = { style: "currency", currency: ledger.currency, maximumSignificantDigits: 2 };
  try {
    return new Intl.NumberFormat("en", form).format(ledger.cost);
  } catch {
    return `${ledger.cost.toPrecision(2)} ${ledger.currency}`; // no currency of ISO 4217
  }
}

// A figure, what it counts, and where it is a share of another, how much of it.
function figure(name, value, share = null) {
  const entry = make("div", {}, make("dt", {}, name), make("dd", {}, value));
  if (share !== null) {
    const bar = make("span", { class: "share", "aria-hidden": true }, make("span", {}));
    bar.firstChild.style.inlineSize = `${Math.round(100 * Math.min(1, share))}%`;
    entry.append(bar);
  }
  return entry;
}

function meter(ledger) {
  const number = (value) => value.toLocaleString("en");
  const { prompt_tokens: read, cached_tokens: cached, completion_tokens: written, useful_tokens: useful } = ledger;
  const tokens = [
    figure("Prompt", number(read)),
    figure("Cached", number(cached), cached / read),
    figure("Generated", number(written)),
    figure("Useful", number(useful), written > 0 ? useful / written : null),
  ];
  return make(
    "dl",
    { class: "meter", "aria-label": "What this took" },
    figure("First byte", durationOf(ledger.first_byte_ms)),
    figure("Total", durationOf(ledger.total_ms)),
    ...(read > 0 ? tokens : []), // else no model was asked
    figure("Cost", costOf(ledger)),
  );
}

// Whether the answer was of use. The later word counts; nothing is asked of an answer without a row.
function feedback(id) {
  const button = (useful, sign, text) => {
    const tell = async () => {
      try {
        await post("/v1/feedback", { id, useful });
        for (const other of buttons) other.setAttribute("aria-pressed", other === element);
        note.textContent = "Noted.";
        say(`Noted as ${text.toLowerCase()}.`);
      } catch (failure) {
        note.textContent = sentence(failure.message);
        say(note.textContent);
      }
    };
    const attributes = { type: "button", class: "quiet", "aria-pressed": "false", onclick: tell };
    const element = make("button", attributes, make("span", { "aria-hidden": true }, sign), ` ${text}`);
    return element;
  };
  const buttons = [button(true, "👍", "Useful"), button(false, "👎", "Not useful")];
  const note = make("span", { class: "fine" });
  return make("div", { class: "feedback", role: "group", "aria-label": "Was this answer useful?" }, ...buttons, note);
}

// What stands beneath an answer.
function closeBill(turn, ledger) {
  turn.add(meter(ledger));
  if (ledger.id !== null) turn.add(feedback(ledger.id));
}

// ---- A question to the library ----

const kReasons = {
  off_topic: "Nothing that was found in your documents is about this.",
  missing: "Your documents touch on this, but what you ask stands nowhere in them.",
  conflicting: "Your documents contradict each other here.",
  unsupported: "The model wrote an answer, but no quote carries it. It is not shown as one.",
};

// Its text, the words that answer in bold.
function quoted(quote) {
  if (!quote.span) return [visible(quote.text)];
  const { start_byte: start, end_byte: end } = quote.span;
  const [before, span, after] = cutBytes(quote.text, start - quote.start_byte, end - quote.start_byte);
  return [before, make("strong", {}, span), after];
}

function quoteCard(quote, number, library) {
  const place = (name) => (quote[name] === null ? "" : `${name} ${quote[name]}`);
  const where = [quote.heading, place("page"), place("line")].filter(Boolean).join(" · ");
  return make(
    "li",
    { class: "quote" },
    make("blockquote", { dir: "auto" }, ...quoted(quote)),
    make(
      "button",
      { type: "button", class: "source", onclick: () => openReader(quote.document, library, quote) },
      make("span", { class: "mark", "aria-hidden": true }, String(number)),
      make(
        "span",
        { class: "where" },
        make("bdi", { class: "title" }, visible(quote.title || quote.document)),
        make("bdi", { class: "fine" }, visible(where)),
      ),
      make("span", { class: "open" }, "Open"),
    ),
  );
}

class AskView {
  constructor(turn, library) {
    this.turn = turn;
    this.library = library;
    this.answer = make("p", { class: "answer", dir: "auto" });
    this.list = make("ol", { class: "quotes", "aria-label": "Quotes" });
    this.quotes = [];
  }

  addQuote(quote) {
    this.quotes[quote.index] = quote;
    if (!this.list.isConnected) this.turn.body.append(this.list);
    this.list.append(quoteCard(quote, quote.index + 1, this.library));
    follow();
  }

  addClaim(claim) {
    // A claim that is nothing but its quote is not said twice.
    if (claim.quotes.every((index) => this.quotes[index].text !== claim.text)) {
      if (!this.answer.isConnected) this.turn.body.prepend(this.answer);
      const marks = claim.quotes.map((index) => this.mark(index));
      this.answer.append(make("span", { class: "claim" }, visible(claim.text), ...marks), " ");
    }
    follow();
  }

  mark(index) {
    const quote = this.quotes[index];
    const open = () => openReader(quote.document, this.library, quote);
    const label = visible(`Quote ${index + 1}: ${quote.title || quote.document}`);
    const attributes = { type: "button", class: "mark", "aria-label": label, onclick: open };
    return make("button", attributes, String(index + 1));
  }

  finish(answer) {
    const body = this.turn.body;
    // Where there is no answer: what comes closest, or the sides of a conflict.
    answer.quotes.forEach((quote, index) => {
      const span = answer.span?.quote === index ? answer.span : null;
      if (!this.quotes[index]) this.addQuote({ ...quote, index, span });
    });
    const dropped = answer.dropped.filter((sentence) => sentence.text !== "");
    if (answer.abstained) {
      const why = answer.dropped.filter((sentence) => sentence.text === "").map((sentence) => sentence.reason);
      body.prepend(
        make(
          "div",
          { class: "card abstention" },
          make("h3", {}, "No answer"),
          make("p", {}, visible(answer.message ?? kReasons[answer.reason] ?? `Reason: ${answer.reason}.`)),
          ...why.map((text) => make("p", { class: "fine" }, sentence(text))),
        ),
      );
    } else if (!this.answer.isConnected) {
      body.prepend(make("p", { class: "fine" }, "In the words of your documents:"));
    }
    if (dropped.length > 0) {
      const entries = dropped.map((sentence) =>
        make(
          "li",
          {},
          make("bdi", {}, visible(sentence.text)),
          make("span", { class: "fine" }, ` ${visible(sentence.reason)}`),
        ),
      );
      const summary = `${countOf(dropped.length, "sentence", "sentences")} of the model left out`;
      body.append(make("details", {}, make("summary", {}, summary), make("ul", {}, ...entries)));
    }
    closeBill(this.turn, answer.ledger);
  }
}

function ask(question) {
  const turn = new Turn(byId("ask-turns"), question);
  const library = byId("library").value;
  const quotesOnly = byId("quotes-only").checked;
  const body = { question, library, stream: true, mode: quotesOnly ? "quote" : "cite" };
  // Named, a model would read the quotes out.
  if (!quotesOnly && byId("model").value !== "") body.model = byId("model").value;
  const view = new AskView(turn, library);
  const work = async (signal) => {
    for await (const event of serverEvents(await post("/v1/ask", body, signal))) {
      const data = JSON.parse(event.data);
      if (event.name === "error") throw Failure.of(500, event.data, null);
      if (event.name === "answer") return view.finish(data);
      turn.progressed("Checking what comes next");
      if (event.name === "quote") view.addQuote(data);
      if (event.name === "claim") view.addClaim(data);
    }
    throw new Failure(kBrokenOff);
  };
  return run(turn, quotesOnly ? "Searching" : "Reading the documents", work, () => ask(question));
}

// ---- A conversation with the model ----

let conversation = []; // messages that were answered

class ChatView {
  constructor(turn) {
    this.turn = turn;
    this.thought = make("div", { class: "said", dir: "auto" });
    this.said = make("div", { class: "said", dir: "auto" });
    this.text = "";
  }

  add(delta) {
    if (delta.reasoning_content) {
      if (!this.thought.isConnected) {
        this.turn.body.prepend(make("details", {}, make("summary", {}, "Thoughts"), this.thought));
      }
      this.thought.append(visible(delta.reasoning_content));
    }
    if (delta.content) {
      if (!this.said.isConnected) this.turn.body.append(this.said);
      this.said.append(visible(delta.content));
      this.text += delta.content;
    }
    follow();
  }
}

function chat(question) {
  const turn = new Turn(byId("chat-turns"), question);
  const view = new ChatView(turn);
  const messages = [...conversation, { role: "user", content: question }];
  const body = { messages, stream: true };
  if (byId("model").value !== "") body.model = byId("model").value;
  const work = async (signal) => {
    turn.body.setAttribute("aria-busy", "true");
    try {
      for await (const event of serverEvents(await post("/v1/chat/completions", body, signal))) {
        if (event.data === "[DONE]") return;
        const chunk = JSON.parse(event.data);
        if (chunk.error) throw Failure.of(500, event.data, null);
        const choice = chunk.choices[0];
        view.add(choice.delta);
        if (view.text !== "") turn.progressed("Writing");
        if (choice.finish_reason === "length") {
          turn.add(make("p", { class: "fine" }, "The answer ends here because the model's context is full."));
        }
        if (chunk.kinglet) closeBill(turn, chunk.kinglet);
      }
      throw new Failure(kBrokenOff);
    } finally {
      turn.body.removeAttribute("aria-busy");
      if (view.text !== "") conversation = [...messages, { role: "assistant", content: view.text }];
      byId("new-chat").hidden = conversation.length === 0;
    }
  };
  return run(turn, "Reading the conversation", work, () => chat(question));
}
