// A file in layers as the stream that it was.
import type { TreeNode } from '../trees/tree.ts';
import { KeptRows } from './kept-rows.ts';
import { LayerFiles, type Reading } from './layer-files.ts';
import { idsOf, layersIn } from './layers.ts';

/** The bytes of the file in whose place the directory is; each view is good until a later pull. REPOSITORY_DAMAGED. */
export async function* readInLayers(reading: Reading, directory: TreeNode): AsyncGenerator<Uint8Array> {
  const of = await layersIn(reading.session, directory);
  const files = new LayerFiles(reading, of);
  const gone = await files.goneRows();
  const kept = new KeptRows(gone, of.format);
  let bytes = 0;
  for await (const chunk of files.read(idsOf(of.layers.map(({ rows }) => rows)))) {
    const part = kept.of(chunk);
    bytes += part.length;
    if (part.length > 0) yield part;
  }
  files.end(kept.gone === gone.size && bytes === of.sizeBytes);
}
