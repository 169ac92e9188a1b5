import { Spotlight, type SpotlightActionData, spotlight } from '@mantine/spotlight'
import { IconBolt, IconPlus, IconSearch } from '@tabler/icons-react'
import { useState } from 'react'
import { useLocation } from 'wouter'
import { PLACES } from './navigation'
import { type PaletteAction, usePaletteActions } from './paletteActions'
import { useFoundThings } from './paletteSources'

const spotlightAction = ({ keywords, ...action }: PaletteAction): SpotlightActionData => ({
  ...action,
  leftSection: <IconBolt size={18} />,
  ...(keywords && { keywords: [...keywords] })
})

export const openPalette = (): void => spotlight.open()

/** The sign of the page that an address belongs to. */
function iconOf(address: string) {
  const place = PLACES.find(({ to }) => to !== '/' && address.startsWith(to))
  const Icon = place?.icon ?? IconBolt
  return <Icon size={18} />
}

/** Reaches every page, model, run and action by typing. */
export function Palette() {
  const [, navigate] = useLocation()
  const [query, setQuery] = useState('')
  const found = useFoundThings(query)
  const actions = usePaletteActions(navigate)
  const go = (to: string) => () => navigate(to)
  const pages: SpotlightActionData[] = [
    {
      id: 'new',
      label: 'New run',
      description: 'Prepare an adapter',
      leftSection: <IconPlus size={18} />,
      onClick: go('/new')
    },
    ...PLACES.map(({ label, to, icon: Icon }) => ({
      id: to,
      label,
      leftSection: <Icon size={18} />,
      onClick: go(to)
    }))
  ]
  const things = found.map(({ label, actions }) => ({
    group: label,
    actions: actions.map(({ id, title, detail, to }) => ({
      id,
      label: title,
      description: detail,
      leftSection: iconOf(to),
      onClick: go(to)
    }))
  }))
  return (
    <Spotlight
      actions={[{ group: 'Go to', actions: pages }, { group: 'Do', actions: actions.map(spotlightAction) }, ...things]}
      attributes={{ content: { 'aria-label': 'Command palette' } }}
      query={query}
      onQueryChange={setQuery}
      shortcut={['mod + K', 'mod + P']}
      nothingFound="Nothing fits"
      highlightQuery
      scrollable
      maxHeight={480}
      limit={query.trim() === '' ? 30 : 12}
      searchProps={{
        leftSection: <IconSearch size={18} />,
        placeholder: 'Pages, actions, models, data, runs…',
        'aria-label': 'Search'
      }}
    />
  )
}
