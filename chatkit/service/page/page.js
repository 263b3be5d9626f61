// Sends what is typed to POST /messages, and shows the answer. Texts are set as text, never as HTML.
"use strict";

const [form, answer, alert] = ["form", "#answer", "#alert"].map((name) => document.querySelector(name));
const subject = document.querySelector("#subject");
const body = document.querySelector("#body");
let requests = 0;

function element(name, className, ...children) {
  const tag = document.createElement(name);
  tag.className = className;
  tag.append(...children);
  return tag;
}

// A name, a bar that fills a share of its background, and the number that it shows.
function row(name, share, number) {
  const fill = element("span", "fill");
  fill.style.width = `${100 * share}%`;
  const bar = element("span", "bar", fill);
  bar.setAttribute("aria-hidden", "true");
  const head = element("th", "", name);
  head.scope = "row";
  return element("tr", "", head, element("td", "", bar, element("span", "share", number)));
}

function showShares(probabilities) {
  const shares = Object.entries(probabilities ?? {}).sort((one, other) => other[1] - one[1]);
  const rows = shares.map(([category, share]) => row(category, share, `${(100 * share).toFixed(1)} %`));
  answer.querySelector("#shares").hidden = !rows.length;
  answer.querySelector("#shares tbody").replaceChildren(...rows);
}

function showWords(words) {
  const rows = words.map(({ word, contribution }) =>
    row(word, contribution / words[0].contribution, `+${contribution.toFixed(2)}`));
  answer.querySelector("#words table").hidden = !rows.length;
  answer.querySelector("#words tbody").replaceChildren(...rows);
  answer.querySelector("#words .aside").textContent = rows.length
    ? "Words and runs of words as the model counts them, with what each adds to the score of this category."
    : "No word of this message contributed.";
}

function show(prediction) {
  answer.querySelector("h2").textContent = prediction.category;
  showShares(prediction.probabilities);
  answer.querySelector("#words").hidden = !prediction.words; // a classifier that weighs no words
  if (prediction.words) showWords(prediction.words);
  answer.querySelector(".model").textContent = `Model ${prediction.model.slice(0, 12)}`;
}

async function classify() {
  const message = { message_id: "page", conversation_id: "page", subject: subject.value, body: body.value };
  const response = await fetch("/messages?words=true", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ messages: [message] }),
  });
  const content = await response.json();
  if (!response.ok) {
    const errors = (content.errors ?? []).map((error) => `${error.path} ${error.detail}`);
    throw new Error([content.detail, ...errors].join(" "));
  }
  return content.predictions[0];
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const number = ++requests; // a late answer does not replace a newer one
  let problem = "";
  let prediction = null;
  try {
    prediction = await classify();
  } catch (error) {
    problem = error instanceof TypeError ? "The service does not answer." : error.message;
  }
  if (number !== requests) return;
  if (prediction) show(prediction);
  answer.hidden = !prediction;
  alert.textContent = problem;
  alert.hidden = !problem;
});

form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});
