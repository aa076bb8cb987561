"""What can be asked of the items of a dataset."""

from dataclasses import dataclass, replace

from resources.datasets.scanning import Window


@dataclass(frozen=True, slots=True)
class ItemsOptions:
    """What is wanted of a dataset's items, and in which form.

    `format` is a name of `formats.FORMATS`. `limit` None means all, `bom` None what is usual for the format. Fields
    are named as they stand at the top level of an item; after `flatten`, by the dotted names that it makes. `labels`
    are pairs of such a name, as it leaves, and what a table calls its column.
    """

    format: str = "json"
    offset: int = 0
    limit: int | None = None
    desc: bool = False
    fields: tuple[str, ...] = ()
    output_fields: tuple[str, ...] = ()
    omit: tuple[str, ...] = ()
    unwind: tuple[str, ...] = ()
    flatten: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    skip_empty: bool = False
    skip_hidden: bool = False
    skip_failed_pages: bool = False
    delimiter: str = ","
    bom: bool | None = None
    skip_header_row: bool = False
    xml_root: str = "items"
    xml_row: str = "item"
    feed_title: str = ""
    feed_description: str = ""
    feed_link: str = ""

    def about(self, dataset_id: str, label: str, link: str) -> "ItemsOptions":
        """Return the options with what a feed says of the dataset, unless it was asked to say something else."""
        return replace(
            self,
            feed_title=self.feed_title or f"Dataset {label}",
            feed_description=self.feed_description or f'Items in dataset with id "{dataset_id}".',
            feed_link=self.feed_link or link,
        )

    @property
    def window(self) -> Window:
        """Which items are asked for."""
        return Window(self.offset, self.limit, self.desc)

    @property
    def plain(self) -> bool:
        """Whether items leave as they came: nothing picked, left out or changed."""
        return not (
            self.fields
            or self.omit
            or self.unwind
            or self.flatten
            or self.skip_empty
            or self.skip_hidden
            or self.skip_failed_pages
        )
