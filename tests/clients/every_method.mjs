// Every public method of the JavaScript client: the package itself is asked which there are, and one that is never
// called fails the test. The details are held by the other files. Run by test_javascript_every_method.py, which sets
// the environment and stands in for the worker: a run with `hold` in its input goes on until it is aborted.
import assert from "node:assert/strict";

import { ADA, API_URL, CLEO, exported, refuses } from "./client.mjs";

const classes = Object.values(exported).filter((each) => typeof each === "function" && each.name.endsWith("Client"));

const called = new Set();
const isClient = (value) => classes.some((each) => value instanceof each);
// A list is a promise that can be iterated too, which it would not survive to be waited for here.
const isPromise = (value) => value instanceof Promise && !(Symbol.asyncIterator in value);
const noting = (value) => (isClient(value) ? noted(value) : isPromise(value) ? value.then(noting) : value);
/** A client that notes which of its methods are called, as do the clients that it returns. */
const noted = (client) =>
    new Proxy(client, {
        get(target, name) {
            const value = target[name];
            if (typeof value !== "function") return value;
            return (...args) => {
                called.add(`${target.constructor.name}.${name}`);
                return noting(value.apply(target, args));
            };
        },
    });
const methodsOf = ({ name, prototype }) => {
    const found = [];
    for (let each = prototype; each !== Object.prototype; each = Object.getPrototypeOf(each)) {
        found.push(...Object.getOwnPropertyNames(each));
    }
    const isPublic = (method) => method !== "constructor" && !method.startsWith("_");
    return found.filter(isPublic).map((method) => `${name}.${method}`);
};

const options = { baseUrl: API_URL, publicBaseUrl: API_URL, maxRetries: 1, minDelayBetweenRetriesMillis: 1 };
const clientOf = (token) => noted(new exported.ApifyClient({ ...options, token }));
const ada = clientOf(ADA);
const cleo = clientOf(CLEO);
const nobody = clientOf();

/** The values of a field of what is listed, which is the same whether it is waited for or iterated. */
const listed = async (list, field = "id") => {
    const iterated = [];
    for await (const each of list) iterated.push(each);
    assert.deepEqual(iterated, (await list).items);
    return iterated.map((each) => each[field]);
};
const deleted = async (one) => {
    await one.delete();
    assert.equal(await one.get(), undefined);
};
const running = async (id) => {
    while ((await ada.run(id).get()).status === "READY") await new Promise((resolve) => setTimeout(resolve, 20));
};
const sourceFiles = [{ name: "main.js", format: "TEXT", content: "console.log(1)" }];
const version = { versionNumber: "0.1", sourceType: "SOURCE_FILES", sourceFiles, buildTag: "latest" };

const everything = {
    async actors() {
        const made = await ada.actors().create({ name: "prices", versions: [version] });
        assert.deepEqual(await listed(ada.actors().list({ my: true })), [made.id]);
        this.actor = ada.actor("ada/prices");
        assert.equal((await this.actor.get()).id, made.id);
        assert.equal((await this.actor.update({ title: "Prices" })).title, "Prices");
        await refuses(cleo.actor(made.id).update({ title: "mine" }), 404, "record-not-found");
        await refuses(this.actor.start(), 400, "unknown-build-tag");
    },
    async versions() {
        assert.deepEqual(await listed(this.actor.versions().list(), "versionNumber"), ["0.1"]);
        const made = await this.actor.versions().create({ ...version, versionNumber: "0.2" });
        assert.deepEqual(made.sourceFiles, sourceFiles);
        const one = this.actor.version("0.2");
        assert.equal((await one.update({ buildTag: "beta" })).buildTag, "beta");
        assert.equal((await one.get()).buildTag, "beta");
        await one.envVars().create({ name: "LEVEL", value: "debug" });
        assert.deepEqual(await listed(one.envVars().list(), "value"), ["debug"]);
        assert.equal((await one.envVar("LEVEL").update({ name: "LEVEL", value: "info" })).value, "info");
        assert.equal((await one.envVar("LEVEL").get()).value, "info");
        await deleted(one.envVar("LEVEL"));
        await deleted(one);
        await refuses(this.actor.version("0.1").delete(), 400, "too-few-versions");
    },
    async builds() {
        const first = ada.build((await this.actor.build("0.1")).id);
        assert.equal((await first.abort()).status, "ABORTED");
        const { id } = await this.actor.build("0.1");
        const second = ada.build(id);
        assert.equal((await second.waitForFinish({ waitSecs: 5 })).status, "SUCCEEDED");
        assert.equal((await second.get()).buildNumber, "0.1.2");
        assert.equal((await second.getOpenApiDefinition()).info.version, "0.1.2");
        assert.match(await second.log().get(), /building/);
        assert.equal((await (await this.actor.defaultBuild()).get()).id, id);
        for (const builds of [ada.builds(), this.actor.builds()]) {
            assert.equal((await listed(builds.list({ desc: true })))[0], id);
        }
        assert.equal(await this.actor.validateInput({ url: "https://example.com" }), true);
        await refuses(this.actor.validateInput(), 400, "invalid-input");
        await refuses(second.delete(), 400, "deleting-default-build");
        await deleted(first);
    },
    async calls() {
        await refuses(this.actor.start(), 400, "invalid-input");
        const { id } = await this.actor.start({ url: "https://example.com" }, { memory: 256 });
        const called = await this.actor.call({ url: "https://example.org" }, { log: null });
        assert.deepEqual([called.status, called.exitCode], ["SUCCEEDED", 0]);
        assert.deepEqual(await listed(this.actor.runs().list()), [id, called.id]);
        assert.equal((await this.actor.lastRun({ status: "SUCCEEDED" }).get()).id, called.id);
        assert.deepEqual(await listed(this.actor.webhooks().list()), []);
        await deleted(this.actor);
        this.id = called.id;
    },
    async runs() {
        const run = ada.run(this.id);
        assert.deepEqual((await run.dataset().listItems()).items, [{ n: 1 }, { n: 2 }]);
        assert.deepEqual((await run.keyValueStore().getRecord("OUTPUT")).value, { sum: 3 });
        assert.equal((await run.requestQueue().get()).totalRequestCount, 0);
        for (const log of [run.log(), ada.log(this.id)]) {
            assert.match(await log.get(), /counting/);
            let text = "";
            for await (const piece of await log.stream()) text += piece;
            assert.match(text, /counting/);
        }
        const lines = [];
        const streamed = await run.getStreamedLog({ toLog: { info: (line) => lines.push(line) } });
        streamed.start();
        await streamed.stop();
        assert.deepEqual(lines, ["2026-01-01T00:00:00.000Z counting"]);
        assert.equal((await listed(ada.runs().list({ status: "SUCCEEDED" }))).length, 2);
        assert.equal((await run.update({ statusMessage: "Done" })).statusMessage, "Done");
        await deleted(run);
    },
    async theLifeOfARun() {
        const { id } = await ada.actor("ben/counter").start({ hold: true });
        const run = ada.run(id);
        await running(id);
        process.env.ACTOR_RUN_ID = id;
        await ada.setStatusMessage("Going");
        assert.equal((await run.get()).statusMessage, "Going");
        assert.equal((await run.reboot()).stats.rebootCount, 1);
        assert.equal((await run.metamorph("ben/counter", { b: 2 })).metamorphs.length, 1);
        await run.charge({ eventName: "page", count: 2 });
        assert.deepEqual((await run.get()).chargedEventCounts, { page: 2 });
        await run.abort();
        assert.equal((await run.waitForFinish()).status, "ABORTED");
        assert.equal((await run.resurrect({ memory: 512 })).options.memoryMbytes, 512);
        await run.abort(); // or it would go on
        assert.equal((await run.waitForFinish()).status, "ABORTED");
    },
    async tasks() {
        const { id: actId } = await ada.actor("ben/counter").get();
        const made = await ada.tasks().create({ actId, name: "prices", input: { a: 1 } });
        assert.deepEqual(await listed(ada.tasks().list()), [made.id]);
        const task = ada.task("ada/prices");
        assert.equal((await task.get()).id, made.id);
        assert.equal((await task.update({ title: "Prices" })).title, "Prices");
        assert.deepEqual(await task.getInput(), { a: 1 });
        assert.deepEqual(await task.updateInput({ b: 2 }), { a: 1, b: 2 });
        await refuses(task.publish(), 400, "invalid-value");
        assert.equal((await task.unpublish()).isPublic, false);
        const started = await task.start({ c: 3 });
        const called = await task.call();
        assert.equal(called.status, "SUCCEEDED");
        assert.deepEqual(await listed(task.runs().list()), [started.id, called.id]);
        assert.equal((await task.lastRun().get()).id, called.id);
        assert.deepEqual(await listed(task.webhooks().list()), []);
        await deleted(task);
    },
    async schedules() {
        const wanted = { cronExpression: "@hourly", isEnabled: true, isExclusive: false, actions: [] };
        const made = await ada.schedules().create({ name: "hourly", ...wanted });
        assert.ok(made.nextRunAt > new Date());
        assert.deepEqual(await listed(ada.schedules().list()), [made.id]);
        const schedule = ada.schedule(made.id);
        assert.equal((await schedule.get()).cronExpression, "@hourly");
        assert.equal((await schedule.update({ isEnabled: false })).isEnabled, false);
        assert.deepEqual(await schedule.getLog(), []);
        await deleted(schedule);
    },
    async webhooks() {
        const { id: actorId } = await ada.actors().create({ name: "hooked" });
        const wanted = { eventTypes: ["ACTOR.RUN.SUCCEEDED"], requestUrl: "https://example.com/hook" };
        const made = await ada.webhooks().create({ ...wanted, condition: { actorId } });
        assert.deepEqual(await listed(ada.actor(actorId).webhooks().list()), [made.id]);
        const webhook = ada.webhook(made.id);
        assert.equal((await webhook.update({ description: "Mine" })).description, "Mine");
        const tried = await webhook.test();
        assert.equal((await ada.webhookDispatch(tried.id).get()).eventType, "TEST");
        for (const dispatches of [webhook.dispatches(), ada.webhookDispatches()]) {
            assert.ok((await listed(dispatches.list({ desc: true }))).includes(tried.id));
        }
        assert.equal(await cleo.webhook(made.id).get(), undefined);
        await deleted(webhook);
    },
    async accounts() {
        assert.deepEqual(await listed(nobody.store().list({ username: "ben" }), "name"), ["counter"]);
        const me = ada.user();
        assert.equal((await me.get()).username, "ada");
        assert.equal((await me.limits()).current.actorCount, 1);
        assert.ok((await me.monthlyUsage()).usageCycle.startAt instanceof Date);
        await me.updateLimits({});
        await refuses(me.updateLimits({ maxMonthlyUsageUsd: 5 }), 400, "invalid-value");
    },
    async datasets() {
        const { id } = await ada.datasets().getOrCreate("prices");
        assert.ok((await listed(ada.datasets().list({ unnamed: true }))).includes(id));
        const dataset = ada.dataset(id);
        await dataset.pushItems([{ n: 0 }, { n: 1 }]);
        assert.deepEqual(await listed(dataset.listItems(), "n"), [0, 1]);
        assert.equal((await dataset.get()).itemCount, 2);
        assert.match((await dataset.downloadItems("csv")).toString(), /1/);
        assert.equal((await dataset.getStatistics()).fieldStatistics.n.max, 1);
        assert.equal((await dataset.update({ generalAccess: "RESTRICTED" })).generalAccess, "RESTRICTED");
        await refuses(nobody.dataset(id).get(), 403, "insufficient-permissions");
        const url = await dataset.createItemsPublicUrl({ offset: 1, expiresInSecs: 60 });
        assert.deepEqual(await (await fetch(url)).json(), [{ n: 1 }]);
        await deleted(dataset);
    },
    async keyValueStores() {
        const { id } = await ada.keyValueStores().getOrCreate("things");
        assert.ok((await listed(ada.keyValueStores().list({ unnamed: true }))).includes(id));
        const store = ada.keyValueStore(id);
        await store.setRecord({ key: "one", value: { n: 1 } });
        await store.setRecord({ key: "two", value: "2" });
        assert.deepEqual((await store.getRecord("one")).value, { n: 1 });
        assert.deepEqual(await listed(store.listKeys(), "key"), ["one", "two"]);
        await store.deleteRecord("two");
        assert.deepEqual([await store.recordExists("one"), await store.recordExists("two")], [true, false]);
        assert.equal((await store.update({ generalAccess: "RESTRICTED" })).generalAccess, "RESTRICTED");
        await refuses(nobody.keyValueStore(id).get(), 403, "insufficient-permissions");
        assert.deepEqual(await (await fetch(await store.getRecordPublicUrl("one"))).json(), { n: 1 });
        const keys = await (await fetch(await store.createKeysPublicUrl({ limit: 1 }))).json();
        assert.equal(keys.data.items[0].key, "one");
        await deleted(store);
    },
    async requestQueues() {
        const { id } = await ada.requestQueues().getOrCreate("shop");
        assert.ok((await listed(ada.requestQueues().list({ unnamed: true }))).includes(id));
        const [queue, other] = ["one", "two"].map((clientKey) => ada.requestQueue(id, { clientKey }));
        const request = (name) => ({ url: `https://example.com/${name}`, uniqueKey: name });
        const { requestId: a } = await queue.addRequest(request("a"));
        const added = await queue.batchAddRequests(["b", "c", "d"].map(request), { maxParallel: 1 });
        const [b, c, d] = added.processedRequests.map(({ requestId }) => requestId);
        assert.deepEqual((await queue.listHead({ limit: 2 })).items.map((each) => each.id), [a, b]);
        assert.equal((await queue.listAndLockHead({ lockSecs: 60, limit: 3 })).items.length, 3);
        await refuses(other.prolongRequestLock(a, { lockSecs: 60 }), 403, "request-handled-or-locked");
        assert.ok((await queue.prolongRequestLock(a, { lockSecs: 600 })).lockExpiresAt > new Date());
        await queue.deleteRequestLock(b);
        assert.equal((await queue.unlockRequests()).unlockedCount, 2);
        await queue.updateRequest({ ...(await queue.getRequest(a)), handledAt: new Date().toISOString() });
        assert.equal((await queue.get()).handledRequestCount, 1);
        await queue.deleteRequest(b);
        assert.equal((await queue.batchDeleteRequests([{ id: c }])).processedRequests.length, 1);
        assert.deepEqual((await listed(queue.listRequests())).sort(), [a, d].sort());
        const pages = [];
        for await (const { items } of queue.paginateRequests({ maxPageLimit: 1 })) pages.push(...items);
        assert.equal(pages.length, 2);
        assert.equal((await queue.update({ generalAccess: "RESTRICTED" })).generalAccess, "RESTRICTED");
        await refuses(nobody.requestQueue(id).listHead(), 403, "insufficient-permissions");
        await deleted(queue);
    },
    async completeness() {
        const neverCalled = classes.flatMap(methodsOf).filter((method) => !called.has(method));
        assert.deepEqual(neverCalled, []);
    },
};

const state = {};
for (const [name, part] of Object.entries(everything)) {
    await part.call(state);
    console.log(name);
}
