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

/** Fires when so long has passed since the other did: for what lives on, but not for ever where a server no longer answers. */
export const lateSignal = (
  signal: AbortSignal,
  ms: number,
): Disposable & { readonly signal: AbortSignal } => {
  const late = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const begin = (): void => {
    timer = setTimeout(() => late.abort(signal.reason), ms);
  };
  if (signal.aborted) begin();
  else signal.addEventListener('abort', begin, { once: true });
  return {
    signal: late.signal,
    [Symbol.dispose]() {
      clearTimeout(timer);
      signal.removeEventListener('abort', begin);
    },
  };
};
