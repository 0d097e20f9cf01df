/** Holds a schema to the type of the answer that it describes, for the compiler. */

/** The type without `readonly`, and with `string` for every closed set of strings: a new code or kind is no change of a schema. */
export type Plain<T> = T extends string
  ? string
  : T extends readonly (infer Item)[]
    ? Plain<Item>[]
    : T extends object
      ? { -readonly [Key in keyof T]: Plain<T[Key]> }
      : T;

/** `true` when both types are the same; else an error names the line. */
export type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never;
