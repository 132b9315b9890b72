"""Journal segments become Parquet files."""
