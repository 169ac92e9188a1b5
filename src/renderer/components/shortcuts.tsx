import { Kbd, Modal, Stack, Table, Text } from '@mantine/core'
import { useDisclosure, useHotkeys } from '@mantine/hooks'
import { createContext, type ReactNode, use, useCallback, useEffect, useMemo, useState } from 'react'

export interface Shortcut {
  /** As Mantine's useHotkeys reads it: "mod+K", "N", "shift+?". */
  readonly keys: string
  readonly label: string
}

interface Shortcuts {
  readonly showHelp: () => void
  /** Lists shortcuts in the help until the returned function is called. */
  readonly list: (shortcuts: readonly Shortcut[]) => () => void
}

const Context = createContext<Shortcuts | null>(null)

/** What works on every page. */
export const EVERYWHERE: readonly Shortcut[] = [
  { keys: 'mod+K', label: 'Command palette: pages, models, runs, actions' },
  { keys: 'mod+N', label: 'New run' },
  { keys: 'mod+1 … 8', label: 'Pages of the rail' },
  { keys: 'Alt+← / Alt+→', label: 'Back and forward' },
  { keys: '↑ ↓ Home End', label: 'Move in a list; Enter opens, Space chooses' },
  { keys: '?', label: 'This list' }
]

/** Shows the shortcuts of the page on `?`. */
export function ShortcutsProvider({ children }: { readonly children: ReactNode }) {
  const [opened, { open, close }] = useDisclosure(false)
  const [lists, setLists] = useState<readonly (readonly Shortcut[])[]>([])
  // Most keyboards need Shift for a question mark; some do not.
  useHotkeys([
    ['shift+?', open],
    ['?', open]
  ])
  const list = useCallback((shortcuts: readonly Shortcut[]) => {
    setLists((before) => [...before, shortcuts])
    return () => setLists((before) => before.filter((one) => one !== shortcuts))
  }, [])
  const value = useMemo(() => ({ showHelp: open, list }), [open, list])
  return (
    <Context value={value}>
      {children}
      <Modal opened={opened} onClose={close} title="Keyboard shortcuts" size="lg">
        <Stack gap="xs">
          {lists.length > 0 && <Text fw={600}>On this page</Text>}
          {lists.length > 0 && <ShortcutTable shortcuts={lists.flat()} />}
          <Text fw={600}>Everywhere</Text>
          <ShortcutTable shortcuts={EVERYWHERE} />
        </Stack>
      </Modal>
    </Context>
  )
}

export function ShortcutTable({ shortcuts }: { readonly shortcuts: readonly Shortcut[] }) {
  return (
    <Table>
      <Table.Tbody>
        {shortcuts.map(({ keys, label }) => (
          <Table.Tr key={keys + label}>
            <Table.Td w={180}>
              <Kbd>{keys.replace('mod', /Mac/.test(navigator.userAgent) ? '⌘' : 'Ctrl').replace('shift+?', '?')}</Kbd>
            </Table.Td>
            <Table.Td>{label}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}

export function useShortcuts(): Shortcuts {
  const value = use(Context)
  if (value === null) throw new Error('useShortcuts needs a ShortcutsProvider above it')
  return value
}

/** Binds shortcuts of a page and lists them in the help. Keep the array's identity with useMemo. */
export function usePageShortcuts(shortcuts: readonly (Shortcut & { readonly action: () => void })[]): void {
  const { list } = useShortcuts()
  useHotkeys(shortcuts.map(({ keys, action }) => [keys, action]))
  useEffect(() => list(shortcuts), [list, shortcuts])
}
