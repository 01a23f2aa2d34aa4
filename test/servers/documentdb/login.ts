// Logging in with SCRAM-SHA-256 (RFC 5802), where the engine keeps the users and judges their proofs.
import { randomBytes } from 'node:crypto';
import { BSON, type Document } from 'mongodb';
import { type Command, one } from './commands.ts';
import type { DocumentdbEngine } from './engine.ts';

export class Login {
  /** Who is logged in. */
  user: string | undefined;
  readonly #engine: DocumentdbEngine;
  #first:
    | { readonly user: string; readonly nonce: string; readonly bare: string; readonly server: string }
    | undefined;

  constructor(engine: DocumentdbEngine) {
    this.#engine = engine;
  }

  /** The reply, when the command has to do with logging in. */
  async answer({ name, fields }: Command): Promise<Document | undefined> {
    if (name === 'saslStart') return await this.#start(String(fields.payload.toString()));
    if (name === 'saslContinue') return await this.#finish(String(fields.payload.toString()));
    return undefined;
  }

  async #start(payload: string): Promise<Document> {
    const bare = payload.slice(3); // without 'n,,'
    const [, user = '', clientNonce = ''] = /^n=([^,]*),r=(.*)$/.exec(bare) ?? [];
    const found = await this.#ask('scram_sha256_get_salt_and_iterations($1)', user);
    if (!found.ok) return refused;
    const nonce = clientNonce + randomBytes(18).toString('base64');
    const server = `r=${nonce},s=${found.salt},i=${found.iterations}`;
    this.#first = { user, nonce, bare, server };
    return { conversationId: 1, done: false, payload: new BSON.Binary(Buffer.from(server)), ok: 1 };
  }

  async #finish(payload: string): Promise<Document> {
    const first = this.#first;
    const [, withoutProof, proof] = /^(.*),p=(.*)$/.exec(payload) ?? [];
    if (!first) return refused;
    const message = `${first.bare},${first.server},${withoutProof}`;
    const judged = await this.#ask(
      'authenticate_with_scram_sha256($1, $2, $3)',
      first.user,
      message,
      proof ?? '',
    );
    if (!judged.ok) return refused;
    this.user = first.user;
    const signature = `v=${judged.ServerSignature}`;
    return { conversationId: 1, done: true, payload: new BSON.Binary(Buffer.from(signature)), ok: 1 };
  }

  async #ask(call: string, ...values: readonly string[]): Promise<Document> {
    const sql = `select documentdb_api_internal.${call}::bytea as reply`;
    return BSON.deserialize(await one(this.#engine.pool, sql, ...values));
  }
}

const refused: Document = {
  ok: 0,
  code: 18,
  codeName: 'AuthenticationFailed',
  errmsg: 'Authentication failed.',
};
