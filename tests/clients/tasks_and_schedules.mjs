// The JavaScript client, unchanged, with tasks, schedules, webhooks, their dispatches, and accounts. Run by
// test_javascript_tasks_and_schedules.py, which sets the environment and stands in for the worker.
import assert from "node:assert/strict";

import { ada, cleo, nobody, refuses } from "./client.mjs";

const ids = ({ items }) => items.map(({ id }) => id);

const everything = {
    async tasks() {
        const actor = await ada.actor("ben~counter").get();
        this.actor = actor.id;
        const made = await ada.tasks().create({ actId: actor.id, name: "prices", input: { a: 1 }, options: { memoryMbytes: 256 } });
        assert.deepEqual([made.name, made.actId, made.options.memoryMbytes], ["prices", actor.id, 256]);
        assert.deepEqual(ids(await ada.tasks().list({ desc: true })), [made.id]);
        this.task = ada.task(made.id);
        const changed = await this.task.update({ title: "Prices", options: { maxItems: 3 } });
        assert.deepEqual([changed.title, changed.options], ["Prices", { memoryMbytes: 256, maxItems: 3 }]);
        assert.equal((await ada.task("ada/prices").get()).id, made.id);
        assert.deepEqual(await this.task.getInput(), { a: 1 });
        assert.deepEqual(await this.task.updateInput({ b: 2 }), { a: 1, b: 2 });
        await refuses(this.task.update({ options: { memoryMbytes: 1000 } }), 400, "invalid-value");
        await refuses(this.task.publish(), 400, "invalid-value");
        assert.equal((await this.task.unpublish()).isPublic, false);
        assert.equal(await cleo.task(made.id).get(), undefined);
        this.taskId = made.id;
    },
    async runsOfTask() {
        const started = await this.task.start({ c: 3 }, { memory: 128 });
        assert.deepEqual([started.actorTaskId, started.options.memoryMbytes], [this.taskId, 128]);
        const called = await this.task.call({ d: 4 });
        assert.equal(called.status, "SUCCEEDED");
        assert.equal((await this.task.lastRun().get()).id, called.id);
        assert.deepEqual(ids(await this.task.runs().list({ desc: true })), [called.id, started.id]);
        assert.equal((await this.task.webhooks().list()).total, 0);
    },
    async schedules() {
        const actions = [{ type: "RUN_ACTOR_TASK", actorTaskId: this.taskId }];
        const made = await ada.schedules().create({ name: "hourly", cronExpression: "@hourly", isEnabled: true, isExclusive: false, timezone: "UTC", actions });
        assert.ok(made.nextRunAt instanceof Date);
        const schedule = ada.schedule(made.id);
        assert.equal((await schedule.get()).actions[0].actorTaskId, this.taskId);
        assert.equal((await schedule.update({ isEnabled: false })).isEnabled, false);
        assert.deepEqual(await schedule.getLog(), []);
        assert.deepEqual(ids(await ada.schedules().list()), [made.id]);
        assert.equal(await cleo.schedule(made.id).get(), undefined);
        await schedule.delete();
        assert.equal(await schedule.get(), undefined);
    },
    async webhooks() {
        const wanted = { eventTypes: ["ACTOR.RUN.SUCCEEDED"], condition: { actorTaskId: this.taskId }, requestUrl: "https://example.com/hook" };
        const made = await ada.webhooks().create(wanted);
        const webhook = ada.webhook(made.id);
        assert.deepEqual((await webhook.get()).condition, { actorTaskId: this.taskId });
        assert.equal((await webhook.update({ description: "Mine" })).description, "Mine");
        const tried = await webhook.test();
        assert.deepEqual([tried.eventType, tried.status], ["TEST", "ACTIVE"]);
        assert.equal((await ada.webhookDispatch(tried.id).get()).webhookId, made.id);
        assert.deepEqual(ids(await webhook.dispatches().list()), [tried.id]);
        assert.deepEqual(ids(await ada.webhookDispatches().list()), [tried.id]);
        assert.deepEqual(ids(await ada.webhooks().list()), [made.id]);
        assert.deepEqual(ids(await this.task.webhooks().list()), [made.id]);
        assert.equal((await ada.actor(this.actor).webhooks().list()).total, 0);
        assert.equal(await cleo.webhook(made.id).get(), undefined);
        assert.equal(await cleo.webhookDispatch(tried.id).get(), undefined);
        await webhook.delete();
        assert.equal(await webhook.get(), undefined);
    },
    async users() {
        assert.equal((await ada.user().get()).username, "ada");
        assert.equal((await nobody.user("ada").get()).email, undefined);
        assert.equal((await ada.user().limits()).current.actorTaskCount, 1);
        assert.ok((await ada.user().monthlyUsage()).usageCycle.startAt instanceof Date);
        await ada.user().updateLimits({});
        await refuses(ada.user().updateLimits({ maxMonthlyUsageUsd: 5 }), 400, "invalid-value");
        await refuses(nobody.user().limits(), 401, "token-not-provided");
    },
    async delete() {
        await this.task.delete();
        assert.equal(await this.task.get(), undefined);
    },
};

for (const [name, run] of Object.entries(everything)) {
    await run.call(everything);
    console.log(name);
}
