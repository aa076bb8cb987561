"""What the pages of the three storages share, and the links to them."""
