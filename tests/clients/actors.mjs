// The JavaScript client, unchanged, with Actors, versions, variables, builds and the Store. Run by
// test_javascript_actors.py, which sets the environment.
import assert from "node:assert/strict";

import { ada, cleo, nobody, refuses } from "./client.mjs";

const sourceFiles = [{ name: "main.js", format: "TEXT", content: "console.log(1)" }];

const everything = {
    async collection() {
        const versions = [{ versionNumber: "0.1", sourceType: "SOURCE_FILES", sourceFiles, buildTag: "latest" }];
        const made = await ada.actors().create({ name: "prices", title: "Prices", versions });
        assert.deepEqual([made.name, made.title, made.isPublic], ["prices", "Prices", false]);
        assert.ok(made.createdAt instanceof Date);
        assert.deepEqual((await ada.actors().list({ my: true, desc: true })).items.map(({ id }) => id), [made.id]);
        assert.equal((await ada.actors().list({ sortBy: "stats.lastRunStartedAt" })).total, 1);
        assert.equal((await cleo.actors().list()).total, 0);
        await refuses(nobody.actors().list(), 401, "token-not-provided");
        await refuses(ada.actors().create({ name: "prices" }), 400, "actor-name-not-unique");
        this.id = made.id;
        this.actor = ada.actor(made.id);
    },

    async settings() {
        const changed = await this.actor.update({ description: "Finds prices.", defaultRunOptions: { memoryMbytes: 256 } });
        assert.deepEqual([changed.description, changed.defaultRunOptions.memoryMbytes], ["Finds prices.", 256]);
        assert.equal((await ada.actor("ada/prices").get()).id, this.id);
        assert.equal(await cleo.actor(this.id).get(), undefined);
        await refuses(cleo.actor(this.id).update({ title: "mine" }), 404, "record-not-found");
    },

    async namesWithCapitals() {
        const made = await ada.actors().create({ name: "My-Scraper" });
        assert.equal(made.name, "My-Scraper");
        assert.equal((await ada.actor("ada/MY-scraper").get()).id, made.id);
        await refuses(ada.actors().create({ name: "my-scraper" }), 400, "actor-name-not-unique");
        await ada.actor(made.id).delete();
    },

    async versions() {
        const made = await this.actor.versions().create({ versionNumber: "0.2", sourceType: "SOURCE_FILES", sourceFiles });
        assert.deepEqual(made.sourceFiles, sourceFiles);
        assert.deepEqual((await this.actor.versions().list()).items.map((each) => each.versionNumber), ["0.1", "0.2"]);
        const version = this.actor.version("0.2");
        assert.equal((await version.update({ buildTag: "beta" })).buildTag, "beta");
        assert.equal((await version.get()).buildTag, "beta");
        await version.delete();
        assert.equal(await version.get(), undefined);
        await refuses(this.actor.version("0.1").delete(), 400, "too-few-versions");
    },

    async variables() {
        const version = this.actor.version("0.1");
        const secret = await version.envVars().create({ name: "PASSWORD", value: "hunter2", isSecret: true });
        assert.deepEqual(secret, { name: "PASSWORD", isSecret: true });
        await version.envVars().create({ name: "LEVEL", value: "debug" });
        assert.equal((await version.envVar("LEVEL").update({ name: "LEVEL", value: "info" })).value, "info");
        assert.deepEqual((await version.envVars().list()).items.map(({ value }) => value), ["info", undefined]);
        await version.envVar("LEVEL").delete();
        assert.equal(await version.envVar("LEVEL").get(), undefined);
    },

    async builds() {
        const first = await this.actor.build("0.1");
        assert.deepEqual([first.status, first.buildNumber], ["READY", "0.1.1"]);
        assert.equal((await ada.build(first.id).abort()).status, "ABORTED");
        const second = await this.actor.build("0.1", { waitForFinish: 10, tag: "latest" });
        assert.equal(second.status, "SUCCEEDED");
        assert.ok(second.finishedAt instanceof Date);
        assert.equal((await ada.build(second.id).waitForFinish({ waitSecs: 5 })).status, "SUCCEEDED");
        assert.equal((await ada.build(second.id).get()).actVersion.versionNumber, "0.1");
        assert.equal((await ada.build(second.id).getOpenApiDefinition()).info.version, "0.1.2");
        assert.equal((await (await this.actor.defaultBuild()).get()).id, second.id);
        assert.equal((await this.actor.get()).taggedBuilds.latest.buildId, second.id);
        for (const collection of [ada.builds(), this.actor.builds()]) {
            assert.deepEqual((await collection.list({ desc: true })).items.map(({ id }) => id), [second.id, first.id]);
        }
        await refuses(ada.build(second.id).delete(), 400, "deleting-default-build");
        await ada.build(first.id).delete();
        assert.equal(await ada.build(first.id).get(), undefined);
        this.build = second.id;
    },

    async store() {
        assert.equal((await nobody.store().list()).total, 0);
        await this.actor.update({ isPublic: true });
        const { items } = await nobody.store().list({ search: "price", sortBy: "newest", username: "ada" });
        assert.deepEqual(items.map(({ id, title }) => [id, title]), [[this.id, "Prices"]]);
        assert.equal((await nobody.actor("ada/prices").get()).versions[0].envVars, undefined);
        await refuses(cleo.actor(this.id).build("0.1"), 403, "insufficient-permissions");
    },

    async delete() {
        await this.actor.delete();
        assert.equal(await this.actor.get(), undefined);
        assert.equal(await ada.build(this.build).get(), undefined);
    },
};

for (const [name, run] of Object.entries(everything)) {
    await run.call(everything);
    console.log(name);
}
