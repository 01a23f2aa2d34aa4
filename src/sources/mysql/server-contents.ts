// 00-server.json: what the snapshot of a server holds.
import { z } from 'zod';

const serverSchema = z.strictObject({
  server: z.literal(1),
  engine: z.enum(['mariadb', 'mysql']),
  version: z.string(),
  /** By their own names, in the order of their folders. */
  databases: z.array(z.string()),
});

export type ServerContents = z.infer<typeof serverSchema>;

export const parseServerContents = (text: string): ServerContents => serverSchema.parse(JSON.parse(text));
