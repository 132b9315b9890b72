"""A store of Parquet files with a journal before them."""
