import { Button, Group, NumberInput, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { useLocation } from 'wouter'
import { useAction } from '../api/hooks'
import { FormModal } from '../components/FormModal'
import { notifyDone } from '../components/notify'
import { useFocusBack } from '../components/useFocusBack'
import { formatCount, plural } from '../format/numbers'
import { setAddress } from './setText'

/** Parts a set in two, one of them for evaluation. */
export function HoldOutModal({ name, onClose }: { readonly name: string; readonly onClose: () => void }) {
  useFocusBack()
  const [, navigate] = useLocation()
  const [percent, setPercent] = useState<number | string>(10)
  const [seed, setSeed] = useState<number | string>(0)
  const part = useAction('calibration.holdOut', ({ calibration, evaluation }) => {
    notifyDone(
      `${evaluation.name} holds ${plural(evaluation.samples, 'sample')}, ${calibration.name} the other ${formatCount(calibration.samples)}.`
    )
    navigate(setAddress(evaluation.name))
  })
  const share = Number(percent) / 100
  return (
    <FormModal opened onClose={onClose} title={`Hold out a part of ${name}`}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          part.mutate({ name, share, seed: Number(seed) || 0 })
        }}
      >
        <Stack gap="md">
          <Text size="sm">
            Makes two sets that share no sample: {name}-calibration, and {name}-evaluation to measure perplexity on. The
            set itself stays.
          </Text>
          <Group grow align="flex-start">
            <NumberInput
              label="Held out"
              suffix=" %"
              min={0.1}
              max={90}
              value={percent}
              onChange={setPercent}
              error={part.error?.message}
              data-autofocus
            />
            <NumberInput label="Seed" min={0} allowDecimal={false} value={seed} onChange={setSeed} />
          </Group>
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={part.isPending} disabled={!(share > 0 && share < 1)}>
              Hold out
            </Button>
          </Group>
        </Stack>
      </form>
    </FormModal>
  )
}
