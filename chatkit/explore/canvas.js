// A map of chats: draw around points to select them; arrow keys move a frame, + and - change its size, Escape selects none.
const WIDTH = 720, HEIGHT = 480, MARGIN = 8;
const STYLE = `
.chat-map canvas { border: 1px solid var(--jp-border-color1, #888); cursor: crosshair; touch-action: none; max-width: 100%; }
.chat-map { color: var(--jp-ui-font-color1, inherit); font-family: var(--jp-ui-font-family, sans-serif); font-size: 13px; }
.chat-map p { margin: 4px 0; }
.chat-map button { color: inherit; background: none; border: 1px solid var(--jp-border-color2, #888); border-radius: 3px;
  margin: 2px 4px 2px 0; padding: 2px 8px; cursor: pointer; }
.chat-map button::before { content: ""; display: inline-block; width: 10px; height: 10px; margin-right: 6px;
  border-radius: 5px; background: var(--color); }
.chat-map :is(canvas, button):focus-visible { outline: 2px solid var(--jp-brand-color1, #1976d2); outline-offset: 1px; }`;

function add(parent, tag, properties = {}) {
  const element = Object.assign(document.createElement(tag), properties);
  parent.append(element);
  return element;
}

export default {
  render({ model, el }) {
    const points = model.get("points"), colors = model.get("colors"), names = model.get("names");
    const places = points.map(([x, y]) => [MARGIN + x * (WIDTH - 2 * MARGIN), MARGIN + (1 - y) * (HEIGHT - 2 * MARGIN)]);
    el.classList.add("chat-map");
    add(el, "style", { textContent: STYLE });
    add(el, "p", { textContent: "Draw around chats to read them. With the keyboard: arrows move a frame, + and − change its size, Escape selects none. A button selects a category." });
    const canvas = add(el, "canvas", { tabIndex: 0, width: WIDTH * devicePixelRatio, height: HEIGHT * devicePixelRatio });
    canvas.style.width = `${WIDTH}px`;
    canvas.setAttribute("role", "application");
    canvas.setAttribute("aria-label", `Map of ${points.length} chats; arrow keys select`);
    const legend = add(el, "div"), said = add(el, "p");
    said.setAttribute("aria-live", "polite");
    const context = canvas.getContext("2d");
    let outline = [], frame = null;

    function draw() {
      const selected = new Set(model.get("selected"));
      context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
      context.clearRect(0, 0, WIDTH, HEIGHT);
      places.forEach(([x, y], at) => {
        context.globalAlpha = selected.size === 0 ? 0.75 : selected.has(at) ? 1 : 0.15;
        context.fillStyle = colors[points[at][2]];
        context.beginPath();
        context.arc(x, y, 3, 0, 7);
        context.fill();
      });
      context.globalAlpha = 1;
      context.strokeStyle = getComputedStyle(el).color;
      context.stroke(shape());
      said.textContent = `${selected.size} of ${points.length} chats selected.`;
    }

    function shape() {
      const path = new Path2D();
      outline.forEach(([x, y]) => path.lineTo(x, y));
      path.closePath();
      return path;
    }

    function select(test) {
      model.set("selected", [...points.keys()].filter(test));
      model.save_changes();
      draw();
    }

    function selectInside() {
      const path = shape();
      context.setTransform(1, 0, 0, 1, 0, 0);
      select((at) => outline.length > 2 && context.isPointInPath(path, ...places[at]));
    }

    function at(event) {
      const box = canvas.getBoundingClientRect();
      return [((event.clientX - box.left) / box.width) * WIDTH, ((event.clientY - box.top) / box.height) * HEIGHT];
    }

    canvas.onpointerdown = (event) => {
      canvas.setPointerCapture(event.pointerId);
      outline = [at(event)];
    };
    canvas.onpointermove = (event) => {
      if (canvas.hasPointerCapture(event.pointerId)) {
        outline.push(at(event));
        draw();
      }
    };
    canvas.onpointerup = selectInside;
    canvas.onkeydown = (event) => {
      const move = { ArrowLeft: [-1, 0, 0], ArrowRight: [1, 0, 0], ArrowUp: [0, -1, 0], ArrowDown: [0, 1, 0], "+": [0, 0, 1], "-": [0, 0, -1] }[event.key];
      if (!move && event.key !== "Escape") return;
      event.preventDefault();
      event.stopPropagation(); // JupyterLab would go to another cell
      frame = move ? (frame || [WIDTH / 2, HEIGHT / 2, 60]).map((value, i) => value + 20 * move[i]) : null;
      if (frame) frame[2] = Math.max(20, frame[2]);
      const [x, y, half] = frame || [];
      outline = frame ? [[x - half, y - half], [x + half, y - half], [x + half, y + half], [x - half, y + half]] : [];
      selectInside();
    };
    names.forEach((name, code) => {
      const button = add(legend, "button", { textContent: name, type: "button" });
      button.style.setProperty("--color", colors[code]);
      button.onclick = () => {
        outline = [];
        select((at) => points[at][2] === code);
      };
    });
    model.on("change:selected", draw);
    draw();
  },
};
