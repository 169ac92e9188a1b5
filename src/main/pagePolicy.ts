/* What the page may load, said once: for the protocol that serves it, and for the development server in its place. */

/** The one place that the window's page comes from. */
export const PAGE_ORIGIN = 'app://quail'

const CONTENT_POLICY: Readonly<Record<string, string>> = {
  'default-src': "'none'",
  'script-src': "'self'",
  // The components set styles on elements; text in a style can load nothing that the other lines do not allow.
  'style-src': "'self' 'unsafe-inline'",
  // Charts become pictures by way of a data: address.
  'img-src': "'self' data:",
  'font-src': "'self'",
  'connect-src': "'none'",
  'worker-src': "'none'",
  'frame-src': "'none'",
  'child-src': "'none'",
  'object-src': "'none'",
  'media-src': "'none'",
  'manifest-src': "'none'",
  'base-uri': "'none'",
  'form-action': "'none'",
  'frame-ancestors': "'none'"
}

const policyText = (policy: Readonly<Record<string, string>>): string =>
  Object.entries(policy)
    .map(([name, value]) => `${name} ${value}`)
    .join('; ')

/** Headers of every answer with a part of the page. */
export const PAGE_HEADERS = {
  'content-security-policy': policyText(CONTENT_POLICY),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'x-dns-prefetch-control': 'off',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin'
} as const

/** The same where a development server serves the page: it reloads it over a channel, and puts a script into it. */
export const DEVELOPMENT_HEADERS = {
  ...PAGE_HEADERS,
  'content-security-policy': policyText({
    ...CONTENT_POLICY,
    'script-src': "'self' 'unsafe-inline'",
    'connect-src': "'self' ws:"
  })
} as const
