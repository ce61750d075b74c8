/** Records under dotted names: `{ weight }` of `rrd` is `rrd.weight`. */

export function withPrefix<T>(
  name: string,
  record: Readonly<Record<string, T>>,
): Record<string, T> {
  const entries = Object.entries(record);
  return Object.fromEntries(entries.map(([key, t]) => [`${name}.${key}`, t]));
}

/** Only those under `name`, by the rest of their names. */
export function withoutPrefix<T>(
  name: string,
  record: Readonly<Record<string, T>>,
): Record<string, T> {
  const prefix = `${name}.`;
  return Object.fromEntries(
    Object.entries(record)
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, value]) => [key.slice(prefix.length), value]),
  );
}
