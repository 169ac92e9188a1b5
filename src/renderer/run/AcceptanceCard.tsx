import { Card, Stack, Text, Title } from '@mantine/core'
import { acceptanceSentence } from '../../shared/acceptance'
import type { RunProof } from '../../shared/contract/proof'
import { plural } from '../format/numbers'
import { Term } from '../glossary/Term'

/** What held-out rows found to help of each adapter, where they were asked. */
export function AcceptanceCard({ run }: { readonly run: RunProof }) {
  const found = run.variants.flatMap(({ name, acceptance }) => (acceptance === null ? [] : [{ name, acceptance }]))
  const [first] = found
  if (first === undefined) return null
  const { heldOutRows, heldOutTokens } = first.acceptance
  return (
    <Card withBorder padding="md" data-testid="acceptance">
      <Stack gap="xs">
        <Title order={2} size="h5">
          <Term name="neverWorse">Never worse than no adapter</Term>
        </Title>
        {found.map(({ name, acceptance }) => (
          <Text key={name} size="sm" className="num" style={{ overflowWrap: 'anywhere' }}>
            {`${name}: ${acceptanceSentence(acceptance)}.`}
          </Text>
        ))}
        <Text size="xs" c="dimmed" className="num">
          {`KL divergence from full precision, nats, on ${plural(heldOutRows, 'row')} (${plural(heldOutTokens, 'token')}) of the calibration set`}
        </Text>
      </Stack>
    </Card>
  )
}
