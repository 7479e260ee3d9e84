// Panels of the right side register here: panels.NAME = (element, page) => {…}.
const panels = {};
