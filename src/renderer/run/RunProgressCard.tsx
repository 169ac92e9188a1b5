import { Card, Group, Progress, Stack, Text } from '@mantine/core'
import type { RunProof } from '../../shared/contract/proof'
import { useJob } from '../api/useJob'
import { formatBytes, formatCount } from '../format/numbers'
import { ELSEWHERE, useElsewhere } from '../runs/elsewhere'
import { doneSentence, progressSentence, timeLeft } from '../runs/progressText'

/**
 * What is done, what is next, and how long it takes. Progress arrives ten times a second: it is this card's alone, so that
 * nothing else of the page is drawn again for it.
 */
export function RunProgressCard({ run }: { readonly run: RunProof }) {
  const job = useJob()
  const elsewhere = useElsewhere([run])
  // Null until the engine reports, and while another process works on the run.
  const progress = job.progress?.run === run.id ? job.progress : null
  if (run.status !== 'running' && progress === null) return null
  const blocks = progress?.blocks ?? run.planned?.blocks ?? 0
  const share = progress?.share ?? (blocks === 0 ? 0 : run.blocksDone / blocks)
  const left = progress === null ? undefined : timeLeft(progress)
  return (
    <Card withBorder padding="md" role="status" aria-label="Progress of the run">
      <Stack gap="xs">
        <Text fz={18} fw={500} className="num">
          {progress === null ? doneSentence(run.blocksDone, blocks) : progressSentence(progress, run)}
        </Text>
        <Progress value={100 * share} size="lg" aria-label={`Progress of ${run.title}`} />
        {run.planned?.moments?.state === 'used' && (
          <Text size="sm" c="dimmed">
            Calibration is skipped: second moments of an earlier run are read.
          </Text>
        )}
        {elsewhere && (
          <Text size="sm" c="dimmed">
            {ELSEWHERE}
          </Text>
        )}
        {progress !== null && (
          <Group gap="lg" className="num">
            {left !== undefined && <Text size="sm">{left}</Text>}
            {progress.tokensPerSecond !== null && (
              <Text size="sm" c="dimmed">
                {formatCount(Math.round(progress.tokensPerSecond))} tokens/s
              </Text>
            )}
            <Text size="sm" c="dimmed">
              {formatBytes(progress.memoryBytes)} memory
            </Text>
          </Group>
        )}
      </Stack>
    </Card>
  )
}
