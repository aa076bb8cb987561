// The JavaScript client, unchanged, with datasets and accounts. Run by test_javascript.py, which sets the environment.
import assert from "node:assert/strict";

import { ada, cleo, clientOf, nobody, refuses } from "./client.mjs";

const items = Array.from({ length: 25 }, (_, n) => ({ n, name: `Nº ${n}`, "#hidden": n }));

const everything = {
    async getOrCreate() {
        const made = await ada.datasets().getOrCreate("prices");
        assert.equal(made.name, "prices");
        assert.ok(made.createdAt instanceof Date);
        assert.equal((await ada.datasets().getOrCreate("prices")).id, made.id);
        assert.equal((await ada.datasets().getOrCreate()).name, null);
        await refuses(nobody.datasets().getOrCreate("prices"), 401, "token-not-provided");
        await refuses(ada.datasets().getOrCreate("not a name"), 400, "invalid-value");
        this.id = made.id;
        this.dataset = ada.dataset(made.id);
    },

    async pushAndRead() {
        await this.dataset.pushItems(items);
        await this.dataset.pushItems({ n: 25 });
        await this.dataset.pushItems(JSON.stringify([{ n: 26 }]));
        const page = await this.dataset.listItems({ offset: 5, limit: 3, desc: false });
        assert.deepEqual(page.items, items.slice(5, 8));
        assert.deepEqual([page.total, page.offset, page.limit, page.count, page.desc], [27, 5, 3, 3, false]);
        assert.equal((await this.dataset.listItems({ limit: 0 })).items.length, 27);
        assert.deepEqual((await this.dataset.listItems({ desc: true, limit: 1 })).items, [{ n: 26 }]);
        assert.deepEqual((await this.dataset.listItems({ clean: true, fields: ["n"], limit: 1 })).items, [{ n: 0 }]);
        await this.dataset.pushItems(Array.from({ length: 100 }, (_, n) => ({ n: 27 + n, text: "x".repeat(500) })));
        await refuses(this.dataset.pushItems(["text"]), 400, "invalid-input");
    },

    async iterate() {
        const seen = [];
        for await (const item of this.dataset.listItems({ chunkSize: 10 })) seen.push(item.n);
        assert.deepEqual(seen, Array.from({ length: 127 }, (_, n) => n));
    },

    async download() {
        const csv = await this.dataset.downloadItems("csv", { fields: ["n", "name"], limit: 1, bom: false });
        assert.match(csv.toString(), /^"?n"?,"?name"?\r?\n"?0"?,"?Nº 0"?/);
        const json = JSON.parse((await this.dataset.downloadItems("json", { limit: 2 })).toString());
        assert.deepEqual(json, items.slice(0, 2));
    },

    async getAndStatistics() {
        const seen = await this.dataset.get();
        assert.deepEqual([seen.itemCount, seen.username, seen.generalAccess], [127, "ada", "FOLLOW_USER_SETTING"]);
        assert.ok(seen.stats.writeCount > 0);
        assert.equal((await ada.dataset("ada/prices").get()).id, this.id);
        assert.equal((await this.dataset.getStatistics()).fieldStatistics.n.max, 126);
        assert.equal(await ada.dataset("0".repeat(17)).get(), undefined);
    },

    async update() {
        const changed = await this.dataset.update({ name: "costs", title: "Costs", generalAccess: "RESTRICTED" });
        assert.deepEqual([changed.name, changed.title, changed.generalAccess], ["costs", "Costs", "RESTRICTED"]);
        await refuses(this.dataset.update({ generalAccess: "PUBLIC" }), 400, "invalid-value");
        await refuses(cleo.dataset(this.id).update({ name: "mine" }), 403, "insufficient-permissions");
        await refuses(nobody.dataset(this.id).update({ name: "mine" }), 401, "token-not-provided");
    },

    async share() {
        for (const other of [cleo, nobody]) {
            await this.dataset.update({ generalAccess: "RESTRICTED" });
            await refuses(other.dataset(this.id).get(), 403, "insufficient-permissions");
            await refuses(other.dataset(this.id).listItems(), 403, "insufficient-permissions");
            assert.equal(await other.dataset("ada/costs").get(), undefined);
            await this.dataset.update({ generalAccess: "ANYONE_WITH_ID_CAN_READ" });
            assert.equal((await other.dataset(this.id).listItems({ limit: 2 })).count, 2);
            await refuses(other.dataset("ada/costs").listItems(), 404, "record-not-found");
            await this.dataset.update({ generalAccess: "ANYONE_WITH_NAME_CAN_READ" });
            assert.equal((await other.dataset("ada/costs").listItems({ limit: 2 })).count, 2);
        }
    },

    async list() {
        const page = await ada.datasets().list();
        assert.deepEqual([page.total, page.items[0].name], [1, "costs"]);
        assert.equal((await ada.datasets().list({ unnamed: true, desc: true, limit: 1 })).items[0].name, "");
        assert.equal((await cleo.datasets().list({ unnamed: true, ownership: "sharedWithMe" })).total, 0);
        const names = [];
        for await (const each of ada.datasets().list({ unnamed: true })) names.push(each.name);
        assert.deepEqual(names, ["costs", ""]);
        await refuses(nobody.datasets().list(), 401, "token-not-provided");
    },

    async users() {
        assert.equal((await ada.user().get()).email, "ada@example.com");
        assert.deepEqual(await nobody.user("ada").get(), { username: "ada", profile: { name: "ada" } });
        assert.equal(await nobody.user("nobody-here").get(), undefined);
        await refuses(clientOf("latchkey_api_wrong").user().get(), 401, "user-or-token-not-found");
    },

    async delete() {
        await refuses(cleo.dataset(this.id).delete(), 403, "insufficient-permissions");
        await this.dataset.delete();
        assert.equal(await this.dataset.get(), undefined);
        await this.dataset.delete();
    },
};

for (const [name, step] of Object.entries(everything)) {
    if (typeof step !== "function") continue;
    await step.call(everything);
    console.log(name);
}
