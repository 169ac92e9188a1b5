import { ActionIcon, Box, Group, Menu, ScrollArea, Table, Text, Tooltip } from '@mantine/core'
import { useElementSize } from '@mantine/hooks'
import { IconChartLine, IconDownload, IconTable } from '@tabler/icons-react'
import { type ReactNode, useId, useRef, useState } from 'react'
import { formatNumber } from '../format/numbers'
import type { TermName } from '../glossary/glossary'
import { Term } from '../glossary/Term'
import { type Cell, type ChartTable, toCsv } from './chartTable'
import { serializeSvg, svgToPng } from './exportImage'
import { usePalette } from './palette'

/** A file that a person asked for; asking where it goes and writing it is for the page's surroundings. */
export interface SavedFile {
  readonly name: string
  readonly content: string
  readonly encoding: 'utf8' | 'base64'
}

export type SaveFile = (file: SavedFile) => unknown

interface Props {
  readonly title: string
  /** What the chart is about, explained by its name. */
  readonly term?: TermName | undefined
  /** What the axis counts, or how to read the chart. */
  readonly unit?: string
  /** Name of exported files, without ending. */
  readonly fileName: string
  readonly table: ChartTable
  readonly onSave: SaveFile
  /** Controls of this chart alone. */
  readonly actions?: ReactNode
  /** Draws one SVG element of this width. */
  readonly children: (width: number) => ReactNode
}

/** Around every chart: its name, the same figures as a table, export as CSV, SVG and PNG. */
export function ChartFrame({ title, term, unit, fileName, table, onSave, actions, children }: Props) {
  const [asTable, setAsTable] = useState(false)
  const { ref, width } = useElementSize()
  const body = useRef<HTMLDivElement>(null)
  const palette = usePalette()
  const id = useId()

  async function saveImage(kind: 'svg' | 'png'): Promise<void> {
    const chart = body.current?.querySelector<SVGSVGElement>('svg[data-chart]')
    if (chart == null) return
    const svg = serializeSvg(chart, { title, background: palette.background })
    if (kind === 'svg') onSave({ name: `${fileName}.svg`, content: svg, encoding: 'utf8' })
    else onSave({ name: `${fileName}.png`, content: await svgToPng(svg, chart), encoding: 'base64' })
  }

  const toggle = asTable ? 'Show as chart' : 'Show as table'
  return (
    <Box component="figure" m={0} aria-labelledby={id}>
      <Box component="figcaption">
        <Group justify="space-between" align="flex-start" wrap="nowrap" gap="xs" mb={8}>
          <Box miw={0}>
            <Text id={id} size="sm" fw={600} component="div">
              {term === undefined ? (
                title
              ) : (
                <Term name={term} focusable>
                  {title}
                </Term>
              )}
            </Text>
            {unit !== undefined && (
              <Text size="xs" c="dimmed" component="div">
                {unit}
              </Text>
            )}
          </Box>
          <Group gap={4} wrap="nowrap">
            {!asTable && actions}
            <Tooltip label={toggle}>
              <ActionIcon
                variant="subtle"
                color="gray"
                aria-label={`${toggle}: ${title}`}
                aria-pressed={asTable}
                onClick={() => setAsTable(!asTable)}
              >
                {asTable ? <IconChartLine size={16} aria-hidden /> : <IconTable size={16} aria-hidden />}
              </ActionIcon>
            </Tooltip>
            <Menu position="bottom-end" withinPortal>
              <Menu.Target>
                <ActionIcon variant="subtle" color="gray" aria-label={`Export: ${title}`} title="Export">
                  <IconDownload size={16} aria-hidden />
                </ActionIcon>
              </Menu.Target>
              <Menu.Dropdown>
                <Menu.Item onClick={() => onSave({ name: `${fileName}.csv`, content: toCsv(table), encoding: 'utf8' })}>
                  Table as CSV
                </Menu.Item>
                <Menu.Item disabled={asTable} onClick={() => void saveImage('svg')}>
                  Picture as SVG
                </Menu.Item>
                <Menu.Item disabled={asTable} onClick={() => void saveImage('png')}>
                  Picture as PNG
                </Menu.Item>
              </Menu.Dropdown>
            </Menu>
          </Group>
        </Group>
      </Box>
      <Box ref={ref}>
        <Box ref={body} pos="relative">
          {asTable ? <TableView table={table} label={title} /> : width > 0 && children(Math.floor(width))}
        </Box>
      </Box>
    </Box>
  )
}

function TableView({ table: { columns, rows }, label }: { readonly table: ChartTable; readonly label: string }) {
  return (
    <ScrollArea.Autosize
      mah={320}
      viewportProps={{ tabIndex: 0, role: 'region', 'aria-label': `${label}, as a table` }}
    >
      <Table stickyHeader className="num" fz="xs" verticalSpacing={4} aria-label={label}>
        <Table.Thead>
          <Table.Tr>
            {columns.map((column, i) => (
              <Table.Th key={column} ta={isNumeric(rows, i) ? 'right' : 'left'}>
                {column}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((row, index) => (
            // Rows of a chart have no name of their own; their order is what tells them apart.
            // biome-ignore lint/suspicious/noArrayIndexKey: see above
            <Table.Tr key={index}>
              {columns.map((column, i) => (
                <Table.Td key={column} ta={isNumeric(rows, i) ? 'right' : 'left'}>
                  {shown(row[i] ?? null)}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </ScrollArea.Autosize>
  )
}

const isNumeric = (rows: ChartTable['rows'], column: number): boolean =>
  rows.some((row) => typeof row[column] === 'number')

const shown = (cell: Cell): string =>
  cell === null ? '–' : typeof cell === 'string' ? cell : Number.isInteger(cell) ? String(cell) : formatNumber(cell)
