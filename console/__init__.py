"""How it is reached: settings, URLs, the pages and the HTTP API."""
