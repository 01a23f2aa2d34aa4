// What must live on when all is cancelled, because somebody must tidy up.

/** Opens it: until it is open there is nothing to tidy up, so the opening is given up with the signal, and nothing after it. */
export const openOutliving = async <Opened>(
  signal: AbortSignal,
  open: (own: AbortSignal) => Promise<Opened>,
): Promise<Opened> => {
  const own = new AbortController();
  const giveUp = (): void => own.abort(signal.reason);
  if (signal.aborted) giveUp();
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    return await open(own.signal);
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
};

/** Longer than tidying up takes, of a server that answers. */
const tidyMs = 60_000;

/** Fires a while after the other did: for what lives on to tidy up, but not for ever where a server no longer answers. Keeps no process alive. */
export const lateSignal = (signal: AbortSignal, ms: number = tidyMs): AbortSignal => {
  const late = new AbortController();
  const begin = (): void => void setTimeout(() => late.abort(signal.reason), ms).unref();
  if (signal.aborted) begin();
  else signal.addEventListener('abort', begin, { once: true });
  return late.signal;
};
