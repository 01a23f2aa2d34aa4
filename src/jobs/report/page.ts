// The frame of a page that needs nothing else: no script, no font, no picture from anywhere.
import { escapeHtml } from './chart.ts';

/** `body` is HTML already. */
export const pageHtml = (title: string, body: string): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(title)}</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>${style}</style></head><body>
<h1>${escapeHtml(title)}</h1>
${body}
</body></html>
`;

const style = `
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; color: #1c2328; background: #fff; }
table { border-collapse: collapse; width: 100%; font-size: 13px; } th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid #d8dee2; overflow-wrap: anywhere; }
.passed { color: #1a6b3c; } .differs, .failed, .interrupted { color: #a3221c; font-weight: 600; }
figure { display: inline-block; margin: 0 1.5rem 1rem 0; width: 20rem; } figcaption { font-size: 12px; color: #57636b; } svg { width: 100%; }
polyline { fill: none; stroke: #4a7fa7; stroke-width: 1; } line.good { stroke: #4a7fa7; stroke-width: 2; } circle.good { fill: #4a7fa7; }
line.bad { stroke: #c5372c; stroke-width: 2; } circle.bad { fill: #c5372c; } .ground { stroke: #d8dee2; }
@media (prefers-color-scheme: dark) { body { color: #dfe5e9; background: #14191d; } th, td { border-color: #333d44; } .ground { stroke: #333d44; } .passed { color: #6cc38f; } .differs, .failed, .interrupted { color: #ef8077; } }
`;
