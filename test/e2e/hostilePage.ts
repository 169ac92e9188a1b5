import { randomUUID } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Page } from 'playwright-core'
import { temporaryFolder } from './harness'

/*
 * What code in a page can try in order to send something out, or to read a file; and the places that would see it. Every
 * attempt is the body of an asynchronous function of `at`, an address, and `udp`, a port; it answers with what it got.
 */

const REFUSED = 'refused'

/** Resolves when one of an element's events fires; `found` says what was read then. */
const element = (make: string, found = `'loaded'`, holder = 'document.head'): string => `
  const made = ${make}
  return await new Promise((done) => {
    made.onload = () => done(${found})
    made.onerror = () => done('${REFUSED}')
    ${holder}.append(made)
  })`

const link = (rel: string, more = ''): string =>
  element(`Object.assign(document.createElement('link'), { rel: '${rel}', href: at${more} })`)

const worker = (how: string): string => `
  const made = ${how}
  return await new Promise((done) => {
    const port = made.port ?? made
    port.onmessage = ({ data }) => done(String(data))
    made.onerror = () => done('${REFUSED}')
    port.start?.()
  })`

/** A script that asks for the address, and gives back what it got. */
const ASKING = `'fetch(' + JSON.stringify(at) + ').then((answer) => answer.text()).then(postMessage)'`

const peer = (server: string): string => `
  const connection = new RTCPeerConnection({ iceServers: [${server}] })
  connection.createDataChannel('x')
  const found = []
  connection.onicecandidate = ({ candidate }) => candidate && found.push(candidate.candidate)
  await connection.setLocalDescription(await connection.createOffer())
  await new Promise((done) => setTimeout(done, 1200))
  connection.close()
  return found.join()`

const style = (name: string, text: string): string => `
  const name = '${name}'
  const made = document.createElement('style')
  made.textContent = ${text}
  document.head.append(made)
  const box = Object.assign(document.createElement('div'), { className: name, textContent: 'x' })
  document.body.append(box)
  await new Promise((done) => setTimeout(done, 300))
  return getComputedStyle(document.documentElement).getPropertyValue('--secret')`

/** Attempts after which the page is still there, wherever they run. */
export const STAYING: Readonly<Record<string, string>> = {
  worker: worker('new Worker(at)'),
  'module worker': worker(`new Worker(at, { type: 'module' })`),
  'shared worker': worker('new SharedWorker(at)'),
  'blob worker': worker(`new Worker(URL.createObjectURL(new Blob([${ASKING}])))`),
  'data worker': worker(`new Worker('data:text/javascript,' + ${ASKING})`),
  'service worker': `await navigator.serviceWorker.register(at); return 'registered'`,
  'paint worklet': `await CSS.paintWorklet.addModule(at); return 'loaded'`,
  'audio worklet': `await new OfflineAudioContext(1, 1, 44100).audioWorklet.addModule(at); return 'loaded'`,
  'dynamic import': `return String((await import(at)).default)`,
  script: element(`Object.assign(document.createElement('script'), { src: at })`, 'String(window.leaked)'),
  'module script': element(
    `Object.assign(document.createElement('script'), { src: at, type: 'module' })`,
    'String(window.leaked)'
  ),
  fetch: `return await (await fetch(at)).text()`,
  'fetch without answer': `return (await fetch(at, { mode: 'no-cors', method: 'POST', body: 'x', keepalive: true })).type`,
  XMLHttpRequest: `
    const request = new XMLHttpRequest()
    return await new Promise((done) => {
      request.onload = () => done(request.responseText)
      request.onerror = () => done('${REFUSED}')
      request.open('GET', at)
      request.send()
    })`,
  EventSource: `
    const source = new EventSource(at)
    return await new Promise((done) => {
      source.onopen = () => done('open')
      source.onerror = () => { source.close(); done('${REFUSED}') }
    })`,
  WebSocket: `
    const socket = new WebSocket(at.replace(/^http/, 'ws'))
    return await new Promise((done) => {
      socket.onopen = () => done('open')
      socket.onerror = () => done('${REFUSED}')
    })`,
  WebTransport: `
    const transport = new WebTransport('https://127.0.0.1:' + udp + '/')
    return await transport.ready.then(() => 'ready', () => '${REFUSED}')`,
  'WebRTC by STUN': peer(`{ urls: 'stun:127.0.0.1:' + udp }`),
  'WebRTC by TURN': peer(`{ urls: 'turn:127.0.0.1:' + udp, username: 'x', credential: 'x' }`),
  'WebRTC by TURN over TCP': peer(
    `{ urls: 'turn:127.0.0.1:' + (new URL(at).port || 9) + '?transport=tcp', username: 'x', credential: 'x' }`
  ),
  'WebRTC in a frame': `
    const frame = document.createElement('iframe')
    document.body.append(frame)
    const { RTCPeerConnection } = frame.contentWindow
    ${peer(`{ urls: 'stun:127.0.0.1:' + udp }`)}`,
  'WebRTC to a peer': `
    const connection = new RTCPeerConnection()
    connection.createDataChannel('x')
    const { sdp } = await connection.createOffer()
    await connection.setLocalDescription({ type: 'offer', sdp })
    const answer = sdp.replace(/a=setup:actpass/g, 'a=setup:active')
    await connection.setRemoteDescription({ type: 'answer', sdp: answer })
    await connection.addIceCandidate({
      candidate: 'candidate:1 1 udp 2113937151 127.0.0.1 ' + udp + ' typ host', sdpMLineIndex: 0
    })
    await new Promise((done) => setTimeout(done, 1200))
    connection.close()
    return ''`,
  beacon: `return String(navigator.sendBeacon(at, 'x'))`,
  picture: element('new Image()', 'made.naturalWidth', 'made.src = at, document.body'),
  'picture of a set': element('new Image()', 'made.naturalWidth', 'made.srcset = at, document.body'),
  'picture of SVG': `
    const space = 'http://www.w3.org/2000/svg'
    const [svg, image, use] = ['svg', 'image', 'use'].map((name) => document.createElementNS(space, name))
    image.setAttribute('href', at)
    use.setAttribute('href', at + '#x')
    svg.append(image, use)
    document.body.append(svg)
    return ''`,
  film: `
    const film = Object.assign(document.createElement('video'), { src: at, poster: at })
    document.body.append(film)
    return await new Promise((done) => (film.onerror = () => done('${REFUSED}')))`,
  sound: `return await new Audio(at).play().then(() => 'played', () => '${REFUSED}')`,
  'style sheet': link('stylesheet'),
  'style import': style('imported', `'@import url(' + at + ');'`),
  'picture in a style': style(
    'drawn',
    `'.drawn { background: url(' + at + '); cursor: url(' + at + '), auto; content: url(' + at + ') }'`
  ),
  font: `await new FontFace('hostile', 'url(' + at + ')').load(); return 'loaded'`,
  'font in a style': style(
    'written',
    `'@font-face { font-family: drawn; src: url(' + at + ') } .written { font-family: drawn }'`
  ),
  frame: `
    const frame = Object.assign(document.createElement('iframe'), { src: at })
    document.body.append(frame)
    await new Promise((done) => (frame.onload = done))
    return frame.contentDocument?.body.textContent ?? ''`,
  'frame that asks': `
    const frame = document.createElement('iframe')
    document.body.append(frame)
    return await (await frame.contentWindow.fetch(at)).text()`,
  'frame with text': `
    const frame = Object.assign(document.createElement('iframe'), { srcdoc: '<img src="' + at + '">' })
    document.body.append(frame)
    await new Promise((done) => (frame.onload = done))
    return ''`,
  object: element(
    `Object.assign(document.createElement('object'), { data: at })`,
    'made.contentDocument?.body.textContent',
    'document.body'
  ),
  embed: element(`Object.assign(document.createElement('embed'), { src: at })`, `'loaded'`, 'document.body'),
  prefetch: link('prefetch'),
  preload: link('preload', `, as: 'image'`),
  'module preload': link('modulepreload'),
  preconnect: link('preconnect'),
  'name looked up before': link('dns-prefetch'),
  prerender: link('prerender'),
  'speculation rules': element(
    `Object.assign(document.createElement('script'), { type: 'speculationrules', textContent: JSON.stringify({ prefetch: [{ source: 'list', urls: [at] }] }) })`
  ),
  manifest: link('manifest'),
  icon: link('icon'),
  'form in a frame': `
    const frame = Object.assign(document.createElement('iframe'), { name: 'hostile' })
    const form = Object.assign(document.createElement('form'), { action: at, method: 'post', target: 'hostile' })
    document.body.append(frame, form)
    form.submit()
    return ''`,
  'new window': `return String(window.open(at))`,
  'link to a new window': `Object.assign(document.createElement('a'), { href: at, target: '_blank' }).click(); return ''`,
  download: `Object.assign(document.createElement('a'), { href: at, download: 'x.txt' }).click(); return ''`,
  'ping of a link': `
    const made = Object.assign(document.createElement('a'), { href: location.hash || '#', ping: at })
    document.body.append(made)
    made.click()
    return ''`
}

/** Attempts that would take the page elsewhere. */
export const LEAVING: Readonly<Record<string, string>> = {
  address: `location.href = at; return ''`,
  'replaced address': `location.replace(at); return ''`,
  'link to follow': `Object.assign(document.createElement('a'), { href: at }).click(); return ''`,
  'form to send': `
    const form = Object.assign(document.createElement('form'), { action: at, method: 'post' })
    document.body.append(form)
    form.submit()
    return ''`,
  'form to ask': `
    const form = Object.assign(document.createElement('form'), { action: at })
    form.append(Object.assign(document.createElement('input'), { name: 'x', value: 'x' }))
    document.body.append(form)
    form.requestSubmit()
    return ''`,
  refresh: `
    const made = document.createElement('meta')
    made.httpEquiv = 'refresh'
    made.content = '0; url=' + at
    document.head.append(made)
    return ''`
}

/** What is waited for each attempt at most: what is refused without a word is refused at once. */
const WAIT_MS = 2000

/**
 * Runs attempts in a page, all at once.
 *
 * @param at - the address that an attempt of this name is given
 * @param udp - the port that it is given
 * @returns what each got, by its name; an error's text where it threw
 */
export function runAttempts(
  page: Page,
  attempts: Readonly<Record<string, string>>,
  at: (name: string) => string,
  udp: (name: string) => number
): Promise<Record<string, string>> {
  const calls = Object.entries(attempts).map(
    ([name, body]) =>
      `[${JSON.stringify(name)}, ${JSON.stringify(at(name))}, ${udp(name)}, async (at, udp) => { ${body} }]`
  )
  return page.evaluate<Record<string, string>>(`(async () => {
    const late = () => new Promise((done) => setTimeout(() => done('no answer'), ${WAIT_MS}))
    const tried = async ([name, at, udp, attempt]) => {
      const got = await Promise.race([attempt(at, udp), late()]).catch((error) => 'refused: ' + error)
      return [name, String(got)]
    }
    return Object.fromEntries(await Promise.all([${calls.join(',\n')}].map(tried)))
  })()`)
}

/**
 * A place on the loopback interface that hears everything that is sent to it: requests by their attempt's name, whatever else
 * comes over TCP, and packets, for which each attempt has a port of its own.
 */
export class Listener {
  readonly requests: string[] = []
  readonly packets: string[] = []
  connections = 0
  readonly #server: Server
  readonly #sockets = new Map<string, Socket>()

  private constructor() {
    const nameIn = (url = ''): string => decodeURIComponent(url.slice(1).split('?')[0] ?? '')
    this.#server = createServer(({ url }, response) => {
      this.requests.push(nameIn(url))
      response.setHeader('access-control-allow-origin', '*')
      response.end('<!doctype html><title>outside</title><body>')
    })
    this.#server.on('connection', () => this.connections++)
    this.#server.on('upgrade', ({ url }, socket) => {
      this.requests.push(nameIn(url))
      socket.destroy()
    })
    this.#server.on('clientError', (_error, socket) => {
      this.requests.push(NO_REQUEST)
      socket.destroy()
    })
  }

  static async open(): Promise<Listener> {
    const listener = new Listener()
    listener.#server.listen(0, '127.0.0.1')
    await once(listener.#server, 'listening')
    for (const name of [CONTROL, ...Object.keys(STAYING), ...Object.keys(LEAVING)]) {
      const socket = createSocket('udp4', () => listener.packets.push(name)).bind(0, '127.0.0.1')
      await once(socket, 'listening')
      listener.#sockets.set(name, socket)
    }
    return listener
  }

  /** The port for the packets of an attempt. */
  readonly udp = (name: string): number => this.#sockets.get(name)?.address().port ?? 0

  /** The address for the requests of an attempt. */
  readonly address = (name: string): string =>
    `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/${encodeURIComponent(name)}`

  /** Sends something to itself on both ways, so that a deaf listener is not taken for silence. */
  async hearsItself(): Promise<boolean> {
    const count = (heard: readonly string[]): number => heard.filter((name) => name === CONTROL).length
    const before = [count(this.requests), count(this.packets)]
    await fetch(this.address(CONTROL))
    const socket = createSocket('udp4')
    const heard = once(this.#sockets.get(CONTROL) as Socket, 'message')
    socket.send(CONTROL, this.udp(CONTROL), '127.0.0.1')
    await heard
    socket.close()
    return [count(this.requests), count(this.packets)].every((after, i) => after === (before[i] ?? 0) + 1)
  }

  close(): void {
    this.#server.closeAllConnections()
    this.#server.close()
    for (const socket of this.#sockets.values()) socket.close()
  }
}

const CONTROL = 'control'
/** Stands among the requests for bytes that are none. */
export const NO_REQUEST = 'no request'

/** A file that is at once text, script, module and style sheet, and gives its secret away to whoever gets to read it. */
export async function secretFile(): Promise<{ readonly secret: string; readonly url: string }> {
  const secret = `secret-${randomUUID()}`
  const path = join(await temporaryFolder(), 'secret.js')
  writeFileSync(path, `globalThis.leaked = '${secret}'; globalThis.postMessage?.('${secret}')\n`)
  return { secret, url: pathToFileURL(path).href }
}
