"""How the page looks: system fonts, dark and light, narrow, wide and printed."""

from __future__ import annotations

from srnca.pages.curves import NCA, RULE, TARGET

CSS = (
    """
:root { color-scheme: light dark; --ink: #1c2127; --soft: #5c6570; --line: #d9dde2; --paper: #fff; --card: #f6f7f9;
  --nca: NCA_COLOUR; --rule: RULE_COLOUR; --target: TARGET_COLOUR; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e7eb; --soft: #9aa4af; --line: #333a43; --paper: #14171b; --card: #1c2026; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 2rem 1.5rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .4rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2.6rem 0 .3rem; padding-top: .8rem; border-top: 1px solid var(--line); }
p { margin: .2rem 0 .9rem; max-width: 76ch; }
.verdict { font-size: 1.1rem; max-width: 90ch; }
.note { color: var(--soft); }
.warning { border-left: 3px solid var(--rule); padding-left: .7rem; }
.of-nca { color: var(--nca); } .of-rule { color: var(--rule); } .of-target { color: var(--target); }
b.of-nca, b.of-rule, b.of-target { font-weight: 600; }
.tiles { display: flex; flex-wrap: wrap; gap: .7rem; margin: 1.1rem 0 0; }
.tile { background: var(--card); border-radius: 6px; padding: .55rem .9rem; min-width: 7.5rem; }
.tile b { display: block; font-size: 1.35rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.tile span { color: var(--soft); font-size: .85rem; }
.scroll { overflow-x: auto; }
.film { border-collapse: collapse; }
.film td, .film th { padding: 3px; text-align: center; font-weight: normal; font-size: .85rem; color: var(--soft); }
.film th[scope=row] { font-weight: 600; text-align: left; padding-right: .7rem; }
.film th.of-nca { color: var(--nca); } .film th.of-rule { color: var(--rule); }
img { image-rendering: pixelated; display: block; }
.film img, .lost { width: 128px; height: 128px; }
.lost { display: grid; place-items: center; border: 1px dashed var(--line); color: var(--soft); font-size: .85rem; }
.large { display: flex; flex-wrap: wrap; gap: 1.4rem; margin-top: 1.2rem; }
figure { margin: 0; min-width: 0; }
figcaption { color: var(--soft); font-size: .9rem; margin-top: .3rem; max-width: 60ch; }
.large img { width: 512px; max-width: 100%; height: auto; }
.large .same img { width: auto; }
.equations { display: grid; grid-template-columns: auto 5.5rem 1fr; gap: .1rem .8rem; align-items: baseline; }
.equations .left { white-space: nowrap; text-align: right; }
.equations .kind { color: var(--soft); font-size: .85rem; }
.equations .terms { overflow-x: auto; overflow-y: hidden; padding: .1rem 0; min-width: 0; }
.equations .first { padding-top: .7rem; }
.terms math { margin-right: .28em; }
math { font-size: 1.08em; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(205px, 1fr)); gap: .9rem; }
.card { background: var(--card); border-radius: 6px; padding: .55rem .7rem .4rem; break-inside: avoid; }
.card header { display: flex; justify-content: space-between; gap: .6rem; font-size: .9rem; }
.card header span { color: var(--soft); font-variant-numeric: tabular-nums; }
svg { display: block; width: 100%; height: auto; overflow: visible; }
svg text { font-family: system-ui, sans-serif !important; }
.card svg text { font-size: 10px; fill: var(--soft); }
.curves { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 1.5rem 2.2rem; }
.curves figure { max-width: 640px; break-inside: avoid; }
.curves figcaption { margin: 0 0 .3rem; }
.tables { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 0 2.2rem; }
table.plain { border-collapse: collapse; width: 100%; font-size: .9rem; }
table.plain th, table.plain td { text-align: left; vertical-align: top; padding: .22rem .6rem .22rem 0;
  border-bottom: 1px solid var(--line); font-weight: normal; overflow-wrap: anywhere; }
table.plain th { color: var(--soft); width: 40%; }
@media (max-width: 640px) { main { padding: 1.2rem .9rem 3rem; }
  .equations { grid-template-columns: auto 1fr; } .equations .terms { grid-column: 1 / -1; }
  .equations .terms.first { padding-top: .1rem; }
  .film img, .lost { width: 96px; height: 96px; } }
@media print { :root { --ink: #000; --soft: #444; --line: #ccc; --paper: #fff; --card: #fff; color-scheme: light; }
  body { font-size: 10pt; } main { max-width: none; padding: 0; } h2 { break-after: avoid; }
  .curves, .tables { grid-template-columns: 1fr 1fr; }
  .card { border: 1px solid var(--line); } .film img, .lost { width: 76px; height: 76px; }
  .large img { width: 256px; } img { print-color-adjust: exact; } }
""".replace("NCA_COLOUR", NCA)
    .replace("RULE_COLOUR", RULE)
    .replace("TARGET_COLOUR", TARGET)
)
