// Looks at the state: has it diverged, and what is the range of what is shown?

// Look for numbers that diverged, and for the range of what the colour map shows.
async function look(app) {
  app.looking = true;
  app.surveyed = performance.now();
  const { engine, view, payload, worlds } = app;
  const { gl } = engine;
  const name = view.what === "picture" || view.what === "change" ? payload.display.channel : view.what;
  try {
    engine.use(app.survey);
    engine.bind(worlds.rule.sets[0]);
    engine.bind(worlds.rule.sets[1], "past", worlds.rule.count);
    gl.uniform1i(engine.place("channel"), Math.max(0, payload.channels.indexOf(name)));
    gl.uniform1f(engine.place("limit"), engine.half ? 6e4 : payload.limit);
    const set = app.surveySet;
    engine.drawInto(set);
    const [texels] = await engine.readSet(set);
    judge(app, texels, name);
  } catch (error) {
    if (!gl.isContextLost()) throw error;
  } finally {
    app.looking = false;
  }
}

function judge(app, texels, name) {
  let [least, most, change, bad] = [Infinity, -Infinity, 0, false];
  for (let at = 0; at < texels.length; at += 4) {
    least = Math.min(least, texels[at]);
    most = Math.max(most, texels[at + 1]);
    bad ||= texels[at + 2] > 0;
    change = Math.max(change, texels[at + 3]);
  }
  app.view.ranges[name] = [least, most];
  app.view.ranges.change = [0, change];
  if (app.view.what !== "picture" || app.payload.display.auto) app.touch();
  if (!bad || app.diverged) return;
  app.diverged = true;
  app.setPlaying(false);
  document.documentElement.dataset.state = "diverged";
  app.emit("diverged", app.worlds.rule.steps);
}

// The small textures that a survey of the whole grid is drawn into; those of the former size are given back.
function makeSurveySet(app) {
  const { engine } = app;
  if (app.surveySet) engine.freeSet(app.surveySet);
  const [width, height] = app.size.map((n) => Math.ceil(n / 16));
  app.surveySet = engine.makeSet(width, height, 1);
}
