// Sends what is typed to POST /messages, and shows the answer. Texts are set as text, never as HTML.
"use strict";

const [form, answer, fault] = ["form", "#answer", "#fault"].map((name) => document.querySelector(name));
const subject = document.querySelector("#subject");
const body = document.querySelector("#body");
let asked = 0;

function element(name, className, ...children) {
  const made = document.createElement(name);
  made.className = className;
  made.append(...children);
  return made;
}

function row([category, probability]) {
  const fill = element("span", "fill");
  fill.style.width = `${100 * probability}%`;
  const bar = element("span", "bar", fill);
  bar.setAttribute("aria-hidden", "true");
  const share = element("span", "share", `${(100 * probability).toFixed(1)} %`);
  const head = element("th", "", category);
  head.scope = "row";
  return element("tr", "", head, element("td", "", bar, share));
}

function show(prediction) {
  const shares = Object.entries(prediction.probabilities ?? {}).sort((one, other) => other[1] - one[1]);
  answer.querySelector("h2").textContent = prediction.category;
  answer.querySelector("table").hidden = !shares.length;
  answer.querySelector("tbody").replaceChildren(...shares.map(row));
  answer.querySelector(".model").textContent = `Model ${prediction.model.slice(0, 12)}`;
}

async function ask() {
  const message = { message_id: "page", conversation_id: "page", subject: subject.value, body: body.value };
  const response = await fetch("/messages", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ messages: [message] }),
  });
  const content = await response.json();
  if (!response.ok) {
    const places = (content.errors ?? []).map((error) => `${error.path} ${error.detail}`);
    throw new Error([content.detail, ...places].join(" "));
  }
  return content.predictions[0];
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const number = ++asked; // an answer that comes late does not take the place of a newer one
  let said = "";
  let prediction = null;
  try {
    prediction = await ask();
  } catch (error) {
    said = error instanceof TypeError ? "The service does not answer." : error.message;
  }
  if (number !== asked) return;
  if (prediction) show(prediction);
  answer.hidden = !prediction;
  fault.textContent = said;
  fault.hidden = !said;
});

form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});
