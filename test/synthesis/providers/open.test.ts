import { afterEach, expect, test } from "vitest";
import { queryId } from "../../../src/domain/ids.ts";
import type { ProviderSettings } from "../../../src/domain/languageModel.ts";
import { openModel, type ProviderHost } from "../../../src/synthesis/providers/open.ts";
import { readDevice } from "../../../src/synthesis/providers/device.ts";
import { closePorts, scriptedThreads } from "../../support/misbehavingEngine.ts";
import { patiently, request, unstopped } from "../../support/requests.ts";

afterEach(closePorts);

const options = { signal: unstopped(), progress: () => undefined };
const host = (): ProviderHost => ({ startWorker: scriptedThreads({}).startWorker, fetch });

test.each<ProviderSettings>([
  { provider: "webllm", model: "some-model" },
  { provider: "endpoint", url: "http://localhost:1/v1", model: "m", key: "", concurrency: 1 },
  { provider: "recorded" },
])("opens $provider", async (settings) => {
  const recorded = [{ queryId: queryId("q1"), source: "synthetic", title: "", text: "x" } as const];
  const model = await openModel(settings, recorded, options, host());
  expect(model.info.provider).toBe(settings.provider);
  if (settings.provider === "recorded") expect((await model.complete(request(), patiently)).text).toContain('"x"');
  await model.close();
});

test("refuses where the page has nothing to offer", async () => {
  const browser = openModel({ provider: "browser" }, [], options, host());
  await expect(browser).rejects.toMatchObject({ name: "ProviderRefused" });
  const transformers = openModel({ provider: "transformers", model: "m" }, [], options, host());
  await expect(transformers).rejects.toMatchObject({ name: "ProviderRefused" });
});

test("reads the device, also where there is none", async () => {
  expect(await readDevice({ navigator: {} })).toEqual({
    webgpu: false,
    f16: false,
    maxBufferBytes: undefined,
    deviceMemoryGB: undefined,
    browserModel: undefined,
  });
  const adapter = { features: new Set(["shader-f16"]), limits: { maxBufferSize: 5 } };
  const gpu = { requestAdapter: async () => adapter } as unknown as GPU;
  expect(await readDevice({ navigator: { gpu, deviceMemory: 4 } }, "available")).toEqual({
    webgpu: true,
    f16: true,
    maxBufferBytes: 5,
    deviceMemoryGB: 4,
    browserModel: "available",
  });
});
