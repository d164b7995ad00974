import type { StandardJSONSchemaV1 } from "@standard-schema/spec";
import { Alternatives } from "./alternatives.ts";
import { isValid } from "./check_value.ts";
import { isSchema, type JsonSchema } from "./schema.ts";

/** What a {@linkcode StandardSchema} finds wrong with a value. */
export interface StandardIssue {
  /** What is wrong. */
  readonly message: string;
  /** Where, as keys or as objects that have one. */
  readonly path?:
    | readonly (PropertyKey | { readonly key: PropertyKey })[]
    | undefined;
}

/** What a {@linkcode StandardSchema} makes of a value: it, or what is wrong. */
export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

/**
 * A schema of a library that keeps to Standard Schema 1
 * (https://standardschema.dev), such as zod, valibot or arktype.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  /** What such a library has in common with the others. */
  readonly "~standard": {
    /** Of Standard Schema. */
    readonly version: 1;
    /** The library's name. */
    readonly vendor: string;
    /** Checks a value. */
    readonly validate: (
      value: unknown,
    ) => StandardResult<Output> | Promise<StandardResult<Output>>;
    /** The types of what goes in and of what comes out. */
    readonly types?: {
      readonly input: Input;
      readonly output: Output;
    } | undefined;
  };
}

/** What is to be generated, and how it is checked. */
export interface ObjectSchema<T> {
  /** What texts are held to. */
  json: JsonSchema;
  /**
   * Checks a value, and turns it into what the schema makes of it.
   *
   * @throws {TypeError} If it is not valid.
   */
  validate(value: unknown): Promise<T>;
}

/**
 * Reads a schema: one of a library that keeps to Standard Schema, such as zod or
 * valibot, or a JSON Schema.
 *
 * @param schema The schema.
 * @param jsonSchema The same as a JSON Schema. Defaults to what the library makes
 * of it.
 * @returns How to generate it, and how to check it.
 * @throws {TypeError} If it is none, or the library cannot say it in JSON Schema.
 */
export function readObjectSchema<T>(
  schema: StandardSchema<unknown, T> | JsonSchema,
  jsonSchema?: JsonSchema,
): ObjectSchema<T> {
  if (isStandard(schema)) {
    const json = jsonSchema ?? toJsonSchema(schema);
    return { json, validate: (value) => validate(schema, value) };
  }
  if (!isSchema(schema)) {
    throw new TypeError(
      `Cannot generate an object: the schema is ${
        schema === null ? "null" : typeof schema
      }, a Standard Schema or a JSON Schema is wanted`,
    );
  }
  if (jsonSchema !== undefined) {
    throw new TypeError(
      "Cannot generate an object: jsonSchema stands beside a schema that is a JSON Schema, one of them is wanted",
    );
  }
  const located = { schema, path: "#" };
  return {
    json: schema,
    validate(value) {
      if (isValid(value, located, new Alternatives(schema))) {
        return Promise.resolve(value as T);
      }
      return Promise.reject(invalid("it does not keep to the schema", []));
    },
  };
}

function isStandard<T>(
  schema: StandardSchema<unknown, T> | JsonSchema,
): schema is StandardSchema<unknown, T> {
  // Some libraries make schemas that are functions.
  const isObject = typeof schema === "object" || typeof schema === "function";
  if (!isObject || schema === null) return false;
  const standard = (schema as Partial<StandardSchema>)["~standard"];
  return typeof standard?.validate === "function";
}

function toJsonSchema(schema: StandardSchema): JsonSchema {
  const standard = schema["~standard"] as
    & StandardSchema["~standard"]
    & Partial<StandardJSONSchemaV1.Props>;
  if (standard.jsonSchema === undefined) {
    throw new TypeError(
      `Cannot generate an object: a schema of "${standard.vendor}" does not say what it is in JSON Schema, the option jsonSchema is wanted beside it`,
    );
  }
  try {
    // What is validated goes in; what comes out may be of another type.
    return standard.jsonSchema.input({ target: "draft-2020-12" });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TypeError(
      `Cannot generate an object: "${standard.vendor}" cannot write its schema as a JSON Schema: ${reason}`,
      { cause },
    );
  }
}

async function validate<T>(
  schema: StandardSchema<unknown, T>,
  value: unknown,
): Promise<T> {
  const result = await schema["~standard"].validate(value);
  if (result.issues === undefined) return result.value;
  const [first] = result.issues;
  const path = first?.path?.map((step) =>
    String(typeof step === "object" ? step.key : step)
  );
  throw invalid(`${path?.join(".") || "it"}: ${first?.message}`, result.issues);
}

function invalid(
  problem: string,
  issues: readonly StandardIssue[],
): TypeError {
  return new TypeError(`Cannot take the generated object: ${problem}`, {
    cause: issues,
  });
}
