import { expect, it } from "vitest";
import { TaskQueue } from "../../server/src/workspace/taskQueue";

it("runs one task at a time, urgent ones before those that wait", async () => {
  const queue = new TaskQueue();
  const order: string[] = [];
  let running = 0;
  const add = (name: string, urgent: boolean): Promise<void> => queue.add(urgent, async () => {
    expect(++running).toBe(1);
    await Promise.resolve();
    order.push(name);
    running--;
  });
  await Promise.all([add("a", false), add("b", false), add("c", true), add("d", false), add("e", true)]);
  expect(order).toEqual(["a", "c", "e", "b", "d"]);
});

it("settles dropped tasks without running them", async () => {
  const queue = new TaskQueue();
  const ran: number[] = [];
  const tasks = [0, 1, 2].map((i) => queue.add(false, async () => { ran.push(i); }));
  queue.clear();
  await Promise.all(tasks);
  expect(ran).toEqual([0]);
});
