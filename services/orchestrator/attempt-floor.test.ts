import { expect, it, vi } from 'vitest';
import { MemoryBus } from '#runtime/bus/memory.js';
import { ServiceUnavailableError } from '#runtime/errors.js';
import { AttemptFloor } from './attempt-floor.js';

const openRecords = () => new MemoryBus().records('attempts');

it('rises, never falls, and is there after a restart', async () => {
  const records = await openRecords();
  const floor = await AttemptFloor.open(records);
  expect(floor.attempt).toBe(0);
  for (const attempt of [3, 2, 5, 5]) await floor.raiseTo(attempt);
  expect(floor.attempt).toBe(5);
  expect((await AttemptFloor.open(records)).attempt).toBe(5);
});

it('takes in what another leader has written', async () => {
  const records = await openRecords();
  const [first, second] = [
    await AttemptFloor.open(records),
    await AttemptFloor.open(records),
  ];
  await first.raiseTo(4);
  await second.raiseTo(2);
  expect(second.attempt).toBe(4);
  await second.raiseTo(6);
  await first.raiseTo(5);
  expect(first.attempt).toBe(6);
});

it('finds a write whose answer was lost', async () => {
  const records = await openRecords();
  const floor = await AttemptFloor.open(records);
  const create = records.create.bind(records);
  vi.spyOn(records, 'create').mockImplementationOnce(async (...written) => {
    await create(...written);
    const fields = { service: 'NATS', address: 'far', waitedMs: 1 };
    throw new ServiceUnavailableError(fields);
  });
  await expect(floor.raiseTo(2)).rejects.toThrow(ServiceUnavailableError);
  await floor.raiseTo(2);
  expect(floor.attempt).toBe(2);
});
