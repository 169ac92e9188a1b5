import { NumberInput, type NumberInputProps } from '@mantine/core'

interface Props extends Omit<NumberInputProps, 'value' | 'onChange'> {
  readonly value: number
  /** NaN while the field is empty. */
  readonly onChange: (value: number) => void
}

/** A number of the recipe; what is not one yet is kept as NaN, so that the form can say so. */
export function NumberField({ value, onChange, ...props }: Props) {
  return (
    <NumberInput
      thousandSeparator=","
      allowNegative={false}
      {...props}
      value={Number.isFinite(value) ? value : ''}
      onChange={(given) => onChange(typeof given === 'number' ? given : Number.parseFloat(given))}
    />
  )
}
