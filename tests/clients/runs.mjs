// The JavaScript client, unchanged, with runs and logs. Run by test_javascript_runs.py, which sets the environment and
// stands in for the worker: a run with `hold` in its input goes on until it is aborted.
import assert from "node:assert/strict";

import { ada, cleo, refuses } from "./client.mjs";

const actor = ada.actor("ben~counter");

const running = async (id) => {
    while ((await ada.run(id).get()).status === "READY") await new Promise((resolve) => setTimeout(resolve, 20));
};

const everything = {
    async call() {
        const run = await actor.call({ a: 1 }, { memory: 256, timeout: 60, log: null });
        assert.deepEqual([run.status, run.options.memoryMbytes, run.exitCode], ["SUCCEEDED", 256, 0]);
        assert.ok(run.startedAt instanceof Date);
        assert.deepEqual((await ada.dataset(run.defaultDatasetId).listItems()).items, [{ n: 1 }, { n: 2 }]);
        this.id = run.id;
    },
    async log() {
        assert.match(await ada.log(this.id).get(), /counting/);
        let streamed = "";
        for await (const piece of await ada.run(this.id).log().stream()) streamed += piece;
        assert.match(streamed, /counting/);
    },
    async lastRun() {
        const last = actor.lastRun({ status: "SUCCEEDED", origin: "API" });
        assert.equal((await last.get()).id, this.id);
        assert.deepEqual((await last.keyValueStore().getRecord("OUTPUT")).value, { sum: 3 });
        assert.equal((await last.dataset().get()).itemCount, 2);
        assert.match(await last.log().get(), /counting/);
        assert.equal(await actor.lastRun({ status: "FAILED" }).get(), undefined);
    },
    async charging() {
        const { id } = await ada.actor("ben~paid").start({ hold: true }, { maxTotalChargeUsd: 1 });
        const run = ada.run(id);
        await running(id);
        for (let again = 0; again < 2; again++) await run.charge({ eventName: "page", count: 2, idempotencyKey: "once" });
        await run.dataset().pushItems([{ n: 1 }, { n: 2 }]);
        const counts = { "apify-actor-start": 1, page: 2, "apify-default-dataset-item": 2 };
        assert.deepEqual((await run.get()).chargedEventCounts, counts);
        await run.charge({ eventName: "page", count: 9 });
        const over = await run.get();
        assert.deepEqual(over.chargedEventCounts, { ...counts, page: 3 });
        assert.match(over.status, /^ABORT/);
        await run.abort();
        await run.waitForFinish();
        await run.delete();
    },
    async list() {
        assert.deepEqual((await ada.runs().list({ status: "SUCCEEDED", desc: true })).items.map(({ id }) => id), [this.id]);
        assert.equal((await actor.runs().list()).total, 1);
        assert.equal((await cleo.runs().list()).total, 0);
    },
    async life() {
        const { id } = await actor.start({ hold: true });
        const run = ada.run(id);
        await running(id);
        assert.equal((await run.update({ statusMessage: "Going" })).statusMessage, "Going");
        assert.equal((await run.reboot()).stats.rebootCount, 1);
        assert.equal((await run.metamorph("ben~counter", { b: 2 })).metamorphs.length, 1);
        const { cpuMaxUsage, cpuCurrentUsage, memCurrentBytes, netRxBytes, netTxBytes } = (await run.get()).stats;
        for (const figure of [cpuMaxUsage, cpuCurrentUsage, memCurrentBytes, netRxBytes, netTxBytes]) assert.ok(figure >= 0);
        await run.charge({ eventName: "page", count: 2 });
        assert.deepEqual((await run.get()).chargedEventCounts, { page: 2 });
        await refuses(cleo.run(id).abort(), 403, "insufficient-permissions");
        assert.equal((await run.abort()).status, "ABORTING");
        assert.equal((await run.waitForFinish()).status, "ABORTED");
        assert.equal((await run.resurrect()).status, "READY");
        await running(id);
        await run.abort();
        await run.waitForFinish();
        this.held = id;
    },
    async delete() {
        await ada.run(this.held).delete();
        assert.equal(await ada.run(this.held).get(), undefined);
    },
};

const state = {};
for (const [name, part] of Object.entries(everything)) {
    await part.call(state);
    console.log(name);
}
