import { Button, Stack, Text, UnstyledButton } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { Link, useLocation } from 'wouter'
import { PLACES, type Place } from './navigation'
import classes from './Rail.module.css'

/** The pages, always in reach. */
export function Rail() {
  const [location] = useLocation()
  return (
    <Stack component="nav" aria-label="Pages" gap={4} p={8} h="100%">
      <Button
        component={Link}
        href="/new"
        variant={location === '/new' ? 'filled' : 'light'}
        className={classes.primary}
        aria-label="New run"
      >
        <Stack gap={2} align="center">
          <IconPlus size={20} aria-hidden />
          <Text span size="xs" fw={600}>
            New run
          </Text>
        </Stack>
      </Button>
      {PLACES.map((place) => (
        <RailLink key={place.to} place={place} active={isAt(location, place.to)} />
      ))}
    </Stack>
  )
}

function RailLink({ place: { label, to, icon: Icon }, active }: { readonly place: Place; readonly active: boolean }) {
  return (
    <UnstyledButton
      component={Link}
      href={to}
      className={classes.link}
      data-active={active || undefined}
      aria-current={active ? 'page' : undefined}
    >
      <Icon size={20} aria-hidden stroke={1.6} />
      <Text span size="xs">
        {label}
      </Text>
    </UnstyledButton>
  )
}

const isAt = (location: string, to: string): boolean =>
  to === '/' ? location === '/' : location === to || location.startsWith(`${to}/`)
