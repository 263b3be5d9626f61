// Shows one chat at a time and turns keys into messages to the kernel. Texts of chats are set as text, never as HTML;
// the one piece of HTML is the kernel's own (`Labelling._guess`), in which they are escaped.
const KEYS = "123456789abcdefghijklmnopqrstuvwxyz"

function element(tag, className, text) {
  const made = document.createElement(tag)
  if (className) made.className = className
  if (text !== undefined) made.textContent = text
  return made
}

function button(key, name, count, act) {
  const made = element("button")
  made.type = "button"
  made.tabIndex = -1
  if (key) made.append(element("kbd", "", key))
  made.append(element("span", "name", name))
  if (count) made.append(element("span", "count", count))
  made.addEventListener("click", act)
  return made
}

function plain(text) {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().replace(/[_\s]+/g, " ")
}

function render({ model, el }) {
  const categories = model.get("categories"), many = categories.length > KEYS.length
  const root = element("div", "chatkit-label"), find = element("input", "find"), keys = element("div", "keys")
  let state, alike, asked, shown
  root.tabIndex = many ? -1 : 0
  root.setAttribute("role", "group")
  root.setAttribute("aria-label", "Label chats by keyboard")
  // Else JupyterLab takes the keys for its own: d d deletes a cell.
  root.dataset.lmSuppressShortcuts = "true"
  find.placeholder = "type a part of a category; Enter takes the first, a digit one of the first nine"
  find.setAttribute("aria-label", "Find a category")

  // One answer a chat: what comes before the kernel has shown the next one is dropped.
  function send(action, more) {
    if (asked === state.turn) return
    asked = state.turn
    model.send({ turn: state.turn, do: action, ...more })
  }
  const label = (category) => category !== undefined && send("label", { category, alike })
  const undo = () => state.can_undo && send("undo")

  function offer() {
    const words = plain(find.value).split(" ")
    shown = many ? categories.filter((name) => words.every((word) => plain(name).includes(word))) : categories
    keys.replaceChildren(...shown.map((name, at) => button(
      (many ? KEYS.slice(0, 9) : KEYS)[at], name, state.progress.counts[name], () => label(name))))
    if (many && find.value && keys.firstChild) keys.firstChild.classList.add("first")
  }

  function together() {
    const note = root.querySelector(".alike")
    if (!note) return
    note.classList.toggle("with", alike)
    note.querySelector("span").textContent = alike
      ? `${state.alike.length} near copies get the same label: ` : `${state.alike.length} near copies: `
  }
  const toggle = () => { if (state.alike.length) { alike = !alike; together() } }

  function draw() {
    const focused = root.contains(document.activeElement)
    state = model.get("state")
    alike = false
    find.value = ""
    const { labels, per_hour } = state.progress, top = element("div", "top")
    top.append(element("span", "done", `${labels} labelled${per_hour ? ` · ${per_hour} an hour` : ""} · ${state.left} to come`))
    top.append(element("span", "hint", "Click here, then use the keys"))
    const parts = [top]
    if (state.error) parts.push(element("p", "error", state.error))
    if (!state.left) parts.push(element("p", "end", "All chats of this queue are answered. Run the cell again for another."))
    else {
      const chat = element("div", "chat")
      chat.append(element("div", state.subject.trim() ? "subject" : "subject empty", state.subject.trim() ? state.subject : "no subject"))
      chat.append(element("div", "body", state.body))
      const guess = element("div", "guess")
      guess.innerHTML = state.guess
      // The marked chat stands in place of the chat.
      if (guess.querySelector(".why")) parts.push(guess)
      else parts.push(chat, ...(state.guess ? [guess] : []))
      if (state.alike.length) {
        const note = element("div", "alike"), list = element("ol")
        list.append(...state.alike.map((text) => element("li", "", text)))
        note.append(element("span"), element("kbd", "", "+"), list)
        parts.push(note)
      }
      if (many) parts.push(find)
      parts.push(keys)
      offer()
    }
    const commands = element("div", "commands")
    if (state.left) {
      commands.append(button("0", "not sure", "", () => send("not sure")), button("→", "skip", "", () => send("skip")),
        button("space", "what the model says", "", () => send("guess")))
    }
    const back = button("⌫", "take back", "", undo)
    back.disabled = !state.can_undo
    commands.append(back)
    parts.push(commands)
    root.replaceChildren(...parts)
    root.dataset.turn = state.turn
    together()
    if (focused) focus()
  }
  const focus = () => (many && state.left ? find : root).focus({ preventScroll: true })

  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return
    // A keyboard of another alphabet has the letters where they are on a Latin one.
    const latin = /^[ -~]$/.test(event.key) || !/^Key[A-Z]$/.test(event.code)
    const key = latin ? event.key : event.code[3].toLowerCase()
    const typing = many && find.value
    const commands = { "0": () => send("not sure"), ArrowRight: () => send("skip"), " ": () => send("guess"), "+": toggle }
    let act
    if (key === "Backspace" && !typing) act = undo
    else if (!state.left) return
    else if (key in commands && !(typing && (key === " " || key === "ArrowRight"))) act = commands[key]
    else if (many && key === "Enter") act = () => typing && label(shown[0])
    else if (/^[1-9]$/.test(key)) act = () => label(shown[key - 1])
    else if (!many && /^[a-z]$/i.test(key)) act = () => label(shown[KEYS.indexOf(key.toLowerCase())])
    else return
    event.preventDefault()
    event.stopPropagation()
    if (!event.repeat) act()
  })
  root.addEventListener("click", focus)
  find.addEventListener("input", offer)
  model.on("change:state", draw)
  draw()
  el.append(root)
  return () => model.off("change:state", draw)
}

export default { render }
