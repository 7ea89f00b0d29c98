import { expect, test, vi } from "vitest";
import { createArena, layOut } from "../../src/gpu/arena.ts";
import { describeAdapter, isSoftwareAdapter, openGpu } from "../../src/gpu/device.ts";
import { Pipelines } from "../../src/gpu/pass.ts";
import { readFloats, ReadbackRing } from "../../src/gpu/readback.ts";
import { whole } from "../../src/gpu/slice.ts";
import { Submitter } from "../../src/gpu/submit.ts";
import { write } from "../../src/gpu/upload.ts";
import { nullGpu, vulkanGpu } from "../support/device.ts";

const info = { vendor: "", architecture: "", device: "", description: "", isFallbackAdapter: false };

test("an adapter is described by what the browser tells of it", () => {
  expect(describeAdapter({ ...info, vendor: "nvidia", architecture: "ampere" })).toBe("nvidia ampere");
  expect(describeAdapter({ ...info, vendor: "apple", description: "Apple M2" })).toBe("Apple M2");
  expect(describeAdapter(info)).toBe("unnamed GPU");
  expect(describeAdapter({ ...info, vendor: "google", architecture: "swiftshader" })).toBe(
    "google swiftshader (software)",
  );
  expect(isSoftwareAdapter({ ...info, isFallbackAdapter: true })).toBe(true);
  expect(isSoftwareAdapter({ ...info, vendor: "nvidia" })).toBe(false);
});

test("no WebGPU and no adapter are told apart, and say what to do", async () => {
  await expect(openGpu(undefined)).rejects.toThrow(/has no WebGPU.*Choose the CPU engine/);
  const blind = { requestAdapter: () => Promise.resolve(null) };
  // A stand-in for a browser without a GPU: only requestAdapter is asked.
  await expect(openGpu(blind as unknown as GPU)).rejects.toMatchObject({ name: "GpuUnavailable", forPerson: true });
});

test("numbers come back as they went in, also in the middle of a buffer", async () => {
  const gpu = await openGpu(await vulkanGpu());
  const buffer = gpu.storage("test", 1024);
  write(gpu, { buffer, offset: 256, size: 512 }, Float32Array.of(1, 2, 3));
  expect([...(await readFloats(gpu, { buffer, offset: 252, size: 20 }))]).toEqual([0, 1, 2, 3, 0]);
  gpu.dispose();
});

test("an invalid call, which WebGPU would drop in silence, fails the next result", async () => {
  const gpu = await openGpu(await vulkanGpu());
  const buffer = gpu.storage("test", 16);
  gpu.device.queue.writeBuffer(buffer, 12, Float32Array.of(1, 2));
  await expect(readFloats(gpu, whole(buffer))).rejects.toThrow(/internal: WebGPU/);
  gpu.dispose();
});

test("a kernel that does not compile, and tensors that do not fit it, fail where passes are made", async () => {
  const gpu = await openGpu(await nullGpu());
  const pipelines = new Pipelines(gpu);
  const workgroups = () => [1] as const;
  const wrong = { name: "wrong", code: "@compute @workgroup_size(1) fn main() { let x: u32 = 1.5; }" };
  await expect(pipelines.realise([{ kernel: wrong, constants: {}, bindings: [], workgroups }])).rejects.toThrow(
    /wrong/,
  );
  const right = {
    name: "right",
    code: "@group(0) @binding(0) var<storage, read_write> y: array<f32>; @compute @workgroup_size(1) fn main() { y[0] = 1; }",
  };
  const bind = pipelines.realise([{ kernel: right, constants: {}, bindings: [], workgroups }]);
  await expect(bind.then(() => readFloats(gpu, whole(gpu.storage("y", 16))))).rejects.toThrow(/internal: WebGPU/);
  gpu.dispose();
});

test("work that would never end is rejected when the device is destroyed", async () => {
  const gpu = await openGpu(await vulkanGpu());
  const forever = gpu.settle(new Promise(() => undefined));
  gpu.device.destroy();
  await expect(forever).rejects.toMatchObject({ name: "DeviceLost", forPerson: true });
  expect(() => gpu.storage("late", 16)).toThrow(/The GPU stopped/);
});

test("memory is counted; a buffer over the limit is refused with both numbers", async () => {
  const gpu = await openGpu(await nullGpu());
  const first = gpu.storage("first", 1000);
  gpu.free(first);
  gpu.free(first);
  gpu.free(gpu.storage("second", 600));
  expect(gpu.peakBytes).toBe(1000);
  const most = gpu.device.limits.maxBufferSize;
  expect(() => gpu.storage("huge", most + 4)).toThrow(new RegExp(`huge: it allows ${most} bytes`));
  const rooms = new Map([["wide", { bytes: gpu.device.limits.maxStorageBufferBindingSize + 4, bank: 0 }]]);
  await expect(createArena(gpu, "arena", rooms)).rejects.toMatchObject({ name: "GpuOutOfMemory" });
  gpu.dispose();
});

test("an arena keeps banks apart, aligns what is in them, and starts a new slab at the limit", () => {
  const rooms = new Map([
    ["a", { bytes: 100, bank: 0 }],
    ["b", { bytes: 300, bank: 1 }],
    ["c", { bytes: 256, bank: 0 }],
    ["d", { bytes: 512, bank: 0 }],
  ]);
  const { places, slabs } = layOut(rooms, 512);
  expect(slabs).toEqual([512, 512, 512]);
  expect(places.get("c")).toEqual({ slab: 0, offset: 256, size: 256 });
  expect(places.get("b")).toEqual({ slab: 1, offset: 0, size: 300 });
  expect(places.get("d")).toEqual({ slab: 2, offset: 0, size: 512 });
  expect(() => layOut(new Map([["e", { bytes: 513, bank: 0 }]]), 512)).toThrow(/e: it allows 512/);
});

test("a ring hands out its slots again, in the order they were asked for", async () => {
  const gpu = await openGpu(await vulkanGpu());
  const ring = new ReadbackRing(gpu, { label: "ring", bytes: 4, slots: 1 });
  const source = gpu.storage("source", 16);
  const copy = (slot: GPUBuffer) =>
    new Submitter(gpu).submit({
      label: "copy",
      passes: [],
      counts: {},
      copies: [{ from: { buffer: source, offset: 0, size: 4 }, to: whole(slot) }],
    });
  const first = await ring.take();
  const second = ring.take();
  write(gpu, whole(source), Float32Array.of(1));
  copy(first);
  write(gpu, whole(source), Float32Array.of(2));
  expect([...(await ring.read(first))]).toEqual([1]);
  copy(await second);
  expect([...(await ring.read(await second))]).toEqual([2]);
  gpu.dispose();
});

test("chunks shrink on a slow device and grow on a fast one", async () => {
  const gpu = await openGpu(await nullGpu());
  const submitter = new Submitter(gpu);
  const clock = vi.spyOn(performance, "now");
  let time = 1000;
  const measure = (milliseconds: number) => {
    const start = time;
    time += milliseconds;
    clock.mockReturnValue(time);
    submitter.measure(100, start);
  };
  for (let i = 0; i < 12; i++) measure(10_000);
  expect(submitter.perChunk).toBe(1);
  for (let i = 0; i < 12; i++) measure(50);
  expect(submitter.perChunk).toBeGreaterThan(15);
  expect(submitter.perChunk).toBeLessThanOrEqual(20);
  clock.mockRestore();
  gpu.dispose();
});
