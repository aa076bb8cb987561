"""The SQL of lists: the rules, each a statement of its own, and the pages and totals that are made of them."""
