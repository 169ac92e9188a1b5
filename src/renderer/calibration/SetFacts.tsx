import { Code, Stack } from '@mantine/core'
import type { CalibrationSetDetail } from '../../shared/contract/calibration'
import { KeyValues } from '../components/KeyValues'
import { PathText } from '../components/PathText'
import { RelativeTime } from '../components/RelativeTime'
import { formatCount, formatPercent } from '../format/numbers'
import { BadRows } from './BadRows'
import { KIND_LABELS, SHAPE_LABELS, SPLIT_LABELS } from './setText'

/** Where a set comes from, and what was done to it. */
export function SetFacts({ set }: { readonly set: CalibrationSetDetail }) {
  const { shape, split, sampling, heldOut } = set
  return (
    <Stack gap="md">
      <KeyValues
        items={[
          ['File', <PathText key="path" path={set.sourcePath} length={70} />],
          ['Imported', <RelativeTime key="time" atMs={set.importedAtMs} />],
          ['Format', set.format ?? 'not recorded'],
          ['Holds', KIND_LABELS[set.kind]],
          ...(shape !== null ? ([['Columns', columnsText(shape)]] as const) : []),
          ...(shape === null && split !== null ? ([['One sample is', SPLIT_LABELS[split]]] as const) : []),
          ['Samples', formatCount(set.samples)],
          ['Characters', formatCount(set.characters)],
          ...(sampling !== null
            ? ([
                [
                  'Taken by chance',
                  `${formatCount(sampling.count)} of ${formatCount(sampling.available)}, seed ${sampling.seed}`
                ]
              ] as const)
            : []),
          ...(heldOut !== null
            ? ([
                [
                  'Part',
                  `the ${heldOut.part} part of ${heldOut.from}: ${formatPercent(heldOut.share)} held out, seed ${heldOut.seed}`
                ]
              ] as const)
            : []),
          ...set.notes.map((note) => ['Note', note] as const),
          ['Meant for', `${set.policy} rows`],
          ['SHA-256 of the file', <Code key="file">{set.sourceSha256}</Code>],
          ['SHA-256 of the samples', <Code key="content">{set.contentSha256}</Code>]
        ]}
      />
      <BadRows rows={set.badRowList} total={set.badRows} />
    </Stack>
  )
}

function columnsText({ kind, ...columns }: NonNullable<CalibrationSetDetail['shape']>): string {
  const named = Object.entries(columns).map(([part, column]) => (part === column ? part : `${part} = ${column}`))
  return `${SHAPE_LABELS[kind]}: ${named.join(', ')}`
}
