import { Group, Stack, Text } from '@mantine/core'
import type { RunProof } from '../../shared/contract/proof'
import { durationText } from '../../shared/durationText'
import { enoughRowsSentence } from '../../shared/enoughRows'
import { keptMomentsSentence } from '../../shared/keptMoments'
import { computedWhere } from '../../shared/runEvents'
import { CopyButton } from '../components/CopyButton'
import { KeyValues } from '../components/KeyValues'
import { formatBytes, formatCount, plural } from '../format/numbers'
import { formatExact } from '../format/time'
import { FoldedSection } from './FoldedSection'

/** With what the run was computed, and from what. */
export function EnvironmentSection({ run }: { readonly run: RunProof }) {
  const facts = factsOf(run)
  const text = facts.map(([name, value]) => `${name}: ${value}`).join('\n')
  return (
    <FoldedSection name="Environment" hint="versions, device, inputs with their digests">
      <Stack gap="sm">
        <Group>
          <CopyButton value={text} label="Copy environment" />
        </Group>
        <KeyValues items={facts} />
        {run.versions.onnxruntime === undefined && (
          <Text size="xs" c="dimmed">
            The versions of onnxruntime and Node stand in the adapters, once there is one.
          </Text>
        )}
      </Stack>
    </FoldedSection>
  )
}

function factsOf(run: RunProof): [string, string][] {
  const { versions, recipe, planned, deviceFailure } = run
  const texts = (name: string, list: RunProof['calibration']): [string, string][] =>
    list.map((text) => [name, `${text.name}, ${formatBytes(text.bytes)}, SHA-256 ${text.sha256}`])
  return [
    ['Run', `${run.id}${run.attempt > 1 ? `, attempt ${run.attempt}` : ''}`],
    ['Quail', versions.quail],
    ...optional('onnxruntime', versions.onnxruntime),
    ...optional('Node', versions.node),
    [
      'Device',
      deviceFailure ? computedWhere(deviceFailure) : recipe.device === 'cpu' ? 'processor (cpu)' : recipe.device
    ],
    ['Seed', String(recipe.seed)],
    ...optional('Calibration tokens', planned && formatCount(planned.calibrationTokens)),
    ...optional('Calibration rows', planned?.enoughRows && enoughRowsSentence(planned.enoughRows)),
    ...optional('Second moments', planned?.moments && keptMomentsSentence(planned.moments, formatBytes)),
    ...optional('Evaluation tokens', planned && formatCount(planned.evaluationTokens)),
    ...optional('Model', planned && plural(planned.parameters, 'parameter')),
    ...optional('Linears', planned && formatCount(planned.linears)),
    ['Started', formatExact(run.createdAtMs)],
    ...optional('Ended', run.finishedAtMs === null ? null : formatExact(run.finishedAtMs)),
    ...optional('Duration', run.workedMs === null ? null : durationText(run.workedMs)),
    ...texts('Calibration text', run.calibration),
    ...texts('Evaluation text', run.evaluation)
  ].map(([name, value], i, all) => [numbered(name as string, i, all as [string, string][]), value as string])
}

const optional = (name: string, value: string | null | undefined): [string, string][] => (value ? [[name, value]] : [])

/** Names of a list are told apart by number, where there are several. */
function numbered(name: string, index: number, all: readonly [string, string][]): string {
  const same = all.map(([other], i) => (other === name ? i : -1)).filter((i) => i >= 0)
  return same.length === 1 ? name : `${name} ${same.indexOf(index) + 1}`
}
