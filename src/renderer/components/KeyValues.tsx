import { Box, Text } from '@mantine/core'
import type { ReactNode } from 'react'

/** Facts as a list of names and values, aligned. */
export function KeyValues({ items }: { readonly items: readonly (readonly [name: string, value: ReactNode])[] }) {
  return (
    <Box
      component="dl"
      m={0}
      style={{
        display: 'grid',
        // Lists that stand below each other in a narrow window have their values in one line.
        gridTemplateColumns: 'minmax(104px, max-content) 1fr',
        columnGap: 16,
        rowGap: 6,
        alignItems: 'baseline'
      }}
    >
      {items.map(([name, value]) => (
        <Box key={name} style={{ display: 'contents' }}>
          <Text component="dt" size="sm" c="dimmed">
            {name}
          </Text>
          <Text component="dd" size="sm" m={0} className="num" style={{ minWidth: 0, overflowWrap: 'anywhere' }}>
            {value}
          </Text>
        </Box>
      ))}
    </Box>
  )
}
