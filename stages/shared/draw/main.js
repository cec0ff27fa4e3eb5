// What the user does: strokes, pictures, buttons and keys.

const byId = (id) => document.getElementById(id);
const model = readModel();
const paper = new Paper(byId("paper"));
const output = new Output(model);
let pointer = null; // the pointer whose stroke is being drawn: a second finger does not disturb it
let scheduled = false;

/** Classify what is on the paper, and show the result: an image and its probabilities for each digit. */
function classify() {
  const images = paper.inks.map((ink) => fit(ink, model.shape, model.ink));
  const answers = images.includes(null) ? [] : images.map((image) => ({ image, probabilities: predict(model, image) }));
  output.show(answers);
  return answers;
}

/** Classify while a stroke is drawn, at most once a frame. */
function scheduleClassify() {
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(() => {
    scheduled = false;
    classify();
  });
}

/** Change the paper, which ends a stroke. */
function change(action) {
  pointer = null;
  action();
  output.showError("");
  output.announce(classify());
}

/** Convert the position of an event to pixels of the canvas. */
function locate(event) {
  const box = paper.canvas.getBoundingClientRect();
  const scale = paper.canvas.width / box.width;
  return { x: (event.clientX - box.left) * scale, y: (event.clientY - box.top) * scale };
}

async function usePicture(file) {
  try {
    if (!file) throw new Error("No picture: drop, paste or choose an image file.");
    const inks = await readPicture(file, model);
    change(() => paper.show(inks));
  } catch (error) {
    output.showError(error.message);
  }
}

/** Listen to mouse, pen and fingers. */
function listenToPointers() {
  paper.canvas.addEventListener("pointerdown", (event) => {
    if (pointer !== null || event.button !== 0) return;
    pointer = event.pointerId;
    paper.canvas.setPointerCapture(pointer); // the stroke goes on outside of the canvas
    paper.beginStroke(locate(event), byId("pen").valueAsNumber);
    output.showError("");
    scheduleClassify();
  });

  paper.canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pointer) return;
    const events = event.getCoalescedEvents?.() ?? []; // all positions since the last frame
    for (const { clientX, clientY } of events.length ? events : [event]) paper.extendStroke(locate({ clientX, clientY }));
    scheduleClassify();
  });

  for (const type of ["pointerup", "pointercancel"]) {
    paper.canvas.addEventListener(type, (event) => {
      if (event.pointerId !== pointer) return;
      pointer = null;
      output.announce(classify());
    });
  }
}

/** Listen to pictures, buttons and keys. */
function listenToControls() {
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    usePicture(event.dataTransfer.files[0]);
  });
  document.addEventListener("paste", (event) => usePicture(event.clipboardData.files[0]));
  byId("picture").addEventListener("change", ({ target }) => {
    if (target.files.length) usePicture(target.files[0]);
    target.value = ""; // so that the same file can be chosen again
  });

  byId("clear").addEventListener("click", () => change(() => paper.clear()));
  byId("undo").addEventListener("click", () => change(() => paper.undo()));
  document.addEventListener("keydown", (event) => {
    const control = event.ctrlKey || event.metaKey;
    if (control && !event.shiftKey && event.key.toLowerCase() === "z") change(() => paper.undo());
    else if (!control && (event.key === "Escape" || event.key === "Delete")) change(() => paper.clear());
    else return;
    event.preventDefault();
  });
}

const unsupported = findUnsupported(model);
if (unsupported) {
  showUnsupported(unsupported);
} else {
  listenToPointers();
  listenToControls();
  classify();
}
