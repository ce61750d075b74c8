const token = /"(?:[^"\\]|\\.)*"|[{}[\]:]/g;

/**
 * The keys of a JSON object in the order of its text, repeated ones included
 * (`JSON.parse` silently keeps the last). `text` must be valid JSON.
 */
export function topLevelKeys(text: string): string[] {
  const keys: string[] = [];
  let depth = 0;
  let last = '';
  for (const [part] of text.matchAll(token)) {
    if (part === '{' || part === '[') depth += 1;
    else if (part === '}' || part === ']') depth -= 1;
    else if (part === ':' && depth === 1) keys.push(JSON.parse(last) as string);
    last = part;
  }
  return keys;
}
