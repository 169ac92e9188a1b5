import { Select, type SelectProps } from '@mantine/core'

interface Props<T extends string> extends Pick<SelectProps, 'label' | 'description' | 'w'> {
  readonly data: readonly { readonly value: T; readonly label: string }[]
  readonly value: T
  readonly onChange: (value: T) => void
}

/** One of a few named values; there is always one. */
export function ChoiceField<T extends string>({ data, onChange, ...props }: Props<T>) {
  return (
    <Select
      allowDeselect={false}
      data={[...data]}
      onChange={(value) => value !== null && onChange(value as T)}
      {...props}
    />
  )
}
