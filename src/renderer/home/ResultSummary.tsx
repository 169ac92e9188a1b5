import { Anchor, Box, Group, Stack, Text, Tooltip } from '@mantine/core'
import { Link } from 'wouter'
import type { ProjectResult } from '../../shared/contract/projects'
import { modelName } from '../../shared/modelName'
import { gapClosed } from '../../shared/runEvents'
import { formatNumber, formatPercent } from '../format/numbers'
import classes from './ResultSummary.module.css'

/** What a run reached, in a sentence and as lengths. */
export function ResultSummary({ result: { run, title, model, best } }: { readonly result: ProjectResult }) {
  return (
    <Stack gap={6}>
      <Anchor component={Link} href={`/runs/${run}`} size="sm">
        {title} on {modelName(model)}
      </Anchor>
      {best === null ? (
        <Text size="sm" c="dimmed">
          No perplexity was measured.
        </Text>
      ) : (
        <>
          <Text size="sm" className="num">
            {best.variant} closes{' '}
            <b>{formatPercent(gapClosed(best.fullPrecision, best.quantized, best.perplexity), 0)}</b> of the gap on{' '}
            {best.text}
          </Text>
          <GapBar best={best} />
        </>
      )}
    </Stack>
  )
}

/** Full precision at the left, quantized at the right; the filled part is what the adapter closes. */
function GapBar({
  best: { fullPrecision, quantized, perplexity }
}: {
  readonly best: NonNullable<ProjectResult['best']>
}) {
  const share = Math.max(0, Math.min(1, gapClosed(fullPrecision, quantized, perplexity)))
  return (
    <Tooltip label={`with the adapter ${formatNumber(perplexity)}`}>
      <Box>
        <Box className={classes.track} aria-hidden>
          <Box className={classes.closed} style={{ width: `${100 * share}%` }} />
        </Box>
        <Group justify="space-between">
          <Text size="xs" c="dimmed" className="num">
            {formatNumber(fullPrecision)} full precision
          </Text>
          <Text size="xs" c="dimmed" className="num">
            {formatNumber(quantized)} quantized
          </Text>
        </Group>
      </Box>
    </Tooltip>
  )
}
