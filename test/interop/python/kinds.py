"""The kinds of index as pylance makes them."""


def index_type(kind):
    """Upper case is a name that pylance knows; what it has no name for goes by its IndexConfig."""
    if kind.isupper():
        return kind
    from lance.indices import IndexConfig

    return IndexConfig(kind, {})
