// The JavaScript client, unchanged, with request queues. Run by test_javascript_request_queues.py, which sets the
// environment.
import assert from "node:assert/strict";

import { ada, cleo, nobody, refuses } from "./client.mjs";

const request = (name, fields = {}) => ({
    url: `https://example.com/${name}`,
    uniqueKey: `https://example.com/${name}`,
    ...fields,
});
const names = (items) => items.map(({ url }) => url.split("/").pop());

const everything = {
    async collection() {
        const made = await ada.requestQueues().getOrCreate("shop");
        assert.equal(made.name, "shop");
        assert.ok(made.createdAt instanceof Date);
        assert.equal((await ada.requestQueues().getOrCreate("shop")).id, made.id);
        assert.equal((await ada.requestQueues().getOrCreate()).name, null);
        assert.deepEqual((await ada.requestQueues().list()).items.map(({ id }) => id), [made.id]);
        assert.equal((await ada.requestQueues().list({ unnamed: true, desc: true, limit: 1 })).total, 2);
        await refuses(nobody.requestQueues().list(), 401, "token-not-provided");
        this.id = made.id;
        this.one = ada.requestQueue(made.id, { clientKey: "one" });
        this.two = ada.requestQueue(made.id, { clientKey: "two" });
    },

    async oneByOne() {
        const added = await this.one.addRequest(request("a", { method: "POST", userData: { label: "DETAIL" } }));
        assert.equal(added.wasAlreadyPresent, false);
        assert.equal((await this.one.addRequest(request("a"))).wasAlreadyPresent, true);
        await this.one.addRequest(request("b"), { forefront: true });
        const head = await this.one.listHead({ limit: 10 });
        assert.deepEqual(names(head.items), ["b", "a"]);
        assert.equal(head.hadMultipleClients, false);
        const kept = await this.one.getRequest(added.requestId);
        assert.deepEqual([kept.method, kept.userData], ["POST", { label: "DETAIL" }]);
        const handled = await this.one.updateRequest({ ...kept, handledAt: new Date().toISOString() });
        assert.deepEqual([handled.wasAlreadyPresent, handled.wasAlreadyHandled], [true, false]);
        assert.ok((await this.one.getRequest(added.requestId)).handledAt instanceof Date);
        await this.one.deleteRequest(added.requestId);
        assert.equal(await this.one.getRequest(added.requestId), undefined);
        await refuses(this.one.addRequest({ url: "https://example.com" }), 400, "invalid-value");
    },

    async batches() {
        const many = Array.from({ length: 60 }, (_, n) => request(`n${n}`, { userData: { n, text: "é".repeat(100) } }));
        // One batch after the other: the client sends five at a time, and the order of the queue is then anybody's guess.
        const added = await this.one.batchAddRequests(many, { maxParallel: 1 });
        assert.deepEqual([added.processedRequests.length, added.unprocessedRequests.length], [60, 0]);
        const deleted = await this.one.batchDeleteRequests([{ uniqueKey: many[0].uniqueKey }, { uniqueKey: request("b").uniqueKey }]);
        assert.equal(deleted.processedRequests.length, 2);
    },

    async lists() {
        assert.equal((await this.one.listRequests({ limit: 7 })).items.length, 7);
        const seen = new Set();
        for await (const { id } of this.one.listRequests({ limit: 50 })) seen.add(id);
        assert.equal(seen.size, 50);
        const paged = new Set();
        for await (const { items } of this.one.paginateRequests({ maxPageLimit: 11 })) items.forEach(({ id }) => paged.add(id));
        assert.equal(paged.size, 59);
        const after = await this.one.listRequests({ exclusiveStartId: [...paged][9], limit: 1 });
        assert.equal(after.items[0].id, [...paged][10]);
    },

    async locks() {
        const mine = await this.one.listAndLockHead({ lockSecs: 60, limit: 4 });
        assert.deepEqual(names(mine.items), ["n1", "n2", "n3", "n4"]);
        assert.ok(mine.items[0].lockExpiresAt instanceof Date);
        const theirs = await this.two.listAndLockHead({ lockSecs: 60, limit: 2 });
        assert.deepEqual(names(theirs.items), ["n5", "n6"]);
        assert.deepEqual([theirs.hadMultipleClients, theirs.queueHasLockedRequests], [true, true]);
        const [first, second] = mine.items.map(({ id }) => id);
        await refuses(this.two.prolongRequestLock(first, { lockSecs: 60 }), 403, "request-handled-or-locked");
        await refuses(this.two.deleteRequestLock(first), 403, "request-handled-or-locked");
        const { lockExpiresAt } = await this.one.prolongRequestLock(first, { lockSecs: 600, forefront: true });
        assert.ok(lockExpiresAt > mine.items[0].lockExpiresAt);
        await this.one.deleteRequestLock(second, { forefront: true });
        assert.deepEqual(names((await this.two.listHead({ limit: 1 })).items), ["n2"]);
        assert.equal((await this.one.listRequests({ filter: ["locked"] })).items.length, 5);
        assert.equal((await this.one.unlockRequests()).unlockedCount, 3);
    },

    async settings() {
        const changed = await this.one.update({ name: "store", title: "Store", generalAccess: "RESTRICTED" });
        assert.deepEqual([changed.name, changed.title, changed.generalAccess], ["store", "Store", "RESTRICTED"]);
        await refuses(cleo.requestQueue(this.id).listHead(), 403, "insufficient-permissions");
        assert.equal((await ada.requestQueue("ada/store").get()).id, this.id);
    },

    async delete() {
        await this.one.delete();
        assert.equal(await this.one.get(), undefined);
    },
};

for (const [name, run] of Object.entries(everything)) {
    await run.call(everything);
    console.log(name);
}
