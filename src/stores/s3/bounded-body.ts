// The body of an answer, as far as it may go.
import { pipeline, type Readable, Transform } from 'node:stream';
import { tooLong, watchPace } from '../answer-size.ts';

/** The same body, which fails where it has more bytes than that or, where silence has a limit, comes so slowly that it would never end. */
export const boundedBody = (body: Readable, mostBytes: number, silenceMs?: number): Readable => {
  let received = 0;
  const bounded = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      received += chunk.length;
      if (received > mostBytes) done(tooLong(mostBytes));
      else done(null, chunk);
    },
  });
  const endWatch =
    silenceMs === undefined
      ? () => {}
      : watchPace(
          silenceMs,
          () => received,
          (error) => bounded.destroy(error),
        );
  pipeline(body, bounded, () => endWatch()); // whoever reads it meets the error
  return bounded;
};
