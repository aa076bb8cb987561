"""The HTTP API, wire-compatible with the Apify API v2."""
