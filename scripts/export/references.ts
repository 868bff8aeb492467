import { snakeCase } from "./terraform-names";

/** What a stand-in stands for. */
export interface Reference {
  /** Terraform's expression: `google_compute_network.network.id`. */
  readonly expression: string;
  /** Resource that it is a part of: `google_compute_network.network`. */
  readonly address: string;
  /** The value, where the program itself gives it. */
  readonly value?: string;
}

/** A text taken apart: what stands there as it is, and what stands for a part of another resource. */
export type Piece = string | Reference;

/**
 * Gives the program a stand-in for every output of a resource, a text that goes through its string operations like a real value, and finds it again in the
 * arguments of other resources. A preview could not tell this: there, an argument made from an output is unknown as a whole.
 */
export class References {
  readonly #byText = new Map<string, Reference>();
  #pattern: RegExp | undefined;

  /** A stand-in of letters and digits, which fits wherever a name does. */
  standIn(reference: Reference): string {
    return this.#remember(`bulkheadref${this.#number()}z`, reference);
  }

  /**
   * A stand-in for the address of one of Google's own accounts, `service-<number>@…`, of which programs take the project's number.
   *
   * @param reference the address
   */
  serviceAgent(reference: Reference): string {
    const number = this.#remember(`990000${this.#number()}`, { ...reference, expression: `regex("^service-([0-9]+)@", ${reference.expression})[0]` });
    return this.#remember(`service-${number}@bulkheadref.invalid`, reference);
  }

  /** Takes a text apart at the stand-ins in it. */
  pieces(text: string): Piece[] {
    // Longest first: the number is a part of the address that it was taken from.
    this.#pattern ??= new RegExp(`(${[...this.#byText.keys()].sort((a, b) => b.length - a.length).map((key) => key.replaceAll(".", "\\.")).join("|")})`);
    if (this.#byText.size === 0) return [text];
    return text.split(this.#pattern).filter((piece) => piece !== "").map((piece) => this.#byText.get(piece) ?? piece);
  }

  #number(): string {
    return String(this.#byText.size).padStart(6, "0");
  }

  #remember(text: string, reference: Reference): string {
    this.#byText.set(text, reference);
    this.#pattern = undefined;
    return text;
  }
}

/** An output as Terraform's expression. */
export function outputOf(address: string, property: string): string {
  return `${address}.${snakeCase(property)}`;
}
