"""The addresses of key-value stores: written once, and mounted wherever a store can be reached."""

from django.urls import path

from console.api.key_value_stores import keys as key_value_store_keys
from console.api.key_value_stores import records as key_value_store_records
from console.api.key_value_stores import views as key_value_stores
from console.http.endpoint import endpoint

# Below whatever names one store. A key may hold anything here, so that a wrong one is told what is wrong with it.
of_one_store = [
    path(
        "/records/<path:key>",
        endpoint(
            GET=key_value_store_records.read_record,
            PUT=key_value_store_records.write_record,
            POST=key_value_store_records.write_record,
            DELETE=key_value_store_records.delete_record,
        ),
    ),
    path("/records", endpoint(GET=key_value_store_records.download_all)),
    path("/keys", endpoint(GET=key_value_store_keys.list_keys)),
    path("", endpoint(GET=key_value_stores.show, PUT=key_value_stores.update, DELETE=key_value_stores.delete)),
]

of_all_stores = [
    path("", endpoint(GET=key_value_stores.list_stores, POST=key_value_stores.get_or_create)),
]
