const HOST = "[a-z0-9]{1,16}(\\.[a-z0-9]{1,16})?\\.[a-z]{2,6}";
const DATE = "(19|20)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])";
const TIME = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,3})?";
const BYTE = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
const URL = `https?://${HOST}(/[A-Za-z0-9_-]{1,16}){0,6}`;
const EMAIL = `[a-z0-9]{1,16}([._][a-z0-9]{1,16})?@${HOST}`;
const UUID =
  "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}";

/**
 * What is written for each format of strings: some of its texts, in forms that
 * all who check it take. Where there are several, the first one is preferred.
 */
export const FORMATS: Readonly<Record<string, readonly string[]>> = {
  date: [DATE],
  time: [`${TIME}Z`, TIME],
  "date-time": [`${DATE}T${TIME}Z`, `${DATE}T${TIME}`],
  duration: ["P([1-9][0-9]?D|[1-9][0-9]?W|T[1-9][0-9]?[HMS])"],
  email: [EMAIL],
  "idn-email": [EMAIL],
  hostname: [HOST],
  "idn-hostname": [HOST],
  ipv4: [`(${BYTE}\\.){3}${BYTE}`],
  ipv6: ["([1-9a-f][0-9a-f]{0,3}:){7}[1-9a-f][0-9a-f]{0,3}"],
  uri: [URL],
  url: [URL],
  iri: [URL],
  "uri-reference": [URL],
  "iri-reference": [URL],
  uuid: [UUID],
  guid: [UUID],
  "json-pointer": ["(/[A-Za-z0-9_]{1,16}){0,6}"],
  base64: ["([A-Za-z0-9+/]{4}){0,32}"],
  base64url: ["([A-Za-z0-9_-]{4}){0,32}"],
  nanoid: ["[A-Za-z0-9_-]{21}"],
  cuid: ["c[a-z0-9]{24}"],
  cuid2: ["[a-z][a-z0-9]{23}"],
  ulid: ["[0-7][0-9A-HJKMNP-TV-Z]{25}"],
  e164: ["\\+[1-9][0-9]{6,13}"],
};

/** Formats of numbers, and the ranges that they stand for. */
export const NUMBER_FORMATS: Readonly<
  Record<string, readonly [number, number] | undefined>
> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, 2 ** 32 - 1],
  // No more digits are written than these have.
  int64: undefined,
  uint64: [0, Number.MAX_SAFE_INTEGER],
  safeint: undefined,
  float: undefined,
  float64: undefined,
  double: undefined,
  float32: undefined,
};
