"""The mechanics of HTTP: routes, queries, bodies, conditions and responses."""
