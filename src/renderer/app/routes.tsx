import type { ReactNode } from 'react'
import { HomePage } from '../home/HomePage'
import { RunPage } from '../run/RunPage'

/** Every page and its address. The first that matches is shown. */
export const ROUTES: readonly { readonly path: string; readonly page: () => ReactNode }[] = [
  { path: '/', page: () => <HomePage /> },
  { path: '/runs/:id/:kind?/:layer?', page: () => <RunPage /> }
]
