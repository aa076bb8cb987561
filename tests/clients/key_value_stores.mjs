// The JavaScript client, unchanged, with key-value stores. Run by test_javascript_key_value_stores.py, which sets the
// environment.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";

import { API_URL, ada, cleo, nobody, refuses } from "./client.mjs";

const all = async (list) => {
    const keys = [];
    for await (const { key } of list) keys.push(key);
    return keys;
};

const everything = {
    async collection() {
        const made = await ada.keyValueStores().getOrCreate("things");
        assert.equal(made.name, "things");
        assert.ok(made.createdAt instanceof Date);
        assert.equal((await ada.keyValueStores().getOrCreate("things")).id, made.id);
        const schema = { collections: { posts: { keyPrefix: "post-" } } };
        const unnamed = await ada.keyValueStores().getOrCreate(undefined, { schema });
        assert.deepEqual([unnamed.name, unnamed.schema], [null, schema]);
        assert.deepEqual((await ada.keyValueStores().list()).items.map(({ id }) => id), [made.id]);
        assert.equal((await ada.keyValueStores().list({ unnamed: true, desc: true, limit: 1 })).total, 2);
        await refuses(nobody.keyValueStores().list(), 401, "token-not-provided");
        this.id = made.id;
        this.store = ada.keyValueStore(made.id);
    },

    async values() {
        const large = randomBytes(500_000);
        const values = [
            [{ n: [1, "é", null] }, "application/json; charset=utf-8"],
            [["x".repeat(5000)], "application/json; charset=utf-8"],
            ["é".repeat(10), "text/plain; charset=utf-8"],
            ["é".repeat(10_000), "text/plain; charset=utf-8"],
            [large, "application/octet-stream"],
        ];
        for (const [value, contentType] of values) {
            await this.store.setRecord({ key: "KEY", value });
            assert.deepEqual(await this.store.getRecord("KEY"), { key: "KEY", value, contentType });
        }
        await this.store.setRecord({ key: "KEY", value: "<p>é</p>", contentType: "text/html" });
        assert.equal((await this.store.getRecord("KEY")).value, "<p>é</p>");
        assert.equal((await this.store.getRecord("KEY", { buffer: true })).value.toString(), "<p>é</p>");
        const pieces = Array.from({ length: 50 }, (_, n) => large.subarray(n * 10_000, (n + 1) * 10_000));
        await this.store.setRecord({ key: "stream", value: Readable.from(pieces), contentType: "image/png" });
        const { value } = await this.store.getRecord("stream", { stream: true });
        const read = [];
        for await (const piece of value) read.push(piece);
        assert.ok(Buffer.concat(read).equals(large));
    },

    async nothing() {
        assert.equal(await this.store.getRecord("nothing"), undefined);
        assert.equal(await this.store.recordExists("nothing"), false);
        assert.equal(await this.store.recordExists("KEY"), true);
        await this.store.deleteRecord("KEY");
        await this.store.deleteRecord("KEY");
        assert.equal(await this.store.recordExists("KEY"), false);
        assert.equal(await ada.keyValueStore("x".repeat(17)).get(), undefined);
        await refuses(this.store.setRecord({ key: "a b", value: "x" }), 400, "invalid-record-key");
    },

    async keys() {
        await this.store.deleteRecord("stream");
        for (let n = 0; n < 12; n++) await this.store.setRecord({ key: `key-${10 + n}`, value: "x".repeat(n + 1) });
        const page = await this.store.listKeys({ limit: 5, prefix: "key-" });
        assert.deepEqual([page.count, page.isTruncated, page.nextExclusiveStartKey], [5, true, "key-14"]);
        assert.equal(page.items[2].size, 3);
        assert.deepEqual(await all(this.store.listKeys({ limit: 7 })), page.items.map(({ key }) => key).concat("key-15", "key-16"));
        assert.equal((await all(this.store.listKeys({ prefix: "key-" }))).length, 12);
        assert.deepEqual(await all(this.store.listKeys({ exclusiveStartKey: "key-20" })), ["key-21"]);
        await refuses(this.store.listKeys({ collection: "posts" }), 400, "invalid-collection");
    },

    async urls() {
        const record = new URL(await this.store.getRecordPublicUrl("key-10"));
        const keys = new URL(await this.store.createKeysPublicUrl({ limit: 1 }));
        assert.equal(await (await fetch(API_URL + record.pathname + record.search)).text(), "x");
        assert.equal((await (await fetch(API_URL + keys.pathname + keys.search)).json()).data.items[0].key, "key-10");
    },

    async access() {
        const changed = await this.store.update({ name: "other", generalAccess: "RESTRICTED" });
        assert.deepEqual([changed.name, changed.generalAccess], ["other", "RESTRICTED"]);
        for (const client of [cleo, nobody]) {
            await refuses(client.keyValueStore(this.id).getRecord("key-10"), 403, "insufficient-permissions");
            await refuses(client.keyValueStore(this.id).listKeys(), 403, "insufficient-permissions");
        }
        await refuses(nobody.keyValueStore(this.id).setRecord({ key: "KEY", value: "x" }), 401, "token-not-provided");
        await refuses(cleo.keyValueStore(this.id).deleteRecord("key-10"), 403, "insufficient-permissions");
    },

    async delete() {
        await this.store.delete();
        assert.equal(await this.store.get(), undefined);
    },
};

for (const name of Object.keys(everything)) {
    await everything[name]();
    console.log(name);
}
