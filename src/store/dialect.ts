import { setTimeout as delay } from 'node:timers/promises'
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler
} from 'kysely'
import sqlite3 from 'sqlite3'
import { AppError } from '../shared/errors'
import { describeSqliteError, isBusy } from './sqliteErrors'

/*
 * Kysely on node-sqlite3: one connection, one statement or transaction at a time in the order of the calls. SQLite has
 * one writer anyway, and a second connection in the same process would only wait for the first. Inside a transaction
 * use the transaction's own handle: a call on the store waits for the transaction to end, and so for itself.
 */

const BUSY_LIMIT_MS = 5000

// busy_timeout comes first: changing the journal mode waits for other processes too.
const PRAGMAS = [`busy_timeout = ${BUSY_LIMIT_MS}`, 'journal_mode = WAL', 'foreign_keys = ON', 'synchronous = NORMAL']

class SqliteConnection implements DatabaseConnection {
  constructor(
    private readonly database: sqlite3.Database,
    private readonly file: string
  ) {}

  executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    return new Promise((done, fail) => {
      const failed = (error: Error) => fail(describeSqliteError(error, this.file))
      if (!changesRows(query)) {
        this.database.all<R>(query.sql, query.parameters, (error, rows) => (error ? failed(error) : done({ rows })))
        return
      }
      this.database.run(query.sql, query.parameters, function (error) {
        if (error) failed(error)
        else done({ rows: [], insertId: BigInt(this.lastID), numAffectedRows: BigInt(this.changes) })
      })
    })
  }

  // One row costs a hop through the thread pool (10k rows: 0.5 s), so long answers are paged by key instead.
  // biome-ignore lint/correctness/useYield: there is nothing to yield
  async *streamQuery(): AsyncGenerator<never> {
    throw new AppError('INTERNAL', 'the store does not stream rows; page by key')
  }
}

/** Whether the count of changed rows is the answer; everything else may return rows. */
function changesRows({ query }: CompiledQuery): boolean {
  const changes =
    query.kind === 'InsertQueryNode' || query.kind === 'UpdateQueryNode' || query.kind === 'DeleteQueryNode'
  return changes && query.returning === undefined
}

class SqliteDriver implements Driver {
  #database: sqlite3.Database | undefined
  #connection: SqliteConnection | undefined
  #tail: Promise<void> = Promise.resolve()
  #release = () => {}

  constructor(private readonly file: string) {}

  async init(): Promise<void> {
    this.#database = await openFile(this.file)
    this.#connection = new SqliteConnection(this.#database, this.file)
    try {
      for (const pragma of PRAGMAS) await setPragma(this.#connection, pragma)
    } catch (error) {
      await this.destroy() // kysely does not close what it could not initialise
      throw error
    }
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    const before = this.#tail
    let release = () => {}
    this.#tail = new Promise((resolve) => {
      release = resolve
    })
    await before
    this.#release = release
    return this.#connection!
  }

  async releaseConnection(): Promise<void> {
    this.#release()
  }

  // "immediate" takes the write lock at once: a transaction that reads first and writes later cannot be refused midway.
  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'))
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('commit'))
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    try {
      await connection.executeQuery(CompiledQuery.raw('rollback'))
    } catch (error) {
      // On a full disk SQLite rolls back by itself; the first error is the one to report.
      if (!(error instanceof Error && error.message.includes('no transaction is active'))) throw error
    }
  }

  async destroy(): Promise<void> {
    const database = this.#database
    this.#database = undefined
    if (database) await new Promise<void>((done, fail) => database.close((error) => (error ? fail(error) : done())))
  }
}

/** A file that several processes open for the first time reports "busy" at once when they all switch it to WAL. */
async function setPragma(connection: SqliteConnection, pragma: string): Promise<void> {
  const deadline = Date.now() + BUSY_LIMIT_MS
  for (;;) {
    try {
      await connection.executeQuery(CompiledQuery.raw(`pragma ${pragma}`))
      return
    } catch (error) {
      if (Date.now() > deadline || !isBusy(error)) throw error
      await delay(50)
    }
  }
}

const openFile = (file: string): Promise<sqlite3.Database> =>
  new Promise((done, fail) => {
    const database = new sqlite3.Database(file, (error) =>
      error ? fail(describeSqliteError(error, file)) : done(database)
    )
  })

/** Kysely's dialect for one SQLite file through npm `sqlite3`; failures that a user can act on become AppError. */
export class SqliteDialect implements Dialect {
  constructor(private readonly file: string) {}
  createDriver = (): Driver => new SqliteDriver(this.file)
  createQueryCompiler = () => new SqliteQueryCompiler()
  createAdapter = () => new SqliteAdapter()
  createIntrospector = (database: Kysely<unknown>) => new SqliteIntrospector(database)
}
