// CouchDB servers: the door of this folder. All else is loaded when a server is first opened.
import type { SourceKind } from '../source.ts';
import { type CouchConfig, configFromUrl, configSchema } from './config.ts';

const load = () => import('./open-server.ts');

export const couchdb: SourceKind<CouchConfig> = {
  name: 'couchdb',
  schemes: ['couchdbs'],
  config: configSchema,
  abilities: ['queries', 'replication'],
  fromUrl: configFromUrl,
  locationOf: ({ url }) => url.root,
  load,
  open: async (config, context) => (await load()).openServer(config, context),
};
