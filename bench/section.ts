/** A limit that the project has set itself, and what was found. */
export interface Verdict {
  readonly what: string
  readonly limit: string
  readonly measured: string
  readonly met: boolean
}

/** What one part of the benchmarks has to say, ready to be written down. */
export interface Section {
  readonly title: string
  /** Paragraphs in front of the table. */
  readonly text: readonly string[]
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
  readonly verdicts: readonly Verdict[]
}

export interface BenchOptions {
  /** Small sizes: shows that the part works, its figures mean nothing. */
  readonly quick: boolean
  /** A folder for matrices and checkpoints, removed at the end. */
  readonly folder: string
}

/** The section in Markdown; `stamp` says when and where it was measured. */
export function sectionMarkdown({ title, text, columns, rows, verdicts }: Section, stamp: string): string {
  const paragraphs = [`## ${title}`, stamp, ...text, table(columns, rows)]
  if (verdicts.length > 0) {
    const judged = verdicts.map(({ what, limit, measured, met }) => [what, limit, measured, met ? 'met' : 'NOT met'])
    paragraphs.push(table(['limit on', 'limit', 'measured', ''], judged))
  }
  return `${paragraphs.join('\n\n')}\n`
}

/** A table whose columns are aligned, so that it can also be read in a terminal. */
function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [columns, ...rows]
  const widths = columns.map((_, j) => Math.max(3, ...lines.map((line) => line[j]?.length ?? 0)))
  const format = (line: readonly string[]) =>
    `| ${widths.map((width, j) => (line[j] ?? '').padEnd(width)).join(' | ')} |`
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`
  return [format(columns), rule, ...rows.map(format)].join('\n')
}
