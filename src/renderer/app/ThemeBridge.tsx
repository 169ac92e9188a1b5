import { useEffect } from 'react'
import { call } from '../api/desktop'
import { useCall } from '../api/hooks'

/** Tells main which theme the person chose; the page follows, because Chromium then says that the system prefers it. */
export function ThemeBridge(): null {
  const theme = useCall('settings.get', {}).data?.preferences.theme
  useEffect(() => {
    if (theme !== undefined) void call('app.setTheme', { theme })
  }, [theme])
  return null
}
