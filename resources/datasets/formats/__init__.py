"""The formats in which items of a dataset leave it, besides JSON: CSV, Excel, HTML, XML and RSS."""
