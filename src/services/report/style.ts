import { methodColorOf, SERIES_COLORS } from '../../shared/chartColors'
import { METHODS } from '../../shared/methods'

const chartVariables = (scheme: 'light' | 'dark'): string =>
  [
    ...METHODS.map((method) => `--m-${method}:${methodColorOf(method)?.[scheme]};`),
    ...SERIES_COLORS.map((color, i) => `--s-${i}:${color[scheme]};`)
  ].join('')

/** The report's style sheet: light and dark by the reader's system, and for paper. The same colours as the window's. */
export const STYLE = `
:root{color-scheme:light dark;--bg:#fff;--text:#212529;--dim:#5c636a;--line:#dee2e6;--soft:#f4f6f8;--better:#0b62c4;--worse:#b54708;${chartVariables('light')}}
@media (prefers-color-scheme:dark){:root{--bg:#1a1b1e;--text:#e9ecef;--dim:#a6a7ab;--line:#373a40;--soft:#25262b;--better:#6cb2ff;--worse:#ff9f55;${chartVariables('dark')}}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1060px;padding:32px 24px 64px;background:var(--bg);color:var(--text);font:15px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:26px;margin:0 0 4px}h2{font-size:20px;margin:40px 0 8px}h3{font-size:16px;margin:24px 0 6px}
p{margin:6px 0}.sentence{font-size:18px}.dim{color:var(--dim);fill:var(--dim)}
table{border-collapse:collapse;width:100%;font-size:13px;font-variant-numeric:tabular-nums;margin:8px 0}
th,td{padding:5px 10px;border-bottom:1px solid var(--line);text-align:left;vertical-align:top;overflow-wrap:break-word}th{color:var(--dim);font-weight:600}
.n{text-align:right}td.n{white-space:nowrap}th{vertical-align:bottom}.scroll{overflow-x:auto}
figure{margin:12px 0}figcaption{font-size:13px;color:var(--dim)}
svg{width:100%;max-width:720px;height:auto;font:12px system-ui,sans-serif;fill:var(--text)}
.strong{font-weight:600}.grid{stroke:var(--line)}.lead{stroke:var(--dim);stroke-width:.6}
line.full{stroke:var(--text);stroke-width:1.5}line.quantized{stroke:var(--worse);stroke-width:1.5}text.quantized{fill:var(--worse)}
polyline{fill:none;stroke-width:2;stroke-linejoin:round}.bar{stroke-width:7;stroke-opacity:.5}
.best{stroke:var(--dim)}.m-other{stroke:var(--dim);fill:var(--dim)}
${SERIES_COLORS.map((_, i) => `.s-${i}{stroke:var(--s-${i});fill:var(--s-${i})}`).join('')}
${METHODS.map((m) => `.m-${m}{stroke:var(--m-${m});fill:var(--m-${m})}`).join('')}
polyline[class]{fill:none}
.better{color:var(--better)}.worse{color:var(--worse)}
details{margin:8px 0;border:1px solid var(--line);border-radius:4px;padding:6px 12px}summary{cursor:pointer;font-weight:600}
pre{background:var(--soft);padding:12px;border-radius:4px;overflow-x:auto;white-space:pre-wrap;font:12px/1.5 ui-monospace,monospace}
code{font:12px ui-monospace,monospace}
dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 16px;margin:8px 0;font-size:13px}dt{color:var(--dim)}dd{margin:0}
@media print{:root{color-scheme:light;--bg:#fff;--text:#000;--dim:#444;--line:#bbb;--soft:#f4f4f4;--better:#0b62c4;--worse:#b54708;${chartVariables('light')}}
body{max-width:none;padding:0}table{font-size:10px}th,td{padding:3px 5px}.scroll{overflow:visible}
figure,tr{break-inside:avoid}h2,h3{break-after:avoid}thead{display:table-header-group}
details::details-content{display:block;content-visibility:visible}}
`
