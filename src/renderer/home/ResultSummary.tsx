import { Anchor, Box, Group, Stack, Text, Tooltip } from '@mantine/core'
import { Link } from 'wouter'
import type { ProjectResult } from '../../shared/contract/projects'
import type { QuantizerResult } from '../../shared/headline'
import { modelName } from '../../shared/modelName'
import { type ProvenVariant, percentText } from '../../shared/proof'
import { NOT_DISTINGUISHABLE } from '../../shared/uncertainty'
import { formatNumber } from '../format/numbers'
import { runAddress } from '../runs/runAddress'
import classes from './ResultSummary.module.css'

/** What a run reached: for each quantizer a sentence, and lengths. */
export function ResultSummary({ result: { run, title, model, headline } }: { readonly result: ProjectResult }) {
  return (
    <Stack gap={6}>
      <Anchor component={Link} href={runAddress(run)} size="sm" style={{ overflowWrap: 'anywhere' }}>
        {title} on {modelName(model)}
      </Anchor>
      {headline === null ? (
        <Text size="sm" c="dimmed">
          No perplexity was measured.
        </Text>
      ) : (
        headline.results.map((result) => <Result key={result.quantizer} text={headline.text} result={result} />)
      )}
    </Stack>
  )
}

interface ResultProps {
  readonly text: string
  readonly result: QuantizerResult<ProvenVariant>
}

/** The best variant of one quantizer, and its gap as a bar. */
function Result({ text, result }: ResultProps) {
  return (
    <Box data-quantizer={result.quantizer}>
      <Text size="sm" className="num" style={{ overflowWrap: 'anywhere' }}>
        <Reached text={text} result={result} />
      </Text>
      <GapBar result={result} />
    </Box>
  )
}

/** What the best variant of a quantizer does to its gap, as far as the rows tell. */
function Reached({ text, result: { label, variants, distinctGap } }: ResultProps) {
  const [{ variant, gapClosed, distinctFromBase, statistics }] = variants
  if (distinctGap === false) return `${label} is ${NOT_DISTINGUISHABLE} from full precision on ${text}`
  if (gapClosed === undefined) return `${label} costs nothing on ${text}`
  if (distinctFromBase === false) return `${variant.name} is ${NOT_DISTINGUISHABLE} from plain ${label} on ${text}`
  return (
    <>
      {variant.name} {gapClosed < 0 ? 'widens' : 'closes'}{' '}
      <b>{percentText(Math.abs(gapClosed), statistics?.gapClosed?.standardError)}</b> of the {label} gap on {text}
    </>
  )
}

/** Full precision at the left, quantized at the right; the filled part is what the adapter closes. */
function GapBar({ result: { fullPrecision, quantized, variants } }: { readonly result: ResultProps['result'] }) {
  const [{ perplexity, gapClosed = 0 }] = variants
  const share = Math.max(0, Math.min(1, gapClosed))
  return (
    <Tooltip label={`with the adapter ${formatNumber(perplexity)}`}>
      <Box>
        <Box className={classes.track} mt={4} aria-hidden>
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
