import { Button, Code, Group, ScrollArea, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import type { RunProof } from '../../shared/contract/proof'
import type { RunLogEntry } from '../../shared/contract/runs'
import { useCall } from '../api/hooks'
import { CopyButton } from '../components/CopyButton'
import { QueryView } from '../components/QueryView'
import { FoldedSection } from './FoldedSection'

/** Lines that are read at once: a run of 80 blocks has about a thousand. */
const PAGE = 2000

/** What happened, line by line. */
export function LogSection({ run }: { readonly run: RunProof }) {
  const [after, setAfter] = useState(-1)
  const log = useCall('runs.log', { id: run.id, after, limit: PAGE }, { keepPrevious: true })
  return (
    <FoldedSection name="Log" hint="every event of every attempt">
      <QueryView query={log} failure="The log could not be read">
        {(entries) => (
          <Stack gap="sm">
            <Group>
              <CopyButton value={() => entries.map(lineOf).join('\n')} label="Copy log" />
              {after >= 0 && (
                <Button size="xs" variant="default" onClick={() => setAfter(-1)}>
                  From the beginning
                </Button>
              )}
              {entries.length > 0 && entries.length >= PAGE / 2 && (
                <Button size="xs" variant="default" onClick={() => setAfter(entries.at(-1)?.position ?? -1)}>
                  Later lines
                </Button>
              )}
            </Group>
            <Lines entries={entries} />
          </Stack>
        )}
      </QueryView>
    </FoldedSection>
  )
}

function Lines({ entries }: { readonly entries: readonly RunLogEntry[] }) {
  if (entries.length === 0) return <Text size="sm">Nothing happened yet.</Text>
  return (
    <ScrollArea.Autosize mah={360} viewportProps={{ tabIndex: 0, role: 'log', 'aria-label': 'Log of the run' }}>
      <Code block style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
        {entries.map(lineOf).join('\n')}
      </Code>
    </ScrollArea.Autosize>
  )
}

const lineOf = ({ atMs, attempt, text }: RunLogEntry): string =>
  `${new Date(atMs).toLocaleTimeString('en-GB')}${attempt > 1 ? `  attempt ${attempt}` : ''}  ${text}`
