/**
 * Parses JSON, and refuses what `JSON.parse()` lets pass: a name that comes
 * twice, a number that is too large, half a surrogate pair.
 */
export function parseStrictly(text: string): unknown {
  const value: unknown = JSON.parse(text);
  checkNames(text);
  checkValues(value);
  return value;
}

function checkNames(text: string): void {
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g) ??
    [];
  const open: (Set<string> | undefined)[] = [];
  for (const [i, token] of tokens.entries()) {
    if (token === "{") open.push(new Set());
    else if (token === "[") open.push(undefined);
    else if (token === "}" || token === "]") open.pop();
    else if (tokens[i + 1] === ":") {
      const name = JSON.parse(token) as string;
      const names = open.at(-1)!;
      if (names.has(name)) throw new Error(`The name ${token} comes twice`);
      names.add(name);
    }
  }
}

function checkValues(value: unknown): void {
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new Error(`A number is ${value}`);
  }
  if (typeof value === "string" && !value.isWellFormed()) {
    throw new Error("A string has half a surrogate pair");
  }
  if (typeof value !== "object" || value === null) return;
  for (const [name, part] of Object.entries(value)) {
    checkValues(name);
    checkValues(part);
  }
}
