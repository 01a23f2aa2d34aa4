// Small charts as inline SVG, without scripts and without anything from elsewhere.

export interface Point {
  readonly at: Date;
  readonly value: number;
  /** Drawn in red. */
  readonly bad: boolean;
  /** Shown when the pointer rests on it. */
  readonly text: string;
}

export interface Chart {
  readonly title: string;
  readonly points: readonly Point[];
  readonly since: Date;
  readonly until: Date;
  /** 'line' joins the points, 'bars' stands them on the ground. */
  readonly shape: 'line' | 'bars';
  /** The largest value, in words. */
  readonly largest: string;
}

const width = 320;
const height = 70;
const margin = 6;

/** Text as it may stand in HTML and in an attribute. */
export const escapeHtml = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
    .replaceAll(/[^\P{Cc}\n\t]/gu, '�');

export const chartSvg = ({ title, points, since, until, shape, largest }: Chart): string => {
  const most = Math.max(1, ...points.map(({ value }) => value));
  const span = Math.max(1, until.getTime() - since.getTime());
  const placed = points.map((point) => ({
    ...point,
    x: margin + ((point.at.getTime() - since.getTime()) / span) * (width - 2 * margin),
    y: height - margin - (point.value / most) * (height - 2 * margin),
  }));
  const good = placed.filter(({ bad }) => !bad);
  const line = good.map(({ x, y }) => `${round(x)},${round(y)}`).join(' ');
  const marks = placed.map(({ x, y, bad, text }) => {
    const kind = bad ? 'bad' : 'good';
    const tip = `<title>${escapeHtml(text)}</title>`;
    return shape === 'bars'
      ? `<line class="${kind}" x1="${round(x)}" x2="${round(x)}" y1="${height - margin}" y2="${round(y)}">${tip}</line>`
      : `<circle class="${kind}" cx="${round(x)}" cy="${round(y)}" r="2.5">${tip}</circle>`;
  });
  return [
    '<figure>',
    `<figcaption>${escapeHtml(title)}, at most ${escapeHtml(largest)}</figcaption>`,
    `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(title)}">`,
    `<line class="ground" x1="0" x2="${width}" y1="${height - margin}" y2="${height - margin}"/>`,
    shape === 'line' && good.length > 1 ? `<polyline points="${line}"/>` : '',
    ...marks,
    '</svg></figure>',
  ].join('');
};

const round = (value: number): string => String(Math.round(value * 10) / 10);
