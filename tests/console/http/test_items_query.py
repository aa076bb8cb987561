"""What a query string asks of the items of a dataset: refusals, defaults, all of it."""

import pytest
from django.http import QueryDict

from accounts.lib.api_errors import ApiError
from console.http.items_query import parse_items_query
from resources.datasets.options import ItemsOptions


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("format=xls", "format"),
        ("format=JSON", "format"),
        ("offset=-1", "offset"),
        ("offset=1.5", "offset"),
        ("offset=x", "offset"),
        ("offset=%C2%B2", "offset"),
        ("limit=1e3", "limit"),
        ("limit=NaN", "limit"),
        ("desc=maybe", "desc"),
        ("clean=2", "clean"),
        ("bom=x", "bom"),
        ("skipHeaderRow=no", "skipHeaderRow"),
        ("delimiter=ab", "delimiter"),
        ("delimiter=%22", "delimiter"),
        ("delimiter=%0A", "delimiter"),
        ("delimiter=%00", "delimiter"),
        ("outputFields=a", "outputFields"),
        ("fields=a,b&outputFields=c", "outputFields"),
        ("fields=a,b&outputFields=c,c", "outputFields"),
        ("fields=a,b&outputFields=c,", "outputFields"),
        ("fields=" + ",".join(map(str, range(2001))), "fields"),
    ],
)
def test_a_wrong_parameter_is_refused_by_name(query, names):
    with pytest.raises(ApiError) as refused:
        parse_items_query(QueryDict(query))
    assert (refused.value.status, refused.value.type) == (400, "invalid-value")
    assert f'"{names}"' in refused.value.message


def test_the_defaults():
    assert parse_items_query(QueryDict("")) == ItemsOptions()
    assert parse_items_query(QueryDict("format=&limit=&fields=,&desc=&bom=&delimiter=")) == ItemsOptions()


def test_all_parameters():
    query = QueryDict(
        "format=csv&offset=5&limit=10&desc=1&fields=a,b&outputFields=x,y&omit=c&unwind=d,e&flatten=f&clean=true"
        "&skipFailedPages=1&delimiter=%3B&bom=0&skipHeaderRow=TRUE"
    )
    assert parse_items_query(query) == ItemsOptions(
        format="csv",
        offset=5,
        limit=10,
        desc=True,
        fields=("a", "b"),
        output_fields=("x", "y"),
        omit=("c",),
        unwind=("d", "e"),
        flatten=("f",),
        skip_empty=True,
        skip_hidden=True,
        skip_failed_pages=True,
        delimiter=";",
        bom=False,
        skip_header_row=True,
    )
