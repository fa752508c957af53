/** A line chart as a standalone SVG document; its white background keeps it readable on a dark page. */
export interface Chart {
  readonly title: string;
  /** The horizontal axis is logarithmic, with a tick at each point. */
  readonly xLabel: string;
  readonly yLabel: string;
  readonly yScale: 'linear' | 'log';
  readonly lines: readonly Line[];
}

export interface Line {
  readonly name: string;
  readonly points: readonly Point[];
}

/** A median and its range. */
export interface Point {
  readonly x: number;
  readonly y: number;
  readonly min: number;
  readonly max: number;
}

const WIDTH = 760;
const HEIGHT = 420;
/** The plot area; the legend is to its right. */
const AREA = { left: 80, right: 540, top: 50, bottom: 360 };
/** The palette of Okabe and Ito, distinct for colour-blind readers too. */
const COLORS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'];
const LINE_HEIGHT = 22;
const MAX_INTERVALS = 6;
/** Dashes keep a line visible that another one covers. */
const DASHES = ['', 'stroke-dasharray="8 5"'];

export function renderChart({ title, xLabel, yLabel, yScale, lines }: Chart): string {
  const points = lines.flatMap((line) => line.points);
  const xs = [...new Set(points.map(({ x }) => x))].toSorted((a, b) => a - b);
  if (points.length === 0) throw new Error(`nothing to draw: ${title}`);
  const toX = toPixels(xs.map(Math.log), AREA.left, AREA.right);
  const ys = yScale === 'log' ? logTicks(points) : linearTicks(points);
  const onScale = yScale === 'log' ? Math.log : (value: number): number => value;
  const toY = toPixels(ys.map(onScale), AREA.bottom, AREA.top);
  const at = ({ x, y }: Pick<Point, 'x' | 'y'>): string => `${px(toX(Math.log(x)))},${px(toY(onScale(y)))}`;
  const middle = { x: (AREA.left + AREA.right) / 2, y: (AREA.top + AREA.bottom) / 2 };
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" font-family="system-ui, sans-serif" font-size="13" fill="#222">`,
    `<title>${escape(title)}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    text(title, AREA.left, 28, 'font-size="16" font-weight="600"'),
    ...ys.flatMap((y) => {
      const height = px(toY(onScale(y)));
      return [
        `<path d="M${AREA.left},${height}H${AREA.right}" stroke="#ddd"/>`,
        text(y.toLocaleString('en'), AREA.left - 8, Number(height) + 4, 'text-anchor="end"'),
      ];
    }),
    ...xs.flatMap((x) => {
      const place = px(toX(Math.log(x)));
      return [
        `<path d="M${place},${AREA.bottom}v5" stroke="#222"/>`,
        text(x.toLocaleString('en'), Number(place), AREA.bottom + 20, 'text-anchor="middle"'),
      ];
    }),
    `<path d="M${AREA.left},${AREA.bottom}H${AREA.right}" stroke="#222"/>`,
    text(xLabel, middle.x, HEIGHT - 14, 'text-anchor="middle"'),
    text(yLabel, 0, 0, `text-anchor="middle" transform="translate(18 ${middle.y}) rotate(-90)"`),
    ...lines.flatMap(({ name, points: own }, index) => {
      const color = COLORS[index % COLORS.length] ?? '';
      const stroke = `stroke="${color}" stroke-width="2" ${DASHES[index % DASHES.length]}`;
      const legend = AREA.top + 10 + index * LINE_HEIGHT;
      return [
        `<polyline points="${own.map(at).join(' ')}" fill="none" ${stroke}/>`,
        ...own.map(({ x, min, max }) => `<path d="M${at({ x, y: min })}L${at({ x, y: max })}" stroke="${color}"/>`),
        ...own.map((point) => {
          const [x, y] = at(point).split(',');
          return `<circle cx="${x}" cy="${y}" r="4" fill="${color}"/>`;
        }),
        `<path d="M${AREA.right + 24},${legend}h22" ${stroke}/>`,
        `<circle cx="${AREA.right + 35}" cy="${legend}" r="4" fill="${color}"/>`,
        text(name, AREA.right + 54, legend + 4),
      ];
    }),
    '</svg>',
    '',
  ].join('\n');
}

/** Maps the range of the values to pixels. */
function toPixels(values: readonly number[], from: number, to: number): (value: number) => number {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return (value) => (high === low ? (from + to) / 2 : from + ((value - low) / (high - low)) * (to - from));
}

/** From 0, at round numbers. */
function linearTicks(points: readonly Point[]): number[] {
  const high = Math.max(...points.map(({ max }) => max));
  const step = roundUp(high / MAX_INTERVALS);
  const intervals = Math.ceil(high / step);
  return Array.from({ length: intervals + 1 }, (_, index) => Number((index * step).toPrecision(6)));
}

/** 1, 2 and 5 times powers of ten, no more than the range needs. */
function logTicks(points: readonly Point[]): number[] {
  const [low, high] = [Math.min(...points.map(({ min }) => min)), Math.max(...points.map(({ max }) => max))];
  const ticks: number[] = [];
  for (let tick = 10 ** Math.floor(Math.log10(low)); ; tick = roundUp(tick * 1.01)) {
    if (tick <= low) ticks.length = 0;
    ticks.push(tick);
    if (tick >= high) return ticks;
  }
}

/** To 1, 2 or 5 times a power of ten. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const digit = [1, 2, 5].find((candidate) => candidate * power >= value) ?? 10;
  return Number((digit * power).toPrecision(6));
}

const px = (value: number): string => value.toFixed(1);
const escape = (content: string): string =>
  content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
const text = (content: string, x: number, y: number, attributes = ''): string =>
  `<text x="${x}" y="${y}" ${attributes}>${escape(content)}</text>`;
