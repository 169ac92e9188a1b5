import { Code, ScrollArea, Table, Text } from '@mantine/core'
import { useMemo } from 'react'
import { rowLabels } from '../../shared/compare/rowLabels'
import type { ComparisonRow } from '../../shared/compare/rows'
import { type DifferingSetting, differingSettings } from '../../shared/compare/settings'
import { LABEL_BREAK } from '../../shared/variantLabels'
import { formatCount, plural } from '../format/numbers'

/** Paths and digests are long, and say only as a whole what differs. */
const WHOLE = { overflowWrap: 'anywhere' } as const

/** Characters of the longest line that a value is given, and what a narrow column has at least. */
const MOST_CHARACTERS = 36
const LEAST_CHARACTERS = 12

/** A column is as wide as its longest value, up to where paths go on in the next line; then the table scrolls. */
function columnStyle(texts: readonly (string | undefined)[]) {
  const longest = Math.max(...texts.map((text) => text?.length ?? 0))
  return { ...WHOLE, minWidth: `${Math.min(MOST_CHARACTERS, Math.max(LEAST_CHARACTERS, longest + 2))}ch` }
}

/** More columns than this are not read one by one: then the values are counted. */
const MAX_COLUMNS = 8

/** Only the settings that differ between the rows. */
export function SettingsDiff({ rows }: { readonly rows: readonly ComparisonRow[] }) {
  const settings = useMemo(() => differingSettings(rows), [rows])
  if (settings.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        {rows.length < 2 ? 'There is nothing to set one variant against.' : 'All settings are the same.'}
      </Text>
    )
  }
  return (
    <ScrollArea
      type="auto"
      offsetScrollbars="x"
      viewportProps={{ tabIndex: 0, role: 'region', 'aria-label': 'Table of settings that differ' }}
    >
      {rows.length > MAX_COLUMNS ? <Counted settings={settings} /> : <SideBySide rows={rows} settings={settings} />}
    </ScrollArea>
  )
}

interface TableProps {
  readonly rows: readonly ComparisonRow[]
  readonly settings: readonly DifferingSetting[]
}

function SideBySide({ rows, settings }: TableProps) {
  const labels = useMemo(() => rowLabels(rows), [rows])
  return (
    <Table fz="sm" verticalSpacing={6} aria-label="Settings that differ">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Setting</Table.Th>
          {rows.map(({ key, variant }, i) => {
            const [name, ...others] = (labels.get(key) ?? variant.name).split(LABEL_BREAK)
            const below = settings.map(({ values }) => values[i])
            return (
              <Table.Th key={key} style={columnStyle([name, ...others, ...below])}>
                {name}
                {others.map((part) => (
                  <Text key={part} size="xs" c="dimmed" fw={400}>
                    {part}
                  </Text>
                ))}
              </Table.Th>
            )
          })}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {settings.map(({ key, values }) => (
          <Table.Tr key={key}>
            <Table.Td>
              <Code style={NAME}>{key}</Code>
            </Table.Td>
            {values.map((value, i) => (
              <Table.Td key={rows[i]?.key} className="num" style={WHOLE}>
                {value ?? <Absent />}
              </Table.Td>
            ))}
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}

/** The name of a setting stays in one line. */
const NAME = { whiteSpace: 'nowrap' } as const

const SHOWN_VALUES = 12

function Counted({ settings }: Pick<TableProps, 'settings'>) {
  return (
    <Table fz="sm" verticalSpacing={6} aria-label="Settings that differ">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Setting</Table.Th>
          <Table.Th>Values, and in how many variants</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {settings.map(({ key, values }) => {
          const counts = [...countOf(values)].sort((a, b) => b[1] - a[1])
          return (
            <Table.Tr key={key}>
              <Table.Td>
                <Code style={NAME}>{key}</Code>
              </Table.Td>
              <Table.Td className="num">
                {counts.slice(0, SHOWN_VALUES).map(([value, count], i) => (
                  <span key={value ?? ''} style={WHOLE}>
                    {i > 0 && LABEL_BREAK}
                    {value ?? <Absent />}
                    <Text span size="xs" c="dimmed">
                      {' '}
                      × {formatCount(count)}
                    </Text>
                  </span>
                ))}
                {counts.length > SHOWN_VALUES && ` and ${plural(counts.length - SHOWN_VALUES, 'other')}`}
              </Table.Td>
            </Table.Tr>
          )
        })}
      </Table.Tbody>
    </Table>
  )
}

const Absent = () => (
  <Text span c="dimmed" size="sm">
    not set
  </Text>
)

function countOf(values: readonly (string | undefined)[]): Map<string | undefined, number> {
  const counts = new Map<string | undefined, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return counts
}
