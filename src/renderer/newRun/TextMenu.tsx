import { Button, Menu, Text, TextInput } from '@mantine/core'
import { IconChevronDown, IconFilePlus, IconSearch } from '@tabler/icons-react'
import { useState } from 'react'
import type { StartChoices } from '../../shared/contract/recipes'
import { formatCount, plural } from '../format/numbers'
import { baseName, shortenPath } from '../format/paths'

interface Props {
  readonly verb: string
  /** What the text is for. */
  readonly title: string
  readonly sets: StartChoices['sets']
  /** Paths of files that are not chosen, the last used first. */
  readonly unused: readonly string[]
  readonly onPick: () => void
  readonly onSet: (name: string) => void
  readonly onText: (path: string) => void
}

/** So many sets are found by looking; more are searched. */
const FOUND_BY_LOOKING = 8
/** Files that are offered again. */
const OFFERED = 12

/** Where a text comes from: files, a stored set, or a file that was used before. */
export function TextMenu({ verb, title, sets, unused, onPick, onSet, onText }: Props) {
  const [search, setSearch] = useState('')
  const wanted = search.trim().toLowerCase()
  const fits = (name: string): boolean => name.toLowerCase().includes(wanted)
  const shownSets = sets.filter(({ name }) => fits(name))
  const shownTexts = unused.filter(fits).slice(0, OFFERED)
  return (
    <Menu position="bottom-start" width={320} withinPortal onClose={() => setSearch('')}>
      <Menu.Target>
        <Button
          variant="default"
          leftSection={<IconFilePlus size={16} aria-hidden />}
          rightSection={<IconChevronDown size={14} aria-hidden />}
          aria-label={`${verb} for ${title.toLowerCase()}`}
        >
          {verb}
        </Button>
      </Menu.Target>
      <Menu.Dropdown mah={320} style={{ overflowY: 'auto' }}>
        <Menu.Item onClick={onPick}>Files…</Menu.Item>
        {sets.length > FOUND_BY_LOOKING && (
          <TextInput
            m={4}
            size="xs"
            aria-label="Search sets and files"
            placeholder={`Search ${plural(sets.length, 'set')}`}
            leftSection={<IconSearch size={14} aria-hidden />}
            value={search}
            onChange={(event) => setSearch(event.currentTarget.value)}
          />
        )}
        {shownSets.length > 0 && <Menu.Label>Stored sets (instead of files)</Menu.Label>}
        {shownSets.map(({ name, samples, characters }) => (
          <Menu.Item key={name} onClick={() => onSet(name)} style={{ overflowWrap: 'anywhere' }}>
            {name}
            <Text size="xs" c="dimmed">
              {plural(samples, 'sample')}, {formatCount(characters)} characters
            </Text>
          </Menu.Item>
        ))}
        {shownTexts.length > 0 && <Menu.Label>Used before</Menu.Label>}
        {shownTexts.map((path) => (
          <Menu.Item key={path} onClick={() => onText(path)}>
            {baseName(path)}
            <Text size="xs" c="dimmed">
              {shortenPath(path, 44)}
            </Text>
          </Menu.Item>
        ))}
        {shownSets.length + shownTexts.length === 0 && wanted !== '' && <Menu.Label>None of this name</Menu.Label>}
      </Menu.Dropdown>
    </Menu>
  )
}
