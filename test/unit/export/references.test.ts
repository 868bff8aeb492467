
import { References } from "../../../scripts/export/references";
import type { Reference } from "../../../scripts/export/references";
import fc from "../../support/fast-check";

const reference = (index: number): Reference => ({ address: `google_compute_network.n${index}`, expression: `google_compute_network.n${index}.id` });

describe("stand-ins", () => {
  it("are found again in any text, with what is around them", () => {
    const part = fc.oneof(fc.nat(30), fc.string({ maxLength: 12 }).filter((text) => !/bulkheadref|990000/.test(text)));
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        const references = new References();
        const known = Array.from({ length: 31 }, (_, index) => ({ reference: reference(index), text: references.standIn(reference(index)) }));
        const pieces = references.pieces(parts.map((entry) => (typeof entry === "number" ? known[entry]!.text : entry)).join(""));
        const rebuilt = pieces.map((piece) => (typeof piece === "string" ? piece : known.find((entry) => entry.reference.address === piece.address)!.text)).join("");
        expect(rebuilt).toBe(parts.map((entry) => (typeof entry === "number" ? known[entry]!.text : entry)).join(""));
        expect(pieces.filter((piece) => typeof piece !== "string").map(({ address }) => address)).toEqual(parts.filter((entry) => typeof entry === "number").map((index) => reference(index).address));
      }),
    );
  });

  it("tell the project's number from the address that it was taken from", () => {
    const references = new References();
    const email = references.serviceAgent({ address: "google_project_service_identity.agent", expression: "google_project_service_identity.agent.email" });
    const number = /^service-(\d+)@/.exec(email)![1]!;
    const expressions = references.pieces(`serviceAccount:${email} ${number}`).map((piece) => (typeof piece === "string" ? piece : piece.expression));
    expect(expressions).toEqual(["serviceAccount:", "google_project_service_identity.agent.email", " ", 'regex("^service-([0-9]+)@", google_project_service_identity.agent.email)[0]']);
  });
});
