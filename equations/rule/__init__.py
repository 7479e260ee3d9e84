"""Rules as data: fields and their checks, stencils, symbols, first states, update mask, display, rule.json."""
