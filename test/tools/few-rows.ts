// Loaded before a program (node --import), it has the program compare so many rows of tables at once, where nothing else is told.
Object.defineProperty(Object.prototype, 'rowsAtOnce', { value: Number(process.env.ROWS_AT_ONCE) });
