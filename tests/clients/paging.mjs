// The JavaScript client, unchanged, going through items that are filtered on the way. Run by test_javascript_paging.py,
// which sets the environment and says what is to come.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";

import { NODE_MODULES, TOLD, ada } from "./client.mjs";

const { version } = JSON.parse(readFileSync(path.join(NODE_MODULES, "apify-client", "package.json")));

// Version 2 goes on by the number of items that it was given, so that with filters it loses some, or gives some twice,
// whatever the server says. From version 3 on it goes on by what the server says that it went through.
const READS_COUNT = Number(version.split(".")[0]) >= 3;

async function iterated(dataset, options) {
    const found = [];
    for await (const item of dataset.listItems(options)) found.push(item);
    return found;
}

// What the iterator of version 3 does, with the requests of any version.
async function iteratedByCount(dataset, { chunkSize, offset, limit, ...options }) {
    const found = [];
    let [at, left] = [offset, limit ?? Infinity];
    for (;;) {
        const params = { ...dataset.params, ...options, offset: at, limit: Math.min(chunkSize, left) };
        const { data, headers } = await ada.httpClient.call({ url: dataset._url("items"), method: "GET", params });
        found.push(...data);
        const scanned = Number(headers["x-apify-pagination-count"]);
        at += scanned;
        left -= scanned;
        if (scanned === 0 || left <= 0 || at >= Number(headers["x-apify-pagination-total"])) return found;
    }
}

for (const { name, id, keepsCount, options, parameters, ways } of JSON.parse(TOLD)) {
    for (const { chunkSize, offset, limit, desc, expected } of ways) {
        const dataset = ada.dataset(id);
        dataset.params = { ...dataset.params, ...parameters };
        const iterate = READS_COUNT || keepsCount ? iterated : iteratedByCount;
        const found = await iterate(dataset, { ...options, chunkSize, offset, ...(limit && { limit }), desc });
        assert.deepEqual(found, expected, JSON.stringify({ name, chunkSize, offset, limit, desc }));
    }
    console.log(name);
}
console.log("done");
