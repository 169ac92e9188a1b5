import { Button, Checkbox, Group, NumberInput, Popover, Select, Stack } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconPlus } from '@tabler/icons-react'
import { type ReactNode, useState } from 'react'
import { BLOCK_SIZES, DEFAULT_QUANTIZER, QUANTIZERS, quantizerFacts } from '../../shared/quantizers'
import { scaleOptions } from '../../shared/quantizerWords'
import { QuantizerSpec } from '../../shared/recipe'
import { Refinement } from '../../shared/refinement'
import type { Chip } from '../../shared/variantAxes'

interface AddProps {
  readonly onAdd: (chip: Chip) => void
}

interface FrameProps {
  readonly label: string
  /** Undefined while what is typed is no value. */
  readonly chip: Chip | undefined
  readonly onAdd: (chip: Chip) => void
  readonly children: ReactNode
}

/** A small form behind a plus. */
function AddFrame({ label, chip, onAdd, children }: FrameProps) {
  const [open, { toggle, close }] = useDisclosure(false)
  return (
    <Popover opened={open} onChange={(next) => !next && close()} trapFocus position="bottom-start" withinPortal>
      <Popover.Target>
        <Button
          variant="subtle"
          size="compact-sm"
          leftSection={<IconPlus size={14} aria-hidden />}
          onClick={toggle}
          aria-label={label}
        >
          Other
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <form
          onSubmit={(event) => {
            event.preventDefault()
            if (chip === undefined) return
            onAdd(chip)
            close()
          }}
        >
          <Stack gap="sm">
            {children}
            <Group justify="flex-end">
              <Button type="submit" size="xs" disabled={chip === undefined}>
                Add
              </Button>
            </Group>
          </Stack>
        </form>
      </Popover.Dropdown>
    </Popover>
  )
}

export function AddRank({ onAdd }: AddProps) {
  const [rank, setRank] = useState<number | string>(128)
  const valid = typeof rank === 'number' && Number.isInteger(rank) && rank >= 1
  return (
    <AddFrame label="Other rank" chip={valid ? { axis: 'rank', rank } : undefined} onAdd={onAdd}>
      <NumberInput label="Rank" min={1} allowDecimal={false} value={rank} onChange={setRank} data-autofocus />
    </AddFrame>
  )
}

export function AddScaling({ onAdd }: AddProps) {
  const [alpha, setAlpha] = useState<number | string>(64)
  const [rslora, setRslora] = useState(false)
  const valid = typeof alpha === 'number' && alpha > 0
  return (
    <AddFrame label="Other scaling" chip={valid ? { axis: 'scaling', alpha, rslora } : undefined} onAdd={onAdd}>
      <NumberInput label="lora_alpha" min={0} value={alpha} onChange={setAlpha} data-autofocus />
      <Checkbox
        label="rsLoRA: alpha / √rank"
        checked={rslora}
        onChange={({ currentTarget }) => setRslora(currentTarget.checked)}
      />
    </AddFrame>
  )
}

export function AddRefinement({ onAdd }: AddProps) {
  const [steps, setSteps] = useState<number | string>(48)
  const [batch, setBatch] = useState<number | string>(4)
  const [learningRate, setLearningRate] = useState<number | string>('')
  const given = learningRate === '' ? {} : { learningRate }
  const { data: refine } = Refinement.safeParse({ steps, batch, ...given })
  return (
    <AddFrame label="Other refinement" chip={refine && { axis: 'refinement', refine }} onAdd={onAdd}>
      <NumberInput label="Steps" min={1} allowDecimal={false} value={steps} onChange={setSteps} data-autofocus />
      <NumberInput label="Rows in a step" min={1} allowDecimal={false} value={batch} onChange={setBatch} />
      <NumberInput
        label="Learning rate"
        description="Largest step, as a share of an entry's size"
        placeholder="by the first gradient"
        min={0}
        max={1}
        step={0.01}
        value={learningRate}
        onChange={setLearningRate}
      />
    </AddFrame>
  )
}

export function AddQuantizer({ onAdd }: AddProps) {
  const [format, setFormat] = useState<QuantizerSpec['format']>(DEFAULT_QUANTIZER)
  const [size, setSize] = useState<string>('128')
  const [doubleQuantization, setDouble] = useState(true)
  const blockSize = Number(size) as QuantizerSpec['blockSize']
  const { options } = quantizerFacts(format)
  const [hasBlocks, hasDouble] = [options.includes('blockSize'), options.includes('doubleQuantization')]
  return (
    <AddFrame
      label="Other quantizer"
      chip={{
        axis: 'quantizer',
        quantizer: QuantizerSpec.parse({ format, ...scaleOptions({ format, blockSize, doubleQuantization }) })
      }}
      onAdd={onAdd}
    >
      <Select
        label="Format"
        data={QUANTIZERS.map((value) => ({ value, label: quantizerFacts(value).label }))}
        value={format}
        onChange={(value) => value !== null && setFormat(value)}
        allowDeselect={false}
        comboboxProps={{ withinPortal: false }}
        data-autofocus
      />
      <Select
        label="Block size"
        data={BLOCK_SIZES.map(String)}
        value={size}
        onChange={(value) => value !== null && setSize(value)}
        allowDeselect={false}
        comboboxProps={{ withinPortal: false }}
        disabled={!hasBlocks}
      />
      <Checkbox
        label="Double quantization"
        disabled={!hasDouble}
        checked={doubleQuantization}
        onChange={({ currentTarget }) => setDouble(currentTarget.checked)}
      />
    </AddFrame>
  )
}
