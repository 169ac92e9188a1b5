import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { isLocked, lockRun } from '../../../../src/engine/run/lock'

const root = mkdtempSync(join(tmpdir(), 'quail-lock-'))
const children: ChildProcess[] = []
afterAll(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(root, { recursive: true })
})
const newFolder = () => mkdtempSync(join(root, 'run-'))
const write = (folder: string, holder: unknown) => writeFileSync(join(folder, 'lock'), JSON.stringify(holder))

/** What the lock says of a living process, from the system itself. */
const startOf = (pid: number): string => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  return `${boot} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`
}

describe('the lock of a run', () => {
  it('is taken over from a process that was killed while it took over from another', async () => {
    const folder = newFolder()
    write(folder, { pid: 2 ** 22 + 1, started: 'then', host: hostname() })
    writeFileSync(join(folder, 'lock.takeover'), '')
    await (await lockRun(folder))()
    expect(readdirSync(folder)).toEqual([])
  })

  it('keeps others out until it is released', async () => {
    const folder = newFolder()
    expect(await isLocked(folder)).toBe(false)
    const unlock = await lockRun(folder)
    expect(await isLocked(folder)).toBe(true)
    await expect(lockRun(folder)).rejects.toMatchObject({
      code: 'LOCKED',
      message: `${folder}: process ${process.pid} is working on this run`
    })
    await unlock()
    expect(await isLocked(folder)).toBe(false)
    await (await lockRun(folder))()
    expect(readdirSync(folder)).toEqual([])
  })

  it.each([
    ['is free', undefined],
    ['was left by a process that is gone', { pid: 2 ** 22 - 1, started: 'x', host: hostname() }]
  ])('is won by one of many that try at once when it %s', async (_, holder) => {
    const folder = newFolder()
    if (holder !== undefined) write(folder, holder)
    const tries = await Promise.allSettled(Array.from({ length: 8 }, () => lockRun(folder)))
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const one of tries) if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'LOCKED' })
    expect(readdirSync(folder)).toEqual(['lock'])
  })

  it.each([
    ['a process that is gone', { pid: 2 ** 22 - 1, started: 'x', host: hostname() }],
    ['another process with the same number', { pid: process.pid, started: 'before the reboot', host: hostname() }],
    ['nobody that can be read', { pid: 'me' }]
  ])('is taken over from %s', async (_, holder) => {
    const folder = newFolder()
    write(folder, holder)
    expect(await isLocked(folder)).toBe(false)
    const unlock = await lockRun(folder)
    expect(await isLocked(folder)).toBe(true)
    await unlock()
  })

  it('is respected when it was taken on another machine', async () => {
    const folder = newFolder()
    write(folder, { pid: 1, started: 'x', host: `not-${hostname()}` })
    expect(await isLocked(folder)).toBe(true)
    await expect(lockRun(folder)).rejects.toMatchObject({ code: 'LOCKED' })
  })

  describe.runIf(process.platform === 'linux')('of another process', () => {
    it('holds while that process lives, and no longer', async () => {
      const folder = newFolder()
      const child = spawn('sleep', ['60'])
      children.push(child)
      const pid = child.pid as number
      write(folder, { pid, started: startOf(pid), host: hostname() })
      await expect(lockRun(folder)).rejects.toMatchObject({ message: expect.stringContaining(`process ${pid} `) })
      const gone = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGKILL')
      await gone
      expect(await isLocked(folder)).toBe(false)
    })

    it('does not hold when that process was killed and its parent has not looked yet', async () => {
      const folder = newFolder()
      // The shell starts a child, becomes a program that never waits for it, and the child's remains stay.
      const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'])
      children.push(parent)
      const output = await new Promise((resolve) => parent.stdout.once('data', resolve))
      const pid = Number(String(output))
      write(folder, { pid, started: startOf(pid), host: hostname() })
      expect(await isLocked(folder)).toBe(true)
      const becameSleep = () => readFileSync(`/proc/${parent.pid}/comm`, 'utf8').trim() === 'sleep'
      while (!becameSleep()) await new Promise((resolve) => setTimeout(resolve, 5))
      process.kill(pid, 'SIGKILL')
      const state = () => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.[0]
      while (state() !== 'Z') await new Promise((resolve) => setTimeout(resolve, 5))
      expect(await isLocked(folder)).toBe(false)
    })
  })
})
