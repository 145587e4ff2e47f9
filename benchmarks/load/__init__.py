"""Load on a model server: who calls when, what comes of it, and what the server says of itself."""
