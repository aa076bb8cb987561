// The JavaScript client of each account, and how a refusal is asserted. The environment is that of `run_script`
// (javascript.py).
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import path from "node:path";

export const { NODE_MODULES, API_URL, ADA, CLEO, TOLD } = process.env;
export const exported = createRequire(path.join(NODE_MODULES, "_"))("apify-client");

export const clientOf = (token) =>
    new exported.ApifyClient({ baseUrl: API_URL, token, maxRetries: 1, minDelayBetweenRetriesMillis: 1 });
export const ada = clientOf(ADA);
export const cleo = clientOf(CLEO);
export const nobody = clientOf();

export const refuses = (promise, statusCode, type) =>
    assert.rejects(promise, (error) => {
        assert.deepEqual([error.statusCode, error.type], [statusCode, type], error.message);
        return true;
    });
