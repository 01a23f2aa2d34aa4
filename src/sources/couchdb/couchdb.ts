// CouchDB servers: the door of this folder. All else is loaded when a server is first opened.
import type { SourceKind } from '../source.ts';
import { type CouchConfig, configFromUrl, configSchema } from './config.ts';

export const couchdb: SourceKind<CouchConfig> = {
  name: 'couchdb',
  schemes: ['couchdbs'],
  config: configSchema,
  fromUrl: configFromUrl,
  async open(config, context) {
    const { openServer } = await import('./open-server.ts');
    return openServer(config, context);
  },
};
