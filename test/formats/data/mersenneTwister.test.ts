import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { MersenneTwister, randomNormal, randomPermutation } from "../../../server/src/formats/data/mersenneTwister";

interface Case { n: number; seed: number; values: number[] }
const torch = JSON.parse(readFileSync(join(__dirname, "../../fixtures/random.json"), "utf8")) as { randperm: Case[]; randn: Case[] };

describe("MersenneTwister", () => {
  it("gives the published 10,000th number of seed 5489", () => {
    const generator = new MersenneTwister(5489);
    let value = 0;
    for (let i = 0; i < 10_000; i++) value = generator.uint32();
    expect(value).toBe(4123659995);
  });

  it.each(torch.randperm)("permutes $n numbers with seed $seed as torch does", ({ n, seed, values }) => {
    expect([...randomPermutation(n, seed)]).toEqual(values);
  });

  it.each(torch.randn)("draws $n normal numbers with seed $seed as torch does", ({ n, seed, values }) => {
    const ours = randomNormal(n, seed).slice(n - values.length);
    values.forEach((value, i) => expect(ours[i]).toBeCloseTo(value, 5));
  });

  it("draws fewer than 16 numbers as the first of 16", () => {
    expect([...randomNormal(5, 3)]).toEqual([...randomNormal(16, 3).slice(0, 5)]);
  });
});
