"""What a dataset looks like: figures as PNG files, and one page that holds them all."""
